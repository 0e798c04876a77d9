"""The step reads the marts as they are and writes what changed, nothing else."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
import pytest

from tracemart.errors import ForecastError
from tracemart.forecast.step import forecast
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

LAST_DAY = date(2026, 11, 21)
DAYS = 60
TABLES = ("fits", "forecasts", "accuracy", "anomalies")


@pytest.fixture
def settings(warehouse_settings: Settings) -> Settings:
    return warehouse_settings.model_copy(update={"as_of": datetime(2026, 11, 22, tzinfo=UTC)})


@pytest.fixture
def marts(settings: Settings) -> Iterator[psycopg.Connection]:
    """The two marts that the step reads, with the columns it reads, made by the role that makes marts."""
    with Warehouse(settings).connect(Role.TRANSFORMER, autocommit=True) as connection:
        connection.execute(
            "create table marts.fct_usage_daily (usage_date date, instance text, project_id text, agent text,"
            " model text, calls bigint, cost_usd numeric)"
        )
        connection.execute(
            "create table marts.fct_builds (status text, data_through_at timestamptz, published_at timestamptz)"
        )
        connection.execute("insert into marts.fct_builds values ('published', '2026-11-22T00:00Z', now())")
        fill(connection)
        yield connection


def fill(connection: psycopg.Connection) -> None:
    random = np.random.default_rng(21)
    rows = []
    for number in range(DAYS):
        day = LAST_DAY - timedelta(days=DAYS - 1 - number)
        for agent, model, calls in (("writer", "gpt-5", 120), ("reader", "claude-haiku-4-5", 60)):
            busy = int(calls * (0.4 if day.weekday() >= 5 else 1.0) * np.exp(0.08 * random.standard_normal()))
            rows.append((day, "demo", "shop", agent, model, busy, Decimal(busy) * Decimal("0.0123")))
    with connection.cursor() as cursor:
        cursor.executemany("insert into marts.fct_usage_daily values (%s, %s, %s, %s, %s, %s, %s)", rows)


def fetched(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with Warehouse(settings).connect(Role.FORECASTER) as connection:
        return connection.execute(query.encode()).fetchall()


def contents(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: fetched(settings, f"select xmin::text, * from forecasts.{table} order by 2, 6, 7, 8") for table in TABLES
    }


@pytest.mark.usefixtures("marts")
def test_total_project_model_and_agent_get_thirty_days_each(settings: Settings) -> None:
    result = forecast(settings)
    assert result.origin_date == LAST_DAY
    assert result.series == result.trained == 12
    assert result.fallbacks == 0
    rows = fetched(settings, "select series_id, count(*), min(forecast_date), max(forecast_date)"
                             " from forecasts.forecasts group by 1 order by 1")  # fmt: skip
    keys = ("agent/reader", "agent/writer", "model/claude-haiku-4-5", "model/gpt-5", "project/demo/shop", "total/all")
    assert [row[0] for row in rows] == [f"{metric}/{key}" for metric in ("calls", "cost_usd") for key in keys]
    assert {row[1:] for row in rows} == {(30, LAST_DAY + timedelta(days=1), LAST_DAY + timedelta(days=30))}
    assert fetched(settings, "select count(*) from forecasts.forecasts where not (lower_95 <= lower_80"
                             " and lower_80 <= expected and expected <= upper_80 and upper_80 <= upper_95"
                             " and lower_95 >= 0)") == [(0,)]  # fmt: skip


@pytest.mark.usefixtures("marts")
def test_every_day_is_judged_and_every_model_back_tested(settings: Settings) -> None:
    forecast(settings)
    assert fetched(settings, "select count(distinct usage_date) from forecasts.anomalies") == [(DAYS,)]
    assert fetched(
        settings, "select sum(value) from forecasts.anomalies where series_id = 'cost_usd/total/all'"
    ) == fetched(settings, "select sum(cost_usd) from marts.fct_usage_daily")
    assert fetched(settings, "select distinct horizon_days from forecasts.accuracy order by 1") == [(7,), (14,), (30,)]
    naive = "select distinct mase, crps from forecasts.accuracy where model = 'seasonal_naive'"
    assert fetched(settings, naive) == [(1, 1)]


@pytest.mark.usefixtures("marts")
def test_unchanged_input_is_not_trained_again_and_changes_no_row(settings: Settings) -> None:
    forecast(settings)
    before = contents(settings)
    again = forecast(settings)
    assert (again.trained, again.unchanged) == (0, 12)
    assert contents(settings) == before


def test_late_data_trains_again_only_what_it_touches(settings: Settings, marts: psycopg.Connection) -> None:
    forecast(settings)
    before = dict(fetched(settings, "select series_id, trained_at from forecasts.fits"))
    untouched = "select xmin::text, * from forecasts.anomalies where key = 'reader' order by series_id, usage_date"
    anomalies = fetched(settings, untouched)
    late = LAST_DAY - timedelta(days=10)
    marts.execute(
        "update marts.fct_usage_daily set calls = calls * 6, cost_usd = cost_usd * 6"
        " where agent = 'writer' and usage_date = %s",
        (late,),
    )
    assert forecast(settings).trained == 8
    after = dict(fetched(settings, "select series_id, trained_at from forecasts.fits"))
    changed = {series_id for series_id in after if after[series_id] != before[series_id]}
    keys = ("total/all", "project/demo/shop", "agent/writer", "model/gpt-5")
    assert changed == {f"{metric}/{key}" for metric in ("cost_usd", "calls") for key in keys}
    assert fetched(settings, untouched) == anomalies
    flagged = "select usage_date from forecasts.anomalies where series_id = 'calls/agent/writer' and is_anomaly"
    assert (late,) in fetched(settings, flagged)


@pytest.mark.usefixtures("marts")
def test_a_new_day_keeps_earlier_forecasts_and_untouched_days(settings: Settings) -> None:
    earlier = settings.model_copy(update={"as_of": datetime(2026, 11, 21, tzinfo=UTC)})
    assert forecast(earlier).origin_date == LAST_DAY - timedelta(days=1)
    judged = (
        "select xmin::text, series_id, usage_date from forecasts.anomalies"
        " where usage_date < '2026-11-21' order by 2, 3"
    )
    before = fetched(settings, judged)
    forecast(settings)
    assert fetched(settings, "select distinct origin_date from forecasts.forecasts order by 1") == [
        (LAST_DAY - timedelta(days=1),),
        (LAST_DAY,),
    ]
    assert fetched(settings, judged) == before


def test_rows_of_a_vanished_series_stay(settings: Settings, marts: psycopg.Connection) -> None:
    forecast(settings)
    marts.execute("delete from marts.fct_usage_daily where agent = 'reader'")
    forecast(settings)
    assert fetched(settings, "select count(*) from forecasts.forecasts where key = 'reader'") == [(60,)]


def test_a_day_that_is_not_loaded_whole_is_not_learnt_from(settings: Settings, marts: psycopg.Connection) -> None:
    marts.execute("update marts.fct_builds set data_through_at = '2026-11-20T14:00Z'")
    assert forecast(settings).origin_date == date(2026, 11, 19)


@pytest.mark.usefixtures("marts")
def test_days_end_at_midnight_of_the_reporting_zone(settings: Settings) -> None:
    west = settings.model_copy(update={"timezone": "America/Los_Angeles"})
    assert forecast(west).origin_date == LAST_DAY - timedelta(days=1)


def test_a_model_without_cost_falls_back_and_says_why(settings: Settings, marts: psycopg.Connection) -> None:
    marts.execute("update marts.fct_usage_daily set cost_usd = 0 where agent = 'reader'")
    forecast(settings)
    rows = fetched(settings, "select distinct model, is_fallback, fallback_reason, expected from forecasts.forecasts"
                             " where series_id = 'cost_usd/agent/reader'")  # fmt: skip
    assert rows == [("seasonal_naive", True, "nothing but zeros", 0)]


def test_empty_marts_are_said_to_be_empty(settings: Settings, marts: psycopg.Connection) -> None:
    marts.execute("delete from marts.fct_usage_daily")
    result = forecast(settings)
    assert result.series == 0
    assert "no complete day" in str(result)


def test_marts_that_were_never_built_are_named(settings: Settings) -> None:
    with pytest.raises(ForecastError, match=r"run \./run build"):
        forecast(settings)


@pytest.mark.usefixtures("marts")
def test_a_failure_keeps_the_tables_as_they_were(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracemart.forecast.store._forget_days_before", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        forecast(settings)
    assert all(not rows for rows in contents(settings).values())


@pytest.mark.usefixtures("marts")
def test_progress_goes_from_none_to_all(settings: Settings) -> None:
    seen: list[tuple[str, int, int | None]] = []
    forecast(settings, progress=lambda *step: seen.append(step))
    assert seen[0] == ("series", 0, 12)
    assert seen[-1] == ("series", 12, 12)
