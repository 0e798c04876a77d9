"""Price lists and calls in the warehouse, and the cost that dbt's own models give each call."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from tracemart.build.invocation import run_dbt
from tracemart.services.postgres import EmbeddedPostgres
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

INSTANCE = "demo"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
BOOK = ("int_models_canonical", "int_prices_listed", "int_prices_matched", "int_prices_offered", "int_prices_dated")
PLAIN = ("input", "cached_input", "cache_write", "output")
INPUT = (
    "audio_input", "cached_audio_input", "image_input", "cached_image_input", "video_input", "cached_video_input",
    "tool_input",
)  # fmt: skip
KNOWN_SINCE = datetime(2026, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


class PriceBook:
    """Writes price lists as extraction and load_prices do, and calls as int_generations_measured holds them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.calls: list[Row] = []

    def execute(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        with Warehouse(self.settings).connect(Role.OWNER) as connection:
            cursor = connection.cursor(row_factory=dict_row).execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def insert(self, table: str, rows: Iterable[Row]) -> None:
        rows = list(rows)
        columns = list(rows[0])
        with Warehouse(self.settings).connect(Role.OWNER) as connection, connection.cursor() as cursor:
            statement = f"copy {table} ({', '.join(columns)}) from stdin"
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row([row[column] for column in columns])

    def projects(self, *names: str) -> None:
        self.insert(
            "raw.projects",
            [
                {"instance": INSTANCE, "project_id": name, "name": name, "host": "http://langfuse.test", "batch_id": 1}
                for name in names
            ],
        )

    def names(self, **price_refs: str | None) -> None:
        """Models as sent, with their entry of genai-prices; an underscore stands for a dash."""
        self.name_rows({model.replace("_", "-"): price_ref for model, price_ref in price_refs.items()})

    def name_rows(self, price_refs: Mapping[str, str | None]) -> None:
        self.insert(
            "raw.model_names",
            [
                {"model": model, "canonical_model": model, "provider": "maker", "served_by": "host",
                 "price_ref": price_ref, "matched_by": "test", "catalogue_version": "test", "batch_id": 1}
                for model, price_ref in price_refs.items()
            ],
        )  # fmt: skip

    def price(self, catalogue: str, price_ref: str, prices: Mapping[str, str], **fields: Any) -> None:
        """A row of raw.catalogue_prices: standard tier, always, all day, any size, as far as `fields` do not say."""
        row = {
            "catalogue": catalogue, "price_ref": price_ref, "service_tier": "standard", "valid_from": "-infinity",
            "valid_until": "infinity", "above_input_tokens": -1, "prices": Jsonb(dict(prices)), "cost_basis": "list",
            "catalogue_version": "test", "known_from": KNOWN_SINCE, "batch_id": 1,
        }  # fmt: skip
        self.insert("raw.catalogue_prices", [row | fields])

    def langfuse_model(self, model_id: str, pattern: str, *tiers: Row, **fields: Any) -> None:
        """A definition of project p1; a tier without conditions is the default one."""
        whole = [
            {"name": "Standard", "isDefault": not tier.get("conditions"), "priority": number, "conditions": []} | tier
            for number, tier in enumerate(tiers)
        ]
        row = {
            "instance": INSTANCE, "project_id": "p1", "id": model_id, "model_name": model_id, "match_pattern": pattern,
            "is_langfuse_managed": False, "pricing_tiers": Jsonb(whole), "known_from": KNOWN_SINCE, "batch_id": 1,
        }  # fmt: skip
        self.insert("raw.models", [row | fields])

    def call(self, observation_id: str, model: str | None, usage: Mapping[str, int], **fields: Any) -> None:
        """A call at NOON of project p1; `usage` is by usage type, `total` alone where there are no parts."""
        self.calls.append(measured(observation_id, model, usage) | fields)

    def priced(self) -> dict[str, Row]:
        """What int_generations_priced says of each call, by observation id; lists and calls are read anew."""
        self.run("staging", *BOOK)
        self.execute("truncate intermediate.int_generations_measured")
        self.insert("intermediate.int_generations_measured", self.calls)
        self.run("int_generations_priced")
        rows = self.execute("select * from intermediate.int_generations_priced")
        return {row["observation_id"]: row for row in rows}

    def costs(self) -> dict[str, Decimal]:
        return {observation_id: row["cost_usd"] for observation_id, row in self.priced().items()}

    def findings(self, *rows: Row, **fields: Any) -> None:
        """What the court says of calls, as int_generations_judged holds it."""
        call = {"instance": INSTANCE, "project_id": "p1", "trace_id": "t"}
        self.insert("intermediate.int_generations_judged", [call | row | fields for row in rows])

    def run(self, *models: str) -> None:
        results = run_dbt(self.settings, ["run", "--select", *models])
        assert {result.node.name: result.message for result in results if result.status.value != "success"} == {}


def measured(observation_id: str, model: str | None, usage: Mapping[str, int]) -> Row:
    others = {name: units for name, units in usage.items() if name not in (*PLAIN, "total") and units}
    long_writes = usage.get("cache_write_1h", 0)
    return {
        "instance": INSTANCE, "project_id": "p1", "trace_id": "t", "observation_id": observation_id, "model": model,
        "observation_type": "GENERATION", "usage_details": Jsonb({}), "started_at": NOON, "usage_date": NOON.date(),
        "input_tokens": usage.get("input", 0),
        "cached_input_tokens": usage.get("cached_input", 0),
        "cache_write_tokens": usage.get("cache_write", 0) + long_writes,
        "other_input_tokens": sum(units for name, units in others.items() if name in INPUT),
        "output_tokens": usage.get("output", 0),
        "total_tokens": usage.get("total", sum(usage.values())),
        "other_usage": Jsonb(others) if others else None,
        "service_tier": None, "pricing_tier_name": None, "recorded_cost_usd": None,
        "recorded_input_cost_usd": 0, "recorded_cached_input_cost_usd": 0, "recorded_cache_write_cost_usd": 0,
        "recorded_output_cost_usd": 0, "recorded_other_costs_usd": None, "input_price_usd": None,
        "is_error": False, "is_synthetic_root": False, "is_replayed": False, "is_day_touched": True,
    }  # fmt: skip


@pytest.fixture(scope="session")
def modelled_template(postgres_server: EmbeddedPostgres, warehouse_home: Path, migrated_template: str) -> str:
    """A warehouse in which every model that pricing reads stands, without a row."""
    settings = _database(postgres_server, warehouse_home, "modelled_template", migrated_template)
    models = ["--select", "+int_generations_priced", "--exclude-resource-type", "test", "unit_test"]
    results = run_dbt(settings, ["build", "--empty", *models])
    assert {result.node.name: result.message for result in results if result.status.value != "success"} == {}
    return "modelled_template"


@pytest.fixture
def book(postgres_server: EmbeddedPostgres, warehouse_home: Path, modelled_template: str) -> PriceBook:
    name = f"pricing_{uuid.uuid4().hex[:12]}"
    made = PriceBook(_database(postgres_server, warehouse_home, name, modelled_template))
    made.projects("p1", "p2")
    return made


def _database(server: EmbeddedPostgres, home: Path, name: str, template: str) -> Settings:
    port = server.running_port() or server.start()
    with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        for role in Role:
            if role is not Role.OWNER:
                connection.execute(
                    sql.SQL("grant connect, create on database {} to {}").format(
                        sql.Identifier(name), sql.Identifier(role.value)
                    )
                )
    return Settings(home=home, database_url=SecretStr(server.url(port, name)), projects_file=home / "no-projects.yml")
