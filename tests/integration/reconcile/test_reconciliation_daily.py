"""The mart holds Langfuse's figures against ours: what differs has a part that says why, and nothing is left."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.integration.build.conftest import marts
from tests.integration.extract.conftest import AS_OF, Served
from tracemart.extract.step import extract
from tracemart.reconcile.server_totals import read_project_totals
from tracemart.settings import Settings

Build = Callable[..., int | None]
PARTS = """
    select
        count(*) filter (where reconciliation_status = 'agrees') as agrees,
        count(*) filter (where reconciliation_status = 'explained') as explained,
        count(*) filter (where reconciliation_status = 'differs') as differs,
        count(*) filter (where reconciliation_status = 'not asked') as not_asked,
        sum(duplicate_calls), sum(duplicate_tokens), sum(duplicate_cost_usd),
        sum(vanished_calls), sum(vanished_tokens), sum(vanished_cost_usd)
    from marts.fct_reconciliation_daily
"""
REST = """
    select
        sum(server_calls - calls - other_observation_calls - not_counted_calls - duplicate_calls - synthetic_root_calls
            - vanished_calls - unexplained_calls),
        sum(server_tokens - total_tokens - corrected_tokens - not_counted_tokens - duplicate_tokens
            - synthetic_root_tokens - vanished_tokens - unexplained_tokens),
        round(sum(server_cost_usd - cost_usd - corrected_cost_usd - repriced_cost_usd - not_counted_cost_usd
            - duplicate_cost_usd - synthetic_root_cost_usd - vanished_cost_usd - unexplained_cost_usd), 9)
    from marts.fct_reconciliation_daily
"""


@pytest.mark.slow
def test_duplicates_and_vanished_rows_are_told_apart_and_nothing_is_left(
    settings: Settings, served: Served, built: Build, owner: psycopg.Connection
) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")

    def load_and_build(*, ask: bool = True) -> tuple[Any, ...]:
        extract(settings, project, window_from=AS_OF - timedelta(days=30), window_to=AS_OF)
        if ask:
            read_project_totals(settings, project)
        built(settings)
        found = owner.execute(PARTS).fetchone()
        assert found is not None
        return found

    nothing = (0, 0, Decimal(0))
    agrees, _, *others = load_and_build()
    assert agrees > 0
    assert tuple(others) == (0, 0, *nothing, *nothing)
    only = owner.execute(
        "select distinct model from marts.fct_reconciliation_daily where other_observation_calls <> 0"
    ).fetchall()
    assert only == [("unknown",)]

    calls = [row for row in rows.observations() if row.model][-60:]
    hour = 3_600_000
    moved = [replace(row, start_ms=row.start_ms - hour, created_ms=row.created_ms + 1000) for row in calls[:20]]
    again = [replace(row, created_ms=row.created_ms + 2000, status_message="sent again") for row in calls[20:40]]
    rows.add_observations([*moved, *again])
    twice = sum_of(calls[:40])
    assert load_and_build(ask=False)[3] > 0
    assert load_and_build()[2:] == (0, 0, *twice, *nothing)

    rows.merge_versions()
    owner.execute("update raw.server_days set changed_batch_id = (select max(batch_id) from raw.loads) + 1")
    assert load_and_build()[2:] == (0, 0, *sum_of(calls[:20]), *nothing)

    gone = {row.context.trace_id for row in calls[50:]}
    lost = [row for row in rows.observations() if row.context.trace_id in gone]
    for trace in gone:
        rows.delete_trace(trace)
    *_, calls_gone, tokens_gone, cost_gone = load_and_build()
    assert (-calls_gone, -tokens_gone, -cost_gone) == sum_of(lost)
    assert owner.execute(PARTS).fetchone()[2:4] == (0, 0)  # type: ignore[index]
    assert owner.execute(REST).fetchone() == (0, 0, 0)

    incremental = marts(owner)["fct_reconciliation_daily"]
    built(settings, full_refresh=True)
    assert marts(owner)["fct_reconciliation_daily"] == incremental


def sum_of(rows: list[Any]) -> tuple[int, int, Decimal]:
    costs = sum((Decimal(row.cost().get("total", 0)) / 10**12 for row in rows), Decimal(0))
    return len(rows), sum(row.usage().get("total", 0) for row in rows), costs
