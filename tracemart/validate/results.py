"""What the checks of one run found, in words, and where that is kept."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import psycopg

from tracemart.validate.suites import Expectation, Severity, Stage


@dataclass(frozen=True)
class Check:
    """One expectation of one suite, and how it went.

    `observed` and `expected` are text for people; `unexpected_percent` is 0 to 100 of the batch's rows.
    """

    suite: str
    batch: str
    expectation: Expectation
    is_success: bool
    observed: str
    is_evaluated: bool = True
    unexpected_count: int | None = None
    unexpected_percent: Decimal | None = None

    @property
    def severity(self) -> Severity:
        return self.expectation.severity

    @property
    def sentence(self) -> str:
        """Suite, expectation, column and observed value in one sentence, with what to do."""
        of_column = f" of {self.expectation.column}" if self.expectation.column else ""
        if not self.is_evaluated:
            return (
                f"Suite {self.suite}, {self.expectation.type}{of_column} on {self.batch}: {self.observed};"
                f" mend the query in expectations/{self.suite}.yml, or build the tables that it reads."
            )
        return (
            f"Suite {self.suite}, {self.expectation.type}{of_column}: expected that {self.expectation.claim},"
            f" but found {self.observed} in {self.batch}; {self.expectation.remedy}."
        )


@dataclass(frozen=True)
class ValidationResult:
    """All checks of a run in the order of the files; `left_out` names batches that had nothing to compare."""

    run_id: str
    stage: Stage
    build_id: int | None
    checked_at: datetime
    checks: tuple[Check, ...]
    left_out: tuple[str, ...]

    @property
    def passed(self) -> int:
        return sum(check.is_success for check in self.checks)

    @property
    def errors(self) -> list[Check]:
        return [check for check in self.checks if not check.is_success and check.severity == "error"]

    @property
    def warnings(self) -> list[Check]:
        return [check for check in self.checks if not check.is_success and check.severity == "warning"]

    def __str__(self) -> str:
        return (
            f"{self.passed} of {len(self.checks)} checks of {self.stage} passed,"
            f" {len(self.warnings)} warnings, {len(self.errors)} errors"
        )


def expected_text(expectation: Expectation) -> str:
    """Bounds or set of an expectation, such as `0 to 1`, `at least 0`, `in SPAN, EVENT`; else its claim."""
    arguments = expectation.arguments
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    if high is not None:
        return f"at most {high}"
    if "value_set" in arguments:
        return "in " + ", ".join(str(value) for value in arguments["value_set"])
    return expectation.claim


def store_result(connection: psycopg.Connection, result: ValidationResult) -> None:
    """Add a row per check to operations.validation_results, all in one transaction."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into operations.validation_results (
                run_id, stage, suite, expectation, column_name, severity, is_success, observed_value, expected,
                unexpected_count, unexpected_percent, build_id, checked_at
            ) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    result.run_id,
                    result.stage,
                    check.suite,
                    f"{check.expectation.type}: {check.expectation.claim}",
                    check.expectation.column,
                    check.severity,
                    check.is_success,
                    check.observed,
                    expected_text(check.expectation),
                    check.unexpected_count,
                    check.unexpected_percent,
                    result.build_id,
                    result.checked_at,
                )
                for check in result.checks
            ],
        )
