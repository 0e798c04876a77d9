"""The week that a report covers: an ISO week, Monday to Sunday, in the reporting time zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Week:
    """Named by its Monday."""

    first_day: date

    @classmethod
    def containing(cls, day: date) -> "Week":
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def last_complete(cls, now: datetime, zone: ZoneInfo) -> "Week":
        """The newest week whose Sunday is over in that zone."""
        return cls.containing(now.astimezone(zone).date()).before

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=6)

    @property
    def before(self) -> "Week":
        return Week(self.first_day - timedelta(days=7))

    @property
    def name(self) -> str:
        """Such as 2026-W40."""
        year, number, _ = self.first_day.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def span(self) -> str:
        """Such as 28 September to 4 October 2026."""
        first, last = self.first_day, self.last_day
        if first.year != last.year:
            return f"{long_date(first)} to {long_date(last)}"
        if first.month != last.month:
            return f"{first.day} {first:%B} to {long_date(last)}"
        return f"{first.day} to {long_date(last)}"

    def __contains__(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day


def long_date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def short_date(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
