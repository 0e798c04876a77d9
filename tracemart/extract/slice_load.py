"""One slice of one entity, whole or not at all: rows, what vanished, log and watermark in one transaction."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import psycopg

from tracemart.errors import TooManyRejectedError
from tracemart.extract.chunks import Chunk, Rejected
from tracemart.extract.entities import TimedEntity
from tracemart.extract.load import LoadCounts, LoadKey, advance_watermark, begin_load, finish_load
from tracemart.extract.loading import Load
from tracemart.extract.rejects import check_share, keep_rejected, resolve_replaced
from tracemart.extract.slices import Slice


@dataclass(frozen=True)
class SliceResult:
    cut: Slice
    counts: LoadCounts
    seconds: float

    def __str__(self) -> str:
        counts = self.counts
        return (
            f"{self.cut.start:%Y-%m-%d %H:%M:%S} to {self.cut.end:%Y-%m-%d %H:%M:%S} UTC: {counts.read:,} read,"
            f" {counts.inserted:,} new, {counts.updated:,} changed, {counts.unchanged:,} as before,"
            f" {counts.vanished:,} vanished, {counts.rejected:,} rejected in {self.seconds:.1f} s"
        )


@dataclass(frozen=True)
class SliceTask:
    """What all slices of a run share. `watermark` is the one that stood before; None where none did."""

    connection: psycopg.Connection
    key: LoadKey
    entity: TimedEntity
    run_id: str | None
    watermark: datetime | None
    moves_watermark: bool
    rejected_share: float


class SliceLoad:
    """A transaction that is open from its making until `commit` or `abandon`."""

    def __init__(self, task: SliceTask, cut: Slice) -> None:
        self.task = task
        self.cut = cut
        self.counts = LoadCounts()
        self._started = time.monotonic()
        self._loads: dict[int, Load] = {}
        # What lies after the watermark was never read, so it is new but for what came late or by another way.
        self._expects_new = task.moves_watermark and (task.watermark is None or cut.start >= task.watermark)
        self._transaction = ExitStack()
        self._transaction.enter_context(task.connection.transaction())
        try:
            self.batch_id = begin_load(task.connection, task.key, task.run_id, (cut.start, cut.end))
        except BaseException as error:
            self._transaction.__exit__(type(error), error, error.__traceback__)
            raise

    def add(self, part: int, chunk: Chunk) -> None:
        self._load_of(part).add(chunk)

    def commit(self) -> SliceResult:
        """Raises TooManyRejectedError, with nothing loaded but examples of what was rejected; psycopg.Error."""
        connection, key = self.task.connection, self.task.key
        self._finish_part()
        examples = [entry for load in self._loads.values() for entry in load.examples]
        what = f"{key.entity} of {key.instance}/{key.project_id} from {self.cut.start:%Y-%m-%d %H:%M} UTC"
        try:
            check_share(self.counts, examples, self.task.rejected_share, what)
        except TooManyRejectedError:
            self.abandon()
            self._keep(examples)
            raise
        if self.task.entity.finds_vanished and not self._expects_new:
            upsert = self.task.entity.parts[0].upsert
            upsert.create_seen(connection)
            self.counts.vanished = upsert.flag_vanished(
                connection, key.instance, key.project_id, self.batch_id, self.cut
            )
        if self.task.entity.complete is not None and self.counts.read:
            self.counts.besides += self.task.entity.complete(connection, key, self.batch_id)
        if self.counts.changed:
            resolve_replaced(connection, key, self.batch_id, self.task.entity.parts[0].upsert.table)
        finish_load(connection, self.batch_id, self.counts)
        if self.task.moves_watermark:
            advance_watermark(connection, key, self.cut.end)
        self._transaction.close()
        return SliceResult(self.cut, self.counts, time.monotonic() - self._started)

    def abandon(self) -> None:
        """Leave nothing of the slice."""
        for load in self._loads.values():
            load.__exit__(psycopg.Rollback, psycopg.Rollback(), None)
        self._transaction.__exit__(psycopg.Rollback, psycopg.Rollback(), None)

    def _load_of(self, part: int) -> Load:
        if part not in self._loads:
            # Parts come one after another, and those of one table share the name of the stage.
            self._finish_part()
            self._loads[part] = Load(
                self.task.connection,
                self.task.key,
                self.task.entity.parts[part].upsert,
                self.batch_id,
                counts=self.counts,
                expects_new=self._expects_new,
                remember=self.task.entity.finds_vanished and not self._expects_new,
            )
        return self._loads[part]

    def _finish_part(self) -> None:
        """End the part that was read last; those before it are ended."""
        if self._loads:
            self._loads[max(self._loads)].finish()

    def _keep(self, examples: list[Rejected]) -> None:
        connection, key = self.task.connection, self.task.key
        with connection.transaction():
            batch_id = begin_load(connection, key, self.task.run_id, (self.cut.start, self.cut.end))
            keep_rejected(connection, key, batch_id, examples)
            finish_load(connection, batch_id, LoadCounts(read=len(examples), rejected=len(examples)))
