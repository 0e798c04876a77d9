"""Dashboard → chart → dataset → mart → column, on the real assets and the real manifest, without a server."""

import pytest

from tracemart.superset.assets import AssetSet, Chart
from tracemart.superset.checks import problems
from tracemart.superset.datasets import ROLL_UPS, Dataset
from tracemart.superset.layout import charts_of


def test_every_link_of_the_chain_holds(assets: AssetSet, datasets: dict[str, Dataset]) -> None:
    assert problems(assets, datasets) == []


def with_chart(assets: AssetSet, chart: Chart) -> AssetSet:
    return assets.model_copy(update={"charts": {**assets.charts, chart.name: chart}})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"dataset": "fct_nothing"}, "reads fct_nothing, which is no dataset"),
        ({"params": {"metric": "nonsense"}}, "shows the metric nonsense"),
        ({"params": {"metric": {"label": "x", "sql": "SUM(no_column)"}}}, "reads no_column, which is no column"),
        ({"params": {"metric": "cost_usd", "groupby": ["no_column"]}}, "shows the column no_column"),
        ({"where": ["no_column = 'x'"]}, "condition reads no_column"),
        ({"dataset": "fct_generations"}, "which has a row per call"),
        ({"viz_type": "country_map"}, "has no entry in chart_defaults.yaml"),
        ({"name": "stray"}, "is shown by no dashboard"),
    ],
)
def test_a_broken_link_is_named(
    assets: AssetSet, datasets: dict[str, Dataset], change: dict[str, object], problem: str
) -> None:
    broken = assets.charts["cost"].model_copy(update=change)
    assert any(problem in found for found in problems(with_chart(assets, broken), datasets))


def test_the_dashboards_stand_and_every_chart_says_what_it_shows(assets: AssetSet) -> None:
    assert set(assets.dashboards) == {"overview", "cost", "models", "agents", "trust"}
    for dashboard in assets.dashboards.values():
        assert set(dashboard.filters) >= {"project", "environment", "model", "agent"}
        assert len(charts_of(dashboard)) >= 10
    titles = [chart.title for chart in assets.charts.values()]
    assert len(set(titles)) == len(titles)
    for chart in assets.charts.values():
        assert len(chart.description.split()) >= 3, chart.name


def test_every_mart_is_a_dataset_whose_columns_are_described(datasets: dict[str, Dataset]) -> None:
    assert set(ROLL_UPS) - {"fct_prompt_performance_daily"} <= set(datasets)
    undescribed = [
        f"{dataset.name}.{column.name}"
        for dataset in datasets.values()
        for column in dataset.columns
        if not column.description
    ]
    assert undescribed == []


def test_a_metric_made_of_sums_is_the_same_on_every_roll_up(datasets: dict[str, Dataset]) -> None:
    expressions = {
        metric.expression
        for name in ROLL_UPS
        if name in datasets
        for metric in datasets[name].metrics
        if metric.name == "cost_per_call_usd"
    }
    assert len(expressions) == 1
    offering = [name for name in ROLL_UPS if name in datasets and "cost_usd" in datasets[name].metric_names()]
    assert len(offering) >= 6
