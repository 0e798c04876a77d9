"""GET /api/public/v2/observations."""

from __future__ import annotations

import base64
import binascii
import json

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer, raw_answer
from tracemart.standin.endpoints.observation_pages import asked_page, rendered_rows
from tracemart.standin.faults.pages import check_window, fault_run, oddly_cut, page_faults
from tracemart.standin.filters import Condition, parse_filter
from tracemart.standin.parameters import comma_list, option, raise_if_any, whole_number, zoned_time
from tracemart.standin.problems import ApiError, Issue, custom, not_a_date, refused, wrong_type
from tracemart.standin.render import OBSERVATION_GROUPS, ObservationFields
from tracemart.standin.rows import LEVELS, OBSERVATION_TYPES, Observation
from tracemart.standin.store import ObservationPosition
from tracemart.standin.timestamps import parse_lenient, to_iso
from tracemart.standin.v3.propagation import events_of

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 1000
_NO_PARSED_IO = (
    "parseIoAsJson=true is no longer supported on the v2 observations endpoint. Input/output fields are always "
    "returned as raw strings. Remove the parseIoAsJson parameter or set it to false."
)


async def list_observations(request: Request) -> Response:
    project = events_of(project_of(request), request.app.state.mode)
    params, issues = request.query_params, list[Issue]()
    limit = whole_number(params, "limit", DEFAULT_LIMIT, issues, minimum=0, maximum=MAXIMUM_LIMIT)
    from_ms = zoned_time(params, "fromStartTime", issues)
    before_ms = zoned_time(params, "toStartTime", issues)
    after = _position(params, issues)
    wanted = _conditions(params, issues)
    if params.get("parseIoAsJson") == "true":
        issues.append(custom(_NO_PARSED_IO, "parseIoAsJson"))
    raise_if_any(issues)
    if limit != int(limit):
        text = f"{limit + 1:g}"
        raise ApiError(500, {"message": "Internal Server Error", "error": (
            f"Value {text} cannot be parsed as Int32 for query parameter 'limit' because it isn't parsed completely: "
            f"only 1 of {len(text)} bytes was parsed: {text[0]}. "
        )})  # fmt: skip

    run = fault_run(request)
    low, high = project.bounds(from_ms, before_ms)
    check_window(run, high - low, int(limit))
    page = asked_page(project, (from_ms, before_ms, after), int(limit), wanted)
    first_ms = page.row(0).start_ms if page.rows else 0
    before_first = ObservationPosition(first_ms + 1, "", "")
    skips = after is None or after.start_ms > before_first.start_ms
    given, behind = oddly_cut(page_faults(request), page.rows, goes_on=page.goes_on, skips=skips)
    meta = {}
    if behind is not None:
        meta["cursor"] = _cursor(_position_of(page.row(behind - 1)) if behind else before_first)
    fields = _fields(params)
    if run is not None and run.oddities.active("observations", run.requests):
        rows = [page.row(place) for place in range(given)]
        items = rendered_rows(project, rows, fields)
        run.oddities.spoil(rows, items, run.requests)
        return json_answer({"data": items, "meta": meta})
    return raw_answer(b'{"data":[' + page.json(given, fields) + b'],"meta":' + orjson.dumps(meta) + b"}")


def _fields(params: QueryParams) -> ObservationFields:
    """Unknown groups are dropped without a word; `core` always comes."""
    named = params["fields"].split(",") if params.get("fields") else ["core", "basic"]
    groups = frozenset(name.strip() for name in named) & frozenset(OBSERVATION_GROUPS)
    return ObservationFields(groups | {"core"}, bool(comma_list(params, "expandMetadata")))


def _cursor(position: ObservationPosition) -> str:
    content = {"lastStartTimeTo": to_iso(position.start_ms), "lastTraceId": position.trace_id, "lastId": position.id}
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def _position_of(row: Observation) -> ObservationPosition:
    return ObservationPosition(row.start_ms, row.context.trace_id, row.id)


def _position(params: QueryParams, issues: list[Issue]) -> ObservationPosition | None:
    if "cursor" not in params:
        return None
    try:
        content = json.loads(base64.b64decode(params["cursor"].replace("-", "+").replace("_", "/")))
    except (binascii.Error, ValueError):
        raise refused("Invalid cursor format") from None
    if not isinstance(content, dict):
        raise refused("Invalid cursor format")
    start_ms = parse_lenient(str(content.get("lastStartTimeTo", "")))
    if start_ms is None:
        issues.append(not_a_date("cursor", "lastStartTimeTo"))
    issues.extend(
        wrong_type("string", "undefined", "cursor", key) for key in ("lastTraceId", "lastId") if key not in content
    )
    return ObservationPosition(start_ms or 0, str(content.get("lastTraceId")), str(content.get("lastId")))


def _conditions(params: QueryParams, issues: list[Issue]) -> list[Condition]:
    wanted: list[Condition] = []
    observation_type = option(params, "type", OBSERVATION_TYPES, issues)
    level = option(params, "level", LEVELS, issues)
    root = option(params, "isRootObservation", ("true", "false"), issues)
    if observation_type:
        wanted.append(lambda row: row.type == observation_type)
    if level:
        wanted.append(lambda row: row.level == level)
    if root:
        wanted.append(lambda row: row.is_root == (root == "true"))
    if name := params.get("name"):
        wanted.append(lambda row: row.name == name)
    if user_id := params.get("userId"):
        wanted.append(lambda row: row.context.user_id == user_id)
    if session_id := params.get("sessionId"):
        wanted.append(lambda row: row.context.session_id == session_id)
    if trace_id := params.get("traceId"):
        wanted.append(lambda row: row.context.trace_id == trace_id)
    if version := params.get("version"):
        wanted.append(lambda row: row.context.version == version)
    if "parentObservationId" in params:
        parent = params["parentObservationId"]
        wanted.append(lambda row: (row.parent_id or "") == parent)
    if environments := comma_list(params, "environment"):
        wanted.append(lambda row: row.context.environment in environments)
    if "filter" in params:
        wanted.extend(parse_filter(params["filter"]))
    return wanted
