"""What the stand-in takes, answered as a real 4.16.0 answered; what it refuses leaves nothing behind."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tracemart.standin.store import KeyPair, ProjectStore, Store

from .conftest import Server, running
from .recorded import PROJECT, PUBLIC_KEY, SECRET_KEY, Entry, entries

# Newer servers take what 4.16.0 refuses here: SDK 5 sends its scores so.
NEWER_THAN_RECORDED = {"POST /scores JSON array (the shape SDK 5.0.4 sends)"}
GIVEN_BY_THE_SERVER = {"createdAt", "updatedAt", "timestamp"}


@pytest.fixture
def server() -> Iterator[Server]:
    project = ProjectStore(PROJECT, "RecordingProject")
    with running(Store({PROJECT: project}, {PROJECT: KeyPair(PUBLIC_KEY, SECRET_KEY)})) as server:
        yield server


def send(client: httpx.Client, entry: Entry) -> httpx.Response:
    request = entry["request"]
    headers = {key: value for key, value in (request.get("headers") or {}).items() if key != "Content-Type"}
    auth = None if request["auth"] is None else httpx.BasicAuth(PUBLIC_KEY, SECRET_KEY)
    return client.request(request["method"], request["url"], headers=headers, auth=auth, json=request.get("body"))


def shape(value: Any) -> Any:
    """Keys all the way down, with the type of each leaf."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def without_server_times(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in GIVEN_BY_THE_SERVER}


def test_ingestion_answers_as_recorded(server: Server) -> None:
    with httpx.Client(base_url=server.address, timeout=30) as client:
        for entry in entries("13"):
            if entry["note"] in NEWER_THAN_RECORDED:
                continue
            answer = send(client, entry)
            assert answer.status_code == entry["status"], (entry["note"], answer.text)
            body, recorded = answer.json(), entry["body"]
            if entry["request"]["method"] == "GET":
                assert [without_server_times(row) for row in body["data"]] == [
                    without_server_times(row) for row in recorded["data"]
                ]
            elif answer.status_code == 200 and "queueQualifiedName" in recorded:
                assert shape(body) == shape(recorded)
            else:
                assert body == recorded, entry["note"]


def test_sent_twice_with_the_same_start_it_stays_double_until_the_merge(server: Server) -> None:
    project = server.store.projects[PROJECT]
    with server.client(PROJECT) as client:
        for start, end, tokens in ((10, 11, 100), (10, 14, 200), (12, 15, 300)):
            answer = client.post("/api/public/otel/v1/traces", json=export(start, end, tokens))
            answer.raise_for_status()

        rows = client.get("/api/public/v2/observations", params={"fields": "usage"}).json()["data"]
        assert [row["usageDetails"]["input"] for row in rows].count(300) == 1
        assert len(rows) == 3

        project.merge_versions()

        rows = client.get("/api/public/v2/observations", params={"fields": "usage"}).json()["data"]
        assert [row["usageDetails"]["input"] for row in rows] == [300, 200], "a moved start never merges"


def export(start: int, end: int, tokens: int) -> dict[str, Any]:
    second = 1_000_000_000
    attributes = {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.usage_details": f'{{"input": {tokens}}}',
    }
    span = {
        "traceId": "e5" * 16, "spanId": "e5" * 8, "name": "twice",
        "startTimeUnixNano": str(start * second), "endTimeUnixNano": str(end * second),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }  # fmt: skip
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "test"}, "spans": [span]}]}]}


def test_a_deleted_trace_is_gone_with_its_scores_and_leaves_no_mark(server: Server) -> None:
    with server.client(PROJECT) as client:
        client.post("/api/public/otel/v1/traces", json=export(10, 11, 5)).raise_for_status()
        score = {"name": "quality", "value": 1, "traceId": "e5" * 16}
        client.post("/api/public/scores", json=score).raise_for_status()

        assert client.delete(f"/api/public/traces/{'e5' * 16}").json() == {"message": "Trace deleted successfully"}

        assert client.get("/api/public/v2/observations").json() == {"data": [], "meta": {}}
        assert client.get("/api/public/v3/scores").json() == {"data": [], "meta": {"limit": 50}}


def test_deletions_answer_as_recorded_even_for_what_is_not_there(server: Server) -> None:
    deletions = [entry for entry in entries("16") if entry["request"]["method"] == "DELETE"]
    assert len(deletions) == 4
    with httpx.Client(base_url=server.address, timeout=30) as client:
        for entry in deletions:
            answer = send(client, entry)
            assert (answer.status_code, answer.json()) == (entry["status"], entry["body"])


def test_a_score_sent_again_changes_in_place_and_keeps_its_time(server: Server) -> None:
    first = {"id": "s", "name": "quality", "value": 0.2, "traceId": "t", "comment": "a",
             "timestamp": "2026-11-01T00:00:00Z"}  # fmt: skip
    with server.client(PROJECT) as client:
        client.post("/api/public/scores", json=first).raise_for_status()
        again = first | {"value": 0.9, "timestamp": "2026-11-05T00:00:00Z"}
        del again["comment"]
        client.post("/api/public/scores", json=[again]).raise_for_status()

        (row,) = client.get("/api/public/v3/scores", params={"fields": "details"}).json()["data"]

    assert (row["value"], row["comment"], row["timestamp"]) == (0.9, "a", "2026-11-01T00:00:00.000Z")


def test_an_array_with_a_bad_score_takes_the_good_ones_and_says_so(server: Server) -> None:
    scores = [{"name": "quality", "value": 1, "traceId": "t"}, {"name": "quality", "traceId": "t"}]
    with server.client(PROJECT) as client:
        answer = client.post("/api/public/scores", json=scores)
        assert answer.status_code == 207
        assert answer.json() == {"accepted": 1, "rejected": 1, "errors": [{"message": "Invalid input"}]}
    assert len(server.store.projects[PROJECT].scores()) == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xff not a message", {"Content-Type": "application/x-protobuf"}),
        (b"not gzip", {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}),
        (b"{not json", {"Content-Type": "application/json"}),
    ],
)
def test_an_unreadable_export_is_refused_whole(server: Server, body: bytes, headers: dict[str, str]) -> None:
    with server.client(PROJECT) as client:
        answer = client.post("/api/public/otel/v1/traces", content=body, headers=headers)
        assert answer.status_code == 400
        assert answer.json().keys() == {"error"}
    assert server.store.projects[PROJECT].observations() == []


def test_protobuf_and_json_exports_of_a_span_give_the_same_row(server: Server) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    request.resource_spans[0].scope_spans[0].scope.name = "test"
    span.trace_id, span.span_id, span.name = bytes.fromhex("e5" * 16), bytes.fromhex("e5" * 8), "twice"
    span.start_time_unix_nano, span.end_time_unix_nano = 10 * 10**9, 11 * 10**9
    for pair in export(10, 11, 77)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]:
        span.attributes.add(key=pair["key"]).value.string_value = pair["value"]["stringValue"]
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    with server.client(PROJECT) as client:
        packed = gzip.compress(request.SerializeToString())
        client.post("/api/public/otel/v1/traces", content=packed, headers=headers).raise_for_status()
        client.post("/api/public/otel/v1/traces", json=export(10, 11, 77)).raise_for_status()
        params = {"fields": "core,basic,model,usage,metadata,trace_context,io"}
        first, second = client.get("/api/public/v2/observations", params=params).json()["data"]
    assert first == second
