"""A forecast of one series with bounds: statsmodels' models together, weighted by their errors at earlier origins."""

from dataclasses import dataclass, field

import numpy as np

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.history import History, read_history
from tracemart.forecast.intervals import Widths, widths
from tracemart.forecast.members import SEASONAL_NAIVE, member_paths, seasonal_naive
from tracemart.forecast.scale import Scale, choose_scale
from tracemart.forecast.types import Floats

ENSEMBLE = "ensemble"
# Part of the hash that decides whether a series is trained again: raise it when the same input gives other forecasts.
METHOD_VERSION = 1

Paths = dict[str, Floats]
PathCache = dict[int, Paths]


@dataclass(frozen=True)
class Forecast:
    """`horizon` values after the last one of a series, in its unit.

    All arrays have shape (horizon,) and obey lower_95 <= lower_80 <= expected <= upper_80 <= upper_95; they are finite,
    and not negative where the history is not. `parameters` is JSON: the transform and each member's weight.
    """

    expected: Floats
    lower_80: Floats
    upper_80: Floats
    lower_95: Floats
    upper_95: Floats
    model: str
    parameters: dict[str, object] = field(default_factory=dict)
    is_fallback: bool = False
    fallback_reason: str | None = None


def forecast_series(
    values: Floats, cadence: Cadence, horizon: int, *, cache: PathCache | None = None, model: str = ENSEMBLE
) -> Forecast:
    """Forecast `horizon` points after `values` (shape (n,), NaN for unknown ones).

    A series too short or too odd gets seasonal naive and says why. `cache` keeps the members' paths by length of the
    history; pass the same one for prefixes of the same series and the same horizon only. `model` may name one member
    instead of the ensemble.
    """
    history = read_history(values, cadence)
    if history.oddity is not None:
        return _fallback(history, cadence, horizon)
    known = history.values
    cache = {} if cache is None else cache
    scale = choose_scale(known[-cadence.seasonal_window :], cadence.seasons[0])
    target = scale.forward(known)
    origins = calibration_origins(len(known), cadence)
    past = [(origin, _paths(known, origin, horizon, cadence, cache)) for origin in origins]
    paths = _paths(known, len(known), horizon, cadence, cache)
    errors = {name: _errors(past, name, target, scale, horizon) for name in paths}
    weights = _weights(errors) if model == ENSEMBLE else {model: 1.0}
    centre = np.sum([weight * scale.forward(paths[name]) for name, weight in weights.items()], axis=0)
    residuals = np.sum([weight * errors[name] for name, weight in weights.items()], axis=0)
    parameters: dict[str, object] = {
        "transform": scale.transform,
        "weights": {name: round(weight, 4) for name, weight in weights.items()},
        "origins": len(origins),
    }
    bounds = _bounds(centre, widths(residuals, _floor(target)), scale, target[-8 * cadence.per_week :])
    return _forecast(bounds, model, parameters)


def calibration_origins(length: int, cadence: Cadence) -> list[int]:
    """Lengths of the history at which members are tried: multiples of a fixed step, so that prefixes share them."""
    step = cadence.calibration_step
    first = max(2 * cadence.seasons[0] + 2, length // 3)
    origins = [origin for origin in range(step, length, step) if origin >= first]
    return origins[-cadence.calibration_origins :]


def _paths(known: Floats, origin: int, horizon: int, cadence: Cadence, cache: PathCache) -> Paths:
    """The members' paths, in the unit of the series, that were to be had at `origin`."""
    if origin not in cache:
        past = known[:origin]
        scale = choose_scale(past[-cadence.seasonal_window :], cadence.seasons[0])
        raw = member_paths(scale.forward(past), horizon, cadence)
        cache[origin] = {name: scale.backward(path) for name, path in raw.items()}
        cache[origin][SEASONAL_NAIVE] = seasonal_naive(past, horizon, cadence.naive_season(origin))
    return cache[origin]


def _errors(past: list[tuple[int, Paths]], name: str, target: Floats, scale: Scale, horizon: int) -> Floats:
    """Errors on the additive scale, origins x horizon, NaN where the truth is not known yet."""
    errors = np.full((len(past), horizon), np.nan)
    for row, (origin, paths) in enumerate(past):
        truth = target[origin : origin + horizon]
        path = paths.get(name, paths[SEASONAL_NAIVE])
        errors[row, : len(truth)] = scale.forward(path[: len(truth)]) - truth
    return errors


def _weights(errors: dict[str, Floats]) -> dict[str, float]:
    """Weights inverse to the cubed mean error, younger origins counting more; who errs half as much again is out."""
    losses = {}
    for name, error in errors.items():
        age = np.arange(error.shape[0])[::-1]
        weight = np.where(np.isfinite(error), (0.5 ** (age / 8.0))[:, None], 0.0)
        losses[name] = float((weight * np.abs(np.nan_to_num(error))).sum() / weight.sum()) + 1e-12
    best = min(losses.values())
    raw = {name: (best / loss) ** 3 for name, loss in losses.items() if loss <= 1.5 * best}
    total = sum(raw.values())
    return {name: weight / total for name, weight in raw.items()}


def _floor(target: Floats) -> float:
    """The least half width: a thousandth of what the series ever moved."""
    return 1e-3 * float(np.ptp(target)) + 1e-9


def _bounds(centre: Floats, half: Widths, scale: Scale, recent: Floats) -> Floats:
    """lower_95, lower_80, expected, upper_80, upper_95 in the unit of the series; shape (5, horizon).

    None lies further from the `recent` range than three times that range.
    """
    room = 3.0 * max(float(np.ptp(recent)), 1e-9)
    steps = np.stack([-half.half_95, -half.half_80, np.zeros(len(centre)), half.half_80, half.half_95])
    return scale.backward(np.clip(centre + steps, float(recent.min()) - room, float(recent.max()) + room))


def _forecast(
    bounds: Floats, model: str, parameters: dict[str, object], fallback_reason: str | None = None
) -> Forecast:
    lower_95, lower_80, expected, upper_80, upper_95 = bounds
    return Forecast(
        expected=expected,
        lower_80=lower_80,
        upper_80=upper_80,
        lower_95=lower_95,
        upper_95=upper_95,
        model=model,
        parameters=parameters,
        is_fallback=fallback_reason is not None,
        fallback_reason=fallback_reason,
    )


def _fallback(history: History, cadence: Cadence, horizon: int) -> Forecast:
    """Seasonal naive; its bounds come from what a season later really brought, or from the values' own spread."""
    values = history.values
    if not len(values):
        return _forecast(np.zeros((5, horizon)), SEASONAL_NAIVE, {}, history.oddity)
    season = cadence.naive_season(len(values))
    expected = seasonal_naive(values, horizon, season)
    if len(values) > season:
        changes = np.abs(values[season:] - values[:-season])
    else:
        changes = np.abs(values - np.median(values)) * np.sqrt(2.0)
    level = float(np.median(np.abs(values)))
    # Few values show little of what can happen: at least a twentieth of the level either way.
    half_80 = max(float(np.quantile(changes, 0.85)), 0.05 * level)
    half_95 = max(float(np.quantile(changes, 0.98)), 0.1 * level, half_80)
    growth = np.sqrt(1.0 + np.arange(horizon) // season)
    bounds = expected + np.array([-half_95, -half_80, 0.0, half_80, half_95])[:, None] * growth
    if (values >= 0).all():
        bounds = np.maximum(bounds, 0.0)
    return _forecast(bounds, SEASONAL_NAIVE, {"season": season}, history.oddity)
