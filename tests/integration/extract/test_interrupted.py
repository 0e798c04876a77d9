"""A load that is interrupted keeps whole slices alone, and the next one ends where an undisturbed one would."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from tracemart.errors import WarehouseUnreachableError
from tracemart.extract import loading
from tracemart.extract.step import extract
from tracemart.services.postgres import EmbeddedPostgres
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

from .conftest import AS_OF, Served

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("TRACEMART_BENCH_KILLS", "10"))
# Small merges and slices, so that a load has many moments at which it can be killed.
LOADER = """
import sys
from tracemart.extract import loading
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings

loading.MERGE_AFTER_ROWS = loading.NEW_ROWS_AT_ONCE = 300
settings = Settings.model_validate_json(sys.stdin.readline())
project = LangfuseProject.model_validate_json(sys.stdin.readline())
print("started", flush=True)
extract(settings, project)
print("ended", flush=True)
"""
# Which batch wrote a row, when, and what tables of the log hold differ between two ways to the same rows.
OF_THE_WAY = {"batch_id", "loaded_at", "superseded_by_batch_id", "superseded_at", "rejected_row_id", "rejected_at",
              "known_from", "known_to", "vanished_at", "resolved_at"}  # fmt: skip
TABLES = (
    "projects", "models", "prompts", "prompt_versions", "score_configs", "datasets", "observations",
    "superseded_observations", "scores", "superseded_scores", "rejected_rows", "trace_months",
)  # fmt: skip


def data_of(warehouse: Warehouse) -> dict[str, Any]:
    """What is loaded, row for row, apart from which batch loaded it and when."""
    with warehouse.connect(Role.OWNER) as connection:
        return {table: _hash(connection, table) for table in TABLES}


def _hash(connection: psycopg.Connection, table: str) -> Any:
    named = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
        (f"raw.{table}",),
    )
    columns = ", ".join(sorted(name for (name,) in named if name not in OF_THE_WAY))
    return connection.execute(
        f"select count(*), md5(string_agg(row({columns})::text, '' order by row({columns})::text)) from raw.{table}"
        .encode()
    ).fetchone()  # fmt: skip


def with_secrets(settings: Settings, served: Served) -> str:
    assert settings.database_url is not None
    project = served.projects[0]
    setup = settings.model_dump(mode="json") | {"database_url": settings.database_url.get_secret_value()}
    key = project.model_dump(mode="json") | {"secret_key": project.secret_key.get_secret_value()}
    lines = [{name: value for name, value in setup.items() if value is not None}, key]
    return "".join(json.dumps(line) + "\n" for line in lines)


def start_loader(settings: Settings, served: Served) -> subprocess.Popen[str]:
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert loader.stdin is not None
    assert loader.stdout is not None
    loader.stdin.write(with_secrets(settings, served))
    loader.stdin.flush()
    assert loader.stdout.readline() == "started\n"
    return loader


def empty_raw(warehouse: Warehouse) -> None:
    with warehouse.connect(Role.OWNER) as connection:
        tables = connection.execute(
            "select string_agg(format('raw.%I', relname), ', ') from pg_class"
            " where relnamespace = 'raw'::regnamespace and relkind in ('r', 'p') and not relispartition"
        ).fetchone()
        assert tables is not None
        connection.execute(f"truncate {tables[0]}".encode())


def expect_whole_loads(warehouse: Warehouse) -> None:
    """Each row came with a load that says so, and nothing lies before a watermark that was not read."""
    with warehouse.connect(Role.OWNER) as connection:
        unlogged = connection.execute(
            "select count(*) from raw.observations where batch_id not in (select batch_id from raw.loads)"
        ).fetchone()
        counted = connection.execute(
            "select coalesce(sum(rows_inserted), 0) = (select count(*) from raw.observations),"
            " count(*) filter (where finished_at is null) from raw.loads where entity = 'observations'"
        ).fetchone()
        beyond = connection.execute(
            "select count(*) from raw.observations inner join raw.watermarks using (instance, project_id)"
            " where entity = 'observations' and start_time >= loaded_through_at"
        ).fetchone()
    assert (unlogged, counted, beyond) == ((0,), (True, 0), (0,))


def test_loader_killed_at_any_moment_ends_row_for_row_where_an_undisturbed_one_does(
    settings: Settings, served: Served, warehouse: Warehouse
) -> None:
    undisturbed = start_loader(settings, served)
    began = time.monotonic()
    undisturbed.communicate()
    seconds = time.monotonic() - began
    assert undisturbed.returncode == 0
    expected = data_of(warehouse)
    assert expected["observations"][0] == len(served.rows(served.projects[0].name or "").observations())
    moments = random.Random(7)
    killed = 0

    for _ in range(KILLS // 2):
        empty_raw(warehouse)
        for _ in range(2):
            loader = start_loader(settings, served)
            time.sleep(moments.uniform(0, seconds))
            loader.send_signal(signal.SIGKILL)
            loader.communicate()
            killed += loader.returncode == -signal.SIGKILL
            expect_whole_loads(warehouse)
        extract(settings, served.projects[0])
        assert data_of(warehouse) == expected

    assert killed >= KILLS // 2


@pytest.fixture
def postgres_of_its_own() -> Iterator[EmbeddedPostgres]:
    home = Path(tempfile.mkdtemp(prefix="tracemart-stopped-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(home)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


def test_postgres_that_stops_in_mid_load_is_one_sentence(
    served: Served, postgres_of_its_own: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = postgres_of_its_own
    port = server.running_port()
    assert port is not None
    server.create_database(port, "tracemart")
    settings = Settings(home=server.home, database_url=SecretStr(server.url(port, "tracemart")), as_of=AS_OF)
    warehouse = Warehouse(settings)
    warehouse.migrate()
    monkeypatch.setattr(loading, "NEW_ROWS_AT_ONCE", 300)

    def stop(what: str, done: int, total: int | None) -> None:
        if what == "observations" and done >= 500:
            server.stop()

    with pytest.raises(WarehouseUnreachableError) as caught:
        extract(settings, served.projects[0], progress=stop)

    assert str(caught.value) == (
        f"The warehouse went away while loading observations of demo/{served.workload.projects[0].name};"
        " nothing unfinished was kept. Start it, then run the step again."
    )
    server.start(port)
    expect_whole_loads(warehouse)
    extract(settings, served.projects[0])
    assert data_of(warehouse)["observations"][0] == len(served.rows(served.projects[0].name or "").observations())
