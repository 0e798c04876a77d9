"""The models that the ensemble combines, each a function of the past alone.

All but the naive ones forecast the series freed of its season, on the scale where errors are additive, by statsmodels.
"""

import warnings
from collections.abc import Callable

import numpy as np
from statsmodels.tsa.ar_model import AutoReg
from statsmodels.tsa.holtwinters import Holt, SimpleExpSmoothing

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.seasonality import clean, seasonal_component
from tracemart.forecast.types import Floats

SEASONAL_NAIVE = "seasonal_naive"
_Member = Callable[[Floats, int, Cadence], Floats]


def seasonal_naive(values: Floats, horizon: int, season: int) -> Floats:
    """The last season again and again; a history shorter than a season repeats its last value."""
    if len(values) < season:
        return np.full(horizon, values[-1])
    return np.asarray(values[-season:][np.arange(horizon) % season], dtype=np.float64)


def _ets_damped(level: Floats, horizon: int, _: Cadence) -> Floats:
    fit = Holt(level, damped_trend=True, initialization_method="heuristic").fit(use_brute=False)
    return np.asarray(fit.forecast(horizon), dtype=np.float64)


def _theta(level: Floats, horizon: int, _: Cadence) -> Floats:
    """Simple exponential smoothing with half the slope of the regression line (Hyndman and Billah, 2003)."""
    fit = SimpleExpSmoothing(level, initialization_method="heuristic").fit(use_brute=False)
    alpha = max(float(fit.params["smoothing_level"]), 0.01)
    slope = float(np.polyfit(np.arange(len(level)), level, 1)[0])
    drift = 0.5 * slope * (np.arange(horizon) + (1 - (1 - alpha) ** len(level)) / alpha)
    return np.asarray(fit.forecast(horizon) + drift, dtype=np.float64)


def _autoregression(level: Floats, horizon: int, cadence: Cadence) -> Floats:
    window = level[-8 * cadence.per_week :]
    lags = 2 if cadence.name == "daily" else 3
    fit = AutoReg(window, lags=lags, trend="c").fit()
    return np.asarray(fit.predict(len(window), len(window) + horizon - 1), dtype=np.float64)


def _linear_trend(level: Floats, horizon: int, cadence: Cadence) -> Floats:
    """The regression line of the last eight weeks, from halfway between its end and the smoothed level, bending slowly."""
    window = level[-8 * cadence.per_week :]
    slope, start = np.polyfit(np.arange(len(window)), window, 1)
    fit = SimpleExpSmoothing(level, initialization_method="heuristic").fit(use_brute=False)
    end = 0.5 * (start + slope * (len(window) - 1)) + 0.5 * float(fit.forecast(1)[0])
    damping = 0.98 if cadence.name == "daily" else 0.998
    return np.asarray(end + slope * np.cumsum(damping ** np.arange(1, horizon + 1)), dtype=np.float64)


def _recent_level(level: Floats, horizon: int, cadence: Cadence) -> Floats:
    return np.full(horizon, float(np.mean(level[-2 * cadence.level_window :])))


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
    level = cleaned - component[: len(values)]
    ahead = component[len(values) :]
    low, high = _bounds(cleaned, cadence)
    paths: dict[str, Floats] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, member in MEMBERS.items():
            path = member(level, horizon, cadence) + ahead
            if np.isfinite(path).all():
                paths[name] = np.clip(path, low, high)
    paths[SEASONAL_NAIVE] = seasonal_naive(values, horizon, cadence.naive_season(len(values)))
    return paths


def _bounds(cleaned: Floats, cadence: Cadence) -> tuple[float, float]:
    """No member may leave the recent range by more than that range: trends bend, they do not explode."""
    recent = cleaned[-8 * cadence.per_week :]
    low, high = float(recent.min()), float(recent.max())
    room = max(high - low, 1e-9)
    return low - room, high + room
