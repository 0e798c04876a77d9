"""Seasonal indices that are no larger than the data proves, and a history freed of outliers."""

import numpy as np

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.types import Booleans, Floats

_OUTLIER_SPREADS = 4.5
_LONGEST_OUTLIER = 3


def _moving_average(values: Floats, season: int) -> Floats:
    """The centred average over a season, held level at both ends; as long as `values`."""
    if len(values) < season:
        return np.full(len(values), values.mean())
    weights = np.full(season, 1.0) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    if len(values) < len(weights):
        return np.full(len(values), values.mean())
    middle: Floats = np.convolve(values, weights / weights.sum(), mode="valid")
    before = (len(values) - len(middle)) // 2
    after = len(values) - len(middle) - before
    return np.pad(middle, (before, after), constant_values=np.nan)


def _season_of(values: Floats, season: int) -> Floats:
    """Index per position in the season (position 0 is that of values[0]), shrunk by the F ratio towards nothing.

    Younger seasons weigh more (half as much after eight). The shrinkage is James and Stein's: the share of the variance
    between positions that noise within them does not explain.
    """
    detrended = values - _moving_average(values, season)
    known = np.isfinite(detrended)
    position = np.arange(len(values)) % season
    age = (len(values) - 1 - np.arange(len(values))) // season
    weight = np.where(known, 0.5 ** (age / 8.0), 0.0)
    filled = np.where(known, detrended, 0.0)
    total = np.bincount(position, weight, minlength=season)
    if (total == 0).any():
        return np.zeros(season)
    index = np.bincount(position, weight * filled, minlength=season) / total
    index -= index.mean()
    residual = np.where(known, filled - index[position], 0.0)
    freedom = known.sum() - season
    if freedom < season // 2:
        return np.zeros(season)
    within = float((weight * residual**2).sum() / weight.sum()) * known.sum() / freedom
    copies = total.sum() ** 2 / np.bincount(position, weight**2, minlength=season).sum() / season
    between = float((index**2).sum() / (season - 1))
    if between <= 0:
        return np.zeros(season)
    return np.asarray(index * max(0.0, 1.0 - within / copies / between))


def seasonal_component(values: Floats, cadence: Cadence, horizon: int) -> Floats:
    """The seasonal part of `values` and of the `horizon` points after them, on the scale of `values`.

    A longer season is taken from what shorter ones leave. Shape (len(values) + horizon,).
    """
    window = values[-cadence.seasonal_window :]
    offset = len(values) - len(window)
    time = np.arange(len(values) + horizon)
    component = np.zeros(len(time))
    for season in cadence.seasons:
        if len(window) < 2 * season + season // 2:
            continue
        index = _season_of(window - component[offset : len(values)], season)
        component += index[(time - offset) % season]
    return component


def clean(values: Floats, cadence: Cadence) -> Floats:
    """Replace short outliers by what season and neighbours let expect; a shift of level stays as it is.

    Two passes, since an outlier also bends the seasonal indices it is judged by.
    """
    cleaned = values
    for _ in range(2):
        component = seasonal_component(cleaned, cadence, 0)
        width = cadence.seasons[0] | 1
        smooth = _rolling_median(values - component, width)
        residual = values - component - smooth
        spread = 1.4826 * float(np.median(np.abs(residual - np.median(residual))))
        spread = max(spread, 0.02 * float(np.std(values)), 1e-9)
        outlying = np.abs(residual) > _OUTLIER_SPREADS * spread
        keep = _long_runs(outlying, _LONGEST_OUTLIER * (1 if cadence.name == "daily" else 4))
        cleaned = np.where(outlying & ~keep, smooth + component, values)
    return cleaned


def _rolling_median(values: Floats, width: int) -> Floats:
    half = width // 2
    padded = np.r_[np.full(half, np.nan), values, np.full(half, np.nan)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)
    return np.asarray(np.nanmedian(windows, axis=1), dtype=np.float64)


def _long_runs(flags: Booleans, longest: int) -> Booleans:
    """Mark the flags that stand in a run of more than `longest`."""
    keep = np.zeros(len(flags), dtype=np.bool_)
    start = 0
    for end in range(1, len(flags) + 1):
        if end == len(flags) or flags[end] != flags[start]:
            if flags[start] and end - start > longest:
                keep[start:end] = True
            start = end
    return keep
