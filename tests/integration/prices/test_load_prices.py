"""Price lists as they are kept in raw.catalogue_prices."""

from pathlib import Path

import psycopg
import pytest

from tracemart.errors import BadInputError
from tracemart.prices import load_prices
from tracemart.prices.team_file import COLUMNS
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

HEADER = ",".join(COLUMNS)


@pytest.fixture
def owner(warehouse: Warehouse) -> psycopg.Connection:
    return warehouse.connect(Role.OWNER, autocommit=True)


@pytest.fixture
def team_file(tmp_path: Path) -> Path:
    file = tmp_path / "seeds" / "model_prices.csv"
    file.parent.mkdir()
    file.write_text(HEADER + "\n")
    return file


def rows(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select p::text from raw.catalogue_prices as p order by 1"  # every column, so that nothing changes unseen
    ).fetchall()


def test_loading_again_changes_nothing(
    warehouse_settings: Settings, owner: psycopg.Connection, team_file: Path
) -> None:
    first = load_prices(warehouse_settings, team_file)
    before = rows(owner)
    assert first.inserted == len(before) > 2000
    owner.execute("delete from raw.loads")  # as maintenance forgets loads that changed nothing
    again = load_prices(warehouse_settings, team_file)
    assert (again.inserted, again.updated, again.vanished) == (0, 0, 0)
    assert rows(owner) == before
    assert owner.execute("select bool_and(rows_inserted + rows_updated = 0) from raw.loads").fetchone() == (True,)


def test_a_changed_price_closes_its_row_and_no_other(
    warehouse_settings: Settings, owner: psycopg.Connection, team_file: Path
) -> None:
    def write(price: str) -> None:
        team_file.write_text(
            f"{HEADER}\nopenai,gpt-4o,,input,{price},,,negotiated,2026-01-01,,\nopenai,gpt-4o-mini,,input,1,,,,,,\n"
        )

    write("2")
    load_prices(warehouse_settings, team_file)
    write("1.9")
    counts = load_prices(warehouse_settings, team_file)
    assert (counts.inserted, counts.updated, counts.vanished) == (0, 1, 0)
    kept = owner.execute(
        "select prices ->> 'input', known_to is null, known_to is not distinct from lead(known_from) over known"
        " from raw.catalogue_prices where catalogue = 'team' and price_ref = 'openai/gpt-4o'"
        " window known as (order by known_from)"
    ).fetchall()
    assert kept == [("0.000002", False, True), ("0.0000019", True, True)]
    team_file.write_text(f"{HEADER}\n")
    assert load_prices(warehouse_settings, team_file).vanished == 2
    assert owner.execute(
        "select count(*) from raw.catalogue_prices where catalogue = 'team' and known_to is null"
    ).fetchone() == (0,)


def test_a_bad_file_keeps_nothing(warehouse_settings: Settings, owner: psycopg.Connection, team_file: Path) -> None:
    team_file.write_text(f"{HEADER}\nopenai,gpt-4o,,input,2,,,,,,\nopenai,gpt-4o,,output,-8,,,,,,\n")
    with pytest.raises(BadInputError, match=r"model_prices\.csv, line 3: usd_per_million_tokens is -8; it must be"):
        load_prices(warehouse_settings, team_file)
    assert rows(owner) == []


def test_current_rows_of_one_list_are_disjoint(
    warehouse_settings: Settings, owner: psycopg.Connection, team_file: Path
) -> None:
    load_prices(warehouse_settings, team_file)
    overlapping = owner.execute("""
        select a.price_ref from raw.catalogue_prices as a
        join raw.catalogue_prices as b using (catalogue, price_ref, service_tier)
        where
            a.ctid < b.ctid and a.known_to is null and b.known_to is null
            and tstzrange(a.valid_from, a.valid_until) && tstzrange(b.valid_from, b.valid_until)
            and int8range(a.above_input_tokens, a.up_to_input_tokens)
            && int8range(b.above_input_tokens, b.up_to_input_tokens)
            and coalesce(a.daily_from, '00:00') < coalesce(b.daily_until, '24:00')
            and coalesce(b.daily_from, '00:00') < coalesce(a.daily_until, '24:00')
    """).fetchall()
    assert overlapping == []
