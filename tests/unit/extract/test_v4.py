"""Cursor chains end where the server says so, and only a server that fills the v4 tables is read."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import LangfuseOverloadedError, LangfuseResponseError
from tracemart.extract import v4
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.reading import ChunkRead, Event, SliceEnded, read_window
from tracemart.extract.slices import Slice
from tracemart.extract.windows import Window
from tracemart.privacy import Privacy
from tracemart.settings import LangfuseProject, Settings

HOST = "http://langfuse.test"
PRIVACY = Privacy.of(Settings())
START = datetime(2026, 11, 20, tzinfo=UTC)
CUT = Slice(START, START + timedelta(days=1))


@pytest.fixture
def client() -> LangfuseClient:
    return make_client()


def make_client() -> LangfuseClient:
    project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
    return LangfuseClient(project, Patience(attempts=2, first_pause=timedelta(0)))


def page(rows: list[Any], cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"data": rows, "meta": {"cursor": cursor} if cursor else {}})


@respx.mock
def test_short_and_empty_pages_with_a_cursor_go_on(client: LangfuseClient) -> None:
    route = respx.get(f"{HOST}{v4.OBSERVATIONS.path}").mock(
        side_effect=[page([1, 2], "a"), page([], "b"), page([], "c"), page([3])]
    )

    assert [[orjson.loads(bytes(entry)) for entry in rows] for rows in v4.pages(client, v4.OBSERVATIONS, CUT)] == [
        [1, 2],
        [],
        [],
        [3],
    ]
    asked = [dict(call.request.url.params) for call in route.calls]
    assert [parameters.pop("cursor", None) for parameters in asked] == [None, "a", "b", "c"]
    assert (
        asked
        == [
            {
                "fromStartTime": "2026-11-20T00:00:00.000Z",
                "toStartTime": "2026-11-21T00:00:00.000Z",
                "fields": "core,basic,time,metadata,model,usage,prompt,metrics,trace_context",
                "limit": "1000",
            }
        ]
        * 4
    )


@respx.mock
def test_cursor_that_stands_still_is_an_error(client: LangfuseClient) -> None:
    respx.get(f"{HOST}{v4.SCORES.path}").mock(return_value=page([1], "same"))

    with pytest.raises(LangfuseResponseError, match="same cursor"):
        list(v4.pages(client, v4.SCORES, CUT))


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, {"rows": []}])
@respx.mock
def test_answer_without_rows_is_an_error(client: LangfuseClient, body: dict[str, Any]) -> None:
    respx.get(f"{HOST}{v4.SCORES.path}").mock(return_value=httpx.Response(200, json=body))

    with pytest.raises(LangfuseResponseError, match="without a list of rows"):
        list(v4.pages(client, v4.SCORES, CUT))


def server_of(starts: list[datetime], *, most: int = 10**9) -> Callable[[httpx.Request], httpx.Response]:
    """A server that holds observations with those start times and gives up on a query for more than `most`."""

    def answer(request: httpx.Request) -> httpx.Response:
        parameters = request.url.params
        start = datetime.fromisoformat(parameters.get("fromStartTime", "1900-01-01T00:00:00Z"))
        end = datetime.fromisoformat(parameters["toStartTime"])
        found = sorted((moment for moment in starts if start <= moment < end), reverse=True)
        if len(found) > most and parameters["limit"] != "1":
            return httpx.Response(422, json={"message": "Your query could not be completed", "error": "timed out"})
        rows = [
            {"id": f"o{moment:%s}", "traceId": "t", "type": "SPAN", "startTime": moment.isoformat()}
            for moment in found[: int(parameters["limit"])]
        ]
        return page(rows)

    return answer


MOMENTS = st.datetimes(
    datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2026-11-21"), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=0))


@settings(deadline=None)
@given(st.lists(MOMENTS, max_size=5))
def test_look_back_finds_a_moment_before_all_rows(starts: list[datetime]) -> None:
    end = datetime(2026, 11, 22, tzinfo=UTC)
    with respx.mock:
        route = respx.get(f"{HOST}{v4.OBSERVATIONS.path}").mock(side_effect=server_of(starts))
        moment = v4.observations(make_client(), PRIVACY).look_back(end)

    if not starts:
        assert moment is None
    else:
        assert moment is not None
        assert moment <= min(starts)
        assert end - moment <= max(2 * (end - min(starts)), timedelta(days=1))
    assert route.call_count <= 17


def rows_of_whole_slices(events: Iterable[Event]) -> int:
    whole, rows = 0, 0
    for event in events:
        if isinstance(event, ChunkRead):
            rows += event.chunk.count
            continue
        if isinstance(event, SliceEnded):
            whole += rows
        rows = 0
    return whole


@respx.mock
def test_slice_that_the_server_gives_up_is_read_in_halves(client: LangfuseClient) -> None:
    starts = [START + timedelta(minutes=10 * number) for number in range(300)]
    respx.get(f"{HOST}{v4.OBSERVATIONS.path}").mock(side_effect=server_of(starts, most=20))

    window = Window(START, START + timedelta(days=3), moves_watermark=True)
    read = rows_of_whole_slices(read_window(v4.observations(client, PRIVACY), window))

    assert read == len(starts)


@respx.mock
def test_server_that_gives_up_on_everything_is_an_error(client: LangfuseClient) -> None:
    respx.get(f"{HOST}{v4.OBSERVATIONS.path}").mock(side_effect=server_of([START], most=0))

    with pytest.raises(LangfuseOverloadedError, match="could not be completed"):
        list(read_window(v4.observations(client, PRIVACY), Window(START, START + timedelta(days=1), True)))
