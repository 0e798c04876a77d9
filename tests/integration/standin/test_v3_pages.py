"""The made workload through the v3 API: the same rows as through v4, on pages that move when rows come and go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracemart.standin.keys import make_keys, write_keys
from tracemart.standin.modes import WriteMode
from tracemart.standin.rows import Observation, Score, TraceContext
from tracemart.standin.serve import serving
from tracemart.standin.store import ProjectStore, Store
from tracemart.standin.timestamps import to_iso
from tracemart.standin.workloads import Workload
from tracemart.standin.workloads.truth import truth_of

from .conftest import Server, keys_for

PROJECT = "engineering-agents"
PROJECTS = ("support-assistant", "sales-copilot", "engineering-agents", "document-intelligence")
EVERY_GROUP = "core,basic,time,metadata,model,usage,prompt,metrics,trace_context"
# Equal in both APIs but for "" instead of null.
SHARED = (
    "id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type", "name", "level",
    "statusMessage", "version", "environment", "completionStartTime", "createdAt", "updatedAt", "metadata", "latency",
    "timeToFirstToken", "model", "usageDetails", "costDetails", "promptId", "promptName", "promptVersion", "modelId",
)  # fmt: skip


def pages(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(1, 1000):
        answer = client.get(f"/api/public/{path}", params={"limit": 100, "page": number, **params})
        answer.raise_for_status()
        page = json.loads(answer.content, parse_float=Decimal)
        rows += page["data"]
        if number >= page["meta"]["totalPages"]:
            assert page["meta"]["totalItems"] == len(rows)
            return rows
    raise AssertionError("the pages do not end")


def chain(client: httpx.Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 1000, "fields": EVERY_GROUP}
    while True:
        page = json.loads(client.get("/api/public/v2/observations", params=params).content, parse_float=Decimal)
        rows += page["data"]
        if "cursor" not in page["meta"]:
            return rows
        params["cursor"] = page["meta"]["cursor"]


@pytest.fixture(scope="module", params=["dual", "legacy"])
def old_server(request: pytest.FixtureRequest, made: Workload) -> Iterator[Server]:
    """Serves the small made workload with v3 tables; tests only read from it."""
    mode: WriteMode = request.param
    store = made.store(keys_for(list(made.rows)))
    with serving(store, mode=mode) as address:
        yield Server(address, store)


@pytest.mark.parametrize("project_id", PROJECTS)
def test_the_pages_add_up_to_the_truth_to_the_last_digit(old_server: Server, made: Workload, project_id: str) -> None:
    truth = truth_of(made)["projects"][project_id]
    with old_server.client(project_id) as client:
        rows = pages(client, "observations")
        traces = pages(client, "traces", fields="core,metrics")
        scores = pages(client, "v2/scores")

    calls = [row for row in rows if row["model"] or row["usageDetails"] or row["costDetails"]]
    tokens: dict[str, int] = defaultdict(int)
    for row in calls:
        for usage_type, units in row["usageDetails"].items():
            tokens[usage_type] += units
    assert (len(rows), len(calls), len(traces), len(scores)) == (
        truth["observations"], truth["calls"], truth["traces"], truth["scores"],
    )  # fmt: skip
    assert tokens == truth["tokens"]
    cost = Decimal(truth["cost_usd"])
    assert sum((Decimal(row["calculatedTotalCost"]) for row in calls), Decimal(0)) == cost
    assert sum((Decimal(trace["totalCost"]) for trace in traces), Decimal(0)) == cost


def test_both_apis_say_the_same_of_each_observation(old_server: Server, made_server: Server) -> None:
    with made_server.client(PROJECT) as new, old_server.client(PROJECT) as old:
        of_v4 = {row["id"]: row for row in chain(new)}
        of_v3 = {row["id"]: row for row in pages(old, "observations")}
        traces = {row["id"]: row for row in pages(old, "traces")}

    assert of_v3.keys() == of_v4.keys()
    for observation_id, row in of_v3.items():
        other, trace = of_v4[observation_id], traces[row["traceId"]]
        assert {key: row[key] for key in SHARED} == {key: none_of(other[key]) for key in SHARED}
        assert (row["modelParameters"] or {}) == other["modelParameters"]
        assert (trace["userId"], trace["sessionId"], trace["release"], trace["tags"]) == (
            none_of(other["userId"]), none_of(other["sessionId"]), none_of(other["release"]), other["tags"],
        )  # fmt: skip
        assert observation_id in trace["observations"]


def none_of(value: Any) -> Any:
    return None if value == "" else value


def test_sessions_are_those_of_the_traces(old_server: Server) -> None:
    with old_server.client("support-assistant") as client:
        sessions = pages(client, "sessions")
        traces = pages(client, "traces", fields="core")
        one = client.get(f"/api/public/sessions/{sessions[0]['id']}").json()

    assert {row["id"] for row in sessions} == {row["sessionId"] for row in traces if row["sessionId"]}
    assert [row["createdAt"] for row in sessions] == sorted((row["createdAt"] for row in sessions), reverse=True)
    assert {row["id"] for row in one["traces"]} == {row["id"] for row in traces if row["sessionId"] == one["id"]}


def test_a_dual_server_adds_a_root_per_trace_to_the_v4_rows(made: Workload) -> None:
    truth = truth_of(made)["projects"][PROJECT]
    store = made.store(keys_for(list(made.rows)))
    with serving(store, mode="dual") as address, Server(address, store).client(PROJECT) as client:
        rows = chain(client)

    roots = [row for row in rows if row["id"] == f"t-{row['traceId']}"]
    assert len(roots) == truth["traces"]
    assert len(rows) == truth["observations"] + truth["traces"]
    assert {row["parentObservationId"] for row in rows if row["isRootObservation"]} == {None}
    assert all(row["isRootObservation"] == (row in roots) for row in rows)
    assert sum((Decimal(row["totalCost"]) for row in rows), Decimal(0)) == Decimal(truth["cost_usd"])


def small_store(rows: int) -> Store:
    project = ProjectStore("blank", "Blank")
    project.add_observations(observation(place) for place in range(rows))
    return Store({"blank": project}, keys_for(["blank"]))


def observation(second: int, created_ms: int = 0) -> Observation:
    start_ms = second * 1000
    context = TraceContext(f"trace-{second}", user_id="ada")
    return Observation(context, f"o-{second}", None, "SPAN", "step", start_ms, start_ms, created_ms or start_ms)


def ids(client: httpx.Client, path: str, page: int) -> list[str]:
    return [row["id"] for row in client.get(f"/api/public/{path}", params={"page": page, "limit": 2}).json()["data"]]


def test_pages_shift_when_rows_come_or_go_between_two_requests() -> None:
    store = small_store(6)
    project = store.projects["blank"]
    with serving(store, mode="legacy") as address, Server(address, store).client("blank") as client:
        assert ids(client, "observations", 1) == ["o-5", "o-4"]

        project.add_observations([observation(9)])

        assert ids(client, "observations", 2) == ["o-4", "o-3"], "the last of page 1 comes again"
        assert ids(client, "traces", 2) == ["trace-4", "trace-3"]

        project.delete_trace("trace-9")
        project.delete_trace("trace-5")

        assert ids(client, "observations", 2) == ["o-2", "o-1"], "o-3 is skipped"


def test_the_total_counts_versions_that_no_page_shows() -> None:
    store = small_store(3)
    store.projects["blank"].add_observations([observation(1, created_ms=99_000)])
    with serving(store, mode="legacy") as address, Server(address, store).client("blank") as client:
        answer = client.get("/api/public/observations").json()
        assert (answer["meta"]["totalItems"], len(answer["data"])) == (4, 3)
        assert answer["data"][1]["updatedAt"] == to_iso(99_000), "the newest version counts"
        assert client.get("/api/public/traces").json()["meta"]["totalItems"] == 3


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"type": "string", "column": "userId", "operator": "=", "value": "ada"}, 3),
        ({"type": "string", "column": "name", "operator": "contains", "value": "nothing"}, 0),
        ({"type": "datetime", "column": "timestamp", "operator": ">=", "value": "1970-01-01T00:00:01Z"}, 2),
        ({"type": "arrayOptions", "column": "tags", "operator": "any of", "value": ["x"]}, 0),
    ],
)
def test_traces_are_filtered(condition: dict[str, Any], found: int) -> None:
    store = small_store(3)
    with serving(store, mode="legacy") as address, Server(address, store).client("blank") as client:
        answer = client.get("/api/public/traces", params={"filter": json.dumps([condition])})
        assert answer.json()["meta"]["totalItems"] == found
        unknown = client.get("/api/public/traces", params={"filter": json.dumps([condition | {"column": "nope"}])})
        assert unknown.status_code == 400


def test_observations_and_scores_are_filtered_by_what_their_trace_or_value_is(made: Workload) -> None:
    store = made.store(keys_for(list(made.rows)))
    asked = {"column": "userId", "type": "string", "operator": "=", "value": "nobody"}
    value = {"column": "value", "type": "number", "operator": ">=", "value": 0.5}
    with serving(store, mode="legacy") as address, Server(address, store).client("sales-copilot") as client:
        trace = next(row for row in pages(client, "traces") if row["userId"])
        asked["value"] = trace["userId"]
        of_user = pages(client, "observations", filter=json.dumps([asked]))
        high = pages(client, "v2/scores", filter=json.dumps([value]))
        every = pages(client, "v2/scores")
        assert client.get("/api/public/scores", params={"filter": '[{"column":"x"}]'}).status_code == 400

    assert set(trace["observations"]) <= {row["id"] for row in of_user}
    assert [row["id"] for row in of_user] == [row["id"] for row in of_user if row["traceId"] in of_traces(store, asked)]
    assert [row["id"] for row in high] == [row["id"] for row in every if row["value"] >= 0.5]
    assert 0 < len(high) < len(every)


def of_traces(store: Store, asked: dict[str, str]) -> set[str]:
    rows = store.projects["sales-copilot"].observations()
    return {row.context.trace_id for row in rows if row.context.user_id == asked["value"]}


def test_a_category_has_the_number_of_its_configuration(made: Workload) -> None:
    store = made.store(keys_for(list(made.rows)))
    project = store.projects[PROJECT]
    config, category = next(
        (config, category)
        for config in project.score_configs
        for category in config.categories or ()
        if category["value"] != 0
    )
    trace_id = project.observations()[0].context.trace_id
    project.add_scores(
        [Score("of-a-category", config.name, 0, 0, 0, "CATEGORICAL", category["label"], trace_id=trace_id,
               config_id=config.id)]
    )  # fmt: skip
    with serving(store, mode="legacy") as address, Server(address, store).client(PROJECT) as client:
        row = client.get("/api/public/scores/of-a-category").json()
    assert (row["value"], row["stringValue"]) == (category["value"], category["label"])


def test_the_process_serves_in_the_mode_it_is_told(tmp_path: Path) -> None:
    keys = make_keys(PROJECTS)
    write_keys(tmp_path / "keys.json", keys)
    arguments = ["serve", "--mode", "legacy", "--port", "0", "--keys", str(tmp_path / "keys.json"), "--observations",
                 "200", "--days", "3", "--end", "2026-11-22"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", "tracemart.standin", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[3]
            auth = (keys[PROJECT]["public_key"], keys[PROJECT]["secret_key"])
            statuses = {
                path: httpx.get(f"{address}/api/public/{path}", auth=auth).status_code
                for path in ("traces", "v2/observations", "v2/metrics")
            }
        finally:
            process.kill()
    assert statuses == {"traces": 200, "v2/observations": 200, "v2/metrics": 404}
