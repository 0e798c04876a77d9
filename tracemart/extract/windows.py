"""From when to when a run reads: the watermark less an overlap, up to now less the time that data needs to settle."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tracemart.errors import BadInputError
from tracemart.extract.slices import floor_to_millisecond
from tracemart.settings import Settings

# What old SDKs send becomes visible 10 to 15 minutes late: langfuse.md, 1.4 and 0b.16.
SETTLE = timedelta(minutes=15)


@dataclass(frozen=True)
class Window:
    """The half-open [start, end) in whole milliseconds; only a window that follows the watermark moves it."""

    start: datetime
    end: datetime
    moves_watermark: bool
    watermark: datetime | None = None


@dataclass(frozen=True)
class AskedInterval:
    """What a backfill reads; without a start from the oldest row on."""

    start: datetime | None
    end: datetime


def settled_until(settings: Settings) -> datetime:
    """The newest time to read: with TRACEMART_AS_OF the past is asked for, and nothing is on its way there any more."""
    return floor_to_millisecond(settings.as_of if settings.as_of else settings.now() - SETTLE)


def asked_interval(window_from: datetime | None, window_to: datetime | None, settled: datetime) -> AskedInterval | None:
    """The interval of a backfill, or None if neither end is given. Raises BadInputError."""
    if window_from is None and window_to is None:
        return None
    start = None if window_from is None else _in_utc(window_from)
    end = settled if window_to is None else _in_utc(window_to)
    if start is not None and start >= end:
        raise BadInputError(
            f"There is no time from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC: --from must be before --to."
        )
    return AskedInterval(start, end)


def following_window(
    watermark: datetime | None, overlap: timedelta, end: datetime, look_back: Callable[[datetime], datetime | None]
) -> Window:
    """What comes after the watermark, with the overlap; everything that there is where no watermark stands."""
    if watermark is not None:
        start = min(floor_to_millisecond(watermark - overlap), end)
        return Window(start, max(watermark, end), moves_watermark=True, watermark=watermark)
    oldest = look_back(end)
    if oldest is None:
        # What arrives later may be older than an overlap, so an empty project is looked through again.
        return Window(end, end, moves_watermark=False)
    return Window(floor_to_millisecond(oldest), end, moves_watermark=True)


def look_back(is_empty_before: Callable[[datetime], bool], end: datetime) -> datetime | None:
    """A moment that all rows before `end` come after, at most about twice as far back as the oldest; None without rows.

    No endpoint tells the oldest row. So one row older than 1, 2, 4, 8… days is asked for until none is: the open
    lower bound makes the answer exact however long the gaps are, and a hundred years take 16 requests.
    """
    if is_empty_before(end):
        return None
    days = 1
    while not is_empty_before(end - timedelta(days=days)):
        days *= 2
    return end - timedelta(days=days)


def _in_utc(moment: datetime) -> datetime:
    zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return floor_to_millisecond(zoned)
