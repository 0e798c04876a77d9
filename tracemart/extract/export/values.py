"""From one value of an export's row to the text of COPY, or the reason why it cannot be kept.

A value is what JSON gives, or all text as CSV gives it: an object or a list then is its JSON text.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from tracemart.extract import fields
from tracemart.extract.export.stored import parsed
from tracemart.extract.fields import NULL, RowError

LARGEST_SMALL_COUNT = 2**31 - 1

_FLAGS = {"true": "t", "false": "f", "1": "t", "0": "f", "": NULL}
_HAS_TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d").match

text, small_count = fields.text, fields.small_count


def moment(value: Any, name: str) -> datetime | None:
    """A time in UTC, whatever its text leaves out, cut to the millisecond as the API has it."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _HAS_TIME(value):
        raise RowError(f"{name} is no time")
    try:
        # The usual form has no zone: 2024-05-29 13:46:19.963000
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RowError(f"{name} is no time") from None
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def time(value: Any, name: str) -> str:
    found = moment(value, name)
    return NULL if found is None else found.isoformat()


def seconds_between(start: datetime, end: datetime) -> float:
    """As the server counts them: whole milliseconds, divided."""
    return ((end - start) // timedelta(milliseconds=1)) / 1000


def flag(value: Any, name: str) -> str:
    if value in (0, 1) and type(value) is int:
        return "t" if value else "f"
    if isinstance(value, str):
        if value not in _FLAGS:
            raise RowError(f"{name} is neither true nor false")
        return _FLAGS[value]
    return fields.flag(value, name)


def decimal(value: Any, name: str) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise RowError(f"{name} is no number")
    return fields.decimal(value, name)


def json_object(value: Any, name: str) -> dict[str, Any]:
    found = _unpacked(value, name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise RowError(f"{name} is no object")
    return found


def text_list(value: Any, name: str) -> list[str]:
    found = _unpacked(value, name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise RowError(f"{name} is no list of texts")
    return found


def as_sent(stored_values: dict[str, Any]) -> dict[str, Any]:
    return {key: stored(value) for key, value in stored_values.items()}


def stored(value: Any) -> Any:
    """A stored text as what was sent; a value of another type, which a later version may write, as it is."""
    return parsed(value) if isinstance(value, str) else value


def model_parameters(value: Any) -> str:
    """An object as JSON text, or anything else that the text says."""
    return fields.json_or_none(stored(value))


def costs(details: dict[str, Any]) -> dict[str, str]:
    """{usage type: exact dollars}; those that are null are left out."""
    return {
        kind: decimal(dollars, f"cost_details.{kind}") for kind, dollars in details.items() if dollars not in (None, "")
    }


def costs_json(dollars: dict[str, str]) -> str:
    return "{" + ",".join(f"{fields.json(kind)}:{_json_number(amount)}" for kind, amount in dollars.items()) + "}"


def _json_number(amount: str) -> str:
    """The texts of numbers that JSON does not take, such as .5, as those that it does."""
    return format(Decimal(amount), "f") if amount[0] in "+.-" or amount.endswith(".") or ".e" in amount else amount


def _unpacked(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        return value
    if value == "":
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise RowError(f"{name} is no JSON") from None
