"""The sums, means and percentiles of the metrics endpoint, over rows in memory.

Money is summed in whole pico-dollars and becomes a JSON number at the end, as the real server sums
`Decimal(18,12)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import numpy as np

from tracemart.standin.rows import PICO, Observation, Score
from tracemart.standin.timestamps import DAY_MS, HOUR_MS, MINUTE_MS, to_datetime, to_iso

Row = TypeVar("Row")


@dataclass(frozen=True)
class Measure(Generic[Row]):
    """How to read a measure from a row (None: the row has none), and what its number is divided by."""

    read: Callable[[Row], Any]
    divisor: int = 1
    empty_sum: int | None = 0


@dataclass(frozen=True)
class View(Generic[Row]):
    dimensions: Mapping[str, Callable[[Row], Any]]
    measures: Mapping[str, Measure[Row]]
    moment: Callable[[Row], int]
    admits: Callable[[Row], bool] = lambda _: True


def _sum_of(row: Observation, word: str, *, cost: bool) -> int:
    keys, values = (row.cost_keys, row.cost_values) if cost else (row.usage_keys, row.usage_values)
    return sum(value for key, value in zip(keys, values, strict=True) if word in key.lower())


def _per_second(row: Observation, units: int) -> float | None:
    length = row.end_ms - row.start_ms
    return units * 1000 / length if length > 0 and units else None


def _none(_: Any) -> None:
    return None


_UNKNOWN: Measure[Observation] = Measure(_none)
OBSERVATION_VIEW: View[Observation] = View(
    dimensions={
        "id": lambda row: row.id,
        "traceId": lambda row: row.context.trace_id,
        "environment": lambda row: row.context.environment,
        "parentObservationId": lambda row: row.parent_id,
        "isRootObservation": lambda row: row.is_root,
        "type": lambda row: row.type,
        "name": lambda row: row.name,
        "level": lambda row: row.level,
        "version": lambda row: row.context.version or None,
        "userId": lambda row: row.context.user_id or None,
        "sessionId": lambda row: row.context.session_id or None,
        "tags": lambda row: row.context.tags,
        "release": lambda row: row.context.release or None,
        "traceName": lambda row: row.trace_name,
        "traceRelease": lambda row: row.context.release or None,
        "traceVersion": lambda row: row.context.version or None,
        "providedModelName": lambda row: row.model or None,
        "promptName": lambda row: row.prompt.name if row.prompt else None,
        "promptVersion": lambda row: row.prompt.version if row.prompt else None,
        "startTimeMonth": lambda row: to_iso(row.start_ms)[:7],
        "toolNames": _none,
        "calledToolNames": _none,
        "costType": _none,
        "usageType": _none,
        "experimentName": _none,
        "experimentDatasetId": _none,
        "experimentId": _none,
    },
    measures={
        "count": Measure(lambda _: 1),
        "traceId": Measure(lambda row: row.context.trace_id),
        "uniqueUserIds": Measure(lambda row: row.context.user_id or None),
        "uniqueSessionIds": Measure(lambda row: row.context.session_id or None),
        "latency": Measure(lambda row: row.end_ms - row.start_ms),
        "streamingLatency": Measure(lambda row: row.end_ms - row.completion_ms if row.completion_ms else None),
        "inputTokens": Measure(lambda row: _sum_of(row, "input", cost=False)),
        "outputTokens": Measure(lambda row: _sum_of(row, "output", cost=False)),
        "totalTokens": Measure(lambda row: row.usage().get("total", 0)),
        "outputTokensPerSecond": Measure(lambda row: _per_second(row, _sum_of(row, "output", cost=False))),
        "tokensPerSecond": Measure(lambda row: _per_second(row, row.usage().get("total", 0))),
        "inputCost": Measure(lambda row: _sum_of(row, "input", cost=True), PICO),
        "outputCost": Measure(lambda row: _sum_of(row, "output", cost=True), PICO),
        "totalCost": Measure(lambda row: row.cost().get("total", 0), PICO, empty_sum=None),
        "timeToFirstToken": Measure(lambda row: row.completion_ms - row.start_ms if row.completion_ms else None),
        "countScores": _UNKNOWN,
        "toolDefinitions": _UNKNOWN,
        "toolCalls": _UNKNOWN,
        "costByType": Measure(_none, PICO),
        "usageByType": Measure(_none),
    },
    moment=lambda row: row.start_ms,
)

_SCORE_DIMENSIONS: dict[str, Callable[[Score], Any]] = {
    "id": lambda score: score.id,
    "environment": lambda score: score.environment,
    "name": lambda score: score.name,
    "source": lambda score: score.source,
    "dataType": lambda score: score.data_type,
    "traceId": lambda score: score.trace_id,
    "configId": lambda score: score.config_id,
}


def _score_view(data_types: tuple[str, ...], *, text: bool) -> View[Score]:
    def text_of(score: Score) -> Any:
        return str(bool(score.value)).lower() if score.data_type == "BOOLEAN" else score.value

    value: dict[str, Measure[Score]] = {} if text else {"value": Measure(lambda score: score.value)}
    return View(
        _SCORE_DIMENSIONS | {"stringValue": text_of},
        {"count": Measure(lambda _: 1)} | value,
        lambda score: score.timestamp_ms,
        lambda score: score.data_type in data_types,
    )


SCORE_VIEWS = {
    "scores-numeric": _score_view(("NUMERIC", "BOOLEAN"), text=False),
    "scores-boolean": _score_view(("BOOLEAN",), text=False),
    "scores-categorical": _score_view(("CATEGORICAL",), text=True),
}


def aggregate(
    view: View[Row], rows: Iterable[Row], query: Mapping[str, Any], from_ms: int, to_ms: int
) -> list[dict[str, Any]]:
    """Rows of the answer: dimensions, `time_dimension`, `{aggregation}_{measure}`; ordered, not yet cut."""
    fields = [dimension["field"] for dimension in query.get("dimensions") or []]
    metrics = [(metric["aggregation"], metric["measure"]) for metric in query["metrics"]]
    by_type = next((field for field in fields if field in ("costType", "usageType")), None)
    granularity = _granularity(query.get("timeDimension"), from_ms, to_ms)
    groups: dict[tuple[Any, ...], list[tuple[Row, int]]] = {}
    for row in rows:
        bucket = _bucket(view.moment(row), granularity) if granularity else None
        known = tuple(None if field == by_type else view.dimensions[field](row) for field in fields)
        if by_type is None:
            if not any(field in ("toolNames", "calledToolNames") for field in fields):
                groups.setdefault((*known, bucket), []).append((row, 0))
        else:
            for kind, amount in _by_type(row, by_type):
                key = tuple(kind if field == by_type else value for field, value in zip(fields, known, strict=True))
                groups.setdefault((*key, bucket), []).append((row, amount))
    if not fields and granularity is None and not groups:
        groups[None,] = []
    if not fields and granularity is not None:
        _fill(groups, granularity, from_ms, to_ms)
    config = query.get("config") or {}
    answer = []
    for key, members in groups.items():
        item = dict(zip(fields, key[:-1], strict=True))
        if granularity:
            item["time_dimension"] = _bucket_text(key[-1], granularity)
        for aggregation, measure in metrics:
            item[f"{aggregation}_{measure}"] = _value(view, members, aggregation, measure, config.get("bins", 10))
        if not metrics:
            item["count"] = len(members)
        answer.append(item)
    return _ordered(answer, query.get("orderBy") or [], metrics, by_time=granularity is not None)


def _by_type(row: Any, by_type: str) -> Iterable[tuple[str, int]]:
    keys, values = (row.cost_keys, row.cost_values) if by_type == "costType" else (row.usage_keys, row.usage_values)
    return zip(keys, values, strict=True)


def _value(view: View[Row], members: list[tuple[Row, int]], aggregation: str, name: str, bins: int) -> Any:
    measure = view.measures[name]
    values: list[Any]
    if name in ("costByType", "usageByType"):
        values = [amount for _, amount in members]
    else:
        values = [value for row, _ in members if (value := measure.read(row)) is not None]
    if aggregation in ("count", "uniq"):
        return len(values) if aggregation == "count" else len(set(values))
    if aggregation == "sum":
        return _number(sum(values), measure.divisor) if values else measure.empty_sum
    if not values:
        return [] if aggregation == "histogram" else None
    if aggregation == "histogram":
        return _histogram(values, bins)
    return _number(_STATISTICS[aggregation](values), measure.divisor)


def _percentile(percent: int) -> Callable[[list[Any]], float]:
    return lambda values: float(np.percentile(values, percent))


_STATISTICS: dict[str, Callable[[list[Any]], float]] = {
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
    **{f"p{percent}": _percentile(percent) for percent in (50, 75, 90, 95, 99)},
}


def _histogram(values: list[Any], bins: int) -> list[list[float]]:
    """`[low, high, count]` in bins of equal width; the real server fits their borders to the data."""
    counts, edges = np.histogram(values, bins)
    return [[float(edges[place]), float(edges[place + 1]), float(count)] for place, count in enumerate(counts)]


def _number(value: float, divisor: int) -> float:
    result = value / divisor if divisor != 1 else value
    return int(result) if isinstance(result, float) and result.is_integer() else result


def _granularity(time_dimension: Mapping[str, str] | None, from_ms: int, to_ms: int) -> str | None:
    if not time_dimension:
        return None
    named = time_dimension["granularity"]
    if named != "auto":
        return named
    minutes = (to_ms - from_ms) / MINUTE_MS
    limits = (("minute", 120), ("hour", 3 * 1440), ("day", 60 * 1440), ("week", 720 * 1440))
    return next((name for name, limit in limits if minutes < limit), "month")


def _bucket(moment_ms: int, granularity: str) -> int:
    """Start of the bucket in milliseconds; weeks begin on Monday, all in UTC."""
    if granularity == "minute":
        return moment_ms // MINUTE_MS * MINUTE_MS
    if granularity == "hour":
        return moment_ms // HOUR_MS * HOUR_MS
    day = moment_ms // DAY_MS
    if granularity == "week":
        # 1970-01-01 was a Thursday.
        day -= (day + 3) % 7
    elif granularity == "month":
        day -= to_datetime(day * DAY_MS).day - 1
    return day * DAY_MS


def _next(bucket: int, granularity: str) -> int:
    if granularity == "month":
        moment = to_datetime(bucket)
        return bucket + ((moment.replace(day=28) + timedelta(days=4)).replace(day=1) - moment).days * DAY_MS
    return bucket + {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS, "week": 7 * DAY_MS}[granularity]


def _fill(groups: dict[tuple[Any, ...], list[Any]], granularity: str, from_ms: int, to_ms: int) -> None:
    """Empty buckets count as zero, but for the window's last one, which comes only with data."""
    bucket, last = _bucket(from_ms, granularity), _bucket(to_ms, granularity)
    while bucket < last:
        groups.setdefault((bucket,), [])
        bucket = _next(bucket, granularity)


def _bucket_text(bucket: int, granularity: str) -> str:
    text = to_iso(bucket)
    return text[:19] + "Z" if granularity in ("minute", "hour") else text[:10]


def _ordered(
    rows: list[dict[str, Any]], orders: list[Mapping[str, str]], metrics: list[tuple[str, str]], *, by_time: bool
) -> list[dict[str, Any]]:
    """As asked; unasked by time, or without time by the first metric, greatest first."""
    if not orders and by_time:
        orders = [{"field": "time_dimension", "direction": "asc"}]
    elif not orders and metrics:
        orders = [{"field": "_".join(metrics[0]), "direction": "desc"}]
    for order in reversed(orders):
        field = order["field"]
        descending = order["direction"] == "desc"
        present = [row for row in rows if row.get(field) is not None and not isinstance(row[field], list)]
        absent = [row for row in rows if row.get(field) is None or isinstance(row[field], list)]
        rows = [*sorted(present, key=lambda row: row[field], reverse=descending), *absent]
    return rows
