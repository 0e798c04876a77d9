"""A numbered listing counts as complete only if no entry can have slipped over a page's border."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import LangfuseResponseError
from tracemart.extract import catalogue_pages
from tracemart.extract.catalogue_pages import allowed, cursor_chain, key_of, numbered
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.settings import LangfuseProject

HOST = "http://langfuse.test"
PATH = "/api/public/models"

Change = tuple[str, int]


@cache
def make_client() -> LangfuseClient:
    project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
    return LangfuseClient(project, Patience(attempts=1, first_pause=timedelta(0)))


def listing(names: list[int], change: Callable[[list[int]], None] = lambda _: None) -> Callable[..., httpx.Response]:
    """A server that lists `names` in order and calls `change` on them after each page."""

    def answer(request: httpx.Request) -> httpx.Response:
        page, limit = (int(request.url.params[name]) for name in ("page", "limit"))
        names.sort()
        rows = [{"id": str(name)} for name in names[(page - 1) * limit : page * limit]]
        meta = {"page": page, "limit": limit, "totalItems": len(names), "totalPages": -(-len(names) // limit)}
        change(names)
        return httpx.Response(200, json={"data": rows, "meta": meta})

    return answer


def ids(entries: list[Any]) -> set[str]:
    return {entry["id"] for entry in entries}


@respx.mock
def test_an_entry_that_slipped_over_the_border_is_found() -> None:
    names = list(range(250))
    deletions = iter([0])

    def delete_one(names: list[int]) -> None:
        if (gone := next(deletions, None)) is not None:
            names.remove(gone)

    route = respx.get(f"{HOST}{PATH}").mock(side_effect=listing(names, delete_one))

    entries, is_complete = numbered(make_client(), PATH, ("id",))

    assert is_complete
    assert ids(entries) == {str(name) for name in range(1, 250)}
    assert len(route.calls) == 6


@respx.mock
def test_a_listing_that_never_stands_still_is_not_complete() -> None:
    names = list(range(250))
    respx.get(f"{HOST}{PATH}").mock(side_effect=listing(names, lambda names: names.insert(0, -len(names))))

    entries, is_complete = numbered(make_client(), PATH, ("id",))

    assert not is_complete
    assert ids(entries) >= {str(name) for name in range(250)}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 11), unique=True, max_size=12),
    st.lists(st.integers(0, 11), max_size=12),
    st.sampled_from(["deleting", "inserting"]),
)
def test_complete_listings_hold_whatever_was_there_all_the_time(names: list[int], moved: list[int], kind: str) -> None:
    changes = iter(moved)
    always = set(names) - set(moved) if kind == "deleting" else set(names)

    def change(names: list[int]) -> None:
        name = next(changes, None)
        if name is not None and kind == "deleting" and name in names:
            names.remove(name)
        if name is not None and kind == "inserting" and name not in names:
            names.append(name)

    with pytest.MonkeyPatch.context() as patch, respx.mock:
        patch.setattr(catalogue_pages, "ENTRIES_A_PAGE", 3)
        respx.get(f"{HOST}{PATH}").mock(side_effect=listing(names, change))
        entries, is_complete = numbered(make_client(), PATH, ("id",))

    if is_complete:
        assert ids(entries) >= {str(name) for name in always}


@pytest.mark.parametrize("meta", [{}, {"meta": None}, {"meta": {"page": 1}}])
@respx.mock
def test_a_server_that_tells_no_number_of_pages_is_read_until_nothing_new_comes(meta: dict[str, Any]) -> None:
    pages = [[{"id": "a"}, {"id": "b"}], [{"id": "c"}], [{"id": "c"}]]
    answers = [httpx.Response(200, json={"data": rows} | meta) for rows in pages]
    respx.get(f"{HOST}{PATH}").mock(side_effect=answers)

    entries, is_complete = numbered(make_client(), PATH, ("id",))

    assert (ids(entries), is_complete) == ({"a", "b", "c"}, True)


@respx.mock
def test_entries_without_a_key_are_counted_each() -> None:
    rows = [{"id": "a"}, {"name": "no id"}, "no object", {"id": ["no", "key"]}]
    meta = {"page": 1, "limit": 100, "totalItems": 4, "totalPages": 1}
    respx.get(f"{HOST}{PATH}").mock(return_value=httpx.Response(200, json={"data": rows, "meta": meta}))

    assert numbered(make_client(), PATH, ("id",)) == (rows, True)


@respx.mock
def test_short_and_empty_pages_with_a_cursor_go_on() -> None:
    answers = [([1], "a"), ([], "b"), ([2], None)]
    route = respx.get(f"{HOST}{PATH}").mock(
        side_effect=[
            httpx.Response(200, json={"data": rows, "meta": {"cursor": cursor} if cursor else {}})
            for rows, cursor in answers
        ]
    )

    assert list(cursor_chain(make_client(), PATH, {"fromStartTime": "then"})) == [[1], [], [2]]
    assert [dict(call.request.url.params) for call in route.calls] == [
        {"fromStartTime": "then"},
        {"fromStartTime": "then", "cursor": "a"},
        {"fromStartTime": "then", "cursor": "b"},
    ]


@respx.mock
def test_a_cursor_that_does_not_move_is_an_error() -> None:
    respx.get(f"{HOST}{PATH}").mock(return_value=httpx.Response(200, json={"data": [1], "meta": {"cursor": "a"}}))

    with pytest.raises(LangfuseResponseError, match="same cursor again"):
        list(cursor_chain(make_client(), PATH, {}))


@respx.mock
def test_an_answer_without_rows_is_an_error() -> None:
    respx.get(f"{HOST}{PATH}").mock(return_value=httpx.Response(200, json={"models": []}))

    with pytest.raises(LangfuseResponseError, match="without a list of rows"):
        numbered(make_client(), PATH, ("id",))


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"name": "a", "version": 1}, ("a", 1)),
        ({"name": "a\x00", "version": 1}, ("a\ufffd", 1)),
        ({"name": "a", "version": True}, None),
        ({"name": "", "version": 1}, None),
        ({"name": "a"}, None),
        ("a", None),
    ],
)
def test_keys(entry: Any, key: tuple[str | int, ...] | None) -> None:
    assert key_of(entry, ("name", "version")) == key


def test_what_is_never_kept_is_left_out_and_metadata_goes_through_the_rules() -> None:
    entry = {"id": "a", "prompt": "private", "metadata": {"email": "private"}}

    assert allowed(entry, ("prompt",), lambda _: {}) == {"id": "a", "metadata": {}}
    assert allowed("text", ("prompt",), lambda _: {}) == "text"
