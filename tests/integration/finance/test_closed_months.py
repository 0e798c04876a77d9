"""A closed month stays as it was charged, and over all months what is charged is what was spent."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, marts, observation
from tracemart.closing import close_month, reopen_month
from tracemart.errors import ClosingError
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

Build = Callable[..., int | None]
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
POSTINGS = (
    "select posting_month, service_month, department, kind, is_closed, calls, cost_usd"
    " from marts.fct_chargeback_monthly order by 1, 2, 3"
)


def call(name: str, day: float, department: str, cost: float) -> dict[str, Any]:
    return observation(name, "call", day, cost=cost, metadata=Jsonb({"department": department}))


def postings(owner: psycopg.Connection) -> list[tuple[str, str, str, str, bool, int, float]]:
    return [
        (f"{posting:%m}", f"{service:%m}", department, kind, closed, calls, float(cost))
        for posting, service, department, kind, closed, calls, cost in owner.execute(POSTINGS)
    ]


@pytest.mark.slow
def test_what_comes_late_is_posted_to_the_open_month(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    in_june = warehouse_settings.model_copy(update={"as_of": datetime(2026, 6, 5, tzinfo=UTC)})
    with pytest.raises(ClosingError, match="not built yet"):
        close_month(in_june, MARCH)
    through = datetime(2026, 4, 30, 12, tzinfo=UTC)
    raw.load(
        "observations",
        [call("a", 3, "sales", 1), call("b", 4, "legal", 2), call("c", 40, "sales", 4), call("d", 70, "sales", 8)],
        through=through,
    )
    built()
    with pytest.raises(ClosingError, match="2026-03 is still open: close it before 2026-04"):
        close_month(in_june.model_copy(update={"timezone": "Pacific/Kiritimati"}), APRIL)
    with pytest.raises(ClosingError, match="hold data up to 2026-04-30 12:00 UTC, before 2026-04 ends"):
        close_month(in_june, APRIL)
    with pytest.raises(ClosingError, match="2026-06 is not over: it can be closed from 2026-07-01 on"):
        close_month(in_june, date(2026, 6, 1))
    with pytest.raises(ClosingError, match="2026-02 lies before all usage"):
        close_month(in_june, date(2026, 2, 1))

    closing = close_month(in_june, MARCH, "Ann")
    assert str(closing).endswith("3.00 USD in 2 rows.")
    again = close_month(in_june, MARCH, "Bob")
    assert (again.closed_by, again.closed_at, again.is_new) == ("Ann", closing.closed_at, False)
    frozen = [("03", "03", "legal", "usage", True, 1, 2.0), ("03", "03", "sales", "usage", True, 1, 1.0)]
    rest = [("04", "04", "sales", "usage", False, 1, 4.0), ("05", "05", "sales", "usage", False, 1, 8.0)]
    assert postings(owner) == [*frozen, *rest]

    # A late call, a call that costs less now, and one that turns up elsewhere: the whole incremental way.
    raw.load("observations", [call("e", 5, "sales", 0.5), call("b", 4, "legal", 1.75)])
    assert built() is not None
    late = [("04", "03", "legal", "restatement", False, 0, -0.25), ("04", "03", "sales", "late", False, 1, 0.5)]
    assert postings(owner) == [*frozen, *late, *rest]
    incremental = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == incremental

    raw.load("observations", [], through=datetime(2026, 5, 1, 1, tzinfo=UTC))
    raw.load("observations", [call("f", 71, "sales", 16)])
    built()
    assert close_month(in_june, APRIL).late_usd == Decimal("0.25")
    with pytest.raises(ClosingError, match="Only the last closed month can be opened again, which is 2026-04"):
        reopen_month(in_june, MARCH)
    reopen_month(in_june, APRIL)
    with pytest.raises(ClosingError, match="2026-04 is open already"):
        reopen_month(in_june, APRIL)
    assert [row[:3] for row in postings(owner) if not row[4]] == [row[:3] for row in [*late, *rest]]
    with (
        Warehouse(warehouse_settings).connect(Role.TRANSFORMER) as builder,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        builder.execute("update operations.closed_costs set cost_usd = 0")


MONTHS = [date(2026, month, 1) for month in (1, 2, 3, 4)]
COSTS = st.decimals(-5, 90, places=12)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("calls"), st.sampled_from(MONTHS), st.sampled_from(["sales", "legal"]), st.integers(-3, 3), COSTS
        ),
        st.tuples(st.just("prices"), st.sampled_from(MONTHS), COSTS),
        st.tuples(st.just("close")),
        st.tuples(st.just("close")),
        st.tuples(st.just("reopen")),
    ),
    max_size=14,
)


def cells(owner: psycopg.Connection, where: str = "true", *values: object) -> list[str]:
    query = f"select mart::text from marts.fct_chargeback_monthly as mart where {where} order by 1"
    return [row[0] for row in owner.execute(query, values)]


@pytest.mark.slow
def test_closed_postings_never_change_and_totals_always_add_up(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load("observations", [call("a", 3, "sales", 1)])
    built()
    later = warehouse_settings.model_copy(update={"as_of": datetime(2027, 1, 1, tzinfo=UTC)})

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def history(steps: list[tuple[Any, ...]]) -> None:
        owner.execute("truncate marts.fct_usage_monthly, operations.closed_costs, operations.closed_months")
        arrive(owner, MONTHS[0], "sales", 2, Decimal("1.000000000001"))
        closed: dict[date, list[str]] = {}
        for step in steps:
            match step:
                case ("calls", month, department, calls, cost):
                    arrive(owner, month, department, calls, cost)
                case ("prices", month, cost):
                    owner.execute(
                        "update marts.fct_usage_monthly set cost_usd = cost_usd + %s where usage_month = %s",
                        (cost, month),
                    )
                case ("close",) if len(closed) < len(MONTHS):
                    month = MONTHS[len(closed)]
                    shown = cells(owner, "posting_month = %s", month)
                    assert close_month(later, month).rows == len(shown)
                    closed[month] = [row.replace(",f,", ",t,") for row in shown]
                case ("reopen",) if closed:
                    month, _ = closed.popitem()
                    reopen_month(later, month)
            assert cells(owner, "is_closed") == sorted(row for rows in closed.values() for row in rows)
            check_totals(owner, max(closed, default=None))

    history()


def arrive(owner: psycopg.Connection, month: date, department: str, calls: int, cost: Decimal) -> None:
    changed = owner.execute(
        "update marts.fct_usage_monthly set calls = calls + %s, cost_usd = cost_usd + %s"
        " where usage_month = %s and department = %s",
        (calls, cost, month, department),
    ).rowcount
    if not changed:
        owner.execute(
            "insert into marts.fct_usage_monthly select %s, 'demo', 'p1', 'Support', %s, 't', 'a', 'm', %s,"
            " 0, 0, 0, 0, 0, 0, 0, %s",
            (month, department, calls, cost),
        )


def check_totals(owner: psycopg.Connection, last: date | None) -> None:
    differing = owner.execute(
        """
        select service_month, department from (
            select service_month, department, sum(calls) as calls, sum(cost_usd) as cost_usd
            from marts.fct_chargeback_monthly group by 1, 2
        ) as charged
        full outer join (
            select usage_month as service_month, department, sum(calls) as calls, sum(cost_usd) as cost_usd
            from marts.fct_usage_monthly group by 1, 2
        ) as used using (service_month, department)
        where coalesce(charged.calls, 0) <> coalesce(used.calls, 0)
            or coalesce(charged.cost_usd, 0) <> coalesce(used.cost_usd, 0)
        """
    ).fetchall()
    assert differing == []
    early = owner.execute(
        "select count(*) from marts.fct_chargeback_monthly"
        " where not is_closed and (posting_month <= %s or posting_month < service_month)",
        (last or date(2000, 1, 1),),
    ).fetchone()
    assert early == (0,)
