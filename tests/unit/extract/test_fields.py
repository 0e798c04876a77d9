"""JSON values become COPY text that PostgreSQL reads as the same value, or a row error that names the field."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.extract import fields
from tracemart.extract.client import parse_json
from tracemart.extract.fields import NULL, RowError

FIRST, LAST = datetime.fromisoformat("0001-01-02"), datetime.fromisoformat("9999-12-30")


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**3), max_value=10**3))
def test_cost_keeps_every_digit_a_double_holds(cost: Decimal) -> None:
    # A server that keeps Decimal(18,12) answers with the double's shortest text, as JavaScript does.
    sent = repr(float(cost))

    received = parse_json(f'{{"totalCost":{sent}}}'.encode())["totalCost"]

    assert Decimal(fields.decimal(received, "totalCost")) == Decimal(sent)


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_double_survives_as_the_text_it_was_sent_as(number: float) -> None:
    sent = repr(number)

    received = parse_json(f"[{sent}]".encode())[0]

    assert Decimal(fields.decimal(received, "x")) == Decimal(sent)
    assert Decimal(str(parse_json(fields.json({"x": received}).encode())["x"])) == Decimal(sent)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1.5e-7", "1.5e-7"),
        ("0.0000025", "0.0000025"),
        ("10", "10"),
        (0, "0"),
        (1e-06, "1e-06"),
        ("", NULL),
        (None, NULL),
    ],
)
def test_prices_arrive_as_numbers_or_as_text(sent: object, kept: str) -> None:
    assert fields.decimal(sent, "inputPrice") == kept


@pytest.mark.parametrize("sent", ["cheap", "NaN", "1,5", True, [], {}, "Infinity", "0x10", "١"])
def test_what_is_no_number_is_named(sent: object) -> None:
    with pytest.raises(RowError, match=r"^inputPrice is no number$"):
        fields.decimal(sent, "inputPrice")


@settings(deadline=None)
@given(st.datetimes(FIRST, LAST), st.integers(-720, 720))
def test_times_of_any_zone_mean_the_same_moment(moment: datetime, offset: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))

    assert datetime.fromisoformat(fields.time(zoned.isoformat(), "startTime")) == zoned


def test_usual_time_is_kept_as_sent() -> None:
    assert fields.time("2026-11-22T14:03:00.613Z", "startTime") == "2026-11-22T14:03:00.613Z"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("2026-02-30T00:00:00Z", "endTime is no time"),
        ("yesterday", "endTime is no time"),
        (1763337600000, "endTime is no time"),
        ("2026-11-17T00:00:00", "endTime has no time zone"),
        ("0001-01-01T00:00:00+14:00", "endTime is no time"),
    ],
)
def test_bad_times_are_named(sent: object, reason: str) -> None:
    with pytest.raises(RowError, match=f"^{reason}$"):
        fields.time(sent, "endTime")


@pytest.mark.parametrize(
    ("sent", "kept"), [(5, "5"), (5.0, "5"), ("12", "12"), (None, NULL), (2**63 - 1, str(2**63 - 1))]
)
def test_counts_arrive_as_numbers_or_as_text(sent: object, kept: str) -> None:
    assert fields.count(sent, "totalUsage") == kept


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (-1, "is negative"), ("-3", "is negative"), (1.5, "is no whole number"), (True, "is no whole number"),
        ("many", "is no whole number"), (2**63, "is too large"), ("²", "is no whole number"),
    ],
)  # fmt: skip
def test_bad_counts_are_named(sent: object, reason: str) -> None:
    with pytest.raises(RowError, match=f"^totalUsage {reason}$"):
        fields.count(sent, "totalUsage")


def test_usage_of_any_type_is_kept_and_a_negative_one_named() -> None:
    assert orjson.loads(fields.usage_details({"input": 3, "web_search_queries": "2", "thoughts": None})) == {
        "input": 3,
        "web_search_queries": 2,
    }
    with pytest.raises(RowError, match=r"^usageDetails\.output is negative$"):
        fields.usage_details({"input": 3, "output": -1})


def test_empty_text_is_null() -> None:
    assert fields.text("", "userId") == NULL
    with pytest.raises(RowError, match=r"^id is missing$"):
        fields.required_text("", "id")


def test_half_a_surrogate_pair_does_not_refuse_the_page() -> None:
    assert parse_json(rb'{"data":[{"name":"half \ud83d","other":"\ud83d\ude42 \u00e9"}]}') == {
        "data": [{"name": "half \ufffd", "other": "🙂 é"}]
    }


@pytest.mark.parametrize("content", [b"", b"<html>", b"{", b'{"a":1} trailing', b"\xff"])
def test_what_is_no_json_is_none(content: bytes) -> None:
    assert parse_json(content) is None
