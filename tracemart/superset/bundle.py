"""The bundle that Superset imports: a zip of YAML documents with UUIDs derived from names, so it overwrites itself."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tracemart.errors import SupersetError
from tracemart.superset.assets import AssetSet, Chart, Dashboard
from tracemart.superset.datasets import Dataset
from tracemart.superset.form_data import form_data, query_context
from tracemart.superset.layout import charts_of, position
from tracemart.superset.names import asset_uuid
from tracemart.superset.periods import Period

ROOT = "tracemart"
DATABASE_FILE = "databases/tracemart.yaml"
DATABASE_NAME = "Tracemart"
COLOR_SCHEME = "tracemart"
# One moment for every member of the archive, so that equal assets make equal bytes.
ZIP_TIME = (2026, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Connection:
    """The warehouse as Superset reaches it: a SQLAlchemy URI with a masked password, and the session's time zone."""

    masked_uri: str
    timezone: str


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle; `label_colors` (value of a dimension → colour) go before those of the assets."""

    assets: AssetSet
    datasets: Mapping[str, Dataset]
    connection: Connection
    period: Period
    label_colors: Mapping[str, str]

    @property
    def chart_ids(self) -> dict[str, int]:
        """Numbers that hold within the bundle alone; Superset puts its own in their place."""
        return {name: 1000 + number for number, name in enumerate(sorted(self.assets.charts))}

    def dataset_of(self, chart: Chart) -> Dataset:
        if chart.dataset not in self.datasets:
            raise SupersetError(f"superset/assets/charts/{chart.name}.yaml reads {chart.dataset}, which is no dataset.")
        return self.datasets[chart.dataset]


def make_bundle(contents: Contents) -> bytes:
    """The zip; equal contents make equal bytes. Raises SupersetError."""
    return archive(documents(contents))


def documents(contents: Contents) -> dict[str, Any]:
    """Every document of the bundle by its path in it."""
    found = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        DATABASE_FILE: database_document(contents.connection),
    }
    for name, dataset in contents.datasets.items():
        found[f"datasets/tracemart/{name}.yaml"] = dataset.as_superset(asset_uuid("database", "tracemart"))
    for chart in contents.assets.charts.values():
        found[f"charts/{chart.name}.yaml"] = chart_document(chart, contents)
    for name, dashboard in contents.assets.dashboards.items():
        found[f"dashboards/{name}.yaml"] = dashboard_document(dashboard, contents)
    return found


def archive(documents: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, document in documents.items():
            file.writestr(
                zipfile.ZipInfo(f"{ROOT}/{name}", ZIP_TIME),
                yaml.safe_dump(document, sort_keys=False, allow_unicode=True),
            )
    return buffer.getvalue()


def database_document(connection: Connection) -> dict[str, Any]:
    return {
        "database_name": DATABASE_NAME,
        "sqlalchemy_uri": connection.masked_uri,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {
            "allows_virtual_table_explore": True,
            "metadata_params": {},
            "engine_params": {
                "connect_args": {"options": f"-c timezone={connection.timezone} -c statement_timeout=60000"},
            },
        },
        "uuid": asset_uuid("database", "tracemart"),
        "version": "1.0.0",
    }


def chart_document(chart: Chart, contents: Contents) -> dict[str, Any]:
    dataset = contents.dataset_of(chart)
    chart = fitting(chart, contents.period)
    defaults = contents.assets.chart_defaults.get(chart.viz_type, {})
    params = form_data(chart, dataset, defaults, contents.period.time_range)
    return {
        "slice_name": chart.title,
        "description": chart.description.strip(),
        "viz_type": chart.viz_type,
        "params": params,
        "query_context": query_context(params, dataset),
        "cache_timeout": None,
        "uuid": asset_uuid("chart", chart.name),
        "version": "1.0.0",
        "dataset_uuid": dataset.uuid,
    }


def fitting(chart: Chart, period: Period) -> Chart:
    """The chart as a short history allows: no change against an unknown period, a bar where a line were one point."""
    viz_type = chart.viz_type
    if viz_type == "pop_kpi" and not period.has_previous:
        viz_type = "big_number_total"
    if viz_type in {"echarts_area", "echarts_timeseries_line"} and period.is_one_day and chart.follows_time_filter:
        viz_type = "echarts_timeseries_bar"
    return chart.model_copy(update={"viz_type": viz_type})


def dashboard_document(dashboard: Dashboard, contents: Contents) -> dict[str, Any]:
    assets = contents.assets
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.description,
        "css": assets.css,
        "slug": dashboard.name,
        "uuid": asset_uuid("dashboard", dashboard.name),
        "position": position(dashboard, assets.charts, contents.chart_ids),
        "metadata": {
            "color_scheme": COLOR_SCHEME,
            "label_colors": {**assets.label_colors, **contents.label_colors},
            "shared_label_colors": [],
            "cross_filters_enabled": True,
            "chart_configuration": {},
            "global_chart_configuration": {"scope": {"rootPath": ["ROOT_ID"], "excluded": []}, "chartsInScope": []},
            "filter_bar_orientation": "HORIZONTAL",
            "refresh_frequency": 0,
            "expanded_slices": {},
            "timed_refresh_immune_slices": [],
            "default_filters": "{}",
            "native_filter_configuration": native_filters(dashboard, contents),
        },
        "published": True,
        "version": "1.0.0",
    }


def native_filters(dashboard: Dashboard, contents: Contents) -> list[dict[str, Any]]:
    timeless = [
        contents.chart_ids[name]
        for name in charts_of(dashboard)
        if not contents.assets.charts[name].follows_time_filter
    ]
    filters = [time_filter(contents.period, timeless)]
    for name in dashboard.filters:
        if name not in contents.assets.filters:
            raise SupersetError(f"superset/assets/dashboards/{dashboard.name}.yaml: {name} stands not in filters.yaml.")
        entry = contents.assets.filters[name]
        target = {"datasetUuid": contents.datasets[entry.dataset].uuid, "column": {"name": entry.column}}
        filters.append(
            {
                "id": f"NATIVE_FILTER-{name}",
                "name": entry.label,
                "description": entry.description,
                "filterType": "filter_select",
                "type": "NATIVE_FILTER",
                "targets": [target],
                "controlValues": {"multiSelect": True, "sortAscending": True},
                "defaultDataMask": {"extraFormData": {}, "filterState": {}},
                "cascadeParentIds": [],
                "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
            }
        )
    return filters


def time_filter(period: Period, timeless: list[int]) -> dict[str, Any]:
    return {
        "id": "NATIVE_FILTER-time",
        "name": "Period",
        "description": "Days in the reporting time zone",
        "filterType": "filter_time",
        "type": "NATIVE_FILTER",
        "targets": [{}],
        "controlValues": {"enableEmptyFilter": False},
        "defaultDataMask": {
            "extraFormData": {"time_range": period.time_range},
            "filterState": {"value": period.time_range},
        },
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": timeless},
    }
