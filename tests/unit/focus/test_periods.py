"""Which days an export covers."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import BadInputError
from tracemart.focus import Period


def test_a_month_ends_before_the_next_begins() -> None:
    month = Period.month("2026-12")
    assert (month.first, month.end) == (date(2026, 12, 1), date(2027, 1, 1))
    assert (month.starts_at, month.ends_at) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert str(month) == "2026-12"


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_every_month_is_whole(day: date) -> None:
    month = Period.month(f"{day:%Y-%m}")
    assert month.first <= day < month.end
    assert month.first.day == month.end.day == 1
    assert 28 <= (month.end - month.first).days <= 31


def test_other_days_are_named_by_the_first_and_the_last() -> None:
    chosen = Period.chosen(None, datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 3, tzinfo=UTC))
    assert str(chosen) == "2026-09-01_2026-09-02"
    assert Period.chosen(None, datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)) == Period.month(
        "2026-09"
    )


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-9", "September", "", "2026-09-01", "0000-01"])
def test_what_is_no_month_is_named(text: str) -> None:
    with pytest.raises(BadInputError, match=f"'{text}' is no month; write one such as 2026-09"):
        Period.month(text)


def test_days_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(BadInputError, match="No day lies from 2026-09-02 until before 2026-09-02"):
        Period.chosen(None, datetime(2026, 9, 2, tzinfo=UTC), datetime(2026, 9, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("month", "first", "end"),
    [
        (None, None, None),
        ("2026-09", datetime(2026, 9, 1, tzinfo=UTC), None),
        (None, datetime(2026, 9, 1, tzinfo=UTC), None),
    ],
)
def test_half_a_choice_is_refused(month: str | None, first: datetime | None, end: datetime | None) -> None:
    with pytest.raises(BadInputError, match="either --month 2026-09, or --from and --to"):
        Period.chosen(month, first, end)
