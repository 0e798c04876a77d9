"""Forgetting a person: nothing in any table names them, no total moves, and running it again changes nothing."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from pydantic import SecretStr

from tests.integration.build.conftest import INSTANCE, Raw, marts, observation, root, score
from tests.integration.privacy.conftest import Search
from tracemart.errors import BadInputError, BuildError, SettingsError, WarehouseQueryError
from tracemart.forget import forget
from tracemart.privacy.pseudonyms import pseudonym
from tracemart.settings import Settings

Build = Callable[..., int | None]
ADA, SESSION = "ada.lovelace-7f3", "session-of-ada-91c"
ROLL_UPS = (
    "fct_usage_hourly",
    "fct_usage_daily",
    "fct_agent_daily",
    "fct_model_comparison_daily",
    "fct_user_activity_daily",
)


def lives(person: str = ADA, session: str = SESSION, **of_root: Any) -> list[dict[str, Any]]:
    """Traces of a person, of others, and of nobody; the person's calls do not name them."""
    said = Jsonb({"department": "sales", "note": f"by {person}"})
    mine = {"user_id": person, "session_id": session, "metadata": said, "input": f"I am {person}"}
    return [
        root("a1", 0.2, **mine, **of_root),
        observation("a1", "call", 0.3, cost=0.5, metadata=said, session_id=session, parent_observation_id="a1-root"),
        root("a2", 1.2, **mine, **of_root),
        observation("a2", "call", 1.3, cost=0.25, tokens=7, status_message=f"refused {person}", level="ERROR"),
        # Of nobody, in a session of theirs alone.
        root("a3", 1.4, session_id=session),
        observation("a3", "call", 1.45, cost=0.125, session_id=session),
        # In a session that they share.
        root("a4", 2.2, **mine | {"session_id": "shared"}),
        root("b1", 2.3, user_id="bob", session_id="shared", metadata=Jsonb({"department": "legal"})),
        observation("b1", "call", 2.35, cost=1, session_id="shared"),
        # The shared session goes on when the person is no longer in it.
        root("b2", 9.3, user_id="bob", session_id="shared"),
        root("n1", 0.4),
        observation("n1", "call", 0.5, cost=2),
        root("p2-a", 0.6, project_id="p2", user_id=person),
        observation("p2-a", "call", 0.7, project_id="p2", cost=4),
    ]


def totals(connection: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        schema + table: connection.execute(
            f"select instance, project_id, sum(calls), sum(total_tokens), sum(cost_usd) from {schema}.{table}"
            " group by 1, 2 order by 1, 2"
        ).fetchall()
        for schema in ("marts", "marts_next")
        for table in ROLL_UPS
    }


def load_life(raw: Raw, built: Build) -> None:
    raw.load("observations", lives("before-" + ADA, "before-" + SESSION))
    raw.load("observations", lives())
    raw.load(
        "scores",
        [
            score("quality", "a1", 0.4, 0.9, comment=f"well done {ADA}", author_user_id="reviewer"),
            score("mood", "x", 0.5, 1, trace_id=None, session_id=SESSION, comment=f"{ADA} smiled"),
            score("quality", "b1", 2.6, 0.7, comment="kept"),
        ],
    )
    built()
    built(full_refresh=True)


def rejected(owner: psycopg.Connection, payload: dict[str, Any], digest: str) -> None:
    owner.execute(
        "insert into raw.rejected_rows (instance, project_id, entity, source, reason, payload, payload_hash, batch_id)"
        " values (%s, 'p1', 'observations', 'test', 'no time', %s, %s, 1)",
        (INSTANCE, Jsonb(payload), digest),
    )


@pytest.mark.slow
def test_no_table_names_the_person_and_every_total_stays(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings, found_in: Search
) -> None:
    load_life(raw, built)
    rejected(owner, {"id": 7, "userId": ADA}, "1")
    rejected(owner, {"id": 8, "traceId": "a2", "metadata": {"a": "b"}}, "2")
    rejected(owner, {"id": 9, "userId": "bob"}, "3")
    owner.execute(
        "insert into raw.sessions (instance, project_id, id, created_at, batch_id)"
        " values (%s, 'p1', %s, now(), 1), (%s, 'p1', 'shared', now(), 1)",
        (INSTANCE, SESSION, INSTANCE),
    )
    before = totals(owner)
    assert {"raw.observations.user_id", "marts.fct_traces.user_id", "marts_next.dim_users.user_id"} <= set(
        found_in(ADA)
    )
    assert "marts.fct_traces.session_id" in found_in(SESSION)

    result = forget(warehouse_settings, ADA)
    forget(warehouse_settings, "before-" + ADA)

    assert (result.traces, result.sessions) == (5, 2)
    assert result.cleared["raw.observations"] == 9
    assert result.deleted["raw.rejected_rows"] == 2
    assert found_in(ADA) == []
    assert found_in(SESSION) == []
    assert totals(owner) == before
    assert owner.execute("select id from raw.sessions").fetchall() == [("shared",)]
    assert owner.execute(
        "select user_id, session_id, metadata from raw.observations where id = 'b1-root'"
    ).fetchall() == [("bob", "shared", {"department": "legal"})]
    assert owner.execute("select comment, author_user_id from raw.scores order by id").fetchall() == [
        (None, None), ("kept", None), (None, None),
    ]  # fmt: skip

    built()
    assert found_in(ADA) == []
    assert totals(owner) == before
    incremental = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == incremental


