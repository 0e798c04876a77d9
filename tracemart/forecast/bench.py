"""`./run bench forecast` and `bench anomalies`: the functions of the DAG on any series in a file."""

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tracemart.errors import ForecastError
from tracemart.forecast.accuracy import Score, Trial, back_test, mean_score, rolling_origins, score_trials
from tracemart.forecast.anomalies import Anomalies, detect_anomalies
from tracemart.forecast.events import EventScore, score_events
from tracemart.forecast.series_file import FileSeries, read_series_file

# Below this many points altogether, starting processes takes longer than they save.
_POINTS_WORTH_A_POOL = 20_000
_DIGITS = 6

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Tested:
    trials: list[Trial]
    score: Score | None


def bench_forecast(
    series_path: Path | str, horizon: int = 14, origins: int = 8, out: Path | str | None = None
) -> dict[str, Any]:
    """Forecast each series of a file from rolling origins at its end and score it against what came.

    Returns `horizon`, `origins` (asked for), `baseline`, `series` (by id) and `overall`. Each has `mase`, `crps` and
    `bias`, all relative to seasonal naive on the same points (`mase` and `crps` below 1 are better than it, `bias` is
    mean expected less actual by its mean absolute error), the shares `coverage_80` and `coverage_95`, and under
    `absolute` MASE and CRPS of both in units of seasonal naive's error in training. `overall` counts every series
    alike. `skipped` says which series were too short for a single origin, and why.
    `out` gets a CSV of series_id, origin (time of the last known step), time, value, expected, lower_80, upper_80,
    lower_95, upper_95, model.
    Raises ForecastError for a bad file, or one with no series long enough.
    """
    if horizon < 1 or origins < 1:
        raise ForecastError(f"Horizon and origins must be 1 or more; they are {horizon} and {origins}.")
    series = read_series_file(Path(series_path))
    tested = _each(_Tester(horizon, origins), series)
    scores = {one.series_id: test.score for one, test in zip(series, tested, strict=True) if test.score is not None}
    if not scores:
        raise ForecastError(
            f"{series_path} has no series with known values over a horizon of {horizon} and two points before it;"
            " give longer series or a shorter --horizon."
        )
    if out is not None:
        _write(Path(out), _FORECAST_COLUMNS, _forecast_rows(series, tested))
    return {
        "horizon": horizon,
        "origins": origins,
        "baseline": "seasonal_naive",
        "overall": _figures(mean_score(list(scores.values()))) | {"series": len(scores)},
        "series": {
            one.series_id: _figures(test.score) | _about(one, test.trials)
            for one, test in zip(series, tested, strict=True)
            if test.score is not None
        },
        "skipped": {
            one.series_id: f"{len(one.values)} steps leave no origin for a horizon of {horizon}"
            for one in series
            if one.series_id not in scores
        },
    }


def bench_anomalies(series_path: Path | str, out: Path | str | None = None) -> dict[str, Any]:
    """Judge each point of each series of a file from its past alone.

    Returns `series` (by id) and `overall` with `points`, `scored` (those with past enough), `flagged` and `events`
    (runs of flagged steps); with a column `is_anomaly` also `precision`, `recall`, `f1` by event and
    `false_alarms_per_series_week`. A true event is found if any of its steps is flagged; a flagged event without a
    true step is a false alarm. `precision` without any flagged event, like `recall` without any true one, is 1.
    `out` gets every row of the file: series_id, time, value, expected, lower_95, upper_95, score, is_anomaly (as
    found), severity.
    Raises ForecastError for a bad file.
    """
    series = read_series_file(Path(series_path))
    found = _each(_detect, series)
    if out is not None:
        _write(Path(out), _ANOMALY_COLUMNS, _anomaly_rows(series, found))
    scores = {one.series_id: score_events(one, anomalies) for one, anomalies in zip(series, found, strict=True)}
    total = EventScore.total(list(scores.values()))
    return {
        "overall": total.figures() | {"series": len(series)},
        "series": {one.series_id: scores[one.series_id].figures() | {"cadence": one.cadence.name} for one in series},
    }


@dataclass(frozen=True)
class _Tester:
    horizon: int
    origins: int

    def __call__(self, series: FileSeries) -> _Tested:
        origins = rolling_origins(len(series.values), self.horizon, self.origins)
        trials = back_test(series.values, series.cadence, self.horizon, origins)
        return _Tested(trials, score_trials(trials))


def _detect(series: FileSeries) -> Anomalies:
    return detect_anomalies(series.values, series.cadence)


def _each(function: Callable[[FileSeries], Result], series: Sequence[FileSeries]) -> list[Result]:
    workers = min(os.cpu_count() or 1, len(series))
    if workers < 2 or sum(len(one.values) for one in series) < _POINTS_WORTH_A_POOL:
        return [function(one) for one in series]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(function, series, chunksize=max(1, len(series) // (8 * workers))))


def _figures(score: Score) -> dict[str, Any]:
    return {
        "mase": _round(score.relative_mase),
        "crps": _round(score.relative_crps),
        "coverage_80": _round(score.coverage_80),
        "coverage_95": _round(score.coverage_95),
        "bias": _round(score.bias),
        "absolute": {
            "mase": _round(score.mase),
            "crps": _round(score.crps),
            "seasonal_naive_mase": _round(score.naive_mase),
            "seasonal_naive_crps": _round(score.naive_crps),
        },
    }


def _about(series: FileSeries, trials: list[Trial]) -> dict[str, Any]:
    last = trials[-1].forecast
    return {
        "cadence": series.cadence.name,
        "points": len(series.values),
        "origins": len(trials),
        "model": last.model,
        "is_fallback": last.is_fallback,
        "fallback_reason": last.fallback_reason,
    }


_FORECAST_COLUMNS = (
    "series_id", "origin", "time", "value", "expected", "lower_80", "upper_80", "lower_95", "upper_95", "model",
)  # fmt: skip
_ANOMALY_COLUMNS = (
    "series_id", "time", "value", "expected", "lower_95", "upper_95", "score", "is_anomaly", "severity",
)  # fmt: skip


def _forecast_rows(series: Sequence[FileSeries], tested: Sequence[_Tested]) -> Iterable[list[str]]:
    for one, test in zip(series, tested, strict=True):
        texts = one.time_texts()
        for trial in test.trials:
            forecast = trial.forecast
            for step, truth in enumerate(trial.truth):
                bounds = (forecast.expected, forecast.lower_80, forecast.upper_80, forecast.lower_95, forecast.upper_95)
                numbers = [_number(truth), *(_number(bound[step]) for bound in bounds)]
                yield [one.series_id, texts[trial.origin - 1], texts[trial.origin + step], *numbers, forecast.model]


def _anomaly_rows(series: Sequence[FileSeries], found: Sequence[Anomalies]) -> Iterable[list[str]]:
    for one, anomalies in zip(series, found, strict=True):
        for row, place in zip(one.rows, one.places, strict=True):
            numbers = (anomalies.expected, anomalies.lower_95, anomalies.upper_95, anomalies.score)
            yield [
                one.series_id,
                row.time_text,
                row.value_text,
                *(_number(number[place]) for number in numbers),
                "true" if anomalies.is_anomaly[place] else "false",
                anomalies.severity[place] or "",
            ]


def _write(path: Path, columns: Sequence[str], rows: Iterable[list[str]]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
    except OSError as error:
        raise ForecastError(f"{path} cannot be written ({error.strerror}): name another --out.") from None


def _number(value: float) -> str:
    return "" if np.isnan(value) else repr(float(value))


def _round(value: float) -> float:
    return round(float(value), _DIGITS)
