"""A project's rows as the v3 tables show them: observations merged by id, and the traces that they make up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from tracemart.standin.rows import Observation, Score
from tracemart.standin.store import ProjectStore
from tracemart.standin.v3.tables import MergedObservation, Session, Trace, age, updated_ms

Row = TypeVar("Row")


class LegacyView:
    """Rows of the v3 tables as of one revision of the project; lists stand oldest first.

    `superseded` are versions of an observation that a later one replaced: no list shows them, but
    `totalItems` of `/observations` counts them until the database merges. Observations that came by the old way
    have a trace only if one was written.
    """

    def __init__(self, project: ProjectStore) -> None:
        newest: dict[str, Observation] = {}
        self.superseded: list[Observation] = []
        for row in project.observations():
            known = newest.get(row.id)
            if known is None:
                newest[row.id] = row
            elif age(row) >= age(known):
                newest[row.id] = row
                self.superseded.append(known)
            else:
                self.superseded.append(row)
        self.observations = sorted(newest.values(), key=lambda row: (row.start_ms, row.id))
        self.observation_by_id = newest
        self._starts = [row.start_ms for row in self.observations]
        self.rows_of: dict[str, list[Observation]] = {}
        for row in self.observations:
            self.rows_of.setdefault(row.context.trace_id, []).append(row)
        self.trace_by_id = {
            trace_id: _derived(trace_id, rows)
            for trace_id, rows in self.rows_of.items()
            if not all(isinstance(row, MergedObservation) for row in rows)
        } | project.legacy.traces
        self.traces = sorted(self.trace_by_id.values(), key=lambda trace: (trace.timestamp_ms, trace.id))
        self._timestamps = [trace.timestamp_ms for trace in self.traces]
        self.scores_of: dict[str, list[Score]] = {}
        self.scores = sorted(project.scores(), key=lambda score: (score.timestamp_ms, score.updated_ms, score.id))
        self._score_times = [score.timestamp_ms for score in self.scores]
        for score in self.scores:
            if score.trace_id:
                self.scores_of.setdefault(score.trace_id, []).append(score)
        self.session_by_id = {session.id: session for session in _sessions(self.traces)} | project.legacy.sessions
        self.sessions = sorted(self.session_by_id.values(), key=lambda session: (session.created_ms, session.id))

    def observations_between(self, from_ms: int | None, before_ms: int | None) -> list[Observation]:
        """Observations with `from_ms <= start < before_ms`, newest first."""
        return _newest_first(self.observations, self._starts, from_ms, before_ms)

    def traces_between(self, from_ms: int | None, before_ms: int | None) -> list[Trace]:
        return _newest_first(self.traces, self._timestamps, from_ms, before_ms)

    def joined(self, row: Observation) -> Observation:
        """An observation with what its trace knows: user, session, tags, release and the trace's name."""
        trace = self.trace_by_id.get(row.context.trace_id)
        if trace is None:
            return row
        context = replace(
            row.context, user_id=trace.user_id, session_id=trace.session_id, tags=trace.tags, release=trace.release
        )
        return replace(row, context=context, trace_name=trace.name or None)

    def scores_between(self, from_ms: int | None, before_ms: int | None) -> list[Score]:
        return _newest_first(self.scores, self._score_times, from_ms, before_ms)


def view_of(project: ProjectStore) -> LegacyView:
    """The view of the project as it is now; built anew only after a change."""
    known = project.legacy.views.get("v3")
    if known is None or known[0] != project.revision:
        known = project.legacy.views["v3"] = (project.revision, LegacyView(project))
    view: LegacyView = known[1]
    return view


def _newest_first(rows: list[Row], times: list[int], from_ms: int | None, before_ms: int | None) -> list[Row]:
    low = 0 if from_ms is None else bisect_left(times, from_ms)
    high = len(rows) if before_ms is None else bisect_left(times, before_ms)
    found = rows[low:high]
    found.reverse()
    return found


def _derived(trace_id: str, rows: list[Observation]) -> Trace:
    """The trace of rows that no client wrote a trace for; `rows` stand oldest first.

    Name, user and the like are what the newest row that has them says; content is the root's.
    """
    root = next((row for row in rows if row.parent_id is None), rows[0])
    contexts = [row.context for row in rows]
    return Trace(
        id=trace_id,
        timestamp_ms=rows[0].start_ms,
        created_ms=min(row.created_ms for row in rows),
        updated_ms=max(updated_ms(row) for row in rows),
        name=_last(row.trace_name for row in rows) or (root.name if root.parent_id is None else ""),
        user_id=_last(context.user_id for context in contexts),
        session_id=_last(context.session_id for context in contexts),
        environment=contexts[0].environment,
        release=_last(context.release for context in contexts),
        version=_last(context.version for context in contexts),
        tags=tuple(dict.fromkeys(tag for context in contexts for tag in context.tags)),
        metadata=root.context.metadata,
        input=root.input,
        output=root.output,
    )


def _last(values: Iterable[str | None]) -> str:
    found = ""
    for value in values:
        found = value or found
    return found


def _sessions(traces: list[Trace]) -> Iterator[Session]:
    first: dict[str, Trace] = {}
    for trace in traces:
        known = first.get(trace.session_id)
        if trace.session_id and (known is None or trace.created_ms < known.created_ms):
            first[trace.session_id] = trace
    for session_id, trace in first.items():
        yield Session(session_id, trace.created_ms, trace.environment)
