"""Rows as the v3 API answers them: numbers as numbers, parsed input and output, null for missing text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from tracemart.standin.evaluation import ScoreConfig
from tracemart.standin.prices import PriceBook
from tracemart.standin.rows import PICO, Observation, Score
from tracemart.standin.timestamps import to_iso
from tracemart.standin.v3.tables import MergedObservation, Session, Trace, has_end, updated_ms
from tracemart.standin.v3.view import LegacyView

TRACE_GROUPS = ("core", "io", "scores", "observations", "metrics")
_WITHOUT_PARAMETERS = {"SPAN", "EVENT"}
_EXCLUDED = -1

_Prices = dict[str, float]


def parsed(text: str | None) -> Any:
    """Content as it is answered: what is JSON is parsed, the rest is text."""
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def observation_rows(
    rows: Iterable[Observation], project_id: str, prices: PriceBook, *, alone: bool = False, no_price: int | None = None
) -> list[dict[str, Any]]:
    """Rows of `/observations`; only those asked for `alone` name their pricing tier, as seen on a real server.

    `no_price` stands for prices that are unknown: 0 inside `/traces/{id}`, else null.
    """
    known: dict[str, _Prices] = {"": {}}
    answer = []
    for row in rows:
        if row.model_id not in known:
            known[row.model_id] = _prices(prices, row.model_id)
        answer.append(_observation_row(row, project_id, known[row.model_id], alone=alone, no_price=no_price))
    return answer


def _prices(prices: PriceBook, model_id: str) -> _Prices:
    """US dollars per unit of the default tier; none of a model that is no longer known."""
    model = prices.by_id(model_id)
    tier = model.default_tier() if model else None
    return {key: float(price) for key, price in tier.prices.items()} if tier else {}


def _observation_row(
    row: Observation, project_id: str, per_unit: _Prices, *, alone: bool, no_price: int | None
) -> dict[str, Any]:
    ended, first, prompt = has_end(row), row.completion_ms, row.prompt
    usage = row.usage()
    costs = {key: pico / PICO for key, pico in zip(row.cost_keys, row.cost_values, strict=True)}
    tokens = {
        "input": sum(units for key, units in usage.items() if "input" in key),
        "output": sum(units for key, units in usage.items() if "output" in key),
        "total": usage.get("total", 0),
    }
    return {
        "id": row.id,
        "traceId": row.context.trace_id,
        "startTime": to_iso(row.start_ms),
        "endTime": to_iso(row.end_ms) if ended else None,
        "projectId": project_id,
        "parentObservationId": row.parent_id,
        "type": row.type,
        "environment": row.context.environment,
        "name": row.name or None,
        "level": row.level,
        "statusMessage": row.status_message or None,
        "version": row.context.version or None,
        "createdAt": to_iso(row.created_ms),
        "updatedAt": to_iso(updated_ms(row)),
        "input": parsed(row.input),
        "output": parsed(row.output),
        "metadata": row.context.metadata.whole(),
        "model": row.model or None,
        "modelParameters": _parameters(row),
        "completionStartTime": None if first is None else to_iso(first),
        "promptId": (prompt.id or None) if prompt else None,
        "promptName": prompt.name if prompt else None,
        "promptVersion": prompt.version if prompt else None,
        "latency": (row.end_ms - row.start_ms) / 1000 if ended else None,
        "timeToFirstToken": None if first is None else (first - row.start_ms) / 1000,
        "usageDetails": usage,
        "costDetails": costs,
        "usagePricingTierId": row.tier_id if alone else None,
        "usagePricingTierName": row.tier_name if alone else None,
        "modelId": row.model_id or None,
        "inputPrice": per_unit.get("input", no_price),
        "outputPrice": per_unit.get("output", no_price),
        "totalPrice": per_unit.get("total", no_price),
        "calculatedInputCost": _sum_of(costs, "input"),
        "calculatedOutputCost": _sum_of(costs, "output"),
        "calculatedTotalCost": costs.get("total", 0),
        "unit": "TOKENS",
        "promptTokens": tokens["input"],
        "completionTokens": tokens["output"],
        "totalTokens": tokens["total"],
        "usage": {"unit": "TOKENS"} | tokens,
    }


def _parameters(row: Observation) -> dict[str, object] | None:
    if row.parameters:
        return row.parameters
    given = not isinstance(row, MergedObservation) or row.has_parameters
    return {} if given and row.type not in _WITHOUT_PARAMETERS else None


def _sum_of(costs: dict[str, float], word: str) -> float | None:
    amounts = [amount for key, amount in costs.items() if word in key]
    return sum(amounts) if amounts else None


def trace_core(trace: Trace, project_id: str, *, content: bool = True) -> dict[str, Any]:
    """What every answer says of a trace; without `content` its input, output and metadata are empty."""
    return {
        "id": trace.id,
        "projectId": project_id,
        "name": trace.name or None,
        "timestamp": to_iso(trace.timestamp_ms),
        "environment": trace.environment,
        "tags": list(trace.tags),
        "bookmarked": trace.bookmarked,
        "release": trace.release or None,
        "version": trace.version or None,
        "userId": trace.user_id or None,
        "sessionId": trace.session_id or None,
        "public": trace.public,
        "input": parsed(trace.input) if content else None,
        "output": parsed(trace.output) if content else None,
        "metadata": trace.metadata.whole() if content else {},
        "createdAt": to_iso(trace.created_ms // 1000 * 1000),
        "updatedAt": to_iso(trace.updated_ms),
        "externalId": None,
    }


def trace_row(trace: Trace, view: LegacyView, project_id: str, groups: frozenset[str]) -> dict[str, Any]:
    """A row of `/traces`; a group that was not asked for is -1, an empty list, or null."""
    rows = view.rows_of.get(trace.id, [])
    with_metrics = "metrics" in groups
    return trace_core(trace, project_id, content="io" in groups) | {
        "observations": [row.id for row in rows] if "observations" in groups else [],
        "scores": [score.id for score in view.scores_of.get(trace.id, [])] if "scores" in groups else [],
        "totalCost": total_cost(rows) if with_metrics else _EXCLUDED,
        "latency": latency(rows) if with_metrics else _EXCLUDED,
        "htmlPath": html_path(trace, project_id),
    }


def html_path(trace: Trace, project_id: str) -> str:
    return f"/project/{project_id}/traces/{trace.id}"


def total_cost(rows: Iterable[Observation]) -> float:
    """US dollars of the rows' totals, summed exactly."""
    return sum(row.cost().get("total", 0) for row in rows) / PICO


