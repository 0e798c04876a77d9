"""Write, audit, publish: see docs/decisions/0001-write-audit-publish.md.

Two slots take turns: one stands in the schema `marts`, which readers see, the other in `marts_next`, where dbt builds.
operations.slot_loads says which loads a slot holds, so a build takes up exactly what its slot lacks.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from tracemart.build.copying import copy_published_marts
from tracemart.build.version import inputs_digest, project_version
from tracemart.errors import BuildError
from tracemart.prices import load_prices
from tracemart.seeds import check_seeds
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

BUILD_LOCK = 7_466_302_012
LAYERS = ("staging", "intermediate", "marts")
GOOD_STATUSES = ("success", "pass", "warn", "no-op")
READERS = (Role.ANALYST, Role.FORECASTER)

# Loads that brought nothing new touch no day.
LOADS_LACKING = """
    select loads.batch_id from raw.loads as loads
    where loads.rows_inserted + loads.rows_updated > 0
      and not exists (
          select from operations.slot_loads as held where held.slot = %(slot)s and held.batch_id = loads.batch_id
      )
"""


@dataclass(frozen=True)
class RunningBuild:
    build_id: int
    slot: str
    is_full_refresh: bool


def start_build(settings: Settings, full_refresh: bool = False) -> int | None:
    """The number of a new build, or None where readers already see everything there is.

    Price lists are loaded first, where they changed. Takes up the loads that the slot in `marts_next` lacks. A slot
    that never was built, or was written to by another version of the dbt project, is built whole. Builds that were left
    running are marked abandoned.
    Raises BadInputError for a seed that is not usable, BuildError if another build is writing at this moment,
    WarehouseError.
    """
    check_seeds(settings)
    load_prices(settings)
    version, inputs = project_version(settings), inputs_digest(settings)
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        try:
            return _start(connection, version, inputs, full_refresh)
        except psycopg.Error as error:
            raise warehouse_error(error, "starting a build") from None


def _start(connection: psycopg.Connection, version: str, inputs: str, full_refresh: bool) -> int | None:
    connection.execute("set transaction isolation level repeatable read")
    take_build_lock(connection, "pg_try_advisory_xact_lock")
    if not full_refresh and _nothing_new(connection, version, inputs):
        return None
    slot, published = _slot_in(connection, "marts_next"), _slot_in(connection, "marts")
    whole = full_refresh or not was_left_by(connection, slot, version)
    if whole and not full_refresh and was_left_by(connection, published, version):
        copy_published_marts(connection, published, slot)
        whole = False
    connection.execute(
        "update operations.builds set status = 'abandoned', finished_at = clock_timestamp(),"
        " message = 'It was left running; a later build took its place.' where status = 'running'"
    )
    if whole:
        connection.execute("delete from operations.slot_loads where slot = %s", (slot,))
    _take_up_loads(connection, slot)
    row = connection.execute(
        "insert into operations.builds"
        " (slot, status, is_full_refresh, project_version, inputs_digest, data_through_at)"
        " values (%s, 'running', %s, %s, %s, %s) returning build_id",
        (slot, whole, version, inputs, _data_through(connection)),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _nothing_new(connection: psycopg.Connection, version: str, inputs: str) -> bool:
    """Whether the published slot holds every load; then what it shows is as fresh as the watermarks are now."""
    slot = _slot_in(connection, "marts")
    if not was_left_by(connection, slot, version) or not _was_made_of(connection, slot, inputs):
        return False
    if connection.execute(f"{LOADS_LACKING} limit 1", {"slot": slot}).fetchone() is not None:
        return False
    connection.execute(
        "update operations.builds set data_through_at = %(moment)s"
        " where build_id = (select max(build_id) from operations.builds where slot = %(slot)s and status = 'published')"
        " and data_through_at is distinct from %(moment)s",
        {"moment": _data_through(connection), "slot": slot},
    )
    return True


def was_left_by(connection: psycopg.Connection, slot: str, version: str) -> bool:
    """Whether the slot was published once and nothing but this version has written to it since."""
    row = connection.execute(
        """
        with published as (
            select max(build_id) as build_id from operations.builds where slot = %(slot)s and status = 'published'
        )
        select published.build_id is not null and not exists (
            select from operations.builds
            where slot = %(slot)s and builds.build_id >= published.build_id and project_version <> %(version)s
        )
        from published
        """,
        {"slot": slot, "version": version},
    ).fetchone()
    return row is not None and bool(row[0])


def _was_made_of(connection: psycopg.Connection, slot: str, inputs: str) -> bool:
    row = connection.execute(
        "select inputs_digest = %s from operations.builds where slot = %s and status = 'published'"
        " order by build_id desc limit 1",
        (inputs, slot),
    ).fetchone()
    return row is not None and bool(row[0])


def _slot_in(connection: psycopg.Connection, schema: str) -> str:
    row = connection.execute("select slot from operations.slots where schema_name = %s", (schema,)).fetchone()
    assert row is not None
    return str(row[0])


def _data_through(connection: psycopg.Connection) -> datetime | None:
    """The moment up to which every project's observations are loaded."""
    row = connection.execute(
        "select min(loaded_through_at) from raw.watermarks where entity = 'observations'"
    ).fetchone()
    return row[0] if row else None


