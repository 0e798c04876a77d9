"""Scores of the made workload's traces."""

from __future__ import annotations

import uuid
from functools import cache

import numpy as np

from tracemart.standin.rows import Observation, Score, TraceContext
from tracemart.standin.workloads.catalogue import MODELS, Agent

QUALITY, TASK_SUCCESS, FEEDBACK = "quality", "task_success", "user_feedback"
_QUALITY_SHARE, _SUCCESS_SHARE, _FEEDBACK_SHARE = 0.3, 0.25, 0.06
_SPREAD = 0.09
_FAILED_COSTS = 0.35
_NAMESPACE = uuid.UUID("0d6f2b3a-58a9-4d0c-9c27-5b5a3f0e7a44")


@cache
def score_config_id(project_id: str, name: str) -> str:
    """The id of the configuration that a project's scores of this name follow."""
    return str(uuid.uuid5(_NAMESPACE, f"{project_id}/score-config/{name}"))


def scores_of(
    agent: Agent, context: TraceContext, rows: list[Observation], random: np.random.Generator, end_ms: int
) -> list[Score]:
    """`quality` (NUMERIC 0..1, an evaluator's), `task_success` (BOOLEAN) and `user_feedback` (CATEGORICAL).

    All three hang on one hidden quality of the trace, which depends on agent, model and failures. A score
    that would come after the workload's end has not been given yet.
    """
    draw = random.random(6)
    noise = float(random.standard_normal())
    if draw[0] >= _QUALITY_SHARE and draw[1] >= _SUCCESS_SHARE and draw[2] >= _FEEDBACK_SHARE:
        return []
    generations = [row for row in rows if row.type == "GENERATION"]
    level = MODELS[generations[-1].model].quality + agent.quality + _SPREAD * noise
    level -= _FAILED_COSTS * sum(row.level == "ERROR" for row in generations) / len(generations)
    level = min(1.0, max(0.0, level))
    ended = max(row.end_ms for row in rows)
    made: list[Score] = []

    def add(name: str, delay_ms: int, data_type: str, value: float | int | str, source: str) -> None:
        moment = ended + delay_ms
        if moment < end_ms:
            made.append(
                Score(f"{context.trace_id[:16]}-{name}", name, moment, moment, moment + 700, data_type, value, source,
                      context.environment, context.trace_id, config_id=score_config_id(agent.project_id, name))
            )  # fmt: skip

    if draw[0] < _QUALITY_SHARE:
        add(QUALITY, 4_000 + int(draw[3] * 50_000), "NUMERIC", round(level, 2), "EVAL")
    if draw[1] < _SUCCESS_SHARE:
        add(TASK_SUCCESS, 1_000, "BOOLEAN", int(draw[4] < 0.15 + 0.85 * level), "API")
    if draw[2] < _FEEDBACK_SHARE:
        opinion = level + 0.25 * (draw[5] - 0.5)
        word = "positive" if opinion > 0.78 else "neutral" if opinion > 0.62 else "negative"
        add(FEEDBACK, 60_000 + int(draw[3] * 3_600_000 * 20), "CATEGORICAL", word, "ANNOTATION")
    return made
