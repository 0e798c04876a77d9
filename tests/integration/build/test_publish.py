"""Readers see a whole build or the one before it, whatever happens to builds in between."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest

from tests.integration.build.conftest import Raw, marts, observation
from tracemart.build import LAYERS, build_layer, publish, start_build
from tracemart.errors import BuildError
from tracemart.settings import PROJECT_ROOT, Settings
from tracemart.warehouse import Role, Warehouse

Build = Callable[..., int | None]


def status(owner: psycopg.Connection, build_id: int | None) -> tuple[str, str | None]:
    row = owner.execute("select status, message from operations.builds where build_id = %s", (build_id,)).fetchone()
    assert row is not None
    return row[0], row[1]


def cost_that_readers_see(settings: Settings) -> int:
    with Warehouse(settings).connect(Role.ANALYST) as analyst:
        row = analyst.execute("select sum(cost_usd) from marts.fct_usage_daily").fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.slow
def test_readers_see_the_last_published_build(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load("observations", [observation("a", "call", 1, cost=1)], through=datetime(2026, 3, 3, tzinfo=UTC))
    first = built()
    assert cost_that_readers_see(warehouse_settings) == 1
    assert status(owner, first) == ("published", None)

    # Nothing new: no build, but what is shown is as fresh as the watermark.
    raw.load("observations", [], through=datetime(2026, 3, 4, tzinfo=UTC))
    before = marts(owner)
    assert start_build(warehouse_settings) is None
    through = owner.execute("select data_through_at from marts.fct_builds where build_id = %s", (first,)).fetchone()
    assert through == (datetime(2026, 3, 4, tzinfo=UTC),)
    assert marts(owner) == before

    # A call of a project that nobody loaded fails a test of dbt, in one sentence that names it.
    raw.load("observations", [observation("b", "call", 2, cost=5, project_id="ghost")])
    with pytest.raises(BuildError, match=r"^The dbt test relationships_fct_\w+ failed: 1 rows? do") as failure:
        built()
    failed = owner.execute("select max(build_id) from operations.builds").fetchone()
    assert failed is not None
    assert status(owner, failed[0]) == ("failed", str(failure.value))
    assert cost_that_readers_see(warehouse_settings) == 1
    with pytest.raises(BuildError, match="not whole"):
        publish(warehouse_settings, failed[0])

    # Its cause mended, the same build's layer can be retried.
    raw.projects(ghost="Ghost")
    for layer in LAYERS:
        build_layer(warehouse_settings, failed[0], layer)
    published_at = publish(warehouse_settings, failed[0])
    assert publish(warehouse_settings, failed[0]) == published_at
    assert cost_that_readers_see(warehouse_settings) == 6
    with pytest.raises(BuildError, match="is over"):
        build_layer(warehouse_settings, failed[0], "marts")

    with (
        Warehouse(warehouse_settings).connect(Role.ANALYST) as analyst,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        analyst.execute("select * from marts_next.fct_usage_daily")
    with Warehouse(warehouse_settings).connect(Role.FORECASTER) as forecaster:
        assert forecaster.execute("select count(*) from marts.fct_forecasts").fetchone() == (0,)
    runs = owner.execute("select count(*) from operations.model_runs where status = 'success' and seconds is null")
    assert runs.fetchone() == (0,)


@pytest.mark.slow
def test_a_killed_build_is_taken_over(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load("observations", [observation(f"t{number}", "call", number, cost=1) for number in range(5)])
    built()
    built(full_refresh=True)
    raw.load("observations", [observation("t1", "call", 7, cost=2), observation("t9", "call", 9, cost=1)])
    script = (
        "from tracemart.settings import Settings\n"
        "from tracemart.build import start_build, build_layer, LAYERS\n"
        "settings = Settings()\n"
        "build_id = start_build(settings)\n"
        "for layer in LAYERS: build_layer(settings, build_id, layer)\n"
    )
    assert warehouse_settings.database_url is not None
    environment = os.environ | {
        "TRACEMART_HOME": str(warehouse_settings.home),
        "TRACEMART_DATABASE_URL": warehouse_settings.database_url.get_secret_value(),
        "TRACEMART_ENV_FILE": "none",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    killed = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.DEVNULL)
    try:
        # In the midst of the marts: some hold the new days, others do not yet.
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and killed.poll() is None:
            layers = owner.execute(
                "select count(distinct layer) from operations.model_runs"
                " where build_id = (select max(build_id) from operations.builds)"
            ).fetchone()
            moved = owner.execute(
                "select exists (select from marts_next.fct_generations where usage_date = '2026-03-10')"
            ).fetchone()
            if layers is not None and layers[0] == 2 and moved == (True,):
                break
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
    finally:
        killed.kill()
        killed.wait()
    assert cost_that_readers_see(warehouse_settings) == 5
    interrupted = owner.execute("select max(build_id) from operations.builds").fetchone()
    assert interrupted is not None
    # The dead process's connections may take a moment to end.
    while owner.execute(
        "select exists (select from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and usename = 'tracemart_transformer')"
    ).fetchone() == (True,):
        time.sleep(0.05)

    built()
    assert status(owner, interrupted[0])[0] == "abandoned"
    assert cost_that_readers_see(warehouse_settings) == 7
    resumed = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == resumed


@pytest.mark.slow
def test_another_time_zone_builds_every_day_anew_and_keeps_the_sums(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    # Around the end of summer time 2026 in Lord Howe, which moves by half an hour on 5 April.
    raw.load("observations", [observation(f"t{n}", "call", 33 + n / 24, cost=1) for n in range(72)])
    built()
    lord_howe = warehouse_settings.model_copy(update={"timezone": "Australia/Lord_Howe"})
    assert built(lord_howe) is not None
    row = owner.execute(
        "select (select is_full_refresh from operations.builds order by build_id desc limit 1),"
        " sum(calls), sum(cost_usd), count(distinct usage_date) from marts.fct_usage_hourly"
    ).fetchone()
    assert row == (True, 72, 72, 4)
    wrong = owner.execute(
        "select count(*) from marts.fct_generations"
        " where usage_date <> (started_at at time zone 'Australia/Lord_Howe')::date"
        " or started_at - usage_hour not between interval '0' and interval '90 minutes'"
    ).fetchone()
    assert wrong == (0,)


def test_no_two_builds_write_at_once(raw: Raw, warehouse_settings: Settings) -> None:
    raw.load("observations", [observation("a", "call", 1, cost=1)])
    build_id = start_build(warehouse_settings)
    assert build_id is not None
    with Warehouse(warehouse_settings).connect(Role.TRANSFORMER) as other:
        other.execute("select pg_advisory_lock(7466302012)")
        with pytest.raises(BuildError, match="Another build is writing"):
            build_layer(warehouse_settings, build_id, "staging")
        with pytest.raises(BuildError, match="Another build is writing"):
            start_build(warehouse_settings)


def test_a_later_build_takes_the_place_of_one_left_running(raw: Raw, warehouse_settings: Settings) -> None:
    raw.load("observations", [observation("a", "call", 1, cost=1)])
    left = start_build(warehouse_settings)
    assert left is not None
    later = start_build(warehouse_settings)
    assert later == left + 1
    with pytest.raises(BuildError, match=f"Build {left} is over"):
        publish(warehouse_settings, left)


def test_a_build_without_its_layers_is_not_published(raw: Raw, warehouse_settings: Settings) -> None:
    raw.load("observations", [observation("a", "call", 1, cost=1)])
    build_id = start_build(warehouse_settings)
    assert build_id is not None
    with pytest.raises(BuildError, match="not whole"):
        publish(warehouse_settings, build_id)


@pytest.mark.slow
def test_the_second_copy_takes_over_the_first(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    raw.load("observations", [observation(f"t{number}", "call", number, cost=1) for number in range(5)])
    built()
    raw.load("observations", [observation("t1", "call", 7, cost=2), observation("t9", "call", 9, cost=1)])
    second = built()
    whole = owner.execute("select is_full_refresh from operations.builds where build_id = %s", (second,)).fetchone()
    assert whole == (False,)
    incremental = marts(owner)
    indexes = "select schemaname, tablename, count(*) from pg_indexes where schemaname in ('marts', 'marts_next')"
    counted = owner.execute(f"{indexes} group by 1, 2").fetchall()
    assert {row[1:] for row in counted if row[0] == "marts"} == {row[1:] for row in counted if row[0] == "marts_next"}

    built(full_refresh=True)
    assert marts(owner) == incremental
    assert cost_that_readers_see(warehouse_settings) == 7
