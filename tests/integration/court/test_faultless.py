"""Where nothing is wrong, no call is removed and none corrected."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as chosen
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import INSTANCE, Raw, observation
from tests.integration.court.conftest import SECOND, call, verdicts
from tests.integration.extract.conftest import Served, served, settings
from tracemart.extract.step import extract
from tracemart.settings import Settings

__all__ = ["served", "settings"]

Build = Callable[..., int | None]
RECORDINGS = Path(__file__).parents[2] / "recordings"
KEYS = (
    ("input", "input_cached_tokens", "output", "output_reasoning_tokens"),
    ("input", "cache_read_input_tokens", "output", "cache_creation_input_tokens"),
    ("input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_tokens"),
    ("prompt_tokens", "input_cached_tokens", "completion_tokens", "audio"),
)
SCOPES = ("langfuse-sdk", "openinference.instrumentation.openai", None)


@st.composite
def usages(draw: st.DrawFn) -> dict[str, int]:
    """Each token under one key; the total is their sum, or is not told."""
    whole, cached, out, further = draw(st.sampled_from(KEYS))
    tokens = draw(st.integers(1, 40))
    usage = {whole: tokens, out: draw(st.integers(1, 20))}
    # More, fewer or as many as those that were not cached.
    if draw(st.booleans()):
        usage[cached] = draw(st.sampled_from([tokens, tokens + 7, max(1, tokens - 7), 17817]))
    if draw(st.booleans()):
        usage[further] = draw(st.integers(1, 20))
    if draw(st.booleans()):
        usage["total"] = sum(usage.values())
    return usage


@st.composite
def traces(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Nested agents, prompts side by side, retries, refusals, embeddings; all by one instrumentation a trace."""
    scope = draw(st.sampled_from(SCOPES))
    metadata = Jsonb({"scope": {"name": scope}, "cache_hit": False} if scope else {})
    day, parents, rows = draw(st.floats(0, 1.9)), [None], []

    def add(name: str, row: dict[str, Any]) -> None:
        rows.append(row | {"metadata": metadata, "parent_observation_id": draw(st.sampled_from(parents))})
        if row["type"] in ("SPAN", "AGENT", "TOOL"):
            parents.append(row["id"])

    for number in range(draw(st.integers(1, 7))):
        name = f"{number}"
        match draw(st.sampled_from(["step", "chat", "side by side", "retry", "refused", "embedding", "nested"])):
            case "step":
                kind = draw(st.sampled_from(["SPAN", "AGENT", "TOOL"]))
                add(name, observation("t", name, day, type=kind))
            case "chat":
                add(name, call("t", name, day, draw(usages()), {"input": "0.01", "output": "0.02"}))
            case "side by side":
                usage = draw(usages())
                for twin in "abc":
                    add(name, call("t", f"{name}{twin}", day, usage, {"input": "0.01"}))
            case "retry":
                usage = draw(usages())
                add(name, call("t", f"{name}a", day, {}, level="ERROR", seconds=30))
                add(name, call("t", f"{name}b", day + 30 * SECOND, usage))
            case "refused":
                add(name, call("t", name, day, {}, level="ERROR"))
            case "embedding":
                for twin in "ab":
                    add(name, call("t", f"{name}{twin}", day, {"input": 8, "total": 8}, type="EMBEDDING"))
            case _:
                # A call that makes calls of its own, more than it used itself.
                own = call("t", name, day, {"input": 3, "output": 1, "total": 4})
                add(name, own)
                for twin in "ab":
                    rows.append(
                        call("t", f"{name}{twin}", day, {"input": 2, "output": 1, "total": 3}, metadata=metadata)
                        | {"parent_observation_id": own["id"]}
                    )
    return rows


