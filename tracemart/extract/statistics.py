"""What PostgreSQL's planner has to know after many rows came."""

import psycopg
from psycopg import sql

from tracemart.extract.load import LoadCounts
from tracemart.extract.partitions import months_between, partition_of
from tracemart.extract.upsert import Upsert
from tracemart.extract.windows import Window

MANY_ROWS = 10_000
# What queries ask for and join by: statistics of the wide columns would take longer than loading them.
ASKED_FOR = sql.SQL(
    "(instance, project_id, trace_id, id, parent_observation_id, type, level, model, user_id, session_id, start_time,"
    " start_month, batch_id)"
)


def refresh_statistics(connection: psycopg.Connection, upsert: Upsert, window: Window, counts: LoadCounts) -> None:
    """Statistics of the tables that a large load went into.

    A plan made on the statistics of an empty table would cost the next build minutes.
    """
    if counts.inserted + counts.updated < MANY_ROWS:
        return
    # A sample a third as large as PostgreSQL's own tells enough of rows that look alike.
    connection.execute("set default_statistics_target = 33")
    if not upsert.is_by_month:
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier("raw", upsert.table)))
        return
    for month in months_between(window.start, window.end):
        partition = sql.Identifier("raw", partition_of(month))
        found = connection.execute("select to_regclass(%s)", (f"raw.{partition_of(month)}",)).fetchone()
        if found is None or found[0] is None:
            continue
        connection.execute(sql.SQL("analyze {} {}").format(partition, ASKED_FOR))
    has_statistics = connection.execute(
        "select exists (select from pg_stats where schemaname = 'raw' and tablename = %s and inherited)",
        (upsert.table,),
    ).fetchone()
    if has_statistics is not None and not has_statistics[0]:
        connection.execute(sql.SQL("analyze {} {}").format(sql.Identifier("raw", upsert.table), ASKED_FOR))
    connection.execute("analyze raw.trace_months")
