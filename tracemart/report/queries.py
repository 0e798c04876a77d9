"""Reads the figures of a week from the marts, as the analyst, all in one snapshot."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import psycopg
from psycopg import sql

from tracemart.errors import NothingToReportError
from tracemart.report import surroundings
from tracemart.report.figures import Day, Hour, Line, Outlook, Totals, WeeklyFigures
from tracemart.report.reading import row, rows
from tracemart.report.week import Week, long_date
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

LINES_SHOWN = 8
HISTORY_DAYS = 56
LONGEST_GAP_DAYS = 13
FEWEST_DAYS_DRAWN = 3
OTHERS = "all others"


def weekly_figures(settings: Settings, asked: Week | None) -> WeeklyFigures:
    """Figures of the asked week, else of the last complete one; of the running week if the data begins in it.

    Raises NothingToReportError where the week has no usage, WarehouseError.
    """
    with Warehouse(settings).connect(Role.ANALYST) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            return _read(connection, settings, asked)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
            raise NothingToReportError(
                f"The marts are not complete ({str(error).splitlines()[0]}): run ./run build, then the report again."
            ) from None
        except psycopg.Error as error:
            raise warehouse_error(error, "reading the week's figures") from None


def _read(connection: psycopg.Connection, settings: Settings, asked: Week | None) -> WeeklyFigures:
    earliest, newest = row(
        connection, "select min(usage_date), max(usage_date) from marts.fct_usage_daily where calls > 0"
    )
    if newest is None:
        raise NothingToReportError(
            "The marts hold no usage yet: run ./run extract and ./run build, then the report again."
        )
    week = asked or Week.last_complete(settings.now(), settings.zone)
    if asked is None and earliest > week.last_day:
        week = Week.containing(newest)
    if not (totals := _totals(connection, week)).calls:
        raise NothingToReportError(
            f"Week {week.name} ({week.span}) has no usage, the newest is of {long_date(newest)}:"
            " see whether extract_langfuse and build_marts run, or name another week."
        )
    outlook = surroundings.outlook(connection)
    drawn = (week.last_day - timedelta(days=HISTORY_DAYS - 1), _last_drawn(week, outlook))
    history = _history(connection, *drawn)
    has_before = earliest <= week.before.first_day
    return WeeklyFigures(
        week=week,
        first_day=max(week.first_day, earliest),
        last_day=min(week.last_day, newest),
        totals=totals,
        before=_totals(connection, week.before) if has_before else None,
        departments=_lines(connection, "department", week, totals, has_before),
        agents=_lines(connection, "agent", week, totals, has_before),
        models=_lines(connection, "model", week, totals, has_before),
        history=history,
        hours=_hours(connection, history, settings.timezone),
        outlook=outlook,
        anomalies=surroundings.anomalies(connection, week),
        unusual_days=surroundings.unusual_days(connection, *drawn),
        days_judged=surroundings.days_judged(connection, week),
        data_through_at=surroundings.data_through(connection),
        checks=surroundings.checks(connection),
    )


def _totals(connection: psycopg.Connection, week: Week) -> Totals:
    days = (week.first_day, week.last_day)
    calls, errors, tokens, cost = row(
        connection,
        "select coalesce(sum(calls), 0)::bigint, coalesce(sum(errors), 0)::bigint,"
        " coalesce(sum(total_tokens), 0)::bigint, coalesce(sum(cost_usd), 0)"
        " from marts.fct_usage_daily where usage_date between %s and %s",
        *days,
    )
    quality, scored = row(
        connection,
        "select avg(quality), count(quality) from marts.fct_traces where trace_date between %s and %s",
        *days,
    )
    return Totals(calls, errors, tokens, cost, quality, scored)


def _lines(
    connection: psycopg.Connection, column: str, week: Week, totals: Totals, has_before: bool
) -> tuple[Line, ...]:
    """The names that cost most, then called most, and one line for the rest, so that the lines sum to the total."""
    query = sql.SQL(
        """
        select
            {name},
            coalesce(sum(calls) filter (where usage_date >= %s), 0)::bigint,
            coalesce(sum(cost_usd) filter (where usage_date >= %s), 0),
            coalesce(sum(cost_usd) filter (where usage_date < %s), 0)
        from marts.fct_usage_daily
        where usage_date between %s and %s
        group by {name}
        order by 3 desc, 2 desc, 1
        """
    ).format(name=sql.Identifier(column))
    first = week.first_day
    found = rows(connection, query, first, first, first, week.before.first_day, week.last_day)
    details = _model_details(connection, week) if column == "model" else {}
    current = [entry for entry in found if entry[1] > 0]
    gone = [entry for entry in found if entry[1] == 0]
    # A single name too many is shown by itself rather than as "all others".
    shown = current if len(current) + bool(gone) <= LINES_SHOWN + 1 else current[:LINES_SHOWN]
    rest = [entry for entry in found if entry not in shown]
    if rest and (len(current) > len(shown) or sum(entry[3] for entry in rest) > 0):
        rest_line = (OTHERS, *(sum(entry[position] for entry in rest) for position in (1, 2, 3)))
        shown = [*shown, rest_line]
    return tuple(
        Line(
            name=name,
            calls=calls,
            cost_usd=Decimal(cost),
            share=cost / totals.cost_usd if totals.cost_usd else Decimal(calls) / totals.calls,
            before_usd=Decimal(before) if has_before else None,
            p50_latency_ms=details.get(name, (None, None))[0],
            quality=details.get(name, (None, None))[1],
        )
        for name, calls, cost, before in shown
    )


def _model_details(connection: psycopg.Connection, week: Week) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    """Median latency in ms and quality (mean of its days weighted by calls) by model."""
    latency = rows(
        connection,
        "select model, public.percentile_from_buckets(sum(buckets), 0.5) from marts.fct_latency_buckets_daily"
        " where measure = 'latency_ms' and usage_date between %s and %s group by model",
        week.first_day,
        week.last_day,
    )
    quality = rows(
        connection,
        "select model, sum(quality * calls) / nullif(sum(calls), 0) from marts.fct_model_comparison_daily"
        " where quality is not null and usage_date between %s and %s group by model",
        week.first_day,
        week.last_day,
    )
    latencies: dict[str, Decimal | None] = dict(latency)
    qualities: dict[str, Decimal | None] = dict(quality)
    return {model: (latencies.get(model), qualities.get(model)) for model in latencies.keys() | qualities.keys()}


def _last_drawn(week: Week, outlook: Outlook | None) -> date:
    """The forecast's origin where it lies soon after the week, so that the line meets the forecast."""
    if outlook is None or not 0 < (outlook.origin_date - week.last_day).days <= LONGEST_GAP_DAYS:
        return week.last_day
    return outlook.origin_date


