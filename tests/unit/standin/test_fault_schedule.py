"""A schedule of faults is a plain value: it survives JSON, refuses nonsense, and picks alike each time."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import BadInputError
from tracemart.standin.faults import Fault, FaultRun, FaultSchedule, all_faults, read_schedule
from tracemart.standin.faults.dice import chance
from tracemart.standin.faults.limits import bucket_of
from tracemart.standin.store import Store


def test_a_schedule_survives_json(tmp_path: Path) -> None:
    schedule = all_faults(7, window_rows=500, payload_bytes=5_000_000)
    file = tmp_path / "faults.json"
    file.write_bytes(msgspec.json.encode(schedule))
    assert read_schedule(file) == schedule


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"faults": [{"kind": "cut", "probability": 2}]}', "faults\\[0\\].probability"),
        ('{"faults": [{"kind": "slow", "seconds": 86401}]}', "faults\\[0\\].seconds"),
        ('{"changes": [{"kind": "late", "shares": 0.5}]}', "unknown field `shares`"),
        ('{"rate_limits": {"plan": "enterprise"}}', "rate_limits.plan"),
        ("[]", "is no schedule of faults"),
        ("{", "is no schedule of faults"),
    ],
)
def test_nonsense_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "faults.json"
    file.write_text(text)
    with pytest.raises(BadInputError, match=says):
        read_schedule(file)


def hits(fault: Fault, requests: int, seed: int = 0) -> list[int]:
    run = FaultRun(FaultSchedule(faults=(fault,), seed=seed), Store({}, {}))
    return [number for number in range(1, requests + 1) if run.faults_of("v2/observations")]


def test_a_fault_comes_where_any_of_its_rules_says_so_and_at_most_so_often() -> None:
    assert hits(Fault(kind="cut", at=(2, 3), every=5), 12) == [2, 3, 5, 10]
    assert hits(Fault(kind="cut", at=(2, 3), every=5, times=3), 12) == [2, 3, 5]
    assert hits(Fault(kind="cut", path="v3"), 12) == []
    assert hits(Fault(kind="cut", probability=1.0, times=2), 12) == [1, 2]


@given(seed=st.integers(0, 2**32 - 1))
def test_chance_is_the_same_for_a_seed_and_near_its_share(seed: int) -> None:
    fault = Fault(kind="cut", probability=0.3)
    assert hits(fault, 300, seed) == hits(fault, 300, seed)
    assert 45 < len(hits(fault, 300, seed)) < 140


def test_chance_depends_on_what_it_is_about() -> None:
    assert len({chance(1, "a", number) for number in range(1000)}) == 1000
    assert chance(1, "a") != chance(2, "a")


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        ("v2/observations", "public-api"), ("v3/scores", "public-api"), ("models", "public-api"),
        ("experiments", "public-api"), ("v2/scores", "public-api"), ("scores", "public-api"),
        ("traces/abc", "public-api-legacy"), ("observations", "public-api-legacy"), ("sessions", "public-api-legacy"),
        ("v2/metrics", "public-api-v2-metrics"), ("metrics", "public-api-metrics"),
        ("metrics/daily", "public-api-daily-metrics-legacy"), ("v2/datasets", "datasets"),
        ("otel/v1/traces", "ingestion"), ("ingestion", "ingestion"),
        ("projects", None), ("health", None), ("v2/prompts/a%2Fb", None),
    ],
)  # fmt: skip
def test_each_path_has_its_bucket(path: str, bucket: str | None) -> None:
    assert bucket_of(path) == bucket
