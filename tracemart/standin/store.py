"""What the stand-in holds in memory: per project its observations, scores, prompts and models.

Observations keep every version that arrived; `merge_versions` does what a real server's background merge
does later. Both row lists stand sorted the way the API pages through them, so a page is a bisection.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields

import orjson
import xxhash

from tracemart.standin.evaluation import Dataset, ExperimentItem, ScoreConfig
from tracemart.standin.prices import PriceBook
from tracemart.standin.render import ObservationFields, observation_rows
from tracemart.standin.rendered import RenderedBlocks
from tracemart.standin.rows import Observation, PromptVersion, Score
from tracemart.standin.v3.tables import LegacyTables

_WINDOW_ROWS = 1000


@dataclass(frozen=True)
class ObservationPosition:
    """Where a page ended: the last row's start, trace and id."""

    start_ms: int
    trace_id: str
    id: str


def _rank(trace_id: str, observation_id: str) -> tuple[int, str]:
    return xxhash.xxh32_intdigest(trace_id.encode()), observation_id


@dataclass
class ProjectStore:
    """One Langfuse project."""

    id: str
    name: str
    prices: PriceBook = field(default_factory=PriceBook)
    prompts: list[PromptVersion] = field(default_factory=list)
    score_configs: list[ScoreConfig] = field(default_factory=list)
    datasets: list[Dataset] = field(default_factory=list)
    experiment_items: list[ExperimentItem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._observations: list[Observation] = []
        self._starts: list[int] = []
        self._scores: list[Score] = []
        self._score_keys: list[tuple[int, str]] = []
        self._score_by_id: dict[str, Score] = {}
        self._observations_sorted = self._scores_sorted = True
        self.rendered: RenderedBlocks | None = None
        self.legacy = LegacyTables()
        self.revision = 0

    def add_observations(self, rows: Iterable[Observation]) -> None:
        self._observations.extend(rows)
        self.touch()

    def replace_observations(self, rows: Iterable[Observation]) -> None:
        self._observations = list(rows)
        self.touch()

    def touch(self) -> None:
        """Say that observations came, went, or were changed in place."""
        self._observations_sorted = False
        self.revision += 1

    def observations(self) -> list[Observation]:
        """All versions, oldest start first; within a start as the API pages, reversed, the newest version last."""
        if not self._observations_sorted:
            rows = self._observations
            rows.sort(key=lambda row: row.start_ms)
            starts = [row.start_ms for row in rows]
            for first, last in _ties(starts):
                rows[first:last] = sorted(
                    rows[first:last], key=lambda row: (_rank(row.context.trace_id, row.id), row.created_ms)
                )
            self._starts = starts
            self._observations_sorted = True
        return self._observations

    def bounds(
        self, from_ms: int | None, before_ms: int | None, after: ObservationPosition | None = None
    ) -> tuple[int, int]:
        """Places `[low, high)` of rows with `from_ms <= start < before_ms`, those that follow `after` if given.

        The API answers the row at `high - 1` first.
        """
        rows, starts = self.observations(), self._starts
        low = 0 if from_ms is None else bisect_left(starts, from_ms)
        high = len(rows) if before_ms is None else bisect_left(starts, before_ms)
        if after is not None:
            first = bisect_left(starts, after.start_ms)
            end = bisect_right(starts, after.start_ms)
            rank = _rank(after.trace_id, after.id)
            while end > first and _rank(rows[end - 1].context.trace_id, rows[end - 1].id) >= rank:
                end -= 1
            high = min(high, end)
        return low, max(low, high)

    def observations_at(self, first: int, last: int) -> list[Observation]:
        """Rows at the places `[first, last)`, the last one first."""
        return self.observations()[first:last][::-1]

    def count_observations(self) -> int:
        """How many observations there are, all versions."""
        return len(self.observations())

    def page_json(self, first: int, last: int, fields: ObservationFields) -> bytes:
        """Rows at the places `[first, last)` as JSON, the last one first, joined by commas."""
        if self.rendered is None:
            return b",".join(self._render(self.observations_at(first, last), fields))
        every = self.observations()
        return self.rendered.page(
            first, last, fields, self.revision, lambda low, high: self._render(every[low:high], fields)
        )

    def _render(self, rows: list[Observation], fields: ObservationFields) -> list[bytes]:
        return [orjson.dumps(item) for item in observation_rows(rows, self.id, self.prices, fields)]

    def window(
        self, from_ms: int | None, before_ms: int | None, after: ObservationPosition | None = None
    ) -> Iterator[Observation]:
        """Rows with `from_ms <= start < before_ms`, newest first, those that follow `after` if it is given."""
        low, high = self.bounds(from_ms, before_ms, after)
        for last in range(high, low, -_WINDOW_ROWS):
            yield from self.observations_at(max(low, last - _WINDOW_ROWS), last)

    def merge_versions(self) -> None:
        """Leave of equal (trace, id, start) the version written last, as the database's merge does."""
        newest: dict[tuple[str, str, int], Observation] = {}
        for row in self.observations():
            key = (row.context.trace_id, row.id, row.start_ms)
            if key not in newest or row.created_ms >= newest[key].created_ms:
                newest[key] = row
        self.replace_observations(newest.values())

    def delete_trace(self, trace_id: str) -> None:
        """Remove a trace's rows and scores without leaving a mark, as the real server does."""
        self.replace_observations(row for row in self.observations() if row.context.trace_id != trace_id)
        self.legacy.delete_trace(trace_id)
        for score in [score for score in self._scores if score.trace_id == trace_id]:
            self.delete_score(score.id)

    def add_scores(self, rows: Iterable[Score]) -> None:
        """Take scores; one whose id is known updates it field by field and keeps its first timestamp."""
        for row in rows:
            known = self._score_by_id.get(row.id)
            if known is None:
                self._score_by_id[row.id] = row
                self._scores.append(row)
                self._scores_sorted = False
            else:
                _update(known, row)
        self.revision += 1

    def overwrite_score(self, newer: Score) -> None:
        """Put `newer` in the place of the score that has its id."""
        known = self._score_by_id[newer.id]
        self._scores[self._scores.index(known)] = self._score_by_id[newer.id] = newer
        self._scores_sorted = False
        self.revision += 1
        self.revision += 1

    def delete_score(self, score_id: str) -> None:
        if self._score_by_id.pop(score_id, None) is not None:
            self._scores = [score for score in self._scores if score.id != score_id]
            self._scores_sorted = False
            self.revision += 1

    def scores(self) -> list[Score]:
        """Oldest first, by time and id."""
        if not self._scores_sorted:
            self._scores.sort(key=lambda score: (score.timestamp_ms, score.id))
            self._score_keys = [(score.timestamp_ms, score.id) for score in self._scores]
            self._scores_sorted = True
        return self._scores

    def score_window(
        self, from_ms: int | None, before_ms: int | None, after: tuple[int, str] | None = None
    ) -> Iterator[Score]:
        """Scores with `from_ms <= timestamp < before_ms`, newest first, those that follow `after` if given."""
        rows, keys = self.scores(), self._score_keys
        low = 0 if from_ms is None else bisect_left(keys, (from_ms, ""))
        high = len(rows) if before_ms is None else bisect_left(keys, (before_ms, ""))
        if after is not None:
            high = min(high, bisect_left(keys, after))
        for position in range(high - 1, low - 1, -1):
            yield rows[position]

    def count_scores(self, from_ms: int | None, before_ms: int | None) -> int:
        """How many scores have `from_ms <= timestamp < before_ms`."""
        self.scores()
        low = 0 if from_ms is None else bisect_left(self._score_keys, (from_ms, ""))
        high = len(self._score_keys) if before_ms is None else bisect_left(self._score_keys, (before_ms, ""))
        return max(0, high - low)


_KEPT_ON_UPDATE = {"id", "timestamp_ms", "created_ms"}


def _update(known: Score, newer: Score) -> None:
    for column in fields(Score):
        value = getattr(newer, column.name)
        if column.name not in _KEPT_ON_UPDATE and value is not None and value != {}:
            setattr(known, column.name, value)


def _ties(starts: list[int]) -> Iterator[tuple[int, int]]:
    """Ranges of equal neighbours in a sorted list."""
    first = 0
    for position in range(1, len(starts) + 1):
        if position == len(starts) or starts[position] != starts[first]:
            if position - first > 1:
                yield first, position
            first = position


@dataclass(frozen=True)
class KeyPair:
    public_key: str
    secret_key: str = field(repr=False)


@dataclass
class Store:
    """The projects of one server and the key pair that opens each; a cloud notes what it is about to remove."""

    projects: dict[str, ProjectStore]
    keys: dict[str, KeyPair]
    organization: dict[str, str] = field(default_factory=lambda: {"id": "org-standin", "name": "Stand-in organisation"})
    is_cloud: bool = False

    def project_of_public_key(self, public_key: str) -> ProjectStore | None:
        for project_id, pair in self.keys.items():
            if pair.public_key == public_key:
                return self.projects.get(project_id)
        return None

    def project_of(self, public_key: str, secret_key: str) -> ProjectStore | None:
        for project_id, pair in self.keys.items():
            if pair.public_key == public_key and hmac.compare_digest(pair.secret_key.encode(), secret_key.encode()):
                return self.projects.get(project_id)
        return None
