"""Chunks of one listing into a raw table: by COPY, then a merge where versions of the rows may stand there."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import LiteralString, Self

import psycopg

from tracemart.errors import WarehouseError
from tracemart.extract.chunks import Chunk, Rejected
from tracemart.extract.copying import CopyData, Front
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk as it is copied."""

    data: CopyData
    count: int
    months_of_traces: set[bytes]
    rejected: tuple[Rejected, ...]


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
    _copied: list[CopyData] = field(default_factory=list)
    _traces: set[bytes] = field(default_factory=set)
    _count: int = 0
    _copying: ExitStack = field(default_factory=ExitStack)
    _stream: psycopg.Copy | None = None
    _options: LiteralString | None = None

    def __post_init__(self) -> None:
        # What is copied straight into the table passes nobody who could clear it.
        self.expects_new = self.expects_new and not is_anyone_forgotten(self.connection)
        self._register = MonthRegister(self.connection, self.key, self.upsert)
        self.upsert.create_stage(self.connection)
        if self.remember:
            self.upsert.create_seen(self.connection)
        self._cursor = self.connection.cursor()
        self._front = Front(self.key.instance, self.key.project_id, self.upsert.source, self.batch_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An open COPY would keep the transaction from rolling back.
        self._copying.__exit__(kind, error, trace)
        self._register.close()

    def prepared(self, chunk: Chunk) -> Prepared:
        """What `add` would make of the chunk first; a thread that reads ahead may do so."""
        is_registered = self.expects_new and self.upsert.is_by_month and chunk.count
        months = chunk.rows.months_of_traces() if is_registered else set()
        return Prepared(chunk.rows.copied(self._front), chunk.count, months, chunk.rejected)

    def add(self, chunk: Chunk) -> None:
        self.add_prepared(self.prepared(chunk))

    def add_prepared(self, chunk: Prepared) -> None:
        self.counts.read += chunk.count + len(chunk.rejected)
        self.counts.rejected += len(chunk.rejected)
        self._rejected += chunk.rejected
        if chunk.count:
            if chunk.data.options != self._options:
                self._take_over()
            self._write(chunk.data, as_new=self.expects_new)
            if self.expects_new:
                self._copied.append(chunk.data)
                self._traces |= chunk.months_of_traces
            self._count += chunk.count
        if self._count >= self._rows_at_once():
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

    def _write(self, data: CopyData, *, as_new: bool) -> None:
        if self._stream is None:
            if as_new:
                self.connection.execute("savepoint expects_new")
            into = self.upsert.copy_into(data.options, as_new=as_new)
            self._stream, self._options = self._copying.enter_context(self._cursor.copy(into)), data.options
            self._stream.write(data.header)
        self._stream.write(data.content)

    def _take_over(self) -> None:
        if not self._count:
            return
        count, self._count = self._count, 0
        copied, self._copied = self._copied, []
        traces, self._traces = self._traces, set()
        if self.expects_new:
            if self._took_new(count, traces):
                return
            # One known row may stand at a border; where they come again and again, others will.
            self._known += 1
            self.expects_new = self._known < TRIES_AS_NEW
            for data in copied:
                self._write(data, as_new=False)
        self._close(count)
        self._merge()

    def _took_new(self, count: int, traces: set[bytes]) -> bool:
        """Whether all rows on their way were new within their month; if not, nothing of them was kept."""
        try:
            self._close(count)
        except psycopg.errors.IntegrityError:
            self.connection.execute("rollback to savepoint expects_new")
            return False
        self.connection.execute("release savepoint expects_new")
        self.counts.inserted += count
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

    def _close(self, count: int) -> None:
        copying, self._copying, self._stream = self._copying, ExitStack(), None
        copying.close()
        if self._cursor.rowcount != count:
            raise WarehouseError(
                f"PostgreSQL took {self._cursor.rowcount} of {count} rows for raw.{self.upsert.table}, so nothing was"
                " loaded: this is a fault of Tracemart, please report it."
            )

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
