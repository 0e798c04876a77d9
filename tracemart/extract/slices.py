"""Cutting a window of time into slices that a server can answer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, order=True)
class Slice:
    """The half-open time [start, end): Langfuse takes `>= from` and `< to`."""

    start: datetime
    end: datetime

    def halves(self) -> tuple["Slice", "Slice"]:
        """Two slices that abut at a whole millisecond, for Langfuse keeps no finer time."""
        middle = floor_to_millisecond(self.start + (self.end - self.start) / 2)
        return Slice(self.start, middle), Slice(middle, self.end)

    def can_halve(self, shortest: timedelta) -> bool:
        return self.end - self.start >= 2 * shortest


@dataclass
class Slicer:
    """Cuts a window from its old end on: slices grow over empty time and shrink where rows are dense.

    Bounds are frozen before the first request, so what arrives meanwhile belongs to the next run.
    """

    length: timedelta = timedelta(days=1)
    shortest: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(days=366)
    rows_wanted: int = 50_000
    _pending: list[Slice] = field(default_factory=list)

    def slices(self, start: datetime, end: datetime, *, border: datetime | None = None) -> Iterator[Slice]:
        """Slices that cover [start, end) once, in order, none across `border`.

        Tell `finished` or `refused` after each.
        """
        position = start
        while self._pending or position < end:
            if self._pending:
                yield self._pending.pop()
                continue
            last = border if border is not None and position < border < end else end
            until = last if last - position <= self.length else floor_to_millisecond(position + self.length)
            yield Slice(position, until)
            position = until

    def finished(self, rows: int) -> None:
        """Suit the next slice's length to how many rows this one had."""
        if rows < self.rows_wanted // 4:
            self.length = min(self.length * 2, self.longest)
        elif rows > self.rows_wanted * 4:
            self.length = max(self.length / 2, self.shortest)

    def refused(self, cut: Slice) -> bool:
        """Put both halves of a slice in line that the server could not answer; False if it is too short for that."""
        if not cut.can_halve(self.shortest):
            return False
        older, newer = cut.halves()
        self._pending += [newer, older]
        self.length = max(older.end - older.start, self.shortest)
        return True


def floor_to_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def as_parameter(moment: datetime) -> str:
    """The only form that every Langfuse endpoint takes: 2026-11-22T14:03:00.613Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
