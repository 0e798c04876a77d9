"""Processes that share a warehouse share a Langfuse server's patience."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import respx
from httpx import Response
from pydantic import SecretStr

from tracemart.errors import LangfuseBusyError, LangfuseRateLimitedError, ProjectBusyError
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.load import LoadKey
from tracemart.extract.pacing import Pacer
from tracemart.extract.resume import read_resume_after, store_resume_after
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Role, Warehouse

HOST = "https://cloud.langfuse.test"
OBSERVATIONS = "/api/public/v2/observations"
METRICS = "/api/public/v2/metrics"
MINUTE = timedelta(minutes=1)


class Naps(list[float]):
    """Sleeps that are only written down."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


Making = Callable[..., tuple[Pacer, Naps]]


@pytest.fixture
def make_pacer(warehouse: Warehouse) -> Iterator[Making]:
    made: list[Pacer] = []

    def make(organization: str = "org-1", **settings: Any) -> tuple[Pacer, Naps]:
        naps = Naps()
        pacer = Pacer(lambda: warehouse.connect(Role.LOADER, autocommit=True), HOST, sleep=naps, **settings)
        made.append(pacer)
        pacer.belongs_to(organization)
        return pacer, naps

    yield make
    for pacer in made:
        pacer.close()


def test_learned_limit_is_kept_by_who_comes_later(make_pacer: Making) -> None:
    first, _ = make_pacer()
    first.refused(OBSERVATIONS, 30, timedelta(seconds=59))
    second, naps = make_pacer()

    for _ in range(3):
        second.await_turn(OBSERVATIONS)

    spacing = 61 / 29
    assert naps == pytest.approx([59, 59 + spacing, 59 + 2 * spacing], abs=2)
    assert naps[1] - naps[0] == pytest.approx(spacing, abs=1)


def test_two_processes_take_turns(make_pacer: Making) -> None:
    first, first_naps = make_pacer()
    first.refused(OBSERVATIONS, 31, timedelta(0))
    second, second_naps = make_pacer()

    for _ in range(4):
        first.await_turn(OBSERVATIONS)
        second.await_turn(OBSERVATIONS)

    waits = sorted([0.0, *first_naps, *second_naps])
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert sum(first_naps) + sum(second_naps) > 0
    assert max(waits) == pytest.approx(7 * 61 / 30, abs=2)
    assert min(gaps) > 1


def test_other_buckets_and_organisations_do_not_wait(make_pacer: Making) -> None:
    first, naps = make_pacer()
    first.refused(METRICS, 100, timedelta(days=1))
    other, other_naps = make_pacer("org-2")

    first.await_turn(OBSERVATIONS)
    other.await_turn(METRICS)

    assert naps == other_naps == []


def test_pause_of_a_day_is_known_without_a_request(make_pacer: Making) -> None:
    make_pacer()[0].refused(METRICS, 100, timedelta(seconds=86_398))
    later, naps = make_pacer()

    with pytest.raises(LangfuseRateLimitedError) as caught:
        later.await_turn(METRICS)

    away = caught.value.resume_after - datetime.now(UTC)
    assert timedelta(hours=23) < away < timedelta(hours=25)
    assert f"{caught.value.resume_after:%Y-%m-%d %H:%M}" in str(caught.value)
    assert naps == []


def test_refused_turn_takes_no_slot(make_pacer: Making, warehouse: Warehouse) -> None:
    pacer, _ = make_pacer()
    pacer.refused(METRICS, 100, timedelta(days=1))
    with warehouse.connect(Role.LOADER) as connection:
        before = connection.execute("select next_request_at from raw.request_pacing").fetchall()

    with pytest.raises(LangfuseRateLimitedError):
        pacer.await_turn(METRICS)

    with warehouse.connect(Role.LOADER) as connection:
        assert connection.execute("select next_request_at from raw.request_pacing").fetchall() == before


def test_rest_of_a_long_window_does_not_shorten_it(make_pacer: Making, warehouse: Warehouse) -> None:
    pacer, _ = make_pacer()
    pacer.refused(METRICS, 500, timedelta(minutes=50))
    pacer.refused(METRICS, 500, timedelta(seconds=20))

    with warehouse.connect(Role.LOADER) as connection:
        assert connection.execute("select window_length from raw.request_pacing").fetchall() == [(60 * MINUTE,)]


def test_other_plan_replaces_what_was_learned(make_pacer: Making, warehouse: Warehouse) -> None:
    pacer, _ = make_pacer()
    pacer.refused(OBSERVATIONS, 30, MINUTE)
    pacer.refused(OBSERVATIONS, 1000, timedelta(seconds=5))

    with warehouse.connect(Role.LOADER) as connection:
        known = connection.execute("select requests, window_length from raw.request_pacing").fetchall()
    assert known == [(1000, MINUTE)]


def test_limit_learned_long_ago_is_learned_anew(make_pacer: Making, warehouse: Warehouse) -> None:
    make_pacer()[0].refused(OBSERVATIONS, 30, timedelta(0))
    with warehouse.connect(Role.LOADER) as connection:
        connection.execute("update raw.request_pacing set learned_at = learned_at - interval '8 days'")
    pacer, naps = make_pacer()

    for _ in range(3):
        pacer.await_turn(OBSERVATIONS)

    assert naps == []


def test_configured_limit_spreads_all_requests(make_pacer: Making) -> None:
    pacer, naps = make_pacer(requests_per_minute=31)

    for path in (OBSERVATIONS, "/api/public/traces", METRICS, "/api/public/health"):
        pacer.await_turn(path)

    assert naps == pytest.approx([61 / 30, 2 * 61 / 30], abs=1)


