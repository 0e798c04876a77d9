"""A workload: the projects a stand-in serves, their rows, and what is true of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from tracemart.standin.evaluation import Dataset, ExperimentItem, ScoreConfig
from tracemart.standin.prices import Model, PriceBook
from tracemart.standin.rows import Observation, PromptVersion, Score
from tracemart.standin.store import KeyPair, ProjectStore, Store


@dataclass(frozen=True)
class WorkloadProject:
    """A project of a workload; its keys are made by whoever starts the server."""

    id: str
    name: str


@dataclass(frozen=True)
class PlantedAnomaly:
    """A day on which a series was made to differ.

    `level` is total, project, agent or model, `key` its value (`all` for the total), `metric` the series
    that shows it best (`cost_usd` or `calls`), `factor` what the generator multiplied.
    """

    project: str | None
    level: str
    key: str
    date: date
    kind: str
    metric: str
    factor: float


@dataclass
class ProjectRows:
    project: WorkloadProject
    observations: list[Observation] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    prompts: list[PromptVersion] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    score_configs: list[ScoreConfig] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    experiment_items: list[ExperimentItem] = field(default_factory=list)


@dataclass
class Workload:
    """Rows by project; `as_of` is the moment the workload ends, a midnight UTC."""

    name: str
    as_of: datetime
    rows: dict[str, ProjectRows] = field(repr=False)
    anomalies: list[PlantedAnomaly] = field(default_factory=list)

    @property
    def projects(self) -> list[WorkloadProject]:
        return [rows.project for rows in self.rows.values()]

    def store(self, keys: Mapping[str, KeyPair]) -> Store:
        """A store that serves this workload; `keys` has a pair for each project id."""
        projects = {}
        for project_id, rows in self.rows.items():
            project = ProjectStore(
                project_id, rows.project.name, PriceBook(rows.models), list(rows.prompts), list(rows.score_configs),
                list(rows.datasets), list(rows.experiment_items),
            )  # fmt: skip
            project.add_observations(rows.observations)
            project.add_scores(rows.scores)
            projects[project_id] = project
        return Store(projects, {project_id: keys[project_id] for project_id in projects})
