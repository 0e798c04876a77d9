"""What teams judge by: score configurations, datasets, and experiments with their items, as rows and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tracemart.standin.timestamps import to_iso


@dataclass(slots=True, frozen=True)
class ScoreConfig:
    """How a score may look; `categories` are `{label, value}`, None for NUMERIC."""

    id: str
    name: str
    data_type: str
    created_ms: int
    updated_ms: int
    description: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[dict[str, Any], ...] | None = None
    is_archived: bool = False


@dataclass(slots=True, frozen=True)
class Dataset:
    id: str
    name: str
    description: str | None
    created_ms: int
    updated_ms: int
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Experiment:
    """A run over a dataset, or over items that stand in none (`dataset_id` None)."""

    id: str
    name: str
    description: str
    dataset_id: str | None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class ExperimentItem:
    """One item of a run: `id` is the item's root observation, `item_id` the dataset item."""

    experiment: Experiment
    id: str
    trace_id: str
    item_id: str
    start_ms: int
    end_ms: int
    level: str = "DEFAULT"
    environment: str = "sdk-experiment"

    @property
    def place(self) -> tuple[int, str, str]:
        return self.start_ms, self.trace_id, self.id


def score_config_row(config: ScoreConfig, project_id: str) -> dict[str, Any]:
    """A row of `/api/public/score-configs`."""
    return {
        "id": config.id,
        "name": config.name,
        "isArchived": config.is_archived,
        "description": config.description,
        "createdAt": to_iso(config.created_ms),
        "updatedAt": to_iso(config.updated_ms),
        "projectId": project_id,
        "dataType": config.data_type,
        "maxValue": config.maximum,
        "minValue": config.minimum,
        "categories": None if config.categories is None else list(config.categories),
    }


def dataset_row(dataset: Dataset, project_id: str) -> dict[str, Any]:
    """A row of `/api/public/v2/datasets`."""
    return {
        "name": dataset.name,
        "description": dataset.description,
        "metadata": dataset.metadata,
        "inputSchema": None,
        "expectedOutputSchema": None,
        "projectId": project_id,
        "createdAt": to_iso(dataset.created_ms),
        "updatedAt": to_iso(dataset.updated_ms),
        "id": dataset.id,
    }


def experiment_row(items: list[ExperimentItem], *, with_metadata: bool) -> dict[str, Any]:
    """A row of `/api/public/experiments`: what its items within the asked window add up to."""
    experiment = items[0].experiment
    row: dict[str, Any] = {
        "id": experiment.id,
        "name": experiment.name,
        "description": experiment.description,
        "startTime": to_iso(min(item.start_ms for item in items)),
        "endTime": to_iso(max(item.end_ms for item in items)),
        "itemCount": len(items),
        "datasetId": experiment.dataset_id,
    }
    return row | {"metadata": experiment.metadata} if with_metadata else row


def experiment_item_row(item: ExperimentItem) -> dict[str, Any]:
    """A row of `/api/public/experiment-items`."""
    return {
        "id": item.id,
        "traceId": item.trace_id,
        "startTime": to_iso(item.start_ms),
        "endTime": to_iso(item.end_ms),
        "level": item.level,
        "environment": item.environment,
        "experimentId": item.experiment.id,
        "experimentName": item.experiment.name,
        "experimentItemId": item.item_id,
        "experimentDatasetId": item.experiment.dataset_id,
        "experimentItemVersion": None,
    }
