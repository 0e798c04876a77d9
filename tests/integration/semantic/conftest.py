"""One small built warehouse for all tests of the semantic layer: they only read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import fresh_warehouse
from tests.integration.build.conftest import Raw, observation, root, score
from tracemart.build import LAYERS, build_layer, publish, start_build
from tracemart.semantic.queries import SemanticLayer
from tracemart.services.postgres import EmbeddedPostgres
from tracemart.settings import Settings

DAYS = 47


@pytest.fixture(scope="module")
def published(postgres_server: EmbeddedPostgres, warehouse_home: Path, migrated_template: str) -> Iterator[Settings]:
    """47 days from 2026-03-01 on: two departments, two models, five users, errors, days without calls."""
    with fresh_warehouse(postgres_server, warehouse_home, migrated_template) as settings:
        raw = Raw(settings)
        raw.projects(p1="Support", p2="Sales")
        raw.load("observations", history())
        raw.load(
            "scores", [score("quality", f"t{number}", number + 0.3, number % 10 / 10) for number in range(0, 40, 3)]
        )
        build_id = start_build(settings, full_refresh=False)
        assert build_id is not None
        for layer in LAYERS:
            build_layer(settings, build_id, layer)
        publish(settings, build_id)
        yield settings


def history() -> list[dict[str, object]]:
    rows = []
    for day in range(DAYS):
        if day % 9 == 4:
            continue
        for number in range(1 + day % 3):
            trace = f"t{day}" if number == 0 else f"t{day}-{number}"
            project = "p2" if day % 5 == 0 else "p1"
            department = "sales" if (day + number) % 2 else "legal"
            rows.append(
                root(
                    trace,
                    day + number / 10,
                    project_id=project,
                    user_id=f"user-{(day + number) % 5}",
                    metadata=Jsonb({"department": department, "agent": f"agent-{number}"}),
                )
            )
            made = {"model": "claude-sonnet-5"} if number == 1 else {}
            failed = {"level": "ERROR"} if day % 7 == 0 else {}
            rows.append(
                observation(
                    trace,
                    "call",
                    day + number / 10 + 0.01,
                    project_id=project,
                    cost=0.37 + day / 100,
                    tokens=10 + day,
                    parent_observation_id=f"{trace}-root",
                    **made,
                    **failed,
                )
            )
    return rows


@pytest.fixture(scope="module")
def layer(published: Settings) -> SemanticLayer:
    return SemanticLayer(published)
