"""Names of calls, matched once each."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tracemart.errors import BadInputError
from tracemart.prices import match_new_models
from tracemart.prices.names.aliases import COLUMNS
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

HEADER = ",".join(COLUMNS)


@pytest.fixture
def owner(warehouse: Warehouse) -> psycopg.Connection:
    connection = warehouse.connect(Role.OWNER, autocommit=True)
    connection.execute(
        "create table raw.observations_2026_03 partition of raw.observations"
        " for values from ('2026-03-01') to ('2026-04-01')"
    )
    connection.execute("alter table raw.observations_2026_03 owner to tracemart_loader")
    return connection


@pytest.fixture
def aliases(tmp_path: Path) -> Path:
    file = tmp_path / "seeds" / "model_aliases.csv"
    file.parent.mkdir()
    file.write_text(HEADER + "\n")
    return file


def load(connection: psycopg.Connection, batch_id: int, *models: str | None) -> None:
    """Calls of these models with a load that the running build has taken up."""
    for number, model in enumerate(models):
        connection.execute(
            "insert into raw.observations"
            " (instance, project_id, trace_id, id, type, start_time, start_month, source, model, batch_id)"
            " values ('demo', 'p', %s, %s, 'GENERATION', %s, '2026-03-01', 'test', %s, %s)",
            (f"t{batch_id}", f"o{number}", datetime(2026, 3, 2, tzinfo=UTC), model, batch_id),
        )
    connection.execute("insert into operations.pending_loads values (%s)", (batch_id,))


def names(connection: psycopg.Connection) -> dict[str, tuple[object, ...]]:
    return {
        row[0]: row[1:]
        for row in connection.execute(
            "select model, canonical_model, provider, served_by, price_ref, batch_id from raw.model_names"
        )
    }


def test_names_of_pending_loads_are_matched_once(
    warehouse_settings: Settings, owner: psycopg.Connection, aliases: Path
) -> None:
    load(owner, 1, "gpt-4o-2024-08-06", "azure/gpt-4o", "House-Model", None, "")
    assert match_new_models(warehouse_settings, aliases_file=aliases) == 3
    assert names(owner) == {
        "gpt-4o-2024-08-06": ("gpt-4o", "openai", "openai", "openai/gpt-4o", 1),
        "azure/gpt-4o": ("gpt-4o", "openai", "azure", "openai/gpt-4o", 1),
        "House-Model": ("House-Model", "unknown", "unknown", None, 1),
    }
    assert match_new_models(warehouse_settings, aliases_file=aliases) == 0
    owner.execute("delete from operations.pending_loads")
    load(owner, 2, "gpt-4o-2024-08-06", "claude-sonnet-4-5")
    assert match_new_models(warehouse_settings, aliases_file=aliases) == 1


def test_a_full_refresh_takes_names_of_loads_that_nobody_lists(
    warehouse_settings: Settings, owner: psycopg.Connection, aliases: Path
) -> None:
    load(owner, 1, "gpt-4o")
    owner.execute("delete from operations.pending_loads")
    assert match_new_models(warehouse_settings, aliases_file=aliases) == 0
    assert match_new_models(warehouse_settings, is_full_refresh=True, aliases_file=aliases) == 1


def test_an_alias_changes_names_that_were_matched_before(
    warehouse_settings: Settings, owner: psycopg.Connection, aliases: Path
) -> None:
    load(owner, 1, "azure/chat-prod", "azure/gpt-4o")
    match_new_models(warehouse_settings, aliases_file=aliases)
    before = owner.execute("select known_from from raw.model_names where model = 'azure/gpt-4o'").fetchone()
    assert names(owner)["azure/chat-prod"] == ("azure/chat-prod", "unknown", "azure", None, 1)
    aliases.write_text(f"{HEADER}\nAzure/Chat-Prod,gpt-4o-mini,,,\n")
    assert match_new_models(warehouse_settings, aliases_file=aliases) == 2
    assert names(owner)["azure/chat-prod"] == ("gpt-4o-mini", "openai", "azure", "openai/gpt-4o-mini", 1)
    after = owner.execute("select known_from from raw.model_names where model = 'azure/gpt-4o'").fetchone()
    assert after == before


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            "a,gpt-4o,,,\nb,gpt-4o,,,\nA,gpt-4o-mini,,,\n",
            r"model_aliases\.csv, line 4: it explains the model of line 2",
        ),
        ("a,gpt-4o,,,openai/gpt-4oo\n", r"line 2: price_ref is 'openai/gpt-4oo', which the catalogue does not have"),
        ("a,,openai,,\n", r"line 2: canonical_model is empty"),
    ],
)
def test_bad_aliases_change_nothing(
    warehouse_settings: Settings, owner: psycopg.Connection, aliases: Path, lines: str, sentence: str
) -> None:
    load(owner, 1, "gpt-4o")
    aliases.write_text(f"{HEADER}\n{lines}")
    with pytest.raises(BadInputError, match=sentence):
        match_new_models(warehouse_settings, aliases_file=aliases)
    assert names(owner) == {}
