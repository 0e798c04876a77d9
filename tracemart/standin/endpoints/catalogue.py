"""What changes seldom: projects, models and prompts; health and readiness."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer, page_meta
from tracemart.standin.parameters import lenient_time, raise_if_any, whole_number
from tracemart.standin.problems import ApiError, Issue, not_found, page_not_found
from tracemart.standin.render import prompt_row
from tracemart.standin.rows import PromptVersion
from tracemart.standin.timestamps import to_iso

VERSION = "4.16.0"
MAXIMUM_LIMIT = 100


async def health(_: Request) -> Response:
    return json_answer({"status": "OK", "version": VERSION})


async def get_projects(request: Request) -> Response:
    project = project_of(request)
    organization = request.app.state.store.organization
    row = {"id": project.id, "name": project.name, "organization": organization, "metadata": {}}
    return json_answer({"data": [row]})


def page_and_limit(params: QueryParams, default: int, issues: list[Issue]) -> tuple[int, int]:
    page = whole_number(params, "page", 1, issues, minimum=1, above=0)
    limit = whole_number(params, "limit", default, issues, minimum=1, maximum=MAXIMUM_LIMIT)
    return int(page), int(limit)


async def list_models(request: Request) -> Response:
    project = project_of(request)
    issues: list[Issue] = []
    page, limit = page_and_limit(request.query_params, 50, issues)
    raise_if_any(issues)
    models = project.prices.all()
    data = [model.body for model in models[(page - 1) * limit : page * limit]]
    return json_answer({"data": data, "meta": page_meta(page, limit, len(models))})


async def get_model(request: Request) -> Response:
    model = project_of(request).prices.by_id(request.path_params["model_id"])
    if model is None:
        raise not_found("No model with this id found.")
    return json_answer(model.body)


async def list_prompts(request: Request) -> Response:
    project = project_of(request, named_error=True)
    params, issues = request.query_params, list[Issue]()
    page, limit = page_and_limit(params, 10, issues)
    from_ms = lenient_time(params, "fromUpdatedAt", issues)
    before_ms = lenient_time(params, "toUpdatedAt", issues)
    raise_if_any(issues)
    wanted = [
        prompt
        for prompt in project.prompts
        if params.get("name") in (None, prompt.name)
        and (not params.get("label") or params["label"] in _labels(prompt, project.prompts))
        and (not params.get("tag") or params["tag"] in prompt.tags)
        and (from_ms is None or prompt.updated_ms >= from_ms)
        and (before_ms is None or prompt.updated_ms < before_ms)
    ]
    named = sorted(wanted, key=lambda prompt: (prompt.name, prompt.version))
    rows = [_prompt_meta(list(group), project.prompts) for _, group in groupby(named, lambda prompt: prompt.name)]
    meta = page_meta(page, limit, len(rows))
    return json_answer({"data": rows[(page - 1) * limit : page * limit], "meta": meta, "pagination": meta})


def _labels(prompt: PromptVersion, prompts: list[PromptVersion]) -> tuple[str, ...]:
    """The newest version is always labelled `latest`."""
    newest = max(other.version for other in prompts if other.name == prompt.name)
    return (*prompt.labels, "latest") if prompt.version == newest else prompt.labels


def _prompt_meta(versions: list[PromptVersion], prompts: list[PromptVersion]) -> dict[str, Any]:
    newest = versions[-1]
    return {
        "name": newest.name,
        "tags": list(newest.tags),
        "lastUpdatedAt": to_iso(max(version.updated_ms for version in versions)),
        "versions": [version.version for version in versions],
        "labels": sorted({label for version in versions for label in _labels(version, prompts)}),
        "type": newest.type,
        "lastConfig": newest.config,
    }


async def get_prompt(request: Request) -> Response:
    """A slash in the name must be written `%2F`; a bare one is another page, which does not exist."""
    raw_path: bytes = request.scope.get("raw_path", b"")
    if b"/" in raw_path.split(b"?")[0].removeprefix(b"/api/public/v2/prompts/"):
        raise page_not_found()
    project = project_of(request, named_error=True)
    name, params = request.path_params["name"], request.query_params
    versions = [prompt for prompt in project.prompts if prompt.name == name]
    label = params.get("label", "production")
    if "version" in params:
        found = next((prompt for prompt in versions if str(prompt.version) == params["version"]), None)
        missing = f"with version {params['version']}"
    else:
        found = next((prompt for prompt in versions if label in _labels(prompt, project.prompts)), None)
        missing = f"with label '{label}'"
    if found is None:
        raise not_found(f"Prompt not found: '{name}' {missing}")
    row = prompt_row(found, project.id)
    row["labels"] = list(_labels(found, project.prompts))
    return json_answer(row)


async def delete_trace(request: Request) -> Response:
    project_of(request).delete_trace(request.path_params["rest"])
    return json_answer({"message": "Trace deleted successfully"})


async def delete_score(request: Request) -> Response:
    project_of(request).delete_score(request.path_params["rest"])
    return json_answer({"message": "Score deletion queued successfully"}, 202)


async def method_not_allowed(_request: Request, _error: Exception) -> Response:
    return json_answer({"message": "Method not allowed", "error": "MethodNotAllowedError"}, 405)


def api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    if error.html is not None:
        return Response(error.html, error.status, media_type="text/html; charset=utf-8")
    return json_answer(error.body, error.status)