def _history(connection: psycopg.Connection, first_day: date, last_day: date) -> tuple[Day, ...]:
    return tuple(
        Day(*entry)
        for entry in rows(
            connection,
            "select usage_date, sum(calls)::bigint, sum(cost_usd) from marts.fct_usage_daily"
            " where usage_date between %s and %s group by usage_date order by usage_date",
            first_day,
            last_day,
        )
    )


def _hours(connection: psycopg.Connection, history: Sequence[Day], zone: str) -> tuple[Hour, ...]:
    """Hours from the first to the last with usage, where there are too few days to draw a line; else none."""
    if len(history) >= FEWEST_DAYS_DRAWN:
        return ()
    found = rows(
        connection,
        """
        with used as (
            select usage_hour, sum(calls)::bigint as calls, sum(cost_usd) as cost_usd
            from marts.fct_usage_hourly
            where usage_date between %s and %s
            group by usage_hour
        )
        select hours at time zone %s, coalesce(used.calls, 0), coalesce(used.cost_usd, 0)
        from used
        right join
            generate_series(
                (select min(usage_hour) from used), (select max(usage_hour) from used), interval '1 hour'
            ) as hours on used.usage_hour = hours
        order by hours
        """,
        history[0].usage_date,
        history[-1].usage_date,
        zone,
    )
    return tuple(Hour(*entry) for entry in found)
