"""Bounds from the errors that the same model really made at earlier origins."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls  # type: ignore[import-untyped]

from tracemart.forecast.types import Floats

# Tails are thinner in few errors than in the truth: what made the 95 % bounds honest on series set apart for it.
_TAIL_WIDENING = 1.08
_NORMAL_OVER_MEAN = {0.80: 1.606, 0.95: 2.456}


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
    design = np.c_[np.ones(int(seen.sum())), steps[seen]] * np.sqrt(counts[seen])[:, None]
    coefficients, _ = nnls(design, means**2 * np.sqrt(counts[seen]))
    overall = float((means * counts[seen]).sum() / counts.sum())
    line = coefficients[0] + coefficients[1] * steps
    spread = np.maximum(np.sqrt(line), max(0.25 * overall, floor, 1e-12))
    scaled = absolute / spread
    pooled = np.sort(scaled[np.isfinite(scaled)])
    mean = float(pooled.mean())
    halves = {}
    for share in (0.80, 0.95):
        empirical = float(np.quantile(pooled, min(1.0, share)))
        halves[share] = 0.5 * (empirical + _NORMAL_OVER_MEAN[share] * mean)
    half_80 = np.maximum(halves[0.80] * spread, floor)
    return Widths(half_80, np.maximum(_TAIL_WIDENING * halves[0.95] * spread, 1.3 * half_80))
