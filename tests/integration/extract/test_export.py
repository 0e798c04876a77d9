"""A project's export read into raw, against the same project read from the API."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.extract.conftest import Served
from tracemart.extract.export.step import extract_export
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.export import ExportWriter

PROJECT = "support-assistant"
OWN = ("instance", "source", "load_source", "batch_id", "loaded_at")
# What the API alone has.
NOT_EXPORTED = {
    "observations": ("model_id", "tool_definitions", "tool_calls", "tool_call_names"),
    "scores": ("config_id", "metadata", "author_user_id", "queue_id"),
}
PRICES = ("input_price", "output_price", "total_price")

Query = Callable[..., list[tuple[Any, ...]]]


def of(served: Served, folder: Path, instance: str = "bulk") -> LangfuseProject:
    return served.project(PROJECT).model_copy(update={"export": str(folder), "instance": instance})


def differences(query: Query, table: str, left_out: tuple[str, ...]) -> int:
    """Rows of the instance `bulk` and of `demo` that the other has not, in the columns that an export has."""
    without = " - ".join(["to_jsonb(known)", *(f"'{column}'" for column in (*OWN, *left_out))])
    rows = query(
        f"select count(*) from (select {without} as row from raw.{table} known where instance = 'bulk') bulk"
        f" full join (select {without} as row from raw.{table} known where instance = 'demo'"
        f" and project_id = '{PROJECT}') api using (row) where bulk.row is null or api.row is null"
    )
    return int(rows[0][0])


@pytest.mark.parametrize(
    ("form", "compressed"),
    [("parquet", False), ("jsonl", True), ("jsonl", False), ("json", True), ("json", False), ("csv", True)],
)
def test_export_ends_in_the_rows_of_the_api(
    served: Served, settings: Settings, query: Query, tmp_path: Path, form: Any, compressed: bool
) -> None:
    extract(settings, served.project(PROJECT), catalogues=False)
    ExportWriter(tmp_path, form, compressed, prefix="exports/").write(served.rows(PROJECT), timedelta(days=2))

    result = extract_export(settings, of(served, tmp_path / "exports"))

    prices = PRICES if form == "parquet" else ()
    assert differences(query, "observations", (*NOT_EXPORTED["observations"], *prices)) == 0
    assert differences(query, "scores", NOT_EXPORTED["scores"]) == 0
    assert query("select count(*) from raw.observations where instance = 'bulk'") == [
        (len(served.rows(PROJECT).observations()),)
    ]
    assert query("select count(*), count(distinct source) from raw.superseded_observations") == [(0, 0)]
    assert result.changed
