"""What PostgreSQL's planner has to know after many rows came."""

import psycopg
from psycopg import sql

from tracemart.extract.load import LoadCounts
from tracemart.extract.partitions import analyse, exists, months_between, partition_of
from tracemart.extract.upsert import Upsert
from tracemart.extract.windows import Window

MANY_ROWS = 10_000


def refresh_statistics(connection: psycopg.Connection, upsert: Upsert, window: Window, counts: LoadCounts) -> None:
    """Statistics of the tables that a large load went into.

    A plan made on the statistics of an empty table would cost the next build minutes.
    """
    if counts.inserted + counts.updated < MANY_ROWS:
        return
    if not upsert.is_by_month:
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier("raw", upsert.table)))
        return
    has_statistics = connection.execute(
        "select exists (select from pg_stats where schemaname = 'raw' and tablename = %s and inherited)",
        (upsert.table,),
    ).fetchone()
    if has_statistics is not None and has_statistics[0]:
        for month in months_between(window.start, window.end):
            if exists(connection, partition_of(month)):
                analyse(connection, partition_of(month))
    else:
        # The table's own, and with them those of each of its months.
        analyse(connection, upsert.table)
    connection.execute("analyze raw.trace_months")
