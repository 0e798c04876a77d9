"""Events of one trace or observation merged into one row, as the old way of writing does.

Events are taken in the order of their timestamps, whenever they arrived: what a later one says counts, but an
id, a start and an environment stay as first said, metadata is merged key by key, and tags add up. The cost of
the merged row is computed anew. Source: Langfuse's IngestionService and a real 4.16.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tracemart.standin.ingest import price
from tracemart.standin.rows import LEVELS, Metadata, PromptRef, TraceContext, encode
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_lenient
from tracemart.standin.v3.tables import MergedObservation, Session, Trace, WrittenEvent

KINDS = (
    "span", "generation", "event", "observation", "agent", "tool", "chain", "retriever", "evaluator", "embedding",
    "guardrail",
)  # fmt: skip
_KEPT = {"id", "traceId", "startTime", "timestamp", "environment"}


@dataclass(frozen=True)
class Arrival:
    """When events arrive: their rows are created at `created_ms` and updated at `now_ms`."""

    now_ms: int
    created_ms: int


def take_trace(project: ProjectStore, event: WrittenEvent, arrival: Arrival) -> None:
    """Merge a trace event into the project's traces; `event.body` needs an `id`."""
    legacy, trace_id = project.legacy, str(event.body["id"])
    events = legacy.events.setdefault(("trace", trace_id), [])
    events.append(event)
    body = _merged(events)
    known = legacy.traces.get(trace_id)
    trace = Trace(
        id=trace_id,
        timestamp_ms=_moment(body.get("timestamp")) or min(one.at_ms for one in events),
        created_ms=known.created_ms if known else arrival.created_ms,
        updated_ms=arrival.now_ms,
        name=body.get("name") or "",
        user_id=body.get("userId") or "",
        session_id=body.get("sessionId") or "",
        environment=body.get("environment") or "default",
        release=body.get("release") or "",
        version=body.get("version") or "",
        tags=tuple(sorted(body.get("tags") or ())),
        metadata=stored_metadata(body.get("metadata")),
        input=content(body.get("input")),
        output=content(body.get("output")),
        public=bool(body.get("public")),
    )
    legacy.traces[trace_id] = trace
    if trace.session_id:
        legacy.sessions.setdefault(trace.session_id, Session(trace.session_id, arrival.now_ms, trace.environment))
    project.touch()


def take_observation(project: ProjectStore, kind: str, event: WrittenEvent, arrival: Arrival) -> None:
    """Merge an observation event; the older version of the row stays until the database merges."""
    legacy, observation_id = project.legacy, str(event.body["id"])
    events = legacy.events.setdefault(("observation", observation_id), [])
    events.append(event)
    body = _merged(events)
    start_ms = _moment(body.get("startTime")) or min(one.at_ms for one in events)
    end_ms, level = _moment(body.get("endTime")), str(body.get("level") or "DEFAULT").upper()
    first = legacy.created_ms.setdefault(observation_id, arrival.created_ms)
    row = MergedObservation(
        context=TraceContext(
            str(body.get("traceId") or observation_id), environment=body.get("environment") or "default",
            version=body.get("version") or "", metadata=stored_metadata(body.get("metadata")),
        ),
        id=observation_id,
        parent_id=body.get("parentObservationId") or None,
        type=str(body.get("type") or "SPAN").upper() if kind == "observation" else kind.upper(),
        name=body.get("name") or "",
        start_ms=start_ms,
        end_ms=start_ms if end_ms is None else end_ms,
        created_ms=first,
        level=level if level in LEVELS else "DEFAULT",
        status_message=body.get("statusMessage") or "",
        completion_ms=_moment(body.get("completionStartTime")),
        model=body.get("model") or "",
        parameters=body.get("modelParameters") or {},
        prompt=_prompt(body, project),
        input=content(body.get("input")),
        output=content(body.get("output")),
        updated_ms=arrival.now_ms,
        events=len(events),
        has_end=end_ms is not None,
        has_parameters=body.get("modelParameters") is not None,
    )  # fmt: skip
    price(row, project, _usage(body), _costs(body), tokenises=level != "ERROR")
    project.add_observations([row])


def _merged(events: Iterable[WrittenEvent]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for event in sorted(events, key=lambda event: (event.at_ms, event.is_update)):
        for key, value in event.body.items():
            if value is None or (key in _KEPT and key in merged):
                continue
            if key == "metadata" and isinstance(value, dict) and isinstance(merged.get(key), dict):
                merged[key] = _deep(merged[key], value)
            elif key == "tags" and isinstance(value, list):
                merged[key] = sorted({*merged.get(key, ()), *(str(tag) for tag in value)})
            else:
                merged[key] = value
    return merged


def _deep(known: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _deep(known[key], value) if isinstance(value, dict) and isinstance(known.get(key), dict) else value
        for key, value in newer.items()
    }
    return {**known, **both}


def stored_metadata(value: Any) -> Metadata:
    """Text as it is, all else as JSON; what is no object stands under the key `metadata`."""
    if value is None:
        return Metadata({})
    values = value if isinstance(value, dict) else {"metadata": value}
    return Metadata({str(key): one if isinstance(one, str) else encode(one) for key, one in values.items()})


def content(value: Any) -> str | None:
    """Input or output as stored: text as it is, all else as JSON."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _moment(value: Any) -> int | None:
    return parse_lenient(value) if isinstance(value, str) else None


def _prompt(body: Mapping[str, Any], project: ProjectStore) -> PromptRef | None:
    name, version = body.get("promptName"), body.get("promptVersion")
    if not name or not isinstance(version, int):
        return None
    known = (prompt.id for prompt in project.prompts if (prompt.name, prompt.version) == (name, version))
    return PromptRef(next(known, ""), str(name), version)


_OLD_NAMES = {
    "promptTokens": "input", "prompt_tokens": "input", "input": "input",
    "completionTokens": "output", "completion_tokens": "output", "output": "output",
    "totalTokens": "total", "total_tokens": "total", "total": "total",
}  # fmt: skip
_OLD_COSTS = {"inputCost": "input", "outputCost": "output", "totalCost": "total"}
_PARTS = {"prompt_tokens_details": "input", "completion_tokens_details": "output"}


def _usage(body: Mapping[str, Any]) -> dict[str, int]:
    """Units by usage type: `usageDetails`, or the older `usage`; OpenAI's names are translated, its parts taken out."""
    given = body.get("usageDetails") or body.get("usage") or {}
    units: dict[str, int] = {}
    for key, value in given.items():
        if _is_units(value):
            units[_OLD_NAMES.get(key, key)] = int(value)
    if not body.get("usageDetails"):
        units = {key: value for key, value in units.items() if key in _OLD_NAMES.values()}
    for key, whole in _PARTS.items():
        for part, value in (given.get(key) or {}).items():
            if _is_units(value):
                units[f"{whole}_{part}"] = int(value)
                units[whole] = max(0, units.get(whole, 0) - int(value))
    return units


def _costs(body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("costDetails"):
        return dict(body["costDetails"])
    older = body.get("usage") or {}
    return {name: older[key] for key, name in _OLD_COSTS.items() if older.get(key) is not None}


def _is_units(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
