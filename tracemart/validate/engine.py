"""Runs the batches of a suite through Great Expectations: no context on disk, no phone-home, no password in a URL.

Its one session is read-only but for the rows of the batch at hand: Great Expectations asks its query again for every
expectation, and once for all of its rows, so the query's answer is kept in a temporary table.
"""

import logging
import os
import warnings
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from tracemart.errors import WarehouseQueryError
from tracemart.validate.results import Check
from tracemart.validate.suites import Batch, Suite
from tracemart.warehouse import first_line

ROWS_SHOWN = 3
MAX_TEXT = 300


class ExpectationEngine:
    """One Great Expectations context on a session of the warehouse, in autocommit, that is its own while it is used.

    `parameters` become the session's settings `tracemart.<name>`. Importing Great Expectations takes seconds, so it
    happens when an engine is made.
    """

    def __init__(self, session: psycopg.Connection, parameters: dict[str, str]) -> None:
        self._session, self._batches = session, 0
        session.execute("set default_transaction_read_only = on")
        for name, value in parameters.items():
            session.execute("select set_config(%s, %s, false)", (f"tracemart.{name}", value))
        os.environ["GX_ANALYTICS_ENABLED"] = "False"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
        from sqlalchemy import StaticPool

        for name in ("great_expectations", "great_expectations.data_context.types.base"):
            logging.getLogger(name).setLevel(logging.ERROR)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        # Great Expectations makes two engines; temporary tables want both on one session.
        self.source = context.data_sources.add_postgres(
            "warehouse",
            connection_string="postgresql+psycopg://tracemart@warehouse",
            kwargs={"creator": lambda: session, "poolclass": StaticPool},  # type: ignore[call-arg]
            create_temp_table=False,
        )

    def run(self, suite: Suite, batch: Batch) -> list[Check]:
        """A Check for every expectation of the batch, in their order; one that cannot be evaluated has failed.

        Raises WarehouseQueryError where Great Expectations itself fails.
        """
        try:
            table = self._kept(batch)
        except psycopg.Error as error:
            observed = f"not evaluated: {first_line(error)}"[:MAX_TEXT]
            return [
                Check(suite.name, batch.name, expectation, is_success=False, observed=observed, is_evaluated=False)
                for expectation in batch.expectations
            ]
        from great_expectations import ExpectationSuite
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
        from great_expectations.expectations.metadata_types import FailureSeverity

        expectations = [
            ExpectationConfiguration(
                type=expectation.type,
                kwargs=dict(expectation.arguments),
                meta={"position": position},
                severity=FailureSeverity.CRITICAL if expectation.severity == "error" else FailureSeverity.WARNING,
            ).to_domain_obj()
            for position, expectation in enumerate(batch.expectations)
        ]
        try:
            asset = self.source.add_table_asset(f"{suite.name}: {batch.name}", table_name=table)
            rows = asset.add_batch_definition_whole_table("all").get_batch()
            results: list[Any] = rows.validate(
                ExpectationSuite(suite.name, expectations=expectations),
                result_format={
                    "result_format": "SUMMARY",
                    "unexpected_index_column_names": batch.named_by,
                    "partial_unexpected_count": ROWS_SHOWN,
                },
            ).results
            in_order = sorted(results, key=lambda result: result.expectation_config.meta["position"])
        except Exception as error:
            raise WarehouseQueryError(
                f"Suite {suite.name}: '{batch.name}' could not be checked ({reason(error)}); mend its expectations in"
                f" expectations/{suite.name}.yml."
            ) from None
        return [check(suite, batch, position, result) for position, result in enumerate(in_order)]

    def _kept(self, batch: Batch) -> str:
        """Name of the temporary table with the batch's rows; that of the batch before is gone."""
        before, self._batches = self._batches, self._batches + 1
        with self._session.transaction():
            self._session.execute("set transaction read write")
            self._session.execute(f"drop table if exists pg_temp.batch_{before}".encode())
            # The query stands in a reviewed file.
            self._session.execute(f"create temporary table batch_{self._batches} as\n{batch.query}".encode())
        return f"batch_{self._batches}"


def reason(error: BaseException) -> str:
    """The server's own words where it gave any, else only the error's kind: other texts may show a connection."""
    at_server = getattr(error, "orig", None)
    return first_line(at_server) if isinstance(at_server, psycopg.Error) else type(error).__name__


def check(suite: Suite, batch: Batch, position: int, result: Any) -> Check:
    found = result.result
    percent = found.get("unexpected_percent")
    return Check(
        suite=suite.name,
        batch=batch.name,
        expectation=batch.expectations[position],
        is_success=bool(result.success),
        observed=observed_text(result, batch.named_by),
        is_evaluated=first_problem(result.exception_info) is None,
        unexpected_count=found.get("unexpected_count"),
        unexpected_percent=None if percent is None else round(Decimal(str(percent)), 4),
    )


def observed_text(result: Any, named_by: list[str]) -> str:
    """What was seen, for people: a value, or how many rows were unexpected with the first of them."""
    problem = first_problem(result.exception_info)
    if problem:
        return f"not evaluated: {problem}"[:MAX_TEXT]
    found = result.result
    if "observed_value" in found:
        return readable(found["observed_value"])
    rows, unexpected = found["element_count"], found["unexpected_count"]
    if not unexpected:
        return "no rows" if rows == 0 else f"{rows:,} rows as expected"
    examples = [
        readable_row(row, result.expectation_config.kwargs.get("column"), named_by)
        for row in found.get("partial_unexpected_index_list", [])[:ROWS_SHOWN]
    ] or [readable(value) for value in found["partial_unexpected_list"][:ROWS_SHOWN]]
    if rows == 1:
        return examples[0][:MAX_TEXT]
    shown = f"such as {'; '.join(examples)}" if unexpected > len(examples) else "; ".join(examples)
    return f"{unexpected:,} of {rows:,} rows otherwise ({shown})"[:MAX_TEXT]


def first_problem(info: dict[str, Any]) -> str | None:
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message")).strip().splitlines()[0].rstrip(".")
    return None


def readable_row(row: dict[str, Any], column: str | None, named_by: list[str]) -> str:
    name = "/".join(str(row[key]) for key in named_by if key in row and key != column)
    value = f"{column} {readable(row.get(column))}" if column else ""
    return f"{value} for {name}" if name and value else name or value


def readable(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return f"{int(value):,}"
    return f"{value:,}" if isinstance(value, int) else str(value)
