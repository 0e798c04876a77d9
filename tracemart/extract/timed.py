"""One entity of one project that is read by time: its window, slice after slice into raw."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from tracemart.extract.chunks import Chunk
from tracemart.extract.entities import Part, TimedEntity
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load, read_watermark
from tracemart.extract.loading import Load
from tracemart.extract.partitions import ensure_months, months_between
from tracemart.extract.prefetch import prefetched
from tracemart.extract.reading import ChunkRead, SliceBegan, SliceEnded, read_window
from tracemart.extract.rejects import open_rejected, resolve
from tracemart.extract.rereads import Tier, due_overlap, mark_read
from tracemart.extract.result import EntityResult
from tracemart.extract.slice_load import SliceLoad, SliceResult, SliceTask
from tracemart.extract.statistics import refresh_statistics
from tracemart.extract.windows import AskedInterval, Window, following_window
from tracemart.warehouse import Progress

CHUNKS_AHEAD = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimedRun:
    """What the timed entities of one project share; `connection` in autocommit.

    Without `asked` a window follows the watermark, less the longest of `overlaps` that is due at `now`; where none
    stands yet it follows what an export brought, less the longest of all, for an export lacks what came late.
    """

    connection: psycopg.Connection
    asked: AskedInterval | None
    settled: datetime
    now: datetime
    overlaps: tuple[Tier, ...]
    rejected_share: float
    run_id: str | None
    progress: Progress | None
    exported_through: datetime | None = None


def load_timed(run: TimedRun, entity: TimedEntity, key: LoadKey) -> EntityResult:
    """Raises LangfuseError, TooManyRejectedError, psycopg.Error; slices that were committed stay."""
    started = time.monotonic()
    counts = _load_open_rejected(run, entity, key)
    overlap = due_overlap(run.connection, key, run.overlaps, run.now)
    window = _window(run, entity, key, overlap)
    task = SliceTask(
        connection=run.connection,
        key=key,
        entity=entity,
        run_id=run.run_id,
        watermark=window.watermark,
        moves_watermark=window.moves_watermark,
        rejected_share=run.rejected_share,
    )
    slices = _load_window(run, task, window)
    for each in slices:
        counts += each.counts
    if window.moves_watermark:
        mark_read(run.connection, key, run.overlaps, overlap if window.watermark else None, run.now)
    if counts.changed:
        refresh_statistics(run.connection, entity.parts[0].upsert, window, counts)
    return EntityResult(entity.name, counts, time.monotonic() - started, window, tuple(slices))


def _load_window(run: TimedRun, task: SliceTask, window: Window) -> list[SliceResult]:
    upsert = task.entity.parts[0].upsert
    done: list[SliceResult] = []
    rows = 0
    current: SliceLoad | None = None
    try:
        for event in prefetched(read_window(task.entity, window), CHUNKS_AHEAD):
            if isinstance(event, SliceBegan):
                if upsert.is_by_month:
                    ensure_months(
                        run.connection, months_between(event.cut.start, event.cut.end - timedelta(microseconds=1))
                    )
                current = SliceLoad(task, event.cut)
                continue
            assert current is not None
            if isinstance(event, ChunkRead):
                current.add(event.part, event.chunk)
                if run.progress is not None:
                    run.progress(task.entity.name, rows + current.counts.read, None)
                continue
            ended, current = current, None
            if isinstance(event, SliceEnded):
                done.append(ended.commit())
                rows += done[-1].counts.read
                log.info("%s %s", task.entity.name, done[-1])
            else:
                ended.abandon()
                log.info("%s: the server could not answer a slice of that length; its halves follow", task.entity.name)
    except BaseException:
        if current is not None:
            current.abandon()
        raise
    return done


def _window(run: TimedRun, entity: TimedEntity, key: LoadKey, overlap: timedelta) -> Window:
    if run.asked is None:
        watermark = read_watermark(run.connection, key)
        if watermark is None and run.exported_through is not None:
            watermark = min(run.exported_through, run.settled)
            overlap = max(tier.overlap for tier in run.overlaps)
        return following_window(watermark, overlap, run.settled, entity.look_back)
    if run.asked.start is None:
        oldest = entity.look_back(run.asked.end)
        return Window(oldest or run.asked.end, run.asked.end, moves_watermark=False)
    return Window(run.asked.start, run.asked.end, moves_watermark=False)


def _load_open_rejected(run: TimedRun, entity: TimedEntity, key: LoadKey) -> LoadCounts:
    """Try once more what was rejected: a later version of Tracemart may know how to keep it."""
    counts = LoadCounts()
    rejected = open_rejected(run.connection, key)
    for part in entity.parts:
        kept = [(row_id, chunk) for row_id, payload in rejected if (chunk := _kept(part, payload)) is not None]
        if not kept:
            continue
        with run.connection.transaction():
            batch_id = begin_load(run.connection, key, run.run_id)
            with Load(run.connection, key, part.upsert, batch_id) as load:
                for _, chunk in kept:
                    load.add(chunk)
                load.finish()
            if entity.complete is not None:
                load.counts.besides += entity.complete(run.connection, key, batch_id)
            counts += load.counts
            resolve(run.connection, [row_id for row_id, _ in kept])
            finish_load(run.connection, batch_id, load.counts)
        rejected = [entry for entry in rejected if entry[0] not in {row_id for row_id, _ in kept}]
    return counts


def _kept(part: Part, payload: object) -> Chunk | None:
    chunk = part.chunk_of([payload])
    return chunk if chunk.count else None
