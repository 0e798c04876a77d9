"""Rows, tokens and cost per UTC day and model as sent equal the server's Metrics API; duplicates are the difference."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings

from .conftest import AS_OF, Served

Query = Callable[..., list[tuple[Any, ...]]]
Figures = dict[tuple[str, str | None], tuple[int, int, Decimal]]
DAYS = 7
# A superseded version is still on the server where its start differs: only equal starts are merged (langfuse.md, 0b.1).
OWN = """
    select (start_time at time zone 'UTC')::date::text, model, count(*), coalesce(sum(total_usage), 0)::bigint,
        coalesce(sum(total_cost), 0)
    from {} as counted group by 1, 2
"""
WITH_SUPERSEDED = """(
    select start_time, model, total_usage, total_cost from raw.observations
    union all
    select start_time, model, total_usage, total_cost from raw.superseded_observations
)"""


def of_the_server(project: LangfuseProject) -> Figures:
    figures: Figures = {}
    for days in range(DAYS):
        start = AS_OF - timedelta(days=days + 1)
        # Its bounds are inclusive at both ends: langfuse.md, fact 10.
        end = start + timedelta(days=1) - timedelta(milliseconds=1)
        query = {
            "view": "observations",
            "dimensions": [{"field": "providedModelName"}],
            "metrics": [
                {"measure": "count", "aggregation": "count"},
                {"measure": "totalTokens", "aggregation": "sum"},
                {"measure": "totalCost", "aggregation": "sum"},
            ],
            "filters": [],
            "timeDimension": None,
            "fromTimestamp": _text(start),
            "toTimestamp": _text(end),
            "orderBy": None,
            "config": {"row_limit": 1000},
        }
        answer = httpx.get(
            f"{project.host}/api/public/v2/metrics",
            params={"query": json.dumps(query)},
            auth=(project.public_key, project.secret_key.get_secret_value()),
        )
        for row in json.loads(answer.raise_for_status().text, parse_float=Decimal)["data"]:
            figures[start.date().isoformat(), row["providedModelName"] or None] = (
                int(row["count_count"]), int(row["sum_totalTokens"]), Decimal(row["sum_totalCost"] or 0),
            )  # fmt: skip
    return figures


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_raw(query: Query, table: str) -> Figures:
    return {(day, model): (rows, tokens, cost) for day, model, rows, tokens, cost in query(OWN.format(table))}


def total(figures: Figures) -> tuple[int, int, Decimal]:
    rows, tokens, costs = zip(*figures.values(), strict=True)
    return sum(rows), sum(tokens), sum(costs, Decimal(0))


def test_figures_equal_the_server_s_and_duplicates_are_the_difference(
    settings: Settings, served: Served, query: Query
) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    extract(settings, project)
    assert of_the_server(project) == of_raw(query, "raw.observations")

    calls = [row for row in rows.observations() if row.model][-40:]
    hour = 3_600_000
    moved = [replace(row, start_ms=row.start_ms - hour, created_ms=row.created_ms + 1000) for row in calls[:20]]
    again = [replace(row, created_ms=row.created_ms + 2000, status_message="sent again") for row in calls[20:]]
    rows.add_observations([*moved, *again])
    extract(settings, project, window_from=AS_OF - timedelta(days=DAYS), window_to=AS_OF)

    with_all = of_the_server(project)
    assert with_all == of_raw(query, WITH_SUPERSEDED)
    duplicates = tuple(a - b for a, b in zip(total(with_all), total(of_raw(query, "raw.observations")), strict=True))
    assert duplicates == (40, sum(row.usage().get("total", 0) for row in calls), sum(_cost(row) for row in calls))

    rows.merge_versions()

    merged = of_the_server(project)
    still_there = "raw.superseded_observations where (trace_id, id, start_time) not in (" + (
        "select trace_id, id, start_time from raw.observations)"
    )
    counted = "(select start_time, model, total_usage, total_cost from raw.observations union all select start_time,"
    assert merged == of_raw(query, f"{counted} model, total_usage, total_cost from {still_there})")
    assert total(with_all)[0] - total(merged)[0] == 20


def _cost(row: Any) -> Decimal:
    return Decimal(row.cost().get("total", 0)) / 10**12
