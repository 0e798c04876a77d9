"""GET /api/public/v2/scores, /scores and /scores/{id}: page style, with a number in every `value`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.endpoints.v3_pages import asked_page, list_answer, matching, repeated
from tracemart.standin.evaluation import ScoreConfig
from tracemart.standin.faults.pages import check_window, fault_run
from tracemart.standin.parameters import comma_list, number, option, raise_if_any, zoned_time
from tracemart.standin.problems import Issue, not_a_number, not_found, page_not_found, refused
from tracemart.standin.rows import Score
from tracemart.standin.store import ProjectStore
from tracemart.standin.v3.filters import parse_score_filter
from tracemart.standin.v3.render import numeric_value, score_row
from tracemart.standin.v3.view import LegacyView, view_of

DATA_TYPES = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "CORRECTION", "TEXT")
SOURCES = ("ANNOTATION", "API", "EVAL")
OPERATORS = ("<", ">", "<=", ">=", "!=", "=")

ScoreCondition = Callable[[Score], bool]

_TEXTS: dict[str, Callable[[Score], str | None]] = {
    "name": lambda score: score.name,
    "configId": lambda score: score.config_id,
    "queueId": lambda score: score.queue_id,
    "traceId": lambda score: score.trace_id,
    "sessionId": lambda score: score.session_id,
    "datasetRunId": lambda score: score.run_id,
    "observationId": lambda score: score.observation_id,
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda have, want: have < want,
    ">": lambda have, want: have > want,
    "<=": lambda have, want: have <= want,
    ">=": lambda have, want: have >= want,
    "!=": lambda have, want: have != want,
    "=": lambda have, want: have == want,
}


async def list_scores_v2(request: Request) -> Response:
    """Scores of every subject; one whose trace is not in the traces table is left out."""
    fields = comma_list(request.query_params, "fields")
    project = project_of(request)
    if fields is not None and "score" not in fields:
        raise refused("Scores needs to be selected always.")
    with_trace = fields is None or "trace" in fields
    return _answer(request, project, with_trace=with_trace, subjects=True)


async def list_scores_v1(request: Request) -> Response:
    """Scores of traces and their observations only; `fields` means nothing."""
    return _answer(request, project_of(request), with_trace=True, subjects=False)


def _answer(request: Request, project: ProjectStore, *, with_trace: bool, subjects: bool) -> Response:
    params, issues = request.query_params, list[Issue]()
    page = asked_page(params, issues)
    from_ms = zoned_time(params, "fromTimestamp", issues)
    before_ms = zoned_time(params, "toTimestamp", issues)
    view = view_of(project)
    wanted = [
        lambda score: score.trace_id in view.trace_by_id if score.trace_id else subjects,
        *_conditions(params, issues, view, project.score_configs),
    ]
    raise_if_any(issues)
    scores = matching(view.scores_between(from_ms, before_ms), wanted)
    run, shown = fault_run(request), page.of(scores)
    check_window(run, len(scores), page.limit)
    data = []
    for score in shown:
        row = score_row(score, project.id, project.score_configs, subjects=subjects)
        data.append(row | {"trace": _trace_of(score, view, with_session=subjects) if with_trace else None})
    if run is not None:
        run.oddities.spoil_scores(shown, data, run.requests)
    return list_answer(request, "scores", data, page, len(scores))


def _trace_of(score: Score, view: LegacyView, *, with_session: bool) -> dict[str, Any] | None:
    trace = view.trace_by_id.get(score.trace_id or "")
    if trace is None:
        return None
    row = {"userId": trace.user_id or None, "tags": list(trace.tags), "environment": trace.environment}
    return row | ({"sessionId": trace.session_id or None} if with_session else {})


def _conditions(
    params: QueryParams, issues: list[Issue], view: LegacyView, configs: list[ScoreConfig]
) -> list[ScoreCondition]:
    wanted: list[ScoreCondition] = []
    for name, read in _TEXTS.items():
        if value := params.get(name):
            wanted.append(lambda score, read=read, value=value: read(score) == value)  # type: ignore[misc]
    data_type = option(params, "dataType", DATA_TYPES, issues)
    if data_type:
        wanted.append(lambda score: score.data_type == data_type)
    source = option(params, "source", SOURCES, issues)
    if source:
        wanted.append(lambda score: score.source == source)
    if ids := comma_list(params, "scoreIds"):
        wanted.append(lambda score: score.id in ids)
    if environments := repeated(params, "environment"):
        wanted.append(lambda score: score.environment in environments)
    if user_id := params.get("userId"):
        wanted.append(lambda score: (trace := view.trace_by_id.get(score.trace_id or "")) is not None
                      and trace.user_id == user_id)  # fmt: skip
    if tags := set(comma_list(params, "traceTags") or ()):
        wanted.append(lambda score: (trace := view.trace_by_id.get(score.trace_id or "")) is not None
                      and tags <= set(trace.tags))  # fmt: skip
    wanted.extend(_value_condition(params, issues, configs))
    if "filter" in params:
        wanted.extend(parse_score_filter(params["filter"], configs))
    return wanted


def _value_condition(params: QueryParams, issues: list[Issue], configs: list[ScoreConfig]) -> list[ScoreCondition]:
    operator = option(params, "operator", OPERATORS, issues)
    if "value" not in params:
        return []
    value = number(params["value"])
    if value is None:
        issues.append(not_a_number("value"))
    if operator is None or value is None:
        return []
    compare, bound = _COMPARE[operator], value
    return [lambda score: compare(numeric_value(score, configs), bound)]


async def get_score_v1(request: Request) -> Response:
    project = project_of(request)
    score = next((score for score in project.scores() if score.id == request.path_params["score_id"]), None)
    if score is None:
        raise not_found("Score not found")
    return json_answer(score_row(score, project.id, project.score_configs, subjects=False))


async def get_score_v2(_: Request) -> Response:
    """A page that a real 4.16.0 does not have."""
    raise page_not_found()
