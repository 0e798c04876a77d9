"""Anomalies: every point judged by what its past alone let expect."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.signal import lfilter  # type: ignore[import-untyped]

from tracemart.forecast.cadence import Cadence
from tracemart.forecast.seasonality import seasonal_component
from tracemart.forecast.stabilised import Stabiliser, choose_stabiliser
from tracemart.forecast.types import Booleans, Floats

Severity = Literal["low", "medium", "high", "critical"]

# Raise it when the same input gives other anomalies.
METHOD_VERSION = 1
THRESHOLD = 3.5
_SEVERITIES: tuple[tuple[float, Severity], ...] = ((14.0, "critical"), (9.0, "high"), (6.0, "medium"), (0.0, "low"))
_SMOOTHING = (0.1, 0.25, 0.5, 0.9)
_WINSOR = 2.5
_LEAST_SPREAD = 0.03


@dataclass(frozen=True)
class Anomalies:
    """One entry per point of the series, shape (n,) each.

    `expected`, bounds and `score` are NaN where the past is too short. `score` is how many of its usual one-step errors
    a point lies off; `severity` is None where `is_anomaly` is false.
    """

    expected: Floats
    lower_95: Floats
    upper_95: Floats
    score: Floats
    is_anomaly: Booleans
    severity: list[Severity | None]


def detect_anomalies(values: Floats, cadence: Cadence) -> Anomalies:
    """Judge each of `values` (shape (n,), NaN for unknown ones) by those before it.

    What is flagged is replaced by what was expected, so that it does not bend later expectations. Errors of one sign
    that last `cadence.shift_accepted_after` points are a new level, which is expected from then on.
    """
    return _Detector(values, cadence).run()


class _Detector:
    def __init__(self, values: Floats, cadence: Cadence) -> None:
        self.values = np.where(np.abs(values) <= 1e100, values, np.nan)
        self.cadence = cadence
        size = len(values)
        self.expected = np.full(size, np.nan)
        self.lower = np.full(size, np.nan)
        self.upper = np.full(size, np.nan)
        self.score = np.full(size, np.nan)
        self.flags = np.zeros(size, dtype=np.bool_)
        # In the unit of the series; what later expectations are made of.
        self.cleaned = np.full(size, np.nan)
        self.run_sign = 0.0
        self.run_length = 0
        self.former_level: tuple[int, float] | None = None

    def run(self) -> Anomalies:
        known = np.flatnonzero(np.isfinite(self.values))
        first = int(known[0]) if known.size else len(self.values)
        for now in range(first, len(self.values)):
            if now - first < self.cadence.min_anomaly_history:
                self._learn(now, first)
            else:
                self._judge(now, first)
        severity = [_severity(score) if flag else None for score, flag in zip(self.score, self.flags, strict=True)]
        return Anomalies(self.expected, self.lower, self.upper, self.score, self.flags, severity)

    def _learn(self, now: int, first: int) -> None:
        value = self.values[now]
        if np.isnan(value):
            season = self.cadence.seasons[0]
            value = self.cleaned[now - season] if now - season >= first else self.cleaned[now - 1]
        self.cleaned[now] = value

    def _judge(self, now: int, first: int) -> None:
        start = max(first, now - self.cadence.seasonal_window)
        past = self.cleaned[start:now]
        stabiliser = choose_stabiliser(past, self.values[start:now])
        past = stabiliser.forward(past)
        centre, in_sample = _one_step(past, self.cadence)
        spread = self._spread(start, now, stabiliser, in_sample, centre)
        value = self.values[now]
        observed = float(stabiliser.forward(np.array([value]))[0])
        error = observed - centre
        if abs(error) > THRESHOLD * spread and self._has_returned(now, error, spread):
            past_shift = self.former_level[1] if self.former_level else 0.0
            self._move_past(first, now, -past_shift, stabiliser)
            centre -= past_shift
            error += past_shift
            self.former_level = None
        is_anomaly = bool(abs(error) > THRESHOLD * spread)
        bounds = stabiliser.backward(np.array([centre, centre - 1.96 * spread, centre + 1.96 * spread]))
        self.expected[now] = bounds[0]
        self.lower[now] = min(bounds[1], bounds[0])
        self.upper[now] = max(bounds[2], bounds[0])
        if np.isnan(value):
            self.cleaned[now] = self.expected[now]
            return
        self.score[now] = min(abs(error) / spread, 1e6)
        self.flags[now] = is_anomaly
        kept = centre if is_anomaly else centre + float(np.clip(error, -_WINSOR * spread, _WINSOR * spread))
        self.cleaned[now] = stabiliser.backward(np.array([kept]))[0]
        self._follow_run(now, first, error if is_anomaly else 0.0, stabiliser)

    def _spread(self, start: int, now: int, stabiliser: Stabiliser, in_sample: Floats, centre: float) -> float:
        """How far one-step expectations usually lie off: two robust measures of which the larger counts."""
        since = max(start, now - 8 * self.cadence.per_week)
        errors = stabiliser.forward(self.values[since:now]) - stabiliser.forward(self.expected[since:now])
        errors = errors[np.isfinite(errors)]
        enough = 2 * self.cadence.seasons[0]
        if len(errors) < enough:
            errors = np.r_[errors, 1.2 * in_sample[-enough:]]
        absolute = np.abs(errors)
        usual = max(1.4826 * float(np.median(absolute)), float(np.quantile(absolute, 0.9)) / 1.645)
        return max(usual, stabiliser.least_spread(centre), _LEAST_SPREAD * stabiliser.order)

    def _has_returned(self, now: int, error: float, spread: float) -> bool:
        if self.former_level is None:
            return False
        since, shift = self.former_level
        return now - since <= 3 * self.cadence.shift_accepted_after and abs(error + shift) < _WINSOR * spread

    def _follow_run(self, now: int, first: int, error: float, stabiliser: Stabiliser) -> None:
        sign = float(np.sign(error))
        self.run_length = self.run_length + 1 if sign != 0 and sign == self.run_sign else int(sign != 0)
        self.run_sign = sign
        if self.run_length < self.cadence.shift_accepted_after:
            return
        run = slice(now - self.run_length + 1, now + 1)
        observed = stabiliser.forward(self.values[run])
        shift = float(np.median(observed - stabiliser.forward(self.expected[run])))
        self._move_past(first, run.start, shift, stabiliser)
        self.cleaned[run] = self.values[run]
        self.former_level = (now, shift)
        self.run_length, self.run_sign = 0, 0.0

    def _move_past(self, first: int, end: int, shift: float, stabiliser: Stabiliser) -> None:
        """Lift the past to the new level: its seasons still teach, its level no longer does."""
        moved = stabiliser.forward(self.cleaned[first:end]) + shift
        self.cleaned[first:end] = stabiliser.backward(moved)


def _one_step(past: Floats, cadence: Cadence) -> tuple[float, Floats]:
    """The next value, and the errors of the past ones: season plus the smoothing that would have erred least."""
    component = seasonal_component(past, cadence, 1)
    level = past - component[:-1]
    origin = float(np.mean(level[: cadence.level_window]))
    best: tuple[float, float, Floats] | None = None
    for alpha in _SMOOTHING:
        smooth = lfilter([alpha], [1.0, alpha - 1.0], level - origin) + origin
        errors = level - np.r_[origin, smooth[:-1]]
        loss = float(np.abs(errors[-4 * cadence.per_week :]).mean())
        if best is None or loss < best[0]:
            best = (loss, float(smooth[-1]), errors)
    assert best is not None
    return best[1] + float(component[-1]), best[2]


def _severity(score: float) -> Severity:
    return next(name for least, name in _SEVERITIES if score >= least)