def test_without_a_limit_the_warehouse_is_asked_nothing(warehouse: Warehouse) -> None:
    def connect() -> psycopg.Connection:
        connections.append(warehouse.connect(Role.LOADER, autocommit=True))
        return connections[-1]

    connections: list[psycopg.Connection] = []
    pacer = Pacer(connect, HOST)
    pacer.belongs_to("org-1")
    pacer.close()

    pacer.await_turn(OBSERVATIONS)

    assert len(connections) == 1


def test_lost_connection_is_opened_again(make_pacer: Making, warehouse: Warehouse) -> None:
    pacer, naps = make_pacer()
    pacer.refused(OBSERVATIONS, 30, timedelta(seconds=30))
    with warehouse.connect(Role.OWNER, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'tracemart_loader' and datname = current_database()"
        )

    pacer.await_turn(OBSERVATIONS)

    assert len(naps) == 1


def test_third_reader_of_a_host_is_turned_away(make_pacer: Making) -> None:
    first, second, third = (make_pacer(seat_wait=timedelta(0))[0] for _ in range(3))
    first.open()
    second.open()
    with pytest.raises(LangfuseBusyError, match=r"as may \(2"):
        third.open()

    first.close()
    third.seat_wait, third._sleep = MINUTE, time.sleep

    third.open()


def test_project_is_read_by_one_at_a_time(make_pacer: Making) -> None:
    first, second, other = (make_pacer(project=key, seat_wait=timedelta(0))[0] for key in ("pk-1", "pk-1", "pk-2"))
    first.open()

    other.open()
    with pytest.raises(ProjectBusyError, match="this project"):
        second.open()


def test_address_holds_no_password(warehouse_settings: Settings) -> None:
    host = "https://user:secret@Cloud.langfuse.test/"
    project = LangfuseProject(instance="cloud", host=host, public_key="pk", secret_key=SecretStr("sk"))

    assert Pacer.of(warehouse_settings, project).host == HOST


def test_reader_waits_for_a_seat_and_says_so(make_pacer: Making, caplog: pytest.LogCaptureFixture) -> None:
    first, second = make_pacer(seats=1)[0], make_pacer(seats=1)[0]
    first.open()
    second._sleep = lambda _: first.close()

    second.open()

    assert "As many loads as may (1" in caplog.text


def test_killed_reader_leaves_its_seat(make_pacer: Making, warehouse_settings: Settings) -> None:
    assert warehouse_settings.database_url is not None
    code = f"""
import sys, time
from tracemart.extract.pacing import Pacer
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse
settings = Settings.configured()
pacer = Pacer(lambda: Warehouse(settings).connect(Role.LOADER, autocommit=True), {HOST!r}, seats=1)
pacer.open()
print("seated", flush=True)
time.sleep(600)
"""
    environment = {
        "TRACEMART_HOME": str(warehouse_settings.home),
        "TRACEMART_DATABASE_URL": warehouse_settings.database_url.get_secret_value(),
    }
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as reader:
        try:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "seated\n"
            pacer, _ = make_pacer(seats=1, seat_wait=timedelta(0))
            with pytest.raises(LangfuseBusyError):
                pacer.open()
        finally:
            reader.kill()
    pacer.seat_wait, pacer._sleep = MINUTE, time.sleep

    pacer.open()


@respx.mock
def test_limited_client_goes_on_at_the_learned_pace(make_pacer: Making) -> None:
    identity = {"data": [{"id": "p1", "name": "One", "organization": {"id": "org-1", "name": "Org"}}]}
    respx.get(f"{HOST}/api/public/health").mock(Response(200, json={"status": "OK", "version": "4.16.0"}))
    respx.get(f"{HOST}/api/public/projects").mock(Response(200, json=identity))
    limited = Response(429, headers={"retry-after": "0", "x-ratelimit-limit": "30"}, json={})
    route = respx.get(f"{HOST}{OBSERVATIONS}").mock(side_effect=[limited, *[Response(200, json={"data": []})] * 3])
    pacer, naps = make_pacer()
    project = LangfuseProject(instance="cloud", host=HOST, public_key="pk", secret_key=SecretStr("sk"))

    with LangfuseClient(project, Patience(first_pause=timedelta(0)), pace=pacer) as client:
        client.identify()
        for _ in range(3):
            client.get(OBSERVATIONS)

    assert route.call_count == 4
    assert naps == pytest.approx([61 / 29, 2 * 61 / 29], abs=1)


def test_pause_stands_beside_the_watermark(warehouse: Warehouse) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    key = LoadKey("cloud", "p1", "observations", "v4")
    with warehouse.connect(Role.LOADER, autocommit=True) as connection:
        connection.execute(
            "insert into raw.watermarks (instance, project_id, entity, loaded_through_at)"
            " values ('cloud', 'p1', 'observations', %s), ('cloud', 'p2', 'observations', %s)",
            (now, now),
        )
        store_resume_after(connection, key, now + timedelta(hours=20))

        assert read_resume_after(connection, "cloud", "p1", now) == now + timedelta(hours=20)
        assert read_resume_after(connection, "cloud", "p1", now + timedelta(hours=20)) is None
        assert read_resume_after(connection, "cloud", "p2", now) is None
        loaded = connection.execute("select loaded_through_at from raw.watermarks where project_id = 'p1'").fetchone()
    assert loaded == (now,)
