"""The scale on which errors are additive: identity, square root or logarithm."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tracemart.forecast.types import Floats

Transform = Literal["log", "sqrt", "identity"]
_POWER: dict[Transform, float] = {"log": 0.0, "sqrt": 0.5, "identity": 1.0}


@dataclass(frozen=True)
class Scale:
    """A transform after division by `unit`, so that every series is of order one."""

    transform: Transform
    unit: float
    is_non_negative: bool

    def forward(self, values: Floats) -> Floats:
        scaled = values / self.unit
        if self.transform == "log":
            return np.log(np.maximum(scaled, 1e-9))
        if self.transform == "sqrt":
            return np.sqrt(np.maximum(scaled, 0.0))
        return scaled

    def backward(self, values: Floats) -> Floats:
        if self.transform == "log":
            scaled = np.exp(np.clip(values, -700.0, 200.0))
        elif self.transform == "sqrt":
            scaled = np.square(np.maximum(values, 0.0))
        else:
            scaled = values
        result = scaled * self.unit
        return np.maximum(result, 0.0) if self.is_non_negative else result


def choose_scale(values: Floats, season: int) -> Scale:
    """Choose the transform for finite `values` by Guerrero's rule (1993): the power that makes the spread of a season
    independent of its level. Zeros rule out the logarithm, negative values every transform.
    """
    magnitude = np.abs(values[values != 0])
    unit = float(np.median(magnitude)) if magnitude.size else 1.0
    is_non_negative = bool(values.min() >= 0)
    if not is_non_negative:
        return Scale("identity", unit, is_non_negative)
    candidates: list[Transform] = ["sqrt", "identity"]
    if values.min() > 0.02 * unit:
        candidates.insert(0, "log")
    blocks = len(values) // season
    if blocks < 3:
        return Scale(candidates[0], unit, is_non_negative)
    seasons = values[-blocks * season :].reshape(blocks, season) / unit
    level, spread = seasons.mean(axis=1), seasons.std(axis=1)
    usable = level > 0
    level, spread = level[usable], spread[usable]
    if len(level) < 3 or spread.mean() == 0:
        return Scale(candidates[0], unit, is_non_negative)
    variation: dict[Transform, float] = {}
    for transform in candidates:
        ratio = spread / level ** (1 - _POWER[transform])
        variation[transform] = float(ratio.std() / ratio.mean())
    best = min(candidates, key=lambda transform: variation[transform])
    # A near tie says that the level hardly moved; then the first candidate keeps forecasts positive.
    if variation[best] > 0.85 * variation[candidates[0]]:
        best = candidates[0]
    return Scale(best, unit, is_non_negative)
