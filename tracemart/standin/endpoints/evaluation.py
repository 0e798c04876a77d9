"""GET /api/public/score-configs, /v2/datasets, /experiments and /experiment-items."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer, page_meta
from tracemart.standin.endpoints.catalogue import page_and_limit
from tracemart.standin.evaluation import (
    ExperimentItem,
    dataset_row,
    experiment_item_row,
    experiment_row,
    score_config_row,
)
from tracemart.standin.parameters import comma_list, raise_if_any, whole_number, zoned_time
from tracemart.standin.problems import ApiError, Issue, not_found, refused, wrong_type
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_lenient, to_iso

MAXIMUM_LIMIT = 100


def _paged(request: Request, rows: list[dict[str, Any]]) -> Response:
    issues: list[Issue] = []
    page, limit = page_and_limit(request.query_params, 50, issues)
    raise_if_any(issues)
    return json_answer({"data": rows[(page - 1) * limit : page * limit], "meta": page_meta(page, limit, len(rows))})


async def list_score_configs(request: Request) -> Response:
    project = project_of(request)
    newest_first = sorted(project.score_configs, key=lambda config: config.created_ms, reverse=True)
    return _paged(request, [score_config_row(config, project.id) for config in newest_first])


async def get_score_config(request: Request) -> Response:
    project = project_of(request)
    found = next((config for config in project.score_configs if config.id == request.path_params["config_id"]), None)
    if found is None:
        raise not_found("Score config not found within authorized project")
    return json_answer(score_config_row(found, project.id))


async def list_datasets(request: Request) -> Response:
    project = project_of(request)
    newest_first = sorted(project.datasets, key=lambda dataset: dataset.created_ms, reverse=True)
    return _paged(request, [dataset_row(dataset, project.id) for dataset in newest_first])


async def list_experiments(request: Request) -> Response:
    """Experiments with an item in the window, the newest start first; they count only items in it."""
    project = project_of(request)
    params = request.query_params
    limit, items = _window(params, project)
    runs: dict[str, list[ExperimentItem]] = {}
    for item in items:
        runs.setdefault(item.experiment.id, []).append(item)
    wanted = {"id": params.get("id"), "name": params.get("name"), "datasetId": params.get("datasetId")}
    with_metadata = "metadata" in (comma_list(params, "fields") or ())
    rows = [experiment_row(run, with_metadata=with_metadata) for run in runs.values()]
    rows = [row for row in rows if all(value in (None, row[key]) for key, value in wanted.items())]
    rows.sort(key=lambda row: (row["startTime"], row["id"]), reverse=True)
    after = _cursor_content(params)
    if after is not None:
        rows = [row for row in rows if (row["startTime"], row["id"]) < (after.get("lastTime"), after.get("lastId"))]
    meta = {}
    if len(rows) > limit:
        last = rows[limit - 1]
        meta["cursor"] = _cursor({"v": 1, "lastTime": last["startTime"], "lastId": last["id"]})
    return json_answer({"data": rows[:limit], "meta": meta})


async def list_experiment_items(request: Request) -> Response:
    """Items of all experiments, newest start first."""
    project = project_of(request)
    params = request.query_params
    limit, items = _window(params, project)
    if (experiment_id := params.get("experimentId")) is not None:
        items = [item for item in items if item.experiment.id == experiment_id]
    if (name := params.get("experimentName")) is not None:
        items = [item for item in items if item.experiment.name == name]
    if (dataset_id := params.get("datasetId")) is not None:
        items = [item for item in items if item.experiment.dataset_id == dataset_id]
    after = _cursor_content(params)
    if after is not None:
        last_ms = parse_lenient(str(after.get("lastTime")).replace(" ", "T") + "Z")
        if last_ms is None:
            raise refused("Invalid cursor format")
        place = (last_ms, str(after.get("lastTraceId")), str(after.get("lastId")))
        items = [item for item in items if item.place < place]
    meta = {}
    if len(items) > limit:
        last = items[limit - 1]
        moment = to_iso(last.start_ms).replace("T", " ").replace("Z", "000")
        meta["cursor"] = _cursor({"v": 1, "lastTime": moment, "lastTraceId": last.trace_id, "lastId": last.id,
                                  "lastExperimentId": last.experiment.id})  # fmt: skip
    return json_answer({"data": [experiment_item_row(item) for item in items[:limit]], "meta": meta})


def _window(params: QueryParams, project: ProjectStore) -> tuple[int, list[ExperimentItem]]:
    """The page size, and the items with `fromStartTime <= start < toStartTime`, newest first."""
    issues: list[Issue] = []
    if "fromStartTime" not in params:
        issues.append(wrong_type("string", "undefined", "fromStartTime"))
    limit = whole_number(params, "limit", 50, issues, minimum=1, maximum=MAXIMUM_LIMIT)
    from_ms = zoned_time(params, "fromStartTime", issues)
    before_ms = zoned_time(params, "toStartTime", issues)
    raise_if_any(issues)
    items = [
        item for item in project.experiment_items
        if (from_ms is None or item.start_ms >= from_ms) and (before_ms is None or item.start_ms < before_ms)
    ]  # fmt: skip
    return int(limit), sorted(items, key=lambda item: item.place, reverse=True)


def _cursor(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def _cursor_content(params: QueryParams) -> dict[str, Any] | None:
    if "cursor" not in params:
        return None
    text = params["cursor"]
    problem: ApiError = refused("Invalid cursor format")
    try:
        content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        raise problem from None
    if not isinstance(content, dict):
        raise problem
    return content
