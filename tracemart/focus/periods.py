"""The UTC days that an export covers."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tracemart.errors import BadInputError

_MONTH = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True)
class Period:
    """UTC days from `first` until before `end`."""

    first: date
    end: date

    def __post_init__(self) -> None:
        if self.first >= self.end:
            raise BadInputError(f"No day lies from {self.first} until before {self.end}; --to is not included.")

    @property
    def starts_at(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        return datetime(self.end.year, self.end.month, self.end.day, tzinfo=UTC)

    def __str__(self) -> str:
        """2026-09 for a whole month, else its first and last day."""
        if self == Period.month(f"{self.first:%Y-%m}"):
            return f"{self.first:%Y-%m}"
        return f"{self.first}_{self.end - timedelta(days=1)}"

    @classmethod
    def month(cls, text: str) -> "Period":
        """The calendar month that is written 2026-09. Raises BadInputError."""
        found = _MONTH.fullmatch(text)
        try:
            first = date(int(found[1]), int(found[2]), 1) if found else None
        except ValueError:
            first = None
        if first is None:
            raise BadInputError(f"{text!r} is no month; write one such as 2026-09.")
        return cls(first, (first + timedelta(days=31)).replace(day=1))

    @classmethod
    def chosen(cls, month: str | None, first: datetime | None, end: datetime | None) -> "Period":
        """What --month, or --from with --to, ask for. Raises BadInputError."""
        if month is not None and first is None and end is None:
            return cls.month(month)
        if month is None and first is not None and end is not None:
            return cls(first.date(), end.date())
        raise BadInputError("Say which days to export: either --month 2026-09, or --from and --to.")
