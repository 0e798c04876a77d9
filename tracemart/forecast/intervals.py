"""Bounds from the errors that the same model really made at earlier origins."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls  # type: ignore[import-untyped]

from tracemart.forecast.types import Floats

# Few errors understate what can happen, in the tails most: chosen so that bounds were honest on a mix of synthetic,
# M4 hourly and NAB series.
_WIDENING = {0.80: 1.03, 0.95: 1.12}
_NORMAL_OVER_MEAN = {0.80: 1.606, 0.95: 2.456}
# Past anomalies are no measure of what is usual.
_MOST_OVER_MEDIAN = 3.0


@dataclass(frozen=True)
class Widths:
    """Half widths per horizon step on the additive scale; shape (horizon,) each."""

    half_80: Floats
    half_95: Floats


def widths(errors: Floats, floor: float) -> Widths:
    """Half widths of the 80 % and 95 % bounds from `errors` (origins × horizon, NaN where the truth is not known yet).

    The error's variance grows along a straight line with the horizon (none for white noise, all of it for a random
    walk), fitted to all steps. Quantiles of the errors so scaled are split conformal ones, halfway to a normal's.
    """
    absolute = np.abs(errors)
    counts = np.isfinite(absolute).sum(axis=0).astype(np.float64)
    steps = np.arange(errors.shape[1], dtype=np.float64)
    seen = counts > 0
    means = np.nansum(absolute[:, seen], axis=0) / counts[seen]
    overall = float((means * counts[seen]).sum() / counts.sum())
    line = _line(means**2, counts[seen], steps[seen], steps)
    spread = np.maximum(np.sqrt(line), max(0.25 * overall, floor, 1e-12))
    scaled = absolute / spread
    pooled = np.sort(scaled[np.isfinite(scaled)])
    mean = float(np.minimum(pooled, _MOST_OVER_MEDIAN * np.median(pooled)).mean())
    halves = {}
    for share in (0.80, 0.95):
        empirical = float(np.quantile(pooled, share))
        halves[share] = 0.5 * (empirical + _NORMAL_OVER_MEAN[share] * mean) * _WIDENING[share]
    half_80 = np.maximum(halves[0.80] * spread, floor)
    return Widths(half_80, np.maximum(halves[0.95] * spread, 1.3 * half_80))


def _line(squares: Floats, counts: Floats, seen: Floats, steps: Floats) -> Floats:
    """The line, nowhere negative, nearest to `squares` in proportion: a large one is known no better than a small."""
    design = np.c_[np.ones(len(seen)), seen]
    expected = np.full(len(seen), max(float(squares.mean()), 1e-24))
    coefficients = np.zeros(2)
    for _ in range(4):
        weight = np.sqrt(counts) / expected
        coefficients, _rest = nnls(design * weight[:, None], squares * weight)
        expected = np.maximum(design @ coefficients, 1e-3 * float(squares.mean()) + 1e-24)
    return np.asarray(coefficients[0] + coefficients[1] * steps)
