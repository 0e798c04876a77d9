"""The models that the ensemble combines, each a function of the past alone.

All but the naive ones forecast the series freed of its season, on the scale where errors are additive, by statsmodels.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.holtwinters import Holt, SimpleExpSmoothing

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.seasonality import clean, seasonal_component
from tracemart.forecast.types import Floats

SEASONAL_NAIVE = "seasonal_naive"


@dataclass(frozen=True)
class _Level:
    """A series without its season on the additive scale, and its simple exponential smoothing, fitted once for all."""

    values: Floats
    cadence: Cadence
    alpha: float
    smoothed: float


_Member = Callable[[_Level, int], Floats]


def seasonal_naive(values: Floats, horizon: int, season: int) -> Floats:
    """The last season again and again; a history shorter than a season repeats its last value."""
    if len(values) < season:
        return np.full(horizon, values[-1])
    return np.asarray(values[-season:][np.arange(horizon) % season], dtype=np.float64)


def _ets_damped(level: _Level, horizon: int) -> Floats:
    fit = Holt(level.values, damped_trend=True, initialization_method="heuristic").fit(use_brute=False)
    return np.asarray(fit.forecast(horizon), dtype=np.float64)


def _theta(level: _Level, horizon: int) -> Floats:
    """Simple exponential smoothing with half the slope of the regression line (Hyndman and Billah, 2003)."""
    size = len(level.values)
    slope = _slope(level.values)
    ahead = np.arange(horizon) + (1 - (1 - level.alpha) ** size) / level.alpha
    return np.asarray(level.smoothed + 0.5 * slope * ahead, dtype=np.float64)


def _autoregression(level: _Level, horizon: int) -> Floats:
    window = level.values[-8 * level.cadence.per_week :]
    lags = 2 if level.cadence.name == "daily" else 3
    fit = AutoReg(window, lags=lags, trend="c").fit()
    return np.asarray(fit.predict(len(window), len(window) + horizon - 1), dtype=np.float64)


def _linear_trend(level: _Level, horizon: int) -> Floats:
    """The regression line of the last eight weeks, bending slowly, from halfway between its end and the level."""
    window = level.values[-8 * level.cadence.per_week :]
    slope = _slope(window)
    end = 0.5 * (float(window.mean()) + slope * (len(window) - 1) / 2) + 0.5 * level.smoothed
    damping = 0.98 if level.cadence.name == "daily" else 0.998
    return np.asarray(end + slope * np.cumsum(damping ** np.arange(1, horizon + 1)), dtype=np.float64)


def _slope(values: Floats) -> float:
    """Of the regression line over 0, 1, 2, …"""
    time = np.arange(len(values)) - (len(values) - 1) / 2
    return float((time * values).sum() / (time * time).sum())


def _recent_level(level: _Level, horizon: int) -> Floats:
    return np.full(horizon, float(np.mean(level.values[-2 * level.cadence.level_window :])))


MEMBERS: dict[str, _Member] = {
    "ets_damped": _ets_damped,
    "theta": _theta,
    "autoregression": _autoregression,
    "linear_trend": _linear_trend,
    "seasonal_mean": _recent_level,
}


def member_paths(values: Floats, horizon: int, cadence: Cadence) -> dict[str, Floats]:
    """What each member expects of the `horizon` points after `values` (finite, on the additive scale)."""
    values = values[-cadence.training_window :]
    cleaned = clean(values, cadence)
    component = seasonal_component(cleaned, cadence, horizon)
    unseasoned = (cleaned - component[: len(values)])[-cadence.level_training :]
    ahead = component[len(values) :]
    low, high = _bounds(cleaned, cadence)
    paths: dict[str, Floats] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = _smooth(unseasoned, cadence)
        for name, member in MEMBERS.items():
            path = member(level, horizon) + ahead
            if np.isfinite(path).all():
                paths[name] = np.clip(path, low, high)
    paths[SEASONAL_NAIVE] = seasonal_naive(values, horizon, cadence.naive_season(len(values)))
    return paths


def _smooth(unseasoned: Floats, cadence: Cadence) -> _Level:
    fit = SimpleExpSmoothing(unseasoned, initialization_method="heuristic").fit(use_brute=False)
    alpha = min(max(float(fit.params["smoothing_level"]), 0.01), 1.0)
    return _Level(unseasoned, cadence, alpha, float(fit.forecast(1)[0]))


def _bounds(cleaned: Floats, cadence: Cadence) -> tuple[float, float]:
    """No member may leave the recent range by more than that range: trends bend, they do not explode."""
    recent = cleaned[-8 * cadence.per_week :]
    low, high = float(recent.min()), float(recent.max())
    room = max(high - low, 1e-9)
    return low - room, high + room
