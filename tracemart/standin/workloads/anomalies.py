"""The days on which the made workload is told to misbehave."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from tracemart.standin.workloads.workload import PlantedAnomaly

QUIET_DAYS = 28
_LAST_DAYS = 3
_SPACING = 5


@dataclass(frozen=True)
class Effect:
    """What an agent's day is multiplied by; `model` confines `traffic` to that model's share."""

    traffic: float = 1.0
    prompt_tokens: float = 1.0
    error_rate: float | None = None
    model: str | None = None
    one_user: bool = False


@dataclass(frozen=True)
class _Plan:
    kind: str
    project: str | None
    level: str
    key: str
    metric: str
    factor: float
    effect: Effect


_PLANS = (
    _Plan("prompt_bloat", "engineering-agents", "agent", "code-reviewer", "cost_usd", 5.0, Effect(prompt_tokens=5)),
    _Plan("traffic_spike", "support-assistant", "agent", "answer-bot", "calls", 4.0, Effect(traffic=4)),
    _Plan("outage", "sales-copilot", "project", "sales-copilot", "calls", 0.06, Effect(traffic=0.06)),
    _Plan("model_surge", None, "model", "claude-haiku-4-5-20251001", "calls", 4.0,
          Effect(traffic=4, model="claude-haiku-4-5-20251001")),
    _Plan("retry_storm", "sales-copilot", "agent", "lead-researcher", "calls", 4.0,
          Effect(traffic=4, error_rate=0.7)),
    _Plan("runaway_loop", "engineering-agents", "agent", "incident-analyst", "calls", 6.0,
          Effect(traffic=6, one_user=True)),
    _Plan("launch_day", None, "total", "all", "calls", 2.5, Effect(traffic=2.5)),
    _Plan("prompt_bloat", "document-intelligence", "agent", "contract-analyst", "cost_usd", 10.0,
          Effect(prompt_tokens=10)),
    _Plan("outage", "support-assistant", "agent", "ticket-triage", "calls", 0.05, Effect(traffic=0.05)),
    _Plan("model_surge", None, "model", "gemini-3.5-flash", "calls", 3.5,
          Effect(traffic=3.5, model="gemini-3.5-flash")),
)  # fmt: skip


@dataclass(frozen=True)
class Planting:
    anomaly: PlantedAnomaly
    effect: Effect

    def hits(self, project_id: str, agent: str, models: Iterable[str]) -> bool:
        key = self.anomaly.key
        if self.anomaly.level == "model":
            return key in models
        return key in {"project": (project_id,), "agent": (agent,)}.get(self.anomaly.level, (key,))


def plant(first_day: date, days: int) -> dict[date, Planting]:
    """Anomalies by day: none in the first 28 days nor the last 3, each from Tuesday to Thursday, one a day.

    A short workload gets fewer of them, in the same order; one of less than about five weeks gets none.
    """
    room = days - QUIET_DAYS - _LAST_DAYS
    count = min(len(_PLANS), max(0, room // _SPACING))
    planted: dict[date, Planting] = {}
    for number, plan in enumerate(_PLANS[:count]):
        day = first_day + timedelta(days=QUIET_DAYS + int((number + 0.5) * room / count))
        day += timedelta(days=_shift(day))
        anomaly = PlantedAnomaly(plan.project, plan.level, plan.key, day, plan.kind, plan.metric, plan.factor)
        planted[day] = Planting(anomaly, plan.effect)
    return planted


def _shift(day: date) -> int:
    """Days to the nearest Tuesday, Wednesday or Thursday."""
    return {0: 1, 4: -1, 5: 3, 6: 2}.get(day.weekday(), 0)
