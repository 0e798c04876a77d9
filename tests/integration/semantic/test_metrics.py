"""Every metric and saved query, as MetricFlow compiles them, against plain SQL on the marts: equal to the digit."""

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tracemart.build import manifests
from tracemart.semantic.queries import SemanticLayer
from tracemart.settings import Settings
from tracemart.superset.metrics import Metric, read_metrics
from tracemart.warehouse import Role, Warehouse

pytestmark = pytest.mark.slow

Days = dict[date, Any]
NOTHING = Decimal(0)


@pytest.fixture
def analyst(published: Settings) -> Iterator[psycopg.Connection]:
    with Warehouse(published).connect(Role.ANALYST) as connection:
        yield connection


@pytest.fixture(scope="module")
def expressions(published: Settings) -> dict[str, Metric]:
    return read_metrics(json.loads((manifests(published) / "semantic_manifest.json").read_text()))


@pytest.fixture(scope="module")
def times(published: Settings) -> dict[str, str]:
    """The column of a mart that its metrics' time is."""
    content = json.loads((manifests(published) / "semantic_manifest.json").read_text())
    return {
        model["node_relation"]["alias"]: model["defaults"]["agg_time_dimension"]
        for model in content["semantic_models"]
        if model["defaults"]
    }


def by_day(layer: SemanticLayer, metric: str) -> Days:
    rows = layer.rows([metric], ["metric_time__day"]).rows
    return {day.date() if isinstance(day, datetime) else day: value for day, value in rows}


def test_a_metric_is_its_expression_on_the_mart_on_every_day(
    layer: SemanticLayer, analyst: psycopg.Connection, expressions: dict[str, Metric], times: dict[str, str]
) -> None:
    assert len(expressions) >= 85
    differing = {}
    for name, metric in expressions.items():
        query = f"select {times[metric.mart]}::date, {metric.sql} from marts.{metric.mart} group by 1"
        found, expected = by_day(layer, name), dict(analyst.execute(query.encode()).fetchall())
        if found != expected:
            differing[name] = (found, expected)
    assert differing == {}


def test_a_metric_without_groups_is_its_expression_on_the_whole_mart(
    layer: SemanticLayer, analyst: psycopg.Connection, expressions: dict[str, Metric]
) -> None:
    # Of a mart without any row MetricFlow counts nothing, not nought.
    for name, metric in expressions.items():
        if analyst.execute(f"select from marts.{metric.mart} limit 1".encode()).fetchone() is None:
            continue
        expected = analyst.execute(f"select {metric.sql} from marts.{metric.mart}".encode()).fetchone()
        assert layer.rows([name]).rows == (expected,), name


def daily(analyst: psycopg.Connection, expression: str) -> Days:
    query = f"select usage_date, {expression} from marts.fct_usage_daily group by 1"
    return dict(analyst.execute(query.encode()).fetchall())


def total(days: Days, first: date, last: date) -> Decimal:
    return sum((value for day, value in days.items() if first <= day <= last), NOTHING)


SINCE: dict[str, Callable[[date], date]] = {
    "month_to_date": lambda day: day.replace(day=1),
    "quarter_to_date": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year_to_date": lambda day: day.replace(month=1, day=1),
    "trailing_7_days": lambda day: day - timedelta(days=6),
    "trailing_30_days": lambda day: day - timedelta(days=29),
}


@pytest.mark.parametrize(
    ("metric", "of", "since"),
    [
        ("cost_month_to_date_usd", "sum(cost_usd)", "month_to_date"),
        ("calls_month_to_date", "sum(calls)", "month_to_date"),
        ("total_tokens_month_to_date", "sum(total_tokens)", "month_to_date"),
        ("cost_quarter_to_date_usd", "sum(cost_usd)", "quarter_to_date"),
        ("cost_year_to_date_usd", "sum(cost_usd)", "year_to_date"),
        ("cost_trailing_7_days_usd", "sum(cost_usd)", "trailing_7_days"),
        ("calls_trailing_7_days", "sum(calls)", "trailing_7_days"),
        ("total_tokens_trailing_7_days", "sum(total_tokens)", "trailing_7_days"),
        ("errors_trailing_7_days", "sum(errors)", "trailing_7_days"),
        ("cost_trailing_30_days_usd", "sum(cost_usd)", "trailing_30_days"),
        ("calls_trailing_30_days", "sum(calls)", "trailing_30_days"),
        ("total_tokens_trailing_30_days", "sum(total_tokens)", "trailing_30_days"),
    ],
)
def test_a_running_total_is_the_sum_since_its_first_day(
    layer: SemanticLayer, analyst: psycopg.Connection, metric: str, of: str, since: str
) -> None:
    found, days = by_day(layer, metric), daily(analyst, of)
    assert set(days) <= set(found)
    assert found == {day: total(days, SINCE[since](day), day) for day in found}


@pytest.mark.parametrize(("metric", "length"), [("weekly_active_users", 7), ("monthly_active_users", 30)])
def test_users_of_a_window_are_counted_once(
    layer: SemanticLayer, analyst: psycopg.Connection, metric: str, length: int
) -> None:
    query = "select usage_date, user_id from marts.fct_user_activity_daily where user_id <> 'unknown'"
    active = analyst.execute(query).fetchall()
    found = by_day(layer, metric)
    assert found == {
        day: len({user for used, user in active if day - timedelta(days=length) < used <= day}) for day in found
    }


