"""Rows of the blob-storage export, as the stand-in's ClickHouse would give them: columns, groups, types.

Names, groups and types are those of Langfuse's "Blob storage export field reference" and of the queries of its server
4.16.0 (see tracemart/extract/export). The stand-in keeps no tool calls of its own: `tools` says what rows have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from tracemart.standin.prices import PriceBook, price_text
from tracemart.standin.rows import Observation, Score, dollars, encode
from tracemart.standin.timestamps import to_datetime

GROUPS: dict[str, tuple[str, ...]] = {
    "core": ("id", "trace_id", "start_time", "end_time", "project_id", "parent_observation_id", "type"),
    "basic": (
        "name", "level", "status_message", "version", "environment", "bookmarked", "public", "user_id", "session_id",
        "is_root_observation",
    ),
    "time": ("completion_start_time", "created_at", "updated_at"),
    "io": ("input", "output"),
    "metadata": ("metadata",),
    "model": ("provided_model_name", "model_id", "model_parameters"),
    "usage": ("usage_details", "cost_details", "total_cost", "usage_pricing_tier_id", "usage_pricing_tier_name"),
    "prompt": ("prompt_id", "prompt_name", "prompt_version"),
    "metrics": ("latency", "time_to_first_token"),
    "trace_context": ("tags", "release", "trace_name"),
    "tools": ("tool_definitions", "tool_calls", "tool_call_names"),
}  # fmt: skip
PRICES = ("input_price", "output_price", "total_price")
SCORE_COLUMNS = (
    "id", "timestamp", "project_id", "environment", "trace_id", "observation_id", "session_id", "dataset_run_id",
    "name", "value", "source", "comment", "data_type", "string_value", "created_at", "updated_at",
)  # fmt: skip
SCORE_TYPES = ("NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT")


@dataclass(frozen=True)
class ToolUse:
    """What an observation says of tools: name to definition, and the calls with their names, all as JSON text."""

    definitions: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


NO_TOOLS = ToolUse()


@dataclass(frozen=True)
class ExportShape:
    """What an integration is set to write: `durations` were milliseconds before 2026-04-01."""

    groups: tuple[str, ...] = tuple(GROUPS)
    durations: Literal["seconds", "milliseconds"] = "seconds"
    tools: Mapping[str, ToolUse] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for group, columns in GROUPS.items() if group in self.groups for column in columns)


def observation_row(row: Observation, project_id: str, shape: ExportShape) -> dict[str, Any]:
    """Every column but prices: times as datetime, money as Decimal, an absent text as ""."""
    context, prompt, tools = row.context, row.prompt, shape.tools.get(row.id, NO_TOOLS)
    costs = {key: dollars(pico) for key, pico in row.cost().items()}
    return {
        "id": row.id,
        "trace_id": context.trace_id,
        "start_time": to_datetime(row.start_ms),
        "end_time": to_datetime(row.end_ms),
        "project_id": project_id,
        "parent_observation_id": row.parent_id or "",
        "type": row.type,
        "name": row.name,
        "level": row.level,
        "status_message": row.status_message,
        "version": context.version,
        "environment": context.environment,
        "bookmarked": False,
        "public": False,
        "user_id": context.user_id,
        "session_id": context.session_id,
        "is_root_observation": row.is_root,
        "completion_start_time": None if row.completion_ms is None else to_datetime(row.completion_ms),
        "created_at": to_datetime(row.created_ms),
        "updated_at": to_datetime(row.created_ms),
        "input": row.input or "",
        "output": row.output or "",
        "metadata": context.metadata.stored,
        "provided_model_name": row.model,
        "model_id": row.model_id,
        "model_parameters": _json_text(row.parameters),
        "usage_details": row.usage(),
        "cost_details": costs,
        "total_cost": costs.get("total", Decimal(0)),
        "usage_pricing_tier_id": row.tier_id,
        "usage_pricing_tier_name": row.tier_name,
        "prompt_id": prompt.id if prompt else "",
        "prompt_name": prompt.name if prompt else "",
        "prompt_version": prompt.version if prompt else None,
        "latency": _duration(row.start_ms, row.end_ms, shape),
        "time_to_first_token": _duration(row.start_ms, row.completion_ms, shape),
        "tags": list(context.tags),
        "release": context.release,
        "trace_name": row.trace_name or "",
        "tool_definitions": dict(tools.definitions),
        "tool_calls": list(tools.calls),
        "tool_call_names": list(tools.names),
    }


def prices_of(row: Observation, prices: PriceBook) -> dict[str, str | None]:
    """What only text formats have: the default tier's prices, if the model is still known."""
    model = prices.by_id(row.model_id)
    tier = model.default_tier() if model else None
    per_unit = tier.prices if tier else {}
    return {f"{kind}_price": price_text(per_unit.get(kind)) for kind in ("input", "output", "total")}


def score_row(score: Score, project_id: str) -> dict[str, Any]:
    text = isinstance(score.value, str)
    string = str(bool(score.value)) if score.data_type == "BOOLEAN" else score.value if text else None
    return {
        "id": score.id,
        "timestamp": to_datetime(score.timestamp_ms),
        "project_id": project_id,
        "environment": score.environment,
        "trace_id": score.trace_id,
        "observation_id": score.observation_id,
        "session_id": score.session_id,
        "dataset_run_id": score.run_id,
        "name": score.name,
        "value": 0.0 if text else float(score.value),
        "source": score.source,
        "comment": score.comment,
        "data_type": score.data_type,
        "string_value": string,
        "created_at": to_datetime(score.created_ms).replace(microsecond=0),
        "updated_at": to_datetime(score.updated_ms),
    }


def _duration(start_ms: int, end_ms: int | None, shape: ExportShape) -> float | int | None:
    if end_ms is None:
        return None
    lasted = timedelta(milliseconds=end_ms - start_ms) // timedelta(milliseconds=1)
    return lasted if shape.durations == "milliseconds" else lasted / 1000


def _json_text(parameters: dict[str, object]) -> str:
    return encode(parameters) if parameters else ""
