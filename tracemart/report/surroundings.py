"""Reads what surrounds a week's figures: forecast, anomalies, freshness, checks."""

from datetime import date, datetime

import psycopg

from tracemart.report.figures import Anomaly, Checks, ForecastDay, Outlook
from tracemart.report.reading import row, rows
from tracemart.report.week import Week

TOTAL_COST = "cost_usd/total/all"


def outlook(connection: psycopg.Connection) -> Outlook | None:
    found = rows(
        connection,
        """
        select origin_date, is_fallback, forecast_date, expected, lower_80, upper_80
        from marts.fct_forecasts
        where
            series_id = %(series)s
            and origin_date = (select max(origin_date) from marts.fct_forecasts where series_id = %(series)s)
        order by forecast_date
        """,
        {"series": TOTAL_COST},
    )
    if not found:
        return None
    origin: date = found[0][0]
    first_forecast: date = found[0][2]
    month_so_far = row(
        connection,
        "select coalesce(sum(cost_usd), 0) from marts.fct_usage_daily where usage_date >= %s and usage_date < %s",
        first_forecast.replace(day=1),
        first_forecast,
    )[0]
    return Outlook(origin, tuple(ForecastDay(*entry[2:]) for entry in found), bool(found[0][1]), month_so_far)


def anomalies(connection: psycopg.Connection, week: Week) -> tuple[Anomaly, ...]:
    return tuple(
        Anomaly(*entry)
        for entry in rows(
            connection,
            """
            select usage_date, metric, level, key, value, expected, lower_95, upper_95, coalesce(severity, 'low')
            from marts.fct_anomalies
            where is_anomaly and usage_date between %s and %s
            order by
                array_position(array['critical', 'high', 'medium', 'low'], coalesce(severity, 'low')),
                abs(score) desc nulls last, usage_date, series_id
            """,
            week.first_day,
            week.last_day,
        )
    )


def unusual_days(connection: psycopg.Connection, first_day: date, last_day: date) -> tuple[date, ...]:
    found = rows(
        connection,
        "select usage_date from marts.fct_anomalies where is_anomaly and series_id = %s"
        " and usage_date between %s and %s order by usage_date",
        TOTAL_COST,
        first_day,
        last_day,
    )
    return tuple(entry[0] for entry in found)


def days_judged(connection: psycopg.Connection, week: Week) -> int:
    judged: int = row(
        connection,
        "select count(distinct usage_date) from marts.fct_anomalies where usage_date between %s and %s",
        week.first_day,
        week.last_day,
    )[0]
    return judged


def data_through(connection: psycopg.Connection) -> datetime | None:
    found = rows(
        connection,
        "select data_through_at from marts.fct_builds where status = 'published' order by published_at desc limit 1",
    )
    return found[0][0] if found else None


def checks(connection: psycopg.Connection) -> Checks | None:
    found = rows(
        connection,
        """
        select is_success, severity, expectation
        from marts.fct_data_quality
        where run_id in (
            select distinct on (stage) run_id from marts.fct_data_quality
            order by stage, checked_at desc, validation_id desc
        )
        order by severity, validation_id
        """,
    )
    if not found:
        return None
    problems = tuple(str(entry[2]).split(": ", 1)[-1] for entry in found if not entry[0])
    return Checks(len(found), sum(bool(entry[0]) for entry in found), problems)
