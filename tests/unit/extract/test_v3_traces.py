"""Each observation of a slice finds its trace, wherever that began, and nothing is asked for twice."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from tracemart.extract import v3
from tracemart.extract.chunks import Chunk
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.slices import Slice
from tracemart.extract.v3_rows import ROOT_COLUMNS
from tracemart.privacy import Privacy
from tracemart.privacy.allow_list import AllowList
from tracemart.settings import LangfuseProject

HOST = "http://langfuse.test"
START = datetime(2026, 11, 20, tzinfo=UTC)
CUT = Slice(START, START + timedelta(hours=1))
PLAIN = Privacy(redacts=False, allow_list=AllowList.of(["*"]), user_id_key=None)
REDACTING = Privacy(redacts=True, allow_list=AllowList.of(["*"]), user_id_key=None)

Row = dict[str, Any]


class Server:
    """Traces and observations of a v3 server, few enough for one page; notes what is asked for."""

    def __init__(self) -> None:
        self.traces: list[Row] = []
        self.observations: list[Any] = []
        self.asked: list[str] = []
        self.known: set[str] = set()
        self.too_large: set[str] = set()

    def trace(self, name: str, at: str) -> None:
        self.traces.append({"id": name, "timestamp": at, "name": name, "userId": f"user of {name}", "tags": []})

    def observation(self, name: str, trace: str) -> None:
        self.observations.append(
            {"id": name, "traceId": trace, "type": "SPAN", "startTime": "2026-11-20T00:30:00.000Z", "input": "secret"}
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().removeprefix("/api/public/").partition("?")[0]
        asked = request.url.params
        self.asked.append(path)
        if path == "observations":
            return listing(self.observations)
        if path == "traces":
            within = [t for t in self.traces if asked["fromTimestamp"] <= t["timestamp"] < asked["toTimestamp"]]
            return listing(sorted(within, key=lambda trace: trace["timestamp"], reverse=True)[: int(asked["limit"])])
        if path in {f"traces/{name}" for name in self.too_large}:
            return httpx.Response(422, json={"message": "Response payload is too large"})
        found = [trace for trace in self.traces if f"traces/{trace['id']}" == path.replace("%2F", "/")]
        if found:
            return httpx.Response(200, json={**found[0], "observations": [{"input": "secret"}], "input": "secret"})
        return httpx.Response(404, json={"message": "Trace not found", "error": "LangfuseNotFoundError"})

    def read(self, privacy: Privacy = PLAIN) -> list[list[Chunk]]:
        """Chunks of the observations and of the roots of CUT."""

        def known(trace_ids: Collection[str]) -> set[str]:
            return self.known & set(trace_ids)

        project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
        client = LangfuseClient(project, Patience(attempts=2, first_pause=timedelta(0)))
        entity = v3.observations(client, privacy, known)
        return [list(part.chunks(CUT)) for part in entity.parts]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with respx.mock:
        respx.get(url__startswith=HOST).mock(side_effect=server.answer)
        yield server


def listing(rows: list[Any]) -> httpx.Response:
    return httpx.Response(200, json={"data": rows, "meta": {"totalItems": len(rows), "totalPages": 1}})


def roots(chunks: list[Chunk]) -> list[str]:
    lines = [line.split("\t") for chunk in chunks for line in chunk.rows.lines.decode().splitlines()]
    assert all(len(line) == len(ROOT_COLUMNS) for line in lines)
    return sorted(line[ROOT_COLUMNS.index("id")] for line in lines)


def test_traces_of_the_slice_are_enough_where_they_hold_all_observations(server: Server) -> None:
    server.trace("a", "2026-11-20T00:10:00.000Z")
    server.observation("one", "a")

    _, of_roots = server.read()

    assert roots(of_roots) == ["t-a"]
    assert server.asked == ["observations", "traces"]


def test_trace_that_began_before_is_fetched_unless_it_is_known(server: Server) -> None:
    server.trace("a/b", "2026-11-19T00:10:00.000Z")
    server.trace("known", "2026-11-19T00:10:00.000Z")
    server.observation("one", "a/b")
    server.observation("two", "known")
    server.known = {"known"}

    _, of_roots = server.read()

    assert roots(of_roots) == ["t-a/b"]
    assert server.asked == ["observations", "traces", "traces/a%2Fb"]


def test_several_that_began_just_before_are_fetched_at_once(server: Server) -> None:
    for number in range(5):
        server.trace(f"trace{number}", "2026-11-19T23:59:59.000Z")
        server.observation(f"observation{number}", f"trace{number}")
    server.trace("other", "2026-11-19T23:59:58.000Z")

    _, of_roots = server.read()

    assert roots(of_roots) == [f"t-trace{number}" for number in range(5)]
    assert server.asked == ["observations", "traces", "traces"]


def test_trace_that_the_server_does_not_have_is_left_out(server: Server) -> None:
    server.observation("one", "gone")
    server.observation("two", "gone too")

    of_observations, of_roots = server.read()

    assert [chunk.count for chunk in of_observations] == [2]
    assert roots(of_roots) == []
    assert server.asked[2:] == ["traces", "traces/gone", "traces/gone%20too"]


def test_trace_that_is_too_large_to_be_sent_whole_is_searched_in_the_listing(server: Server) -> None:
    server.trace("large", "2026-11-15T00:10:00.000Z")
    server.trace("other", "2026-11-16T00:10:00.000Z")
    server.observation("one", "large")
    server.too_large = {"large", "nowhere"}

    _, of_roots = server.read()
    assert roots(of_roots) == ["t-large"]

    server.observation("two", "nowhere")
    _, of_roots = server.read()
    assert roots(of_roots) == ["t-large"]


def test_next_slice_does_not_look_for_traces_of_the_last(server: Server) -> None:
    server.observation("one", "gone")
    server.read()
    server.observations, server.asked = [], []

    server.read()

    assert server.asked == ["observations", "traces"]


def test_prompts_reach_neither_rows_nor_rejected_entries(server: Server) -> None:
    server.observation("one", "a")
    server.observation("bad", "a")
    server.observations[1]["startTime"] = "yesterday"
    server.observations.append("secret in a text")
    server.trace("a", "2026-11-19T00:10:00.000Z")
    server.traces[0]["tags"] = "no list"

    [observations], of_roots = server.read()

    assert observations.count == 1
    entries = [*observations.rejected, *(entry for chunk in of_roots for entry in chunk.rejected)]
    assert [entry.reason for entry in entries] == [
        "startTime is no time",
        "the row is no object",
        "tags is no list of texts",
    ]
    assert [entry.payload.get("id") for entry in entries if isinstance(entry.payload, dict)] == ["bad", "t-a"]
    assert entries[2].payload["traceId"] == "a"
    assert "secret" not in repr([observations, of_roots])


def test_prompts_are_asked_for_and_redacted_where_they_are_stored(server: Server) -> None:
    server.observation("one", "a")
    server.observations[0]["input"] = {"mail": "someone@example.com"}
    server.trace("a", "2026-11-20T00:10:00.000Z")
    server.traces[0]["input"] = "from someone@example.com"
    server.traces[0]["metadata"] = {"department": "sales"}

    [observations], [of_roots] = server.read(REDACTING)

    assert respx.calls.last.request.url.params["fields"] == "core,io"
    assert b'{"mail":"[EMAIL]"}' in observations.rows.lines
    assert b'{"department":"sales"}\tfrom [EMAIL]\t' in of_roots.rows.lines


def test_sessions_are_listed_by_when_they_were_first_seen() -> None:
    rows = [{"id": "s", "createdAt": "2026-11-20T00:10:00.000Z", "projectId": "p", "environment": "default"}]
    project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
    with respx.mock:
        route = respx.get(f"{HOST}/api/public/sessions").mock(return_value=listing(rows))
        assert list(v3.sessions(LangfuseClient(project), CUT)) == [rows]
        assert dict(route.calls.last.request.url.params) == {
            "fromTimestamp": "2026-11-20T00:00:00.000Z",
            "toTimestamp": "2026-11-20T01:00:00.000Z",
            "page": "1",
            "limit": "100",
        }
