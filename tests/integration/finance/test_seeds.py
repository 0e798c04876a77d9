"""A file with a bad row stops a build before it begins; a good one is taken up without building days anew."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, marts, observation
from tests.integration.finance.conftest import HandIn
from tracemart.errors import BadInputError
from tracemart.settings import Settings

Build = Callable[..., int | None]


def history(days: int = 6) -> list[dict[str, object]]:
    return [
        observation(f"t{day}", "call", day + 0.4, cost=1.25, metadata=Jsonb({"department": "Sales", "agent": "bot"}))
        for day in range(days)
    ]


@pytest.mark.slow
def test_a_bad_seed_leaves_the_marts_as_they_were(
    raw: Raw, built: Build, owner: psycopg.Connection, hand_in: HandIn, warehouse_settings: Settings
) -> None:
    raw.load("observations", history())
    built()
    before = marts(owner)
    builds = owner.execute("select count(*) from operations.builds").fetchone()

    raw.load("observations", [observation("new", "call", 4.5, cost=1)])
    hand_in("budgets", "spring,department,Salse,month,100,2026-03-01,,,")
    with pytest.raises(
        BadInputError, match=r"seeds/budgets\.csv, line 2: there is no department 'Salse': did you mean"
    ):
        built()
    assert marts(owner) == before
    assert owner.execute("select count(*) from operations.builds").fetchone() == builds


@pytest.mark.slow
def test_a_day_with_calls_wants_an_exchange_rate(
    raw: Raw, built: Build, owner: psycopg.Connection, hand_in: HandIn, warehouse_settings: Settings
) -> None:
    euros = warehouse_settings.model_copy(update={"currency": "EUR"})
    raw.load("observations", history(3))
    with pytest.raises(BadInputError, match=r"seeds/exchange_rates\.csv has no rate of EUR, which TRACEMART_CURRENCY"):
        built(euros)
    hand_in("exchange_rates", "2026-03-01,EUR,0.9\n2026-03-03,EUR,0.93")
    with pytest.raises(BadInputError, match="no rate of EUR for 2026-03-02, a day with calls; add the line"):
        built(euros)
    hand_in("exchange_rates", "2026-03-02,EUR,0.917")
    built(euros)
    cost = "select usage_date::text, cost_in_currency::text from marts.fct_cost_in_currency_daily order by 1"
    first = [("2026-03-01", "1.125"), ("2026-03-02", "1.14625"), ("2026-03-03", "1.1625")]
    assert owner.execute(cost).fetchall() == first

    # A new day's rate, and no other: a build begins for it, makes no day anew and moves no past row.
    hand_in("exchange_rates", "2026-03-04,EUR,2.5")
    assert built(euros) is not None
    hand_in("exchange_rates", "2026-03-05,EUR,2.75")
    assert built(euros) is not None
    assert owner.execute(cost).fetchall() == first
    last = owner.execute("select is_full_refresh from operations.builds order by build_id desc limit 1").fetchone()
    assert last == (False,)
    assert built(euros) is None
    by_department = owner.execute(
        "select sum(cost_in_currency)::text from marts.fct_cost_in_currency_daily where department = 'Sales'"
    ).fetchone()
    assert by_department == ("3.43375",)


@pytest.mark.slow
def test_budgets_and_commitments_are_taken_up(
    raw: Raw, built: Build, owner: psycopg.Connection, hand_in: HandIn
) -> None:
    raw.load("observations", history(10))
    hand_in("commitments", "gpu,demo,p1,internal,llama,Sales,unattributed,bot,2026-03-02,2026-04-30,2.5,day")
    hand_in("commitments", "search,,,brave,,,,,2026-03-01,2026-03-31,100,period")
    hand_in("budgets", "sales,department,Sales,month,34,2026-03-01,,0.5,0.9\nall,all,,fiscal_year,1000,2026-01-01,,,")
    built()
    status = owner.execute(
        "select budget, spent_usd::text, days_left, projection_basis, projected_usd::text, exhaustion_date::text,"
        " budget_status from marts.fct_budget_status_daily where usage_date = '2026-03-10' order by 1"
    ).fetchall()
    # 10 calls of 1.25 and 9 days at 2.50; the search fee is 32.26 of 100 after 10 of 31 days.
    assert status == [
        ("all", "67.26", 296, "pace", "632.5", None, "ok"),
        ("sales", "35.00", 21, "pace", "113.75", "2026-03-10", "exhausted"),
    ]
    total = owner.execute(
        "select sum(call_cost_usd)::text, sum(commitment_cost_usd)::text, sum(total_cost_usd)::text, sum(calls)"
        " from marts.fct_total_cost_daily"
    ).fetchone()
    assert total == ("12.50", "54.76", "67.26", 10)
    fee = owner.execute("select sum(cost_usd)::text from intermediate.int_commitments_dated where cost_per = 'period'")
    assert fee.fetchone() == ("100.00",)
