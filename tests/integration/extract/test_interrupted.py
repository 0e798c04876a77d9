"""A load that is interrupted leaves the tables as they were, and the next one ends where an undisturbed one would."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tracemart.errors import WarehouseUnreachableError
from tracemart.extract import load as loading
from tracemart.extract.rows import OBSERVATION_COLUMNS, SCORE_COLUMNS
from tracemart.extract.step import extract
from tracemart.services.postgres import EmbeddedPostgres
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

from .conftest import AS_OF, Served

ROOT = Path(__file__).parents[3]
# Stops in the middle of an entity and says so, to be killed there; merges are small, so that some are behind it.
LOADER = """
import sys
from tracemart.extract import load
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings

load.MERGE_AFTER_ROWS = 300
settings = Settings.model_validate_json(sys.stdin.readline())
project = LangfuseProject.model_validate_json(sys.stdin.readline())
entity, rows = sys.argv[1], int(sys.argv[2])

def progress(what, done, total):
    if what == entity and done >= rows:
        print("stopped", flush=True)
        sys.stdin.readline()

extract(settings, project, progress=progress)
"""


def data_of(warehouse: Warehouse) -> dict[str, Any]:
    """What is loaded, apart from which batch loaded it."""
    columns = {"observations": ", ".join(OBSERVATION_COLUMNS), "scores": ", ".join(SCORE_COLUMNS)}
    with warehouse.connect(Role.OWNER) as connection:
        return {
            table: connection.execute(
                f"select count(*), md5(string_agg(row({listed})::text, '' order by row({listed})::text))"
                f" from raw.{table}".encode()
            ).fetchone()
            for table, listed in columns.items()
        }


def with_secrets(settings: Settings, served: Served) -> str:
    assert settings.database_url is not None
    project = served.projects[0]
    setup = settings.model_dump(mode="json") | {"database_url": settings.database_url.get_secret_value()}
    key = project.model_dump(mode="json") | {"secret_key": project.secret_key.get_secret_value()}
    lines = [{name: value for name, value in setup.items() if value is not None}, key]
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize(("entity", "rows"), [("observations", 1), ("observations", 700), ("scores", 150)])
def test_killed_loader_leaves_nothing_half_done(
    settings: Settings,
    served: Served,
    warehouse: Warehouse,
    table_hashes: Callable[[], dict[str, str]],
    query: Callable[..., Any],
    entity: str,
    rows: int,
) -> None:
    extract(settings, served.projects[0], window_from=AS_OF.replace(day=20), window_to=AS_OF.replace(day=21))
    before = table_hashes()
    loads = "select count(*) from raw.loads where entity = %s"
    loads_before = query(loads, entity)

    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER, entity, str(rows)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert loader.stdin is not None
    assert loader.stdout is not None
    loader.stdin.write(with_secrets(settings, served))
    loader.stdin.flush()
    assert loader.stdout.readline() == "stopped\n"
    loader.send_signal(signal.SIGKILL)
    loader.communicate()

    assert loader.returncode == -signal.SIGKILL
    after = table_hashes()
    assert after["scores"] == before["scores"]
    if entity == "observations":
        assert after == before
    assert query(loads, entity) == loads_before

    extract(settings, served.projects[0])
    recovered = data_of(warehouse)
    with warehouse.connect(Role.OWNER) as connection:
        connection.execute("truncate raw.observations, raw.scores, raw.watermarks")
    extract(settings, served.projects[0])
    assert recovered == data_of(warehouse)
    assert recovered["observations"][0] == len(served.rows(served.projects[0].name or "").observations())


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
    monkeypatch.setattr(loading, "MERGE_AFTER_ROWS", 300)

    def stop(what: str, done: int, total: int | None) -> None:
        if what == "observations" and done >= 500:
            server.stop()

    with pytest.raises(WarehouseUnreachableError) as caught:
        extract(settings, served.projects[0], progress=stop)

    assert str(caught.value) == (
        f"The warehouse went away while loading observations of demo/{served.workload.projects[0].name};"
        " nothing of this step was kept. Start it, then run the step again."
    )
    server.start(port)
    assert data_of(warehouse) == {"observations": (0, None), "scores": (0, None)}
    extract(settings, served.projects[0])
    assert data_of(warehouse)["observations"][0] == len(served.rows(served.projects[0].name or "").observations())
