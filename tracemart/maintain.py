"""Upkeep of the warehouse: statistics and dead rows of raw, old entries of the run logs."""

from dataclasses import dataclass

from psycopg import sql

from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

KEPT_DAYS = 400
RUN_LOGS = {"validation_results": "checked_at", "model_runs": "finished_at"}


@dataclass(frozen=True)
class Maintenance:
    vacuumed: list[str]
    pruned_rows: int

    def __str__(self) -> str:
        return f"vacuumed {len(self.vacuumed)} tables, removed {self.pruned_rows} old entries of run logs"


def maintain(settings: Settings) -> Maintenance:
    """Vacuum and analyse the tables that are written in place; drop run logs older than KEPT_DAYS."""
    with Warehouse(settings).connect(Role.OWNER, autocommit=True) as connection:
        pruned = sum(
            connection.execute(
                sql.SQL("delete from operations.{} where {} < %s - make_interval(days => %s)").format(
                    sql.Identifier(table), sql.Identifier(column)
                ),
                (settings.now(), KEPT_DAYS),
            ).rowcount
            for table, column in RUN_LOGS.items()
        )
        tables = connection.execute(
            "select schemaname, relname from pg_stat_user_tables"
            " where schemaname in ('raw', 'operations', 'forecasts', 'intermediate') order by 1, 2"
        ).fetchall()
        for schema, table in tables:
            connection.execute(sql.SQL("vacuum (analyze) {}.{}").format(sql.Identifier(schema), sql.Identifier(table)))
    return Maintenance([f"{schema}.{table}" for schema, table in tables], pruned)
