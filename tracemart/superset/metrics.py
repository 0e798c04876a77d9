"""Metrics as SQL, read from dbt's semantic manifest: what `mf query`, a mail and a chart say is one formula.

A simple metric is its measure's aggregate; ratio and derived metrics are composed of these. Filtered, cumulative,
offset and semi-additive metrics are whole queries and are not offered.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracemart.errors import SupersetError
from tracemart.superset.names import d3_format, verbose_name

AGGREGATES = {
    "sum": "SUM({})", "min": "MIN({})", "max": "MAX({})", "average": "AVG({})", "count": "COUNT({})::numeric",
    "count_distinct": "COUNT(DISTINCT {})::numeric", "sum_boolean": "SUM(CASE WHEN {} THEN 1 ELSE 0 END)::numeric",
}  # fmt: skip
SQL_WORDS = {
    "CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "NOT", "IS", "NULL", "TRUE", "FALSE", "FILTER", "WHERE",
    "DISTINCT", "OVER", "BY", "ORDER", "AS", "IN", "BETWEEN",
}  # fmt: skip
IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")


@dataclass(frozen=True)
class Metric:
    """name, label, description, SQL over one mart, the mart's name, whether only sums went into it, d3 format."""

    name: str
    label: str
    description: str
    sql: str
    mart: str
    is_additive: bool
    d3_format: str

    def uses_only(self, columns: set[str]) -> bool:
        return identifiers(self.sql) <= columns


def identifiers(sql: str) -> set[str]:
    """Column names in an expression: what is neither a string, a cast, a function, a number nor a word of SQL."""
    bare = re.sub(r"'[^']*'", "", sql)
    bare = re.sub(r"::\s*\w+", "", bare)
    bare = re.sub(r"\b\w+\.(?=\w+\s*\()", "", bare)
    bare = re.sub(r"\b\w+\s*\(", "(", bare)
    return {name for name in IDENTIFIER.findall(bare) if name.upper() not in SQL_WORDS}


def read_metrics(semantic_manifest: Mapping[str, Any]) -> dict[str, Metric]:
    """Every metric that is one aggregate expression over one mart. Raises SupersetError on an unknown aggregation."""
    measures: dict[str, tuple[str, str, bool]] = {}
    for model in semantic_manifest["semantic_models"]:
        mart = model["node_relation"]["alias"]
        for measure in model["measures"]:
            # What is summed over all but time (a budget's limit) needs a query of its own.
            if measure.get("non_additive_dimension"):
                continue
            measures[measure["name"]] = (mart, aggregate(measure), measure["agg"] == "sum")
    known: dict[str, Metric] = {}
    waiting = list(semantic_manifest["metrics"])
    while waiting:
        later = []
        for metric in waiting:
            composed = compose(metric, measures, known)
            if composed is None:
                later.append(metric)
            else:
                known[composed.name] = composed
        if len(later) == len(waiting):
            return known
        waiting = later
    return known


def aggregate(measure: Mapping[str, Any]) -> str:
    template = AGGREGATES.get(measure["agg"])
    if template is None:
        raise SupersetError(
            f"The measure {measure['name']} has the aggregation {measure['agg']}, which no chart can use yet:"
            f" use one of {', '.join(AGGREGATES)}, or add it to tracemart/superset/metrics.py."
        )
    return template.format(measure.get("expr") or measure["name"])


def compose(
    metric: Mapping[str, Any], measures: Mapping[str, tuple[str, str, bool]], known: Mapping[str, Metric]
) -> Metric | None:
    """The metric as one expression; None while its parts are not known, or when it is a query of its own."""
    parameters = metric["type_params"]
    if metric["type"] == "simple":
        measure = parameters["measure"]
        if is_query(metric) or is_query(measure) or measure["name"] not in measures:
            return None
        mart, sql, is_sum = measures[measure["name"]]
        return described(metric, sql, mart, is_sum)
    if metric["type"] == "ratio":
        parts = [parameters["numerator"], parameters["denominator"]]
        expression = f"{parts[0]['name']} / NULLIF({parts[1]['name']}, 0)"
    else:
        parts = parameters.get("metrics") or []
        expression = " ".join((parameters.get("expr") or "").split())
    if not parts or is_query(metric) or any(is_query(part) or part["name"] not in known for part in parts):
        return None
    found = {part.get("alias") or part["name"]: known[part["name"]] for part in parts}
    marts = {part.mart for part in found.values()}
    if len(marts) != 1:
        return None
    sql = re.sub(
        r"\b[A-Za-z_]\w*\b",
        lambda match: found[match.group()].sql if match.group() in found else match.group(),
        expression,
    )
    return described(metric, sql, marts.pop(), all(part.is_additive for part in found.values()))


def is_query(entry: Mapping[str, Any]) -> bool:
    """Whether a metric, or one that goes into it, is filtered or moved in time, so that no expression says it."""
    parameters = entry.get("type_params") or {}
    return bool(
        entry.get("filter")
        or entry.get("offset_window")
        or entry.get("offset_to_grain")
        or parameters.get("cumulative_type_params")
        or parameters.get("conversion_type_params")
    )


def described(metric: Mapping[str, Any], sql: str, mart: str, is_additive: bool) -> Metric:
    meta = ((metric.get("config") or {}).get("meta")) or {}
    name = metric["name"]
    label = metric.get("label") or verbose_name(name)
    return Metric(
        name=name,
        label=label if label != name else verbose_name(name),
        description=" ".join((metric.get("description") or "").split()),
        sql=sql,
        mart=mart,
        is_additive=is_additive,
        d3_format=meta.get("d3_format") or d3_format(name),
    )
