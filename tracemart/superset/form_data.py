"""A chart's form data and its query context, from what people wrote.

The browser makes its own query from the form data; the query context is what `GET /api/v1/chart/<id>/data/`, mails and
tests run. Both name the same columns, metrics and conditions.
"""

import json
from collections.abc import Mapping
from typing import Any

from tracemart.errors import SupersetError
from tracemart.superset.assets import Chart
from tracemart.superset.datasets import Dataset

COLUMN_KEYS = (
    "groupby",
    "columns",
    "series",
    "entity",
    "all_columns",
    "groupbyRows",
    "groupbyColumns",
    "source",
    "target",
)
METRIC_KEYS = ("metric", "metrics", "x", "y", "size", "secondary_metric", "percent_metrics")
SECOND_QUERY_KEYS = ("metrics_b", "groupby_b", "adhoc_filters_b")


def form_data(chart: Chart, dataset: Dataset, defaults: Mapping[str, Any], time_range: str) -> dict[str, Any]:
    """Superset's `params` of the chart."""
    params = {**defaults, **chart.params, "viz_type": chart.viz_type, "extra_form_data": {}, "dashboards": []}
    for key in (*METRIC_KEYS, "metrics_b", "timeseries_limit_metric"):
        if key in params:
            params[key] = expand_metrics(params[key])
    params["adhoc_filters"] = conditions(chart, chart.where, dataset, time_range)
    if "metrics_b" in params:
        params["adhoc_filters_b"] = conditions(chart, chart.where_b, dataset, time_range)
    params["annotation_layers"] = []
    return params


def expand_metrics(value: Any) -> Any:
    """`{label, sql}` as Superset's ad-hoc metric; names stay."""
    if isinstance(value, list):
        return [expand_metrics(entry) for entry in value]
    if isinstance(value, dict):
        if set(value) != {"label", "sql"}:
            raise SupersetError(f"superset/assets: a metric is a name or has a label and sql, quoted; not {value}.")
        return {
            "expressionType": "SQL",
            "sqlExpression": value["sql"],
            "label": value["label"],
            "hasCustomLabel": True,
            "optionName": f"metric_{value['label']}",
        }
    return value


def conditions(chart: Chart, where: list[str], dataset: Dataset, time_range: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"expressionType": "SQL", "sqlExpression": condition, "clause": "WHERE"} for condition in where
    ]
    if chart.follows_time_filter and dataset.main_time:
        found.append(
            {
                "expressionType": "SIMPLE",
                "clause": "WHERE",
                "operator": "TEMPORAL_RANGE",
                "subject": dataset.main_time,
                "comparator": time_range,
            }
        )
    return found


def query_context(params: Mapping[str, Any], dataset: Dataset) -> str:
    """Superset's `query_context`, as JSON; the import fills in the dataset's id."""
    return json.dumps(
        {
            "datasource": {"id": 0, "type": "table"},
            "force": False,
            "queries": queries_of(params, dataset),
            "form_data": dict(params),
            "result_format": "json",
            "result_type": "full",
        },
        sort_keys=True,
    )


def queries_of(params: Mapping[str, Any], dataset: Dataset) -> list[dict[str, Any]]:
    """Superset's query objects: one, or two for a chart with two sets of metrics."""
    queries = [query(params, dataset)]
    if "metrics_b" in params:
        second = {**params, "metrics": params["metrics_b"], "groupby": params.get("groupby_b", [])}
        queries.append(query({**second, "adhoc_filters": params["adhoc_filters_b"]}, dataset))
    return queries


def query(params: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    metrics = unique([entry for key in METRIC_KEYS for entry in as_list(params.get(key))])
    columns: list[Any] = []
    if params.get("x_axis"):
        columns.append(axis(params, dataset))
    columns += [entry for key in COLUMN_KEYS for entry in as_list(params.get(key))]
    return {
        "columns": unique(columns),
        # No metrics at all, not an empty list, is what asks for plain rows.
        "metrics": None if params.get("query_mode") == "raw" else metrics,
        "filters": [
            {"col": condition["subject"], "op": condition["operator"], "val": condition["comparator"]}
            for condition in params["adhoc_filters"]
            if condition["expressionType"] == "SIMPLE"
        ],
        "extras": {
            "where": " AND ".join(
                f"({condition['sqlExpression']})"
                for condition in params["adhoc_filters"]
                if condition["expressionType"] == "SQL"
            ),
            "having": "",
        },
        "orderby": orderby(params, metrics),
        "row_limit": params.get("row_limit", 10_000),
        "series_limit": 0,
        "order_desc": True,
        "annotation_layers": [],
        "applied_time_extras": {},
        "url_params": {},
        "custom_params": {},
        "custom_form_data": {},
    }


def axis(params: Mapping[str, Any], dataset: Dataset) -> Any:
    """The x axis; cut to the time grain where it is a time."""
    name = params["x_axis"]
    times = {column.name for column in dataset.columns if column.is_time}
    if name not in times or not params.get("time_grain_sqla"):
        return name
    return {
        "columnType": "BASE_AXIS", "expressionType": "SQL", "sqlExpression": name, "label": name,
        "timeGrain": params["time_grain_sqla"],
    }  # fmt: skip


def orderby(params: Mapping[str, Any], metrics: list[Any]) -> list[list[Any]]:
    if params.get("order_by_cols"):
        return [json.loads(entry) for entry in params["order_by_cols"]]
    return [[metrics[0], False]] if metrics and not params.get("x_axis") else []


def as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def unique(entries: list[Any]) -> list[Any]:
    found: list[Any] = []
    for entry in entries:
        if entry not in found:
            found.append(entry)
    return found
