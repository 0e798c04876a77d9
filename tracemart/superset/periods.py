"""Which period a dashboard shows first, and whether there is one before it to compare with."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tracemart.settings import Settings

SHORT, LONG = 7, 30


@dataclass(frozen=True)
class Period:
    """`time_range` in Superset's words; whether the warehouse holds the period before it too, or hardly a day."""

    time_range: str
    has_previous: bool
    is_one_day: bool = False


@dataclass(frozen=True)
class Days:
    """Reporting days from `first` on, before `end`."""

    first: date
    end: date

    @property
    def before(self) -> "Days":
        """As many days, ending where these begin."""
        return Days(self.first - (self.end - self.first), self.first)


def default_period(settings: Settings, first_day: date | None) -> Period:
    """The last 30 days, or the last 7 where a warehouse with TRACEMART_AS_OF knows no more.

    `first_day` is the first reporting day of the warehouse, None while it is empty. Without TRACEMART_AS_OF the period
    moves with the clock and the warehouse keeps growing, so there will be one before it.
    """
    if settings.as_of is None:
        return Period(
            f"DATEADD(DATETIME('today'), -{LONG - 1}, day) : DATEADD(DATETIME('today'), 1, day)", has_previous=True
        )
    end = day_after(settings.as_of, settings)
    known = (end - first_day).days if first_day else LONG
    length = LONG if known > SHORT else SHORT
    return Period(f"{end - timedelta(days=length)} : {end}", has_previous=known > length, is_one_day=known <= 1)


def day_after(moment: datetime, settings: Settings) -> date:
    """The first reporting day that has not begun by that moment."""
    local = moment.astimezone(settings.zone)
    return (local - timedelta(microseconds=1)).date() + timedelta(days=1)


def days_of(period: Period, settings: Settings) -> Days:
    """The days that the period means now."""
    if settings.as_of is None:
        today = settings.now().astimezone(settings.zone).date()
        return Days(today - timedelta(days=LONG - 1), today + timedelta(days=1))
    first, end = period.time_range.split(" : ")
    return Days(date.fromisoformat(first), date.fromisoformat(end))
