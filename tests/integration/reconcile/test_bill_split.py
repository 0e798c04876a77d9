"""The parts of a bill's difference add up to it to the last digit, whatever was billed and traced."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracemart.build.invocation import dbt_home, run_dbt
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

MART = "fct_bill_reconciliation"
COMPILED: list[str] = []
PARTS = ("time_zone", "unmatched", "untraced", "volume", "cache", "tier", "price", "rounding")
COLUMNS = (
    "billing_month", "provider", "canonical_model", "usage_type", "service_tier", "lines", "billed_units",
    "billed_cost_usd", "calls", "units", "cost_usd", "reported_cost_usd", "rounding_bound_usd", "is_traced",
)  # fmt: skip
Split = Callable[[list[dict[str, Any]]], dict[str, dict[str, Decimal]]]

money = st.decimals(min_value=0, max_value=100_000, places=12)
cells = st.lists(
    st.fixed_dictionaries(
        {
            "usage_type": st.sampled_from(["input", "cached_input", "cache_write", "output", "unallocated"]),
            "service_tier": st.sampled_from(["standard", "batch"]),
            "billed_units": st.none() | st.integers(0, 10**9),
            "billed_cost_usd": money | st.decimals(min_value=-10, max_value=0, places=2),
            "calls": st.integers(0, 3),
            "units": st.integers(0, 10**9),
            "cost_usd": money,
            "reported_cost_usd": money,
        }
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda cell: (cell["usage_type"], cell["service_tier"]),
)


@pytest.fixture
def connection(warehouse_settings: Settings) -> Any:
    with Warehouse(warehouse_settings).connect(Role.OWNER, autocommit=True) as opened:
        yield opened


@pytest.fixture
def split(warehouse_settings: Settings, connection: psycopg.Connection) -> Split:
    """The very SQL of the mart on cells that are given; its rows by usage type."""
    if not COMPILED:
        run_dbt(warehouse_settings, ["compile", "--select", MART])
        folder = dbt_home(warehouse_settings) / "target" / "compiled" / "tracemart" / "models" / "marts"
        text = (folder / f"{MART}.sql").read_text()
        COMPILED.append(re.sub(r'"\w+"\."\w+"\."fct_bill_cells_monthly"', "pg_temp.cells", text))
    (query,) = COMPILED
    assert "pg_temp.cells" in query
    connection.execute(
        "create temporary table cells (billing_month date, provider text, canonical_model text, usage_type text,"
        " service_tier text, lines bigint, billed_units numeric, billed_cost_usd numeric, calls bigint, units numeric,"
        " cost_usd numeric, reported_cost_usd numeric, rounding_bound_usd numeric, is_traced boolean)"
    )

    def run(rows: list[dict[str, Any]]) -> dict[str, dict[str, Decimal]]:
        connection.execute("truncate pg_temp.cells")
        nothing: dict[str, Any] = {
            "billing_month": "2026-10-01", "provider": "openai", "canonical_model": "gpt-4o", "service_tier": "all",
            "lines": 1, "billed_units": None, "billed_cost_usd": 0, "calls": 1, "units": 0, "cost_usd": 0,
            "rounding_bound_usd": 0, "is_traced": True,
        }  # fmt: skip
        for row in rows:
            full = nothing | {"reported_cost_usd": row.get("cost_usd", 0)} | row
            connection.execute(
                f"insert into pg_temp.cells values ({', '.join(['%s'] * len(COLUMNS))})",
                [full[column] for column in COLUMNS],
            )
        cursor = connection.execute(query.encode())
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
        return {row["usage_type"]: row for row in found}

    return run


def parts_of(row: dict[str, Decimal]) -> dict[str, Decimal]:
    return {part: row[f"{part}_difference_usd"] for part in PARTS if row[f"{part}_difference_usd"]}


@pytest.mark.slow
def test_parts_add_up_whatever_was_billed(split: Split) -> None:
    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cells, st.booleans())
    def holds(rows: list[dict[str, Any]], is_traced: bool) -> None:
        found = split([row | {"is_traced": is_traced} for row in rows])
        for row in found.values():
            assert row["difference_usd"] == row["billed_cost_usd"] - row["cost_usd"]
            assert sum(row[f"{part}_difference_usd"] for part in PARTS) == row["difference_usd"]
            # No line was rounded, so nothing but the last digits of divisions is left.
            assert abs(row["rounding_difference_usd"]) < Decimal("0.000001")
            assert row["volume_difference_usd"] <= 0 <= row["untraced_difference_usd"] or not is_traced
        assert sum(row["billed_cost_usd"] for row in found.values()) == sum(row["billed_cost_usd"] for row in rows)

    holds()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # Ten percent dearer.
        ([{"usage_type": "input", "billed_units": 100, "billed_cost_usd": "1.1", "units": 100, "cost_usd": "1"}],
         {"input": {"price": "0.1"}}),
        # A fifth of the usage was not traced.
        ([{"usage_type": "output", "billed_units": 100, "billed_cost_usd": "1", "units": 80, "cost_usd": "0.8"}],
         {"output": {"untraced": "0.2"}}),
        # The bill tells no units: dearer and more cannot be told apart.
        ([{"usage_type": "output", "billed_cost_usd": "1", "units": 80, "cost_usd": "0.8"}],
         {"output": {"untraced": "0.2"}}),
        # Traced and not billed.
        ([{"usage_type": "output", "billed_units": 60, "billed_cost_usd": "0.6", "units": 80, "cost_usd": "0.8"}],
         {"output": {"volume": "-0.2"}}),
        # 30 cached tokens at half the price are billed as plain input.
        ([{"usage_type": "input", "billed_units": 130, "billed_cost_usd": "1.3", "units": 100, "cost_usd": "1"},
          {"usage_type": "cached_input", "billed_units": 20, "billed_cost_usd": ".1", "units": 50, "cost_usd": ".25"}],
         {"input": {"cache": "0.3"}, "cached_input": {"cache": "-0.15"}}),
        # Half of it came at the batch price, which was not traced.
        ([{"usage_type": "input", "service_tier": "standard", "billed_units": 50, "billed_cost_usd": ".5", "units": 100,
           "cost_usd": "1"},
          {"usage_type": "input", "service_tier": "batch", "billed_units": 50, "billed_cost_usd": "0.25"}],
         {"input": {"tier": "-0.25"}}),
        # Dearer, less of it traced, and moved over midnight.
        ([{"usage_type": "input", "billed_units": 200, "billed_cost_usd": "3", "units": 100, "cost_usd": "1",
           "reported_cost_usd": "0.9"}],
         {"input": {"time_zone": "0.1", "untraced": "1", "price": "1"}}),
        # The example of docs/decisions/0012-bills.md.
        ([{"usage_type": "input", "billed_units": 11_700_000, "billed_cost_usd": "32.175", "units": 10_200_000,
           "cost_usd": "25.5", "reported_cost_usd": "25"},
          {"usage_type": "cached_input", "billed_units": 3_000_000, "billed_cost_usd": "3.75", "units": 4_000_000,
           "cost_usd": "5"}],
         {"input": {"time_zone": "0.5", "cache": "2.5", "untraced": "1.25", "price": "2.925"},
          "cached_input": {"cache": "-1.25"}}),
        # Lines that are rounded to the cent.
        ([{"usage_type": "input", "billed_units": 100, "billed_cost_usd": "1.00", "units": 100, "cost_usd": "1.004",
           "rounding_bound_usd": "0.005"}],
         {"input": {"rounding": "-0.004"}}),
        # Storage: no call could be traced.
        ([{"usage_type": "other", "billed_cost_usd": "7", "calls": 0, "is_traced": False}],
         {"other": {"unmatched": "7"}}),
    ],
)  # fmt: skip
def test_each_cause_lands_in_its_part(
    split: Split, cells: list[dict[str, Any]], expected: dict[str, dict[str, str]]
) -> None:
    found = {usage_type: parts_of(row) for usage_type, row in split(cells).items()}
    assert found == {name: {part: Decimal(value) for part, value in parts.items()} for name, parts in expected.items()}
