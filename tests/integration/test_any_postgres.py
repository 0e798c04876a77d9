"""Any PostgreSQL from 15 on serves, under an owner who is no superuser, as managed ones give."""

import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from tracemart.build import build
from tracemart.extract.step import extract_project, project_names
from tracemart.services.environment import settings_environment
from tracemart.services.instance import DemoWorkload
from tracemart.services.postgres import EmbeddedPostgres, free_port, system_user
from tracemart.services.processes import Processes, Service
from tracemart.services.standin_projects import KEYS_FILE, write_standin_projects
from tracemart.settings import PROJECT_ROOT, Settings
from tracemart.standin.workloads.spec import WorkloadSpec, load
from tracemart.standin.workloads.truth import truth_of
from tracemart.warehouse import Role, Warehouse

WORKLOAD = WorkloadSpec(observations=1500, days=21, seed=5)
INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[4]))


def as_database_user(command: list[str]) -> subprocess.CompletedProcess[str]:
    user = system_user()
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return subprocess.run([*prefix, *command], check=True, capture_output=True, text=True, cwd="/")


@pytest.fixture
def system_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a cluster made with the oldest PostgreSQL that this machine's packages brought."""
    if not INSTALLED or int(INSTALLED[0].parts[4]) < 15:
        pytest.skip("no PostgreSQL 15 or newer is installed from packages (Debian: apt-get install postgresql)")
    binaries = INSTALLED[0].parent
    folder = tmp_path_factory.mktemp("system-postgres")
    for parent in [folder, *folder.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    user = system_user()
    data, password = folder / "data", folder / "password"
    password.write_text("known to this test")
    for path in (folder, password):
        subprocess.run(["chown", f"{user.pw_uid}:{user.pw_gid}", str(path)], check=True)
    as_database_user(
        [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}"]
    )
    port = free_port()
    options = f"-p {port} -h 127.0.0.1 -k ''"
    control = [str(binaries / "pg_ctl"), "-w", "-D", str(data), "-l", str(folder / "log")]
    as_database_user([*control, "-o", options, "start"])
    yield f"postgresql://postgres:known%20to%20this%20test@127.0.0.1:{port}/postgres"
    as_database_user([*control, "-m", "immediate", "stop"])


def owned_by_no_superuser(server_url: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create role team login createdb createrole password 'of the team'")
        connection.execute("create database warehouse owner team")
    return re.sub(r"//[^@]+@([^/]+)/.*", r"//team:of%20the%20team@\1/warehouse", server_url)


def test_an_owner_who_is_no_superuser_can_migrate(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    for parent in [home, *home.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    server = EmbeddedPostgres(home)
    try:
        url = owned_by_no_superuser(server.url(server.start(), "postgres"))
        warehouse = Warehouse(Settings(home=home, database_url=SecretStr(url)))
        assert warehouse.migrate()
        assert warehouse.migrate() == []
        for role in Role:
            warehouse.connect(role).close()
    finally:
        server.stop()


def test_the_whole_way_on_the_oldest_postgres(system_postgres: str, tmp_path: Path) -> None:
    workload = DemoWorkload.chosen(WORKLOAD)
    processes = Processes(tmp_path)
    port = free_port()
    host = f"http://127.0.0.1:{port}"
    settings = Settings(
        home=tmp_path,
        database_url=SecretStr(owned_by_no_superuser(system_postgres)),
        projects_file=write_standin_projects(tmp_path, workload.projects(), host),
        as_of=workload.as_of,
    )
    Warehouse(settings).migrate()
    command = [sys.executable, "-m", "tracemart.standin", "serve", "--port", str(port)]
    environment = {**settings_environment(settings), "PYTHONPATH": str(PROJECT_ROOT), "PATH": "/usr/bin:/bin"}
    standin = Service(
        "standin",
        [*command, "--keys", str(tmp_path / KEYS_FILE), *workload.arguments()],
        environment,
        f"{host}/api/public/health",
    )
    processes.launch(standin)
    try:
        processes.wait(standin)
        for name in project_names(settings):
            extract_project(settings, name)
    finally:
        processes.stop("standin")
    assert build(settings).published
    truth = truth_of(load(workload.spec))["totals"]
    with Warehouse(settings).connect(Role.ANALYST) as connection:
        version = connection.info.server_version
        row = connection.execute(
            "select count(*), sum(recorded_cost_usd) from marts.fct_generations where is_counted"
        ).fetchone()
    assert version // 10_000 == int(INSTALLED[0].parts[4])
    assert row == (truth["calls"], Decimal(truth["cost_usd"]))


def test_an_older_postgres_is_refused(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemart.warehouse
    from tracemart.errors import WarehouseError

    monkeypatch.setattr(tracemart.warehouse, "OLDEST_POSTGRES", 990_000)
    with pytest.raises(WarehouseError, match="15 or newer"):
        warehouse.migrate()