def latency(rows: list[Observation]) -> float:
    """Seconds from the first start to the last end, or to the last start of what has no end."""
    if not rows:
        return 0
    return (max(max(row.start_ms, row.end_ms) for row in rows) - min(row.start_ms for row in rows)) / 1000


def latency_alone(rows: list[Observation]) -> float:
    """The same as `/traces/{id}` answers it: what has no end does not lengthen the trace."""
    ends = [row.end_ms for row in rows if has_end(row)]
    return (max(ends) - min(row.start_ms for row in rows)) / 1000 if ends else 0


def session_row(session: Session, project_id: str) -> dict[str, Any]:
    return {
        "id": session.id,
        "createdAt": to_iso(session.created_ms),
        "projectId": project_id,
        "environment": session.environment,
    }


def score_row(score: Score, project_id: str, configs: Iterable[ScoreConfig], *, subjects: bool) -> dict[str, Any]:
    """A score with a number in `value` and text in `stringValue`; `subjects` adds session and dataset run."""
    value, text = _value_and_text(score, configs)
    return {
        "id": score.id,
        "projectId": project_id,
        "environment": score.environment,
        "name": score.name,
        "value": value,
        "source": score.source,
        "authorUserId": score.author_user_id,
        "comment": score.comment,
        "metadata": score.metadata,
        "configId": score.config_id,
        "queueId": score.queue_id,
        "executionTraceId": None,
        "createdAt": to_iso(score.created_ms // 1000 * 1000),
        "updatedAt": to_iso(score.updated_ms),
        "timestamp": to_iso(score.timestamp_ms),
        "traceId": score.trace_id,
        "observationId": score.observation_id,
        **({"sessionId": score.session_id, "datasetRunId": score.run_id} if subjects else {}),
        "stringValue": text,
        "dataType": score.data_type,
    }


def numeric_value(score: Score, configs: Iterable[ScoreConfig] = ()) -> float:
    """The number that the v3 tables hold: of a category its configured value, 0 without one."""
    if not isinstance(score.value, str):
        return score.value
    config = next((config for config in configs if config.id == score.config_id), None)
    categories = (config.categories or ()) if config else ()
    return next((category["value"] for category in categories if category["label"] == score.value), 0)


def _value_and_text(score: Score, configs: Iterable[ScoreConfig]) -> tuple[float, str | None]:
    number = numeric_value(score, configs)
    if score.data_type == "BOOLEAN":
        return int(number), "True" if number else "False"
    return number, score.value if isinstance(score.value, str) else None
