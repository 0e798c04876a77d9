import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import SupersetError
from tracemart.superset.assets import AssetSet, Dashboard
from tracemart.superset.layout import GRID_COLUMNS, Cell, charts_of, parse_cell, position

names = st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True)


@given(
    width=st.integers(1, GRID_COLUMNS),
    stack=st.lists(st.tuples(names, st.none() | st.integers(6, 99)), min_size=1, max_size=4),
)
def test_a_cell_is_read_as_it_was_written(width: int, stack: list[tuple[str, int | None]]) -> None:
    text = f"{width} " + " + ".join(name if height is None else f"{name}:{height}" for name, height in stack)
    assert parse_cell(text, "here") == Cell(width, tuple(stack))


@pytest.mark.parametrize("text", ["", "cost", "0 cost", "13 cost", "4", "4 cost +", "4 cost: 3", "x cost", "4  cost"])
def test_a_cell_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(SupersetError, match=r"overview\.yaml: write a cell as"):
        parse_cell(text, "overview.yaml")


def dashboard(assets: AssetSet, charts: list[str]) -> Dashboard:
    changed = {**assets.dashboards["cost"].model_dump(), "layout": [{"row": {"height": 40, "charts": charts}}]}
    return Dashboard.model_validate(changed)


def drawn(assets: AssetSet, of: Dashboard) -> dict[str, Any]:
    return position(of, assets.charts, dict.fromkeys(assets.charts, 1))


def test_a_row_wider_than_the_grid_is_refused(assets: AssetSet) -> None:
    with pytest.raises(SupersetError, match="wider than 12 columns"):
        drawn(assets, dashboard(assets, ["8 cost", "5 calls"]))


def test_a_chart_that_is_none_is_refused_by_name(assets: AssetSet) -> None:
    with pytest.raises(SupersetError, match=re.escape("superset/assets/dashboards/cost.yaml shows no_chart")):
        drawn(assets, dashboard(assets, ["12 no_chart"]))


def test_every_node_is_reached_from_the_root_and_knows_its_way(assets: AssetSet) -> None:
    for each in assets.dashboards.values():
        nodes = drawn(assets, each)
        reached: list[str] = []

        def walk(node: str, way: list[str], nodes: dict[str, Any] = nodes, reached: list[str] = reached) -> None:
            reached.append(node)
            assert nodes[node].get("parents", []) == way
            for child in nodes[node].get("children", []):
                walk(child, [*way, node])

        walk("ROOT_ID", [])
        assert sorted(reached) == sorted(set(nodes) - {"DASHBOARD_VERSION_KEY", "HEADER_ID"})
        assert [node.removeprefix("CHART-") for node in reached if node.startswith("CHART-")] == charts_of(each)
