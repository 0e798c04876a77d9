"""Layers, names, descriptions and metrics of the dbt project, without a database."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tracemart.build.dictionary import DICTIONARY, data_dictionary
from tracemart.build.version import DBT_PROJECT

BIN = Path(sys.executable).parent
METRICS = {
    "calls", "errors", "error_rate", "cost_usd", "total_tokens", "input_tokens", "output_tokens", "cached_input_share",
    "cost_per_call_usd", "cost_per_1k_tokens_usd", "active_users", "traces", "quality", "cached_savings_usd",
}  # fmt: skip


def marts(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["path"].startswith("marts/")
    ]


def test_layers_and_names_keep_to_the_rules(manifest_folder: Path, tmp_path: Path) -> None:
    rules = yaml.safe_load((DBT_PROJECT / "dbt-bouncer.yml").read_text())
    config = tmp_path / "dbt-bouncer.yml"
    config.write_text(yaml.safe_dump(rules | {"dbt_artifacts_dir": str(manifest_folder)}))
    done = subprocess.run(
        [BIN / "dbt-bouncer", "--config-file", config], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_column_of_a_mart_is_described_once_in_the_dictionary_of_columns(manifest: dict[str, Any]) -> None:
    for node in marts(manifest):
        description = yaml.safe_load((DBT_PROJECT / node["patch_path"].split("://")[1]).read_text())
        columns = description["models"][0]["columns"]
        assert [column["name"] for column in columns if "doc('" not in column["description"]] == [], node["name"]
        assert all(column["description"] and column["data_type"] for column in node["columns"].values()), node["name"]


def test_every_fact_names_the_time_that_charts_use(manifest: dict[str, Any]) -> None:
    for node in marts(manifest):
        if node["name"].startswith("fct_"):
            assert node["config"]["meta"]["superset"]["main_datetime"] in node["columns"], node["name"]


def test_metrics_are_read_by_the_semantic_layer(semantic_manifest: dict[str, Any]) -> None:
    # The newer form of definition parses without an error and yields none.
    names = [metric["name"] for metric in semantic_manifest["metrics"]]
    assert len(names) >= 125
    assert set(names) >= METRICS


def test_money_is_never_a_ratio_metric(semantic_manifest: dict[str, Any]) -> None:
    # MetricFlow casts ratios to double precision.
    assert [metric["name"] for metric in semantic_manifest["metrics"] if metric["type"] == "ratio"] == []


def test_data_dictionary_is_current(manifest: dict[str, Any]) -> None:
    assert DICTIONARY.read_text() == data_dictionary(manifest), "run python -m tracemart.build.dictionary"
