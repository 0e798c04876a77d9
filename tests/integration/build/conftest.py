"""A small Langfuse history in raw, and the marts made of it."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tracemart.build import LAYERS, build_layer, check_marts, publish, start_build
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

INSTANCE = "demo"
START = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = {"observations": ("instance", "project_id", "trace_id", "id"), "scores": ("instance", "project_id", "id")}
# What tells of builds, not of calls.
OF_BUILDS = ("fct_builds", "fct_data_quality")


class Raw:
    """Writes loads as extraction does: a changed row is kept apart, in the same transaction as what replaces it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def load(self, entity: str, rows: list[dict[str, Any]], *, through: datetime | None = None) -> int:
        with Warehouse(self.settings).connect(Role.OWNER) as connection:
            batch_id = self._begin(connection, entity, len(rows))
            for row in rows:
                self._upsert(connection, entity, row, batch_id)
            if through is not None:
                connection.execute(
                    "insert into raw.watermarks (instance, project_id, entity, loaded_through_at)"
                    " values (%s, 'p1', %s, %s) on conflict (instance, project_id, entity)"
                    " do update set loaded_through_at = excluded.loaded_through_at",
                    (INSTANCE, entity, through),
                )
            return batch_id

    def vanish(self, *ids: str, gone: bool = True) -> None:
        """Flag observations as gone in Langfuse, or take the flag back: nothing else of them changes."""
        with Warehouse(self.settings).connect(Role.OWNER) as connection:
            batch_id = self._begin(connection, "observations", 0)
            flagged = connection.execute(
                "update raw.observations set vanished_at = case when %s then now() end, batch_id = %s"
                " where id = any(%s)",
                (gone, batch_id, list(ids)),
            ).rowcount
            connection.execute("update raw.loads set rows_updated = %s where batch_id = %s", (flagged, batch_id))

    def projects(self, **names: str) -> None:
        with Warehouse(self.settings).connect(Role.OWNER) as connection:
            batch_id = self._begin(connection, "projects", len(names))
            for project_id, name in names.items():
                connection.execute(
                    "insert into raw.projects (instance, project_id, name, host, batch_id)"
                    " values (%s, %s, %s, 'http://langfuse.test', %s) on conflict (instance, project_id)"
                    " do update set name = excluded.name, batch_id = excluded.batch_id",
                    (INSTANCE, project_id, name, batch_id),
                )

    def _begin(self, connection: psycopg.Connection, entity: str, rows: int) -> int:
        row = connection.execute(
            "insert into raw.loads (instance, project_id, entity, source, started_at, rows_inserted)"
            " values (%s, 'p1', %s, 'test', clock_timestamp(), %s) returning batch_id",
            (INSTANCE, entity, rows),
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _upsert(self, connection: psycopg.Connection, entity: str, row: dict[str, Any], batch_id: int) -> None:
        key = " and ".join(f"{column} = %({column})s" for column in KEYS[entity])
        columns = ", ".join(columns_of(connection, entity))
        connection.execute(
            f"insert into raw.superseded_{entity} ({columns}, superseded_by_batch_id)"
            f" select {columns}, %(new_batch_id)s from raw.{entity} where {key}",
            row | {"new_batch_id": batch_id},
        )
        connection.execute(f"delete from raw.{entity} where {key}", row)
        row = row | {"batch_id": batch_id}
        if entity == "observations":
            row |= {"start_month": self._month(connection, row)}
        connection.execute(
            f"insert into raw.{entity} ({', '.join(row)}) values ({', '.join(f'%({column})s' for column in row)})", row
        )

    def _month(self, connection: psycopg.Connection, row: dict[str, Any]) -> date:
        month = row["start_time"].astimezone(UTC).date().replace(day=1)
        following = (month + timedelta(days=31)).replace(day=1)
        connection.execute(
            f"create table if not exists raw.observations_{month:%Y_%m} partition of raw.observations"
            f" for values from ('{month}') to ('{following}')"
        )
        connection.execute(f"alter table raw.observations_{month:%Y_%m} owner to tracemart_loader")
        connection.execute(
            "insert into raw.trace_months values (%(instance)s, %(project_id)s, %(trace_id)s, %(month)s)"
            " on conflict do nothing",
            row | {"month": month},
        )
        return month


def columns_of(connection: psycopg.Connection, entity: str) -> list[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        (f"raw.{entity}",),
    )
    return [row[0] for row in rows]


def observation(trace: str, name: str, day: float, **fields: Any) -> dict[str, Any]:
    """An observation `day` days after START; with `cost` and `tokens` it is a call of a model without a list price."""
    start = START + timedelta(days=day)
    cost, tokens = fields.pop("cost", None), fields.pop("tokens", 10)
    row = {
        "instance": INSTANCE, "project_id": "p1", "trace_id": trace, "id": f"{trace}-{name}", "type": "SPAN",
        "name": name, "level": "DEFAULT", "environment": "production", "start_time": start,
        "end_time": start + timedelta(seconds=2), "tags": [], "source": "test", "parent_observation_id": None,
        "user_id": "", "metadata": Jsonb({}), "is_root_observation": False, "latency_seconds": 2, "updated_at": start,
        "usage_details": Jsonb({}), "cost_details": Jsonb({}), "total_cost": 0,
    }  # fmt: skip
    if cost is not None:
        row |= {
            "type": "GENERATION",
            "model": "in-house-1",
            "usage_details": Jsonb({"input": tokens, "output": 2 * tokens, "total": 3 * tokens}),
            "cost_details": Jsonb({"input": cost / 2, "output": cost / 2, "total": cost}),
            "total_cost": cost,
        }
    return row | fields


def root(trace: str, day: float, **fields: Any) -> dict[str, Any]:
    return observation(trace, "root", day, is_root_observation=True, **fields)


def score(name: str, trace: str, day: float, value: float, **fields: Any) -> dict[str, Any]:
    return {
        "instance": INSTANCE, "project_id": "p1", "id": f"{trace}-{name}", "name": name, "data_type": "NUMERIC",
        "numeric_value": value, "trace_id": trace, "scored_at": START + timedelta(days=day), "load_source": "test",
    } | fields  # fmt: skip


@pytest.fixture
def raw(warehouse_settings: Settings) -> Raw:
    written = Raw(warehouse_settings)
    written.projects(p1="Support", p2="Sales")
    return written


@pytest.fixture
def built(warehouse_settings: Settings) -> Callable[..., int | None]:
    """Builds and publishes, audited before that if asked; the checks of tracemart.validate have tests of their own."""

    def build_now(
        settings: Settings = warehouse_settings, *, full_refresh: bool = False, audited: bool = False
    ) -> int | None:
        build_id = start_build(settings, full_refresh)
        if build_id is not None:
            for layer in LAYERS:
                build_layer(settings, build_id, layer)
            if audited:
                check_marts(settings, build_id)
            publish(settings, build_id)
        return build_id

    return build_now


@pytest.fixture
def owner(warehouse_settings: Settings) -> Iterator[psycopg.Connection]:
    with Warehouse(warehouse_settings).connect(Role.OWNER, autocommit=True) as connection:
        yield connection


def marts(connection: psycopg.Connection) -> dict[str, list[str]]:
    """Every row of every mart that readers see, as sorted text."""
    names = [
        row[0]
        for row in connection.execute("select table_name from information_schema.tables where table_schema = 'marts'")
        if row[0] not in OF_BUILDS
    ]
    return {
        name: sorted(row[0] for row in connection.execute(f"select mart::text from marts.{name} as mart"))
        for name in sorted(names)
    }
