"""What clients write: OTLP spans, scores, and the old batch endpoint, of which `events_only` takes scores."""

from __future__ import annotations

import time
import uuid
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.ingest import observation_of
from tracemart.standin.problems import ApiError, Issue, custom, invalid, javascript_type, not_an_option, wrong_type
from tracemart.standin.rows import Score
from tracemart.standin.spans import read_spans
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_lenient, to_iso

NEWEST_INGESTION_VERSION = 4
DATA_TYPES = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "CORRECTION", "TEXT")
_ONE_SUBJECT = (
    "Provide exactly one of the following: traceId (with optional observationId), sessionId or datasetRunId. "
    "ObservationId requires traceId."
)
_NOT_ACCEPTED = (
    'Event type "{}" is not accepted by /api/public/ingestion when LANGFUSE_MIGRATION_V4_WRITE_MODE is events_only. '
    "This endpoint only accepts score and log events. Upgrade the client or integration to a v4-compatible SDK or OTLP "
    "ingestion path. As a temporary migration bridge, set LANGFUSE_MIGRATION_V4_WRITE_MODE=dual on both the web and "
    "worker services and redeploy. Docs: https://langfuse.com/self-hosting/upgrade/upgrade-guides/upgrade-v3-to-v4"
)


async def take_spans(request: Request) -> Response:
    """POST /api/public/otel/v1/traces: all spans of the export or none."""
    project = project_of(request)
    otlp_version(request)
    headers = request.headers
    spans = read_spans(await request.body(), headers.get("content-type", ""), headers.get("content-encoding", ""))
    if not spans:
        return json_answer({})
    arrived_ms = now_ms()
    project.add_observations([observation_of(span, project, arrived_ms) for span in spans])
    return json_answer(otlp_answer(request, project, arrived_ms))


def otlp_version(request: Request) -> int:
    """The ingestion version that a client names, 0 if none; raises the server's 400 for one that is too new."""
    version = request.headers.get("x-langfuse-ingestion-version", "")
    if not version.isdigit():
        return 0
    if int(version) > NEWEST_INGESTION_VERSION:
        problem = (
            f'Unsupported x-langfuse-ingestion-version: "{version}". Maximum supported: "{NEWEST_INGESTION_VERSION}".'
        )
        raise ApiError(400, {"error": problem})
    return int(version)


def otlp_answer(request: Request, project: ProjectStore, arrived_ms: int) -> dict[str, Any]:
    """The queue job that the real server answers with; nothing in it is a promise to clients."""
    name, headers, moment = "otel-ingestion-job", request.headers, to_iso(arrived_ms)
    return {
        "name": name,
        "data": {
            "id": str(uuid.uuid4()),
            "timestamp": moment,
            "name": name,
            "payload": {
                "data": {"fileKey": f"events/otel/{project.id}/{uuid.uuid4()}.json",
                         "publicKey": headers.get("x-langfuse-public-key", "")},
                "authCheck": {"validKey": True, "scope": {"projectId": project.id, "accessLevel": "project",
                                                          "orgId": "org-standin"}},
                "sdkName": headers.get("x-langfuse-sdk-name", "unknown"),
                "sdkVersion": headers.get("x-langfuse-sdk-version", "unknown"),
                "ingestionVersion": headers.get("x-langfuse-ingestion-version", ""),
            },
        },
        "opts": {"attempts": 6, "removeOnComplete": True, "removeOnFail": 100000,
                 "backoff": {"type": "exponential", "delay": 5000}, "traceparent": "", "baggage": ""},
        "id": "1",
        "progress": 0,
        "returnvalue": None,
        "stacktrace": None,
        "priority": 0,
        "attemptsStarted": 0,
        "attemptsMade": 0,
        "stalledCounter": 0,
        "timestamp": arrived_ms,
        "queueQualifiedName": "bull:otel-ingestion-queue",
    }  # fmt: skip


async def take_scores(request: Request) -> Response:
    """POST /api/public/scores: one object, or an array as SDK 5 sends and servers after 4.16.0 take."""
    project = project_of(request)
    content = await _json_body(request)
    arrived_ms = now_ms()
    if not isinstance(content, list):
        score = score_of(content, arrived_ms)
        project.add_scores([score])
        return json_answer({"id": score.id})
    taken, errors = [], []
    for item in content:
        try:
            taken.append(score_of(item, arrived_ms))
        except ApiError as error:
            errors.append({"message": str(error.body["error"][0]["message"])})
    project.add_scores(taken)
    if errors:
        return json_answer({"accepted": len(taken), "rejected": len(errors), "errors": errors}, 207)
    return json_answer({"message": "Accepted"})