def _take_up_loads(connection: psycopg.Connection, slot: str) -> None:
    connection.execute("delete from operations.pending_loads")
    connection.execute(f"insert into operations.pending_loads {LOADS_LACKING}", {"slot": slot})


def take_build_lock(connection: psycopg.Connection, function: str) -> None:
    """Hold off other builds while this connection (or transaction) lives. Raises BuildError."""
    row = connection.execute(sql.SQL("select {}(%s)").format(sql.Identifier(function)), (BUILD_LOCK,)).fetchone()
    if row is None or not row[0]:
        raise BuildError("Another build is writing to the marts at this moment: wait until it has ended, then retry.")


def release_build_lock(connection: psycopg.Connection) -> None:
    """Let the next layer begin at once: a lock goes with its connection only when the server has noticed its end."""
    connection.execute("select pg_advisory_unlock(%s)", (BUILD_LOCK,))


def resume_build(connection: psycopg.Connection, build_id: int) -> RunningBuild:
    """The build, running (again, where a step of it had failed). Raises BuildError if a later one took its place."""
    row = connection.execute(
        "update operations.builds set status = 'running', message = null, finished_at = null"
        " where build_id = %s and status in ('running', 'failed')"
        " and build_id = (select max(build_id) from operations.builds)"
        " returning build_id, slot, is_full_refresh",
        (build_id,),
    ).fetchone()
    if row is None:
        raise BuildError(
            f"Build {build_id} is over: a later build took its place, or it was published. Start a new one."
        )
    return RunningBuild(*row)


def take_up_new_loads(connection: psycopg.Connection, build: RunningBuild) -> int:
    """Take up loads that were committed since the build looked last; how many."""
    connection.execute(
        "update operations.builds set data_through_at = %s where build_id = %s",
        (_data_through(connection), build.build_id),
    )
    return connection.execute(
        f"insert into operations.pending_loads {LOADS_LACKING} on conflict do nothing", {"slot": build.slot}
    ).rowcount


def fail_build(settings: Settings, build_id: int, message: str) -> None:
    """Mark the build failed; what readers see stays as it is."""
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        connection.execute(
            "update operations.builds set status = 'failed', finished_at = clock_timestamp(), message = %s"
            " where build_id = %s and status = 'running'",
            (message, build_id),
        )


def publish(settings: Settings, build_id: int) -> datetime:
    """Show readers the build, whole, in one transaction; when that was. A build already published stays as it is.

    Raises BuildError if a layer was not built well or a later build took its place, WarehouseError.
    """
    with Warehouse(settings).connect(Role.TRANSFORMER) as connection:
        try:
            published_at = _published_at(connection, build_id)
            if published_at is not None:
                return published_at
            take_build_lock(connection, "pg_try_advisory_xact_lock")
            build = resume_build(connection, build_id)
            _check_is_built(connection, build_id)
            return _publish(connection, build)
        except psycopg.Error as error:
            raise warehouse_error(error, "publishing the marts") from None


def _published_at(connection: psycopg.Connection, build_id: int) -> datetime | None:
    row = connection.execute("select published_at from operations.builds where build_id = %s", (build_id,)).fetchone()
    return row[0] if row else None


def _check_is_built(connection: psycopg.Connection, build_id: int) -> None:
    row = connection.execute(
        "select count(distinct layer) = %s and bool_and(status = any(%s)) from operations.model_runs"
        " where build_id = %s",
        (len(LAYERS), list(GOOD_STATUSES), build_id),
    ).fetchone()
    if row is None or not row[0]:
        raise BuildError(f"Build {build_id} is not whole, so it cannot be published: build its layers first.")


def _publish(connection: psycopg.Connection, build: RunningBuild) -> datetime:
    connection.execute("alter schema marts rename to marts_swap")
    connection.execute("alter schema marts_next rename to marts")
    connection.execute("alter schema marts_swap rename to marts_next")
    readers = sql.SQL(", ").join(sql.Identifier(role.value) for role in READERS)
    connection.execute(sql.SQL("grant usage on schema marts to {}").format(readers))
    connection.execute(sql.SQL("revoke usage on schema marts_next from {}").format(readers))
    connection.execute(
        "update operations.slots set schema_name = case when slot = %s then 'marts' else 'marts_next' end",
        (build.slot,),
    )
    connection.execute(
        "insert into operations.slot_loads select %s, batch_id from operations.pending_loads on conflict do nothing",
        (build.slot,),
    )
    connection.execute("delete from operations.pending_loads")
    connection.execute("delete from operations.slot_prices where slot = %s", (build.slot,))
    connection.execute(
        "insert into operations.slot_prices select %s, * from intermediate.int_prices_compared", (build.slot,)
    )
    row = connection.execute(
        "update operations.builds set status = 'published', published_at = clock_timestamp(),"
        " finished_at = clock_timestamp() where build_id = %s returning published_at",
        (build.build_id,),
    ).fetchone()
    assert row is not None
    published_at: datetime = row[0]
    return published_at
