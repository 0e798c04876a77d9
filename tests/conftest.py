"""A real PostgreSQL for every test that asks for one: one server a worker, one database a test."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from tracemart.services.postgres import EmbeddedPostgres
from tracemart.settings import PROJECT_ROOT, Settings
from tracemart.warehouse import Warehouse

if TYPE_CHECKING:
    from tracemart.services.stack import Stack


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TRACEMART_", "LANGFUSE_", "AIRFLOW__")):
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture(scope="session")
def warehouse_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="tracemart-test-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(warehouse_home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(warehouse_home)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres, warehouse_home: Path) -> str:
    port = postgres_server.running_port()
    assert port is not None
    postgres_server.create_database(port, "migrated_template")
    url = postgres_server.url(port, "migrated_template")
    Warehouse(Settings(home=warehouse_home, database_url=SecretStr(url))).migrate()
    return "migrated_template"


@contextmanager
def fresh_warehouse(server: EmbeddedPostgres, home: Path, template: str) -> Iterator[Settings]:
    """Settings on a migrated, empty warehouse, dropped at the end."""
    port = server.running_port() or server.start()
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        for role in ("tracemart_loader", "tracemart_transformer", "tracemart_forecaster", "tracemart_analyst"):
            connection.execute(
                sql.SQL("grant connect on database {} to {}").format(sql.Identifier(name), sql.Identifier(role))
            )
        connection.execute(sql.SQL("grant create on database {} to tracemart_transformer").format(sql.Identifier(name)))
    yield Settings(
        home=home,
        database_url=SecretStr(server.url(port, name)),
        projects_file=home / "no-projects.yml",
    )
    port = server.running_port() or server.start()
    with psycopg.connect(server.url(port, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def warehouse_settings(
    postgres_server: EmbeddedPostgres, warehouse_home: Path, migrated_template: str
) -> Iterator[Settings]:
    """Settings on a migrated, empty warehouse of this test's own."""
    with fresh_warehouse(postgres_server, warehouse_home, migrated_template) as settings:
        yield settings


@pytest.fixture(scope="session")
def demo_size() -> tuple[str, ...]:
    return ("--observations", "12000", "--days", "60", "--seed", "7")


@pytest.fixture(scope="session")
def running_demo(demo_size: tuple[str, ...]) -> Iterator["Stack"]:
    """`./run demo` on a small made workload, in a home of its own."""
    from tracemart.services.stack import running_stack

    home = Path(tempfile.mkdtemp(prefix="tracemart demo "))
    home.chmod(0o755)
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("TRACEMART_", "LANGFUSE_"))}
    environment = {**outside, "TRACEMART_HOME": str(home), "TRACEMART_ENV_FILE": str(home / "no.env")}
    command = [str(PROJECT_ROOT / "run"), "demo", *demo_size]
    try:
        subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL)
        yield running_stack(home)
    finally:
        subprocess.run([str(PROJECT_ROOT / "run"), "down"], env=environment, check=False)
        shutil.rmtree(home, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "running_demo" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.demo)


@pytest.fixture
def warehouse(warehouse_settings: Settings) -> Warehouse:
    return Warehouse(warehouse_settings)
