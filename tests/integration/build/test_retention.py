"""What raw forgets the marts keep: each figure of a dropped month stays to the last digit, whatever is built after."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, marts, observation, root, score
from tracemart import retention
from tracemart.build import slots
from tracemart.maintain import maintain
from tracemart.retention import drop_expired, first_kept_month
from tracemart.settings import Settings

Build = Callable[..., int | None]
Rows = list[dict[str, object]]

# Days are counted from 1 March 2026: January is dropped, and its last day is -29.
JANUARY, BORDER = -59, -28
AS_OF = datetime(2026, 3, 20, tzinfo=UTC)
FACTS = (
    "fct_generations", "fct_usage_hourly", "fct_usage_daily", "fct_cost_daily", "fct_model_comparison_daily",
    "fct_agent_daily", "fct_user_activity_daily", "fct_prompt_performance_daily",
)  # fmt: skip


@pytest.fixture
def keeping(warehouse_settings: Settings) -> Settings:
    """One whole month before March is kept; New York's 1 February begins five hours after UTC's."""
    return warehouse_settings.model_copy(
        update={"as_of": AS_OF, "raw_retention_months": 1, "timezone": "America/New_York"}
    )


def call(trace: str, day: float, **fields: object) -> dict[str, object]:
    return observation(trace, "call", day, parent_observation_id=f"{trace}-root", **({"cost": 0.25} | fields))


def history() -> Rows:
    rows: Rows = []
    for number in range(16):
        trace, day = f"t{number}", JANUARY + 2 + number * 5.3
        rows.append(root(trace, day, user_id=f"user-{number % 3}", metadata=Jsonb({"department": "sales"})))
        rows.append(call(trace, day + 0.01, cost=0.1 + number / 1000, level="ERROR" if number % 7 == 0 else "DEFAULT"))
    # Begins in January, goes on in February, and only its root says whose it is.
    rows.append(root("border", BORDER - 0.01, user_id="ann", session_id="s", metadata=Jsonb({"department": "legal"})))
    rows.append(call("border", BORDER - 0.005))
    rows.append(observation("border", "later", BORDER + 0.5, cost=0.5))
    # The few hours that are February in UTC and January in New York.
    rows += [root("night", BORDER + 0.1, user_id="bob"), call("night", BORDER + 0.11)]
    rows += [root("other", BORDER - 5, project_id="p2"), call("other", BORDER - 5, project_id="p2", cost=0.125)]
    return rows


def scores() -> Rows:
    rows: Rows = [score("quality", f"t{number}", JANUARY + 3 + number * 5.3, number / 16) for number in range(16)]
    # Of traces that raw forgets, given when the month was over; and of one that goes on.
    rows.append(score("task_success", "t2", BORDER + 6, 1))
    rows += [score("quality", "border", BORDER - 0.004, 0.75), score("tone", "s", BORDER - 3, 1, trace_id=None)]
    return rows


def load(raw: Raw, through: datetime = AS_OF) -> None:
    raw.load("observations", history(), through=through)
    raw.load("scores", scores(), through=through)


def sums(owner: psycopg.Connection) -> list[tuple[object, ...]]:
    query = " union all ".join(
        f"select '{mart}', {'count(*)' if mart == 'fct_generations' else 'sum(calls)'}::bigint, sum(cost_usd)"
        f" from marts.{mart}"
        for mart in FACTS
    )
    traces = "select 'traces', count(*), sum(cost_usd) from marts.fct_traces"
    given = "select 'scores', count(*), sum(numeric_value) from marts.fct_scores"
    return owner.execute(f"{query} union all {traces} union all {given}".encode()).fetchall()


def built_twice(built: Build, settings: Settings) -> None:
    built(settings)
    built(settings, full_refresh=True)


@pytest.mark.parametrize(
    ("now", "kept", "first"),
    [
        ("2026-03-20T00:00Z", 1, date(2026, 2, 1)),
        ("2026-03-31T23:59Z", 3, date(2025, 12, 1)),
        ("2026-01-01T00:00Z", 12, date(2025, 1, 1)),
        ("2026-01-01T00:30+01:00", 1, date(2025, 11, 1)),
    ],
)
def test_whole_months_before_the_present_one_are_kept(now: str, kept: int, first: date) -> None:
    assert first_kept_month(datetime.fromisoformat(now), kept) == first


@pytest.mark.slow
def test_every_mart_outlives_a_dropped_month(
    raw: Raw, built: Build, owner: psycopg.Connection, keeping: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(raw)
    built(keeping)
    assert "run ./run build twice" in str(drop_expired(keeping))
    built(keeping, full_refresh=True)
    before = marts(owner)

    assert drop_expired(keeping.model_copy(update={"raw_retention_months": None})).dropped == ()
    dropped = drop_expired(keeping)
    assert dropped.waits is None
    assert [(each.month, each.observations, each.scores) for each in dropped.dropped] == [(date(2026, 1, 1), 14, 7)]
    left = owner.execute("select id from raw.observations where start_time < '2026-02-01Z' order by 1").fetchall()
    assert left == [("border-call",), ("border-root",)]
    assert drop_expired(keeping).dropped == ()

    # Whole, by another version of the project, then the other copy.
    for module in (slots, retention):
        monkeypatch.setattr(module, "project_version", lambda _: "another")
    assert built(keeping) is not None
    assert marts(owner) == before
    built(keeping, full_refresh=True)
    assert marts(owner) == before
    kinds = owner.execute("select distinct is_full_refresh from operations.builds").fetchall()
    assert kinds == [(True,)]

    # What comes late for the dropped month changes nothing: a row of it read again, one that moved out of it,
    # and a new one of a trace that began in it. New days come in as ever.
    raw.load(
        "observations",
        [
            call("t1", JANUARY + 2 + 5.31, cost=9),
            call("t2", BORDER + 3, cost=0.102),
            observation("t3", "late", BORDER + 4, cost=0.0625),
        ],
        through=AS_OF,
    )
    built(keeping)
    after = marts(owner)
    late = owner.execute("select count(*), sum(cost_usd) from marts.fct_generations where observation_id = 't3-late'")
    assert late.fetchone()[0] == 1  # type: ignore[index]
    assert [row for row in before["fct_generations"] if row not in after["fct_generations"]] == []
    assert len(after["fct_generations"]) == len(before["fct_generations"]) + 1
    assert after["fct_traces"] == before["fct_traces"]
    built(keeping, full_refresh=True)
    assert marts(owner) == after
    assert [each.observations for each in drop_expired(keeping).dropped] == [1]


@pytest.mark.slow
def test_another_time_zone_neither_loses_nor_doubles_a_call_at_the_border(
    raw: Raw, built: Build, owner: psycopg.Connection, keeping: Settings
) -> None:
    load(raw)
    built_twice(built, keeping)
    before = sums(owner)
    assert len(drop_expired(keeping).dropped) == 1
    for zone in ("Asia/Tokyo", "Pacific/Honolulu"):
        built(keeping.model_copy(update={"timezone": zone}))
        assert sums(owner) == before


@pytest.mark.slow
def test_a_column_that_came_later_is_empty_on_carried_days(
    raw: Raw, built: Build, owner: psycopg.Connection, keeping: Settings
) -> None:
    load(raw)
    built_twice(built, keeping)
    before = sums(owner)
    assert len(drop_expired(keeping).dropped) == 1
    # As an older version left them: two columns fewer, a roll-up fewer.
    owner.execute("alter table marts.fct_generations drop column is_vanished cascade, drop column release cascade")
    owner.execute("drop table marts.fct_latency_buckets_daily cascade")
    built(keeping, full_refresh=True)
    assert sums(owner) == before
    carried = owner.execute("select distinct is_vanished, release from marts.fct_generations").fetchall()
    assert carried == [(False, None)]
    days = owner.execute("select count(*) from marts.fct_latency_buckets_daily where usage_date < '2026-02-01'")
    assert days.fetchone()[0] > 0  # type: ignore[index]


def test_a_month_waits_while_a_project_is_not_loaded_beyond_it(raw: Raw, keeping: Settings) -> None:
    load(raw, through=datetime(2026, 1, 20, tzinfo=UTC))
    assert "demo/p1 is loaded through 2026-01-20 00:00 UTC only" in str(drop_expired(keeping))


def test_a_month_waits_for_a_load_that_writes(
    raw: Raw, keeping: Settings, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(raw)
    monkeypatch.setattr("tracemart.retention.LOCK_TIMEOUT", "200ms")
    with owner.transaction():
        owner.execute("insert into raw.loads (instance, project_id, entity, source, started_at) values"
                      " ('demo', 'p1', 'observations', 'test', now())")  # fmt: skip
        assert "2026-01 stays in raw for now: a load or a check was at work" in str(maintain(keeping))
    owner.execute(
        "insert into raw.loads"
        " (instance, project_id, entity, source, started_at, finished_at, rows_read, rows_inserted)"
        " values ('demo', 'p1', 'observations', 'old', now(), '2024-01-01', 5, 0),"
        " ('demo', 'p1', 'observations', 'old', now(), '2024-01-01', 5, 5)"
    )
    assert maintain(keeping).pruned_rows == 1
    assert owner.execute("select rows_inserted from raw.loads where source = 'old'").fetchall() == [(5,)]


def test_each_project_has_its_own_border(
    raw: Raw, keeping: Settings, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(raw)
    raw.projects(p3="Given up")
    owner.execute(
        "insert into raw.watermarks values"
        " ('demo', 'p3', 'observations', '2026-01-20T00:00Z', null, now() - interval '60 days')"
    )
    monkeypatch.setattr("tracemart.retention.why_not_held", lambda *_: None)
    assert len(drop_expired(keeping).dropped) == 1
    borders = owner.execute(
        "select project_id, first_month::text, first_date::text, first_date_starts_at"
        " from operations.raw_kept_from order by 1"
    ).fetchall()
    midnight = datetime(2026, 2, 1, 5, tzinfo=UTC)
    assert borders == [
        ("p1", "2026-02-01", "2026-02-01", midnight),
        ("p2", "2026-02-01", "2026-02-01", midnight),
        # Should it be loaded again, it goes on where it ended: there, on 19 January in New York.
        ("p3", "2026-02-01", "2026-01-20", datetime(2026, 1, 20, tzinfo=UTC)),
    ]
    # A project that comes later has no border: its past is loaded and built, then dropped in its turn.
    raw.projects(p4="New")
    raw.load("observations", [call("past", JANUARY + 3, project_id="p4")])
    assert [each.observations for each in drop_expired(keeping).dropped] == [1]
    assert owner.execute("select count(*) from operations.raw_kept_from").fetchone() == (4,)
