"""Upkeep of the warehouse: old months of raw, old entries of the run logs, statistics and dead rows."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from tracemart.retention import Retention, drop_expired
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

KEPT_DAYS = 400
RUN_LOGS = {"validation_results": "checked_at", "model_runs": "finished_at"}
# What nothing was written to since it was last vacuumed and analysed, such as an old month, is left alone.
_WRITTEN_TO = """
    select schemaname, tables.relname from pg_stat_user_tables as tables inner join pg_class on pg_class.oid = relid
    where
        schemaname in ('raw', 'operations', 'forecasts', 'intermediate') and relkind = 'r'
        and (
            n_dead_tup > 0 or n_mod_since_analyze > 0 or n_ins_since_vacuum > 0
            or coalesce(last_analyze, last_autoanalyze) is null
        )
    order by 1, 2
"""


@dataclass(frozen=True)
class Maintenance:
    vacuumed: list[str]
    pruned_rows: int
    retention: Retention

    def __str__(self) -> str:
        done = f"vacuumed {len(self.vacuumed)} tables, removed {self.pruned_rows} old entries of run logs"
        return "; ".join(filter(None, [done, str(self.retention)]))


def maintain(settings: Settings) -> Maintenance:
    """Drop what raw need not keep (see drop_expired), and after KEPT_DAYS run logs and entries of loads that brought
    nothing; vacuum and analyse the tables that were written to.

    Raises WarehouseError.
    """
    retention = drop_expired(settings)
    with Warehouse(settings).connect(Role.OWNER, autocommit=True) as connection:
        pruned = _prune_loads(connection, settings) + sum(
            connection.execute(
                sql.SQL("delete from operations.{} where {} < %s - make_interval(days => %s)").format(
                    sql.Identifier(table), sql.Identifier(column)
                ),
                (settings.now(), KEPT_DAYS),
            ).rowcount
            for table, column in RUN_LOGS.items()
        )
        tables = connection.execute(_WRITTEN_TO).fetchall()
        for schema, table in tables:
            connection.execute(sql.SQL("vacuum (analyze) {}.{}").format(sql.Identifier(schema), sql.Identifier(table)))
        _analyze_partitioned(connection)
    return Maintenance([f"{schema}.{table}" for schema, table in tables], pruned, retention)


def _prune_loads(connection: psycopg.Connection, settings: Settings) -> int:
    """Of loads that brought nothing nobody asks any more."""
    return connection.execute(
        "delete from raw.loads where rows_inserted + rows_updated + rows_rejected = 0"
        " and finished_at < %s - make_interval(days => %s)",
        (settings.now(), KEPT_DAYS),
    ).rowcount


def _analyze_partitioned(connection: psycopg.Connection) -> None:
    """PostgreSQL itself never gathers what the planner asks of a partitioned table as a whole."""
    only = "only " if connection.info.server_version >= 180_000 else ""
    connection.execute(sql.SQL("analyze " + only + "raw.observations"))