@pytest.mark.slow
def test_days_that_raw_no_longer_holds_are_cleared_in_both_copies_of_the_marts(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings, found_in: Search
) -> None:
    raw.load("observations", lives())
    built()
    built(full_refresh=True)
    owner.execute("delete from raw.observations")
    owner.execute("delete from raw.trace_months")
    owner.execute(
        "insert into staging.attribution_mapping (dimension, match_on, match_value, value)"
        " values ('team', 'user_id', %s, 'blue')",
        (ADA,),
    )
    before = totals(owner)

    result = forget(warehouse_settings, ADA)

    assert result.traces == 5
    assert "take the line out of it" in str(result)
    assert "Forgotten everywhere else" in str(result)
    assert found_in(ADA) == ["staging.attribution_mapping.match_value"]
    assert found_in(SESSION) == []
    assert totals(owner) == before
    activity = owner.execute(
        "select user_id, calls, cost_usd, sessions, is_new_user, days_since_first_use"
        " from marts.fct_user_activity_daily where project_id = 'p2'"
    ).fetchall()
    assert activity == [("unknown", 1, Decimal(4), 0, True, 0)]
    unknown = owner.execute(
        "select count(*), count(distinct usage_date), max(days_since_first_use) from marts.fct_user_activity_daily"
        " where project_id = 'p1' and user_id = 'unknown' and department = 'unattributed'"
    ).fetchone()
    assert unknown == (2, 2, 1)

    tables, loads = marts(owner), owner.execute("select * from raw.loads").fetchall()
    again = forget(warehouse_settings, ADA)
    assert "No table names this user" in str(again)
    assert marts(owner) == tables
    assert owner.execute("select * from raw.loads").fetchall() == loads


def test_one_project_alone(raw: Raw, owner: psycopg.Connection, warehouse_settings: Settings) -> None:
    raw.load("observations", lives())
    result = forget(warehouse_settings, ADA, "Sales")
    assert result.traces == 1
    named = "select project_id, count(*) from raw.observations where user_id = %s group by 1"
    assert owner.execute(named, (ADA,)).fetchall() == [("p1", 3)]
    assert owner.execute("select distinct instance, project_id from raw.forgotten_users").fetchall() == [
        (INSTANCE, "p2")
    ]
    with pytest.raises(
        BadInputError, match="There is no project Marketing in the warehouse; there are: Sales, Support"
    ):
        forget(warehouse_settings, ADA, "Marketing")


def test_the_plain_id_forgets_the_pseudonym_too(
    raw: Raw, owner: psycopg.Connection, warehouse_settings: Settings, found_in: Search
) -> None:
    key = "a key of sixteen characters"
    hidden = pseudonym(ADA, key.encode())
    raw.load("observations", lives(hidden))
    forget(warehouse_settings.model_copy(update={"user_ids": "hmac", "user_id_key": SecretStr(key)}), ADA)
    assert found_in(hidden) == []
    assert owner.execute("select count(*) from raw.forgotten_users").fetchone() == (2,)
    with pytest.raises(SettingsError, match="USER_ID_KEY is not set"):
        forget(warehouse_settings.model_copy(update={"user_ids": "hmac"}), ADA)


def test_what_is_no_user_is_refused_and_a_running_build_is_waited_for(
    raw: Raw, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    with pytest.raises(BadInputError, match="'unknown' is no user"):
        forget(warehouse_settings, "unknown")
    owner.execute("select pg_advisory_lock(7466302012)")
    with pytest.raises(BuildError, match="Another build is writing"):
        forget(warehouse_settings, ADA)
    assert owner.execute("select count(*) from raw.forgotten_users").fetchone() == (0,)


def test_what_fails_on_its_way_has_done_nothing(
    raw: Raw, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load("observations", lives())
    raw.load("scores", [score("quality", "a1", 0.4, 0.9, comment="well done")])
    owner.execute(
        "create function raw.refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;"
        " create trigger refuse before update on raw.scores execute function raw.refuse()"
    )
    before = owner.execute("select * from raw.observations order by id").fetchall()
    with pytest.raises(WarehouseQueryError, match="while forgetting a user: no"):
        forget(warehouse_settings, ADA)
    assert owner.execute("select * from raw.observations order by id").fetchall() == before
    assert owner.execute("select count(*) from raw.forgotten_users").fetchone() == (0,)
    owner.execute("drop trigger refuse on raw.scores")
    assert forget(warehouse_settings, ADA).cleared["raw.scores"] == 1
