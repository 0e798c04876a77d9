"""Cursor chains end where the server says so, and only a server that fills the v4 tables is read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import LangfuseOverloadedError, LangfuseResponseError
from tracemart.extract import v4
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.slices import Slice
from tracemart.extract.step import timed_pages
from tracemart.extract.windows import Window
from tracemart.settings import LangfuseProject

RECORDINGS = Path(__file__).parents[2] / "recordings"
HOST = "http://langfuse.test"
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

    assert list(v4.pages(client, v4.OBSERVATIONS, CUT)) == [[1, 2], [], [], [3]]
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
        return page([{"startTime": moment.isoformat()} for moment in found[: int(parameters["limit"])]])

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
        moment = v4.look_back(make_client(), v4.OBSERVATIONS, end)

    if not starts:
        assert moment is None
    else:
        assert moment is not None
        assert moment <= min(starts)
        assert end - moment <= max(2 * (end - min(starts)), timedelta(days=1))
    assert route.call_count <= 17


@respx.mock
def test_slice_that_the_server_gives_up_is_read_in_halves(client: LangfuseClient) -> None:
    starts = [START + timedelta(minutes=10 * number) for number in range(300)]
    respx.get(f"{HOST}{v4.OBSERVATIONS.path}").mock(side_effect=server_of(starts, most=20))

    window = Window(START, START + timedelta(days=3), moves_watermark=True)
    rows = [row for rows in timed_pages(client, v4.OBSERVATIONS, window) for row in rows]

    assert sorted(row["startTime"] for row in rows) == [moment.isoformat() for moment in starts]


@respx.mock
def test_server_that_gives_up_on_everything_is_an_error(client: LangfuseClient) -> None:
    respx.get(f"{HOST}{v4.OBSERVATIONS.path}").mock(side_effect=server_of([START], most=0))

    with pytest.raises(LangfuseOverloadedError, match="could not be completed"):
        list(timed_pages(client, v4.OBSERVATIONS, Window(START, START + timedelta(days=1), moves_watermark=True)))


@respx.mock
def test_catalogue_reads_all_pages(client: LangfuseClient) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        rows = [{"id": str(entry)} for entry in range(250)][(number - 1) * 100 : number * 100]
        return httpx.Response(200, json={"data": rows, "meta": {"page": number, "totalPages": 3, "totalItems": 250}})

    respx.get(f"{HOST}{v4.MODELS}").mock(side_effect=answer)

    entries, is_complete = v4.catalogue(client, v4.MODELS)

    assert ([entry["id"] for entry in entries], is_complete) == ([str(number) for number in range(250)], True)


@respx.mock
def test_catalogue_that_shrinks_while_it_is_read_is_not_taken_as_complete(client: LangfuseClient) -> None:
    meta = {"page": 1, "totalPages": 1, "totalItems": 3}
    route = respx.get(f"{HOST}{v4.PROMPTS}").mock(
        return_value=httpx.Response(200, json={"data": [{"name": "a"}, {"name": "b"}], "meta": meta})
    )

    assert v4.catalogue(client, v4.PROMPTS) == ([{"name": "a"}, {"name": "b"}], False)
    assert route.call_count == v4.CATALOGUE_READS


def mode_server(mode: str) -> Callable[[httpx.Request], httpx.Response]:
    """A server that answers as the recorded one did in that write mode."""
    entries = json.loads((RECORDINGS / f"40_mode_probe_{mode}.json").read_text())

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.removeprefix("/api/public/")
        note = f"{mode}: {name}" + ("" if "authorization" in request.headers else " without auth")
        entry = next(entry for entry in entries if entry["note"] == note)
        return httpx.Response(entry["status"], json=entry["body"])

    return answer


@pytest.mark.parametrize("mode", ["events_only", "dual"])
@respx.mock
def test_recorded_modes_that_fill_the_v4_tables_are_read(client: LangfuseClient, mode: str) -> None:
    respx.get(url__startswith=HOST).mock(side_effect=mode_server(mode))

    v4.check_speaks_v4(client)


@pytest.mark.parametrize("mode", ["legacy", "legacy_no_preview"])
@respx.mock
def test_recorded_modes_that_do_not_are_refused(client: LangfuseClient, mode: str) -> None:
    respx.get(url__startswith=HOST).mock(side_effect=mode_server(mode))

    with pytest.raises(LangfuseResponseError, match="only the v3 API"):
        v4.check_speaks_v4(client)
