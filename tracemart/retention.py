"""Dropping the oldest months of raw; the marts keep their days, see docs/decisions/0006-raw-by-month.md."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import errors as pg
from psycopg import sql

from tracemart.build.held import why_not_held
from tracemart.build.slots import take_build_lock
from tracemart.build.version import project_version
from tracemart.errors import BuildError
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

LOCK_TIMEOUT = "10s"
# A project whose watermark stood still as long is no longer loaded; others are waited for.
STILL_LOADED_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class DroppedMonth:
    """`observations` and `scores` are rows; `others` are superseded and rejected ones; `bytes` those of the table."""

    month: date
    observations: int
    scores: int
    others: int
    bytes: int

    def __str__(self) -> str:
        return (
            f"dropped {self.month:%Y-%m} from raw: {self.observations:,} observations, {self.scores:,} scores,"
            f" {self.others:,} superseded or rejected rows, {self.bytes / 1_000_000:,.1f} MB"
        )


@dataclass(frozen=True)
class Retention:
    """What was dropped, and why the next month was not."""

    dropped: tuple[DroppedMonth, ...] = ()
    waits: str | None = None

    def __str__(self) -> str:
        return "; ".join([*map(str, self.dropped), *([self.waits] if self.waits else [])])


def drop_expired(settings: Settings) -> Retention:
    """Drop from raw the months older than TRACEMART_RAW_RETENTION_MONTHS whole months before the present one.

    Month by month, oldest first, each in one transaction of seconds in which no load writes. A month goes only if both
    copies of the marts hold it; else, or where a lock is not to be had, it waits for the next time. The observations
    of a trace that goes on in a later month stay, for what the later ones are called and whose they are stands there.
    Raises WarehouseError.
    """
    if settings.raw_retention_months is None:
        return Retention()
    version = project_version(settings)
    dropped: list[DroppedMonth] = []
    with Warehouse(settings).connect(Role.OWNER, autocommit=True) as connection:
        try:
            for month in _expired_months(connection, settings):
                try:
                    with connection.transaction():
                        result = _drop(connection, month, settings, version)
                except (pg.LockNotAvailable, pg.DeadlockDetected):
                    result = "a load or a check was at work on it"
                except BuildError:
                    result = "a build was at work"
                if isinstance(result, str):
                    return Retention(tuple(dropped), f"{month:%Y-%m} stays in raw for now: {result}")
                if result is not None:
                    dropped.append(result)
        except psycopg.Error as error:
            raise warehouse_error(error, "dropping old months from raw") from None
    return Retention(tuple(dropped))


def first_kept_month(now: datetime, months: int) -> date:
    """The first of `months` whole months before the present one, in UTC."""
    present = now.astimezone(UTC).date()
    position = present.year * 12 + present.month - 1 - months
    return date(position // 12, position % 12 + 1, 1)


def _following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _expired_months(connection: psycopg.Connection, settings: Settings) -> list[date]:
    assert settings.raw_retention_months is not None
    kept_from = first_kept_month(settings.now(), settings.raw_retention_months)
    return [month for month, _ in _partitions(connection) if month < kept_from]


def _partitions(connection: psycopg.Connection) -> list[tuple[date, sql.Identifier]]:
    """(month, table) of each partition of raw.observations, oldest first."""
    rows = connection.execute(
        "select substring(pg_get_expr(relpartbound, oid) from '(\\d{4}-\\d{2}-\\d{2})')::date as month, relname"
        " from pg_class where oid in (select inhrelid from pg_inherits where inhparent = 'raw.observations'::regclass)"
        " and pg_get_expr(relpartbound, oid) <> 'DEFAULT' order by month"
    ).fetchall()
    return [(month, sql.Identifier("raw", name)) for month, name in rows]


def _drop(connection: psycopg.Connection, month: date, settings: Settings, version: str) -> DroppedMonth | str | None:
    """What was dropped, or why nothing was; None where only traces that go on were left of it."""
    connection.execute(sql.SQL("set local lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
    take_build_lock(connection, "pg_try_advisory_xact_lock")
    # Every load begins with an entry there: those that write are waited for, others wait.
    connection.execute("lock table raw.loads in share row exclusive mode")
    border = _Border.after(connection, month, settings.timezone)
    tables = [(each, table) for each, table in _partitions(connection) if each <= month]
    if not any(_has_finished_traces(connection, table, border.month) for _, table in tables):
        return None
    waits = _slow_project(connection, border) or why_not_held(connection, version, border.starts_at)
    if waits:
        return waits
    _keep_borders(connection, border, settings.timezone)
    _note_traces_that_go_on(connection, border)
    others = _delete(connection, "superseded_observations", "start_month < %(month)s", border)
    others += _delete(connection, "superseded_scores", "scored_at < %(moment)s", border)
    others += _delete(connection, "rejected_rows", "rejected_at < %(moment)s", border)
    scores = _delete(connection, "scores", f"scored_at < %(moment)s and not {_GOES_ON}", border)
    _delete(connection, "trace_months", f"start_month < %(month)s and not {_GOES_ON}", border)
    # The tables last, so that readers are kept out of them no longer than it takes to empty them.
    emptied = [_empty(connection, table) for _, table in tables]
    return DroppedMonth(month, sum(rows for rows, _ in emptied), scores, others, sum(size for _, size in emptied))


_GOES_ON = """
    exists (
        select from pg_temp.going_on
        where
            going_on.instance = old.instance and going_on.project_id = old.project_id
            and going_on.trace_id = old.trace_id
    )
