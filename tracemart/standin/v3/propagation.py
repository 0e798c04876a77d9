"""The events table of a server that also keeps the v3 tables: what `/v2/observations` shows there.

A `dual` server copies merged observations over, some minutes after they came, below a synthetic root SPAN
`t-<traceId>` per trace; a `legacy` server never fills the table. Seen on a real 4.16.0.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields, replace
from operator import attrgetter

from tracemart.standin.rows import Observation, PropagatedObservation, TraceContext
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import DAY_MS
from tracemart.standin.v3.tables import Trace, has_end, updated_ms
from tracemart.standin.v3.view import view_of

ROOT_PREFIX = "t-"
_values = attrgetter(*(field.name for field in fields(Observation)))


def events_of(project: ProjectStore, mode: str) -> ProjectStore:
    """The project as `/v2/observations` and `/v2/metrics` see it in this mode."""
    if mode == "events_only":
        return project
    due_ms = None
    if project.legacy.propagation_ms:
        due_ms = time.time_ns() // 1_000_000_000 * 1000 - project.legacy.propagation_ms
    state = (project.revision, due_ms)
    known = project.legacy.views.get(mode)
    if known is None or known[0] != state:
        events = replace(project)
        if mode == "dual":
            events.add_observations(_propagated(project, due_ms))
        events.add_scores(project.scores())
        known = project.legacy.views[mode] = (state, events)
    found: ProjectStore = known[1]
    return found


def _propagated(project: ProjectStore, due_ms: int | None) -> Iterator[Observation]:
    """All rows that are due: written before `due_ms`, or whenever if it is None."""
    view, direct = view_of(project), project.legacy.direct
    contexts: dict[tuple[int, int], TraceContext] = {}
    for row in view.observations:
        if row.id in direct:
            yield row
            continue
        trace = view.trace_by_id.get(row.context.trace_id)
        if due_ms is not None and updated_ms(row) > due_ms:
            continue
        key = (id(row.context), id(trace))
        if key not in contexts:
            contexts[key] = _context(row.context, trace)
        parent_id = row.parent_id or (ROOT_PREFIX + trace.id if trace else None)
        copied = PropagatedObservation(*_values(row))
        copied.updated_ms, copied.has_end = updated_ms(row), has_end(row)
        copied.context, copied.parent_id, copied.is_root, copied.trace_name = (
            contexts[key], parent_id, parent_id is None, None,
        )  # fmt: skip
        yield copied
    for trace in view.traces:
        rows = view.rows_of.get(trace.id, [])
        came_directly = bool(rows) and all(row.id in direct for row in rows)
        if not came_directly and (due_ms is None or trace.updated_ms <= due_ms):
            yield _root(trace)


def _root(trace: Trace) -> Observation:
    own = TraceContext(trace.id, environment=trace.environment, version=trace.version, metadata=trace.metadata)
    return PropagatedObservation(
        context=_context(own, trace), id=ROOT_PREFIX + trace.id, parent_id=None, type="SPAN", name=trace.name,
        start_ms=trace.timestamp_ms, end_ms=trace.timestamp_ms, created_ms=trace.created_ms // 1000 * 1000,
        trace_name=trace.name or None, is_root=True, input=trace.input, output=trace.output,
        updated_ms=trace.updated_ms, has_end=False,
    )  # fmt: skip


def _context(own: TraceContext, trace: Trace | None) -> TraceContext:
    """A row's own version, environment and metadata; what only the trace knows is lost if it is back-dated."""
    if trace is None or trace.created_ms - trace.timestamp_ms > DAY_MS:
        return replace(own, user_id="", session_id="", release="", tags=())
    return replace(
        own, user_id=trace.user_id, session_id=trace.session_id, release=trace.release, tags=trace.tags
    )  # fmt: skip
