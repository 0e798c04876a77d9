"""The made workload looks like a company's traffic, and is the same bytes for the same seed and end."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from tracemart.errors import BadInputError
from tracemart.standin.rows import Observation, dollars
from tracemart.standin.timestamps import to_datetime, utc_date
from tracemart.standin.workloads import Workload, WorkloadSpec, make_workload, workload_projects
from tracemart.standin.workloads.anomalies import QUIET_DAYS, plant
from tracemart.standin.workloads.catalogue import AGENTS
from tracemart.standin.workloads.sizes import CODE, CONVERSATION
from tracemart.standin.workloads.truth import truth_of

from .azure_logs import azure_log

END = datetime(2026, 11, 22, tzinfo=UTC)
PERCENTS = (10, 25, 50, 75, 90, 95, 99)

HASH_OF_ALL_PAGES = """
import hashlib, sys
from datetime import UTC, datetime
from starlette.testclient import TestClient
from tracemart.standin.app import make_app
from tracemart.standin.store import KeyPair
from tracemart.standin.workloads import make_workload
workload = make_workload(observations=2000, days=40, seed=int(sys.argv[1]), end=datetime(2026, 11, 22, tzinfo=UTC))
keys = {project.id: KeyPair("pk-" + project.id, "sk") for project in workload.projects}
digest = hashlib.sha256()
with TestClient(make_app(workload.store(keys))) as client:
    for pair in keys.values():
        for path, fields in (("v2/observations", "basic,time,io,metadata,model,usage,prompt,metrics,trace_context"),
                             ("v3/scores", "details,subject,annotation")):
            params = {"limit": 100, "fields": fields}
            while True:
                answer = client.get("/api/public/" + path, params=params, auth=(pair.public_key, "sk"))
                digest.update(answer.content)
                params["cursor"] = answer.json()["meta"].get("cursor")
                if params["cursor"] is None:
                    break
        digest.update(client.get("/api/public/v2/prompts?limit=100", auth=(pair.public_key, "sk")).content)
