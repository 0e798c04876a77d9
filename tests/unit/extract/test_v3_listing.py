"""A v3 listing is read whole, whatever comes and goes while its pages are read."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import LangfuseOverloadedError, LangfuseResponseError
from tracemart.extract import v3
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.slices import Slice, as_parameter
from tracemart.extract.v3_listing import READS_OF_A_MOVING_LISTING, ListingReader
from tracemart.extract.windows import look_back
from tracemart.settings import LangfuseProject

HOST = "http://langfuse.test"
START = datetime(2026, 11, 20, tzinfo=UTC)
CUT = Slice(START, START + timedelta(hours=1))
PAGE = 3

Row = dict[str, Any]


def row(name: str, milliseconds: int) -> Row:
    return {
        "id": name,
        "traceId": "trace",
        "type": "SPAN",
        "startTime": as_parameter(START + timedelta(milliseconds=milliseconds)),
        "input": "a prompt",
        "output": "an answer",
    }


class Server:
    """Lists its rows as Langfuse's v3 does: newest first, cut by OFFSET, `PAGE` rows at most whatever is asked for."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.requests: list[dict[str, str]] = []
        self.before_each: Callable[[int], None] = lambda _: None
        self.order: Callable[[Row], Any] = lambda row: row["id"]

    def answer(self, request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        self.before_each(len(self.requests))
        self.requests.append(asked)
        found = [row for row in self.rows if asked["fromStartTime"] <= row["startTime"] < asked["toStartTime"]]
        found.sort(key=self.order)
        found.sort(key=lambda row: row["startTime"], reverse=True)
        limit = min(int(asked["limit"]), PAGE)
        offset = (int(asked["page"]) - 1) * limit
        meta = {"page": int(asked["page"]), "totalItems": len(found), "totalPages": -(-len(found) // limit)}
        return httpx.Response(200, json={"data": found[offset : offset + limit], "meta": meta})

    @contextmanager
    def running(self) -> Iterator[ListingReader]:
        with respx.mock:
            respx.get(f"{HOST}{v3.OBSERVATIONS.path}").mock(side_effect=self.answer)
            yield ListingReader(make_client(), v3.OBSERVATIONS)


def make_client() -> LangfuseClient:
    project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
    return LangfuseClient(project, Patience(attempts=2, first_pause=timedelta(0)))


def names(reader: ListingReader) -> list[str]:
    return [row["id"] for page in reader.pages(CUT) for row in page]


def test_only_first_pages_are_asked_for() -> None:
    server = Server([row(f"{number:03}", 1000 * number) for number in range(50)])

    with server.running() as reader:
        assert sorted(names(reader)) == [f"{number:03}" for number in range(50)]

    assert {asked["page"] for asked in server.requests} == {"1"}
    assert {asked["fromStartTime"] for asked in server.requests} == {"2026-11-20T00:00:00.000Z"}
    assert all(int(asked["limit"]) <= 100 for asked in server.requests)


def test_prompts_and_answers_are_dropped_on_arrival() -> None:
    server = Server([row("a", 0)])

    with server.running() as reader:
        assert [list(entry) for page in reader.pages(CUT) for entry in page] == [["id", "traceId", "type", "startTime"]]
        keeping = ListingReader(reader.client, reader.listing, keep_io=True)
        assert [entry["output"] for page in keeping.pages(CUT) for entry in page] == ["an answer"]


@settings(deadline=None)
@given(milliseconds=st.lists(st.integers(0, 6), max_size=25))
def test_each_row_comes_once_where_nothing_moves(milliseconds: list[int]) -> None:
    server = Server([row(f"{number:03}", at) for number, at in enumerate(milliseconds)])

    with server.running() as reader:
        assert sorted(names(reader)) == sorted(row["id"] for row in server.rows)


@settings(deadline=None)
@given(
    milliseconds=st.lists(st.integers(0, 9), min_size=8, max_size=25),
    moves=st.dictionaries(st.integers(0, 6), st.one_of(st.integers(0, 9), st.none()), max_size=3),
    seed=st.integers(0, 99),
)
def test_no_row_is_lost_while_others_come_and_go(
    milliseconds: list[int], moves: dict[int, int | None], seed: int
) -> None:
    chance = random.Random(seed)
    server = Server([row(f"{number:03}", at) for number, at in enumerate(milliseconds)])
    stay = {row["id"] for row in server.rows}

    def move(request: int) -> None:
        if request not in moves:
            return
        at = moves[request]
        if at is not None:
            server.rows.append(row(f"new{request}", at))
        elif server.rows:
            stay.discard(server.rows.pop(chance.randrange(len(server.rows)))["id"])

    server.before_each = move
    with server.running() as reader:
        assert stay <= set(names(reader))


def test_rows_of_one_time_are_read_again_until_none_was_skipped() -> None:
    """Nothing orders rows of one time: a page may repeat one of them and pass over another."""
    server = Server([row(f"{number:03}", 5) for number in range(8)])
    order = {name: position for position, name in enumerate(row["id"] for row in server.rows)}

    def swap(request: int) -> None:
        if request == 2:
            order["002"], order["003"] = order["003"], order["002"]

    server.before_each = swap
    server.order = lambda row: order[row["id"]]
    with server.running() as reader:
        assert sorted(names(reader)) == [f"{number:03}" for number in range(8)]


def test_slice_that_never_stands_still_may_be_read_in_halves() -> None:
    server = Server([row(f"{number:03}", 5) for number in range(8)])
    server.before_each = lambda request: server.rows.append(row(f"new{request}", 5))

    with server.running() as reader, pytest.raises(LangfuseOverloadedError, match="changes /api/public/observations"):
        names(reader)

    assert len(server.requests) >= 2 * READS_OF_A_MOVING_LISTING


def test_listing_in_another_order_is_read_by_its_numbers() -> None:
    server = Server([row(f"{number:03}", number) for number in range(8)])

    def oldest_first(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        return httpx.Response(
            200,
            json={"data": server.rows[3 * page - 3 : 3 * page], "meta": {"totalItems": 8, "totalPages": 3}},
        )

    with respx.mock:
        respx.get(f"{HOST}{v3.OBSERVATIONS.path}").mock(side_effect=oldest_first)
        reader = ListingReader(make_client(), v3.OBSERVATIONS)
        assert sorted(names(reader)) == [f"{number:03}" for number in range(8)]


def test_more_pages_than_rows_are_no_loss() -> None:
    """totalItems counts versions that are no rows: 60 of 58 in recording 22."""
    rows = [row("b", 2), row("a", 1)]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        found = [row for row in rows if row["startTime"] < asked["toStartTime"]] if asked["page"] == "1" else []
        return httpx.Response(200, json={"data": found, "meta": {"totalItems": 105, "totalPages": 2}})

    with respx.mock:
        respx.get(f"{HOST}{v3.OBSERVATIONS.path}").mock(side_effect=answer)
        assert sorted(set(names(ListingReader(make_client(), v3.OBSERVATIONS)))) == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        {"data": {}, "meta": {"totalItems": 1, "totalPages": 1}},
        {"data": []},
        {"data": [], "meta": {"page": 1}},
    ],
)
def test_answer_that_no_listing_gives_is_an_error(body: dict[str, Any]) -> None:
    with respx.mock:
        respx.get(f"{HOST}{v3.OBSERVATIONS.path}").mock(return_value=httpx.Response(200, json=body))
        with pytest.raises(LangfuseResponseError, match=r"without (a list of rows|the number of its pages)"):
            names(ListingReader(make_client(), v3.OBSERVATIONS))


@pytest.mark.parametrize("days", [0, 1, 3, 400, 20_000])
def test_look_back_reaches_the_oldest_row(days: int) -> None:
    server = Server([row("a", -days * 86_400_000)])
    end = START + timedelta(seconds=1)

    with server.running() as reader:
        oldest = look_back(reader.is_empty_before, end)
        server.rows = []
        assert look_back(reader.is_empty_before, end) is None

    assert oldest is not None
    assert oldest <= START - timedelta(days=days)
    assert end - oldest <= 2 * max(end - (START - timedelta(days=days)), timedelta(days=1))
