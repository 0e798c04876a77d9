"""One layer of the dbt project: its models, and the tests of all that stands by then."""

import logging
import re
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from tracemart.build.invocation import run_dbt
from tracemart.build.slots import (
    GOOD_STATUSES,
    LAYERS,
    RunningBuild,
    fail_build,
    release_build_lock,
    resume_build,
    take_build_lock,
    take_up_new_loads,
)
from tracemart.errors import BuildError, TracemartError
from tracemart.prices import match_new_models
from tracemart.settings import Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

logger = logging.getLogger(__name__)

ROUNDS = 5
_RESULT_EVENTS = ("LogModelResult", "LogTestResult", "LogSeedResult", "LogNodeResult")


@dataclass(frozen=True)
class NodeResult:
    """What became of a model, seed or test; `rows` written, or found wrong by a test."""

    unique_id: str
    name: str
    resource_type: str
    status: str
    rows: int | None
    seconds: float
    message: str | None

    @property
    def is_good(self) -> bool:
        return self.status in GOOD_STATUSES


@dataclass(frozen=True)
class LayerResult:
    layer: str
    nodes: tuple[NodeResult, ...]
    seconds: float

    def __str__(self) -> str:
        tests = sum(node.resource_type == "test" for node in self.nodes)
        return f"{self.layer}: {len(self.nodes) - tests} models and {tests} tests in {self.seconds:.1f} s"


def build_layer(settings: Settings, build_id: int, layer: str, progress: Progress | None = None) -> LayerResult:
    """Build and test one of LAYERS for a build that start_build began; running it again changes nothing.

    Each node becomes a row of operations.model_runs and a line of the log. Raises BuildError that names what failed
    first (the build is then marked failed, and readers see what they saw), WarehouseError.
    """
    if layer not in LAYERS:
        raise BuildError(f"There is no layer {layer}: choose one of {', '.join(LAYERS)}.")
    started = time.monotonic()
    with Warehouse(settings).connect(Role.TRANSFORMER, autocommit=True) as connection:
        try:
            take_build_lock(connection, "pg_try_advisory_lock")
            build = resume_build(connection, build_id)
            nodes = _build(settings, connection, build, layer, progress)
            _record(connection, build_id, layer, nodes)
            release_build_lock(connection)
        except psycopg.Error as error:
            raise warehouse_error(error, f"building {layer}") from None
        except TracemartError as error:
            fail_build(settings, build_id, str(error))
            raise
    failed = [node for node in nodes if not node.is_good and node.status != "skipped"]
    if failed:
        message = _sentence(failed)
        fail_build(settings, build_id, message)
        raise BuildError(message)
    return LayerResult(layer, tuple(nodes), time.monotonic() - started)


def _build(
    settings: Settings, connection: psycopg.Connection, build: RunningBuild, layer: str, progress: Progress | None
) -> list[NodeResult]:
    if layer != "intermediate":
        return _run(settings, build, layer, progress)
    # The only layer that reads raw. A load that came while it ran may have moved a row from a day that was read
    # before to one that is read after: then it reads once more.
    for _ in range(ROUNDS):
        take_up_new_loads(connection, build)
        match_new_models(settings, is_full_refresh=build.is_full_refresh)
        nodes = _run(settings, build, layer, progress)
        if not all(node.is_good for node in nodes) or take_up_new_loads(connection, build) == 0:
            return nodes
    raise BuildError(
        f"Loads kept coming in while build {build.build_id} read raw: run the build again when extraction has ended."
    )


def _run(settings: Settings, build: RunningBuild, layer: str, progress: Progress | None) -> list[NodeResult]:
    def on_event(event: Any) -> None:
        if event.info.name not in _RESULT_EVENTS:
            return
        node = event.data.node_info
        logger.info(
            "%s %s: %s%s in %.2f s",
            layer, node.node_name, node.node_status, _rows_written(event.data), event.data.execution_time,
        )  # fmt: skip
        if progress:
            total = getattr(event.data, "total", None) or getattr(event.data, "num_models", None)
            progress(f"{layer}: {node.node_name}", event.data.index, total)

    selection = [f"path:models/{layer}", *(["resource_type:seed"] if layer == "staging" else [])]
    arguments = [
        "build", "--select", *selection, "--exclude-resource-type", "unit_test", "--indirect-selection", "buildable",
        *(["--full-refresh"] if build.is_full_refresh else []),
    ]  # fmt: skip
    return [_node_result(result) for result in run_dbt(settings, arguments, on_event)]


def _rows_written(data: Any) -> str:
    """ ", 12 rows" where the database said how many a model wrote; a view or a test writes none."""
    said = re.fullmatch(r"(?:INSERT 0|SELECT|MERGE) (\d+)", getattr(data, "status", ""))
    return f", {int(said[1]):,} rows" if said else ""


def _node_result(result: Any) -> NodeResult:
    rows = result.adapter_response.get("rows_affected") if result.adapter_response else None
    return NodeResult(
        unique_id=result.node.unique_id,
        name=result.node.name,
        resource_type=str(result.node.resource_type.value),
        status=str(result.status.value),
        rows=result.failures if result.failures is not None else rows if rows is None or rows >= 0 else None,
        seconds=round(result.execution_time, 3),
        message=result.message,
    )


def _record(connection: psycopg.Connection, build_id: int, layer: str, nodes: list[NodeResult]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into operations.model_runs"
            " (build_id, unique_id, name, resource_type, layer, status, rows_affected, seconds, message)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (build_id, unique_id) do update set status = excluded.status,"
            " rows_affected = excluded.rows_affected, seconds = excluded.seconds, message = excluded.message,"
            " finished_at = clock_timestamp()",
            [
                (build_id, n.unique_id, n.name, n.resource_type, layer, n.status, n.rows, n.seconds, n.message)
                for n in nodes
            ],
        )


def _sentence(failed: list[NodeResult]) -> str:
    first = failed[0]
    kind = {"test": "test", "seed": "seed"}.get(first.resource_type, "model")
    if first.resource_type == "test" and first.rows:
        what = f"{first.rows} rows do not hold it"
    else:
        lines = [line.strip() for line in (first.message or "no reason given").splitlines() if line.strip()]
        # dbt says on its first line which model it was, which the sentence says already.
        what = " ".join(lines[1:2] if len(lines) > 1 else lines[:1]).rstrip(".")
    others = f", and {len(failed) - 1} more with it" if len(failed) > 1 else ""
    return f"The dbt {kind} {first.name} failed: {what}{others}. Readers still see the last good marts."
