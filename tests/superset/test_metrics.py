from typing import Any

import pytest

from tracemart.errors import SupersetError
from tracemart.superset.metrics import identifiers, read_metrics


def semantic_manifest(metrics: list[dict[str, Any]], agg: str = "sum") -> dict[str, Any]:
    measures = [
        {"name": "calls", "agg": agg, "expr": None},
        {"name": "cost_usd", "agg": "sum", "expr": None},
        {"name": "users", "agg": "count_distinct", "expr": "user_id"},
    ]
    return {
        "semantic_models": [{"name": "usage", "node_relation": {"alias": "fct_usage_daily"}, "measures": measures}],
        "metrics": metrics,
    }


def simple(name: str, **other: Any) -> dict[str, Any]:
    return {"name": name, "type": "simple", "type_params": {"measure": {"name": name}}, **other}


def test_a_simple_metric_is_the_aggregate_of_its_measure() -> None:
    metrics = read_metrics(semantic_manifest([simple("calls"), simple("users")]))
    assert metrics["calls"].sql == "SUM(calls)"
    assert metrics["calls"].is_additive
    assert metrics["users"].sql == "COUNT(DISTINCT user_id)::numeric"
    assert not metrics["users"].is_additive


def test_a_ratio_divides_and_never_by_nought() -> None:
    parameters = {"numerator": {"name": "cost_usd"}, "denominator": {"name": "calls"}}
    ratio = {"name": "cost_per_call_usd", "type": "ratio", "type_params": parameters}
    metrics = read_metrics(semantic_manifest([ratio, simple("calls"), simple("cost_usd")]))
    assert metrics["cost_per_call_usd"].sql == "SUM(cost_usd) / NULLIF(SUM(calls), 0)"
    assert metrics["cost_per_call_usd"].d3_format == "$,.4f"


def test_a_derived_metric_is_composed_of_others_by_name_or_alias() -> None:
    parameters = {
        "expr": "1000 * cost / NULLIF(calls, 0)",
        "metrics": [{"name": "cost_usd", "alias": "cost"}, {"name": "calls"}],
    }
    derived = {"name": "cost_per_1k_usd", "type": "derived", "type_params": parameters, "label": "Per 1k"}
    metrics = read_metrics(semantic_manifest([simple("calls"), derived, simple("cost_usd")]))
    assert metrics["cost_per_1k_usd"].sql == "1000 * SUM(cost_usd) / NULLIF(SUM(calls), 0)"
    assert metrics["cost_per_1k_usd"].label == "Per 1k"
    assert metrics["cost_per_1k_usd"].is_additive


@pytest.mark.parametrize(
    "metric",
    [
        simple("calls", filter={"where_filters": [{"where_sql_template": "{{ Dimension('x') }}"}]}),
        {
            "name": "month_before",
            "type": "derived",
            "type_params": {"expr": "calls", "metrics": [{"name": "calls", "offset_window": {"count": 1}}]},
        },
        {
            "name": "running",
            "type": "cumulative",
            "type_params": {"measure": {"name": "calls"}, "cumulative_type_params": {"window": None, "x": 1}},
        },
    ],
)
def test_a_metric_that_is_a_query_of_its_own_is_not_offered(metric: dict[str, Any]) -> None:
    others = [] if metric["name"] == "calls" else [simple("calls")]
    assert metric["name"] not in read_metrics(semantic_manifest([metric, *others]))


def test_what_does_not_add_up_over_time_is_not_offered() -> None:
    manifest = semantic_manifest([simple("calls"), simple("users")])
    manifest["semantic_models"][0]["measures"][0]["non_additive_dimension"] = {"name": "usage_date"}
    assert set(read_metrics(manifest)) == {"users"}


def test_an_unknown_aggregation_is_refused_by_name() -> None:
    with pytest.raises(SupersetError, match="calls has the aggregation percentile"):
        read_metrics(semantic_manifest([simple("calls")], agg="percentile"))


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SUM(cost_usd) / NULLIF(SUM(calls), 0)", {"cost_usd", "calls"}),
        ("COUNT(DISTINCT CASE WHEN user_id <> 'no_column' THEN user_id END)::numeric", {"user_id"}),
        (
            "public.percentile_from_buckets(SUM(buckets) FILTER (WHERE measure = 'x'), 0.5)",
            {"buckets", "measure"},
        ),
        ("COUNT(*)", set()),
    ],
)
def test_identifiers_are_the_columns_of_an_expression(sql: str, columns: set[str]) -> None:
    assert identifiers(sql) == columns
