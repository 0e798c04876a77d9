"""Daily cost and calls as the marts have them, a series for the total and each project, model and agent."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal, LiteralString

import numpy as np
import psycopg
from psycopg import errors as pg

from tracemart.errors import ForecastError
from tracemart.forecast.types import Floats
from tracemart.settings import Settings

Metric = Literal["cost_usd", "calls"]
Level = Literal["total", "project", "model", "agent"]
METRICS: tuple[Metric, ...] = ("cost_usd", "calls")

# Older days neither train a model nor are judged again: a run costs the same after three years as after one.
HISTORY_DAYS = 800

_USAGE: LiteralString = """
    select
        usage_date,
        case
            when grouping(project_id) = 0 then 'project'
            when grouping(model) = 0 then 'model'
            when grouping(agent) = 0 then 'agent'
            else 'total'
        end as level,
        case
            when grouping(project_id) = 0 then instance || '/' || project_id
            when grouping(model) = 0 then model
            when grouping(agent) = 0 then agent
            else 'all'
        end as key,
        sum(cost_usd) as cost_usd,
        sum(calls) as calls
    from marts.fct_usage_daily
    where usage_date > %(from_date)s and usage_date <= %(to_date)s
    group by grouping sets ((usage_date), (usage_date, instance, project_id), (usage_date, model), (usage_date, agent))
"""


_THROUGH: LiteralString = """
    select data_through_at from marts.fct_builds where status = 'published' order by published_at desc limit 1
"""
# Loads stay this far behind the clock, and the last call of a day may come before midnight.
_SETTLING = timedelta(hours=1)


@dataclass(frozen=True)
class UsageSeries:
    """One metric of one key, a value for every reporting day from `first_day` on; a day without calls is 0.

    `first_day` is the first day with a call (within the days read), so a new model has no zeros before its start.
    """

    metric: Metric
    level: Level
    key: str
    first_day: date
    values: tuple[Decimal, ...]

    @property
    def series_id(self) -> str:
        return f"{self.metric}/{self.level}/{self.key}"

    def floats(self) -> Floats:
        return np.array([float(value) for value in self.values])

    def day(self, number: int) -> date:
        return self.first_day + timedelta(days=number)


def last_complete_day(connection: psycopg.Connection, settings: Settings) -> date | None:
    """The last reporting day that is over and whose usage is loaded; None if the marts are empty.

    Raises ForecastError if they were never built.
    """
    try:
        loaded = connection.execute(_THROUGH).fetchone()
        newest = connection.execute("select max(usage_date) from marts.fct_usage_daily").fetchone()
    except (pg.UndefinedTable, pg.InsufficientPrivilege):
        raise ForecastError("The marts are not built yet: run ./run build, then ./run forecast.") from None
    if newest is None or newest[0] is None:
        return None
    through: datetime | None = loaded[0] if loaded else None
    until = settings.now() if through is None else min(through + _SETTLING, settings.now())
    return until.astimezone(settings.zone).date() - timedelta(days=1)


def read_usage(connection: psycopg.Connection, to_date: date) -> list[UsageSeries]:
    """Every series with a row in the `HISTORY_DAYS` up to `to_date`, in order of series_id."""
    from_date = to_date - timedelta(days=HISTORY_DAYS)
    rows = connection.execute(_USAGE, {"from_date": from_date, "to_date": to_date})
    by_key: dict[tuple[Level, str], dict[date, tuple[Decimal, Decimal]]] = defaultdict(dict)
    for day, level, key, cost, calls in rows:
        by_key[level, key][day] = (Decimal(cost), Decimal(calls))
    series = [one for (level, key), days in by_key.items() for one in _series(level, key, days, to_date)]
    return sorted(series, key=lambda one: one.series_id)


def _series(level: Level, key: str, days: dict[date, tuple[Decimal, Decimal]], to_date: date) -> Iterable[UsageSeries]:
    first_day = min(days)
    nothing = (Decimal(0), Decimal(0))
    values = [days.get(first_day + timedelta(days=number), nothing) for number in range((to_date - first_day).days + 1)]
    for place, metric in enumerate(METRICS):
        yield UsageSeries(metric, level, key, first_day, tuple(value[place] for value in values))
