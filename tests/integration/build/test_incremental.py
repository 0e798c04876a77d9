"""An incremental build ends with the same rows as building everything anew, whatever came in between."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, marts, observation, root, score
from tracemart.settings import Settings

Build = Callable[..., int | None]


def history() -> list[dict[str, object]]:
    rows = []
    for number in range(24):
        trace, day = f"t{number}", number / 4
        person = f"user-{number % 5}"
        rows.append(root(trace, day, user_id=person, tags=["team:blue"], metadata=Jsonb({"department": "sales"})))
        rows.append(observation(trace, "call", day + 0.1, cost=0.25, parent_observation_id=f"{trace}-root"))
        if number % 3 == 0:
            # Over midnight, so that a trace stands on two days.
            rows.append(observation(trace, "late", day + 0.9, cost=0.5, tokens=7, model="claude-sonnet-5"))
    rows.append(root("other", 1.5, project_id="p2", user_id="user-1"))
    rows.append(observation("other", "call", 1.6, project_id="p2", cost=0.125, level="ERROR"))
    return rows


@pytest.mark.slow
def test_incremental_build_equals_full_refresh(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load("observations", history())
    raw.load("scores", [score("quality", f"t{number}", number / 4 + 1.2, 0.5 + number / 50) for number in range(12)])
    built()
    built(full_refresh=True)

    raw.load(
        "observations",
        [
            # A late call on an old day, of a user who then began earlier than was known.
            root("late-trace", 0.4, user_id="user-3"),
            observation("late-trace", "call", 0.45, cost=0.75, parent_observation_id="late-trace-root"),
            # A call that moves to another day and leaves its old day to others.
            observation("t7", "call", 3.6, cost=0.3, parent_observation_id="t7-root"),
            # A call that was alone on its day and goes to a day that had none.
            observation("t23", "call", 40.2, cost=0.25, parent_observation_id="t23-root"),
            # A root that now says another department and user; its trace stands on two days.
            root("t9", 2.25, user_id="user-new", metadata=Jsonb({"department": "legal", "agent": '"bot"'})),
            # The first trace of user-0 becomes somebody else's, so that the user begins later.
            root("t0", 0, user_id="user-9", tags=["team:red"]),
            # Calls of a day that is new.
            root("new", 9.5, user_id="user-2"),
            observation("new", "call", 9.6, cost=0.0625, level="ERROR", parent_observation_id="new-root"),
        ],
    )
    raw.load(
        "scores",
        [score("quality", "t3", 5.5, 0.1), score("quality", "t20", 9.9, 0.9), score("task_success", "t3", 6, 0)],
    )
    built()
    first = owner.execute("select is_full_refresh from operations.builds order by build_id desc limit 1").fetchone()
    assert first == (False,)
    incremental = marts(owner)

    raw.load("observations", [observation("t1", "call", 0.35, cost=0.26, parent_observation_id="t1-root")])
    raw.projects(p2="Sales renamed")
    built()
    twice = marts(owner)

    built(full_refresh=True)
    assert marts(owner) == twice
    assert {name for name in twice if twice[name] != incremental[name]} >= {"fct_generations", "dim_projects"}
    touched = owner.execute("select count(*) from marts.fct_user_activity_daily where is_new_user").fetchone()
    assert touched is not None
    assert touched[0] > 0
    sums = owner.execute(
        "select count(*), sum(recorded_cost_usd) from marts.fct_generations where is_counted"
        " except select count(*), sum(total_cost) from raw.observations where model is not null"
    ).fetchall()
    assert sums == []


@pytest.mark.slow
def test_a_day_that_lost_its_rows_is_empty(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    raw.load("observations", [observation("a", "call", 1, cost=1), observation("b", "call", 2, cost=2)])
    built()
    built(full_refresh=True)
    raw.load("observations", [observation("a", "call", 5, cost=1)])
    built()
    days = owner.execute("select usage_date::text, cost_usd from marts.fct_usage_daily order by 1").fetchall()
    assert [(day, int(cost)) for day, cost in days] == [("2026-03-03", 2), ("2026-03-06", 1)]


def touched(owner: psycopg.Connection) -> list[str]:
    return [row[0] for row in owner.execute("select reporting_day::text from intermediate.int_days_touched order by 1")]


@pytest.mark.slow
def test_late_data_builds_exactly_its_days_anew(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    rows = [observation(f"t{day}", "call", day + 0.5, cost=1) for day in range(60)]
    raw.load("observations", [*rows, observation("t3", "late", 33.5, cost=2)])
    built()
    built(full_refresh=True)

    raw.vanish("t3-late")
    built()
    assert touched(owner) == ["2026-03-04", "2026-04-03"]
    flagged = owner.execute("select observation_id from marts.fct_generations where is_vanished").fetchall()
    cost = owner.execute("select cost_usd from marts.fct_usage_daily where usage_date = '2026-04-03'").fetchall()
    assert (flagged, [int(each[0]) for each in cost]) == ([("t3-late",)], [3])

    # The other copy takes up both: the flag, and that it was taken back.
    raw.vanish("t3-late", gone=False)
    built()
    assert owner.execute("select count(*) from marts.fct_generations where is_vanished").fetchone() == (0,)

    # A month read again, of which one row is new and one moved into another month; the rest is as it was.
    raw.load("observations", [observation("t10", "call", 41.5, cost=1), observation("new", "call", 12.5, cost=0.5)])
    built()
    assert touched(owner) == ["2026-03-04", "2026-03-11", "2026-03-13", "2026-04-03", "2026-04-11"]
    incremental = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == incremental
