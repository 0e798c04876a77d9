"""The read API of Langfuse v3: self-hosted servers before v4, and v4 servers that still serve it.

Traces and observations, which it lists apart, are the two parts of the entity `observations`; both, and scores, take
the form that v4 gives (see v3_rows). Prompts and answers come with every observation: they are dropped on arrival.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tracemart.extract.chunks import Chunk, Rejected
from tracemart.extract.client import LangfuseClient
from tracemart.extract.entities import Part, TimedEntity
from tracemart.extract.fields import RowError
from tracemart.extract.rows import SCORE_COLUMNS, RowMaker
from tracemart.extract.slices import Slice
from tracemart.extract.upsert import Upsert
from tracemart.extract.v3_listing import Listing, ListingReader
from tracemart.extract.v3_rows import (
    OBSERVATION_COLUMNS,
    ROOT_COLUMNS,
    observation_line,
    root_line,
    score_line_of_v2,
)
from tracemart.extract.v3_traces import KnownTraces, fill_from_traces, traces_before

SOURCE = "v3"

TRACES = Listing("/api/public/traces", "fromTimestamp", "toTimestamp", "timestamp", {"fields": "core"})
OBSERVATIONS = Listing("/api/public/observations", "fromStartTime", "toStartTime", "startTime")
SCORES = Listing("/api/public/v2/scores", "fromTimestamp", "toTimestamp", "timestamp", {"fields": "score"})
SESSIONS = Listing("/api/public/sessions", "fromTimestamp", "toTimestamp", "createdAt")


def observations(client: LangfuseClient, known: KnownTraces) -> TimedEntity:
    """The observations and, as their roots, the traces of a slice, and of traces that began before it and that
    `known` does not know. The parts have to be read in their order, those of a slice before those of the next.
    """
    reading = _ObservationReading(ListingReader(client, OBSERVATIONS), ListingReader(client, TRACES), known)
    return TimedEntity(
        name="observations",
        parts=(
            Part(
                _upsert("observations", ("trace_id", "id"), OBSERVATION_COLUMNS, "start_time", "source"),
                reading.observations,
                _chunk_maker(observation_line),
            ),
            Part(
                _upsert("observations", ("trace_id", "id"), ROOT_COLUMNS, "start_time", "source"),
                reading.roots,
                _chunk_maker(root_line),
            ),
        ),
        look_back=lambda end: look_back((reading.of_observations, reading.of_traces), end),
        complete=fill_from_traces,
    )


def scores(client: LangfuseClient) -> TimedEntity:
    reader = ListingReader(client, SCORES)
    chunk_of = _chunk_maker(score_line_of_v2)
    return TimedEntity(
        name="scores",
        parts=(
            Part(
                _upsert("scores", ("id",), SCORE_COLUMNS, "scored_at", "load_source"),
                lambda cut: map(chunk_of, reader.pages(cut)),
                chunk_of,
            ),
        ),
        look_back=lambda end: look_back((reader,), end),
    )


def sessions(client: LangfuseClient, cut: Slice) -> Iterator[list[Any]]:
    """Entries {id, createdAt, projectId, environment} of the sessions that the server first saw in that time."""
    return ListingReader(client, SESSIONS).pages(cut)


def look_back(readers: tuple[ListingReader, ...], end: datetime) -> datetime | None:
    """A moment that all rows before `end` come after, at most about twice as far back as the oldest; None without rows.

    As in v4.look_back: one row older than 1, 2, 4, 8… days is asked for until there is none.
    """

    def is_empty_before(moment: datetime) -> bool:
        return all(reader.is_empty_before(moment) for reader in readers)

    if is_empty_before(end):
        return None
    days = 1
    while not is_empty_before(end - timedelta(days=days)):
        days *= 2
    return end - timedelta(days=days)


@dataclass
class _ObservationReading:
    """Remembers which traces a slice's observations are of, until their roots are read."""

    of_observations: ListingReader
    of_traces: ListingReader
    known: KnownTraces
    _traces: set[str] = field(default_factory=set)

    def observations(self, cut: Slice) -> Iterator[Chunk]:
        chunk_of = _chunk_maker(observation_line)
        self._traces = set()
        for rows in self.of_observations.pages(cut):
            self._traces |= _texts(rows, "traceId")
            yield chunk_of(rows)

    def roots(self, cut: Slice) -> Iterator[Chunk]:
        chunk_of = _chunk_maker(root_line)
        without_root = self._traces
        for rows in self.of_traces.pages(cut):
            without_root -= _texts(rows, "id")
            yield chunk_of(rows)
        if without_root:
            without_root -= self.known(without_root)
            yield from map(chunk_of, traces_before(self.of_traces, cut, without_root))


def _upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...], event_time: str, source_column: str) -> Upsert:
    return Upsert(
        table=table, key=key, columns=columns, event_time=event_time, source_column=source_column, source=SOURCE
    )


def _chunk_maker(make_line: RowMaker) -> Callable[[list[Any]], Chunk]:
    def chunk_of(rows: list[Any]) -> Chunk:
        lines: list[str] = []
        rejected: list[Rejected] = []
        for row in rows:
            try:
                lines.append(make_line(row))
            except RowError as error:
                rejected.append(Rejected(row, str(error)))
        return Chunk("".join(lines).encode(), len(lines), tuple(rejected))

    return chunk_of


def _texts(rows: list[Any], name: str) -> set[str]:
    return {row[name] for row in rows if isinstance(row, dict) and isinstance(row.get(name), str) and row[name]}
