"""What the files say, against the marts."""

import csv
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from pyarrow import parquet

from tracemart.errors import BadInputError, WarehouseError
from tracemart.focus import Period, export
from tracemart.focus.columns import COLUMNS, Kind
from tracemart.focus.files import as_text
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

EVERYTHING = Period(date(2026, 8, 1), date(2026, 11, 1))


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def charges(settings: Settings, tmp_path: Path) -> list[dict[str, str]]:
    return rows_of(export(settings, EVERYTHING, tmp_path).files[0])


def total(connection: psycopg.Connection, query: str) -> Decimal:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return Decimal(row[0])


def test_billed_cost_sums_to_usage_exactly(settings: Settings, analyst: psycopg.Connection, tmp_path: Path) -> None:
    result = export(settings, EVERYTHING, tmp_path)
    charges = rows_of(result.files[0])
    cost = total(analyst, "select sum(cost_usd) from marts.fct_usage_daily")
    assert cost > 1
    for column in ("BilledCost", "EffectiveCost", "ContractedCost"):
        assert sum(Decimal(charge[column]) for charge in charges if charge["x_UsageType"] != "commitment") == cost
    beside = total(analyst, "select sum(cost_usd) from marts.fct_commitment_costs_daily")
    assert result.billed_cost_usd == cost + beside
    assert result.rows == len(charges)


def test_list_cost_is_the_price_books_where_it_knows_the_model(
    analyst: psycopg.Connection, charges: list[dict[str, str]]
) -> None:
    listed = "select sum(list_cost_usd) from marts.fct_generations where is_counted and cost_basis = 'negotiated'"
    negotiated = [charge for charge in charges if charge["x_CostBasis"] == "negotiated"]
    assert sum(Decimal(charge["ListCost"]) for charge in negotiated) == total(analyst, listed)
    assert all(
        Decimal(charge["ListCost"]) > Decimal(charge["BilledCost"]) or charge["BilledCost"] == charge["ListCost"] == "0"
        for charge in negotiated
    )
    recorded = [charge for charge in charges if charge["x_CostBasis"] == "recorded"]
    assert recorded
    assert all(charge["ListCost"] == charge["BilledCost"] for charge in recorded)


def test_consumed_tokens_are_those_of_counted_calls(analyst: psycopg.Connection, charges: list[dict[str, str]]) -> None:
    consumed: dict[str, Decimal] = defaultdict(Decimal)
    for charge in charges:
        if charge["ConsumedQuantity"]:
            consumed[charge["x_UsageType"]] += Decimal(charge["ConsumedQuantity"])
    for usage_type in ("input", "cached_input", "output"):
        query = f"select sum({usage_type}_tokens) from marts.fct_generations where is_counted"
        assert consumed[usage_type] == total(analyst, query)
    query = "select sum((other_usage ->> 'reasoning')::numeric) from marts.fct_generations where is_counted"
    assert consumed["reasoning"] == total(analyst, query)
    assert "cache_write" not in consumed


def test_each_price_times_its_quantity_is_its_cost(charges: list[dict[str, str]]) -> None:
    usage = [charge for charge in charges if charge["ChargeCategory"] == "Usage"]
    for charge in usage:
        quantity = Decimal(charge["PricingQuantity"])
        for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
            assert abs(Decimal(charge[price]) * quantity - Decimal(charge[cost])) <= Decimal("5e-19") * quantity
    of_list = [
        charge for charge in usage
        if charge["x_CostBasis"] == "list" and charge["x_UsageType"] == "input"
    ]  # fmt: skip
    assert {(charge["ListUnitPrice"], charge["PricingUnit"]) for charge in of_list} == {("2.5", "1000000 Tokens")}


def test_charge_periods_are_utc_days_inside_their_billing_month(charges: list[dict[str, str]]) -> None:
    for charge in charges:
        start, end, month, month_end = (
            datetime.fromisoformat(charge[column])
            for column in ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")
        )
        assert (end - start).total_seconds() == 86_400
        assert start == start.replace(hour=0, minute=0, second=0)
        assert month == start.replace(day=1)
        assert month < end <= month_end
        assert month_end.day == 1
    assert {charge["BillingPeriodStart"] for charge in charges} == {
        "2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z",
    }  # fmt: skip


def test_months_add_up_and_share_no_charge(settings: Settings, tmp_path: Path) -> None:
    whole = rows_of(export(settings, EVERYTHING, tmp_path).files[0])
    months = [row for month in ("2026-08", "2026-09", "2026-10")
              for row in rows_of(export(settings, Period.month(month), tmp_path).files[0])]  # fmt: skip
    assert months == whole


