"""What old clients write to a server with v3 tables: merged over time, and read back as a real 4.16.0 answered it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracemart.standin.modes import WriteMode
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store

from .recorded import answered_rows, entries
from .recorded_v3 import DUAL_PROJECT, DUAL_PUBLIC_KEY, DUAL_SECRET_KEY

SENT = Path(__file__).with_name("sent_by_sdks.json")
GIVEN_BY_THE_SERVER = {"createdAt", "updatedAt"}


@pytest.fixture
def store() -> Store:
    return Store(
        {DUAL_PROJECT: ProjectStore(DUAL_PROJECT, "Dual")}, {DUAL_PROJECT: KeyPair(DUAL_PUBLIC_KEY, DUAL_SECRET_KEY)}
    )


def client_of(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, auth=(DUAL_PUBLIC_KEY, DUAL_SECRET_KEY), timeout=30)


@pytest.fixture
def dual(store: Store) -> Iterator[httpx.Client]:
    with serving(store, mode="dual") as address, client_of(address) as client:
        yield client


def read(client: httpx.Client, path: str, **params: Any) -> Any:
    answer = client.get(f"/api/public/{path}", params=params)
    answer.raise_for_status()
    return answer.json()


def without_server_times(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in GIVEN_BY_THE_SERVER}


def send_as(sdk: str, client: httpx.Client) -> None:
    """The very requests that this version of the Python SDK sent."""
    for sent in json.loads(SENT.read_text(encoding="utf-8")):
        if sent["sdk"] == sdk:
            body = base64.b64decode(sent["base64"]) if "base64" in sent else json.dumps(sent["body"]).encode()
            answer = client.post(sent["path"], content=body, headers=sent["headers"])
            assert answer.status_code in (200, 207), answer.text
            assert answer.json().get("errors", []) == []


def test_batches_are_answered_and_merged_as_recorded(dual: httpx.Client) -> None:
    for entry in entries("20"):
        request = entry["request"]
        answer = dual.request(request["method"], request["url"], json=request.get("body"))
        assert answer.status_code == entry["status"]
        assert without_server_times(answer.json()) == without_server_times(entry["body"]), entry["note"]


def test_the_merged_batches_make_the_recorded_trace_session_and_v4_rows(dual: httpx.Client) -> None:
    for entry in entries("20"):
        if entry["request"]["method"] == "POST":
            dual.post(entry["request"]["url"], json=entry["request"]["body"]).raise_for_status()

    (trace,) = read(dual, "traces")["data"]
    recorded = entries("21")[0]["body"]["data"][0]
    assert sorted(trace.pop("observations")) == sorted(recorded.pop("observations"))
    assert without_server_times(trace) == without_server_times(recorded)
    assert read(dual, "observations")["meta"]["totalItems"] == 5, "two of the three rows have an older version"
    assert [row["id"] for row in read(dual, "sessions")["data"]] == ["legacy-sess"]
    of_v4 = {row["id"]: row for _, row in answered_rows("/api/public/v2/observations", "26")}
    every_group = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
    rows = read(dual, "v2/observations", fields=every_group)["data"]
    assert len(rows) == 4
    for row in rows:
        assert without_server_times(row) == without_server_times(of_v4[row["id"]])


def test_once_the_versions_are_merged_the_total_is_what_is_read(dual: httpx.Client, store: Store) -> None:
    for entry in entries("20"):
        if entry["request"]["method"] == "POST":
            dual.post(entry["request"]["url"], json=entry["request"]["body"]).raise_for_status()

    store.projects[DUAL_PROJECT].merge_versions()

    answer = read(dual, "observations")
    assert answer["meta"]["totalItems"] == len(answer["data"]) == 3
    assert next(row for row in answer["data"] if row["type"] == "GENERATION")["usageDetails"]["total"] == 110


@pytest.mark.parametrize("mode", ["dual", "legacy", "legacy_no_preview"])
def test_what_sdk_3_sends_is_a_trace_with_its_observations_and_scores(store: Store, mode: WriteMode) -> None:
    with serving(store, mode=mode) as address, client_of(address) as client:
        send_as("3.15.0", client)

        (trace,) = read(client, "traces")["data"]
        rows = {row["name"]: row for row in read(client, "observations")["data"]}
        scores = {row["name"]: row for row in read(client, "v2/scores")["data"]}

    assert (trace["name"], trace["userId"], trace["sessionId"]) == ("chat", "ada", "s-3")
    assert (trace["tags"], trace["release"], trace["version"]) == (["a", "b"], "3.x-rel", "1.0")
    assert (trace["input"], trace["output"], trace["environment"]) == ({"tq": 1}, "ta", "staging")
    assert trace["metadata"] | {"department": "sales", "n": 1, "long": "z" * 260} == trace["metadata"]
    assert trace["metadata"]["scope"]["name"] == "langfuse-sdk"
    assert sorted(trace["observations"]) == sorted(row["id"] for row in rows.values())
    assert {name: row["type"] for name, row in rows.items()} == {
        "answer-bot": "SPAN", "answer": "GENERATION", "look-up": "TOOL", "evt": "EVENT",
    }  # fmt: skip
    answer = rows["answer"]
    assert answer["usage"] == {"unit": "TOKENS", "input": 1024, "output": 100, "total": 1124}
    assert answer["costDetails"] == {"input": 0.0025, "output": 0.001, "input_cached_tokens": 0.00003, "total": 0.00353}
    assert trace["totalCost"] == answer["calculatedTotalCost"] == 0.00353
    assert (rows["look-up"]["level"], rows["look-up"]["statusMessage"]) == ("ERROR", "no such order")
    assert (rows["evt"]["endTime"], rows["evt"]["input"]) == (None, 1)
    assert {name: (row["value"], row["stringValue"]) for name, row in scores.items()} == {
        "quality": (0.8, None), "good": (1, "True"), "mood": (0, "fine"),
    }  # fmt: skip
    assert scores["mood"]["trace"] is None
    assert scores["good"]["trace"]["sessionId"] == "s-3"


def test_what_sdk_2_sends_in_batches_is_merged(dual: httpx.Client) -> None:
    send_as("2.60.10", dual)

    (trace,) = read(dual, "traces")["data"]
    rows = {row["name"]: row for row in read(dual, "observations")["data"]}

    assert (trace["name"], trace["userId"], trace["output"]) == ("old-chat", "bo", "bye")
    assert trace["totalCost"] == 0.0300045
    assert rows["gen"]["parentObservationId"] == rows["retrieve"]["id"]
    assert rows["gen"]["completionStartTime"] is not None
    assert rows["gen"]["usageDetails"] == {"input": 10, "output": 5, "total": 15}
    assert rows["gen2"]["usageDetails"] == {"input": 8, "input_cached_tokens": 4, "output": 3, "total": 15}
    assert (rows["retrieve"]["level"], rows["retrieve"]["statusMessage"]) == ("WARNING", "slow")


def test_spans_of_a_v4_client_go_to_both_sides_without_a_synthetic_root(dual: httpx.Client) -> None:
    sent = json.loads(SENT.read_text(encoding="utf-8"))[0]
    headers = sent["headers"] | {"x-langfuse-ingestion-version": "4"}
    dual.post(sent["path"], content=base64.b64decode(sent["base64"]), headers=headers).raise_for_status()

    assert len(read(dual, "v2/observations")["data"]) == 4
    assert len(read(dual, "observations")["data"]) == 4
    (trace,) = read(dual, "traces")["data"]
    assert (trace["name"], trace["userId"]) == ("chat", "ada")


def test_what_came_by_the_old_way_reaches_the_events_table_later(dual: httpx.Client, store: Store) -> None:
    store.projects[DUAL_PROJECT].legacy.propagation_ms = 600_000
    send_as("3.15.0", dual)

    assert read(dual, "v2/observations")["data"] == []
    assert len(read(dual, "observations")["data"]) == 4

    store.projects[DUAL_PROJECT].legacy.propagation_ms = 0

    ids = [row["id"] for row in read(dual, "v2/observations")["data"]]
    assert len(ids) == 5
    assert [observation_id[:2] for observation_id in ids].count("t-") == 1


def test_an_observation_without_a_trace_has_none_and_its_scores_are_left_out(dual: httpx.Client) -> None:
    events = [
        {"id": "e1", "type": "generation-create", "timestamp": "2026-11-18T09:00:00Z",
         "body": {"id": "g", "traceId": "nowhere", "startTime": "2026-11-18T09:00:00Z"}},
        {"id": "e2", "type": "score-create", "timestamp": "2026-11-18T09:00:00Z",
         "body": {"id": "s", "traceId": "nowhere", "name": "quality", "value": 1}},
    ]  # fmt: skip
    dual.post("/api/public/ingestion", json={"batch": events}).raise_for_status()

    assert [row["traceId"] for row in read(dual, "observations")["data"]] == ["nowhere"]
    assert read(dual, "traces")["data"] == []
    assert read(dual, "v2/scores")["data"] == []
    assert [row["id"] for row in read(dual, "v3/scores")["data"]] == ["s"]


@pytest.mark.parametrize(
    "event",
    [
        {"id": "bad", "type": "span-update", "timestamp": "2026-11-18T09:00:00Z", "body": {"name": "no id"}},
        {"id": "bad", "type": "span-create", "body": {"id": "no time"}},
        {"id": "bad", "type": "score-create", "timestamp": "2026-11-18T09:00:00Z", "body": {"name": "no value"}},
    ],
)
def test_a_bad_event_is_refused_alone(dual: httpx.Client, event: dict[str, Any]) -> None:
    good = {"id": "good", "type": "trace-create", "timestamp": "2026-11-18T09:00:00Z", "body": {"id": "t"}}

    answer = dual.post("/api/public/ingestion", json={"batch": [event, good]})

    assert answer.status_code == 207
    assert answer.json()["successes"] == [{"id": "good", "status": 201}]
    assert [(error["id"], error["status"]) for error in answer.json()["errors"]] == [("bad", 400)]
    assert read(dual, "observations")["data"] == []


def test_a_deleted_trace_is_gone_from_every_side(dual: httpx.Client) -> None:
    send_as("3.15.0", dual)
    (trace,) = read(dual, "traces")["data"]

    dual.delete(f"/api/public/traces/{trace['id']}").raise_for_status()

    for path in ("traces", "observations", "scores", "v2/observations"):
        assert read(dual, path)["data"] == [], path
    assert [row["name"] for row in read(dual, "v2/scores")["data"]] == ["mood"], "the session's score stays"
