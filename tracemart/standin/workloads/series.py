"""Daily calls and cost of a workload: total, and per project, agent and model."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from statistics import median
from typing import Any

from tracemart.standin.rows import Observation
from tracemart.standin.timestamps import utc_date

UNATTRIBUTED = "unattributed"
_RISE, _FALL = 1.35, 0.7
_FEWEST_CALLS = 15
_WEEKS_AROUND = 3

Key = tuple[str, str]


class DailySeries:
    """Sums by UTC day of the series that are forecast; keys are (level, key), as ("agent", "answer-bot")."""

    def __init__(self) -> None:
        self.calls: dict[Key, dict[date, int]] = defaultdict(lambda: defaultdict(int))
        self.pico: dict[Key, dict[date, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, project_id: str, row: Observation) -> None:
        day = utc_date(row.start_ms)
        agent = row.context.metadata.stored.get("agent")
        keys = (
            ("total", "all"),
            ("project", project_id),
            ("agent", json.loads(agent) if agent else UNATTRIBUTED),
            ("model", row.model or "unknown"),
        )
        cost = row.cost_values[row.cost_keys.index("total")] if "total" in row.cost_keys else 0
        for key in keys:
            self.calls[key][day] += 1
            self.pico[key][day] += cost

    def moved_on(self, day: date) -> list[dict[str, Any]]:
        """Series whose value of a day is far from the median of the same weekday, three weeks to each side.

        Rows are `level, key, metric, ratio`. Series with too few calls to tell are left out.
        """
        moved = []
        for key in sorted(self.calls):
            if _usual(self.calls[key], day) < _FEWEST_CALLS:
                continue
            for metric, values in (("calls", self.calls[key]), ("cost_usd", self.pico[key])):
                usual = _usual(values, day)
                ratio = values.get(day, 0) / usual if usual else 1.0
                if not _FALL < ratio < _RISE:
                    moved.append({"level": key[0], "key": key[1], "metric": metric, "ratio": round(ratio, 2)})
        return moved


def _usual(values: dict[date, int], day: date) -> float:
    weeks = (number for number in range(-_WEEKS_AROUND, _WEEKS_AROUND + 1) if number)
    around = [values[near] for number in weeks if (near := day + timedelta(weeks=number)) in values]
    return median(around) if around else 0
