"""Loading one entity of one project: pages stream by COPY into a stage, and a set-based upsert takes them over.

Everything between `begin` and the end of the caller's transaction commits together: rows, superseded versions, rejected
rows, the load's entry and the watermark. Memory is bounded by a few pages; the stage is emptied every MERGE_AFTER_ROWS.
"""

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import orjson
import psycopg
from psycopg import sql

from tracemart.extract import fields
from tracemart.extract.fields import RowError
from tracemart.extract.rows import RowMaker
from tracemart.extract.upsert import Upsert

MERGE_AFTER_ROWS = 50_000
KEEP_REJECTED_AFTER_ROWS = 1_000


@dataclass
class LoadCounts:
    """What became of the rows that were read: read = inserted + updated + unchanged + rejected.

    `unchanged` takes what changed no current row: the same again, and versions older than the one that stands.
    """

    read: int = 0
    inserted: int = 0
    updated: int = 0
    rejected: int = 0

    @property
    def unchanged(self) -> int:
        return self.read - self.inserted - self.updated - self.rejected

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.updated)


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
        " rows_rejected = %s, finished_at = clock_timestamp() where batch_id = %s",
        (counts.read, counts.inserted, counts.updated, counts.unchanged, counts.rejected, batch_id),
    )


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


def reject(connection: psycopg.Connection, key: LoadKey, batch_id: int, rejected: list[tuple[Any, str]]) -> None:
    """Keep rows that could not be parsed with their reasons, each payload once."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.rejected_rows"
            " (instance, project_id, entity, source, row_id, reason, payload, payload_hash, batch_id)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (instance, project_id, entity, payload_hash) do nothing",
            [
                (
                    key.instance, key.project_id, key.entity, key.source, row_id_of(payload), reason,
                    fields.json(payload) or "null", payload_hash(payload), batch_id,
                )
                for payload, reason in rejected
            ],
        )  # fmt: skip


def payload_hash(payload: Any) -> str:
    return hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest()


def row_id_of(payload: Any) -> str | None:
    """The id of a row that may be anything."""
    row_id = payload.get("id") if isinstance(payload, dict) else None
    return row_id.replace("\x00", fields.REPLACEMENT) if isinstance(row_id, str) else None


@dataclass
class Load:
    """One batch on its way: within `with`, add pages, then finish. The caller owns the transaction.

    One COPY stays open over many pages, so that PostgreSQL reads one while the next is being made.
    """

    connection: psycopg.Connection
    key: LoadKey
    upsert: Upsert
    make_line: RowMaker
    batch_id: int
    counts: LoadCounts = field(default_factory=LoadCounts)
    _staged: int = 0
    _rejected: list[tuple[Any, str]] = field(default_factory=list)
    _copying: ExitStack = field(default_factory=ExitStack)
    _stream: psycopg.Copy | None = None

    def __post_init__(self) -> None:
        self.upsert.create_stage(self.connection)
        self._into_stage = sql.SQL("copy {} ({}) from stdin " + fields.COPY_OPTIONS).format(
            sql.Identifier(self.upsert.stage),
            sql.SQL(", ").join(sql.Identifier(column) for column in self.upsert.columns),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An open COPY would keep the transaction from rolling back.
        self._copying.__exit__(kind, error, trace)

    def add(self, rows: list[Any]) -> None:
        """One page of entries as the server sent them."""
        lines: list[str] = []
        for row in rows:
            try:
                lines.append(self.make_line(row))
            except RowError as error:
                self._rejected.append((row, str(error)))
        if lines:
            self._open_stream().write("".join(lines).encode())
        self.counts.read += len(rows)
        self.counts.rejected += len(rows) - len(lines)
        self._staged += len(lines)
        if self._staged >= MERGE_AFTER_ROWS or len(self._rejected) >= KEEP_REJECTED_AFTER_ROWS:
            self._merge()

    def finish(self) -> LoadCounts:
        self._merge()
        finish_load(self.connection, self.batch_id, self.counts)
        return self.counts

    def _open_stream(self) -> psycopg.Copy:
        if self._stream is None:
            self._stream = self._copying.enter_context(self.connection.cursor().copy(self._into_stage))
        return self._stream

    def _merge(self) -> None:
        self._copying.close()
        self._stream = None
        if self._rejected:
            reject(self.connection, self.key, self.batch_id, self._rejected)
            self._rejected = []
        if not self._staged:
            return
        inserted, updated = self.upsert.merge(self.connection, self.key.instance, self.key.project_id, self.batch_id)
        self.counts.inserted += inserted
        self.counts.updated += updated
        self._staged = 0
