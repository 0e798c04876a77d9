"""What the warehouse knows that seeds are judged by; nothing before the first build."""

from collections.abc import Mapping
from datetime import date
from typing import LiteralString

import psycopg

from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

_NAMES: Mapping[str, tuple[str, LiteralString]] = {
    "project": ("marts.dim_projects", "select distinct project_id from marts.dim_projects"),
    "department": ("marts.dim_departments", "select distinct department from marts.dim_departments"),
    "team": ("marts.dim_teams", "select distinct team from marts.dim_teams"),
    "agent": ("marts.dim_agents", "select distinct agent from marts.dim_agents"),
    "model": ("marts.dim_models", "select distinct canonical_model from marts.dim_models"),
}

# Days that readers see, and days of rows that the next build takes up.
_DAYS: LiteralString = """
    with
    lacking as (
        select coalesce(array_agg(loads.batch_id), '{}') as batch_ids, min(batch_id) as first, max(batch_id) as last
        from raw.loads
        where rows_inserted + rows_updated > 0 and not exists (
            select from operations.slot_loads as held inner join operations.slots using (slot)
            where slots.schema_name = 'marts' and held.batch_id = loads.batch_id
        )
    )
    select distinct (observations.start_time at time zone %(timezone)s)::date
    from raw.observations
    where
        batch_id >= (select first from lacking) and batch_id <= (select last from lacking)
        and batch_id = any((select batch_ids from lacking)::bigint[])
        and (model is not null or total_cost <> 0)
"""


def known_names(settings: Settings) -> dict[str, set[str]]:
    """The projects, departments, teams, agents and canonical models that have a call. Raises WarehouseError."""
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        try:
            return {
                scope: {row[0] for row in connection.execute(query)} if _stands(connection, mart) else set()
                for scope, (mart, query) in _NAMES.items()
            }
        except psycopg.Error as error:
            raise warehouse_error(error, "reading what budgets may name") from None


def days_of_use(settings: Settings) -> set[date]:
    """The reporting days with a call, of the published marts and of loads that they lack. Raises WarehouseError."""
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        try:
            days = {row[0] for row in connection.execute(_DAYS, {"timezone": settings.timezone})}
            if _stands(connection, "marts.fct_usage_daily"):
                days |= {row[0] for row in connection.execute("select distinct usage_date from marts.fct_usage_daily")}
            return days
        except psycopg.Error as error:
            raise warehouse_error(error, "reading which days want an exchange rate") from None


def _stands(connection: psycopg.Connection, mart: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", (mart,)).fetchone()
    return row is not None and bool(row[0])
