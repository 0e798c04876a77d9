"""The months of raw.observations: each is a table of its own, made before its first row comes."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import psycopg
from psycopg import sql

PARTITIONED = "observations"


def months_between(start: datetime, end: datetime) -> list[date]:
    """The first days of the UTC months that [start, end] touches."""
    return list(_months(start.astimezone(UTC).date().replace(day=1), end.astimezone(UTC).date()))


def ensure_months(connection: psycopg.Connection, months: Iterable[date]) -> None:
    """Make the partitions that lack, without holding up readers as CREATE … PARTITION OF would."""
    for month in months:
        name = partition_of(month)
        if _exists(connection, name):
            continue
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"tracemart month {name}",))
            if _exists(connection, name):
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


def partition_of(month: date) -> str:
    """The name of a month's table in the schema raw."""
    return f"{PARTITIONED}_{month:%Y_%m}"


def following_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _months(month: date, last: date) -> Iterator[date]:
    while month <= last:
        yield month
        month = following_month(month)


def _exists(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", (f"raw.{name}",)).fetchone()
    return row is not None and bool(row[0])