def test_a_remainder_below_nothing_is_an_adjustment_without_price(charges: list[dict[str, str]]) -> None:
    adjustments = [charge for charge in charges if charge["ChargeCategory"] == "Adjustment"]
    assert {charge["x_CostBasis"] for charge in adjustments} == {"self_hosted"}
    for charge in adjustments:
        assert Decimal(charge["BilledCost"]) < 0
        assert charge["ListCost"] == charge["BilledCost"]
        assert not any(charge[column] for column in ("PricingQuantity", "ListUnitPrice", "SkuId", "ConsumedQuantity"))


def test_what_is_paid_without_a_call_stands_by_its_days(charges: list[dict[str, str]]) -> None:
    paid = [charge for charge in charges if charge["x_UsageType"] == "commitment"]
    assert [(charge["ChargePeriodStart"][:10], charge["SubAccountId"], charge["BilledCost"]) for charge in paid] == [
        (day, account, "3.33")
        for day in ("2026-09-29", "2026-09-30", "2026-10-01", "2026-10-02")
        for account in ("demo/p1", "")
    ]
    assert {(charge["ChargeFrequency"], charge["PricingQuantity"], charge["PricingUnit"]) for charge in paid} == {
        ("Recurring", "1", "Days")
    }
    assert {charge["SkuId"] for charge in paid} == {
        "azure/commitment/GPU 7", "azure/commitment/Provisioned throughput",
    }  # fmt: skip


def test_the_provider_is_who_serves_the_model(charges: list[dict[str, str]]) -> None:
    of_calls = {(charge["ProviderName"], charge["InvoiceIssuerName"], charge["PublisherName"])
                for charge in charges if charge["x_UsageType"] != "commitment"}  # fmt: skip
    assert of_calls == {("azure", "azure", "openai"), ("anthropic", "anthropic", "anthropic")}


def test_tags_hold_what_is_known_and_nothing_that_stands_for_nothing(charges: list[dict[str, str]]) -> None:
    tags = {charge["Tags"] for charge in charges}
    assert any('"dimension_2": "tenant, \\"A\\""' in each for each in tags)
    assert not any("unattributed" in each or "not set" in each for each in tags)


def test_csv_and_parquet_say_the_same(settings: Settings, tmp_path: Path) -> None:
    as_csv, as_parquet = export(settings, EVERYTHING, tmp_path).files
    table = parquet.read_table(as_parquet)
    assert table.schema.names == list(COLUMNS)
    for name, kind in COLUMNS.items():
        assert pa.types.is_decimal128(table.schema.field(name).type) == (kind is Kind.DECIMAL)
    rows = rows_of(as_csv)
    assert len(rows) == table.num_rows

    def shown(value: Any) -> str:
        return as_text(value.normalize() + 0 if isinstance(value, Decimal) else value)

    for from_csv, from_parquet in zip(rows, table.to_pylist(), strict=True):
        assert {name: shown(value) for name, value in from_parquet.items()} == from_csv


def test_an_empty_month_is_a_file_with_columns_alone(settings: Settings, tmp_path: Path) -> None:
    result = export(settings, Period.month("2031-01"), tmp_path / "new" / "folder")
    assert (result.rows, result.billed_cost_usd) == (0, 0)
    assert result.files[0].read_text().splitlines() == [",".join(COLUMNS)]
    assert parquet.read_table(result.files[1]).num_rows == 0


def test_a_failed_export_leaves_the_earlier_files(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = export(settings, EVERYTHING, tmp_path)
    before = {file: file.read_bytes() for file in earlier.files}
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        connection.execute("drop table marts.fct_generations")
    with pytest.raises(WarehouseError, match="reading charges"):
        export(settings, EVERYTHING, tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(BadInputError, match=r"taken: File exists\. Name another by --out"):
        export(settings, EVERYTHING, tmp_path / "taken")


def test_the_newest_moment_of_a_month_is_in_it(settings: Settings, tmp_path: Path) -> None:
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        connection.execute(
            "delete from marts.fct_generations where started_at <> (select max(started_at) from marts.fct_generations)"
        )
        connection.execute("delete from marts.fct_commitment_costs_daily")
        connection.execute("update marts.fct_generations set started_at = %s, usage_date = '2026-10-01'",
                           (datetime(2026, 9, 30, 23, 59, 59, 999_999, tzinfo=UTC),))  # fmt: skip
    assert export(settings, Period.month("2026-09"), tmp_path).rows > 0
    assert export(settings, Period.month("2026-10"), tmp_path).rows == 0
