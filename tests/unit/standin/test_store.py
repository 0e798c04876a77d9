"""Paging: every row once, in one order, whatever ties there are."""

from __future__ import annotations

import xxhash
from hypothesis import given
from hypothesis import strategies as st

from tracemart.standin.rows import Observation, Score, TraceContext
from tracemart.standin.store import ObservationPosition, ProjectStore

TIED = st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abc"), st.integers(0, 99)), max_size=40, unique=True)


def observation(start_ms: int, trace_id: str, number: int) -> Observation:
    return Observation(TraceContext(trace_id), f"{number:04d}", None, "SPAN", "step", start_ms, start_ms, start_ms)


@given(TIED, st.integers(1, 7))
def test_pages_hold_every_row_once_in_the_servers_order(keys: list[tuple[int, str, int]], size: int) -> None:
    store = ProjectStore("p", "P")
    store.add_observations(observation(*key) for key in keys)

    seen: list[tuple[int, str, int]] = []
    after = None
    while page := [row for _, row in zip(range(size), store.window(None, None, after), strict=False)]:
        seen += [(row.start_ms, row.context.trace_id, int(row.id)) for row in page]
        after = ObservationPosition(page[-1].start_ms, page[-1].context.trace_id, page[-1].id)

    def order(key: tuple[int, str, int]) -> tuple[int, int, int]:
        return key[0], xxhash.xxh32_intdigest(key[1].encode()), key[2]

    assert seen == sorted(keys, key=order, reverse=True)


@given(TIED, st.integers(0, 7), st.integers(0, 7))
def test_a_window_takes_its_start_and_leaves_its_end(
    keys: list[tuple[int, str, int]], from_ms: int, before_ms: int
) -> None:
    store = ProjectStore("p", "P")
    store.add_observations(observation(*key) for key in keys)
    found = {row.start_ms for row in store.window(from_ms, before_ms)}
    assert found == {key[0] for key in keys if from_ms <= key[0] < before_ms}


def test_two_versions_across_a_page_border_lose_one_as_the_real_server_does() -> None:
    store = ProjectStore("p", "P")
    store.add_observations([observation(5, "t", 1), observation(5, "t", 1)])

    (first, *_) = store.window(None, None)
    rest = list(store.window(None, None, ObservationPosition(first.start_ms, "t", first.id)))

    assert rest == []


def test_rows_written_while_a_client_pages_do_not_move_its_pages() -> None:
    store = ProjectStore("p", "P")
    store.add_observations(observation(start, "t", start) for start in range(10))
    first = next(iter(store.window(None, None)))
    store.add_observations([observation(50, "t", 50)])

    rest = store.window(None, None, ObservationPosition(first.start_ms, "t", first.id))

    assert [row.start_ms for row in rest] == list(range(8, -1, -1))


def test_scores_page_by_time_and_id() -> None:
    store = ProjectStore("p", "P")
    store.add_scores(Score(name, "quality", when, when, when, "NUMERIC", 1, trace_id="t")
                     for name, when in (("a", 1), ("b", 2), ("c", 2), ("d", 3)))  # fmt: skip
    assert [score.id for score in store.score_window(1, 3)] == ["c", "b", "a"]
    assert [score.id for score in store.score_window(None, None, after=(2, "c"))] == ["b", "a"]
