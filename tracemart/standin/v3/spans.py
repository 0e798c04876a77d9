"""OTLP spans as the events that a server with v3 tables makes of them: SDK 3 writes so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tracemart.standin.ingest import observation_of
from tracemart.standin.rows import Observation
from tracemart.standin.spans import Span
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import to_iso
from tracemart.standin.v3.tables import WrittenEvent

_TRACE = "langfuse.trace."
_OBSERVATION = "langfuse.observation."
_WITHOUT_PARAMETERS = ("span", "event")


def events_of_span(span: Span, project: ProjectStore) -> Iterator[tuple[str, WrittenEvent]]:
    """The kind and body of each event: one for the trace, and one for the observation."""
    row = observation_of(span, project, 0)
    yield "trace", WrittenEvent(row.start_ms, False, _trace_body(span, row))
    kind = row.type.lower()
    yield kind, WrittenEvent(row.start_ms, False, _observation_body(span, row, kind))


def _trace_body(span: Span, row: Observation) -> dict[str, Any]:
    """Of a root all that it says; of another span only what it says of its trace."""
    have, context = span.attributes, row.context
    name = have.get(_TRACE + "name")
    body: dict[str, Any] = {
        "id": span.trace_id,
        "timestamp": to_iso(row.start_ms),
        "userId": context.user_id or None,
        "sessionId": context.session_id or None,
        "tags": list(context.tags) or None,
        "environment": context.environment,
        "release": context.release or None,
        "input": have.get(_TRACE + "input"),
        "output": have.get(_TRACE + "output"),
        "public": have.get(_TRACE + "public"),
        "name": name,
        "metadata": _metadata(have, _TRACE + "metadata") or None,
    }
    if span.parent_id is None:
        own = _metadata(have, _OBSERVATION + "metadata")
        body |= {
            "name": name or row.name,
            "version": context.version or None,
            "input": body["input"] or row.input,
            "output": body["output"] or row.output,
            "metadata": own | (body["metadata"] or {}) | _origin(span),
        }
    return body


def _observation_body(span: Span, row: Observation, kind: str) -> dict[str, Any]:
    """An event has no end, and only what may call a model has parameters."""
    have = span.attributes
    body: dict[str, Any] = {
        "id": row.id,
        "traceId": span.trace_id,
        "parentObservationId": row.parent_id,
        "name": row.name,
        "startTime": to_iso(row.start_ms),
        "endTime": to_iso(row.end_ms) if kind != "event" and span.end_ns else None,
        "level": row.level,
        "statusMessage": row.status_message or None,
        "version": row.context.version or None,
        "environment": row.context.environment,
        "input": row.input,
        "output": row.output,
        "metadata": _metadata(have, _OBSERVATION + "metadata") | _origin(span),
    }
    if kind in _WITHOUT_PARAMETERS:
        return body
    prompt = row.prompt
    return body | {
        "model": row.model or None,
        "modelParameters": row.parameters,
        "usageDetails": _given(have, "usage_details") or row.usage() or None,
        "costDetails": _given(have, "cost_details"),
        "completionStartTime": None if row.completion_ms is None else to_iso(row.completion_ms),
        "promptName": prompt.name if prompt else None,
        "promptVersion": prompt.version if prompt else None,
    }


def _metadata(have: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found = {key.removeprefix(prefix + "."): value for key, value in have.items() if key.startswith(prefix + ".")}
    whole = _decoded(have.get(prefix))
    if isinstance(whole, dict):
        return whole | found
    return found if whole is None else {"metadata": whole} | found


def _origin(span: Span) -> dict[str, Any]:
    """Nested here, flat in the events table of a v4 server."""
    return {"resourceAttributes": span.resource, "scope": span.scope}


def _given(have: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = _decoded(have.get(_OBSERVATION + name))
    return value if isinstance(value, dict) else None


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
