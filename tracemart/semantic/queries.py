"""What MetricFlow makes of metrics and groups, as SQL; run with psycopg, money stays exact, unlike in `mf query`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from tracemart.semantic.manifest import semantic_manifest
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse


@dataclass(frozen=True)
class MetricRows:
    """The columns' names and the rows, one value a column: a group's, or a metric's as Decimal or int."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class SemanticLayer:
    """MetricFlow over the marts that readers see; made once, asked often (3 s, then 20 ms a question)."""

    def __init__(self, settings: Settings) -> None:
        """Raises BuildError where dbt cannot parse the project."""
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        self._settings = settings
        self._manifest = parse_manifest_from_dbt_generated_manifest(json.dumps(semantic_manifest(settings)))
        self._engine = MetricFlowEngine(SemanticManifestLookup(self._manifest), postgres_client())

    @property
    def metrics(self) -> list[str]:
        return sorted(metric.name for metric in self._manifest.metrics)

    @property
    def saved_queries(self) -> list[str]:
        return sorted(query.name for query in self._manifest.saved_queries)

    def sql(
        self,
        metrics: Sequence[str] = (),
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
        saved_query: str | None = None,
    ) -> str:
        """The SQL, which the analyst may run; names as `mf query` takes them. Raises MetricFlow's own errors."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        request = MetricFlowQueryRequest.create(
            saved_query_name=saved_query,
            metric_names=list(metrics) or None,
            group_by_names=list(group_by) or None,
            where_constraints=list(where) or None,
        )
        statement: str = self._engine.explain(request).sql_statement.without_descriptions.sql
        return statement

    def rows(
        self,
        metrics: Sequence[str] = (),
        group_by: Sequence[str] = (),
        where: Sequence[str] = (),
        saved_query: str | None = None,
    ) -> MetricRows:
        """The query's result, as the analyst. Raises WarehouseError and MetricFlow's own errors."""
        statement = self.sql(metrics, group_by, where, saved_query)
        with Warehouse(self._settings).connect(Role.ANALYST) as connection:
            connection.read_only = True
            cursor: psycopg.Cursor[tuple[Any, ...]] = connection.execute(statement.encode())
            return MetricRows(tuple(column.name for column in cursor.description or ()), tuple(cursor))


def postgres_client() -> Any:
    """As much of a MetricFlow client as its compiler asks for: the dialect."""
    from types import SimpleNamespace

    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.postgres import PostgresSQLSqlPlanRenderer

    return SimpleNamespace(sql_engine_type=SqlEngine.POSTGRES, sql_plan_renderer=PostgresSQLSqlPlanRenderer())
