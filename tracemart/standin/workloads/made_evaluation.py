"""Score configurations, datasets and experiments of the made workload.

An experiment's items are traces that the workload has anyway, so no row is made for them alone.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

from tracemart.standin.evaluation import Dataset, Experiment, ExperimentItem, ScoreConfig
from tracemart.standin.rows import Observation
from tracemart.standin.timestamps import DAY_MS, from_datetime
from tracemart.standin.workloads.catalogue import AGENTS
from tracemart.standin.workloads.judgement import FEEDBACK, QUALITY, TASK_SUCCESS, score_config_id

_NAMESPACE = uuid.UUID("0d6f2b3a-58a9-4d0c-9c27-5b5a3f0e7a44")
_ITEMS = 8
_RUNS_AT = (0.3, 0.75)


def score_configs_of(project_id: str, first_day: date) -> list[ScoreConfig]:
    """A configuration for each score that the workload gives, and an archived one that nothing uses any more."""
    day_ms = _midnight_ms(first_day) - 12 * DAY_MS
    shapes: list[tuple[str, str, dict[str, Any]]] = [
        ("tone", "NUMERIC", {"minimum": 1, "maximum": 5, "is_archived": True}),
        (QUALITY, "NUMERIC", {"minimum": 0, "maximum": 1, "description": "How good the answer is, judged by a model"}),
        (TASK_SUCCESS, "BOOLEAN", {"categories": ({"label": "True", "value": 1}, {"label": "False", "value": 0})}),
        (FEEDBACK, "CATEGORICAL", {"categories": tuple(
            {"label": label, "value": value} for value, label in enumerate(("negative", "neutral", "positive")))}),
    ]  # fmt: skip
    return [
        ScoreConfig(
            score_config_id(project_id, name), name, data_type, day_ms + place * 60_000, day_ms + place * 60_000, **more
        )
        for place, (name, data_type, more) in enumerate(shapes)
    ]


def datasets_of(project_id: str, first_day: date) -> list[Dataset]:
    """One dataset per agent."""
    made_ms = _midnight_ms(first_day) - 5 * DAY_MS
    return [
        Dataset(
            id=_dataset_id(project_id, agent.name),
            name=f"{agent.name}/regression",
            description=f"Questions that {agent.name} must keep answering",
            created_ms=made_ms + place * 1000,
            updated_ms=made_ms + place * 1000,
            metadata={"agent": agent.name, "items": _ITEMS},
        )
        for place, agent in enumerate(agent for agent in AGENTS if agent.project_id == project_id)
    ]


def experiment_items_of(
    project_id: str, observations: list[Observation], first_day: date, days: int
) -> list[ExperimentItem]:
    """Two runs of each agent, over the agent's first root observations of two days."""
    wanted_days = [_midnight_ms(first_day) + int(days * share) * DAY_MS for share in _RUNS_AT]
    agents = {agent.name for agent in AGENTS if agent.project_id == project_id}
    roots: dict[tuple[str, int], list[Observation]] = defaultdict(list)
    for row in observations:
        day_ms = row.start_ms - row.start_ms % DAY_MS
        if row.is_root and day_ms in wanted_days and row.name in agents:
            roots[row.name, day_ms].append(row)
    items = []
    for (agent, day_ms), rows in sorted(roots.items()):
        number = wanted_days.index(day_ms) + 1
        name = f"{agent}/regression - run {number}"
        run = Experiment(
            uuid.uuid5(_NAMESPACE, f"{project_id}/{name}").hex[:16], name, "", _dataset_id(project_id, agent),
            {"run": number},
        )  # fmt: skip
        first = sorted(rows, key=lambda row: (row.start_ms, row.id))[:_ITEMS]
        items += [
            ExperimentItem(run, row.id, row.context.trace_id, f"{agent}-{place}", row.start_ms, row.end_ms, row.level,
                           row.context.environment)
            for place, row in enumerate(first)
        ]  # fmt: skip
    return items


def _dataset_id(project_id: str, agent: str) -> str:
    return f"cm{uuid.uuid5(_NAMESPACE, f'{project_id}/dataset/{agent}').hex[:23]}"


def _midnight_ms(day: date) -> int:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
