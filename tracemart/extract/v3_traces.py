"""What v3's observations have from their traces: who, which session, which release."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from tracemart.errors import LangfuseNotFoundError, LangfuseOverloadedError
from tracemart.extract.load import LoadKey
from tracemart.extract.slices import Slice
from tracemart.extract.v3_listing import ListingReader, without_io
from tracemart.extract.v3_rows import TRACE_ATTRIBUTES
from tracemart.warehouse import Role, Warehouse

PARTS_OF_A_WHOLE_TRACE = ("observations", "scores")

KnownTraces = Callable[[Collection[str]], set[str]]
"""Of these traces, those whose root is in raw."""


def traces_before(reader: ListingReader, cut: Slice, wanted: set[str]) -> Iterator[list[Any]]:
    """Entries of traces that began before the slice; one that the server does not have is left out."""
    missing = set(wanted)
    if len(missing) > 1:
        # Most traces that reach into a slice began just before it.
        yield _taken(reader.newest_before(cut.start), missing)
    too_large: set[str] = set()
    for trace_id in sorted(missing):
        try:
            row = reader.client.get(f"{reader.listing.path}/{quote(trace_id, safe='')}", reader.listing.parameters)
        except LangfuseNotFoundError:
            continue
        except LangfuseOverloadedError:
            too_large.add(trace_id)
            continue
        kept = {name: value for name, value in row.items() if name not in PARTS_OF_A_WHOLE_TRACE}
        yield [kept if reader.keep_io else without_io(kept)]
    if too_large:
        yield from _searched(reader, cut.start, too_large)


def _searched(reader: ListingReader, end: datetime, missing: set[str]) -> Iterator[list[Any]]:
    """The same from the listing, further and further back: old servers send a trace with all that is in it, which may
    be more than they can.
    """
    length = timedelta(days=1)
    while missing and not reader.is_empty_before(end):
        for rows in reader.pages(Slice(end - length, end)):
            yield _taken(rows, missing)
        end -= length
        length *= 2


def _taken(rows: list[Any], missing: set[str]) -> list[Any]:
    """Those of the rows that were missing, which they are no longer."""
    found = [row for row in rows if isinstance(row, dict) and row.get("id") in missing]
    missing -= {row["id"] for row in found}
    return found


def known_traces(warehouse: Warehouse, key: LoadKey) -> KnownTraces:
    """Asks the warehouse by a connection of its own, for the load's is busy with other rows."""

    def known(trace_ids: Collection[str]) -> set[str]:
        with warehouse.connect(Role.LOADER, autocommit=True) as connection:
            rows = connection.execute(
                _KNOWN_ROOTS,
                {"instance": key.instance, "project_id": key.project_id, "trace_ids": list(trace_ids)},
            )
            return {row[0] for row in rows}

    return known


def slice_of(connection: psycopg.Connection, batch_id: int) -> Slice | None:
    """The slice that a batch loads; None where it is about no time."""
    row = connection.execute("select window_from, window_to from raw.loads where batch_id = %s", (batch_id,)).fetchone()
    return Slice(row[0], row[1]) if row is not None and row[0] is not None and row[1] is not None else None


def touched_traces(connection: psycopg.Connection, key: LoadKey, batch_id: int) -> set[str]:
    """The traces of the rows that a batch wrote, wherever they stand."""
    rows = connection.execute(
        "select distinct trace_id from raw.observations where instance = %s and project_id = %s and batch_id = %s",
        (key.instance, key.project_id, batch_id),
    )
    return {row[0] for row in rows}


