"""An export of marts that were built from calls, not made by hand."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, observation, root
from tests.integration.focus.test_export import rows_of
from tracemart.focus import Period, export
from tracemart.settings import Settings


@pytest.mark.slow
def test_built_marts_are_exported_to_the_last_digit(
    raw: Raw, built: Callable[..., int | None], owner: psycopg.Connection, warehouse_settings: Settings, tmp_path: Path
) -> None:
    usage = {"input": 100, "input_cached_tokens": 900, "output": 40, "output_reasoning": 60, "web_search_requests": 2}
    cost = {
        "input": 0.0003,
        "input_cached_tokens": 0.00027,
        "output": 0.0006,
        "output_reasoning": 0.0009,
        "total": 0.03,
    }
    rows = [root("t", 1, metadata=Jsonb({"department": "sales", "agent": "bot"}), tags=["team:blue"])]
    rows += [observation("t", f"plain-{number}", 1 + number / 7, cost=0.1 * number) for number in range(30)]
    rows += [
        observation(
            "t", f"rich-{number}", 2 + number / 5, cost=1, usage_details=Jsonb(usage | {"total": 1100}),
            cost_details=Jsonb(cost), total_cost=0.03, model="claude-sonnet-5",
        )
        for number in range(10)
    ]  # fmt: skip
    rows.append(observation("t", "unknown", 2.5, cost=0.25, model="no-such-model", cost_details=Jsonb({"total": 0.25})))
    raw.load("observations", rows)
    built()

    result = export(warehouse_settings, Period(date(2026, 2, 1), date(2026, 5, 1)), tmp_path)
    (billed,) = owner.execute("select sum(cost_usd) from marts.fct_usage_daily").fetchone() or (None,)
    assert result.billed_cost_usd == billed > 0
    charges = rows_of(result.files[0])
    assert sum(Decimal(charge["BilledCost"]) for charge in charges) == billed
    for usage_type, units in (("cached_input", 9000), ("reasoning", 600), ("web_search", 20)):
        consumed = [Decimal(charge["ConsumedQuantity"]) for charge in charges if charge["x_UsageType"] == usage_type]
        assert sum(consumed) == units
    assert {charge["Tags"] for charge in charges} == {
        '{"team": "blue", "agent": "bot", "department": "sales", "environment": "production"}'
    }
    assert {charge["SubAccountName"] for charge in charges} == {"Support"}
