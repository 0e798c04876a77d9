"""The key of an observation stands over months, though its start time may move from one to another."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tracemart.extract import loading
from tracemart.extract.partitions import ensure_months
from tracemart.warehouse import Role, Warehouse

from .test_load import load_pages, observation

Query = Callable[..., list[tuple[Any, ...]]]
CURRENT = "select id, name, start_month::text, updated_at::time::text from raw.observations order by id"


def at(row_id: str, month: int, second: int, **other: Any) -> dict[str, Any]:
    start, updated = f"2026-{month:02d}-15T10:00:00.000Z", f"2026-11-20T10:00:{second:02d}.000Z"
    return observation(row_id, startTime=start, updatedAt=updated, name=f"month {month}", **other)


@pytest.fixture(autouse=True)
def months(warehouse: Warehouse) -> None:
    with warehouse.connect(Role.LOADER) as connection:
        ensure_months(connection, [date(2026, month, 1) for month in range(8, 12)])


@pytest.mark.parametrize("expects_new", [False, True])
def test_row_that_moved_to_a_later_month_stands_there_alone(
    warehouse: Warehouse, query: Query, expects_new: bool
) -> None:
    load_pages(warehouse, [at("a", 9, 1), at("b", 9, 1)])

    counts = load_pages(warehouse, [at("a", 11, 2), at("c", 11, 2)], expects_new=expects_new)

    assert (counts.inserted, counts.updated, counts.unchanged) == (1, 1, 0)
    assert [row[:3] for row in query(CURRENT)] == [
        ("a", "month 11", "2026-11-01"), ("b", "month 9", "2026-09-01"), ("c", "month 11", "2026-11-01"),
    ]  # fmt: skip
    assert query("select id, name from raw.superseded_observations") == [("a", "month 9")]


@pytest.mark.parametrize("expects_new", [False, True])
def test_older_version_in_another_month_does_not_come_to_stand(
    warehouse: Warehouse, query: Query, expects_new: bool
) -> None:
    load_pages(warehouse, [at("a", 9, 5)])

    first = load_pages(warehouse, [at("a", 11, 1)], expects_new=expects_new)
    again = load_pages(warehouse, [at("a", 11, 1)], expects_new=expects_new)

    assert (first.inserted, first.updated, again.inserted, again.updated) == (0, 0, 0, 0)
    assert [row[:3] for row in query(CURRENT)] == [("a", "month 9", "2026-09-01")]
    assert query("select id, name from raw.superseded_observations") == [("a", "month 11")]


@pytest.mark.parametrize("expects_new", [False, True])
def test_versions_in_several_months_in_one_page_leave_the_newest(
    warehouse: Warehouse, query: Query, expects_new: bool
) -> None:
    page = [at("a", 11, 1), at("a", 9, 3), at("a", 10, 2), at("b", 8, 1)]

    counts = load_pages(warehouse, page, page, expects_new=expects_new)

    assert (counts.read, counts.inserted) == (8, 2)
    assert [row[:3] for row in query(CURRENT)] == [("a", "month 9", "2026-09-01"), ("b", "month 8", "2026-08-01")]
    assert query("select id, name from raw.superseded_observations order by 2") == [
        ("a", "month 10"), ("a", "month 11"),
    ]  # fmt: skip


def test_rows_that_were_thought_new_but_are_known_are_merged(warehouse: Warehouse, query: Query) -> None:
    rows = [at(f"o{number}", 11, 1) for number in range(50)]
    load_pages(warehouse, rows[:20])
    changed = [row | {"updatedAt": "2026-11-21T00:00:00.000Z", "level": "ERROR"} for row in rows[10:15]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "NEW_ROWS_AT_ONCE", 10)

        counts = load_pages(warehouse, rows[30:40], changed, rows[:10], rows[40:], rows[20:30], expects_new=True)

    assert (counts.read, counts.inserted, counts.updated, counts.unchanged) == (45, 30, 5, 10)
    assert query("select count(*), count(*) filter (where level = 'ERROR') from raw.observations") == [(50, 5)]


def test_month_that_nobody_expected_is_made(warehouse: Warehouse, query: Query) -> None:
    load_pages(warehouse, [at("a", 2, 1)], expects_new=True)

    assert query("select tableoid::regclass::text from raw.observations") == [("raw.observations_2026_02",)]


def test_key_within_a_month_is_kept_by_postgresql(query: Query) -> None:
    (definition,) = query(
        "select pg_get_indexdef(indexrelid) from pg_index"
        " where indrelid = 'raw.observations'::regclass and indisprimary"
    )

    assert "(trace_id, id, project_id, instance, start_month)" in definition[0]


def test_no_default_makes_copy_write_row_by_row(query: Query) -> None:
    defaults = query(
        "select distinct attname, pg_get_expr(adbin, adrelid) from pg_attrdef"
        " join pg_attribute on attrelid = adrelid and attnum = adnum"
        " where adrelid in (select inhrelid from pg_inherits union select 'raw.observations'::regclass)"
    )
    assert defaults == [("loaded_at", "statement_timestamp()")]