print(digest.hexdigest())
"""


def hash_of_all_pages(seed: int, hash_seed: str) -> str:
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", HASH_OF_ALL_PAGES, str(seed)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def workload() -> Workload:
    return make_workload(observations=20_000, days=63, seed=11, end=END)


def rows_of(workload: Workload) -> list[Observation]:
    return [row for rows in workload.rows.values() for row in rows.observations]


def generations(workload: Workload) -> list[Observation]:
    return [row for row in rows_of(workload) if row.type == "GENERATION"]


def test_same_seed_and_end_give_the_same_bytes_whatever_pythons_hash_seed() -> None:
    first = hash_of_all_pages(5, "0")
    assert hash_of_all_pages(5, "12345") == first
    assert hash_of_all_pages(6, "0") != first


def test_the_end_is_cut_to_its_midnight() -> None:
    at_midnight = make_workload(observations=500, days=20, seed=3, end=END)
    in_the_morning = make_workload(observations=500, days=20, seed=3, end=END + timedelta(hours=5))
    assert at_midnight.as_of == in_the_morning.as_of == END
    assert at_midnight.rows == in_the_morning.rows


def test_it_has_about_the_observations_asked_for_on_the_days_asked_for(workload: Workload) -> None:
    rows = rows_of(workload)
    assert 0.95 < len(rows) / 20_000 < 1.2, "planted anomalies come on top"
    assert {utc_date(row.start_ms) for row in rows} == {
        (END - timedelta(days=number + 1)).date() for number in range(63)
    }
    assert len({(row.context.trace_id, row.id) for row in rows}) == len(rows)


def test_every_trace_has_one_root_and_its_rows_hang_together(workload: Workload) -> None:
    traces: dict[str, list[Observation]] = defaultdict(list)
    for row in rows_of(workload):
        traces[row.context.trace_id].append(row)
    for rows in traces.values():
        ids = {row.id for row in rows}
        (root,) = (row for row in rows if row.parent_id is None)
        assert root.is_root
        assert all(row.parent_id in ids for row in rows if row is not root)
        assert root.end_ms >= max(row.end_ms for row in rows)
        assert all(row.start_ms >= root.start_ms for row in rows)
        assert all(row.completion_ms is None or row.start_ms <= row.completion_ms <= row.end_ms for row in rows)


def test_five_in_a_hundred_calls_fail_and_say_why(workload: Workload) -> None:
    quiet = [row for row in generations(workload) if utc_date(row.start_ms) < END.date() - timedelta(days=35)]
    failed = [row for row in quiet if row.level == "ERROR"]
    assert 0.04 < len(failed) / len(quiet) < 0.065
    assert all(row.status_message for row in failed)


def test_two_or_three_traces_in_a_hundred_cannot_be_attributed(workload: Workload) -> None:
    roots = [row for row in rows_of(workload) if row.is_root]
    lost = [row for row in roots if not row.context.metadata.stored]
    assert 0.015 < len(lost) / len(roots) < 0.035
    assert all(row.context.tags == () and row.context.user_id == "" for row in lost)
    kept = next(row for row in roots if row.context.metadata.stored)
    assert set(kept.context.metadata.whole()) == {"department", "team", "agent", "feature"}


def test_traffic_follows_the_working_week_the_clock_and_grows(workload: Workload) -> None:
    office = [row for row in rows_of(workload) if row.context.metadata.whole().get("agent") == "code-reviewer"]
    by_day = Counter(to_datetime(row.start_ms).weekday() for row in office)
    by_hour = Counter(to_datetime(row.start_ms).hour for row in office)
    assert by_day[5] + by_day[6] < 0.5 * (by_day[1] + by_day[2])
    assert sum(by_hour[hour] for hour in range(8, 17)) > 0.75 * len(office)
    days = Counter(utc_date(row.start_ms) for row in rows_of(workload))
    weeks = [sum(days[END.date() - timedelta(days=7 * week + day + 1)] for day in range(7)) for week in range(9)]
    assert weeks[0] + weeks[1] > 1.1 * (weeks[7] + weeks[8])


def test_all_kinds_of_rows_providers_and_scores_appear(workload: Workload) -> None:
    assert {row.type for row in rows_of(workload)} == {
        "AGENT", "SPAN", "GENERATION", "TOOL", "RETRIEVER", "EMBEDDING",
    }  # fmt: skip
    usage = {key for row in generations(workload) for key in row.usage_keys}
    assert {"input_cached_tokens", "cache_read_input_tokens", "output_reasoning_tokens"} <= usage
    assert {row.tier_name for row in generations(workload)} >= {"Standard", "Fast mode", "Flex", None}
    assert {row.context.environment for row in rows_of(workload)} == {"production", "staging"}
    scores = {(score.name, score.data_type) for rows in workload.rows.values() for score in rows.scores}
    assert scores == {("quality", "NUMERIC"), ("task_success", "BOOLEAN"), ("user_feedback", "CATEGORICAL")}
    unpriced = [row for row in generations(workload) if row.model == "llama-3.3-70b-instruct"]
    assert unpriced
    assert all(row.cost_values == () and row.model_id == "" for row in unpriced)
    users = {row.context.user_id for row in rows_of(workload)} - {""}
    assert 60 <= len(users) <= 120


def test_quality_falls_with_failures_and_no_score_comes_after_the_end(workload: Workload) -> None:
    failed = {row.context.trace_id for row in generations(workload) if row.level == "ERROR"}
    values: dict[bool, list[float]] = {True: [], False: []}
    for rows in workload.rows.values():
        for score in rows.scores:
            assert to_datetime(score.timestamp_ms) < END
            if score.name == "quality" and isinstance(score.value, float) and score.trace_id:
                values[score.trace_id in failed].append(score.value)
    assert np.mean(values[True]) < np.mean(values[False]) - 0.1
    assert all(0 <= value <= 1 for value in values[True] + values[False])


def test_truth_is_the_sum_of_the_rows_to_the_last_digit(workload: Workload) -> None:
    truth = truth_of(workload)
    calls = [row for row in rows_of(workload) if row.is_call()]
    cost = sum((dollars(row.cost().get("total", 0)) for row in calls), Decimal(0))
    assert Decimal(truth["totals"]["cost_usd"]) == cost
    assert truth["totals"]["calls"] == len(calls)
    assert sum((Decimal(cell["cost_usd"]) for cell in truth["cells"]), Decimal(0)) == cost
    assert sum((Decimal(project["cost_usd"]) for project in truth["projects"].values()), Decimal(0)) == cost
    assert sum(cell["calls"] for cell in truth["cells"]) == len(calls)
    assert truth["totals"]["tokens"]["total"] == sum(row.usage().get("total", 0) for row in calls)


@pytest.mark.parametrize("days", [40, 63, 90, 180])
def test_anomalies_leave_the_first_four_weeks_alone(days: int) -> None:
    first = END.date() - timedelta(days=days)
    planted = plant(first, days)
    assert len(planted) == min(10, (days - 31) // 5)
    assert all(first + timedelta(days=QUIET_DAYS) <= day < END.date() - timedelta(days=2) for day in planted)
    assert all(day.weekday() in (1, 2, 3) for day in planted)
    assert all(later > earlier for earlier, later in pairwise(sorted(planted)))


def test_ninety_days_hold_ten_anomalies_each_plain_to_see_in_its_series() -> None:
    anomalies = truth_of(make_workload(observations=60_000, days=90, seed=4, end=END))["anomalies"]
    assert len(anomalies) == 10
    assert {anomaly["level"] for anomaly in anomalies} == {"agent", "model", "project", "total"}
    for anomaly in anomalies:
        (felt,) = (
            series for series in anomaly["felt_in"]
            if (series["level"], series["key"], series["metric"])
            == (anomaly["level"], anomaly["key"], anomaly["metric"])
        )  # fmt: skip
        assert felt["ratio"] > 2 if anomaly["factor"] > 1 else felt["ratio"] < 0.2, anomaly


def test_a_short_workload_has_no_anomalies() -> None:
    assert make_workload(observations=400, days=20, seed=1, end=END).anomalies == []


@pytest.mark.parametrize(
    "sizes",
    [{"days": 0}, {"days": 50, "observations": 49}, {"observations": 10**9}, {"seed": -1}, {"days": 10**6}],
)
def test_sizes_that_make_no_workload_are_refused_in_a_sentence(sizes: dict[str, int]) -> None:
    with pytest.raises(BadInputError, match=r"a made workload needs .*\.$"):
        make_workload(**{"observations": 1000, "days": 10, "seed": 1, **sizes}, end=END)  # type: ignore[arg-type]


def test_the_projects_are_known_before_anything_is_made(workload: Workload) -> None:
    assert workload_projects(WorkloadSpec()) == workload.projects


@pytest.mark.parametrize(("name", "table"), [("conv", CONVERSATION), ("code", CODE)])
def test_sizes_follow_the_azure_logs_within_ten_percent(name: str, table: object) -> None:
    """p10 to p99 of prompt and answer tokens, each within 10 % of the real ones, or 3 tokens where they are few."""
    with azure_log(name).open(encoding="utf-8") as file:
        real = list(csv.DictReader(file))
    made = make_workload(observations=60_000, days=28, seed=1, end=END)
    names = {agent.name for agent in AGENTS if agent.sizes is table}
    calls = [
        row for row in generations(made)
        if row.level == "DEFAULT" and row.context.metadata.whole().get("agent") in names
    ]  # fmt: skip
    answers = [sum(v for key, v in row.usage().items() if "output" in key) for row in calls]
    prompts = [row.usage()["total"] - answer for row, answer in zip(calls, answers, strict=True)]
    for column, sizes in (("ContextTokens", prompts), ("GeneratedTokens", answers)):
        wanted = np.percentile([int(row[column]) for row in real], PERCENTS)
        found = np.percentile(sizes, PERCENTS)
        print(name, column, "real", wanted.round(), "made", found.round(), "ratio", (found / wanted).round(3))
        assert np.all(np.abs(found - wanted) <= np.maximum(0.1 * wanted, 3)), (column, wanted, found)
