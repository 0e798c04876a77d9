"""A scale on which one-step errors are equally wide at every level: relative for large values, Poisson for small."""

from dataclasses import dataclass

import numpy as np

from tracemart.forecast.types import Floats

# Where the relative spread of a busy series (15 %) equals the Poisson spread of a count.
_COUNT_CROSSOVER = 44.0


@dataclass(frozen=True)
class Stabiliser:
    """2 asinh(sqrt(value / crossover)): a logarithm far above `crossover`, a square root far below it.

    A difference of it is a ratio for large values. `crossover` None leaves values as they are (some are negative), then
    `order` is their order of magnitude; else it is 1.
    """

    crossover: float | None
    is_count: bool
    order: float

    def forward(self, values: Floats) -> Floats:
        if self.crossover is None:
            return values
        return np.asarray(2.0 * np.arcsinh(np.sqrt(np.maximum(values, 0.0) / self.crossover)))

    def backward(self, values: Floats) -> Floats:
        if self.crossover is None:
            return values
        return np.asarray(self.crossover * np.sinh(np.clip(values, 0.0, 600.0) / 2.0) ** 2)

    def least_spread(self, centre: float) -> float:
        """The spread that a count cannot be below, by the Poisson distribution; 0 for what is no count."""
        if not self.is_count or self.crossover is None:
            return 0.0
        return float(1.0 / np.sqrt(self.backward(np.array([centre]))[0] + self.crossover))


def choose_stabiliser(cleaned: Floats, seen: Floats) -> Stabiliser:
    """Choose by the past: `cleaned` is finite, `seen` the same as observed (NaN where unknown)."""
    known = seen[np.isfinite(seen)]
    if (known < 0).any() or (cleaned < 0).any():
        middle = float(np.median(cleaned))
        order = float(np.median(np.abs(cleaned - middle))) * 4.0
        return Stabiliser(None, False, max(order, 1e-3 * abs(middle), 1e-9))
    positive = known[known > 0]
    level = float(np.median(positive)) if positive.size else 1.0
    if (known == np.floor(known)).all():
        return Stabiliser(max(_COUNT_CROSSOVER, 0.02 * level), True, 1.0)
    return Stabiliser(max(0.1 * level, 1e-12), False, 1.0)
