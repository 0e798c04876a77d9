"""The log of loads and the watermarks: which batch a row came with, and up to when a project is read.

Everything between `begin_load` and the end of the caller's transaction commits together: rows, superseded versions,
rejected rows, the load's entry and the watermark.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg


@dataclass
class LoadCounts:
    """What became of the rows that were read: read = inserted + updated + unchanged + rejected.

    `unchanged` takes what changed no current row: the same again, and versions older than the one that stands.
    `vanished` counts rows that were not read, because they are gone in Langfuse; `besides` those that were not read
    either, but changed with what was: a trace's observations, the rows of people who were forgotten.
    """

    read: int = 0
    inserted: int = 0
    updated: int = 0
    rejected: int = 0
    vanished: int = 0
    besides: int = 0

    @property
    def unchanged(self) -> int:
        return self.read - self.inserted - self.updated - self.rejected

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.updated or self.vanished or self.besides)

    def __iadd__(self, other: "LoadCounts") -> "LoadCounts":
        self.read += other.read
        self.inserted += other.inserted
        self.updated += other.updated
        self.rejected += other.rejected
        self.vanished += other.vanished
        self.besides += other.besides
        return self


@dataclass(frozen=True)
class LoadKey:
    """Which rows a load is about."""

    instance: str
    project_id: str
    entity: str
    source: str


def begin_load(
    connection: psycopg.Connection,
    key: LoadKey,
    run_id: str | None,
    window: tuple[datetime, datetime] | None = None,
) -> int:
    """The new batch's id; waits for another load of the same rows to end."""
    # It is idle while Langfuse is waited for; but a loader whose machine went away must not hold its lock for hours.
    connection.execute("set local idle_in_transaction_session_timeout = '30min'")
    connection.execute(
        "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
        (f"tracemart load {key.instance}/{key.project_id}/{key.entity}",),
    )
    window_from, window_to = window or (None, None)
    row = connection.execute(
        "insert into raw.loads (instance, project_id, entity, source, run_id, window_from, window_to, started_at)"
        " values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp()) returning batch_id",
        (key.instance, key.project_id, key.entity, key.source, run_id, window_from, window_to),
    ).fetchone()
    assert row is not None
    batch_id: int = row[0]
    return batch_id


def finish_load(connection: psycopg.Connection, batch_id: int, counts: LoadCounts) -> None:
    connection.execute(
        "update raw.loads set rows_read = %s, rows_inserted = %s, rows_updated = %s, rows_unchanged = %s,"
        " rows_rejected = %s, rows_vanished = %s, finished_at = clock_timestamp() where batch_id = %s",
        (
            counts.read, counts.inserted, counts.updated + counts.vanished + counts.besides,
            counts.unchanged, counts.rejected, counts.vanished, batch_id,
        ),
    )  # fmt: skip


def read_watermark(connection: psycopg.Connection, key: LoadKey) -> datetime | None:
    row = connection.execute(
        "select loaded_through_at from raw.watermarks where instance = %s and project_id = %s and entity = %s",
        (key.instance, key.project_id, key.entity),
    ).fetchone()
    return row[0] if row else None


def advance_watermark(connection: psycopg.Connection, key: LoadKey, loaded_through_at: datetime) -> None:
    """Never moves back."""
    connection.execute(
        "insert into raw.watermarks as known (instance, project_id, entity, loaded_through_at) values (%s, %s, %s, %s)"
        " on conflict (instance, project_id, entity) do update"
        " set loaded_through_at = excluded.loaded_through_at, updated_at = clock_timestamp()"
        " where known.loaded_through_at < excluded.loaded_through_at",
        (key.instance, key.project_id, key.entity, loaded_through_at),
    )
