"""Rolling-origin back-tests, each figure beside that of seasonal naive."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.forecasting import ENSEMBLE, Forecast, PathCache, forecast_series
from tracemart.forecast.history import read_history
from tracemart.forecast.members import SEASONAL_NAIVE
from tracemart.forecast.types import Booleans, Floats

# The levels whose quantiles a forecast gives, and the share of the unit interval that lies nearest to each.
_LEVELS = np.array([0.025, 0.1, 0.5, 0.9, 0.975])
_SHARES = np.array([0.0625, 0.2375, 0.4, 0.2375, 0.0625])
_LEAST_TRAINING = 2


@dataclass(frozen=True)
class Trial:
    """One forecast from one origin (the number of points it knew), and what came; `naive` is seasonal naive's."""

    origin: int
    forecast: Forecast
    naive: Forecast
    truth: Floats
    unit: float


@dataclass(frozen=True)
class Score:
    """Means over origins and steps, in units of seasonal naive's mean error within the training part (as in MASE).

    `relative_*` are those of the forecast by those of seasonal naive on the same points: below 1 is better than it.
    `bias` is the mean of expected less actual, by seasonal naive's mean absolute error. Coverages are shares.
    """

    mase: float
    crps: float
    naive_mase: float
    naive_crps: float
    coverage_80: float
    coverage_95: float
    signed_error: float

    @property
    def relative_mase(self) -> float:
        return _ratio(self.mase, self.naive_mase)

    @property
    def relative_crps(self) -> float:
        return _ratio(self.crps, self.naive_crps)

    @property
    def bias(self) -> float:
        if self.naive_mase > 0:
            return self.signed_error / self.naive_mase
        return 0.0 if self.signed_error == 0 else self.signed_error


def rolling_origins(length: int, horizon: int, origins: int) -> list[int]:
    """Up to `origins` lengths of history, the last `horizon` before the end, evenly apart, no closer than need be.

    At most a horizon apart, and the first half of the series is kept for training where that is possible.
    """
    room = length - horizon - max(length // 2, _LEAST_TRAINING)
    stride = min(horizon, max(1, room // max(1, origins - 1)))
    ends = [length - horizon - stride * number for number in range(origins)]
    return sorted(origin for origin in ends if origin >= _LEAST_TRAINING)


def back_test(
    values: Floats,
    cadence: Cadence,
    horizon: int,
    origins: Sequence[int],
    *,
    model: str = ENSEMBLE,
    cache: PathCache | None = None,
) -> list[Trial]:
    """Forecast `horizon` points from each of `origins` with nothing known but what came before it.

    `values` has shape (n,), NaN where unknown; origins without any known value are left out.
    """
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return []
    # The cache counts from the first known value, as the history of every prefix does.
    values = values[known[0] :]
    cache = {} if cache is None else cache
    trials = []
    for shifted in origins:
        origin = shifted - int(known[0])
        if origin < 1:
            continue
        past, truth = values[:origin], values[origin : origin + horizon]
        forecast = forecast_series(past, cadence, horizon, cache=cache, model=model)
        naive = forecast_series(past, cadence, horizon, cache=cache, model=SEASONAL_NAIVE)
        trials.append(Trial(origin + int(known[0]), forecast, naive, truth, _unit(past, cadence)))
    return trials


def score_trials(trials: Sequence[Trial], horizon: int | None = None) -> Score | None:
    """The means of `trials` over their first `horizon` steps; those with fewer truths are left out."""
    parts = []
    for trial in trials:
        steps = len(trial.truth) if horizon is None else horizon
        if len(trial.truth) < steps or not np.isfinite(trial.truth[:steps]).any():
            continue
        parts.append(_score_trial(trial, steps))
    if not parts:
        return None
    return Score(*(float(value) for value in np.mean(parts, axis=0)))


def mean_score(scores: Sequence[Score]) -> Score:
    """Every series counts alike, since all but the shares are in units of its own."""
    names = ("mase", "crps", "naive_mase", "naive_crps", "coverage_80", "coverage_95", "signed_error")
    return Score(**{name: float(np.mean([getattr(score, name) for score in scores])) for name in names})


def _score_trial(trial: Trial, steps: int) -> tuple[float, ...]:
    known = np.isfinite(trial.truth[:steps])
    truth = trial.truth[:steps][known]
    forecast, naive = trial.forecast, trial.naive
    error = (forecast.expected[:steps][known] - truth) / trial.unit
    naive_error = (naive.expected[:steps][known] - truth) / trial.unit
    inside = [
        (truth >= lower[:steps][known]) & (truth <= upper[:steps][known])
        for lower, upper in ((forecast.lower_80, forecast.upper_80), (forecast.lower_95, forecast.upper_95))
    ]
    return (
        float(np.abs(error).mean()),
        _crps(forecast, truth, known, steps) / trial.unit,
        float(np.abs(naive_error).mean()),
        _crps(naive, truth, known, steps) / trial.unit,
        float(inside[0].mean()),
        float(inside[1].mean()),
        float(error.mean()),
    )


def _crps(forecast: Forecast, truth: Floats, known: Booleans, steps: int) -> float:
    """The continuous ranked probability score as twice the mean pinball loss of the five quantiles given."""
    quantiles = np.stack(
        [forecast.lower_95, forecast.lower_80, forecast.expected, forecast.upper_80, forecast.upper_95]
    )[:, :steps][:, known]
    below = truth - quantiles
    pinball = np.maximum(_LEVELS[:, None] * below, (_LEVELS[:, None] - 1.0) * below)
    return float(2.0 * (_SHARES[:, None] * pinball).sum(axis=0).mean())


def _unit(past: Floats, cadence: Cadence) -> float:
    """Seasonal naive's mean absolute error within `past`; where it never erred, the size of the values."""
    history = read_history(past, cadence).values
    season = cadence.naive_season(len(history))
    if len(history) > season:
        changes = np.abs(history[season:] - history[:-season])
        if changes.mean() > 0:
            return float(changes.mean())
    size = float(np.abs(history).mean()) if len(history) else 0.0
    return size or 1.0


def _ratio(value: float, baseline: float) -> float:
    if baseline > 0:
        return value / baseline
    return 1.0 if value == 0 else 1.0 + value
