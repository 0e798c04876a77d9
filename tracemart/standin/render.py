"""Rows as the read API answers them, group by group; an unrequested group's keys are absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tracemart.standin.prices import PriceBook, price_text
from tracemart.standin.rows import PICO, Metadata, Observation, PromptVersion, PropagatedObservation, Score
from tracemart.standin.timestamps import to_iso

OBSERVATION_GROUPS = (
    "core", "basic", "time", "io", "metadata", "model", "usage", "prompt", "metrics", "trace_context",
)  # fmt: skip
SCORE_GROUPS = ("core", "details", "subject", "annotation")

_Prices = tuple[str | None, str | None, str | None, str | None]
_NO_PRICES: _Prices = (None, None, None, None)


@dataclass(frozen=True)
class ObservationFields:
    """Which groups of an observation are wanted, and whether some metadata key is to be expanded."""

    groups: frozenset[str]
    expands_metadata: bool = False


def observation_rows(
    rows: Sequence[Observation], project_id: str, prices: PriceBook, wanted: ObservationFields
) -> list[dict[str, Any]]:
    """The `data` of `/api/public/v2/observations`."""
    groups = wanted.groups
    add_groups = [add for group, add in _ADD_GROUP.items() if group in groups]
    metadata, with_model = _metadata_reader(wanted), "model" in groups
    first_token = not groups.isdisjoint(("time", "metrics"))
    known_prices: dict[str, _Prices] = {"": _NO_PRICES}
    answer = []
    for row in rows:
        context, completion_ms = row.context, row.completion_ms
        item: dict[str, Any] = {
            "id": row.id,
            "traceId": context.trace_id,
            "startTime": to_iso(row.start_ms),
            "endTime": to_iso(row.end_ms),
            "projectId": project_id,
            "parentObservationId": row.parent_id,
            "type": row.type,
            "latency": (row.end_ms - row.start_ms) / 1000,
            "timeToFirstToken": (
                (completion_ms - row.start_ms) / 1000 if first_token and completion_ms is not None else None
            ),
        }
        for add in add_groups:
            add(item, row)
        if metadata is not None:
            item["metadata"] = metadata(context.metadata)
        model_id = row.model_id if with_model else ""
        found = known_prices.get(model_id)
        if found is None:
            found = known_prices[model_id] = _prices(prices, model_id)
        item["modelId"], item["inputPrice"], item["outputPrice"], item["totalPrice"] = found
        if isinstance(row, PropagatedObservation):
            _amend(item, row)
        answer.append(item)
    if "io" in groups:
        _share_newest_content(rows, answer)
    return answer


def _share_newest_content(rows: Sequence[Observation], answer: list[dict[str, Any]]) -> None:
    """An older version that is not merged away yet shows the newest one's content beside its own cost."""
    for place in range(1, len(rows)):
        one, other = rows[place - 1], rows[place]
        if one.id == other.id and one.start_ms == other.start_ms and one.context.trace_id == other.context.trace_id:
            newer, older = (place - 1, place) if one.created_ms >= other.created_ms else (place, place - 1)
            answer[older].update(input=answer[newer]["input"], output=answer[newer]["output"])


def _metadata_reader(wanted: ObservationFields) -> Callable[[Metadata], dict[str, object]] | None:
    """Cut values, but whole ones together with `io` or if any key is to be expanded, whichever it is."""
    if "metadata" not in wanted.groups:
        return None
    return Metadata.whole if "io" in wanted.groups or wanted.expands_metadata else Metadata.cut


def _amend(item: dict[str, Any], row: PropagatedObservation) -> None:
    """Where a copied row differs from one written directly: no end, a latency that is not 0, an update later."""
    if not row.has_end:
        item["endTime"] = None
    if row.end_ms == row.start_ms:
        item["latency"] = None
    if "updatedAt" in item:
        item["updatedAt"] = to_iso(row.updated_ms)


def _add_basic(item: dict[str, Any], row: Observation) -> None:
    context = row.context
    item["name"] = row.name
    item["level"] = row.level
    item["statusMessage"] = row.status_message
    item["version"] = context.version
    item["environment"] = context.environment
    item["userId"] = context.user_id
    item["sessionId"] = context.session_id
    item["isRootObservation"] = row.is_root
    item["bookmarked"] = item["public"] = False


def _add_time(item: dict[str, Any], row: Observation) -> None:
    item["completionStartTime"] = None if row.completion_ms is None else to_iso(row.completion_ms)
    item["createdAt"] = item["updatedAt"] = to_iso(row.created_ms)


