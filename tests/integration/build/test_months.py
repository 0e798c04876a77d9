"""A build asks the months concerned, however many there are."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.build.conftest import Raw, observation
from tracemart.build.invocation import dbt_home
from tracemart.settings import Settings

Build = Callable[..., int | None]


def months_read(owner: psycopg.Connection, settings: Settings, model: str) -> set[str]:
    """The partitions of raw.observations that were looked into when the model's query ran."""
    file = dbt_home(settings) / "target" / "compiled" / "tracemart" / "models" / "intermediate" / f"{model}.sql"
    row = owner.execute(f"explain (analyze, format json) {file.read_text()}".encode()).fetchone()
    assert row is not None
    return {
        node["Relation Name"].removeprefix("observations_")
        for node in nodes(row[0][0]["Plan"])
        if node.get("Relation Name", "").startswith("observations_") and node["Actual Loops"] > 0
    }


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.slow
def test_only_months_of_touched_days_and_traces_are_read(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    rows = [observation(f"t{number}", "call", number * 30.4, cost=1) for number in range(12)]
    # A trace that goes on four months later.
    raw.load("observations", [*rows, observation("t2", "later", 6 * 30.4 + 0.1, cost=1)])
    built()
    built(full_refresh=True)
    raw.load("observations", [observation("new", "call", 2 * 30.4 + 0.1, cost=1)])
    built()
    assert months_read(owner, warehouse_settings, "int_traces_touched") == {"2026_04"}
    assert months_read(owner, warehouse_settings, "int_observations_placed") == {"2026_04", "2026_08"}