"""


@dataclass(frozen=True)
class _Border:
    """The first month that raw keeps, and the first reporting day that lies in it whole."""

    month: date
    moment: datetime
    first_date: date
    starts_at: datetime

    @classmethod
    def after(cls, connection: psycopg.Connection, month: date, timezone: str) -> "_Border":
        first = _following(month)
        moment = datetime(first.year, first.month, first.day, tzinfo=UTC)
        row = connection.execute(
            "select day, day::timestamp at time zone %(zone)s"
            " from (select (%(moment)s at time zone %(zone)s)::date + shift from generate_series(0, 1) as shift)"
            " as days (day) where day::timestamp at time zone %(zone)s >= %(moment)s order by day limit 1",
            {"moment": moment, "zone": timezone},
        ).fetchone()
        assert row is not None
        return cls(first, moment, row[0], row[1])


def _has_finished_traces(connection: psycopg.Connection, table: sql.Identifier, month: date) -> bool:
    query = sql.SQL(
        "select exists (select from {} as old where not exists (select from raw.trace_months as later"
        " where later.instance = old.instance and later.project_id = old.project_id"
        " and later.trace_id = old.trace_id and later.start_month >= %s))"
    ).format(table)
    row = connection.execute(query, (month,)).fetchone()
    return row is not None and bool(row[0])


def _note_traces_that_go_on(connection: psycopg.Connection, border: _Border) -> None:
    connection.execute(
        "create temporary table going_on on commit drop as"
        " select instance, project_id, trace_id from raw.trace_months"
        " group by instance, project_id, trace_id"
        " having min(start_month) < %(month)s and max(start_month) >= %(month)s",
        {"month": border.month},
    )
    connection.execute("create index on pg_temp.going_on (instance, project_id, trace_id)")
    connection.execute("analyze pg_temp.going_on")


def _slow_project(connection: psycopg.Connection, border: _Border) -> str | None:
    row = connection.execute(
        "select instance || '/' || project_id, loaded_through_at from raw.watermarks"
        " where entity in ('observations', 'scores') and loaded_through_at < %s and updated_at > %s"
        " order by loaded_through_at limit 1",
        (border.starts_at, datetime.now(UTC) - STILL_LOADED_WITHIN),
    ).fetchone()
    return f"{row[0]} is loaded through {row[1]:%Y-%m-%d %H:%M} UTC only" if row else None


def _keep_borders(connection: psycopg.Connection, border: _Border, timezone: str) -> None:
    """From here on each project's older days are carried over. One that is loaded less far keeps what may yet come."""
    connection.execute(
        """
        insert into operations.raw_kept_from as known
            (instance, project_id, first_month, first_date, first_date_starts_at)
        select
            instance, project_id, %(month)s,
            case when loaded_through_at < %(starts_at)s
                then (loaded_through_at at time zone %(zone)s)::date + 1 else %(first_date)s end,
            least(loaded_through_at, %(starts_at)s)
        from raw.projects
        left join (
            select instance, project_id, max(loaded_through_at) as loaded_through_at
            from raw.watermarks where entity in ('observations', 'scores') group by instance, project_id
        ) as loaded using (instance, project_id)
        on conflict (instance, project_id) do update set
            first_month = excluded.first_month, first_date = excluded.first_date,
            first_date_starts_at = excluded.first_date_starts_at, updated_at = clock_timestamp()
        where excluded.first_date_starts_at > known.first_date_starts_at
        """,
        {"month": border.month, "starts_at": border.starts_at, "first_date": border.first_date, "zone": timezone},
    )


def _delete(connection: psycopg.Connection, table: str, condition: str, border: _Border) -> int:
    query = sql.SQL("delete from {} as old where {}").format(sql.Identifier("raw", table), sql.SQL(condition))
    return connection.execute(query, {"month": border.month, "moment": border.moment}).rowcount


def _empty(connection: psycopg.Connection, table: sql.Identifier) -> tuple[int, int]:
    """Leave only rows of traces that go on; the numbers of rows and bytes that are gone."""
    size, rows = _size(connection, table)
    connection.execute(
        sql.SQL(
            "create temporary table staying on commit drop as"
            " select old.* from pg_temp.going_on inner join {} as old using (instance, project_id, trace_id)"
        ).format(table)
    )
    connection.execute(sql.SQL("truncate table {}").format(table))
    staying = connection.execute(
        sql.SQL("insert into {table} ({columns}) select {columns} from pg_temp.staying").format(
            table=table, columns=_columns(connection)
        )
    ).rowcount
    connection.execute("drop table pg_temp.staying")
    if staying == 0:
        connection.execute(sql.SQL("drop table {}").format(table))
        return rows, size
    return rows - staying, size - _size(connection, table)[0]


def _columns(connection: psycopg.Connection) -> sql.Composed:
    rows = connection.execute(
        "select attname from pg_attribute"
        " where attrelid = 'raw.observations'::regclass and attnum > 0 and not attisdropped order by attnum"
    )
    return sql.SQL(", ").join(sql.Identifier(row[0]) for row in rows)


def _size(connection: psycopg.Connection, table: sql.Identifier) -> tuple[int, int]:
    row = connection.execute(
        sql.SQL("select pg_total_relation_size({}), (select count(*) from {})").format(
            sql.Literal(table.as_string(connection)), table
        )
    ).fetchone()
    assert row is not None
    return row[0], row[1]
