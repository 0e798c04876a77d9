"""superset/assets/datasets against the dbt project."""

from pathlib import Path

import pytest
import yaml

from tracemart.errors import SupersetError
from tracemart.superset.dataset_files import check_files, differing_files, write_files
from tracemart.superset.datasets import Dataset


def test_the_datasets_in_the_repository_are_what_the_dbt_project_says(datasets: dict[str, Dataset]) -> None:
    check_files(datasets)


def test_files_that_differ_are_named(datasets: dict[str, Dataset], tmp_path: Path) -> None:
    write_files(datasets, tmp_path)
    assert differing_files(datasets, tmp_path) == []
    (tmp_path / "fct_usage_daily.yaml").unlink()
    (tmp_path / "fct_gone.yaml").write_text("table_name: fct_gone")
    changed = tmp_path / "dim_models.yaml"
    changed.write_text(changed.read_text().replace("model", "engine"))
    with pytest.raises(
        SupersetError, match=r"dim_models\.yaml, fct_gone\.yaml, fct_usage_daily\.yaml differ; run python"
    ):
        check_files(datasets, tmp_path)
    write_files(datasets, tmp_path)
    assert differing_files(datasets, tmp_path) == []
    assert not (tmp_path / "fct_gone.yaml").exists()


def test_a_file_is_what_superset_imports(datasets: dict[str, Dataset], tmp_path: Path) -> None:
    write_files(datasets, tmp_path)
    document = yaml.safe_load((tmp_path / "fct_latency_buckets_daily.yaml").read_text())
    expressions = {metric["metric_name"]: metric["expression"] for metric in document["metrics"]}
    assert expressions["p95_latency_ms"] == (
        "public.percentile_from_buckets(SUM(buckets) FILTER (WHERE measure = 'latency_ms'), 0.95)"
    )
    assert {column["column_name"] for column in document["columns"]} >= {"usage_date", "measure", "buckets"}
    assert all(column["description"] for column in document["columns"])


def test_a_metric_of_traces_is_not_offered_where_the_column_means_something_else(datasets: dict[str, Dataset]) -> None:
    assert "quality_of_traces" in datasets["fct_traces"].metric_names()
    assert "quality_of_traces" not in datasets["fct_model_comparison_daily"].metric_names()
