import io
import json
import zipfile
from pathlib import Path

import pytest
import yaml

from tracemart.errors import SupersetError
from tracemart.superset.assets import AssetSet, Chart, parse
from tracemart.superset.bundle import Connection, Contents, documents, make_bundle
from tracemart.superset.datasets import Dataset
from tracemart.superset.layout import charts_of
from tracemart.superset.names import asset_uuid
from tracemart.superset.periods import Period

CONNECTION = Connection("postgresql+psycopg2://tracemart_analyst:XXXXXXXXXX@127.0.0.1:5432/warehouse", "UTC")


@pytest.fixture
def contents(assets: AssetSet, datasets: dict[str, Dataset]) -> Contents:
    return Contents(assets, datasets, CONNECTION, Period("2026-10-23 : 2026-11-22", has_previous=True), {})


def test_equal_contents_make_equal_bytes(contents: Contents) -> None:
    assert make_bundle(contents) == make_bundle(contents)


def test_the_bundle_holds_each_asset_once_under_one_root(contents: Contents) -> None:
    with zipfile.ZipFile(io.BytesIO(make_bundle(contents))) as archive:
        names = archive.namelist()
        assert len(set(names)) == len(names)
        assert {name.split("/")[0] for name in names} == {"tracemart"}
        loaded = {name: yaml.safe_load(archive.read(name)) for name in names}
    assert len([name for name in names if "/charts/" in name]) == len(contents.assets.charts)
    uuids = [document["uuid"] for document in loaded.values() if "uuid" in document]
    assert len(set(uuids)) == len(uuids)


def test_every_chart_of_a_dashboard_is_in_the_bundle_with_its_dataset(contents: Contents) -> None:
    found = documents(contents)
    charts = {document["uuid"]: document for name, document in found.items() if name.startswith("charts/")}
    datasets = {document["uuid"] for name, document in found.items() if name.startswith("datasets/")}
    for dashboard in contents.assets.dashboards.values():
        for name in charts_of(dashboard):
            assert charts[asset_uuid("chart", name)]["dataset_uuid"] in datasets


def test_each_chart_carries_a_query_on_its_own_metrics_and_period(contents: Contents) -> None:
    found = documents(contents)
    context = json.loads(found["charts/cost.yaml"]["query_context"])
    assert context["queries"][0]["metrics"] == ["cost_usd"]
    assert context["queries"][0]["filters"] == [
        {"col": "usage_date", "op": "TEMPORAL_RANGE", "val": "2026-10-23 : 2026-11-22"}
    ]
    mixed = json.loads(found["charts/daily_cost_against_what_was_expected.yaml"]["query_context"])
    assert len(mixed["queries"]) == 2
    assert "is_anomaly" in mixed["queries"][1]["extras"]["where"]


def test_without_a_period_before_no_change_is_shown(contents: Contents) -> None:
    new = Contents(contents.assets, contents.datasets, CONNECTION, Period("2023-11-10 : 2023-11-17", False), {})
    assert documents(contents)["charts/cost.yaml"]["viz_type"] == "pop_kpi"
    assert documents(new)["charts/cost.yaml"]["viz_type"] == "big_number_total"


def test_a_day_alone_is_a_bar_where_a_line_would_be_a_point(contents: Contents) -> None:
    day = Contents(contents.assets, contents.datasets, CONNECTION, Period("2023-11-10 : 2023-11-17", False, True), {})
    found = documents(day)
    assert found["charts/cost_by_model.yaml"]["viz_type"] == "echarts_timeseries_bar"
    assert found["charts/cost_by_model.yaml"]["params"]["stack"] == "Stack"
    assert found["charts/p95_latency_by_model.yaml"]["viz_type"] == "echarts_timeseries_bar"
    assert found["charts/cost_30_days_ahead.yaml"]["viz_type"] == "echarts_timeseries_line"


def test_charts_that_keep_their_own_period_are_out_of_the_time_filters_scope(contents: Contents) -> None:
    metadata = documents(contents)["dashboards/overview.yaml"]["metadata"]
    time = metadata["native_filter_configuration"][0]
    assert time["defaultDataMask"]["filterState"] == {"value": "2026-10-23 : 2026-11-22"}
    assert contents.chart_ids["cost_30_days_ahead"] in time["scope"]["excluded"]
    assert contents.chart_ids["cost"] not in time["scope"]["excluded"]


def test_colours_from_the_warehouse_go_before_those_of_the_assets(contents: Contents) -> None:
    painted = Contents(contents.assets, contents.datasets, CONNECTION, contents.period, {"openai": "#000000"})
    colors = documents(painted)["dashboards/cost.yaml"]["metadata"]["label_colors"]
    assert colors["openai"] == "#000000"
    assert colors["unattributed"] == contents.assets.label_colors["unattributed"]


def test_a_chart_file_with_an_unknown_key_is_refused_by_file_and_key() -> None:
    with pytest.raises(SupersetError, match=r"x\.yaml: parms"):
        parse(
            Chart,
            {"name": "x", "title": "X", "description": "x", "viz_type": "pie", "dataset": "d", "parms": {}},
            Path("x.yaml"),
        )


def test_an_unquoted_formula_that_yaml_cuts_in_two_is_refused(contents: Contents) -> None:
    cut = yaml.safe_load("{label: x, sql: a / NULLIF(b, 0)}")
    chart = contents.assets.charts["cost"].model_copy(update={"params": {"metric": cut}})
    assets = contents.assets.model_copy(update={"charts": {**contents.assets.charts, "cost": chart}})
    broken = Contents(assets, contents.datasets, CONNECTION, contents.period, {})
    with pytest.raises(SupersetError, match="quoted"):
        documents(broken)
