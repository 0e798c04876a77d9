"""GET /api/public/metrics/daily, and /metrics with the views of the v3 tables."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.aggregation import OBSERVATION_VIEW, SCORE_VIEWS, Measure, View, aggregate
from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.endpoints.metrics import DEFAULT_ROWS, query_issues
from tracemart.standin.endpoints.v3_pages import asked_page, list_answer, matching, repeated
from tracemart.standin.filters import conditions
from tracemart.standin.parameters import raise_if_any, zoned_time
from tracemart.standin.problems import Issue, invalid, refused, wrong_type
from tracemart.standin.rows import PICO, Observation
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_zoned, to_iso, utc_date
from tracemart.standin.v3.render import total_cost
from tracemart.standin.v3.tables import Trace
from tracemart.standin.v3.view import LegacyView, view_of


async def daily_metrics(request: Request) -> Response:
    """Days, newest first. `totalItems` counts days with traces, so it may be less than the days that are listed."""
    project = project_of(request)
    params, issues = request.query_params, list[Issue]()
    page = asked_page(params, issues)
    from_ms = zoned_time(params, "fromTimestamp", issues)
    before_ms = zoned_time(params, "toTimestamp", issues)
    raise_if_any(issues)
    view = view_of(project)
    traces_on: dict[date, int] = defaultdict(int)
    rows_on: dict[date, list[Observation]] = defaultdict(list)
    traces = matching(view.traces_between(from_ms, before_ms), _trace_conditions(params))
    for trace in traces:
        traces_on[utc_date(trace.timestamp_ms)] += 1
    for row in _rows(view, params, traces, from_ms):
        rows_on[utc_date(row.start_ms)].append(row)
    days = sorted(traces_on.keys() | rows_on.keys(), reverse=True)
    data = [_day(day, traces_on.get(day, 0), rows_on.get(day, [])) for day in page.of(days)]
    return list_answer(request, None, data, page, len(traces_on))


def _trace_conditions(params: QueryParams) -> list[Callable[[Trace], bool]]:
    wanted: list[Callable[[Trace], bool]] = []
    if name := params.get("traceName"):
        wanted.append(lambda trace: trace.name == name)
    if user_id := params.get("userId"):
        wanted.append(lambda trace: trace.user_id == user_id)
    if tags := set(repeated(params, "tags")):
        wanted.append(lambda trace: tags <= set(trace.tags))
    if environments := repeated(params, "environment"):
        wanted.append(lambda trace: trace.environment in environments)
    return wanted


def _rows(view: LegacyView, params: QueryParams, traces: list[Trace], from_ms: int | None) -> list[Observation]:
    """All observations of the traces, even outside the window; with `fromTimestamp` alone, whatever starts later."""
    if {"toTimestamp", "traceName", "userId", "tags", "environment"}.isdisjoint(params):
        return view.observations_between(from_ms, None)
    return [row for trace in traces for row in view.rows_of.get(trace.id, [])]


def _day(day: date, traces: int, rows: list[Observation]) -> dict[str, Any]:
    by_model: dict[str, list[Observation]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    return {
        "date": day.isoformat(),
        "countTraces": traces,
        "countObservations": len(rows),
        "totalCost": total_cost(rows),
        "usage": [_usage(model, members) for model, members in sorted(by_model.items(), reverse=True)],
    }


def _usage(model: str, rows: list[Observation]) -> dict[str, Any]:
    units = [row.usage() for row in rows]
    return {
        "model": model or None,
        "inputUsage": sum(value for usage in units for key, value in usage.items() if "input" in key),
        "outputUsage": sum(value for usage in units for key, value in usage.items() if "output" in key),
        "totalUsage": sum(usage.get("total", 0) for usage in units),
        "totalCost": total_cost(rows),
        "countObservations": len(rows),
        "countTraces": len({row.context.trace_id for row in rows}),
    }


@dataclass(frozen=True)
class _MeasuredTrace:
    """A trace with its observations of the queried window."""

    trace: Trace
    rows: list[Observation] = field(default_factory=list)
    scores: int = 0

    def latency_ms(self) -> int | None:
        if not self.rows:
            return None
        return max(max(row.start_ms, row.end_ms) for row in self.rows) - min(row.start_ms for row in self.rows)

    def total_pico(self) -> int | None:
        totals = [total for row in self.rows if (total := row.cost().get("total")) is not None]
        return sum(totals) if totals else None


# A sum over rows of which none has a total is null here, where `/v2/metrics` says 0.
_OBSERVATIONS = replace(
    OBSERVATION_VIEW,
    measures={
        **OBSERVATION_VIEW.measures,
        "totalCost": Measure(lambda row: row.cost().get("total"), PICO, empty_sum=None),
    },
)
_TRACES: View[_MeasuredTrace] = View(
    dimensions={
        "id": lambda row: row.trace.id,
        "name": lambda row: row.trace.name or None,
        "tags": lambda row: row.trace.tags,
        "userId": lambda row: row.trace.user_id or None,
        "sessionId": lambda row: row.trace.session_id or None,
        "release": lambda row: row.trace.release or None,
        "version": lambda row: row.trace.version or None,
        "environment": lambda row: row.trace.environment,
        "timestampMonth": lambda row: to_iso(row.trace.timestamp_ms)[:7],
    },
    measures={
        "count": Measure(lambda _: 1),
        "observationsCount": Measure(lambda row: len(row.rows)),
        "scoresCount": Measure(lambda row: row.scores),
        "uniqueUserIds": Measure(lambda row: row.trace.user_id or None),
        "uniqueSessionIds": Measure(lambda row: row.trace.session_id or None),
        "latency": Measure(lambda row: row.latency_ms()),
        "totalTokens": Measure(lambda row: sum(one.usage().get("total", 0) for one in row.rows)),
        "totalCost": Measure(lambda row: row.total_pico(), PICO, empty_sum=None),
    },
    moment=lambda row: row.trace.timestamp_ms,
)
_VIEWS: dict[str, View[Any]] = {"traces": _TRACES, "observations": _OBSERVATIONS, **SCORE_VIEWS}


async def query_metrics_v1(request: Request) -> Response:
    """Both ends of the window count, as in `/v2/metrics`."""
    project = project_of(request)
    if "query" not in request.query_params:
        raise invalid(wrong_type("string", "undefined", "query"))
    try:
        query = json.loads(request.query_params["query"])
    except ValueError:
        raise refused("Invalid JSON in query parameter") from None
    raise_if_any(query_issues(query, tuple(_VIEWS)))
    view = _VIEWS[query["view"]]
    _check_names(query, view)
    from_ms, to_ms = parse_zoned(query["fromTimestamp"]), parse_zoned(query["toTimestamp"])
    assert from_ms is not None
    assert to_ms is not None
    rows = _rows_of(project, query, from_ms, to_ms + 1)
    limit = (query.get("config") or {}).get("row_limit", DEFAULT_ROWS)
    return json_answer({"data": aggregate(view, rows, query, from_ms, to_ms)[:limit]})


def _check_names(query: dict[str, Any], view: View[Any]) -> None:
    for dimension in query.get("dimensions") or []:
        if dimension["field"] not in view.dimensions:
            raise refused(f"Invalid dimension {dimension['field']}. Must be one of {','.join(view.dimensions)}")
    for metric in query["metrics"]:
        if metric["measure"] not in view.measures:
            raise refused(f"Invalid metric {metric['measure']}. Must be one of {','.join(view.measures)}")


def _rows_of(project: ProjectStore, query: dict[str, Any], from_ms: int, before_ms: int) -> list[Any]:
    view = view_of(project)
    rows = view.observations_between(from_ms, before_ms)
    if query["view"] == "observations":
        wanted = conditions(query.get("filters") or [], "query", "filters")
        return matching([view.joined(row) for row in rows], wanted)
    if query["view"] == "traces":
        rows_of: dict[str, list[Observation]] = defaultdict(list)
        for row in rows:
            rows_of[row.context.trace_id].append(row)
        return [
            _MeasuredTrace(trace, rows_of[trace.id], len(view.scores_of.get(trace.id, [])))
            for trace in view.traces_between(from_ms, before_ms)
        ]
    return [score for score in view.scores_between(from_ms, before_ms) if _VIEWS[query["view"]].admits(score)]
