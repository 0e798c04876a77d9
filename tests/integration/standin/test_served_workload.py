"""What a client reads from the served workload adds up to its truth, by rows and by metrics."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tracemart.standin.timestamps import to_iso
from tracemart.standin.workloads import Workload
from tracemart.standin.workloads.truth import truth_of

from .conftest import Server

PROJECTS = ("support-assistant", "sales-copilot", "engineering-agents", "document-intelligence")


def exact_json(answer: httpx.Response) -> Any:
    """JSON with amounts as decimals, as a client must read money."""
    answer.raise_for_status()
    return json.loads(answer.content, parse_float=Decimal)


def read_all(client: httpx.Client, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = exact_json(client.get(path, params=params))
        rows += page["data"]
        if "cursor" not in page["meta"]:
            return rows
        params = params | {"cursor": page["meta"]["cursor"]}


@pytest.mark.parametrize("project_id", PROJECTS)
def test_the_rows_add_up_to_the_truth_to_the_last_digit(made_server: Server, made: Workload, project_id: str) -> None:
    truth = truth_of(made)["projects"][project_id]
    with made_server.client(project_id) as client:
        rows = read_all(client, "/api/public/v2/observations", {"fields": "model,usage", "limit": 333})
        scores = read_all(client, "/api/public/v3/scores", {"limit": 100})

    calls = [row for row in rows if row["model"] or row["usageDetails"] or row["costDetails"]]
    tokens: dict[str, int] = defaultdict(int)
    for row in calls:
        for usage_type, units in row["usageDetails"].items():
            tokens[usage_type] += units
    assert len(rows) == truth["observations"]
    assert len(calls) == truth["calls"]
    assert tokens == truth["tokens"]
    assert sum((Decimal(row["totalCost"]) for row in calls), Decimal(0)) == Decimal(truth["cost_usd"])
    assert len(scores) == truth["scores"]


@pytest.mark.parametrize("project_id", PROJECTS)
def test_metrics_by_model_and_day_are_the_truth(made_server: Server, made: Workload, project_id: str) -> None:
    query = {
        "view": "observations",
        "dimensions": [{"field": "providedModelName"}],
        "metrics": [
            {"measure": "count", "aggregation": "count"},
            {"measure": "totalCost", "aggregation": "sum"},
            {"measure": "totalTokens", "aggregation": "sum"},
        ],
        "timeDimension": {"granularity": "day"},
        "fromTimestamp": "2026-10-01T00:00:00Z",
        "toTimestamp": "2026-11-21T23:59:59.999Z",
        "config": {"row_limit": 1000},
    }
    with made_server.client(project_id) as client:
        answer = exact_json(client.get("/api/public/v2/metrics", params={"query": json.dumps(query)}))

    found = {
        (row["providedModelName"], row["time_dimension"]): (
            row["count_count"], Decimal(row["sum_totalCost"]), row["sum_totalTokens"],
        )
        for row in answer["data"] if row["providedModelName"]
    }  # fmt: skip
    assert found == {
        (cell["model"], cell["date"]): (cell["calls"], Decimal(cell["cost_usd"]), cell["tokens"].get("total", 0))
        for cell in truth_of(made)["cells"] if cell["project"] == project_id
    }  # fmt: skip


def test_a_key_opens_its_own_project_alone(made_server: Server) -> None:
    with made_server.client("sales-copilot") as client:
        rows = client.get("/api/public/v2/observations").json()["data"]
        assert {row["projectId"] for row in rows} == {"sales-copilot"}
        assert [row["id"] for row in client.get("/api/public/projects").json()["data"]] == ["sales-copilot"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"type": "number", "column": "totalCost", "operator": ">", "value": 0.004},
         lambda row: row["totalCost"] > 0.004),
        ({"type": "stringOptions", "column": "level", "operator": "any of", "value": ["ERROR"]},
         lambda row: row["level"] == "ERROR"),
        ({"type": "stringObject", "column": "metadata", "key": "department", "operator": "=", "value": '"sales"'},
         lambda row: row["metadata"].get("department") == "sales"),
        ({"type": "arrayOptions", "column": "tags", "operator": "any of", "value": ["team:enterprise"]},
         lambda row: "team:enterprise" in row["tags"]),
        ({"type": "null", "column": "userId", "operator": "is null"}, lambda row: row["userId"] == ""),
    ],
)  # fmt: skip
def test_a_filter_takes_the_rows_that_hold_and_no_other(
    made_server: Server, condition: dict[str, Any], holds: Any
) -> None:
    fields = {"fields": "basic,usage,metadata,trace_context", "limit": 1000}
    with made_server.client("sales-copilot") as client:
        every = read_all(client, "/api/public/v2/observations", fields)
        found = read_all(client, "/api/public/v2/observations", fields | {"filter": json.dumps([condition])})
    assert [row["id"] for row in found] == [row["id"] for row in every if holds(row)]
    assert 0 < len(found) < len(every)


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"metrics": [{"measure": "count", "aggregation": "median"}]}, ["query", "metrics", 0, "aggregation"]),
        ({"metrics": [{"aggregation": "count"}]}, ["query", "metrics", 0, "measure"]),
        ({"metrics": [], "dimensions": ["name"]}, ["query", "dimensions", 0, "field"]),
        ({"metrics": [], "timeDimension": {"granularity": "year"}}, ["query", "timeDimension", "granularity"]),
    ],
)
def test_a_metrics_query_that_makes_no_sense_is_refused_with_its_place(
    made_server: Server, part: dict[str, Any], path: list[Any]
) -> None:
    query = {"view": "observations", "fromTimestamp": "2026-10-01T00:00:00Z", "toTimestamp": "2026-11-22T00:00:00Z"}
    with made_server.client("sales-copilot") as client:
        answer = client.get("/api/public/v2/metrics", params={"query": json.dumps(query | part)})
    assert answer.status_code == 400
    assert [issue["path"] for issue in answer.json()["error"]] == [path]


def test_percentiles_and_means_of_latency_are_in_milliseconds(made_server: Server, made: Workload) -> None:
    query = {
        "view": "observations",
        "metrics": [{"measure": "latency", "aggregation": kind} for kind in ("min", "p50", "max", "avg", "count")],
        "fromTimestamp": "2026-10-01T00:00:00Z",
        "toTimestamp": "2026-11-22T00:00:00Z",
    }
    with made_server.client("sales-copilot") as client:
        (row,) = client.get("/api/public/v2/metrics", params={"query": json.dumps(query)}).json()["data"]
    latencies = sorted(row.end_ms - row.start_ms for row in made.rows["sales-copilot"].observations)
    assert (row["min_latency"], row["max_latency"]) == (latencies[0], latencies[-1])
    assert row["count_latency"] == len(latencies)
    assert latencies[len(latencies) // 2 - 1] <= row["p50_latency"] <= latencies[len(latencies) // 2]
    assert row["avg_latency"] == pytest.approx(sum(latencies) / len(latencies))


COUNT = [{"measure": "count", "aggregation": "count"}]


def metrics(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    whole = {"view": "observations", "metrics": COUNT} | query
    answer = exact_json(client.get("/api/public/v2/metrics", params={"query": json.dumps(whole)}))
    return list(answer["data"])


def test_metrics_count_a_row_at_the_end_of_their_window_where_lists_do_not(made_server: Server, made: Workload) -> None:
    starts = sorted(row.start_ms for row in made.rows["sales-copilot"].observations)
    first, last = to_iso(starts[0]), to_iso(starts[-1])
    with made_server.client("sales-copilot") as client:
        whole = metrics(client, fromTimestamp=first, toTimestamp=last)
        without_last = metrics(client, fromTimestamp=first, toTimestamp=to_iso(starts[-1] - 1))
        listed = read_all(client, "/api/public/v2/observations",
                          {"fromStartTime": first, "toStartTime": last, "limit": 1000})  # fmt: skip
    ties = starts.count(starts[-1])
    assert whole == [{"count_count": len(starts)}]
    assert without_last == [{"count_count": len(starts) - ties}]
    assert len(listed) == len(starts) - ties


@pytest.mark.parametrize(("config", "rows"), [({}, 100), ({"config": {"row_limit": 7}}, 7)])
def test_metrics_are_cut_at_their_row_limit_without_a_word(
    made_server: Server, config: dict[str, Any], rows: int
) -> None:
    window = {"fromTimestamp": "2026-10-01T00:00:00Z", "toTimestamp": "2026-11-22T00:00:00Z"}
    by_hour = {"timeDimension": {"granularity": "hour"}, "dimensions": [{"field": "providedModelName"}]}
    with made_server.client("sales-copilot") as client:
        every = metrics(client, **window, **by_hour, config={"row_limit": 1000})
        cut = metrics(client, **window, **by_hour, **config)
    assert len(every) > 100
    assert cut == every[:rows]
