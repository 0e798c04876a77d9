"""Superset's datasets, generated from dbt's manifest: one per mart, and a few virtual ones.

A dataset's columns, types and descriptions are the mart's; its metrics are the semantic layer's. What neither can say
(percentiles of merged buckets, calculated columns) stands in `superset/assets/overlays/<mart>.yaml`.
`python -m tracemart.superset.datasets` writes what comes of it to `superset/assets/datasets`; `--check` compares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tracemart.errors import SupersetError
from tracemart.settings import PROJECT_ROOT, Settings
from tracemart.superset.metrics import Metric, read_metrics
from tracemart.superset.names import asset_uuid, d3_format, verbose_name

SCHEMA = "marts"
OVERLAYS = PROJECT_ROOT / "superset" / "assets" / "overlays"
# Roll-ups that sum to the calls exactly, so a metric made of sums means the same on each of them.
ROLL_UPS = (
    "fct_usage_hourly", "fct_usage_daily", "fct_cost_daily", "fct_model_comparison_daily", "fct_agent_daily",
    "fct_user_activity_daily", "fct_prompt_performance_daily",
)  # fmt: skip
MAIN_TIMES = (
    "usage_hour", "usage_date", "forecast_date", "started_at", "trace_date", "score_date", "checked_at", "published_at",
    "scored_at",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    description: str
    expression: str | None = None

    @property
    def is_time(self) -> bool:
        return self.type.lower().startswith(("date", "timestamp"))


@dataclass(frozen=True)
class DatasetMetric:
    name: str
    label: str
    description: str
    expression: str
    d3_format: str


@dataclass(frozen=True)
class Dataset:
    """A mart or a query over marts, as charts see it; `marts` are the tables it reads."""

    name: str
    description: str
    columns: tuple[Column, ...]
    metrics: tuple[DatasetMetric, ...]
    marts: tuple[str, ...]
    main_time: str | None
    sql: str | None = None

    @property
    def uuid(self) -> str:
        return asset_uuid("dataset", self.name)

    def column_names(self) -> set[str]:
        return {column.name for column in self.columns}

    def metric_names(self) -> set[str]:
        return {metric.name for metric in self.metrics}

    def as_superset(self, database_uuid: str) -> dict[str, Any]:
        """The YAML document that Superset imports."""
        return {
            "table_name": self.name,
            "main_dttm_col": self.main_time,
            "description": self.description,
            "schema": SCHEMA,
            "sql": self.sql,
            "filter_select_enabled": True,
            "normalize_columns": False,
            "always_filter_main_dttm": False,
            "uuid": self.uuid,
            "metrics": [
                {
                    "metric_name": metric.name,
                    "verbose_name": metric.label,
                    "expression": metric.expression,
                    "description": metric.description,
                    "d3format": metric.d3_format,
                }
                for metric in self.metrics
            ],
            "columns": [
                {
                    "column_name": column.name,
                    "verbose_name": verbose_name(column.name),
                    "is_dttm": column.is_time,
                    "is_active": True,
                    "type": column.type.upper(),
                    "groupby": True,
                    "filterable": True,
                    "expression": column.expression,
                    "description": column.description,
                }
                for column in self.columns
            ],
            "version": "1.0.0",
            "database_uuid": database_uuid,
        }


def current_datasets(settings: Settings) -> dict[str, Dataset]:
    """Datasets by name, of the dbt project as it stands. Needs no warehouse. Raises SupersetError, BuildError."""
    from tracemart.build.invocation import manifests

    folder = manifests(settings)
    return read_datasets(folder / "manifest.json", folder / "semantic_manifest.json", OVERLAYS)


def read_datasets(manifest_file: Path, semantic_manifest_file: Path, overlays: Path) -> dict[str, Dataset]:
    """Datasets by name. Raises SupersetError where a file is missing or an overlay names an unknown mart."""
    manifest = read_json(manifest_file)
    # By name, for dbt reads files in the order of the directory, which is another on every machine.
    metrics = dict(sorted(read_metrics(read_json(semantic_manifest_file)).items()))
    marts = {
        node["alias"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["alias"].startswith(("fct_", "dim_"))
    }
    extras = {file.stem: yaml.safe_load(file.read_text()) for file in sorted(overlays.glob("*.yaml"))}
    datasets = {name: dataset_of_mart(node, metrics, extras.pop(name, {})) for name, node in sorted(marts.items())}
    for name, extra in extras.items():
        datasets[name] = virtual_dataset(name, extra, set(marts))
    return datasets


def dataset_of_mart(node: Mapping[str, Any], metrics: Mapping[str, Metric], extra: Mapping[str, Any]) -> Dataset:
    name = node["alias"]
    columns = [
        Column(column["name"], column.get("data_type") or "text", sentence(column.get("description")))
        for column in node["columns"].values()
    ]
    names = {column.name for column in columns}
    offered = [
        DatasetMetric(metric.name, metric.label, metric.description, metric.sql, metric.d3_format)
        for metric in metrics.values()
        if metric.mart == name
        or (name in ROLL_UPS and metric.mart in ROLL_UPS and metric.is_additive and metric.uses_only(names))
    ]
    return Dataset(
        name=name,
        description=sentence(node.get("description")),
        columns=(*columns, *overlay_columns(extra)),
        metrics=(*offered, *overlay_metrics(extra)),
        marts=(name,),
        main_time=main_time(node, names),
    )


def main_time(node: Mapping[str, Any], columns: set[str]) -> str | None:
    """The column that a time filter narrows: the one that the mart's meta names, else the usual one."""
    superset = ((node.get("config") or {}).get("meta") or {}).get("superset") or {}
    named: str | None = superset.get("main_datetime")
    return named or next((time for time in MAIN_TIMES if time in columns), None)


def virtual_dataset(name: str, extra: Mapping[str, Any], marts: set[str]) -> Dataset:
    """A query over marts, written down in an overlay with the keys sql, marts, main_time, columns, metrics."""
    if "sql" not in extra:
        raise SupersetError(f"superset/assets/overlays/{name}.yaml adds to a mart that dbt does not build: {name}.")
    unknown = set(extra["marts"]) - marts
    if unknown:
        raise SupersetError(f"superset/assets/overlays/{name}.yaml reads marts that dbt does not build: {unknown}.")
    return Dataset(
        name=name,
        description=sentence(extra["description"]),
        columns=overlay_columns(extra),
        metrics=overlay_metrics(extra),
        marts=tuple(extra["marts"]),
        main_time=extra.get("main_time"),
        sql=extra["sql"],
    )


def overlay_columns(extra: Mapping[str, Any]) -> tuple[Column, ...]:
    return tuple(
        Column(name, column["type"], sentence(column["description"]), column.get("expression"))
        for name, column in extra.get("columns", {}).items()
    )


def overlay_metrics(extra: Mapping[str, Any]) -> tuple[DatasetMetric, ...]:
    return tuple(
        DatasetMetric(
            name,
            metric.get("label") or verbose_name(name),
            sentence(metric["description"]),
            " ".join(metric["expression"].split()),
            metric.get("d3_format") or d3_format(name),
        )
        for name, metric in extra.get("metrics", {}).items()
    )


def sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def read_json(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text())
    except (OSError, json.JSONDecodeError):
        raise SupersetError(
            f"dbt's manifest {file} cannot be read: run ./run build first, it writes the file."
        ) from None
    return content


if __name__ == "__main__":
    from tracemart.superset.dataset_files import main

    raise SystemExit(main())
