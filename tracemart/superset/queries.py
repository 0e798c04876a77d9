"""Every query that the dashboards ask when they open, as SQL much as Superset writes it, without a Superset."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tracemart.errors import SupersetError
from tracemart.settings import Settings
from tracemart.superset.assets import AssetSet, Chart, read_assets
from tracemart.superset.bundle import fitting
from tracemart.superset.datasets import Dataset, current_datasets
from tracemart.superset.form_data import form_data, queries_of
from tracemart.superset.importing import known_values
from tracemart.superset.layout import charts_of
from tracemart.superset.periods import Days, Period, days_of, default_period

GRAINS = {"PT1H": "hour", "P1D": "day", "P1W": "week", "P1M": "month"}
FILTER_VALUES = 1000


class DashboardQuery(NamedTuple):
    """`sql` answers the chart, or the list of a filter, of that dashboard with its default period and no filter set."""

    dashboard: str
    chart: str
    sql: str


def dashboard_queries(settings: Settings) -> list[DashboardQuery]:
    """Every query of every dashboard on the warehouse, in the order of the dashboards' charts.

    Reads the first reporting day from the warehouse. Raises SupersetError, WarehouseError, BuildError.
    """
    assets = read_assets()
    first_day, _ = known_values(settings, assets.palette)
    return list(compiled(assets, current_datasets(settings), settings, default_period(settings, first_day)))


def compiled(
    assets: AssetSet, datasets: Mapping[str, Dataset], settings: Settings, period: Period
) -> Iterator[DashboardQuery]:
    days = days_of(period, settings)
    for name, dashboard in assets.dashboards.items():
        for chart_name in charts_of(dashboard):
            chart = fitting(assets.charts[chart_name], period)
            for statement in chart_statements(chart, assets, datasets, period, days):
                yield DashboardQuery(name, chart_name, statement)
        for filter_name in dashboard.filters:
            entry = assets.filters[filter_name]
            values = {"columns": [entry.column], "metrics": [], "row_limit": FILTER_VALUES}
            yield DashboardQuery(name, f"filter {filter_name}", statement_of(values, datasets[entry.dataset], days))


def chart_statements(
    chart: Chart, assets: AssetSet, datasets: Mapping[str, Dataset], period: Period, days: Days
) -> Iterator[str]:
    """The chart's query, its second one where it has two, and that of the period before where it compares with it."""
    dataset = datasets[chart.dataset]
    params = form_data(chart, dataset, assets.chart_defaults.get(chart.viz_type, {}), period.time_range)
    for query in queries_of(params, dataset):
        yield statement_of(query, dataset, days)
        if chart.viz_type == "pop_kpi":
            yield statement_of(query, dataset, days.before)


def statement_of(query: Mapping[str, Any], dataset: Dataset, days: Days) -> str:
    """One query object as SELECT. Raises SupersetError on what it cannot say."""
    columns = [column_of(entry, dataset) for entry in query["columns"]]
    metrics = [metric_of(entry, dataset) for entry in query["metrics"] or ()]
    source = f"({dataset.sql.rstrip()}) as virtual_table" if dataset.sql else f"marts.{dataset.name}"
    lines = [
        "select " + ", ".join(f'{expression} as "{label}"' for label, expression in (*columns, *metrics)),
        f"from {source}",
    ]
    where = [condition(entry, dataset, days) for entry in query.get("filters", ())]
    where += [query["extras"]["where"]] if query.get("extras", {}).get("where") else []
    if where:
        lines.append("where " + " and ".join(where))
    if columns and query["metrics"] is not None:
        lines.append("group by " + ", ".join(expression for _, expression in columns))
    known = {**dict(columns), **dict(metrics)}
    orders = [order(entry, is_ascending, known) for entry, is_ascending in query.get("orderby", ())]
    if orders:
        lines.append("order by " + ", ".join(orders))
    return "\n".join([*lines, f"limit {query['row_limit']}"])


def column_of(entry: Any, dataset: Dataset) -> tuple[str, str]:
    """(label, expression) of a column, a calculated column, or a time cut to its grain."""
    name = entry["label"] if isinstance(entry, dict) else entry
    column = next((column for column in dataset.columns if column.name == name), None)
    if column is None:
        raise SupersetError(f"{dataset.name} has no column {name}.")
    expression = column.expression or name
    if isinstance(entry, dict):
        expression = f"date_trunc('{GRAINS[entry['timeGrain']]}', {expression})"
    return name, expression


def metric_of(entry: Any, dataset: Dataset) -> tuple[str, str]:
    """(label, expression) of a metric by name or of one that a chart writes itself."""
    if isinstance(entry, dict):
        return entry["label"], entry["sqlExpression"]
    found = next((metric for metric in dataset.metrics if metric.name == entry), None)
    if found is None:
        raise SupersetError(f"{dataset.name} has no metric {entry}.")
    return found.name, found.expression


def condition(entry: Mapping[str, Any], dataset: Dataset, days: Days) -> str:
    if entry["op"] != "TEMPORAL_RANGE":
        raise SupersetError(f"{dataset.name}: a filter with {entry['op']} has no SQL here yet.")
    kind = next(column.type for column in dataset.columns if column.name == entry["col"])
    return f"{entry['col']} >= '{days.first}'::{kind} and {entry['col']} < '{days.end}'::{kind}"


def order(entry: Any, is_ascending: bool, known: Mapping[str, str]) -> str:
    name = entry["label"] if isinstance(entry, dict) else entry
    return f"{known.get(name, name)} {'asc' if is_ascending else 'desc'}"
