"""Calls with usage of their own, and the court's verdict on each."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import built, observation, owner, raw
from tracemart.build import invocation
from tracemart.build.version import dbt_variables
from tracemart.settings import Settings

__all__ = ["built", "owner", "raw"]

RULES = ("cached_inside_input", "repeated_by_parent", "recorded_twice", "replayed_cache_hit", "failed_call_billed")
MODEL = "acme-chat"
"""A model that no catalogue knows, so that what it cost is what was recorded."""
SECOND = 1 / 86_400
"""A second of a day, the unit of `call`'s time."""


def call(
    trace: str,
    name: str,
    day: float,
    usage: dict[str, int],
    cost: dict[str, str] | None = None,
    *,
    seconds: float = 2,
    model: str | None = MODEL,
    **fields: Any,
) -> dict[str, Any]:
    """An observation with usage; `cost` in US dollars by key, None where Langfuse knew no price."""
    costs = {key: Decimal(value) for key, value in (cost or {}).items()}
    if costs and "total" not in costs:
        costs["total"] = sum(costs.values(), Decimal(0))
    row = observation(trace, name, day, **({"type": "GENERATION", "model": model} | fields))
    return row | {
        "end_time": row["start_time"] + timedelta(seconds=seconds),
        "latency_seconds": seconds,
        "usage_details": Jsonb(usage),
        "cost_details": Jsonb({key: float(value) for key, value in costs.items()}),
        "total_cost": costs.get("total", Decimal(0)),
    }


@pytest.fixture
def with_rules(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes dbt run with these rules on, and the others off."""

    def switch(*on: str) -> None:
        def variables(settings: Settings) -> dict[str, Any]:
            return dbt_variables(settings) | {"double_counting": {rule: rule in on for rule in RULES}}

        monkeypatch.setattr(invocation, "dbt_variables", variables)

    return switch


def verdicts(connection: psycopg.Connection) -> dict[str, str]:
    """The rule of every call that the court found something in, by observation."""
    return dict(connection.execute("select observation_id, rule from intermediate.int_generations_judged").fetchall())
