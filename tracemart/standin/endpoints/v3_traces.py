"""GET /api/public/traces and /traces/{id}, /sessions and /sessions/{id}."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.endpoints.v3_pages import asked_page, list_answer, matching, repeated
from tracemart.standin.faults.pages import check_window, fault_run
from tracemart.standin.parameters import raise_if_any, zoned_time
from tracemart.standin.problems import Issue, not_found, refused
from tracemart.standin.v3.filters import parse_trace_filter
from tracemart.standin.v3.render import (
    TRACE_GROUPS,
    html_path,
    latency_alone,
    observation_rows,
    score_row,
    session_row,
    total_cost,
    trace_core,
    trace_row,
)
from tracemart.standin.v3.tables import Trace
from tracemart.standin.v3.view import view_of

TraceCondition = Callable[[Trace], bool]

_TEXTS: dict[str, Callable[[Trace], str]] = {
    "userId": lambda trace: trace.user_id,
    "name": lambda trace: trace.name,
    "sessionId": lambda trace: trace.session_id,
    "version": lambda trace: trace.version,
    "release": lambda trace: trace.release,
}
_ORDERS: dict[str, Callable[[Trace], Any]] = {
    "timestamp": lambda trace: trace.timestamp_ms,
    "id": lambda trace: trace.id,
    "public": lambda trace: trace.public,
    "bookmarked": lambda trace: trace.bookmarked,
    **_TEXTS,
}


async def list_traces(request: Request) -> Response:
    project = project_of(request)
    params, issues = request.query_params, list[Issue]()
    page = asked_page(params, issues)
    from_ms = zoned_time(params, "fromTimestamp", issues)
    before_ms = zoned_time(params, "toTimestamp", issues)
    raise_if_any(issues)
    groups = _groups(params)
    view = view_of(project)
    traces = matching(view.traces_between(from_ms, before_ms), trace_conditions(params))
    check_window(fault_run(request), len(traces), page.limit)
    _sort(traces, params.get("orderBy"))
    data = [trace_row(trace, view, project.id, groups) for trace in page.of(traces)]
    return list_answer(request, "traces", data, page, len(traces))


def _groups(params: QueryParams) -> frozenset[str]:
    """Unknown groups are dropped without a word, and if none is left all are meant."""
    named = {name.strip() for name in params.get("fields", "").split(",")}
    return frozenset(named & set(TRACE_GROUPS)) or frozenset(TRACE_GROUPS)


def trace_conditions(params: QueryParams) -> list[TraceCondition]:
    wanted: list[TraceCondition] = []
    for name, read in _TEXTS.items():
        if value := params.get(name):
            wanted.append(lambda trace, read=read, value=value: read(trace) == value)  # type: ignore[misc]
    if tags := set(repeated(params, "tags")):
        wanted.append(lambda trace: tags <= set(trace.tags))
    if environments := repeated(params, "environment"):
        wanted.append(lambda trace: trace.environment in environments)
    if "filter" in params:
        wanted.extend(parse_trace_filter(params["filter"]))
    return wanted


def _sort(traces: list[Trace], order: str | None) -> None:
    """As asked by `column.asc` or `column.desc`; they come newest first."""
    if not order:
        return
    column, _, direction = order.partition(".")
    if column not in _ORDERS:
        raise refused(f"Invalid order by column: {column}")
    traces.sort(key=_ORDERS[column], reverse=direction.lower() == "desc")


async def get_trace(request: Request) -> Response:
    """One trace with all its observations and scores, however many."""
    project = project_of(request)
    trace_id, view = request.path_params["trace_id"], view_of(project)
    trace = view.trace_by_id.get(trace_id)
    if trace is None:
        raise not_found(f"Trace {trace_id} not found within authorized project")
    rows = view.rows_of.get(trace_id, [])
    scores = view.scores_of.get(trace_id, [])
    return json_answer(
        trace_core(trace, project.id)
        | {
            "scores": [score_row(score, project.id, project.score_configs, subjects=False) for score in scores],
            "latency": latency_alone(rows),
            "observations": observation_rows(rows, project.id, project.prices, alone=True, no_price=0),
            "htmlPath": html_path(trace, project.id),
            "totalCost": total_cost(rows),
        }
    )


async def list_sessions(request: Request) -> Response:
    """Sessions by the time when their first trace was written, newest first; the bounds mean that time."""
    project = project_of(request)
    params, issues = request.query_params, list[Issue]()
    page = asked_page(params, issues)
    from_ms = zoned_time(params, "fromTimestamp", issues)
    before_ms = zoned_time(params, "toTimestamp", issues)
    raise_if_any(issues)
    environments = repeated(params, "environment")
    sessions = [
        session
        for session in reversed(view_of(project).sessions)
        if (from_ms is None or session.created_ms >= from_ms)
        and (before_ms is None or session.created_ms < before_ms)
        and (not environments or session.environment in environments)
    ]
    data = [session_row(session, project.id) for session in page.of(sessions)]
    return list_answer(request, "sessions", data, page, len(sessions))


async def get_session(request: Request) -> Response:
    """One session with all its traces, however many."""
    project = project_of(request)
    view = view_of(project)
    session = view.session_by_id.get(request.path_params["session_id"])
    if session is None:
        raise not_found("Session not found within authorized project")
    traces = [trace for trace in reversed(view.traces) if trace.session_id == session.id]
    row = session_row(session, project.id)
    return json_answer(row | {"traces": [trace_core(trace, project.id) for trace in traces]})