def _add_io(item: dict[str, Any], row: Observation) -> None:
    item["input"] = row.input
    item["output"] = row.output


def _add_model(item: dict[str, Any], row: Observation) -> None:
    item["model"] = row.model
    item["internalModelId"] = row.model_id
    item["modelParameters"] = row.parameters


def _add_prompt(item: dict[str, Any], row: Observation) -> None:
    prompt = row.prompt
    item["promptId"] = prompt.id if prompt else ""
    item["promptName"] = prompt.name if prompt else ""
    item["promptVersion"] = prompt.version if prompt else None


def _add_trace_context(item: dict[str, Any], row: Observation) -> None:
    item["traceName"] = row.trace_name
    item["release"] = row.context.release
    item["tags"] = row.context.tags


def _add_usage(item: dict[str, Any], row: Observation) -> None:
    keys, units = row.usage_keys, row.usage_values
    item["usageDetails"] = details = dict(zip(keys, units, strict=True))
    inputs = outputs = 0
    for key, value in details.items():
        if "input" in key:
            inputs += value
        if "output" in key:
            outputs += value
    item["inputUsage"] = inputs
    item["outputUsage"] = outputs
    item["totalUsage"] = details.get("total", 0)
    costs = {key: pico / PICO for key, pico in zip(row.cost_keys, row.cost_values, strict=True)}
    item["costDetails"] = costs
    input_cost = output_cost = None
    for key, amount in costs.items():
        if "input" in key:
            input_cost = amount if input_cost is None else input_cost + amount
        if "output" in key:
            output_cost = amount if output_cost is None else output_cost + amount
    item["inputCost"] = input_cost
    item["outputCost"] = output_cost
    item["totalCost"] = costs.get("total", 0)
    item["usagePricingTierId"] = row.tier_id
    item["usagePricingTierName"] = row.tier_name


_ADD_GROUP: dict[str, Callable[[dict[str, Any], Observation], None]] = {
    "basic": _add_basic,
    "time": _add_time,
    "io": _add_io,
    "model": _add_model,
    "usage": _add_usage,
    "prompt": _add_prompt,
    "trace_context": _add_trace_context,
}


def _prices(prices: PriceBook, model_id: str) -> _Prices:
    """Model id and its default tier's prices; all null for a model that is no longer known."""
    model = prices.by_id(model_id)
    if model is None:
        return _NO_PRICES
    tier = model.default_tier()
    per_unit = tier.prices if tier else {}
    return (
        model_id, price_text(per_unit.get("input")), price_text(per_unit.get("output")),
        price_text(per_unit.get("total")),
    )  # fmt: skip


def score_row(score: Score, project_id: str, groups: frozenset[str]) -> dict[str, Any]:
    """A row of `/api/public/v3/scores`; `value` is a number, a boolean or text by `dataType`."""
    item: dict[str, Any] = {
        "id": score.id,
        "projectId": project_id,
        "name": score.name,
        "source": score.source,
        "timestamp": to_iso(score.timestamp_ms),
        "environment": score.environment,
        "createdAt": to_iso(score.created_ms // 1000 * 1000),
        "updatedAt": to_iso(score.updated_ms),
    }
    if "details" in groups:
        item["comment"] = score.comment
        item["configId"] = score.config_id
        item["metadata"] = score.metadata
    if "annotation" in groups:
        item["authorUserId"] = score.author_user_id
        item["queueId"] = score.queue_id
    if "subject" in groups:
        item["subject"] = subject(score)
    item["dataType"] = score.data_type
    item["value"] = bool(score.value) if score.data_type == "BOOLEAN" else score.value
    return item


def subject(score: Score) -> dict[str, Any]:
    if score.run_id:
        return {"kind": "experiment", "id": score.run_id}
    if score.observation_id:
        return {"kind": "observation", "id": score.observation_id, "traceId": score.trace_id}
    if score.session_id:
        return {"kind": "session", "id": score.session_id}
    return {"kind": "trace", "id": score.trace_id}


def prompt_row(prompt: PromptVersion, project_id: str) -> dict[str, Any]:
    """The answer of `/api/public/v2/prompts/{name}`."""
    return {
        "id": prompt.id,
        "createdAt": to_iso(prompt.created_ms),
        "updatedAt": to_iso(prompt.updated_ms),
        "projectId": project_id,
        "createdBy": "API",
        "prompt": prompt.prompt,
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.type,
        "isActive": "production" in prompt.labels,
        "config": prompt.config,
        "tags": list(prompt.tags),
        "labels": list(prompt.labels),
        "commitMessage": None,
        "resolutionGraph": None,
    }
