"""Loading what is listed by time: slice by slice, each with its rows, its entry in the load log and its watermark."""

from typing import Any

import psycopg
from psycopg import sql

from tracemart.extract import fields
from tracemart.extract.chunks import Rejected
from tracemart.extract.fields import RowError
from tracemart.extract.listings import Listing
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load
from tracemart.extract.rejects import keep_rejected, open_rejected, resolve, resolve_replaced
from tracemart.extract.slices import Slice
from tracemart.privacy.forgotten import clear_stage, delete_forgotten_rejects


def load_listing(
    connection: psycopg.Connection,
    listing: Listing,
    key: LoadKey,
    cut: Slice | None,
    entries: list[Any],
    *,
    run_id: str | None,
) -> LoadCounts:
    """Upsert entries, in the caller's transaction: all of one slice, or some of any time.

    A slice without rejected entries flags what it no longer holds; what comes back loses the flag.
    """
    batch_id = begin_load(connection, key, run_id, (cut.start, cut.end) if cut else None)
    counts = LoadCounts(read=len(entries))
    lines: list[str] = []
    rejected: list[Rejected] = []
    for entry in entries:
        try:
            lines.append(listing.make_line(entry))
        except RowError as error:
            rejected.append(Rejected(entry, str(error)))
    if rejected:
        keep_rejected(connection, key, batch_id, rejected)
        delete_forgotten_rejects(connection, batch_id)
        counts.rejected = len(rejected)
    names = _names(listing)
    whose = {
        "instance": key.instance,
        "project_id": key.project_id,
        "batch_id": batch_id,
        "start": cut.start if cut else None,
        "end": cut.end if cut else None,
    }
    connection.execute(sql.SQL(_CREATE_STAGE).format(**names))
    with connection.cursor() as cursor:
        with cursor.copy(sql.SQL("copy {stage} ({columns}) from stdin " + fields.COPY_OPTIONS).format(**names)) as copy:
            copy.write("".join(lines).encode())
        clear_stage(
            connection,
            instance=key.instance,
            project_id=key.project_id,
            batch_id=batch_id,
            stage=_stage(listing),
            table=listing.table,
        )
        counts.inserted, counts.updated = cursor.execute(sql.SQL(_MERGE).format(**names), whose).fetchone() or (0, 0)
        if listing.finds_vanished and cut is not None and not rejected:
            counts.vanished = cursor.execute(sql.SQL(_FLAG_VANISHED).format(**names), whose).rowcount
        cursor.execute(sql.SQL("drop table {stage}").format(**names))
    resolve_replaced(connection, key, batch_id, listing.table)
    finish_load(connection, batch_id, counts)
    return counts


def retry_rejected(connection: psycopg.Connection, listing: Listing, key: LoadKey, *, run_id: str | None) -> LoadCounts:
    """Load what was rejected once and can be kept now, in a transaction of its own."""
    kept: dict[int, Any] = {}
    for row_id, payload in open_rejected(connection, key):
        try:
            listing.make_line(payload)
        except RowError:
            continue
        kept[row_id] = payload
    if not kept:
        return LoadCounts()
    with connection.transaction():
        counts = load_listing(connection, listing, key, None, list(kept.values()), run_id=run_id)
        resolve(connection, list(kept))
    return counts


def _stage(listing: Listing) -> str:
    return f"stage_{listing.table}"


def _names(listing: Listing) -> dict[str, sql.Composable]:
    values = [column for column in listing.columns if column not in listing.key]

    def merged(column: str) -> sql.Composable:
        known, read = sql.Identifier("known", column), sql.Identifier("excluded", column)
        if column in listing.earliest:
            return sql.SQL("least({}, {})").format(known, read)
        if column in listing.latest:
            return sql.SQL("greatest({}, {})").format(known, read)
        return read

    def listed(columns: list[str] | tuple[str, ...], *of: str) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(*of, column) for column in columns)

    return {
        "table": sql.Identifier("raw", listing.table),
        "stage": sql.Identifier(_stage(listing)),
        "event_time": sql.Identifier(listing.event_time),
        "key": listed(listing.key),
        "columns": listed(listing.columns),
        "columns_of_stage": listed(listing.columns, "stage"),
        "values": listed(values),
        "values_of_known": listed(values, "known"),
        "merged_values": sql.SQL(", ").join(merged(column) for column in values),
        "stage_is_known": sql.SQL(" and ").join(
            sql.SQL("{} = {}").format(sql.Identifier("stage", column), sql.Identifier("known", column))
            for column in listing.key
        ),
    }


_CREATE_STAGE = "create temporary table {stage} on commit drop as select {columns} from {table} limit 0"

_MERGE = """
with newest as (
    select distinct on ({key}) {columns} from {stage} as stage order by {key}, {event_time} desc, stage::text desc
),
merged as (
    insert into {table} as known (instance, project_id, {columns}, batch_id)
    select %(instance)s, %(project_id)s, {columns}, %(batch_id)s from newest
    on conflict (instance, project_id, {key}) do update
    set
        ({values}) = row({merged_values}),
        vanished_at = null,
        batch_id = excluded.batch_id,
        loaded_at = clock_timestamp()
    where ({values_of_known}) is distinct from ({merged_values}) or known.vanished_at is not null
    returning (xmax = 0) as is_new
)
select count(*) filter (where is_new), count(*) filter (where not is_new) from merged
"""

_FLAG_VANISHED = """
update {table} as known
set vanished_at = clock_timestamp(), batch_id = %(batch_id)s, loaded_at = clock_timestamp()
where
    known.instance = %(instance)s and known.project_id = %(project_id)s
    and known.{event_time} >= %(start)s and known.{event_time} < %(end)s
    and known.vanished_at is null
    and not exists (select from {stage} as stage where {stage_is_known})
"""
