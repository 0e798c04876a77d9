"""GET /api/public/v2/metrics: reading and checking the query; `aggregation` computes the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.aggregation import OBSERVATION_VIEW, SCORE_VIEWS, View, aggregate
from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.faults.pages import fault_run
from tracemart.standin.filters import conditions
from tracemart.standin.parameters import raise_if_any
from tracemart.standin.problems import (
    Issue,
    invalid,
    javascript_type,
    not_an_option,
    not_iso,
    refused,
    too_big,
    too_small,
    wrong_type,
)
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_zoned
from tracemart.standin.v3.propagation import events_of

VIEWS = ("observations", "scores-numeric", "scores-categorical", "scores-boolean")
MAXIMUM_ROWS = 1000
DEFAULT_ROWS = 100
AGGREGATIONS = (
    "sum", "avg", "count", "max", "min", "p50", "p75", "p90", "p95", "p99", "histogram", "uniq",
)  # fmt: skip
GRANULARITIES = ("auto", "minute", "hour", "day", "week", "month")
_HIGH_CARDINALITY = {"id", "traceId", "userId", "sessionId", "parentObservationId"}


async def query_metrics(request: Request) -> Response:
    project = events_of(project_of(request), request.app.state.mode)
    if "query" not in request.query_params:
        raise invalid(wrong_type("string", "undefined", "query"))
    try:
        query = json.loads(request.query_params["query"])
    except ValueError:
        raise refused("Invalid JSON in query parameter") from None
    raise_if_any(query_issues(query, VIEWS))
    view = _view(query["view"])
    _check_names(query, view)
    rows = _answer(project, view, query)
    run = fault_run(request)
    if run is not None and run.counts_are_text:
        rows = [{key: str(value) if _is_count(key, value) else value for key, value in row.items()} for row in rows]
    return json_answer({"data": rows})


def _is_count(key: str, value: Any) -> bool:
    return key.startswith(("count", "uniq")) and isinstance(value, int)


def _view(name: str) -> View[Any]:
    return OBSERVATION_VIEW if name == "observations" else SCORE_VIEWS[name]


def query_issues(query: Any, views: tuple[str, ...]) -> list[Issue]:
    """What is wrong with the form of a query; names are checked later, against its view."""
    issues: list[Issue] = []
    if not isinstance(query, dict):
        return [wrong_type("object", javascript_type(query), "query")]
    if query.get("view") not in views:
        issues.append(not_an_option(views, "query", "view"))
    for name in ("dimensions", "metrics", "filters"):
        if name == "metrics" or name in query:
            value = query.get(name)
            if not isinstance(value, list):
                received = javascript_type(value) if name in query else "undefined"
                issues.append(wrong_type("array", received, "query", name))
    for name in ("fromTimestamp", "toTimestamp"):
        if name not in query:
            issues.append(wrong_type("string", "undefined", "query", name))
        elif parse_zoned(str(query[name])) is None:
            issues.append(not_iso("query", name))
    if not issues:
        issues.extend(_part_issues(query))
    limit = (query.get("config") or {}).get("row_limit", DEFAULT_ROWS)
    if limit > MAXIMUM_ROWS:
        issues.append(too_big(MAXIMUM_ROWS, "query", "config", "row_limit"))
    elif limit <= 0:
        issues.append(too_small(0, "query", "config", "row_limit", inclusive=False))
    return issues


def _part_issues(query: dict[str, Any]) -> Iterator[Issue]:
    """What is wrong inside the lists of a query whose outline is right."""
    wanted = (("dimensions", "field"), ("metrics", "measure"), ("metrics", "aggregation"))
    for name, key in wanted:
        for place, part in enumerate(query.get(name) or []):
            value = part.get(key) if isinstance(part, dict) else None
            if not isinstance(value, str):
                yield wrong_type("string", "undefined" if value is None else javascript_type(value),
                                 "query", name, place, key)  # fmt: skip
            elif key == "aggregation" and value not in AGGREGATIONS:
                yield not_an_option(AGGREGATIONS, "query", name, place, key)
    time_dimension = query.get("timeDimension")
    if time_dimension and time_dimension.get("granularity") not in GRANULARITIES:
        yield not_an_option(GRANULARITIES, "query", "timeDimension", "granularity")


def _check_names(query: dict[str, Any], view: View[Any]) -> None:
    fields = [dimension["field"] for dimension in query.get("dimensions") or []]
    for field in fields:
        if field not in view.dimensions:
            raise refused(f"Invalid dimension {field}. Must be one of {','.join(view.dimensions)}")
    for metric in query["metrics"]:
        if metric["measure"] not in view.measures:
            raise refused(f"Invalid metric {metric['measure']}. Must be one of {','.join(view.measures)}")
    wide = ", ".join(f"'{field}'" for field in fields if field in _HIGH_CARDINALITY)
    if not wide:
        return
    if query.get("timeDimension"):
        raise refused(
            f"High cardinality dimension(s) {wide} cannot be used with timeDimension. Time series queries with high "
            "cardinality dimensions produce unbounded result sets."
        )
    measured = {f"{metric['aggregation']}_{metric['measure']}" for metric in query["metrics"]}
    descending = any(
        order["direction"] == "desc" and order["field"] in measured for order in query.get("orderBy") or []
    )
    if not descending or "row_limit" not in (query.get("config") or {}):
        raise refused(
            f"High cardinality dimension(s) {wide} require both 'config.row_limit' and 'orderBy' with direction 'desc' "
            "on a measure field."
        )


def _answer(project: ProjectStore, view: View[Any], query: dict[str, Any]) -> list[dict[str, Any]]:
    """Both ends of the window count: metrics are asked `from <= start <= to`."""
    from_ms = parse_zoned(query["fromTimestamp"])
    to_ms = parse_zoned(query["toTimestamp"])
    assert from_ms is not None
    assert to_ms is not None
    rows: Any
    if view is OBSERVATION_VIEW:
        wanted = conditions(query.get("filters") or [], "query", "filters")
        rows = (row for row in project.window(from_ms, to_ms + 1) if all(holds(row) for holds in wanted))
    else:
        rows = (score for score in project.score_window(from_ms, to_ms + 1) if view.admits(score))
    config = query.get("config") or {}
    return aggregate(view, rows, query, from_ms, to_ms)[: config.get("row_limit", DEFAULT_ROWS)]
