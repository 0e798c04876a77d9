"""Chunks of one listing into a raw table: by COPY, then a merge where versions of the rows may stand there."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from tracemart.extract import fields
from tracemart.extract.chunks import Chunk, Rejected
from tracemart.extract.load import LoadCounts, LoadKey
from tracemart.extract.month_register import MonthRegister
from tracemart.extract.rejects import keep_rejected
from tracemart.extract.upsert import Upsert
from tracemart.privacy.forgotten import clear_stage, delete_forgotten_rejects, is_anyone_forgotten

MERGE_AFTER_ROWS = 50_000
NEW_ROWS_AT_ONCE = 20_000
# Known rows stand at a border, if anywhere: little is lost where the first try meets one.
NEW_ROWS_AT_FIRST = 2_000
TRIES_AS_NEW = 3
KEEP_REJECTED_AFTER_ROWS = 1_000
EXAMPLES = 100


@dataclass
class Load:
    """One listing of one batch on its way: within `with`, add chunks, then finish. The caller owns the transaction.

    One COPY stays open over many chunks, so that PostgreSQL reads one while the next is being made. Where `expects_new`
    rows are copied straight into the table, twice as fast; those of which a version stood there are merged after all.
    With `remember`, seen_<table> takes the keys of known rows that came again.
    """

    connection: psycopg.Connection
    key: LoadKey
    upsert: Upsert
    batch_id: int
    counts: LoadCounts = field(default_factory=LoadCounts)
    expects_new: bool = False
    remember: bool = False
    examples: list[Rejected] = field(default_factory=list)
    _rejected: list[Rejected] = field(default_factory=list)
    _known: int = 0
    _lines: list[bytes] = field(default_factory=list)
    _traces: set[bytes] = field(default_factory=set)
    _rows: int = 0
    _copying: ExitStack = field(default_factory=ExitStack)
    _stream: psycopg.Copy | None = None

    def __post_init__(self) -> None:
        # What is copied straight into the table passes nobody who could clear it.
        self.expects_new = self.expects_new and not is_anyone_forgotten(self.connection)
        self._register = MonthRegister(self.connection, self.key, self.upsert)
        self.upsert.create_stage(self.connection)
        if self.remember:
            self.upsert.create_seen(self.connection)
        columns = [sql.Identifier(column) for column in self.upsert.columns]
        self._into_stage = sql.SQL("copy {} ({}) from stdin " + fields.COPY_OPTIONS).format(
            sql.Identifier(self.upsert.stage), sql.SQL(", ").join(columns)
        )
        own = ("instance", "project_id", self.upsert.source_column, "batch_id")
        self._into_table = sql.SQL("copy {} ({}) from stdin " + fields.COPY_OPTIONS).format(
            sql.Identifier("raw", self.upsert.table),
            sql.SQL(", ").join([*(sql.Identifier(column) for column in own), *columns]),
        )
        values = [self.key.instance, self.key.project_id, self.upsert.source, str(self.batch_id), ""]
        self._own_values = fields.line(values)[:-1].encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An open COPY would keep the transaction from rolling back.
        self._copying.__exit__(kind, error, trace)
        self._register.close()

    def add(self, chunk: Chunk) -> None:
        self.counts.read += chunk.rows + len(chunk.rejected)
        self.counts.rejected += len(chunk.rejected)
        self._rejected += chunk.rejected
        if chunk.rows:
            self._write(chunk.lines, is_new=self.expects_new)
            if self.expects_new:
                self._lines.append(chunk.lines)
                if self.upsert.is_by_month:
                    # Now, while PostgreSQL is at work on the lines.
                    known = chunk.months_of_traces
                    self._traces |= months_of_traces(chunk.lines) if known is None else known
            self._rows += chunk.rows
        if self._rows >= self._rows_at_once():
            self._take_over()
        if len(self._rejected) >= KEEP_REJECTED_AFTER_ROWS:
            self._keep_rejected()

    def finish(self) -> LoadCounts:
        """Take over what is on its way; the counts. Nothing can be added after it."""
        self._take_over()
        self._settle_months()
        self._register.close()
        self._keep_rejected()
        self.upsert.drop_stage(self.connection)
        return self.counts

    def _rows_at_once(self) -> int:
        if not self.expects_new:
            return MERGE_AFTER_ROWS
        return NEW_ROWS_AT_ONCE if self.counts.inserted else min(NEW_ROWS_AT_FIRST, NEW_ROWS_AT_ONCE)

    def _write(self, lines: bytes, *, is_new: bool) -> None:
        if not is_new:
            self._open(self._into_stage).write(lines)
            return
        if self._stream is None:
            self.connection.execute("savepoint expects_new")
        own = self._own_values
        self._open(self._into_table).write(own + lines[:-1].replace(b"\n", b"\n" + own) + b"\n")

    def _open(self, into: sql.Composed) -> psycopg.Copy:
        if self._stream is None:
            self._stream = self._copying.enter_context(self.connection.cursor().copy(into))
        return self._stream

    def _take_over(self) -> None:
        if not self._rows:
            return
        rows, self._rows = self._rows, 0
        lines, self._lines = self._lines, []
        traces, self._traces = self._traces, set()
        if self.expects_new:
            if self._took_new(rows, traces):
                return
            # One known row may stand at a border; where they come again and again, others will.
            self._known += 1
            self.expects_new = self._known < TRIES_AS_NEW
            for chunk in lines:
                self._write(chunk, is_new=False)
        self._close()
        self._merge()

    def _took_new(self, rows: int, traces: set[bytes]) -> bool:
        """Whether all rows on their way were new within their month; if not, nothing of them was kept."""
        try:
            self._close()
        except psycopg.errors.IntegrityError:
            self.connection.execute("rollback to savepoint expects_new")
            return False
        self.connection.execute("release savepoint expects_new")
        self.counts.inserted += rows
        if self.upsert.is_by_month:
            self._register.add(traces)
        return True

    def _settle_months(self) -> None:
        """Merge what was taken for new but is known in another month."""
        whose = (self.key.instance, self.key.project_id, self.batch_id)
        for traces in self._register.unsettled():
            taken_back = self.upsert.take_back(self.connection, *whose, traces)
            if taken_back:
                self.counts.inserted -= taken_back
                self._merge()

    def _merge(self) -> None:
        self.counts.besides += clear_stage(
            self.connection,
            instance=self.key.instance,
            project_id=self.key.project_id,
            batch_id=self.batch_id,
            stage=self.upsert.stage,
            table=self.upsert.table,
        )
        inserted, updated = self.upsert.merge(
            self.connection, self.key.instance, self.key.project_id, self.batch_id, remember=self.remember
        )
        self.counts.inserted += inserted
        self.counts.updated += updated

    def _close(self) -> None:
        copying, self._copying, self._stream = self._copying, ExitStack(), None
        copying.close()

    def _keep_rejected(self) -> None:
        if not self._rejected:
            return
        rejected, self._rejected = self._rejected, []
        keep_rejected(self.connection, self.key, self.batch_id, rejected)
        delete_forgotten_rejects(self.connection, self.batch_id)
        self.examples += rejected[: EXAMPLES - len(self.examples)]
        if self.remember:
            # What came, though it cannot be kept, has not vanished.
            self.upsert.remember(self.connection, [entry.payload for entry in rejected])


def months_of_traces(lines: bytes) -> set[bytes]:
    """`trace_id\tstart_month` of COPY lines, in which they are the first and the last column."""
    return {row[: row.index(b"\t")] + row[row.rindex(b"\t") :] for row in lines[:-1].split(b"\n")}
