"""GET /api/public/v3/scores."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from itertools import islice
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.faults.pages import check_window, fault_run, oddly_cut, page_faults
from tracemart.standin.parameters import comma_list, lenient_time, number, raise_if_any, whole_number
from tracemart.standin.problems import Issue, custom, not_a_number, not_an_option, refused, unknown_key
from tracemart.standin.render import SCORE_GROUPS, score_row
from tracemart.standin.rows import Score
from tracemart.standin.timestamps import parse_lenient, to_iso

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 100

_LISTS: dict[str, Callable[[Score], Any]] = {
    "id": lambda score: score.id,
    "name": lambda score: score.name,
    "source": lambda score: score.source,
    "dataType": lambda score: score.data_type,
    "environment": lambda score: score.environment,
    "configId": lambda score: score.config_id,
    "queueId": lambda score: score.queue_id,
    "authorUserId": lambda score: score.author_user_id,
    "traceId": lambda score: score.trace_id,
    "sessionId": lambda score: score.session_id,
    "experimentId": lambda score: score.run_id,
    "observationId": lambda score: score.observation_id,
}
_KNOWN = {*_LISTS, "limit", "cursor", "fields", "value", "valueMin", "valueMax", "fromTimestamp", "toTimestamp"}
_NEEDS_JOIN = "{} filter requires a trace JOIN and is not supported in v3 — use v2 or omit this filter"
_NEEDS_TRACE = "observationId filter requires traceId — observation IDs are scoped to a trace"
_NEEDS_NUMERIC = "valueMin and valueMax require dataType=NUMERIC as a single value"


async def list_scores(request: Request) -> Response:
    project = project_of(request)
    params, issues = request.query_params, list[Issue]()
    limit = int(whole_number(params, "limit", DEFAULT_LIMIT, issues, minimum=1, maximum=MAXIMUM_LIMIT))
    groups = _groups(params, issues)
    from_ms = lenient_time(params, "fromTimestamp", issues)
    before_ms = lenient_time(params, "toTimestamp", issues)
    _check_names(params, issues)
    wanted = _conditions(params, issues)
    raise_if_any(issues)

    run, after = fault_run(request), _position(params)
    check_window(run, project.count_scores(from_ms, before_ms), limit)
    rows = project.score_window(from_ms, before_ms, after)
    page = list(islice((row for row in rows if all(holds(row) for holds in wanted)), limit + 1))
    goes_on, page = len(page) > limit, page[:limit]
    before_first = (page[0].timestamp_ms + 1 if page else 0, "")
    skips = after is None or after[0] > before_first[0]
    given, behind = oddly_cut(page_faults(request), len(page), goes_on=goes_on, skips=skips)
    meta: dict[str, Any] = {"limit": limit}
    if behind is not None:
        last = page[behind - 1]
        meta["cursor"] = _cursor(*((last.timestamp_ms, last.id) if behind else before_first))
    items = [score_row(row, project.id, groups) for row in page[:given]]
    if run is not None:
        run.oddities.spoil_scores(page[:given], items, run.requests)
    return json_answer({"data": items, "meta": meta})


def _groups(params: QueryParams, issues: list[Issue]) -> frozenset[str]:
    named = [name for name in params.get("fields", "").split(",") if name]
    issues.extend(
        not_an_option(SCORE_GROUPS, "fields", place) for place, name in enumerate(named) if name not in SCORE_GROUPS
    )
    return frozenset(named)


def _check_names(params: QueryParams, issues: list[Issue]) -> None:
    for name in params:
        if name in ("userId", "traceTags"):
            issues.append(custom(_NEEDS_JOIN.format(name)))
        elif name not in _KNOWN:
            issues.append(unknown_key(name))


def _conditions(params: QueryParams, issues: list[Issue]) -> list[Callable[[Score], bool]]:
    wanted: list[Callable[[Score], bool]] = []
    for name, read in _LISTS.items():
        values = comma_list(params, name)
        if values:
            wanted.append(lambda score, read=read, values=values: read(score) in values)  # type: ignore[misc]
    if "observationId" in params and "traceId" not in params:
        issues.append(custom(_NEEDS_TRACE))
    bounded = "valueMin" in params or "valueMax" in params
    if bounded and params.get("dataType") != "NUMERIC":
        issues.append(custom(_NEEDS_NUMERIC))
    low, high = _bound(params, "valueMin", issues), _bound(params, "valueMax", issues)
    if low is not None:
        wanted.append(lambda score: isinstance(score.value, (int, float)) and score.value >= low)
    if high is not None:
        wanted.append(lambda score: isinstance(score.value, (int, float)) and score.value <= high)
    if values := comma_list(params, "value"):
        wanted.append(lambda score: _text_of(score) in values)
    return wanted


def _bound(params: QueryParams, name: str, issues: list[Issue]) -> float | None:
    if name not in params:
        return None
    value = number(params[name])
    if value is None:
        issues.append(not_a_number(name))
    return value


def _text_of(score: Score) -> str:
    if score.data_type == "BOOLEAN":
        return "true" if score.value else "false"
    return str(score.value)


def _cursor(timestamp_ms: int, score_id: str) -> str:
    content = {"v": 1, "lastTimestamp": to_iso(timestamp_ms), "lastId": score_id}
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def _position(params: QueryParams) -> tuple[int, str] | None:
    if "cursor" not in params:
        return None
    text = params["cursor"]
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        timestamp_ms = parse_lenient(content["lastTimestamp"])
        last_id = content["lastId"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refused("Invalid cursor format") from None
    if timestamp_ms is None or content.get("v") != 1:
        raise refused("Invalid cursor format")
    return timestamp_ms, last_id
