"""Bills made from our own marts, each wrong in a known way: the way is found, with its figure."""

import csv
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, observation
from tests.integration.reconcile.test_bill_split import PARTS
from tracemart.build import LAYERS, build_layer, start_build
from tracemart.build.invocation import run_dbt
from tracemart.errors import BadInputError
from tracemart.reconcile.bills.step import LoadedBill, load_bill
from tracemart.settings import Settings

MODELS = "int_bill_models_matched fct_bill_cells_monthly fct_bill_reconciliation"
NAMES = {"gpt-4o-2024-08-06": ("gpt-4o", "openai"), "claude-haiku-4-5-20251001": ("claude-haiku-4-5", "anthropic")}
PRICES = {"input": "0.0000025", "input_cached_tokens": "0.00000125", "output": "0.00001"}
TYPES = {"input": "input", "cached_input": "cached input", "output": "output"}
HEADER = ("start_time", "end_time", "amount_value", "amount_currency", "quantity", "quantity_unit", "line_item")
CALLS = """
    select (started_at at time zone 'UTC')::date, input_tokens, input_cost_usd, cached_input_tokens,
        cached_input_cost_usd, output_tokens, output_cost_usd
    from marts_next.fct_generations where provider = 'openai' order by started_at, observation_id
"""


@dataclass(frozen=True)
class Charge:
    day: date
    usage_type: str
    units: Decimal
    cost: Decimal
    tier: str = ""


def call(number: int, day: float, model: str = "gpt-4o-2024-08-06") -> dict[str, Any]:
    usage = {"input": 1000 + 7 * number, "input_cached_tokens": 300 + number, "output": 50 + 3 * number}
    costs = {key: units * Decimal(PRICES[key]) for key, units in usage.items()}
    return observation(
        f"t{number}", "call", day, type="GENERATION", model=model,
        usage_details=Jsonb(usage | {"total": sum(usage.values())}),
        cost_details=Jsonb({key: float(cost) for key, cost in costs.items()} | {"total": float(sum(costs.values()))}),
        total_cost=sum(costs.values()),
    )  # fmt: skip


def history() -> list[dict[str, Any]]:
    """Sixty calls in March 2026, three in the last hours before it and three in the first after it, by UTC."""
    days = [-0.1, -0.05, -0.02, *(number / 2 + 0.3 for number in range(60)), 31.01, 31.05, 31.2]
    return [
        *(call(number, day) for number, day in enumerate(days)),
        *(call(100 + number, number + 0.5, "claude-haiku-4-5-20251001") for number in range(5)),
    ]


def charges(connection: psycopg.Connection) -> list[Charge]:
    found = []
    for day, *amounts in connection.execute(CALLS).fetchall():
        found += [
            Charge(day, usage_type, Decimal(units), cost)
            for usage_type, units, cost in zip(TYPES, amounts[::2], amounts[1::2], strict=True)
        ]
    return [charge for charge in found if date(2026, 3, 1) <= charge.day <= date(2026, 3, 31)]


