from datetime import UTC, date, datetime

import pytest

from tracemart.settings import Settings
from tracemart.superset.periods import Period, day_after, default_period


def settings(as_of: datetime | None, timezone: str = "UTC") -> Settings:
    return Settings(as_of=as_of, timezone=timezone)


AS_OF = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_long_history_shows_its_last_30_days_against_the_30_before() -> None:
    assert default_period(settings(AS_OF), date(2026, 8, 24)) == Period("2026-10-23 : 2026-11-22", True)


def test_a_log_of_one_hour_shows_its_own_week_and_compares_with_nothing() -> None:
    as_of = datetime(2023, 11, 16, 19, 14, tzinfo=UTC)
    assert default_period(settings(as_of), date(2023, 11, 16)) == Period("2023-11-10 : 2023-11-17", False, True)


def test_without_as_of_the_period_moves_with_the_clock_and_holds_today() -> None:
    period = default_period(settings(None), None)
    assert period == Period("DATEADD(DATETIME('today'), -29, day) : DATEADD(DATETIME('today'), 1, day)", True)


@pytest.mark.parametrize(
    ("moment", "timezone", "day"),
    [
        (datetime(2026, 11, 22, tzinfo=UTC), "UTC", date(2026, 11, 22)),
        (datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), "UTC", date(2026, 11, 22)),
        (datetime(2026, 11, 21, 21, 30, tzinfo=UTC), "Europe/Istanbul", date(2026, 11, 23)),
        (datetime(2026, 11, 22, 3, tzinfo=UTC), "America/New_York", date(2026, 11, 22)),
    ],
)
def test_the_last_day_shown_is_the_local_day_of_the_moment(moment: datetime, timezone: str, day: date) -> None:
    assert day_after(moment, settings(moment, timezone)) == day
