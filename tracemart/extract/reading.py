"""Reading a window slice by slice, as events that a loader takes in their order; meant to run ahead of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tracemart.errors import LangfuseOverloadedError
from tracemart.extract.chunks import Chunk
from tracemart.extract.entities import TimedEntity
from tracemart.extract.slices import Slice, Slicer
from tracemart.extract.windows import Window


@dataclass(frozen=True)
class SliceBegan:
    cut: Slice


@dataclass(frozen=True)
class ChunkRead:
    part: int
    chunk: Chunk


@dataclass(frozen=True)
class SliceEnded:
    """Every cursor chain of the slice ended: it is whole."""


@dataclass(frozen=True)
class SliceRefused:
    """The server could not answer the slice; its halves follow."""


Event = SliceBegan | ChunkRead | SliceEnded | SliceRefused


def read_window(entity: TimedEntity, window: Window, slicer: Slicer | None = None) -> Iterator[Event]:
    """Raises what the entity's parts raise, LangfuseOverloadedError once a slice cannot be halved any more."""
    slicer = slicer or Slicer()
    for cut in slicer.slices(window.start, window.end, border=window.watermark):
        yield SliceBegan(cut)
        rows = 0
        try:
            for position, part in enumerate(entity.parts):
                for chunk in part.chunks(cut):
                    rows += chunk.count + len(chunk.rejected)
                    yield ChunkRead(position, chunk)
        except LangfuseOverloadedError:
            if not slicer.refused(cut):
                raise
            yield SliceRefused()
        else:
            slicer.finished(rows)
            yield SliceEnded()
