"""A stand-in on a real port of this machine, in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest

from tracemart.standin.faults import FaultSchedule
from tracemart.standin.keys import make_keys
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.workloads import Workload, make_workload

END = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Server:
    """A running stand-in, its address and store, and a client for one of its projects."""

    address: str
    store: Store

    def client(self, project_id: str) -> httpx.Client:
        pair = self.store.keys[project_id]
        return httpx.Client(base_url=self.address, auth=(pair.public_key, pair.secret_key), timeout=30)


@contextmanager
def running(store: Store, faults: FaultSchedule | None = None) -> Iterator[Server]:
    with serving(store, faults) as address:
        yield Server(address, store)


def keys_for(project_ids: list[str]) -> dict[str, KeyPair]:
    return {project_id: KeyPair(**pair) for project_id, pair in make_keys(project_ids).items()}


@pytest.fixture(scope="session")
def made() -> Workload:
    return make_workload(observations=3000, days=45, seed=7, end=END)


@pytest.fixture(scope="session")
def made_server(made: Workload) -> Iterator[Server]:
    """Serves a small made workload; tests only read from it."""
    with running(made.store(keys_for(list(made.rows)))) as server:
        yield server


@pytest.fixture
def empty_server() -> Iterator[Server]:
    """Serves one empty project, `blank`."""
    with running(Store({"blank": ProjectStore("blank", "Blank")}, keys_for(["blank"]))) as server:
        yield server