async def take_batch(request: Request) -> Response:
    """POST /api/public/ingestion: each event is answered for itself; logs are taken without a word."""
    project = project_of(request)
    successes: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for event in await batch_of(request):
        kind, event_id = event.get("type"), event.get("id")
        if kind == "score-create":
            try:
                project.add_scores([score_of(event.get("body") or {}, now_ms(), event.get("timestamp"))])
                successes.append({"id": event_id, "status": 201})
            except ApiError as error:
                errors.append({"id": event_id, "status": 400, "message": "Invalid request data",
                               "error": str(error.body["error"])})  # fmt: skip
        elif kind != "sdk-log":
            errors.append({"id": event_id, "status": 400, "message": "Event type not accepted",
                           "error": _NOT_ACCEPTED.format(kind)})  # fmt: skip
    return json_answer({"successes": successes, "errors": errors}, 207)


async def batch_of(request: Request) -> list[dict[str, Any]]:
    """The events of a batch; raises the server's 400 for a body without one."""
    content = await _json_body(request)
    batch = content.get("batch") if isinstance(content, dict) else None
    if not isinstance(batch, list):
        problem = f"Invalid input: expected array, received {'undefined' if batch is None else javascript_type(batch)}"
        raise ApiError(400, {"message": "Invalid request data", "errors": [problem]})
    return batch


async def _json_body(request: Request) -> Any:
    try:
        return orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError:
        raise ApiError(400, {"message": "Invalid JSON"}) from None


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def score_of(body: Any, arrived_ms: int, event_time: str | None = None) -> Score:
    """A score of a request body; raises the server's 400."""
    if not isinstance(body, dict):
        raise invalid(wrong_type("object", javascript_type(body)))
    issues = list(_score_issues(body))
    if issues:
        raise invalid(*issues)
    value = body["value"]
    moment = parse_lenient(str(body.get("timestamp") or event_time or "")) or arrived_ms
    return Score(
        id=str(body.get("id") or uuid.uuid4()),
        name=body["name"],
        timestamp_ms=moment,
        created_ms=arrived_ms,
        updated_ms=arrived_ms,
        data_type=body.get("dataType") or ("CATEGORICAL" if isinstance(value, str) else "NUMERIC"),
        value=value,
        environment=body.get("environment") or "default",
        trace_id=body.get("traceId"),
        observation_id=body.get("observationId"),
        session_id=body.get("sessionId"),
        run_id=body.get("datasetRunId"),
        comment=body.get("comment"),
        config_id=body.get("configId"),
        metadata=body.get("metadata") or {},
        queue_id=body.get("queueId"),
    )


def _score_issues(body: dict[str, Any]) -> list[Issue]:
    issues: list[Issue] = []
    if not isinstance(body.get("name"), str):
        issues.append(wrong_type("string", _kind(body, "name"), "name"))
    issues.extend(_value_issues(body))
    subjects = [key for key in ("traceId", "sessionId", "datasetRunId") if body.get(key)]
    if not issues and (len(subjects) != 1 or (body.get("observationId") and subjects != ["traceId"])):
        issues.append(custom(_ONE_SUBJECT, "traceId", "sessionId", "datasetRunId", "observationId"))
    return issues


def _value_issues(body: dict[str, Any]) -> list[Issue]:
    value, data_type = body.get("value"), body.get("dataType")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    received = _kind(body, "value")
    if data_type is not None and data_type not in DATA_TYPES:
        return [not_an_option(DATA_TYPES, "dataType")]
    if data_type in ("NUMERIC", "BOOLEAN"):
        if not is_number:
            return [wrong_type("number", received, "value")]
        if data_type == "BOOLEAN" and value not in (0, 1):
            return [custom("Value must be a number equal to either 0 or 1 for data type BOOLEAN", "value")]
    elif data_type is not None and not isinstance(value, str):
        return [wrong_type("string", received, "value")]
    elif not is_number and not isinstance(value, str):
        errors = [[wrong_type("string", received)], [wrong_type("number", received)]]
        return [{"code": "invalid_union", "errors": errors, "path": ["value"], "message": "Invalid input"}]
    return []


def _kind(body: dict[str, Any], key: str) -> str:
    return javascript_type(body[key]) if key in body else "undefined"
