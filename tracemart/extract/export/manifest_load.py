"""One manifest, whole or not at all: its files' rows, what was rejected, logs and its mark in one transaction."""

import time
from dataclasses import dataclass

import psycopg

from tracemart.errors import TooManyRejectedError
from tracemart.extract.chunks import Rejected
from tracemart.extract.export import ledger
from tracemart.extract.export.columns import ExportTable
from tracemart.extract.export.legacy import LEGACY_OBSERVATIONS, TRACES
from tracemart.extract.export.manifests import Manifest, check_files
from tracemart.extract.export.observations import OBSERVATIONS
from tracemart.extract.export.readers import Content, opened_file
from tracemart.extract.export.scores import SCORES
from tracemart.extract.export.storage import Storage
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load, read_watermark
from tracemart.extract.loading import Load
from tracemart.extract.partitions import ensure_months, months_between
from tracemart.extract.prefetch import prefetched
from tracemart.extract.rejects import check_share, keep_rejected, resolve_replaced
from tracemart.extract.slice_load import SliceResult
from tracemart.extract.slices import Slice
from tracemart.extract.upsert import upsert_of
from tracemart.extract.v3_traces import fill_from_traces, touched_traces
from tracemart.privacy import Privacy
from tracemart.warehouse import Progress

SOURCE = "export"
CHUNKS_AHEAD = 5
# The first window of an empty project begins in 1970.
MOST_NEW_MONTHS = 36


@dataclass(frozen=True)
class ExportRun:
    """What the manifests of one run share; `connection` in autocommit."""

    connection: psycopg.Connection
    storage: Storage
    instance: str
    project_id: str
    privacy: Privacy
    rejected_share: float
    run_id: str | None
    progress: Progress | None

    def key(self, entity: str) -> LoadKey:
        return LoadKey(self.instance, self.project_id, entity, SOURCE)


def load_manifest(run: ExportRun, manifest: Manifest, done: dict[str, int]) -> dict[str, SliceResult]:
    """Results by entity, none where another run was faster; `done` counts the rows read before, for the progress.

    Raises ExportError, TooManyRejectedError and psycopg.Error, with nothing of the manifest loaded.
    """
    check_files(run.storage, manifest)
    # A run that exports both the old tables and the new one has every row twice.
    is_new = bool(manifest.files_of(OBSERVATIONS.name))
    tables = {"observations": (OBSERVATIONS,) if is_new else (LEGACY_OBSERVATIONS, TRACES), "scores": (SCORES,)}
    results = {}
    try:
        with run.connection.transaction():
            for entity, of_entity in tables.items():
                loading = _EntityLoad(run, manifest, entity, of_entity, done.get(entity, 0))
                if ledger.is_loaded(run.connection, run.instance, manifest):
                    return {}
                results[entity] = loading.load()
            read = sum(result.counts.read for result in results.values())
            ledger.remember(run.connection, run.instance, manifest, read, run.run_id)
    except _RefusedError as error:
        with run.connection.transaction():
            key = run.key(error.entity)
            batch_id = begin_load(run.connection, key, run.run_id, manifest.window)
            keep_rejected(run.connection, key, batch_id, error.examples)
            counts = LoadCounts(read=len(error.examples), rejected=len(error.examples))
            finish_load(run.connection, batch_id, counts)
        raise error.reason from None
    return results


class _RefusedError(Exception):
    def __init__(self, reason: TooManyRejectedError, entity: str, examples: list[Rejected]) -> None:
        super().__init__(str(reason))
        self.reason, self.entity, self.examples = reason, entity, examples


class _EntityLoad:
    """The files of one entity's tables; waits for other loads of the same rows to end."""

    def __init__(
        self, run: ExportRun, manifest: Manifest, entity: str, tables: tuple[ExportTable, ...], done: int
    ) -> None:
        self.run, self.manifest, self.tables, self.done = run, manifest, tables, done
        self.started = time.monotonic()
        self.key = run.key(entity)
        self.batch_id = begin_load(run.connection, self.key, run.run_id, manifest.window)

    def load(self) -> SliceResult:
        counts = LoadCounts()
        for table in self.tables:
            for file in self.manifest.files_of(table.name):
                with opened_file(self.run.storage, file, table, self.run.privacy) as content:
                    if content.columns:
                        self._load(content, counts)
        if TRACES in self.tables and counts.read:
            traces = touched_traces(self.run.connection, self.key, self.batch_id)
            counts.besides += fill_from_traces(self.run.connection, self.key, self.batch_id, traces)
        finish_load(self.run.connection, self.batch_id, counts)
        return SliceResult(Slice(*self.manifest.window), counts, time.monotonic() - self.started)

    def _load(self, content: Content, counts: LoadCounts) -> None:
        connection, run = self.run.connection, self.run
        upsert = upsert_of(self.key.entity, content.column_names, SOURCE)
        expects_new = self._expects_new()
        if upsert.is_by_month and expects_new:
            ensure_months(connection, months_between(*self.manifest.window))
        with Load(connection, self.key, upsert, self.batch_id, counts=counts, expects_new=expects_new) as load:
            for chunk in prefetched(map(load.prepared, content.chunks), CHUNKS_AHEAD):
                load.add_prepared(chunk)
                if run.progress is not None:
                    run.progress(self.key.entity, self.done + counts.read, None)
            load.finish()
        what = f"{self.key.entity} of {run.instance}/{run.project_id} in {self.manifest.path}"
        try:
            check_share(counts, load.examples, run.rejected_share, what)
        except TooManyRejectedError as error:
            raise _RefusedError(error, self.key.entity, load.examples) from None
        if counts.changed:
            resolve_replaced(connection, self.key, self.batch_id, upsert.table)

    def _expects_new(self) -> bool:
        """Whether no other way and no other manifest brought rows of this time: then they are copied twice as fast."""
        start, end = self.manifest.window
        if len(months_between(start, end)) > MOST_NEW_MONTHS:
            return False
        watermark = read_watermark(self.run.connection, self.key)
        if watermark is not None and start < watermark:
            return False
        return not ledger.overlaps(self.run.connection, self.run.instance, self.manifest)
