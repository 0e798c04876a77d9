"""Times as the stand-in keeps them: whole milliseconds since 1970, UTC, as Langfuse floors them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What follows the minute, by millisecond; and minutes as they were asked for.
_REST = [f"{second:02d}.{rest:03d}Z" for second in range(60) for rest in range(1000)]
_MINUTES: dict[int, str] = {}
_MINUTES_KEPT = 100_000

# What zod's `datetime({ offset: true })` accepts: a date, a T, at least hours and minutes, and an offset.
_ZONED = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))\Z",
    re.ASCII,
)


def to_iso(milliseconds: int) -> str:
    """`2026-11-19T23:59:59.999Z`, the form of every time that Langfuse answers."""
    minute, rest = divmod(milliseconds, MINUTE_MS)
    text = _MINUTES.get(minute)
    if text is None:
        if len(_MINUTES) >= _MINUTES_KEPT:
            _MINUTES.clear()
        text = _MINUTES[minute] = (_EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:")
    return text + _REST[rest]


def from_datetime(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def to_datetime(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)


def utc_date(milliseconds: int) -> date:
    return (_EPOCH + timedelta(milliseconds=milliseconds)).date()


def parse_zoned(text: str) -> int | None:
    """Milliseconds of an ISO time with an offset or Z, cut to the millisecond; None if it is not one."""
    found = _ZONED.match(text)
    if not found:
        return None
    year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
    try:
        moment = datetime(year, month, day, hour, minute, int(found[6] or 0), tzinfo=UTC)
    except ValueError:
        return None
    milliseconds = from_datetime(moment) + int((found[7] or "0").ljust(3, "0")[:3])
    if found[8]:
        offset = (int(found[9]) * 60 + int(found[10])) * MINUTE_MS
        milliseconds += offset if found[8] == "-" else -offset
    return milliseconds


def parse_lenient(text: str) -> int | None:
    """As JavaScript's `new Date(text)` for the forms clients send: with or without zone, or a bare date."""
    zoned = parse_zoned(text)
    if zoned is not None:
        return zoned
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
