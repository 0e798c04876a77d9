"""A warehouse with a loaded month of one project, and marts beside it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

AS_OF = datetime(2026, 10, 5, 2, tzinfo=UTC)
MARTS = Path(__file__).parents[1] / "report" / "marts.sql"


@pytest.fixture
def settings(warehouse_settings: Settings) -> Settings:
    return warehouse_settings.model_copy(update={"as_of": AS_OF})


@pytest.fixture
def execute(settings: Settings) -> Callable[..., None]:
    def run(statement: str, *parameters: object) -> None:
        with Warehouse(settings).connect(Role.OWNER) as connection:
            connection.execute(statement.encode(), parameters or None)

    return run


@pytest.fixture
def loaded(settings: Settings, execute: Callable[..., None]) -> Settings:
    """42 days to 2026-10-04 of 200 generations each, in one load that no published build holds."""
    execute(
        "insert into raw.loads"
        " (instance, project_id, entity, source, started_at, finished_at, rows_read, rows_inserted)"
        " values ('demo', 'p1', 'observations', 'v4', %s, %s, 8400, 8400)",
        AS_OF,
        AS_OF,
    )
    execute(
        "insert into raw.projects (instance, project_id, name, host, batch_id)"
        " values ('demo', 'p1', 'Support desk', 'http://127.0.0.1:1', 1)"
    )
    execute("insert into raw.watermarks values ('demo', 'p1', 'observations', %s, null, now())", AS_OF)
    for month in ("2023-11", "2026-08", "2026-09", "2026-10", "2027-03"):
        execute(
            f"create table raw.observations_{month.replace('-', '_')} partition of raw.observations"
            f" for values from ('{month}-01') to ('{month}-28')"
        )
    execute(
        """
        insert into raw.observations (
            instance, project_id, trace_id, id, type, level, start_time, end_time, model, usage_details, cost_details,
            input_usage, output_usage, total_usage, total_cost, source, batch_id, start_month
        )
        select
            'demo', 'p1', 't' || day || '-' || n, 'o' || n, 'GENERATION', 'DEFAULT',
            timestamptz '2026-10-04 08:00+00' - day * interval '1 day' + n * interval '1 minute',
            timestamptz '2026-10-04 08:00:02+00' - day * interval '1 day' + n * interval '1 minute',
            'gpt-4o', '{"input": 100, "output": 20, "total": 120}', '{"input": 0.001, "output": 0.002}',
            100, 20, 120, 0.003, 'v4', 1, date_trunc('month', date '2026-10-04' - day)
        from generate_series(0, 41) as day
        cross join generate_series(1, 200) as n
        """
    )
    return settings


def fill_marts(connection: psycopg.Connection, schema: str) -> None:
    connection.execute(f"set local search_path to {schema}, public".encode())
    connection.execute(MARTS.read_text().encode())


@pytest.fixture
def both_builds(loaded: Settings) -> Settings:
    """The same marts published and about to be published by a build that touched every loaded day."""
    with Warehouse(loaded).connect(Role.TRANSFORMER) as connection:
        connection.execute(
            "create table intermediate.int_days_touched as"
            " select day::date as reporting_day from generate_series('2026-08-24'::date, '2026-10-04', '1 day') as day"
        )
        for schema in ("marts", "marts_next"):
            fill_marts(connection, schema)
    return loaded
