"""Costs computed at ingestion, held against the costs that a real server stored."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.standin.ingest import price
from tracemart.standin.prices import Model, PriceBook, built_in_models, cost_of, pico_of, price_text, provided_cost
from tracemart.standin.rows import PICO, Observation, TraceContext, dollars
from tracemart.standin.store import ProjectStore

RECORDINGS = Path(__file__).parents[2] / "recordings"


def recorded(name: str) -> list[dict[str, Any]]:
    (path,) = RECORDINGS.glob(f"{name}_*.json")
    return list(json.loads(path.read_text(encoding="utf-8")))


def priced_rows() -> dict[str, dict[str, Any]]:
    """Recorded rows with model, usage and cost, as one row from all answers that show a part of it."""
    rows: dict[str, dict[str, Any]] = {}
    for name in ("03", "06", "12", "18"):
        for entry in recorded(name):
            body = entry.get("body")
            for row in body.get("data", []) if isinstance(body, dict) else []:
                if "startTime" in row:
                    version = row.get("updatedAt", "") if name == "12" else ""
                    rows.setdefault(f"{row['id']}{version}", {}).update(row)
    return {key: row for key, row in rows.items() if row.get("model") and row.get("usageDetails")}


def custom_models() -> list[Model]:
    rows = [row for entry in recorded("08") for row in entry["body"].get("data", [])]
    rows += [entry["body"] for entry in recorded("18") if "pricingTiers" in entry["body"]]
    return [Model.from_json(row) for row in {r["id"]: r for r in rows if not r["isLangfuseManaged"]}.values()]


@pytest.mark.parametrize(("key", "row"), [pytest.param(key, row, id=key) for key, row in priced_rows().items()])
def test_cost_is_what_the_real_server_stored(key: str, row: dict[str, Any]) -> None:
    # A model made later with the same pattern wins: of the recorded ones take the one this row was priced with.
    models = [m for m in custom_models() if not m.name.startswith("reprice") or m.id == row["internalModelId"]]
    project = ProjectStore("p", "P", PriceBook(models))
    made = Observation(TraceContext("t"), row["id"], None, row["type"], "x", 0, 1, 1, model=row["model"],
                       parameters=row.get("modelParameters") or {})  # fmt: skip

    price(made, project, row["usageDetails"], {})

    assert made.model_id == row["internalModelId"]
    assert made.tier_id == row["usagePricingTierId"]
    assert {name: pico / PICO for name, pico in made.cost().items()} == row["costDetails"]


def test_there_are_recorded_rows_to_compare() -> None:
    assert len(priced_rows()) >= 8
    assert any(row["usagePricingTierName"] == "Large Context" for row in priced_rows().values())


@pytest.mark.parametrize(
    ("price_of_unit", "text"),
    [("0.00000015", "1.5e-7"), ("0.000001", "0.000001"), ("0", "0"), ("0.0000025", "0.0000025"),
     ("0.00000002", "2e-8"), ("15", "15"), ("0.0000001", "1e-7"), (None, None)],
)  # fmt: skip
def test_a_price_is_written_as_javascript_writes_it(price_of_unit: str | None, text: str | None) -> None:
    assert price_text(None if price_of_unit is None else Decimal(price_of_unit)) == text


def test_there_are_the_built_in_models_of_4_16() -> None:
    assert len(built_in_models()) == 174


def test_a_priced_total_replaces_the_sum() -> None:
    model = PriceBook().match("text-embedding-3-small")
    assert model is not None
    tier = model.default_tier()
    assert tier is not None
    assert cost_of(tier, ("input", "total"), (500, 500)) == (("total",), (10_000_000,))


def test_without_any_priced_usage_there_is_no_cost() -> None:
    model = PriceBook().match("gpt-4o")
    assert model is not None
    tier = model.default_tier()
    assert tier is not None
    assert cost_of(tier, ("web_searches", "total"), (5, 5)) == ((), ())


def test_given_costs_get_a_total_only_if_they_are_input_and_output() -> None:
    assert dict(zip(*provided_cost({"input": 0.25, "output": 0.5}), strict=True))["total"] == 75 * PICO // 100
    assert "total" not in provided_cost({"input": 0.25, "web_search": 0.5})[0]


def test_an_own_model_comes_before_a_built_in_one_and_the_newest_start_date_first() -> None:
    body = {"createdAt": "2026-01-01T00:00:00.000Z", "matchPattern": "(?i)^(gpt-4o)$", "isLangfuseManaged": False,
            "pricingTiers": []}  # fmt: skip
    old = Model.from_json(body | {"id": "old", "modelName": "old", "startDate": "2025-01-01T00:00:00.000Z"})
    new = Model.from_json(body | {"id": "new", "modelName": "new", "startDate": "2027-01-01T00:00:00.000Z"})
    undated = Model.from_json(body | {"id": "undated", "modelName": "undated", "startDate": None})

    found = PriceBook([old, undated, new]).match("gpt-4o")

    assert found is not None
    assert found.id == "new", "even a start date in the future wins"


@given(st.integers(min_value=0, max_value=10**18))
def test_an_amount_of_at_most_fifteen_digits_survives_json(pico: int) -> None:
    digits = pico % 10**15
    assert pico_of(digits / PICO) == digits
    assert dollars(digits) == Decimal(digits) / PICO
