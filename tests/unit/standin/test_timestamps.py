from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.standin.timestamps import from_datetime, parse_lenient, parse_zoned, to_datetime, to_iso

FIRST, LAST = datetime(1970, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001
MOMENTS = st.datetimes(FIRST, LAST)
OFFSETS = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS)
def test_a_time_survives_being_written_and_read(moment: datetime) -> None:
    milliseconds = from_datetime(moment.replace(tzinfo=UTC))
    assert parse_zoned(to_iso(milliseconds)) == milliseconds
    assert from_datetime(to_datetime(milliseconds)) == milliseconds


@given(MOMENTS, OFFSETS)
def test_an_offset_is_the_same_moment_in_utc(moment: datetime, offset: timezone) -> None:
    here = moment.replace(microsecond=0, tzinfo=offset)
    assert parse_zoned(here.isoformat()) == from_datetime(here)


@pytest.mark.parametrize(
    "text",
    ["2026-11-17T00:00:00", "2026-11-17", "2026-11-17 00:00:00Z", "1763337600000", "yesterday", "",
     "2026-11-17T00:00:00+0300", "2026-02-30T00:00:00Z", "2026-11-17T24:00:00Z", "2026-11-17T00:00:00Z\n"],
)  # fmt: skip
def test_what_carries_no_offset_is_no_zoned_time(text: str) -> None:
    assert parse_zoned(text) is None


def test_digits_beyond_the_millisecond_are_cut() -> None:
    assert parse_zoned("2026-11-17T00:00:00.0009999Z") == parse_zoned("2026-11-17T00:00:00Z")


def test_scores_take_naive_times_as_utc() -> None:
    assert parse_lenient("2026-11-16T00:00:00") == parse_zoned("2026-11-16T00:00:00Z")
    assert parse_lenient("bad") is None
