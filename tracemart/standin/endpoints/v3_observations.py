"""GET /api/public/observations and /observations/{id}."""

from __future__ import annotations

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.endpoints.v3_pages import asked_page, list_answer, matching, repeated
from tracemart.standin.faults.pages import check_window, fault_run
from tracemart.standin.filters import Condition, parse_filter
from tracemart.standin.parameters import option, raise_if_any, zoned_time
from tracemart.standin.problems import Issue, not_found
from tracemart.standin.rows import LEVELS, OBSERVATION_TYPES, Observation
from tracemart.standin.v3.render import observation_rows
from tracemart.standin.v3.view import LegacyView, view_of


async def list_observations(request: Request) -> Response:
    """`totalItems` also counts versions that a later one replaced, which no page shows."""
    project = project_of(request)
    params, issues = request.query_params, list[Issue]()
    page = asked_page(params, issues)
    from_ms = zoned_time(params, "fromStartTime", issues)
    before_ms = zoned_time(params, "toStartTime", issues)
    view = view_of(project)
    wanted = _conditions(params, issues, view)
    raise_if_any(issues)
    rows = matching(view.observations_between(from_ms, before_ms), wanted)
    replaced = matching(
        (
            row
            for row in view.superseded
            if (from_ms is None or row.start_ms >= from_ms) and (before_ms is None or row.start_ms < before_ms)
        ),
        wanted,
    )
    run, shown = fault_run(request), page.of(rows)
    check_window(run, len(rows), page.limit)
    data = observation_rows(shown, project.id, project.prices)
    if run is not None:
        run.oddities.spoil(shown, data, run.requests)
    return list_answer(request, "observations", data, page, len(rows) + len(replaced))


def _conditions(params: QueryParams, issues: list[Issue], view: LegacyView) -> list[Condition]:
    wanted: list[Condition] = []
    observation_type = option(params, "type", OBSERVATION_TYPES, issues)
    level = option(params, "level", LEVELS, issues)
    if observation_type:
        wanted.append(lambda row: row.type == observation_type)
    if level:
        wanted.append(lambda row: row.level == level)
    if name := params.get("name"):
        wanted.append(lambda row: row.name == name)
    if trace_id := params.get("traceId"):
        wanted.append(lambda row: row.context.trace_id == trace_id)
    if version := params.get("version"):
        wanted.append(lambda row: row.context.version == version)
    if "parentObservationId" in params:
        # A root's parent is null, so an empty value finds nothing.
        parent = params["parentObservationId"]
        wanted.append(lambda row: row.parent_id == parent)
    if environments := repeated(params, "environment"):
        wanted.append(lambda row: row.context.environment in environments)
    if user_id := params.get("userId"):
        wanted.append(lambda row: _user_of(row, view) == user_id)
    if "filter" in params:
        conditions = parse_filter(params["filter"])
        wanted.append(lambda row: all(holds(view.joined(row)) for holds in conditions))
    return wanted


def _user_of(row: Observation, view: LegacyView) -> str:
    trace = view.trace_by_id.get(row.context.trace_id)
    return trace.user_id if trace else ""


async def get_observation(request: Request) -> Response:
    project = project_of(request)
    observation_id = request.path_params["observation_id"]
    row = view_of(project).observation_by_id.get(observation_id)
    if row is None:
        raise not_found(f"Observation with id {observation_id} not found")
    return json_answer(observation_rows([row], project.id, project.prices, alone=True)[0])
