"""A stand-in Langfuse in this process, whose rows a test can change, and the warehouse's tables as plain rows."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import sql
from pydantic import SecretStr

from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.workloads import Workload, WorkloadSpec, load
from tracemart.warehouse import Role, Warehouse

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
RAW_TABLES = (
    "projects", "models", "prompts", "observations", "superseded_observations", "scores", "superseded_scores",
    "rejected_rows", "watermarks",
)  # fmt: skip

Serve = Callable[[Store], AbstractContextManager[str]]


@dataclass(frozen=True)
class Served:
    workload: Workload
    store: Store
    host: str

    def project(self, project_id: str) -> LangfuseProject:
        keys = self.store.keys[project_id]
        return LangfuseProject(
            instance="demo",
            host=self.host,
            public_key=keys.public_key,
            secret_key=SecretStr(keys.secret_key),
            name=project_id,
        )

    @property
    def projects(self) -> list[LangfuseProject]:
        return [self.project(project_id) for project_id in self.store.projects]

    def rows(self, project_id: str) -> ProjectStore:
        return self.store.projects[project_id]


@pytest.fixture
def serve() -> Serve:
    return serving


@pytest.fixture
def served() -> Iterator[Served]:
    """A small made workload over HTTP."""
    workload = load(WorkloadSpec(observations=4000, days=7, seed=7, end=AS_OF))
    keys = {project.id: KeyPair(f"pk-lf-{project.id}", f"sk-lf-{project.id}") for project in workload.projects}
    store = workload.store(keys)
    with serving(store) as host:
        yield Served(workload, store, host)


@pytest.fixture
def settings(warehouse_settings: Settings) -> Settings:
    return warehouse_settings.model_copy(update={"as_of": AS_OF})


@pytest.fixture
def query(warehouse: Warehouse) -> Callable[..., list[tuple[Any, ...]]]:
    def run(text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with warehouse.connect(Role.OWNER) as connection:
            return connection.execute(text.encode(), parameters).fetchall()

    return run


@pytest.fixture
def table_hashes(warehouse: Warehouse) -> Callable[[], dict[str, str]]:
    """One hash over all rows and columns of each raw table but the run log raw.loads."""

    def hashes() -> dict[str, str]:
        with warehouse.connect(Role.OWNER) as connection:
            return {table: table_hash(connection, table) for table in RAW_TABLES}

    return hashes


def table_hash(connection: Any, table: str) -> str:
    query = sql.SQL("select md5(coalesce(string_agg(t::text, chr(10) order by t::text), '')) from {} as t")
    row = connection.execute(query.format(sql.Identifier("raw", table))).fetchone()
    return str(row[0])