def fill_from_traces(connection: psycopg.Connection, key: LoadKey, batch_id: int, traces: Collection[str]) -> int:
    """Give the observations of these traces TRACE_ATTRIBUTES of their roots, in the caller's transaction; the number
    of rows changed that the batch had not written before.

    Only rows that this way loaded, for v4 tells an observation's own.
    """
    whose = {
        "instance": key.instance,
        "project_id": key.project_id,
        "source": key.source,
        "batch_id": batch_id,
        "trace_ids": list(traces),
    }
    connection.execute(_ROOTS.format(**_NAMES), whose)
    connection.execute("analyze pg_temp.roots_of_slice")
    row = connection.execute(_FILL.format(**_NAMES), whose).fetchone()
    connection.execute("drop table pg_temp.roots_of_slice")
    assert row is not None
    changed: int = row[0]
    return changed


def _attributes(of: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(of, column) for column in TRACE_ATTRIBUTES)


# As in v4, `bookmarked` reaches those alone that stand directly below the root.
_BOOKMARKED = sql.SQL("(roots.bookmarked and known.parent_observation_id = 't-' || known.trace_id)")
_OFFERED = [_BOOKMARKED if column == "bookmarked" else sql.Identifier("roots", column) for column in TRACE_ATTRIBUTES]

_NAMES = {
    "attributes": sql.SQL(", ").join(map(sql.Identifier, TRACE_ATTRIBUTES)),
    "attributes_of_known": _attributes("known"),
    "attributes_of_roots": _attributes("roots"),
    "attributes_of_differing": _attributes("differing"),
    "offered": sql.SQL(", ").join(_OFFERED),
    "offered_as_attributes": sql.SQL(", ").join(
        sql.SQL("{} as {}").format(value, sql.Identifier(column))
        for value, column in zip(_OFFERED, TRACE_ATTRIBUTES, strict=True)
    ),
}

_KNOWN_ROOTS = """
select distinct wanted.trace_id
from unnest(%(trace_ids)s::text[]) as wanted (trace_id)
inner join raw.trace_months as months
    on
        months.instance = %(instance)s and months.project_id = %(project_id)s
        and months.trace_id = wanted.trace_id
inner join raw.observations as roots
    on
        roots.instance = %(instance)s and roots.project_id = %(project_id)s
        and roots.trace_id = wanted.trace_id and roots.id = 't-' || wanted.trace_id
        and roots.start_month = months.start_month
-- What v4 says of a trace that was sent late lacks whose it is.
where roots.source <> 'v4'
"""

_ROOTS = sql.SQL("""
create temporary table roots_of_slice on commit drop as
select roots.trace_id, {attributes_of_roots}
from unnest(%(trace_ids)s::text[]) as wanted (trace_id)
inner join raw.trace_months as months
    on
        months.instance = %(instance)s and months.project_id = %(project_id)s
        and months.trace_id = wanted.trace_id
inner join raw.observations as roots
    on
        roots.instance = %(instance)s and roots.project_id = %(project_id)s
        and roots.trace_id = wanted.trace_id and roots.id = 't-' || wanted.trace_id
        and roots.start_month = months.start_month
""")

_FILL = sql.SQL("""
with differing as materialized (
    select known.trace_id, known.id, known.start_month, known.batch_id, {offered_as_attributes}
    from pg_temp.roots_of_slice as roots
    inner join raw.trace_months as months
        on
            months.instance = %(instance)s and months.project_id = %(project_id)s
            and months.trace_id = roots.trace_id
    inner join raw.observations as known
        on
            known.instance = %(instance)s and known.project_id = %(project_id)s
            and known.trace_id = roots.trace_id and known.start_month = months.start_month
    where
        known.source = %(source)s and known.id <> 't-' || known.trace_id
        and ({attributes_of_known}) is distinct from ({offered})
),
filled as (
    update raw.observations as known
    set ({attributes}) = row({attributes_of_differing}), batch_id = %(batch_id)s, loaded_at = clock_timestamp()
    from differing
    where
        known.instance = %(instance)s and known.project_id = %(project_id)s
        and known.trace_id = differing.trace_id and known.id = differing.id
        and known.start_month = differing.start_month
    returning differing.batch_id as batch_before
)
select count(*) filter (where batch_before <> %(batch_id)s) from filled
""")