def write(path: Path, lines: list[Charge], *, with_units: bool = True) -> Path:
    """OpenAI's cost export, of a month that is told from its first day to its last."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADER)
        for day in (date(2026, 3, 1), date(2026, 3, 31)):
            out.writerow([day, day, "", "", "", "", ""])
        for line in lines:
            item = f"gpt-4o-2024-08-06, {line.tier}{TYPES[line.usage_type]}"
            quantity = [line.units, "tokens"] if with_units else ["", ""]
            out.writerow([line.day, f"{line.day}T01:00:00", format(line.cost, "f"), "usd", *quantity, item])
    return path


def total(lines: list[Charge]) -> Decimal:
    return sum((line.cost for line in lines), Decimal(0))


@pytest.fixture
def local(warehouse_settings: Settings) -> Settings:
    return warehouse_settings.model_copy(update={"timezone": "America/Los_Angeles"})


@pytest.mark.slow
def test_what_a_bill_differs_by_is_found_with_its_figure(
    raw: Raw, local: Settings, owner: psycopg.Connection, tmp_path: Path
) -> None:
    raw.load("observations", history())
    for model, (canonical, provider) in NAMES.items():
        owner.execute(
            "insert into raw.model_names (model, canonical_model, provider, served_by, matched_by, catalogue_version,"
            " batch_id) values (%s, %s, %s, %s, 'test', '0', 0) on conflict (model) do nothing",
            (model, canonical, provider, provider),
        )
    build_id = start_build(local)
    assert build_id is not None
    for layer in LAYERS:
        build_layer(local, build_id, layer)
    ours = charges(owner)
    assert len(ours) == 3 * 60
    by_reporting_days = owner.execute(
        "select sum(cost_usd) from marts_next.fct_generations"
        " where provider = 'openai' and usage_date between '2026-03-01' and '2026-03-31'"
    ).fetchone()
    assert by_reporting_days is not None
    # 31 March in Los Angeles goes on for seven hours of April in UTC, and 1 March began eight hours later.
    shifted = total(ours) - by_reporting_days[0]
    assert shifted != 0

    def compare(lines: list[Charge], *, with_units: bool = True) -> tuple[dict[str, Decimal], Decimal]:
        load_bill(local, write(tmp_path / "bill.csv", lines, with_units=with_units))
        results = run_dbt(local, ["run", "--select", *MODELS.split()])
        assert {result.status.value for result in results} == {"success"}
        sums = ", ".join(f"sum({part}_difference_usd)" for part in PARTS)
        row = owner.execute(
            f"select sum(difference_usd), sum(billed_cost_usd), sum(cost_usd), {sums}"
            " from marts_next.fct_bill_reconciliation"
        ).fetchone()
        assert row is not None
        difference, billed, cost, *parts = row
        assert difference == billed - cost == sum(parts)
        assert (billed, cost) == (total(lines), by_reporting_days[0])
        found = {part: value for part, value in zip(PARTS, parts, strict=True) if value}
        assert found.pop("time_zone") == shifted
        return found, difference

    assert compare(ours) == ({}, shifted)

    dearer = [replace(line, cost=line.cost * Decimal("1.1")) for line in ours]
    assert compare(dearer)[0] == {"price": total(ours) / 10}

    again = [line for position, line in enumerate(ours) if position // 3 % 20 == 0]
    assert compare([*ours, *again])[0] == {"untraced": total(again)}
    assert compare([*ours, *again], with_units=False)[0] == {"untraced": total(again)}

    uncached = [
        replace(line, usage_type="input", cost=line.units * Decimal(PRICES["input"]))
        if line.usage_type == "cached_input"
        else line
        for line in ours
    ]
    assert compare(uncached)[0] == {"cache": total(uncached) - total(ours)}

    batch = [
        replace(line, tier="batch ", cost=line.cost / 2) if line.day.day <= 10 else line
        for line in ours
    ]  # fmt: skip
    assert compare(batch)[0] == {"tier": total(batch) - total(ours)}

    fewer = [line for line in ours if line.day.day > 10]
    assert compare(fewer)[0] == {"volume": total(fewer) - total(ours)}


def test_a_bill_is_kept_once_and_a_corrected_one_takes_its_place(
    warehouse_settings: Settings, owner: psycopg.Connection, tmp_path: Path
) -> None:
    def load(lines: list[Charge], name: str = "bill.csv") -> LoadedBill:
        return load_bill(warehouse_settings, write(tmp_path / name, lines))

    def kept() -> tuple[Any, ...] | None:
        return owner.execute("select count(*), sum(cost_usd) from raw.bill_lines").fetchone()

    lines = [Charge(date(2026, 3, day), "input", Decimal(100), Decimal("0.25")) for day in range(1, 11)]
    assert "it is new" in str(load(lines))
    loads = "select count(*) from raw.loads where rows_inserted > 0"
    assert owner.execute(loads).fetchone() == (1,)
    assert "it was loaded before" in str(load(lines, "again.csv"))
    assert (kept(), owner.execute(loads).fetchone()) == ((10, Decimal("2.5")), (1,))

    assert load([replace(line, cost=Decimal("0.3")) for line in lines[:9]]).replaced == 10
    assert kept() == (9, Decimal("2.7"))

    bad = tmp_path / "bad.csv"
    bad.write_text(write(tmp_path / "bill.csv", lines).read_text() + "2026-03-11,2026-03-11,1,usd\n")
    with pytest.raises(BadInputError, match=r"bad\.csv, line 14"):
        load_bill(warehouse_settings, bad)
    assert kept() == (9, Decimal("2.7"))

    load_bill(warehouse_settings, write(tmp_path / "bill.csv", lines), account="another")
    assert kept() == (19, Decimal("5.2"))
