"""What is true of a workload, summed from its rows without floating point."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tracemart.standin.rows import Observation, dollars
from tracemart.standin.timestamps import utc_date
from tracemart.standin.workloads.series import DailySeries

if TYPE_CHECKING:
    from tracemart.standin.workloads.workload import PlantedAnomaly, Workload


@dataclass
class _Sums:
    calls: int = 0
    errors: int = 0
    tokens: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    pico: int = 0

    def add(self, row: Observation) -> None:
        self.calls += 1
        self.errors += row.level == "ERROR"
        for usage_type, units in zip(row.usage_keys, row.usage_values, strict=True):
            self.tokens[usage_type] += units
        self.pico += row.cost().get("total", 0)

    def as_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "errors": self.errors,
            "tokens": dict(sorted(self.tokens.items())),
            "cost_usd": str(dollars(self.pico)),
        }


def truth_of(workload: Workload) -> dict[str, Any]:
    """Exact sums and the planted anomalies, ready for JSON.

    `totals` and `projects[id]` hold calls, errors, tokens by usage type as sent, and `cost_usd` as decimal
    text; `cells` holds the same per project, model as sent ("" if none) and UTC day. A call is an
    observation with a model, usage or cost. Each anomaly has the fields of `PlantedAnomaly`, and `felt_in`:
    every daily series it moved, with the day's ratio to the same weekday around it.
    """
    total, projects = _Sums(), {project_id: _Sums() for project_id in workload.rows}
    cells: dict[tuple[str, str, str], _Sums] = defaultdict(_Sums)
    counts: dict[str, dict[str, int]] = {}
    series = DailySeries()
    for project_id, rows in workload.rows.items():
        for row in rows.observations:
            if row.is_call():
                cell = cells[project_id, row.model, utc_date(row.start_ms).isoformat()]
                for sums in (total, projects[project_id], cell):
                    sums.add(row)
                series.add(project_id, row)
        traces = {row.context.trace_id for row in rows.observations}
        counts[project_id] = {
            "observations": len(rows.observations), "traces": len(traces), "scores": len(rows.scores),
        }  # fmt: skip
    return {
        "workload": workload.name,
        "as_of": workload.as_of.isoformat(),
        "totals": {name: sum(count[name] for count in counts.values()) for name in ("observations", "traces", "scores")}
        | total.as_json(),
        "projects": {
            project_id: {"name": workload.rows[project_id].project.name} | counts[project_id] | sums.as_json()
            for project_id, sums in projects.items()
        },
        "cells": [
            {"project": project_id, "model": model, "date": day} | sums.as_json()
            for (project_id, model, day), sums in sorted(cells.items())
        ],
        "anomalies": [_anomaly(anomaly, series) for anomaly in workload.anomalies],
    }


def _anomaly(anomaly: PlantedAnomaly, series: DailySeries) -> dict[str, Any]:
    return asdict(anomaly) | {"date": anomaly.date.isoformat(), "felt_in": series.moved_on(anomaly.date)}
