"""What clients write to a server that keeps v3 tables: batches of events, and OTLP spans."""

from __future__ import annotations

import json
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.endpoints.ingestion import batch_of, now_ms, otlp_answer, otlp_version, score_of
from tracemart.standin.ingest import observation_of
from tracemart.standin.problems import ApiError, Issue, invalid, wrong_type
from tracemart.standin.spans import Span, read_spans
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_lenient
from tracemart.standin.v3.merge import KINDS, Arrival, take_observation, take_trace
from tracemart.standin.v3.spans import events_of_span
from tracemart.standin.v3.tables import WrittenEvent

DIRECT_VERSION = 4
_OBSERVATION_EVENTS = {f"{kind}-{verb}": kind for kind in KINDS for verb in ("create", "update")}
_UNKNOWN_TYPE: Issue = {
    "code": "invalid_union", "errors": [], "note": "No matching discriminator", "discriminator": "type",
    "path": ["type"], "message": "Invalid input",
}  # fmt: skip


async def take_batch(request: Request) -> Response:
    """POST /ingestion: each event is answered for itself, and merged with what came before it."""
    project = project_of(request)
    successes: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for event in await batch_of(request):
        try:
            if event.get("type") != "sdk-log":
                _take(project, event, now_ms())
                successes.append({"id": event.get("id"), "status": 201})
        except ApiError as error:
            text = json.dumps(error.body["error"], indent=2, ensure_ascii=False)
            errors.append({"id": event.get("id"), "status": 400, "message": "Invalid request data", "error": text})
    return json_answer({"successes": successes, "errors": errors}, 207)


def _take(project: ProjectStore, event: dict[str, Any], arrived_ms: int) -> None:
    kind, body = event.get("type"), event.get("body") or {}
    if kind == "score-create":
        project.add_scores([score_of(body, arrived_ms, event.get("timestamp"))])
        return
    if kind != "trace-create" and kind not in _OBSERVATION_EVENTS:
        raise invalid(_UNKNOWN_TYPE)
    at_ms = parse_lenient(str(event.get("timestamp") or ""))
    if at_ms is None:
        raise invalid(wrong_type("string", "undefined", "timestamp"))
    is_update = kind.endswith("-update")
    if is_update and not body.get("id"):
        raise invalid(wrong_type("string", "undefined", "body", "id"))
    written = WrittenEvent(at_ms, is_update, {"id": str(uuid.uuid4())} | body)
    # The old way keeps whole seconds of what it creates.
    arrival = Arrival(arrived_ms, arrived_ms // 1000 * 1000)
    if kind == "trace-create":
        take_trace(project, written, arrival)
    else:
        take_observation(project, _OBSERVATION_EVENTS[kind], written, arrival)


async def take_spans(request: Request) -> Response:
    """POST /otel/v1/traces: a v4 client's spans also go straight to the events table, others by the old way only."""
    project = project_of(request)
    version = otlp_version(request)
    headers = request.headers
    spans = read_spans(await request.body(), headers.get("content-type", ""), headers.get("content-encoding", ""))
    if not spans:
        return json_answer({})
    arrived_ms = now_ms()
    if version >= DIRECT_VERSION and request.app.state.mode == "dual":
        _take_directly(project, spans, arrived_ms)
    else:
        _take_by_the_old_way(project, spans, arrived_ms)
    return json_answer(otlp_answer(request, project, arrived_ms))


def _take_directly(project: ProjectStore, spans: list[Span], arrived_ms: int) -> None:
    rows = [observation_of(span, project, arrived_ms) for span in spans]
    project.legacy.direct.update(row.id for row in rows)
    project.add_observations(rows)


def _take_by_the_old_way(project: ProjectStore, spans: list[Span], arrived_ms: int) -> None:
    arrival = Arrival(arrived_ms, arrived_ms)
    for span in spans:
        for kind, event in events_of_span(span, project):
            if kind == "trace":
                take_trace(project, event, arrival)
            else:
                take_observation(project, kind, event, arrival)
