"""A price that is corrected late restates exactly the calls that it touches, and says by how much."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import INSTANCE, START, Raw, marts, observation, root
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

Build = Callable[..., int | None]
MODEL = "house-writer-7b"


def define_model(settings: Settings, input_price: str, valid_from_day: int) -> None:
    """The project defines the model in Langfuse, with a price per token from a day on."""
    with Warehouse(settings).connect(Role.OWNER) as connection:
        row = connection.execute(
            "insert into raw.loads (instance, project_id, entity, source, started_at, rows_inserted)"
            " values (%s, 'p1', 'models', 'test', clock_timestamp(), 1) returning batch_id",
            (INSTANCE,),
        ).fetchone()
        assert row is not None
        connection.execute("update raw.models set known_to = now() where id = 'house' and known_to is null")
        prices = {"input": float(input_price), "output": float(input_price)}
        tier = {"id": "t", "name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": prices}
        connection.execute(
            "insert into raw.models (instance, project_id, id, model_name, match_pattern, start_date,"
            " is_langfuse_managed, input_price, output_price, pricing_tiers, known_from, batch_id)"
            " values (%s, 'p1', 'house', %s, %s, %s, false, %s, %s, %s, now(), %s)",
            (
                INSTANCE, MODEL, f"^{MODEL}$", START + timedelta(days=valid_from_day), Decimal(input_price),
                Decimal(input_price), Jsonb([tier]), row[0],
            ),
        )  # fmt: skip


def costs(connection: psycopg.Connection) -> dict[str, tuple[Decimal, str]]:
    rows = connection.execute("select observation_id, cost_usd, cost_basis from marts.fct_generations")
    return {row[0]: (row[1], row[2]) for row in rows}


def restatements(connection: psycopg.Connection) -> list[tuple[int, str, Decimal, Decimal]]:
    rows = connection.execute(
        "select usage_date - %s::date, model, calls, restated_cost_usd from marts.fct_cost_restatements"
        " where reason = 'price' order by restated_at, usage_date",
        (START,),
    )
    return rows.fetchall()


@pytest.mark.slow
def test_a_late_price_restates_exactly_the_calls_that_it_touches(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load(
        "observations",
        [root(f"t{day}", day) for day in range(5)]
        + [observation(f"t{day}", "call", day + 0.1, cost=0.5, model=MODEL, tokens=10) for day in range(5)]
        + [observation("t3", "other", 3.2, cost=0.25)],
    )
    built()
    built(full_refresh=True)
    before = costs(owner)
    assert before["t3-call"] == (Decimal("0.5"), "recorded")

    define_model(warehouse_settings, "0.02", valid_from_day=3)
    # The audit holds days that were not touched against the published build.
    built(warehouse_settings.model_copy(update={"as_of": START + timedelta(days=5)}), audited=True)
    after = costs(owner)
    assert after == before | {f"t{day}-call": (Decimal("0.60"), "list") for day in (3, 4)}
    assert restatements(owner) == [(day, MODEL, 1, Decimal("0.10")) for day in (3, 4)]

    # The other copy of the marts takes the price over too, and neither restates it again.
    raw.load("observations", [observation("t9", "call", 9, cost=1)])
    built()
    assert restatements(owner) == [(day, MODEL, 1, Decimal("0.10")) for day in (3, 4)]
    assert {name: costs(owner)[name] for name in after} == after

    define_model(warehouse_settings, "0.01", valid_from_day=4)
    built()
    assert restatements(owner)[2:] == [(3, MODEL, 1, Decimal("-0.10")), (4, MODEL, 1, Decimal("-0.30"))]
    twice = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == twice
