"""The made workload: some months of a company's LLM traffic, the same bytes for the same seed and end.

Each agent's day is drawn from a random stream of its own (seed, date, agent), so what happens on one day
never shifts another. Volumes grow over time, follow the working week and the hours of the day, and carry
a moderate noise; `anomalies` says on which days the workload misbehaves.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import numpy as np

from tracemart.errors import BadInputError
from tracemart.standin.prices import PriceBook
from tracemart.standin.timestamps import from_datetime
from tracemart.standin.workloads.anomalies import Effect, Planting, plant
from tracemart.standin.workloads.catalogue import AGENTS, PROJECTS, USERS, Agent, User, custom_models
from tracemart.standin.workloads.day import AgentDay, DayPlan
from tracemart.standin.workloads.made_evaluation import datasets_of, experiment_items_of, score_configs_of
from tracemart.standin.workloads.made_prompts import prompts_of
from tracemart.standin.workloads.workload import PlantedAnomaly, ProjectRows, Workload, WorkloadProject

DEFAULT_OBSERVATIONS = 150_000
DEFAULT_DAYS = 90
DEFAULT_SEED = 2026
MAXIMUM_OBSERVATIONS = 20_000_000

_DAILY_GROWTH = 0.005
_VOLUME_NOISE = 0.05
_NO_EFFECT = Effect()


def make_workload(
    *, observations: int = DEFAULT_OBSERVATIONS, days: int = DEFAULT_DAYS, seed: int = DEFAULT_SEED, end: datetime
) -> Workload:
    """About `observations` rows on the `days` before `end`, whose day's midnight UTC is `as_of`.

    Raises BadInputError for sizes that make no workload. The planted anomalies come on top of `observations`.
    """
    if not 1 <= days <= 3660 or not days <= observations <= MAXIMUM_OBSERVATIONS or seed < 0:
        raise BadInputError(
            f"a made workload needs 1 to 3660 days, at least one observation a day, at most {MAXIMUM_OBSERVATIONS:,} "
            f"observations and a seed of 0 or more; it was asked for {observations} observations, {days} days, "
            f"seed {seed}."
        )
    if end.tzinfo is None:
        raise BadInputError(f"the end of a workload needs a time zone, for instance Z; {end.isoformat()} has none.")
    as_of = end.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = as_of.date() - timedelta(days=days)
    planted = plant(first_day, days)
    rows = {
        project.id: ProjectRows(
            WorkloadProject(project.id, project.name),
            models=custom_models(project.id),
            prompts=prompts_of(project.id, first_day, days),
            score_configs=score_configs_of(project.id, first_day),
            datasets=datasets_of(project.id, first_day),
        )
        for project in PROJECTS
    }
    books = {project_id: PriceBook(project.models) for project_id, project in rows.items()}
    makers = [AgentDay(agent, books[agent.project_id], rows[agent.project_id].prompts) for agent in AGENTS]
    scale = _scale(observations, first_day, days)
    for number in range(days):
        day = first_day + timedelta(days=number)
        for place, agent in enumerate(AGENTS):
            random = np.random.Generator(np.random.PCG64([seed, day.toordinal(), place]))
            volume = scale * _weight(agent, day, number) * float(np.exp(_VOLUME_NOISE * random.standard_normal()))
            plan = DayPlan(
                midnight_ms=from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC)),
                date=day,
                traces=volume,
                users=_users(agent, number / days),
                effect=_effect(planted.get(day), agent),
                end_ms=from_datetime(as_of),
            )
            made = makers[place].make(plan, random)
            rows[agent.project_id].observations.extend(made.observations)
            rows[agent.project_id].scores.extend(made.scores)
    for project_id, project_rows in rows.items():
        project_rows.experiment_items = experiment_items_of(project_id, project_rows.observations, first_day, days)
    anomalies: list[PlantedAnomaly] = [planting.anomaly for _, planting in sorted(planted.items())]
    return Workload("made", as_of, rows, anomalies)


def _weight(agent: Agent, day: date, number: int) -> float:
    """An agent's expected share of a day's traffic: its share, the growth so far, the working week."""
    weekday = day.weekday()
    working = agent.weekend if weekday >= 5 else (1.0, 1.06, 1.05, 1.02, 0.9)[weekday]
    return agent.share * (1 + _DAILY_GROWTH * number) * working


def _scale(observations: int, first_day: date, days: int) -> float:
    """Traces per unit of weight, such that a workload without anomalies has the wanted observations."""
    per_weight = sum(
        _weight(agent, first_day + timedelta(days=number), number) * AgentDay.observations_per_trace(agent)
        for number in range(days)
        for agent in AGENTS
    )
    return observations / per_weight


def _users(agent: Agent, passed: float) -> list[User]:
    by_team: dict[str, list[User]] = defaultdict(list)
    for user in USERS:
        if user.joined <= passed:
            by_team[user.team.name].append(user)
    return [user for team in agent.teams for user in by_team[team]]


def _effect(planting: Planting | None, agent: Agent) -> Effect:
    if planting is None or not planting.hits(agent.project_id, agent.name, (name for name, _ in agent.models)):
        return _NO_EFFECT
    return planting.effect
