"""The rows of a synthetic stream by their number, and their exact totals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tracemart.errors import BadInputError
from tracemart.standin.rows import Observation, dollars
from tracemart.standin.synthetic.shapes import CALL_VARIANTS, ROWS_PER_TRACE, Ids, attributes_of, call_of, row_of
from tracemart.standin.timestamps import DAY_MS, from_datetime

PROJECT_ID = "synthetic-stream"
AHEAD_DAYS = 30
MAXIMUM_PER_DAY = DAY_MS

_CYCLE = CALL_VARIANTS * ROWS_PER_TRACE
_TRACES_PER_SESSION = 3
_USERS = 2000
# Odd multipliers: each number has an id of its own, scattered as random ones are.
_SCATTER_64 = 0x9E3779B97F4A7C15
_SCATTER_128 = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK_64, _MASK_128 = 2**64 - 1, 2**128 - 1


@dataclass(frozen=True)
class StreamSpec:
    """`rows` rows before `end` (the last midnight UTC if None), `per_day` a day, and as many a day for 30 days after.

    Raises BadInputError for a stream that would have two rows in a millisecond, or none.
    """

    rows: int
    per_day: int = 200_000
    seed: int = 2026
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.rows < 1 or not 1 <= self.per_day <= MAXIMUM_PER_DAY:
            raise BadInputError(
                f"a synthetic stream needs at least one row and 1 to {MAXIMUM_PER_DAY:,} rows a day; it was asked for "
                f"{self.rows} rows, {self.per_day} a day."
            )


@dataclass
class Sums:
    """What rows of the stream add up to: units by usage type, and pico-dollars."""

    observations: int = 0
    calls: int = 0
    errors: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    pico: int = 0

    def add(self, row: Observation, times: int = 1) -> None:
        self.observations += times
        self.calls += times * row.is_call()
        self.errors += times * (row.level == "ERROR")
        for usage_type, units in zip(row.usage_keys, row.usage_values, strict=True):
            self.tokens[usage_type] += times * units
        self.pico += times * row.cost().get("total", 0)

    def as_json(self) -> dict[str, Any]:
        return {
            "observations": self.observations, "calls": self.calls, "errors": self.errors,
            "tokens": dict(sorted(self.tokens.items())), "cost_usd": str(dollars(self.pico)),
        }  # fmt: skip


class Stream:
    """Rows numbered from the oldest, 0; each starts in a millisecond of its own, after the one before."""

    def __init__(self, spec: StreamSpec) -> None:
        self.spec = spec
        end = (spec.end or datetime.now(UTC)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.end_ms = from_datetime(end)
        self.per_day = spec.per_day
        self.first_ms = self.end_ms - spec.rows * DAY_MS // spec.per_day
        self.count = self.number_at(self.end_ms) + AHEAD_DAYS * spec.per_day
        self.spread_ms = -(-DAY_MS // spec.per_day)
        self._salt = spec.seed * _SCATTER_64

    def start_ms(self, number: int) -> int:
        return self.first_ms + number * DAY_MS // self.per_day

    def number_at(self, moment_ms: int) -> int:
        """The number of the first row that starts at `moment_ms` or later."""
        return max(0, -(-(moment_ms - self.first_ms) * self.per_day // DAY_MS))

    def row_id(self, number: int) -> str:
        return f"{number * _SCATTER_64 + self._salt & _MASK_64:016x}"

    def ids(self, number: int) -> Ids:
        trace = number // ROWS_PER_TRACE
        return Ids(
            trace=f"{trace * _SCATTER_128 + self._salt & _MASK_128:032x}",
            row=self.row_id(number),
            root=self.row_id(trace * ROWS_PER_TRACE),
            user=f"user-{trace * 7 % _USERS:04d}@example.com",
            session=f"session-{trace // _TRACES_PER_SESSION:08x}",
        )

    def shape(self, number: int) -> tuple[int, int, int]:
        """Place in the trace, call variant and attributes of a row: equal shapes differ in ids and times alone."""
        trace, place = divmod(number, ROWS_PER_TRACE)
        return place, call_of(trace, place) if place in (2, 4) else 0, attributes_of(trace)

    def row(self, number: int) -> Observation:
        return row_of(self.shape(number), self.ids(number), self.start_ms(number), self.spread_ms)

    def totals(self, from_ms: int | None = None, before_ms: int | None = None) -> Sums:
        """Exact sums over the rows with `from_ms <= start < before_ms`, by default all before the stream's end."""
        first = 0 if from_ms is None else self.number_at(from_ms)
        last = min(self.count, self.number_at(self.end_ms if before_ms is None else before_ms))
        sums = Sums()
        cycles, rest = divmod(max(0, last - first), _CYCLE)
        for number in range(first, first + (_CYCLE if cycles else 0)):
            sums.add(self.row(number), cycles)
        for number in range(first, first + rest):
            sums.add(self.row(number))
        return sums
