"""What only the v3 tables know: traces that were written as such, and how observations of the old way look.

The rows of a project stand in its `ProjectStore`, whatever the write mode; `view` and `propagation` show them
as the v3 tables and as the events table of a `dual` server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tracemart.standin.rows import NO_METADATA, Metadata, Observation


@dataclass(slots=True)
class Trace:
    """A row of the v3 traces table; missing text is "", input and output are the text as sent."""

    id: str
    timestamp_ms: int
    created_ms: int
    updated_ms: int
    name: str = ""
    user_id: str = ""
    session_id: str = ""
    environment: str = "default"
    release: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    metadata: Metadata = NO_METADATA
    input: str | None = None
    output: str | None = None
    public: bool = False
    bookmarked: bool = False


@dataclass(frozen=True)
class Session:
    """A session exists from the moment when a trace first named it."""

    id: str
    created_ms: int
    environment: str


@dataclass(slots=True)
class MergedObservation(Observation):
    """An observation that came by the old way: it may be without an end, and changes over time.

    Without an end `end_ms` equals `start_ms`. `updated_ms` is when its last event was merged, `events` how many were.
    """

    updated_ms: int = 0
    events: int = 1
    has_end: bool = True
    has_parameters: bool = True


def updated_ms(row: Observation) -> int:
    return row.updated_ms if isinstance(row, MergedObservation) else row.created_ms


def age(row: Observation) -> tuple[int, int]:
    """Of two versions of an observation the one with the greater age counts."""
    return updated_ms(row), row.events if isinstance(row, MergedObservation) else 0


def has_end(row: Observation) -> bool:
    return not isinstance(row, MergedObservation) or row.has_end


@dataclass(frozen=True)
class WrittenEvent:
    """An event of a batch: when it says it happened, and what it says, in the words of the ingestion API."""

    at_ms: int
    is_update: bool
    body: dict[str, Any]


@dataclass
class LegacyTables:
    """Of one project: traces and sessions written as such, events still to be merged with later ones, and cached views.

    `events` are kept by ("trace" or "observation", id), `created_ms` by observation. Observations in `direct` were
    written to the events table by a v4 client; what came by the old way shows there, in mode `dual`, after
    `propagation_ms` (ten minutes on a real server).
    """

    traces: dict[str, Trace] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    direct: set[str] = field(default_factory=set)
    events: dict[tuple[str, str], list[WrittenEvent]] = field(default_factory=dict)
    created_ms: dict[str, int] = field(default_factory=dict)
    propagation_ms: int = 0
    views: dict[str, tuple[object, Any]] = field(default_factory=dict)

    def delete_trace(self, trace_id: str) -> None:
        self.traces.pop(trace_id, None)
        for key, events in list(self.events.items()):
            if key == ("trace", trace_id) or any(event.body.get("traceId") == trace_id for event in events):
                del self.events[key]
