"""Every query of every dashboard, run as the analyst on built marts."""

from datetime import UTC, datetime

import psycopg
import pytest

from tracemart.settings import Settings
from tracemart.superset.assets import read_assets
from tracemart.superset.layout import charts_of
from tracemart.superset.queries import DashboardQuery, dashboard_queries
from tracemart.warehouse import Role, Warehouse

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def queries(published: Settings) -> list[DashboardQuery]:
    return dashboard_queries(published.model_copy(update={"as_of": datetime(2026, 4, 17, tzinfo=UTC)}))


def test_every_chart_and_filter_of_every_dashboard_has_a_query(queries: list[DashboardQuery]) -> None:
    assets = read_assets()
    asked = {(query.dashboard, query.chart) for query in queries}
    assert {entry for entry in asked if not entry[1].startswith("filter ")} == {
        (name, chart) for name, dashboard in assets.dashboards.items() for chart in charts_of(dashboard)
    }
    filters = sum(len(dashboard.filters) for dashboard in assets.dashboards.values())
    assert sum(query.chart.startswith("filter ") for query in queries) == filters


def test_every_query_answers(published: Settings, queries: list[DashboardQuery]) -> None:
    broken, rows = {}, {}
    with Warehouse(published).connect(Role.ANALYST, autocommit=True) as analyst:
        for dashboard, chart, sql in queries:
            try:
                rows[dashboard, chart] = len(analyst.execute(sql.encode()).fetchall())
            except psycopg.Error as error:
                broken[dashboard, chart] = str(error)
    assert broken == {}
    # What needs forecasts, checks or quality has nothing here; the rest has.
    assert sum(count > 0 for count in rows.values()) >= 0.6 * len(rows)


def test_a_chart_follows_the_period_and_asks_for_the_one_before(
    published: Settings, queries: list[DashboardQuery]
) -> None:
    now, before = (query.sql for query in queries if (query.dashboard, query.chart) == ("cost", "cost"))
    assert "usage_date >= '2026-03-18'::date and usage_date < '2026-04-17'::date" in now
    assert "usage_date >= '2026-02-16'::date and usage_date < '2026-03-18'::date" in before
    with Warehouse(published).connect(Role.ANALYST) as analyst:
        expected = analyst.execute(
            "select sum(cost_usd) from marts.fct_usage_daily where usage_date between '2026-03-18' and '2026-04-16'"
        ).fetchone()
        assert analyst.execute(now.encode()).fetchone() == expected
