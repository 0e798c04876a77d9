"""What models may learn from: a finite history, or the reason why it is none."""

from dataclasses import dataclass

import numpy as np

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.types import Floats

_HUGE = 1e15
_LARGEST_KEPT = 1e100
_MOST_MISSING = 0.4
_MOST_ZEROS = 0.8


@dataclass(frozen=True)
class History:
    """`values` are finite; `oddity` says in words why no model should be trained on them, None if one may."""

    values: Floats
    oddity: str | None


def read_history(values: Floats, cadence: Cadence) -> History:
    """Fill what is unknown by the value a season earlier (never a later one) and judge whether the rest can teach."""
    usable = np.where(np.isfinite(values) & (np.abs(values) <= _LARGEST_KEPT), values, np.nan)
    known = np.flatnonzero(np.isfinite(usable))
    if not known.size:
        return History(np.empty(0), "no known value")
    usable = usable[known[0] :]
    missing = float(np.isnan(usable).mean())
    filled = fill_gaps(usable, cadence.seasons[0])
    return History(filled, _oddity(filled, missing, cadence))


def fill_gaps(values: Floats, season: int) -> Floats:
    """Each NaN becomes the value a season earlier, else the last known one; values[0] must be known."""
    if np.isfinite(values).all():
        return values.astype(np.float64)
    filled = values.astype(np.float64)
    for place in np.flatnonzero(np.isnan(filled)):
        filled[place] = filled[place - season] if place >= season else filled[place - 1]
    return filled


def _oddity(values: Floats, missing: float, cadence: Cadence) -> str | None:  # noqa: PLR0911
    recent = values[-8 * cadence.per_week :]
    last = values[-2 * cadence.seasons[0] :]
    if len(values) < cadence.min_forecast_history:
        return f"{len(values)} known points, fewer than {cadence.min_forecast_history}"
    if missing > _MOST_MISSING:
        return f"{missing:.0%} of the points are missing"
    if np.abs(values).max() > _HUGE:
        return "values beyond 1e15"
    if np.ptp(recent) == 0:
        return "constant" if recent[0] != 0 else "nothing but zeros"
    if (recent == 0).mean() > _MOST_ZEROS:
        return f"{(recent == 0).mean():.0%} of the recent points are zero"
    if np.ptp(last) == 0:
        return "constant of late" if last[0] != 0 else "nothing of late"
    if np.ptp(recent) < 1e-9 * np.abs(recent).max():
        return "all but constant"
    return None
