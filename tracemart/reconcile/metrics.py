"""What Langfuse's Metrics API says of a project: calls, tokens and cost per UTC day and model as sent.

Its bounds are inclusive at both ends, rows are cut at row_limit without a word, counts may be text, and a sum over
nothing is null: langfuse.md, fact 10, 0b.3 and section 4. A number of its answer is a double, see `parse_json`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tracemart.errors import LangfuseOverloadedError, LangfuseResponseError
from tracemart.extract.client import LangfuseClient
from tracemart.extract.slices import Slice, as_parameter
from tracemart.extract.speaks import Api

PATHS: dict[Api, str] = {"v4": "/api/public/v2/metrics", "v3": "/api/public/metrics"}
ROW_LIMIT = 1000
SHORTEST = timedelta(hours=1)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Totals:
    """What the server counts: every observation is a call to it, and costs are US dollars."""

    calls: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(self.calls + other.calls, self.tokens + other.tokens, self.cost_usd + other.cost_usd)


def read_totals(client: LangfuseClient, api: Api, asked: Slice) -> dict[tuple[date, str], Totals]:
    """Totals by UTC day and model as sent, '' without one, of the half-open time `asked`; days without any are absent.

    One request where its answer fits, else the time in halves. Raises LangfuseResponseError where an hour does not fit
    or the answer has another form, and what `client.get` raises.
    """
    totals: dict[tuple[date, str], Totals] = {}
    for day, model, row in _read(client, api, asked):
        totals[day, model] = totals.get((day, model), Totals()) + row
    return totals


def query_of(asked: Slice) -> str:
    # Asked for an order, the server fills no gaps.
    return json.dumps(
        {
            "view": "observations",
            "dimensions": [{"field": "providedModelName"}],
            "metrics": [
                {"measure": "count", "aggregation": "count"},
                {"measure": "totalTokens", "aggregation": "sum"},
                {"measure": "totalCost", "aggregation": "sum"},
            ],
            "filters": [],
            "timeDimension": {"granularity": "day"},
            "fromTimestamp": as_parameter(asked.start),
            "toTimestamp": as_parameter(asked.end - _MILLISECOND),
            "orderBy": [{"field": "time_dimension", "direction": "asc"}],
            "config": {"row_limit": ROW_LIMIT},
        },
        separators=(",", ":"),
    )


def _read(client: LangfuseClient, api: Api, asked: Slice) -> Iterator[tuple[date, str, Totals]]:
    try:
        rows = client.get(PATHS[api], {"query": query_of(asked)}).get("data")
    except LangfuseOverloadedError:
        if not asked.can_halve(SHORTEST):
            raise
        rows = None
    else:
        if not isinstance(rows, list):
            raise LangfuseResponseError(f"{client.where} answers {PATHS[api]} without a list of rows.")
    if rows is not None and len(rows) < ROW_LIMIT:
        yield from (parsed for row in rows if (parsed := _parsed(client, row)) is not None)
        return
    if not asked.can_halve(SHORTEST):
        raise LangfuseResponseError(
            f"{client.where} has {ROW_LIMIT} models or more in the hour from {asked.start:%Y-%m-%d %H:%M} UTC, more"
            " than its Metrics API tells at once; that day cannot be compared."
        )
    for half in _halves(asked):
        yield from _read(client, api, half)


def _halves(asked: Slice) -> tuple[Slice, Slice]:
    """At a midnight where there is one in between."""
    days = (asked.end - asked.start) // timedelta(days=1)
    if days < 2:
        return asked.halves()
    middle = asked.start + timedelta(days=days // 2)
    return Slice(asked.start, middle), Slice(middle, asked.end)


def _parsed(client: LangfuseClient, row: Any) -> tuple[date, str, Totals] | None:
    """Day, model and totals of a row; None of one that fills a gap."""
    try:
        calls = int(row["count_count"])
        day = date.fromisoformat(str(row["time_dimension"])[:10])
        tokens = int(Decimal(str(row["sum_totalTokens"] or 0)))
        # repr gives a double's digits as they were sent.
        cost = row["sum_totalCost"] or 0
        totals = Totals(calls, tokens, Decimal(cost if isinstance(cost, str) else repr(cost)))
        model = row["providedModelName"] or ""
    except (KeyError, TypeError, ValueError, InvalidOperation):
        raise LangfuseResponseError(
            f"{client.where} answers its Metrics API in a form that Tracemart does not know; nothing was kept of it."
        ) from None
    return (day, str(model), totals) if calls else None


def starts_at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
