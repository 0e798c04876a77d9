from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.report.week import Week

EARLIEST, LATEST = datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2100-01-01")


@given(
    st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Istanbul", "America/Los_Angeles", "Pacific/Kiritimati"]),
)
def test_the_last_complete_week_ended_less_than_a_week_ago(now: datetime, zone: str) -> None:
    week = Week.last_complete(now, ZoneInfo(zone))
    today = now.astimezone(ZoneInfo(zone)).date()
    assert week.first_day.weekday() == 0
    assert 1 <= (today - week.last_day).days <= 7
    assert today not in week
    assert today - timedelta(days=7) in week


def test_the_zone_decides_when_sunday_is_over() -> None:
    sunday_evening = datetime(2026, 10, 4, 22, tzinfo=UTC)
    assert Week.last_complete(sunday_evening, ZoneInfo("UTC")).name == "2026-W39"
    assert Week.last_complete(sunday_evening, ZoneInfo("Europe/Istanbul")).name == "2026-W40"


@pytest.mark.parametrize(
    ("day", "name", "span"),
    [
        (date(2026, 10, 4), "2026-W40", "28 September to 4 October 2026"),
        (date(2026, 11, 18), "2026-W47", "16 to 22 November 2026"),
        (date(2027, 1, 1), "2026-W53", "28 December 2026 to 3 January 2027"),
    ],
)
def test_a_week_is_named_as_iso_8601_does(day: date, name: str, span: str) -> None:
    week = Week.containing(day)
    assert (week.name, week.span) == (name, span)
