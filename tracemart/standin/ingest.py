"""Spans turned into observations: Langfuse's attributes first, the OpenTelemetry ones where they lack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tracemart.standin.prices import Model, cost_of, provided_cost
from tracemart.standin.rows import (
    LEVELS,
    NO_KEYS,
    NO_VALUES,
    OBSERVATION_TYPES,
    Metadata,
    Observation,
    PromptRef,
    TraceContext,
    encode,
)
from tracemart.standin.spans import Span
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import parse_lenient

_OBSERVATION = "langfuse.observation."
_NS_PER_MS = 1_000_000
_CHARACTERS_PER_TOKEN = 4


def observation_of(span: Span, project: ProjectStore, now_ms: int) -> Observation:
    """The row a span becomes, priced now. Times are floored to milliseconds."""
    have = span.attributes
    start_ms = span.start_ns // _NS_PER_MS
    is_root = span.parent_id is None or _truthy(have.get("langfuse.internal.is_app_root"))
    name = span.name
    trace_name = _text(have, "langfuse.trace.name") or (name if span.parent_id is None else None)
    level = _text(have, _OBSERVATION + "level").upper() or ("ERROR" if span.failed else "DEFAULT")
    row = Observation(
        context=_context(span),
        id=span.span_id,
        parent_id=span.parent_id,
        type=_type(have),
        name=name,
        start_ms=start_ms,
        end_ms=span.end_ns // _NS_PER_MS if span.end_ns else start_ms,
        created_ms=now_ms,
        trace_name=trace_name or None,
        level=level if level in LEVELS else "DEFAULT",
        status_message=_text(have, _OBSERVATION + "status_message") or span.status_message,
        completion_ms=_time(have.get(_OBSERVATION + "completion_start_time")),
        is_root=is_root,
        model=_text(have, _OBSERVATION + "model.name", "gen_ai.response.model", "gen_ai.request.model"),
        parameters=_parameters(have),
        prompt=_prompt(have, project),
        input=_content(have, _OBSERVATION + "input", "gen_ai.prompt", "input.value"),
        output=_content(have, _OBSERVATION + "output", "gen_ai.completion", "output.value"),
    )
    price(row, project, _usage(have), _json_object(have.get(_OBSERVATION + "cost_details")))
    return row


def price(
    row: Observation, project: ProjectStore, usage: Mapping[str, int], costs: Mapping[str, Any], *,
    tokenises: bool = True,
) -> None:  # fmt: skip
    """Set model, usage, tier and cost of a row by the rules of ingestion; without usage, tokens may be counted."""
    model = project.prices.match(row.model) if row.model else None
    units = dict(usage)
    if tokenises and not units and not costs and model is not None:
        units = _tokenised(row, model)
    if units and "total" not in units:
        units["total"] = sum(units.values())
    row.usage_keys, row.usage_values = tuple(units) or NO_KEYS, tuple(units.values()) or NO_VALUES
    if model is not None:
        row.model_id = model.id
        tier = model.tier_for(units, row.parameters) if units else None
        if tier is not None:
            row.tier_id, row.tier_name = tier.id, tier.name
            row.cost_keys, row.cost_values = cost_of(tier, row.usage_keys, row.usage_values)
    numbers = {key: float(value) for key, value in costs.items() if _is_number(value) and value >= 0}
    if numbers:
        row.cost_keys, row.cost_values = provided_cost(numbers)


def _tokenised(row: Observation, model: Model) -> dict[str, int]:
    """A guess where the real server counts with the model's tokeniser: four characters a token."""
    if model.tokenizer_id is None:
        return {}
    texts = {"input": row.input, "output": row.output}
    return {key: -(-len(text) // _CHARACTERS_PER_TOKEN) for key, text in texts.items() if text}


def _context(span: Span) -> TraceContext:
    have, resource = span.attributes, span.resource
    return TraceContext(
        trace_id=span.trace_id,
        user_id=_text(have, "user.id", "langfuse.user.id"),
        session_id=_text(have, "session.id", "langfuse.session.id"),
        environment=_text(have, "langfuse.environment")
        or _text(resource, "langfuse.environment", "deployment.environment.name", "deployment.environment")
        or "default",
        release=_text(have, "langfuse.release") or _text(resource, "langfuse.release"),
        version=_text(have, "langfuse.version") or _text(resource, "langfuse.version"),
        tags=_tags(have.get("langfuse.trace.tags")),
        metadata=_metadata(span),
    )


def _metadata(span: Span) -> Metadata:
    stored: dict[str, str] = {}
    for prefix in ("langfuse.trace.metadata", "langfuse.observation.metadata"):
        for key, value in span.attributes.items():
            if key.startswith(prefix + "."):
                stored[key.removeprefix(prefix + ".")] = _stored(value)
            elif key == prefix:
                stored["metadata"] = _stored(value)
    for key, value in span.scope["attributes"].items():
        stored[f"scope.attributes.{key}"] = _stored(value)
    for key in ("version", "name"):
        if span.scope[key]:
            stored[f"scope.{key}"] = _stored(span.scope[key])
    for key, value in span.resource.items():
        stored[f"resourceAttributes.{key}"] = _stored(value)
    return Metadata(stored)


def _stored(value: object) -> str:
    return value if isinstance(value, str) else encode(value)


def _type(have: Mapping[str, Any]) -> str:
    named = _text(have, _OBSERVATION + "type").upper()
    if named in OBSERVATION_TYPES:
        return named
    speaks = any(key.startswith(("gen_ai.request.model", "gen_ai.response.model")) for key in have)
    return "GENERATION" if speaks or _OBSERVATION + "model.name" in have else "SPAN"


def _usage(have: Mapping[str, Any]) -> dict[str, int]:
    """Units by usage type; OpenTelemetry's input includes cached tokens, Langfuse's does not."""
    given = _json_object(have.get(_OBSERVATION + "usage_details"))
    if given:
        return {key: int(value) for key, value in given.items() if _is_number(value) and value >= 0}
    names = {"input": "gen_ai.usage.input_tokens", "output": "gen_ai.usage.output_tokens",
             "input_cached_tokens": "gen_ai.usage.cache_read.input_tokens"}  # fmt: skip
    units = {key: int(have[name]) for key, name in names.items() if _is_number(have.get(name))}
    if "input_cached_tokens" in units:
        units["input"] = max(0, units.get("input", 0) - units["input_cached_tokens"])
    return units


def _parameters(have: Mapping[str, Any]) -> dict[str, object]:
    given = _json_object(have.get(_OBSERVATION + "model.parameters"))
    prefix = "gen_ai.request."
    return given or {
        key.removeprefix(prefix): value
        for key, value in have.items()
        if key.startswith(prefix) and key != prefix + "model"
    }


def _prompt(have: Mapping[str, Any], project: ProjectStore) -> PromptRef | None:
    name, given = have.get(_OBSERVATION + "prompt.name"), have.get(_OBSERVATION + "prompt.version")
    if not name or given is None or not _is_number(given):
        return None
    version = int(given)
    known = (prompt.id for prompt in project.prompts if (prompt.name, prompt.version) == (name, version))
    return PromptRef(next(known, ""), str(name), version)


def _text(have: Mapping[str, Any], *keys: str) -> str:
    return next((str(have[key]) for key in keys if have.get(key) not in (None, "")), "")


def _content(have: Mapping[str, Any], *keys: str) -> str | None:
    return _text(have, *keys) or None


def _tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    return tuple(sorted({str(tag) for tag in value})) if isinstance(value, list) else ()


def _time(value: Any) -> int | None:
    """The SDK sends a JSON string, so the time stands in quotes."""
    return parse_lenient(value.strip('"')) if isinstance(value, str) else None


def _json_object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _truthy(value: Any) -> bool:
    return value is True or value == "true"
