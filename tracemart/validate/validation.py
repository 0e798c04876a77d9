"""The two checks of write, audit, publish: on what arrived, and on what is about to be seen."""

import uuid
from datetime import UTC, datetime

import psycopg

from tracemart.errors import ValidationFailedError
from tracemart.settings import Settings
from tracemart.validate.engine import ExpectationEngine
from tracemart.validate.results import Check, ValidationResult, store_result
from tracemart.validate.suites import Expectation, Stage, Suite, read_suites
from tracemart.warehouse import Progress, Role, Warehouse


def validate_raw(
    settings: Settings, build_id: int | None = None, run_id: str | None = None, progress: Progress | None = None
) -> ValidationResult:
    """Check what arrived in `raw`: freshness, volume, distribution of the loads that readers do not see yet.

    Every check becomes a row of operations.validation_results. Raises ValidationFailedError if an expectation of
    severity `error` does not hold, SettingsError for a suite that cannot be read, WarehouseError.
    """
    return _validate(settings, "raw", build_id, run_id, progress)


def validate_marts(
    settings: Settings, build_id: int | None = None, run_id: str | None = None, progress: Progress | None = None
) -> ValidationResult:
    """Check what is about to be published (`marts_next`), also against what readers see (`marts`).

    Stores and raises as `validate_raw`.
    """
    return _validate(settings, "marts", build_id, run_id, progress)


def _validate(
    settings: Settings, stage: Stage, build_id: int | None, run_id: str | None, progress: Progress | None
) -> ValidationResult:
    warehouse = Warehouse(settings)
    suites = read_suites(stage)
    with (
        warehouse.connect(Role.TRANSFORMER, autocommit=True) as connection,
        warehouse.connect(Role.TRANSFORMER, autocommit=True) as session,
    ):
        parameters = {"now": settings.now().isoformat(), "zone": settings.timezone, "build_id": str(build_id or 0)}
        engine = ExpectationEngine(session, parameters)
        checks: list[Check] = []
        left_out: list[str] = []
        for done, suite in enumerate(suites):
            if progress:
                progress(f"checking {suite.table}", done, len(suites))
            if not exists(connection, checked_table(suite)):
                checks.append(missing_table(suite))
                continue
            for batch in suite.batches:
                if all(exists(connection, table) for table in batch.requires):
                    checks += engine.run(suite, batch)
                else:
                    left_out.append(f"{suite.name}: {batch.name}")
        result = ValidationResult(
            run_id=run_id or str(uuid.uuid4()),
            stage=stage,
            build_id=build_id,
            checked_at=datetime.now(UTC),
            checks=tuple(checks),
            left_out=tuple(left_out),
        )
        store_result(connection, result)
    if progress:
        progress(str(result), len(suites), len(suites))
    if result.errors:
        others = len(result.errors) - 1
        more = f" {others} more failed; all stand in operations.validation_results." if others else ""
        raise ValidationFailedError(result.errors[0].sentence + more)
    return result


def checked_table(suite: Suite) -> str:
    """Suites of marts are checked where the next build stands."""
    schema, table = suite.table.split(".")
    return f"marts_next.{table}" if schema == "marts" else f"{schema}.{table}"


def exists(connection: psycopg.Connection, table: str) -> bool:
    row = connection.execute("select to_regclass(%s) is not null", (table,)).fetchone()
    return row is not None and bool(row[0])


def missing_table(suite: Suite) -> Check:
    expectation = Expectation.model_validate(
        {
            "expect_table_to_exist": {},
            "severity": "error",
            "claim": f"{checked_table(suite)} stands",
            "remedy": "run ./run build",
        }
    )
    return Check(suite.name, checked_table(suite), expectation, is_success=False, observed="no such table")
