"""Anomalies counted by event: consecutive steps are one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracemart.forecast.anomalies import Anomalies
from tracemart.forecast.series_file import FileSeries
from tracemart.forecast.types import Booleans


@dataclass(frozen=True)
class EventScore:
    """Counts of steps and events; those of truth are None where the file does not tell it."""

    points: int
    scored: int
    flagged: int
    events: int
    true_events: int | None
    found: int | None
    false_alarms: int | None
    series_weeks: float

    @classmethod
    def total(cls, scores: "Sequence[EventScore]") -> "EventScore":
        told = [score for score in scores if score.true_events is not None]
        return cls(
            points=sum(score.points for score in scores),
            scored=sum(score.scored for score in scores),
            flagged=sum(score.flagged for score in scores),
            events=sum(score.events for score in scores),
            true_events=sum(score.true_events or 0 for score in told) if told else None,
            found=sum(score.found or 0 for score in told) if told else None,
            false_alarms=sum(score.false_alarms or 0 for score in told) if told else None,
            series_weeks=sum(score.series_weeks for score in scores),
        )

    def figures(self) -> dict[str, Any]:
        figures: dict[str, Any] = {
            "points": self.points,
            "scored": self.scored,
            "flagged": self.flagged,
            "events": self.events,
        }
        if self.true_events is None or self.found is None or self.false_alarms is None:
            return figures
        precision = 1.0 - self.false_alarms / self.events if self.events else 1.0
        recall = self.found / self.true_events if self.true_events else 1.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return figures | {
            "true_events": self.true_events,
            "found": self.found,
            "false_alarms": self.false_alarms,
            "precision": round(precision, 6),
            "recall": round(recall, 6),
            "f1": round(f1, 6),
            "false_alarms_per_series_week": round(self.false_alarms / self.series_weeks, 6),
        }


def score_events(series: FileSeries, anomalies: Anomalies) -> EventScore:
    """Compare what was flagged with the truth that the file tells, if it does."""
    flagged = event_spans(anomalies.is_anomaly)
    true_events = found = false_alarms = None
    if series.labels is not None:
        truth = event_spans(series.labels)
        true_events = len(truth)
        found = sum(bool(anomalies.is_anomaly[start:end].any()) for start, end in truth)
        false_alarms = sum(not series.labels[start:end].any() for start, end in flagged)
    return EventScore(
        points=len(series.rows),
        scored=int(np.isfinite(anomalies.score).sum()),
        flagged=int(anomalies.is_anomaly.sum()),
        events=len(flagged),
        true_events=true_events,
        found=found,
        false_alarms=false_alarms,
        series_weeks=len(series.values) / series.cadence.per_week,
    )


def event_spans(flags: Booleans) -> list[tuple[int, int]]:
    """[start, end) of each run of flagged steps."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
