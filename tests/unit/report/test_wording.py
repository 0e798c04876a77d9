from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.report.wording import change, change_of, compact, difference, listed, milliseconds, money, percent


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0.00"), ("1234.5", "$1,234.50"), ("0.0042", "$0.00420"), ("0.004296", "$0.00430"), ("0.1", "$0.100"),
        ("0.99999", "$1.00"), ("0.0099999", "$0.01000"), ("1.005", "$1.01"), ("-3.456", "−$3.46"),
        ("0.0000001", "<$0.000001"),
        ("123456789.019", "$123,456,789.02"), ("0.123456", "$0.123"), ("1E+3", "$1,000.00"),
    ],
)  # fmt: skip
def test_money_has_the_digits_that_matter(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


@given(st.decimals(min_value="0.000001", max_value="1e12", allow_nan=False, allow_infinity=False, places=12))
def test_money_is_never_shown_as_nothing_and_off_by_half_a_percent_at_most(amount: Decimal) -> None:
    shown = Decimal(money(amount).replace("$", "").replace(",", ""))
    assert shown > 0
    assert abs(shown - amount) <= amount * Decimal("0.00501")


@given(st.integers(min_value=0, max_value=10**15))
def test_compact_keeps_three_digits(number: int) -> None:
    text = compact(number)
    digits, _, unit = text.partition(" ")
    scale = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}[unit]
    assert abs(Decimal(digits.replace(",", "")) * scale - number) <= Decimal(number) * Decimal("0.00501")


def test_what_is_missing_is_a_dash() -> None:
    assert {money(None), compact(None), percent(None), change(None), milliseconds(None)} == {"–"}


def test_changes_say_their_direction() -> None:
    assert change(change_of(Decimal("12"), Decimal("10"))) == "▲ 20.0 %"
    assert change(change_of(Decimal("9"), Decimal("10"))) == "▼ 10.0 %"
    assert change(change_of(10, 10)) == "no change"
    assert change(change_of(120, 10)) == "▲ 12-fold"
    assert change_of(5, 0) is None


def test_differences_of_shares_are_in_points() -> None:
    assert difference(Decimal("0.002"), "points") == "▲ 0.2 points"
    assert difference(Decimal("-0.03"), "") == "▼ 0.03"
    assert difference(Decimal("0.0001"), "points") == "no change"


def test_a_small_share_is_not_nothing() -> None:
    assert percent(Decimal("0.0004")) == "<0.1 %"
    assert percent(Decimal(0)) == "0.0 %"


def test_names_are_listed() -> None:
    assert [listed(["a"]), listed(["a", "b", "c"])] == ["a", "a, b and c"]
    assert [milliseconds(Decimal("840")), milliseconds(Decimal("1912"))] == ["840 ms", "1.9 s"]
