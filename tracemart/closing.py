"""Closing months of chargeback: see docs/decisions/0013-closed-months.md."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg

from tracemart.errors import ClosingError
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

CLOSING_LOCK = 7_466_302_014


@dataclass(frozen=True)
class Closing:
    """`month` is its first day; the sums are of all that is charged in it, of which `late_usd` is for months before."""

    month: date
    closed_at: datetime
    closed_by: str
    rows: int
    cost_usd: Decimal
    late_usd: Decimal
    is_new: bool

    def __str__(self) -> str:
        what = f"{self.month:%Y-%m} {'is closed' if self.is_new else 'was closed already'}"
        late = f", of which {self.late_usd:,.2f} USD came late for months before" if self.late_usd else ""
        return (
            f"{what}, by {self.closed_by} at {self.closed_at:%Y-%m-%d %H:%M} UTC: {self.cost_usd:,.2f} USD"
            f" in {self.rows:,} rows{late}."
        )


@dataclass(frozen=True)
class Reopening:
    month: date
    reopened_by: str

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} is open again, by {self.reopened_by}: close it once it is right."


def close_month(settings: Settings, month: date, by: str | None = None) -> Closing:
    """Freeze what the published marts charge in the month, in one transaction. Closed twice, nothing changes.

    Raises ClosingError where the month is not over or not loaded whole, or one before it is open; WarehouseError.
    """
    with _alone(settings, "closing a month") as connection:
        return _close(connection, settings, month, by or _user())


def reopen_month(settings: Settings, month: date, by: str | None = None) -> Reopening:
    """Take back the last closing; what it froze stays on record. Raises ClosingError, WarehouseError."""
    with _alone(settings, "opening a month again") as connection:
        return _reopen(connection, month, by or _user())


@contextmanager
def _alone(settings: Settings, doing: str) -> Iterator[psycopg.Connection]:
    """A transaction of which there is one at a time."""
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        try:
            connection.execute("select pg_advisory_xact_lock(%s)", (CLOSING_LOCK,))
            yield connection
        except psycopg.Error as error:
            raise warehouse_error(error, doing) from None


def _close(connection: psycopg.Connection, settings: Settings, month: date, by: str) -> Closing:
    known = _closing(connection, month)
    if known is not None:
        return known
    data_through_at = _check_is_over(connection, settings, month)
    _check_is_next(connection, month)
    # One statement, so that it reads the month as it was before there was a closing.
    connection.execute(
        """
        with
        postings as materialized (
            select * from marts.fct_chargeback_monthly where posting_month = %(month)s
        ),
        closing as (
            insert into operations.closed_months (month, closed_by, data_through_at)
            values (%(month)s, %(by)s, %(data_through_at)s)
            returning closing_id
        )
        insert into operations.closed_costs (
            closing_id, posting_month, service_month, instance, project_id, project_name, department, team, agent,
            canonical_model, kind, calls, cost_usd
        )
        select
            closing_id, posting_month, service_month, instance, project_id, project_name, department, team, agent,
            canonical_model, kind, calls, cost_usd
        from postings
        cross join closing
        """,
        {"month": month, "by": by, "data_through_at": data_through_at},
    )
    closing = _closing(connection, month, is_new=True)
    assert closing is not None
    return closing


def _closing(connection: psycopg.Connection, month: date, *, is_new: bool = False) -> Closing | None:
    row = connection.execute(
        """
        select
            closed.closed_at, closed.closed_by, count(costs.closing_id), coalesce(sum(costs.cost_usd), 0),
            coalesce(sum(costs.cost_usd) filter (where costs.service_month < closed.month), 0)
        from operations.closed_months as closed
        left join operations.closed_costs as costs using (closing_id)
        where closed.month = %s and closed.reopened_at is null
        group by closed.closing_id
        """,
        (month,),
    ).fetchone()
    if row is None:
        return None
    closed_at, closed_by, rows, cost_usd, late_usd = row
    return Closing(month, closed_at, closed_by, rows, cost_usd, late_usd, is_new)


def _check_is_over(connection: psycopg.Connection, settings: Settings, month: date) -> datetime | None:
    """The moment up to which the published marts hold all data. Raises ClosingError."""
    row = connection.execute("select to_regclass('marts.fct_chargeback_monthly') is not null").fetchone()
    if row is None or not row[0]:
        raise ClosingError("The marts are not built yet, so there is nothing to close: run ./run build first.")
    today = settings.now().astimezone(settings.zone).date()
    if month >= today.replace(day=1):
        raise ClosingError(
            f"{month:%Y-%m} is not over: it can be closed from {_following(month)} on ({settings.timezone})."
        )
    row = connection.execute(
        "select data_through_at from operations.builds where status = 'published' order by published_at desc limit 1"
    ).fetchone()
    through: datetime | None = row[0] if row else None
    if through is not None and through.astimezone(settings.zone).date() < _following(month):
        raise ClosingError(
            f"The marts hold data up to {through:%Y-%m-%d %H:%M} UTC, before {month:%Y-%m} ends: run ./run extract and"
            " ./run build, then close it."
        )
    return through


def _check_is_next(connection: psycopg.Connection, month: date) -> None:
    last = _last_closed(connection)
    if last is not None:
        following: date | None = _following(last)
    else:
        row = connection.execute("select min(usage_month) from marts.fct_usage_monthly").fetchone()
        following = row[0] if row else None
    if following is None or month < following:
        raise ClosingError(f"{month:%Y-%m} lies before all usage: there is nothing to close.")
    if month > following:
        raise ClosingError(f"{following:%Y-%m} is still open: close it before {month:%Y-%m}.")


def _last_closed(connection: psycopg.Connection) -> date | None:
    row = connection.execute("select max(month) from operations.closed_months where reopened_at is null").fetchone()
    return row[0] if row else None


def _reopen(connection: psycopg.Connection, month: date, by: str) -> Reopening:
    last = _last_closed(connection)
    if last is None or month > last:
        raise ClosingError(f"{month:%Y-%m} is open already: nothing was changed.")
    if month < last:
        raise ClosingError(f"Only the last closed month can be opened again, which is {last:%Y-%m}.")
    connection.execute(
        "update operations.closed_months set reopened_at = clock_timestamp(), reopened_by = %s"
        " where month = %s and reopened_at is null",
        (by, month),
    )
    return Reopening(month, by)


def _following(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
