"""What an extractor must end with that read a store to its end, with nothing lost and nothing twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from tracemart.standin.faults.run import FaultRun
from tracemart.standin.rows import Observation, Score, dollars
from tracemart.standin.store import ProjectStore

Key = tuple[str, str]


@dataclass
class Truth:
    """The rows of one project; observations by (trace id, id), scores by id.

    observations  the newest version of each that the server has now and answers in a form that can be stored
    superseded    older versions that the server still answers beside the newest
    scores        as they stand now
    vanished      rows that the server no longer has: an extractor that saw one before still counts its
                  newest version, flagged; one that did not has nothing. Scores alike
    bad, bad_scores  keys of rows that come in a form that nothing can store, until their fault is over
    """

    observations: dict[Key, Observation] = field(default_factory=dict)
    superseded: list[Observation] = field(default_factory=list)
    scores: dict[str, Score] = field(default_factory=dict)
    vanished: dict[Key, list[Observation]] = field(default_factory=dict)
    vanished_scores: dict[str, Score] = field(default_factory=dict)
    bad: set[Key] = field(default_factory=set)
    bad_scores: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        return len(self.observations)

    def tokens(self) -> dict[str, int]:
        """Units by usage type as sent, over the newest versions."""
        return tokens_of(self.observations.values())

    def cost(self) -> Decimal:
        """US dollars, exact, over the newest versions."""
        return cost_of_rows(self.observations.values())


def tokens_of(rows: Iterable[Observation]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        for usage_type, units in zip(row.usage_keys, row.usage_values, strict=True):
            sums[usage_type] += units
    return dict(sums)


def cost_of_rows(rows: Iterable[Observation]) -> Decimal:
    return dollars(sum(row.cost().get("total", 0) for row in rows))


def truth_of_project(project: ProjectStore, run: FaultRun | None = None) -> Truth:
    """The truth about `project` at this moment, `run` being the faults it is served with."""
    truth = Truth()
    for row in project.observations():
        key = (row.context.trace_id, row.id)
        if run is not None and run.oddities.is_bad(row, run.requests + 1):
            truth.bad.add(key)
            continue
        known = truth.observations.get(key)
        if known is None:
            truth.observations[key] = row
        else:
            # Rows come with the newest of one start last, as they are answered first.
            newer, older = (known, row) if known.created_ms > row.created_ms else (row, known)
            truth.observations[key] = newer
            truth.superseded.append(older)
    for score in project.scores():
        if run is not None and run.oddities.is_bad_score(score, run.requests + 1):
            truth.bad_scores.add(score.id)
        else:
            truth.scores[score.id] = score
    if run is not None:
        for row in run.lost.observations.get(project.id, []):
            truth.vanished.setdefault((row.context.trace_id, row.id), []).append(row)
        truth.vanished_scores = {score.id: score for score in run.lost.scores.get(project.id, [])}
    return truth
