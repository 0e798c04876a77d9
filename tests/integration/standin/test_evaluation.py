"""Score configurations, datasets, experiments and versions of prompts, as the made workload has them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tracemart.standin.workloads import Workload

from .conftest import Server

PROJECT = "support-assistant"
SINCE = "2026-01-01T00:00:00Z"


def read_by_cursor(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params=params).raise_for_status().json()
        rows += page["data"]
        if "cursor" not in page["meta"]:
            return rows
        params["cursor"] = page["meta"]["cursor"]


def test_every_score_follows_a_score_configuration(made_server: Server) -> None:
    with made_server.client(PROJECT) as client:
        configs = client.get("/api/public/score-configs").json()["data"]
        scores = read_by_cursor(client, "/api/public/v3/scores", fields="details", limit=100)
        (archived,) = [config for config in configs if config["isArchived"]]
        one = client.get(f"/api/public/score-configs/{archived['id']}").json()
        missing = client.get("/api/public/score-configs/none").status_code

    by_id = {config["id"]: config for config in configs}
    assert scores
    assert all(by_id[score["configId"]]["name"] == score["name"] for score in scores)
    assert all(by_id[score["configId"]]["dataType"] == score["dataType"] for score in scores)
    assert archived["id"] not in {score["configId"] for score in scores}
    assert one == archived
    assert missing == 404


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_experiments_and_their_items_agree_whatever_the_page_size(
    made_server: Server, made: Workload, limit: int
) -> None:
    with made_server.client(PROJECT) as client:
        runs = read_by_cursor(client, "/api/public/experiments", fromStartTime=SINCE, limit=limit)
        items = read_by_cursor(client, "/api/public/experiment-items", fromStartTime=SINCE, limit=limit)
        datasets = client.get("/api/public/v2/datasets").json()["data"]

    assert len(runs) > 1
    assert len({run["id"] for run in runs}) == len(runs)
    assert len({(item["experimentId"], item["id"]) for item in items}) == len(items)
    assert {run["id"]: run["itemCount"] for run in runs} == {
        run["id"]: sum(item["experimentId"] == run["id"] for item in items) for run in runs
    }
    assert {run["datasetId"] for run in runs} <= {dataset["id"] for dataset in datasets}
    traces = {row.context.trace_id for row in made.rows[PROJECT].observations}
    assert {item["traceId"] for item in items} <= traces


def test_an_experiment_counts_only_the_items_of_the_asked_window(made_server: Server) -> None:
    with made_server.client(PROJECT) as client:
        items = read_by_cursor(client, "/api/public/experiment-items", fromStartTime=SINCE)
        window = {"fromStartTime": items[-1]["startTime"], "toStartTime": items[0]["startTime"]}
        runs = read_by_cursor(client, "/api/public/experiments", **window)

    assert sum(run["itemCount"] for run in runs) == len(items) - 1
    assert min(run["startTime"] for run in runs) == items[-1]["startTime"]


def test_each_version_of_a_prompt_can_be_read(made_server: Server) -> None:
    with made_server.client(PROJECT) as client:
        for listed in client.get("/api/public/v2/prompts").json()["data"]:
            path = "/api/public/v2/prompts/" + listed["name"].replace("/", "%2F")
            bodies = [client.get(path, params={"version": version}).json() for version in listed["versions"]]
            assert [body["version"] for body in bodies] == listed["versions"]
            assert len({body["prompt"] for body in bodies}) == len(bodies) > 1
