"""What people write in `superset/assets`: charts, dashboards and how they look by default."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tracemart.errors import SupersetError
from tracemart.settings import PROJECT_ROOT

ASSETS = PROJECT_ROOT / "superset" / "assets"


class Asset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Chart(Asset):
    """One chart: its `params` are Superset's own, laid over `chart_defaults.yaml` of its viz_type.

    A metric is the name of one of the dataset's, or `{label, sql}`; `where` are SQL conditions;
    `follows_time_filter: false` shows the chart's dataset whole, whatever period the reader picks; `may_be_empty: true`
    says that no rows are no fault: nobody set a budget, nothing was counted twice.
    """

    name: str
    title: str
    description: str
    viz_type: str
    dataset: str
    params: dict[str, Any] = {}
    where: list[str] = []
    where_b: list[str] = []
    follows_time_filter: bool = True
    may_be_empty: bool = False


class Row(Asset):
    """Charts beside each other, as `"<columns of 12> <chart>"`; `a + b` stacks b under a; height in units of 8 px."""

    height: int = Field(gt=5, le=120)
    charts: list[str] = Field(min_length=1)


class Block(Asset):
    """A section's title, or a row of charts."""

    section: str | None = None
    row: Row | None = None


class Dashboard(Asset):
    name: str
    title: str
    description: str
    filters: list[str]
    layout: list[Block]


class Filter(Asset):
    """A native filter on a column of one dataset; every chart whose dataset has the column follows it."""

    label: str
    dataset: str
    column: str
    description: str


class AssetSet(Asset):
    charts: dict[str, Chart]
    dashboards: dict[str, Dashboard]
    filters: dict[str, Filter]
    chart_defaults: dict[str, dict[str, Any]]
    label_colors: dict[str, str]
    palette: list[str]
    css: str


A = TypeVar("A", bound=Asset)


def read_assets(folder: Path = ASSETS) -> AssetSet:
    """All assets of the folder. Raises SupersetError that names the file and the key."""
    return AssetSet(
        charts=read_each(folder / "charts", Chart),
        dashboards=read_each(folder / "dashboards", Dashboard),
        filters={
            name: parse(Filter, entry, folder / "filters.yaml") for name, entry in load(folder, "filters").items()
        },
        chart_defaults=load(folder, "chart_defaults"),
        label_colors=load(folder, "label_colors"),
        palette=yaml.safe_load((folder / "palette.yaml").read_text()),
        css=(folder / "dashboard.css").read_text(),
    )


def load(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text())
    return content


def read_each(folder: Path, kind: type[A]) -> dict[str, A]:
    found = {}
    for file in sorted(folder.glob("*.yaml")):
        content = yaml.safe_load(file.read_text())
        found[file.stem] = parse(kind, {"name": file.stem, **content}, file)
    return found


def parse(kind: type[A], content: dict[str, Any], file: Path) -> A:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise SupersetError(f"{file}: {where}: {problem['msg']}.") from None
