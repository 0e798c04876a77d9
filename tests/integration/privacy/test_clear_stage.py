"""What a load stages of forgotten people is cleared before it is merged, whichever row of a trace comes first."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.privacy.conftest import Search
from tracemart.extract.load import LoadKey, begin_load
from tracemart.extract.rows import OBSERVATION_COLUMNS, SCORE_COLUMNS
from tracemart.extract.upsert import Upsert
from tracemart.forget import forget
from tracemart.privacy.forgotten import clear_stage, delete_forgotten_rejects
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

ADA, SESSION = "ada.lovelace-7f3", "session-of-ada-91c"
PLACE = ("demo", "p1")
MARCH = {"start_time": datetime(2026, 3, 1, tzinfo=UTC), "start_month": date(2026, 3, 1)}
OBSERVATIONS = Upsert("observations", ("trace_id", "id"), OBSERVATION_COLUMNS, "start_time", "source", "v4")
SCORES = Upsert("scores", ("id",), SCORE_COLUMNS, "scored_at", "load_source", "v4")


@pytest.fixture
def loader(warehouse_settings: Settings) -> Iterator[psycopg.Connection]:
    with Warehouse(warehouse_settings).connect(Role.LOADER, autocommit=True) as connection:
        yield connection


def load(loader: psycopg.Connection, upsert: Upsert, *rows: dict[str, Any]) -> tuple[int, int, int]:
    """Rows inserted, updated, and changed besides."""
    with loader.transaction():
        batch_id = begin_load(loader, LoadKey(*PLACE, upsert.table, "v4"), None)
        upsert.create_stage(loader)
        for row in rows:
            names, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
            loader.execute(f"insert into {upsert.stage} ({names}) values ({values})", row)
        besides = clear_stage(
            loader, instance="demo", project_id="p1", batch_id=batch_id, stage=upsert.stage, table=upsert.table
        )
        inserted, updated = upsert.merge(loader, *PLACE, batch_id)
    return inserted, updated, besides


def observation(trace: str, name: str, **values: Any) -> dict[str, Any]:
    return {"trace_id": trace, "id": f"{trace}-{name}", "type": "SPAN", "total_cost": 1, **MARCH, **values}


def score(name: str, **values: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "data_type": "NUMERIC", "scored_at": MARCH["start_time"], **values}


MINE = {"user_id": ADA, "session_id": SESSION, "metadata": Jsonb({"by": ADA})}


def test_reading_again_brings_nothing_back_and_changes_no_row(
    loader: psycopg.Connection, owner: psycopg.Connection, warehouse_settings: Settings, found_in: Search
) -> None:
    rows = [
        observation("a", "root", **MINE),
        observation("a", "call", metadata=Jsonb({"said": "kept of others alone"}), session_id=SESSION),
        observation("b", "root", user_id="bob", session_id="bobs", metadata=Jsonb({"by": "bob"})),
    ]
    judged = [
        score("one", trace_id="a", comment="good", author_user_id="reviewer"),
        score("two", session_id=SESSION, comment="calm"),
        score("three", trace_id="b", comment="fine"),
    ]
    load(loader, OBSERVATIONS, *rows)
    load(loader, SCORES, *judged)
    forget(warehouse_settings, ADA)
    kept = owner.execute(
        "select id, user_id, session_id, metadata, total_cost, batch_id from raw.observations"
    ).fetchall()

    assert load(loader, OBSERVATIONS, *rows) == (0, 0, 0)
    assert load(loader, SCORES, *judged) == (0, 0, 0)

    assert found_in(ADA) == found_in(SESSION) == []
    assert sorted(kept) == sorted(
        owner.execute("select id, user_id, session_id, metadata, total_cost, batch_id from raw.observations").fetchall()
    )
    assert owner.execute("select id, comment from raw.scores order by id").fetchall() == [
        ("one", None), ("three", "fine"), ("two", None),
    ]  # fmt: skip
    assert owner.execute("select count(*) from raw.superseded_observations").fetchone() == (0,)


def test_a_new_trace_is_cleared_whole_whichever_row_comes_first(
    loader: psycopg.Connection, owner: psycopg.Connection, warehouse_settings: Settings, found_in: Search
) -> None:
    forget(warehouse_settings, ADA)
    nameless = observation("new", "call", session_id="s-of-new", metadata=Jsonb({"k": "v"}))
    assert load(loader, OBSERVATIONS, nameless) == (1, 0, 0)
    assert load(loader, SCORES, score("new", trace_id="new", comment="c")) == (1, 0, 0)
    assert load(loader, OBSERVATIONS, observation("new", "root", **MINE)) == (1, 0, 1)
    assert load(loader, OBSERVATIONS, observation("new", "late", metadata=Jsonb({"k": "v"}))) == (1, 0, 0)
    assert found_in(ADA) == found_in("s-of-new") == []
    assert owner.execute(
        "select count(*), sum(total_cost), count(metadata), count(user_id) from raw.observations"
    ).fetchone() == (3, 3, 0, 0)
    assert owner.execute("select comment from raw.scores").fetchall() == [(None,)]
    newest = "select count(distinct batch_id) from raw.observations where id in ('new-call', 'new-root')"
    assert owner.execute(newest).fetchone() == (1,)


def test_a_session_that_becomes_anothers_takes_nothing_from_them(
    loader: psycopg.Connection, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    load(loader, OBSERVATIONS, observation("a", "root", **MINE))
    forget(warehouse_settings, ADA)
    bobs = {"session_id": SESSION, "metadata": Jsonb({"by": "bob"})}
    load(loader, OBSERVATIONS, observation("b", "root", user_id="bob", **bobs), observation("b", "call", **bobs))
    load(loader, OBSERVATIONS, observation("b", "late", **bobs), observation("c", "root", **bobs))
    kept = "select id, metadata ->> 'by' from raw.observations order by id"
    assert owner.execute(kept).fetchall() == [
        ("a-root", None), ("b-call", "bob"), ("b-late", "bob"), ("b-root", "bob"), ("c-root", None),
    ]  # fmt: skip


def test_other_projects_and_people_are_left_alone(
    loader: psycopg.Connection, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    owner.execute(
        "insert into raw.projects (instance, project_id, name, host, batch_id) values ('demo', 'p2', 'B', '', 1)"
    )
    forget(warehouse_settings, ADA, "B")
    load(loader, OBSERVATIONS, observation("a", "root", **MINE))
    assert owner.execute("select user_id, session_id from raw.observations").fetchall() == [(ADA, SESSION)]


def test_rejected_rows_of_forgotten_people_do_not_stay(
    loader: psycopg.Connection, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    load(loader, OBSERVATIONS, observation("a", "root", **MINE))
    forget(warehouse_settings, ADA)
    for number, payload in enumerate([{"userId": ADA}, {"traceId": "a"}, {"user_id": "bob"}, "text", [1]]):
        owner.execute(
            "insert into raw.rejected_rows"
            " (instance, project_id, entity, source, reason, payload, payload_hash, batch_id)"
            " values ('demo', 'p1', 'observations', 'v4', 'bad', %s, %s, 99)",
            (Jsonb(payload), str(number)),
        )
    assert delete_forgotten_rejects(loader, 99) == 2
    assert owner.execute("select payload_hash from raw.rejected_rows order by 1").fetchall() == [("2",), ("3",), ("4",)]


def test_a_forgotten_session_is_not_listed_again(loader: psycopg.Connection, warehouse_settings: Settings) -> None:
    load(loader, OBSERVATIONS, observation("a", "root", **MINE))
    forget(warehouse_settings, ADA)
    with loader.transaction():
        loader.execute("create temporary table stage_sessions on commit drop as select id from raw.sessions limit 0")
        loader.execute("insert into stage_sessions values (%s), ('another')", (SESSION,))
        clear_stage(loader, instance="demo", project_id="p1", batch_id=1, stage="stage_sessions", table="sessions")
        assert loader.execute("select id from stage_sessions").fetchall() == [("another",)]
