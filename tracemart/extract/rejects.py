"""Entries that could not be kept as rows: each stays with its reason until it, or a newer version, could."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import psycopg
from psycopg import sql

from tracemart.errors import TooManyRejectedError
from tracemart.extract import fields
from tracemart.extract.chunks import Rejected
from tracemart.extract.load import LoadCounts, LoadKey

# Fewer than this many bad rows never fail a load, however small it is.
TOLERATED = 10
RETRIED_AT_ONCE = 1_000


def keep_rejected(connection: psycopg.Connection, key: LoadKey, batch_id: int, rejected: Iterable[Rejected]) -> None:
    """Into raw.rejected_rows, each payload once; one that was resolved and comes again is open again."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.rejected_rows as known"
            " (instance, project_id, entity, source, row_id, reason, payload, payload_hash, batch_id)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (instance, project_id, entity, payload_hash) do update"
            " set resolved_at = null, reason = excluded.reason where known.resolved_at is not null",
            [
                (
                    key.instance, key.project_id, key.entity, key.source, row_id_of(entry.payload), entry.reason,
                    fields.json(entry.payload) or "null", payload_hash(entry.payload), batch_id,
                )
                for entry in rejected
            ],
        )  # fmt: skip


def check_share(counts: LoadCounts, rejected: Sequence[Rejected], limit: float, what: str) -> None:
    """Raise TooManyRejectedError where more than the share `limit` of the rows read was rejected."""
    if counts.rejected < TOLERATED or counts.rejected <= limit * counts.read:
        return
    reasons = sorted({entry.reason for entry in rejected})
    raise TooManyRejectedError(
        f"{counts.rejected:,} of {counts.read:,} rows of {what} cannot be kept (first of all: {reasons[0]}), which is"
        f" more than the {limit:.0%} of TRACEMART_REJECTED_SHARE, so none of them was loaded; raw.rejected_rows holds"
        " examples: mend what sends them, or raise the share to load the others."
    )


def open_rejected(connection: psycopg.Connection, key: LoadKey) -> list[tuple[int, Any]]:
    """(rejected_row_id, payload) of open entries of this entity and source, oldest first."""
    return connection.execute(
        "select rejected_row_id, payload from raw.rejected_rows"
        " where instance = %s and project_id = %s and entity = %s and source = %s and resolved_at is null"
        " order by rejected_row_id limit %s",
        (key.instance, key.project_id, key.entity, key.source, RETRIED_AT_ONCE),
    ).fetchall()


def resolve(connection: psycopg.Connection, rejected_row_ids: list[int]) -> None:
    connection.execute(
        "update raw.rejected_rows set resolved_at = clock_timestamp() where rejected_row_id = any(%s)",
        (rejected_row_ids,),
    )


def resolve_replaced(connection: psycopg.Connection, key: LoadKey, batch_id: int, table: str) -> int:
    """Close open entries of rows of which this batch brought a version that could be kept; how many."""
    return connection.execute(
        sql.SQL(
            "update raw.rejected_rows as rejected set resolved_at = clock_timestamp()"
            " where instance = %(instance)s and project_id = %(project_id)s and entity = %(entity)s"
            " and resolved_at is null and batch_id <> %(batch_id)s and exists (select from {} as known"
            " where known.instance = %(instance)s and known.project_id = %(project_id)s"
            " and known.id = rejected.row_id and known.batch_id = %(batch_id)s)"
        ).format(sql.Identifier("raw", table)),
        {"instance": key.instance, "project_id": key.project_id, "entity": key.entity, "batch_id": batch_id},
    ).rowcount


def payload_hash(payload: Any) -> str:
    return hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()


def row_id_of(payload: Any) -> str | None:
    """The id of a row that may be anything."""
    row_id = payload.get("id") if isinstance(payload, dict) else None
    return row_id.replace("\x00", fields.REPLACEMENT) if isinstance(row_id, str) else None
