"""What a way into Langfuse offers to a step: entities that are read by time, each in one part or several."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from tracemart.extract.chunks import Chunk
from tracemart.extract.load import LoadKey
from tracemart.extract.slices import Slice
from tracemart.extract.upsert import Upsert


@dataclass(frozen=True)
class Part:
    """One listing: where its rows go, how a slice of it is read, and how entries that were rejected are tried again.

    `chunks` raises LangfuseOverloadedError where a shorter slice may work.
    """

    upsert: Upsert
    chunks: Callable[[Slice], Iterator[Chunk]]
    chunk_of: Callable[[list[Any]], Chunk]


@dataclass(frozen=True)
class TimedEntity:
    """An entity that is read by time.

    `look_back` gives a moment that all rows before another come after, None without rows. `complete` runs once the
    parts of a slice are merged, in the same transaction, and gives the number of rows that it changed. Where
    `finds_vanished`, a slice's rows that are not read again are marked as vanished.
    """

    name: str
    parts: tuple[Part, ...]
    look_back: Callable[[datetime], datetime | None]
    complete: Callable[[psycopg.Connection, LoadKey, int], int] | None = None
    finds_vanished: bool = True
