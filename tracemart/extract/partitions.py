"""The months of raw.observations: each is a table of its own, made before its first row comes."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import psycopg
from psycopg import sql

PARTITIONED = "observations"
ASKED_FOR = sql.SQL(
    "instance, project_id, trace_id, id, parent_observation_id, type, level, model, user_id, session_id, start_time,"
    " start_month, batch_id"
)


def months_between(start: datetime, end: datetime) -> list[date]:
    """The first days of the UTC months that [start, end] touches."""
    return list(_months(start.astimezone(UTC).date().replace(day=1), end.astimezone(UTC).date()))


def ensure_months(connection: psycopg.Connection, months: Iterable[date]) -> None:
    """Make the partitions that lack, without holding up readers as CREATE … PARTITION OF would."""
    for month in months:
        name = partition_of(month)
        if exists(connection, name):
            continue
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"tracemart month {name}",))
            if exists(connection, name):
                continue
            names = {
                "partition": sql.Identifier("raw", name),
                "table": sql.Identifier("raw", PARTITIONED),
                "start": sql.Literal(month),
                "end": sql.Literal(following_month(month)),
            }
            connection.execute(sql.SQL("create table {partition} (like {table} including all)").format(**names))
            connection.execute(
                sql.SQL("alter table {table} attach partition {partition} for values from ({start}) to ({end})").format(
                    **names
                )
            )


def ensure_statistics(connection: psycopg.Connection, months: Iterable[date]) -> None:
    """Analyse the months that nobody analysed yet: the planner would take their rows for few."""
    for month in months:
        partition = f"raw.{partition_of(month)}"
        row = connection.execute(
            "select reltuples < 0 and pg_relation_size(oid) > 0 from pg_class where oid = %s::regclass", (partition,)
        ).fetchone()
        if row is not None and row[0]:
            analyse(connection, partition_of(month))


def analyse(connection: psycopg.Connection, table: str) -> None:
    """Statistics of what queries ask for and join by; those of the wide columns would take longer than loading them."""
    # A sample a tenth as large as PostgreSQL's own tells enough of rows that look alike.
    connection.execute("set default_statistics_target = 10")
    connection.execute(sql.SQL("analyze {} ({})").format(sql.Identifier("raw", table), ASKED_FOR))


def partition_of(month: date) -> str:
    """The name of a month's table in the schema raw."""
    return f"{PARTITIONED}_{month:%Y_%m}"


def following_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def exists(connection: psycopg.Connection, name: str) -> bool:
    """Whether the schema raw has a table of that name."""
    row = connection.execute("select to_regclass(%s) is not null", (f"raw.{name}",)).fetchone()
    return row is not None and bool(row[0])


def _months(month: date, last: date) -> Iterator[date]:
    while month <= last:
        yield month
        month = following_month(month)