@pytest.mark.parametrize(("figure", "of", "unit"), [("cost", "sum(cost_usd)", "_usd"), ("calls", "sum(calls)", "")])
@pytest.mark.parametrize(("when", "shift"), [("week", "7 days"), ("month", "1 month")])
def test_a_figure_of_before_is_that_days(
    layer: SemanticLayer, analyst: psycopg.Connection, figure: str, of: str, unit: str, when: str, shift: str
) -> None:
    days = daily(analyst, of)
    query = f"select d::date, (d - interval '{shift}')::date from unnest(%s::date[]) as given (d)"
    earlier = dict(analyst.execute(query.encode(), [list(days)]).fetchall())
    before = {day: days.get(earlier[day]) for day in days}
    both = {day: (days[day], before[day]) for day in days if before[day] is not None}
    assert len(both) > 10
    found = {name: by_day(layer, name) for name in (
        f"{figure}_{when}_before{unit}", f"{figure}_change_on_{when}_before{unit}", f"{figure}_growth_on_{when}_before"
    )}  # fmt: skip
    values, change, growth = found.values()
    assert {day: values[day] for day in both} == {day: then for day, (_, then) in both.items()}
    assert {day: change[day] for day in both} == {day: now - then for day, (now, then) in both.items()}
    for day, (now, then) in both.items():
        assert growth[day] == pytest.approx((now - then) / then, abs=Decimal("1e-15"))


def test_what_is_derived_of_windows_follows_them(layer: SemanticLayer, analyst: psycopg.Connection) -> None:
    names = ["error_rate_trailing_7_days", "errors_trailing_7_days", "calls_trailing_7_days", "cost_of_mean_day_usd"]
    rate, errors, calls, mean = (by_day(layer, name) for name in names)
    trailing = by_day(layer, "cost_trailing_30_days_usd")
    assert any(errors.values())
    assert all(rate[day] == pytest.approx(errors[day] / calls[day], abs=Decimal("1e-15")) for day in calls)
    assert all(mean[day] == pytest.approx(trailing[day] / 30, abs=Decimal("1e-15")) for day in trailing)


def test_every_metric_is_tried_here_or_an_expression(layer: SemanticLayer, expressions: dict[str, Metric]) -> None:
    tried = ("_to_date", "trailing", "_before")
    rest = {name for name in layer.metrics if name not in expressions and not any(word in name for word in tried)}
    assert rest == {
        "cost_of_mean_day_usd", "monthly_active_users", "weekly_active_users",
        "budget_limit_usd", "budget_projected_usd", "budget_spent_usd", "budget_used_share",
    }  # fmt: skip


def test_every_saved_query_answers(layer: SemanticLayer) -> None:
    assert len(layer.saved_queries) >= 20
    # Neither a budget nor a prompt's score is among the made data.
    assert {name for name in layer.saved_queries if not layer.rows(saved_query=name).rows} <= {"budgets_today"}


def test_last_months_cost_by_department_is_the_marts(layer: SemanticLayer, analyst: psycopg.Connection) -> None:
    expected = analyst.execute(
        "select department, sum(cost_usd), sum(calls) from marts.fct_usage_daily"
        " where usage_date >= '2026-03-01' and usage_date < '2026-04-01' group by 1 order by 2 desc"
    ).fetchall()
    assert layer.rows(saved_query="cost_by_department_last_month").rows == tuple(expected)
    assert sum(row[1] for row in expected) > 0


def test_facts_are_joined_to_dimensions_by_entities(layer: SemanticLayer, analyst: psycopg.Connection) -> None:
    found = dict(layer.rows(["cost_usd"], ["calendar__is_weekend"]).rows)
    assert found == dict(
        analyst.execute(
            "select extract(isodow from usage_date) >= 6, sum(cost_usd) from marts.fct_usage_daily group by 1"
        ).fetchall()
    )


@pytest.fixture
def budgets(published: Settings) -> Iterator[None]:
    """Two budgets on two days, of 100 and 50 US dollars."""
    rows = [
        ("a", "2026-04-15", 10, 100),
        ("a", "2026-04-16", 30, 100),
        ("b", "2026-04-15", 5, 50),
        ("b", "2026-04-16", 45, 50),
    ]
    with Warehouse(published).connect(Role.OWNER, autocommit=True) as owner:
        owner.execute("create temporary table made (like marts.fct_budget_status_daily)")
        columns = owner.execute(
            "select attname, format_type(atttypid, null) from pg_attribute"
            " where attrelid = 'made'::regclass and attnum > 0 and attnotnull"
        ).fetchall()
        nothing = {"text": "x", "date": "2026-04-01", "numeric": "0", "integer": "0", "bigint": "0", "boolean": "false"}
        for budget, day, spent, limit in rows:
            row = {name: nothing[kind] for name, kind in columns}
            row |= {"budget": budget, "usage_date": day, "spent_usd": str(spent), "limit_usd": str(limit)}
            owner.execute(
                "insert into marts.fct_budget_status_daily"
                " select * from jsonb_populate_record(null::marts.fct_budget_status_daily, %s)",
                (Jsonb(row),),
            )
        yield
        owner.execute("delete from marts.fct_budget_status_daily")


@pytest.mark.usefixtures("budgets")
def test_a_budget_is_what_stands_on_its_newest_day_and_budgets_add_up(layer: SemanticLayer) -> None:
    found = layer.rows(["budget_spent_usd", "budget_limit_usd", "budget_used_share"], ["budget_day__budget"])
    assert sorted(found.rows) == [("a", 30, 100, Decimal("0.3")), ("b", 45, 50, Decimal("0.9"))]
    assert layer.rows(["budget_spent_usd", "budget_limit_usd", "budget_used_share"]).rows == (
        (75, 150, Decimal("0.5")),
    )
    assert by_day(layer, "budget_spent_usd") == {date(2026, 4, 15): 15, date(2026, 4, 16): 75}
