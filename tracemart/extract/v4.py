"""The read API of Langfuse v4: cursor chains over observations and scores, newest first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import orjson

from tracemart.extract.catalogue_pages import Page, cursor_chain, page_of_values
from tracemart.extract.chunks import Chunk
from tracemart.extract.client import LangfuseClient
from tracemart.extract.entities import Part, TimedEntity
from tracemart.extract.fast_rows import entry_value, fast_observation_line
from tracemart.extract.fields import RowError
from tracemart.extract.prefetch import prefetched
from tracemart.extract.rows import (
    OBSERVATION_COLUMNS,
    OBSERVATION_COLUMNS_WITH_IO,
    SCORE_COLUMNS,
    RowMaker,
    as_sent,
    chunk_of,
    observation_line,
    observation_line_with_io,
    score_line,
)
from tracemart.extract.slices import Slice, as_parameter
from tracemart.extract.upsert import upsert_of
from tracemart.extract.windows import look_back
from tracemart.privacy import Privacy

SOURCE = "v4"
PAGES_AHEAD = 1


@dataclass(frozen=True)
class TimedEndpoint:
    """An endpoint that lists newest first between two times."""

    path: str
    from_parameter: str
    to_parameter: str
    limit: int
    fields: str
    expand_metadata: str = ""


OBSERVATIONS = TimedEndpoint(
    path="/api/public/v2/observations",
    from_parameter="fromStartTime",
    to_parameter="toStartTime",
    limit=1000,
    fields="core,basic,time,metadata,model,usage,prompt,metrics,trace_context",
)
# Prompts and answers stay in Langfuse unless they are redacted.
OBSERVATIONS_WITH_IO = replace(OBSERVATIONS, fields=f"{OBSERVATIONS.fields},io")
SCORES = TimedEndpoint(
    path="/api/public/v3/scores",
    from_parameter="fromTimestamp",
    to_parameter="toTimestamp",
    limit=100,
    fields="core,details,subject,annotation",
)

Entries = Sequence[msgspec.Raw]


def observations(client: LangfuseClient, privacy: Privacy) -> TimedEntity:
    columns = OBSERVATION_COLUMNS_WITH_IO if privacy.redacts else OBSERVATION_COLUMNS
    # Values of metadata are cut at 200 characters but for the keys named; a server of 4.16 expands all for any name.
    endpoint = replace(
        OBSERVATIONS_WITH_IO if privacy.redacts else OBSERVATIONS, expand_metadata=",".join(privacy.allow_list.names)
    )
    make_line = observation_line_with_io if privacy.redacts else observation_line
    exact_chunk_of = partial(_entry_chunk_of, make_line, partial(privacy.payload, "observations"))
    entry_chunk_of = _fast_chunk_of(exact_chunk_of) if privacy.keeps_everything else exact_chunk_of
    return TimedEntity(
        name="observations",
        parts=(
            Part(
                upsert_of("observations", columns, SOURCE),
                partial(_chunks, client, endpoint, entry_chunk_of),
                partial(chunk_of, make_line, as_sent),
            ),
        ),
        look_back=partial(look_back, partial(is_empty_before, client, endpoint)),
    )


def scores(client: LangfuseClient, privacy: Privacy) -> TimedEntity:
    score_chunk_of = partial(_entry_chunk_of, score_line, partial(privacy.payload, "scores"))
    return TimedEntity(
        name="scores",
        parts=(
            Part(
                upsert_of("scores", SCORE_COLUMNS, SOURCE),
                partial(_chunks, client, SCORES, score_chunk_of),
                partial(chunk_of, score_line, as_sent),
            ),
        ),
        look_back=partial(look_back, partial(is_empty_before, client, SCORES)),
    )


def _chunks(
    client: LangfuseClient, endpoint: TimedEndpoint, chunk_of: Callable[[Entries], Chunk], cut: Slice
) -> Iterator[Chunk]:
    # The server makes the next page while lines are made of this one.
    return map(chunk_of, prefetched(pages(client, endpoint, cut), PAGES_AHEAD))


def pages(client: LangfuseClient, endpoint: TimedEndpoint, cut: Slice) -> Iterator[Entries]:
    """Entries of one slice, page by page until the cursor ends (langfuse.md, fact 7)."""
    parameters: dict[str, str | int] = {
        endpoint.from_parameter: as_parameter(cut.start),
        endpoint.to_parameter: as_parameter(cut.end),
        "fields": endpoint.fields,
        "limit": endpoint.limit,
    }
    if endpoint.expand_metadata:
        parameters["expandMetadata"] = endpoint.expand_metadata
    return cursor_chain(client, endpoint.path, parameters, _page_of)


def is_empty_before(client: LangfuseClient, endpoint: TimedEndpoint, moment: datetime) -> bool:
    """Whether nothing at all happened before that moment."""
    parameters: dict[str, str | int] = {endpoint.to_parameter: as_parameter(moment), "fields": "core", "limit": 1}
    return not any(cursor_chain(client, endpoint.path, parameters, _page_of))


class _Meta(msgspec.Struct):
    cursor: Any = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    meta: _Meta | None = None


_decode_page = msgspec.json.Decoder(_Page).decode


def _page_of(body: bytes) -> Page[msgspec.Raw]:
    """Entries as their text, and the cursor. Raises ValueError for what is no JSON object."""
    try:
        page = _decode_page(body)
    except msgspec.DecodeError:
        rows, cursor = page_of_values(body)
        return None if rows is None else [msgspec.Raw(orjson.dumps(entry)) for entry in rows], cursor
    return page.data, page.meta.cursor if page.meta else None


def _entry_chunk_of(make_line: RowMaker, allowed: Callable[[Any], Any], entries: Entries) -> Chunk:
    return chunk_of(make_line, allowed, map(entry_value, entries))


def _fast_chunk_of(exact_chunk_of: Callable[[Entries], Chunk]) -> Callable[[Entries], Chunk]:
    def chunk(entries: Entries) -> Chunk:
        try:
            return Chunk.of_lines([fast_observation_line(entry) for entry in entries])
        except RowError:
            return exact_chunk_of(entries)

    return chunk
