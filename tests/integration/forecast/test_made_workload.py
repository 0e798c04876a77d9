"""How good forecasts and anomalies are on the made workload, against its own truth.

The figures are printed with `pytest -s`; `./run bench` gives the same on any file.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from tracemart.forecast.accuracy import back_test, mean_score, rolling_origins, score_trials
from tracemart.forecast.anomalies import Anomalies, detect_anomalies
from tracemart.forecast.cadence import DAILY
from tracemart.forecast.types import Floats
from tracemart.standin.workloads.made import make_workload

DAYS = 90
END = datetime(2026, 11, 22, tzinfo=UTC)
FIRST_DAY = END.date() - timedelta(days=DAYS)
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Made:
    """Daily values by series_id, and the planted anomalies as (series_id, day number)."""

    series: dict[str, Floats]
    planted: list[tuple[str, int]]


@pytest.fixture(scope="module")
def made() -> Made:
    workload = make_workload(days=DAYS, end=END)
    first_ms = int((END - timedelta(days=DAYS)).timestamp() * 1000)
    series: dict[str, Floats] = defaultdict(lambda: np.zeros(DAYS))
    for project_id, rows in workload.rows.items():
        for row in rows.observations:
            if not row.is_call():
                continue
            day = (row.start_ms - first_ms) // DAY_MS
            agent = json.loads(row.context.metadata.stored.get("agent", '"unattributed"'))
            model = row.model or "unknown"
            for key in ("total/all", f"project/demo/{project_id}", f"model/{model}", f"agent/{agent}"):
                series[f"calls/{key}"][day] += 1
                series[f"cost_usd/{key}"][day] += row.cost().get("total", 0) / 1e12
    planted = [
        (
            f"{anomaly.metric}/{anomaly.level}/{'demo/' if anomaly.level == 'project' else ''}{anomaly.key}",
            day_number(anomaly.date),
        )
        for anomaly in workload.anomalies
    ]
    return Made(dict(series), planted)


def day_number(day: date) -> int:
    return (day - FIRST_DAY).days


@pytest.fixture(scope="module")
def found(made: Made) -> dict[str, Anomalies]:
    return {series_id: detect_anomalies(values, DAILY) for series_id, values in made.series.items()}


def test_nine_in_ten_planted_anomalies_are_found(made: Made, found: dict[str, Anomalies]) -> None:
    hits = [bool(found[series_id].is_anomaly[day]) for series_id, day in made.planted]
    print(f"\n{sum(hits)} of {len(hits)} planted anomalies found")
    assert len(hits) == 10
    assert sum(hits) >= 9


def test_no_series_has_more_than_one_false_alarm_a_month(made: Made, found: dict[str, Anomalies]) -> None:
    struck = [day for _, day in made.planted]
    alarms = {}
    for series_id, anomalies in found.items():
        flags = anomalies.is_anomaly.copy()
        flags[struck] = False
        alarms[series_id] = int(flags.sum()) / (DAYS / 30)
    mean, most = float(np.mean(list(alarms.values()))), max(alarms.values())
    print(f"\nfalse alarms per series and month: {mean:.3f} on average, {most:.2f} at most")
    assert most <= 1.0
    assert mean <= 0.2


def test_forecasts_beat_seasonal_naive_and_bounds_cover_what_they_say(made: Made) -> None:
    origins = rolling_origins(DAYS, 14, 5)
    scores = []
    for values in made.series.values():
        if not values.any():
            continue
        score = score_trials(back_test(values, DAILY, 14, origins))
        assert score is not None
        scores.append(score)
    overall = mean_score(scores)
    print(
        f"\n{len(scores)} series, relative MASE {overall.relative_mase:.3f}, CRPS {overall.relative_crps:.3f},"
        f" 80 % bounds cover {overall.coverage_80:.3f}, 95 % bounds {overall.coverage_95:.3f}, bias {overall.bias:+.3f}"
    )
    assert overall.relative_mase < 0.85
    assert overall.relative_crps < 0.85
    assert 0.75 <= overall.coverage_80 <= 0.85
    assert 0.90 <= overall.coverage_95 <= 0.99
