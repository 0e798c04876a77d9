"""The read API of Langfuse v3: self-hosted servers before v4, and v4 servers that still serve it.

Traces and observations, which it lists apart, are the two parts of the entity `observations`; both, and scores, take
the form that v4 gives (see v3_rows). Prompts and answers come with every observation: they are dropped on arrival.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import psycopg

from tracemart.extract.chunks import Chunk
from tracemart.extract.client import LangfuseClient
from tracemart.extract.entities import Part, TimedEntity
from tracemart.extract.load import LoadKey
from tracemart.extract.rows import SCORE_COLUMNS, as_sent, chunk_of
from tracemart.extract.slices import Slice
from tracemart.extract.upsert import upsert_of
from tracemart.extract.v3_listing import Listing, ListingReader
from tracemart.extract.v3_rows import (
    OBSERVATION_COLUMNS,
    OBSERVATION_COLUMNS_WITH_IO,
    ROOT_COLUMNS,
    ROOT_COLUMNS_WITH_IO,
    as_root,
    observation_line,
    observation_line_with_io,
    root_line,
    root_line_with_io,
    score_line_of_v2,
)
from tracemart.extract.v3_traces import KnownTraces, fill_from_traces, slice_of, touched_traces, traces_before
from tracemart.extract.windows import look_back
from tracemart.privacy import Privacy

SOURCE = "v3"

# The metadata that says whose a trace is comes with its prompt and answer only, in the group `io`.
TRACES = Listing("/api/public/traces", "fromTimestamp", "toTimestamp", "timestamp", {"fields": "core,io"})
OBSERVATIONS = Listing("/api/public/observations", "fromStartTime", "toStartTime", "startTime")
SCORES = Listing("/api/public/v2/scores", "fromTimestamp", "toTimestamp", "timestamp", {"fields": "score"})
SESSIONS = Listing("/api/public/sessions", "fromTimestamp", "toTimestamp", "createdAt")

ChunkMaker = Callable[[list[Any]], Chunk]


def observations(client: LangfuseClient, privacy: Privacy, known: KnownTraces) -> TimedEntity:
    """The observations and, as their roots, the traces of a slice, and of traces that began before it and that
    `known` does not know. The parts have to be read in their order, those of a slice before those of the next.
    """
    with_io = privacy.redacts
    observation_line_of = observation_line_with_io if with_io else observation_line
    root_line_of = root_line_with_io if with_io else root_line
    allowed = partial(privacy.payload, "observations")
    reading = _ObservationReading(
        of_observations=ListingReader(client, OBSERVATIONS, keep_io=with_io),
        of_traces=ListingReader(client, TRACES, keep_io=with_io),
        known=known,
        observation_chunk_of=partial(chunk_of, observation_line_of, allowed),
        root_chunk_of=partial(chunk_of, root_line_of, allowed),
    )
    return TimedEntity(
        name="observations",
        parts=(
            Part(
                upsert_of("observations", OBSERVATION_COLUMNS_WITH_IO if with_io else OBSERVATION_COLUMNS, SOURCE),
                reading.observations,
                partial(chunk_of, observation_line_of, as_sent),
            ),
            Part(
                upsert_of("observations", ROOT_COLUMNS_WITH_IO if with_io else ROOT_COLUMNS, SOURCE),
                reading.roots,
                partial(chunk_of, root_line_of, as_sent),
            ),
        ),
        look_back=partial(_look_back, (reading.of_observations, reading.of_traces)),
        complete=reading.fill,
    )


def scores(client: LangfuseClient, privacy: Privacy) -> TimedEntity:
    reader = ListingReader(client, SCORES)
    score_chunk_of = partial(chunk_of, score_line_of_v2, partial(privacy.payload, "scores"))
    return TimedEntity(
        name="scores",
        parts=(
            Part(
                upsert_of("scores", SCORE_COLUMNS, SOURCE),
                lambda cut: map(score_chunk_of, reader.pages(cut)),
                partial(chunk_of, score_line_of_v2, as_sent),
            ),
        ),
        look_back=partial(_look_back, (reader,)),
    )


def sessions(client: LangfuseClient, cut: Slice) -> Iterator[list[Any]]:
    """Entries {id, createdAt, projectId, environment} of the sessions that the server first saw in that time."""
    return ListingReader(client, SESSIONS).pages(cut)


def _look_back(readers: tuple[ListingReader, ...], end: datetime) -> datetime | None:
    return look_back(lambda moment: all(reader.is_empty_before(moment) for reader in readers), end)


@dataclass
class _ObservationReading:
    """Remembers of each slice which traces it is about: until their roots are read, and until the slice is loaded.

    Reading runs ahead of loading in another thread; a dictionary takes a key of one and gives it to the other.
    """

    of_observations: ListingReader
    of_traces: ListingReader
    known: KnownTraces
    observation_chunk_of: ChunkMaker
    root_chunk_of: ChunkMaker
    traces: dict[Slice, set[str]] = field(default_factory=dict)

    def observations(self, cut: Slice) -> Iterator[Chunk]:
        traces = self.traces[cut] = set()
        for rows in self.of_observations.pages(cut):
            traces |= _texts(rows, "traceId")
            yield self.observation_chunk_of(rows)

    def roots(self, cut: Slice) -> Iterator[Chunk]:
        traces = self.traces[cut]
        without_root = set(traces)
        for rows in self.of_traces.pages(cut):
            found = _texts(rows, "id")
            traces |= found
            without_root -= found
            yield self._roots_of(rows)
        if without_root:
            without_root -= self.known(without_root)
            yield from map(self._roots_of, traces_before(self.of_traces, cut, without_root))

    def fill(self, connection: psycopg.Connection, key: LoadKey, batch_id: int) -> int:
        cut = slice_of(connection, batch_id)
        traces = self.traces.pop(cut, None) if cut is not None else None
        if traces is None:
            traces = touched_traces(connection, key, batch_id)
        return fill_from_traces(connection, key, batch_id, traces)

    def _roots_of(self, traces: list[Any]) -> Chunk:
        return self.root_chunk_of([as_root(row) for row in traces])


def _texts(rows: list[Any], name: str) -> set[str]:
    return {row[name] for row in rows if isinstance(row, dict) and isinstance(row.get(name), str) and row[name]}
