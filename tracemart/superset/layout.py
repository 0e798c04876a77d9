"""From the layout that people write to the `position` that Superset draws.

Superset's grid has 12 columns; a height of 1 is 8 px.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tracemart.errors import SupersetError
from tracemart.superset.assets import Block, Chart, Dashboard
from tracemart.superset.names import asset_uuid

GRID_COLUMNS = 12


@dataclass(frozen=True)
class Cell:
    """One cell of a row: how many of 12 columns, and its charts from top to bottom, with their own heights or none."""

    width: int
    stack: tuple[tuple[str, int | None], ...]

    @property
    def charts(self) -> list[str]:
        return [name for name, _ in self.stack]


CELL = re.compile(r"(?P<width>\d+) (?P<stack>\w+(:\d+)?( \+ \w+(:\d+)?)*)")


def parse_cell(text: str, where: str) -> Cell:
    """`"4 cost_by_model"` or `"2 kpi_cost:14 + trend_cost:24"`. Raises SupersetError."""
    match = CELL.fullmatch(text)
    if match is None or not 1 <= int(match["width"]) <= GRID_COLUMNS:
        raise SupersetError(
            f'{where}: write a cell as "<columns of 12> <chart>" or "2 chart:14 + chart_below:24", not {text!r}.'
        )
    parts = [part.partition(":") for part in match["stack"].split(" + ")]
    return Cell(int(match["width"]), tuple((name, int(height) if height else None) for name, _, height in parts))


def charts_of(dashboard: Dashboard) -> list[str]:
    """Names of the charts of a dashboard, in reading order."""
    return [
        name
        for block in dashboard.layout
        if block.row
        for text in block.row.charts
        for name in parse_cell(text, dashboard.name).charts
    ]


def position(dashboard: Dashboard, charts: Mapping[str, Chart], chart_ids: Mapping[str, int]) -> dict[str, Any]:
    """Superset's `position`. Raises SupersetError where a row is wider than the grid or a chart is unknown."""
    return Grid(dashboard, charts, chart_ids).drawn()


@dataclass(frozen=True)
class Grid:
    """The nodes of one dashboard by id, each knowing its children and the way from the root to it."""

    dashboard: Dashboard
    charts: Mapping[str, Chart]
    chart_ids: Mapping[str, int]
    nodes: dict[str, Any] = field(default_factory=dict)

    def drawn(self) -> dict[str, Any]:
        self.nodes["DASHBOARD_VERSION_KEY"] = "v2"
        self.nodes["ROOT_ID"] = {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]}
        self.nodes["HEADER_ID"] = {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": self.dashboard.title}}
        self._add("GRID", "GRID_ID", ["ROOT_ID"], {})
        for number, block in enumerate(self.dashboard.layout):
            self._add_block(block, number)
        return self.nodes

    def _add(self, kind: str, node: str, parents: list[str], meta: dict[str, Any]) -> list[str]:
        """Add a node below the last of its parents; the way to its own children."""
        self.nodes[node] = {"type": kind, "id": node, "children": [], "parents": parents, "meta": meta}
        if parents[-1] != "ROOT_ID":
            self.nodes[parents[-1]]["children"].append(node)
        return [*parents, node]

    def _add_block(self, block: Block, number: int) -> None:
        way = ["ROOT_ID", "GRID_ID"]
        background = {"background": "BACKGROUND_TRANSPARENT"}
        if block.section is not None:
            self._add(
                "HEADER", f"HEADER-{number}", way, {**background, "text": block.section, "headerSize": "MEDIUM_HEADER"}
            )
        if block.row is None:
            return
        way = self._add("ROW", f"ROW-{number}", way, background)
        cells = [
            parse_cell(text, f"superset/assets/dashboards/{self.dashboard.name}.yaml") for text in block.row.charts
        ]
        if sum(cell.width for cell in cells) > GRID_COLUMNS:
            raise SupersetError(
                f"superset/assets/dashboards/{self.dashboard.name}.yaml: the row {block.row.charts} is wider than"
                f" {GRID_COLUMNS} columns."
            )
        for cell in cells:
            self._add_cell(cell, block.row.height, way)

    def _add_cell(self, cell: Cell, height: int, way: list[str]) -> None:
        if len(cell.stack) > 1:
            meta = {"width": cell.width, "background": "BACKGROUND_TRANSPARENT"}
            way = self._add("COLUMN", f"COLUMN-{cell.charts[0]}", way, meta)
            height = height // len(cell.stack) - 1
        for name, own_height in cell.stack:
            if name not in self.charts:
                raise SupersetError(
                    f"superset/assets/dashboards/{self.dashboard.name}.yaml shows {name}, which is no chart."
                )
            meta = {
                "width": cell.width,
                "height": own_height or height,
                "chartId": self.chart_ids[name],
                "uuid": asset_uuid("chart", name),
                "sliceName": self.charts[name].title,
            }
            self._add("CHART", f"CHART-{name}", way, meta)
