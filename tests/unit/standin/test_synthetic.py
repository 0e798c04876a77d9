"""A synthetic stream: any slice of it is what its rows say, and its totals are exact."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import BadInputError
from tracemart.standin.render import OBSERVATION_GROUPS, ObservationFields, observation_rows
from tracemart.standin.rendered import RenderedBlocks
from tracemart.standin.store import ObservationPosition
from tracemart.standin.synthetic import Stream, StreamSpec, SyntheticProject
from tracemart.standin.timestamps import DAY_MS, HOUR_MS, from_datetime

END = datetime(2026, 11, 22, tzinfo=UTC)
END_MS = from_datetime(END)
WHOLE = ObservationFields(frozenset(OBSERVATION_GROUPS) - {"io"})


def stream(rows: int = 20_000, per_day: int = 7_000, seed: int = 1) -> Stream:
    return Stream(StreamSpec(rows, per_day, seed, END))


@given(rows=st.integers(1, 10**9), per_day=st.integers(1, DAY_MS), number=st.integers(0, 10**9), off=st.integers(0, 1))
def test_a_row_is_found_at_its_start_and_the_next_just_after(rows: int, per_day: int, number: int, off: int) -> None:
    made = stream(rows, per_day)
    assert made.number_at(made.start_ms(number) + off) == number + off
    assert made.start_ms(number) < made.start_ms(number + 1)


def test_so_many_rows_lie_before_the_end_and_so_many_in_each_day() -> None:
    made = stream()
    days = Counter((made.start_ms(number) - END_MS) // DAY_MS for number in range(20_000 + 7_000))
    assert made.number_at(END_MS) == 20_000
    assert dict(days) == {-3: 6_000, -2: 7_000, -1: 7_000, 0: 7_000}
    assert made.count == 20_000 + 30 * 7_000


@pytest.mark.parametrize("groups", [frozenset({"core"}), frozenset({"core", "usage", "io"}), WHOLE.groups])
@pytest.mark.parametrize("kept", [None, 2**20])
def test_a_page_says_what_its_rows_say(groups: frozenset[str], kept: int | None) -> None:
    project = SyntheticProject(stream())
    project.rendered = RenderedBlocks(kept) if kept else None
    fields = ObservationFields(groups)
    for first, last in ((0, 1), (3, 1203), (project.stream.count - 10, project.stream.count)):
        found = orjson.loads(b"[" + project.page_json(first, last, fields) + b"]")
        rows = observation_rows(project.observations_at(first, last), project.id, project.prices, fields)
        assert found == orjson.loads(orjson.dumps(rows))


def test_rows_are_traces_of_five_with_ids_of_their_own() -> None:
    made = stream()
    rows = [made.row(number) for number in range(20_000)]
    traces: dict[str, list[str]] = {}
    for row in rows:
        traces.setdefault(row.context.trace_id, []).append(row.type)
    assert len({row.id for row in rows}) == len(rows)
    assert {tuple(types) for types in traces.values()} == {("AGENT", "RETRIEVER", "GENERATION", "TOOL", "GENERATION")}
    roots = {row.context.trace_id: row.id for row in rows if row.is_root}
    assert all(row.parent_id == (None if row.is_root else roots[row.context.trace_id]) for row in rows)
    ends = {row.context.trace_id: row.end_ms for row in rows if row.is_root}
    assert all(row.end_ms <= ends[row.context.trace_id] for row in rows)


@pytest.mark.parametrize(
    ("from_ms", "before_ms"),
    [(None, None), (END_MS - HOUR_MS, END_MS), (END_MS - DAY_MS, None), (END_MS - 2 * DAY_MS + 1, END_MS + 5_000_000)],
)
def test_totals_are_those_of_the_rows(from_ms: int | None, before_ms: int | None) -> None:
    project = SyntheticProject(stream(per_day=4_000))
    totals = project.stream.totals(from_ms, before_ms)
    rows = list(project.window(from_ms, END_MS if before_ms is None else before_ms))
    tokens: Counter[str] = Counter()
    for row in rows:
        tokens.update(row.usage())
    assert totals.observations == len(rows) > 100
    assert totals.tokens == tokens
    assert totals.pico == sum(row.cost().get("total", 0) for row in rows)
    assert totals.errors == sum(row.level == "ERROR" for row in rows)
    assert totals.calls == sum(row.is_call() for row in rows)


def test_pages_of_a_window_follow_each_other_by_position() -> None:
    project = SyntheticProject(stream())
    window = (END_MS - HOUR_MS, END_MS)
    whole = [row.id for row in project.window(*window)]
    low, high = project.bounds(*window)
    paged: list[str] = []
    while high > low:
        page = project.observations_at(max(low, high - 100), high)
        paged += [row.id for row in page]
        last = page[-1]
        low, high = project.bounds(*window, ObservationPosition(last.start_ms, last.context.trace_id, last.id))
    assert paged == whole
    assert len(whole) == pytest.approx(7_000 / 24, abs=1)


def test_the_same_seed_gives_the_same_rows_and_another_other_ids() -> None:
    assert stream(seed=5).row(123) == stream(seed=5).row(123)
    assert stream(seed=5).row(123).id != stream(seed=6).row(123).id


@pytest.mark.parametrize(("rows", "per_day"), [(0, 1), (1, 0), (1, DAY_MS + 1)])
def test_a_stream_that_cannot_be_is_refused(rows: int, per_day: int) -> None:
    with pytest.raises(BadInputError, match="synthetic stream"):
        StreamSpec(rows, per_day)


def test_a_stream_takes_no_writing() -> None:
    project = SyntheticProject(stream())
    with pytest.raises(BadInputError, match="cannot be written to"):
        project.add_observations([])
