"""The chain dashboard → chart → dataset → mart → column, checked without a server.

What Superset would only say as a broken chart in a browser is found here: a chart that no dashboard shows, a metric or
column that its dataset does not have, a filter on nothing, a call-level table read by a chart.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracemart.superset.assets import AssetSet, Chart
from tracemart.superset.datasets import Dataset
from tracemart.superset.form_data import COLUMN_KEYS, METRIC_KEYS, as_list
from tracemart.superset.layout import GRID_COLUMNS, charts_of, parse_cell
from tracemart.superset.metrics import identifiers

# One row per call or score: too large to be read by every reader of a dashboard.
NOT_FOR_CHARTS = frozenset(
    {"fct_generations", "fct_generation_usage", "fct_observations", "fct_scores", "fct_sessions", "fct_traces"}
)


def problems(assets: AssetSet, datasets: Mapping[str, Dataset]) -> list[str]:
    """One sentence per broken link, empty if all hold."""
    return [
        *dashboard_problems(assets),
        *filter_problems(assets, datasets),
        *(problem for chart in assets.charts.values() for problem in chart_problems(chart, assets, datasets)),
    ]


def dashboard_problems(assets: AssetSet) -> Iterator[str]:
    shown: set[str] = set()
    for name, dashboard in assets.dashboards.items():
        charts = charts_of(dashboard)
        shown |= set(charts)
        for chart in charts:
            if chart not in assets.charts:
                yield f"dashboard {name} shows {chart}, which is no chart"
            if charts.count(chart) > 1:
                yield f"dashboard {name} shows {chart} twice"
        for block in dashboard.layout:
            cells = [parse_cell(text, name) for text in block.row.charts] if block.row else []
            if block.row and sum(cell.width for cell in cells) != GRID_COLUMNS:
                yield f"dashboard {name}: the row {block.row.charts} does not fill {GRID_COLUMNS} columns"
        for filter_name in dashboard.filters:
            if filter_name not in assets.filters:
                yield f"dashboard {name}: {filter_name} stands not in filters.yaml"
    for chart in sorted(set(assets.charts) - shown):
        yield f"chart {chart} is shown by no dashboard"


def filter_problems(assets: AssetSet, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    for name, entry in assets.filters.items():
        dataset = datasets.get(entry.dataset)
        if dataset is None or entry.column not in dataset.column_names():
            yield f"filter {name} is on {entry.dataset}.{entry.column}, which is not there"


def chart_problems(chart: Chart, assets: AssetSet, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    where = f"chart {chart.name}"
    if chart.name != file_name(chart.title):
        yield f"{where} has the title {chart.title!r}: name its file {file_name(chart.title)}.yaml"
    dataset = datasets.get(chart.dataset)
    if dataset is None:
        yield f"{where} reads {chart.dataset}, which is no dataset"
        return
    for mart in sorted(NOT_FOR_CHARTS & set(dataset.marts)):
        yield f"{where} reads {mart}, which has a row per call, trace or score: read a roll-up"
    if chart.viz_type not in assets.chart_defaults:
        yield f"{where} is a {chart.viz_type}, which has no entry in chart_defaults.yaml"
    params = {**assets.chart_defaults.get(chart.viz_type, {}), **chart.params}
    columns = dataset.column_names()
    for column in chart_columns(params):
        if column not in columns:
            yield f"{where} shows the column {column}, which {chart.dataset} does not have"
    for metric in chart_metrics(params):
        if isinstance(metric, str) and metric not in dataset.metric_names():
            yield f"{where} shows the metric {metric}, which {chart.dataset} does not have"
        if isinstance(metric, dict):
            yield from unknown_columns(f"{where}, metric {metric.get('label')}", str(metric.get("sql")), columns)
    for condition in (*chart.where, *chart.where_b):
        yield from unknown_columns(f"{where}, condition", condition, columns)
    for metric in dataset.metrics:
        yield from unknown_columns(f"dataset {dataset.name}, metric {metric.name}", metric.expression, columns)


def file_name(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower().replace("'", "")).strip("_")


def unknown_columns(where: str, sql: str, columns: set[str]) -> Iterator[str]:
    for name in sorted(identifiers(sql) - columns):
        yield f"{where} reads {name}, which is no column"


def chart_columns(params: Mapping[str, Any]) -> list[str]:
    named = [entry for key in (*COLUMN_KEYS, "groupby_b", "x_axis") for entry in as_list(params.get(key))]
    return [entry for entry in named if isinstance(entry, str)]


def chart_metrics(params: Mapping[str, Any]) -> list[Any]:
    return [
        entry for key in (*METRIC_KEYS, "metrics_b", "timeseries_limit_metric") for entry in as_list(params.get(key))
    ]