def drawn(count: int) -> list[dict[str, Any]]:
    """`count` traces, always the same ones: one build judges them all."""
    found: list[list[dict[str, Any]]] = []

    @chosen(
        max_examples=count, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(traces())
    def collect(rows: list[dict[str, Any]]) -> None:
        found.append(rows)

    collect()
    return [
        row
        | {"trace_id": f"t{number}", "id": f"t{number}-{row['id']}"}
        | ({"parent_observation_id": f"t{number}-{parent}"} if (parent := row["parent_observation_id"]) else {})
        for number, rows in enumerate(found)
        for row in rows
    ]


def recorded() -> Iterator[dict[str, Any]]:
    """Observations that a real server answered with, each once."""
    seen = set()
    for file in sorted(RECORDINGS.glob("*.json")):
        for item in listed(json.loads(file.read_text())):
            key = (item["traceId"], item["id"])
            if key not in seen and item.get("startTime") and isinstance(item.get("usageDetails"), dict):
                seen.add(key)
                yield item


def listed(answer: Any) -> Iterator[dict[str, Any]]:
    if isinstance(answer, dict):
        if "usageDetails" in answer and "traceId" in answer:
            yield answer
        answer = list(answer.values())
    if isinstance(answer, list):
        for each in answer:
            yield from listed(each)


def of_a_real_server() -> list[dict[str, Any]]:
    rows = []
    for item in recorded():
        start = datetime.fromisoformat(item["startTime"]).astimezone(UTC)
        end = datetime.fromisoformat(item["endTime"]).astimezone(UTC) if item.get("endTime") else start
        began = item.get("completionStartTime")
        rows.append(
            observation(item["traceId"], item["id"], 0, type=item.get("type", "SPAN"), model=item.get("model"))
            | {
                "id": item["id"],
                "instance": INSTANCE,
                "level": item.get("level") or "DEFAULT",
                "parent_observation_id": item.get("parentObservationId"),
                "metadata": Jsonb(item.get("metadata") or {}),
                "start_time": start,
                "end_time": end,
                "completion_start_time": datetime.fromisoformat(began).astimezone(UTC) if began else None,
                "latency_seconds": (end - start) / timedelta(seconds=1),
                "usage_details": Jsonb(item["usageDetails"]),
                "cost_details": Jsonb(item.get("costDetails") or {}),
                "total_cost": Decimal(str(item.get("totalCost") or 0)),
            }
        )
    return rows


@pytest.mark.slow
def test_calls_that_nothing_is_wrong_with_stand_as_recorded(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    rows = drawn(150)
    assert len(rows) > 400
    raw.load("observations", rows)
    built()
    assert verdicts(owner) == {}
    counted = owner.execute("select count(*) from marts.fct_generations where is_counted").fetchone()
    calls = owner.execute("select count(*) from raw.observations where model is not null").fetchone()
    assert counted == calls
    assert owner.execute("select count(*) from marts.fct_duplicate_calls").fetchone() == (0,)


@pytest.mark.slow
def test_of_a_real_servers_calls_refused_ones_alone_are_found(
    raw: Raw, built: Build, owner: psycopg.Connection
) -> None:
    rows = of_a_real_server()
    assert len(rows) == 100
    raw.load("observations", rows)
    built()
    assert {
        observation_id: rule
        for observation_id, rule in verdicts(owner).items()
        if rule not in ("failed_call_billed", "synthetic_root")
    } == {}
    # That server priced what had failed.
    billed = owner.execute(
        "select level, output_tokens, cost_usd from marts.fct_generations as calls"
        " inner join marts.fct_duplicate_calls using (observation_id) where duplicate_rule = 'failed_call_billed'"
    ).fetchall()
    assert set(billed) <= {("ERROR", 0, Decimal(0))}


@pytest.mark.slow
def test_the_made_workload_has_no_fault(
    served: Served, settings: Settings, built: Build, owner: psycopg.Connection
) -> None:
    for project in served.projects:
        extract(settings, project)
    built(settings)
    assert verdicts(owner) == {}
    assert owner.execute("select count(*) > 1000 from marts.fct_generations where is_counted").fetchone() == (True,)
