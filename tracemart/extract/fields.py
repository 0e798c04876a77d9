"""From JSON values to the text of PostgreSQL's COPY, or a reason why a value cannot be kept.

Each function takes a JSON value as Langfuse sends it and returns its text, and `line` makes a row of such texts.
Langfuse's text columns hold `""` for nothing (langfuse.md, fact 9), so `""` is NULL everywhere, in COPY too.
"""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

NULL = ""
COPY_OPTIONS = "(format text, null '')"
LARGEST_COUNT = 2**63 - 1
REPLACEMENT = "\ufffd"

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x00": REPLACEMENT})
_IS_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?").fullmatch
_IS_WHOLE = re.compile(r"-?[0-9]{1,30}").fullmatch


class RowError(Exception):
    """Why one row cannot be kept; the message is the reason that raw.rejected_rows shows."""


def line(values: list[str]) -> str:
    """A row for COPY with COPY_OPTIONS; PostgreSQL's text knows no NUL character, so it becomes U+FFFD."""
    joined = "\t".join(values)
    # Four searches for one character are ten times faster than one expression for all.
    is_plain = "\\" not in joined and "\n" not in joined and "\r" not in joined and "\x00" not in joined
    if not is_plain or joined.count("\t") != len(values) - 1:
        joined = "\t".join([value.translate(_ESCAPES) for value in values])
    return joined + "\n"


def text(value: Any, name: str) -> str:
    if value is None:
        return NULL
    if type(value) is str:
        return value
    raise RowError(f"{name} is no text")


def required_text(value: Any, name: str) -> str:
    if not value:
        raise RowError(f"{name} is missing")
    return text(value, name)


def time(value: Any, name: str) -> str:
    """An ISO 8601 time with its zone, as UTC."""
    if value is None or value == "":
        return NULL
    if not isinstance(value, str):
        raise RowError(f"{name} is no time")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise RowError(f"{name} has no time zone")
        # The form of Langfuse's own times, 2026-11-22T14:03:00.613Z, is PostgreSQL's too.
        if len(value) == 24 and value[23] == "Z" and value[19] == "." and value[10] == "T" and value[7] == "-":
            return value
        return moment.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise RowError(f"{name} is no time") from None


def required_time(value: Any, name: str) -> str:
    moment = time(value, name)
    if moment == NULL:
        raise RowError(f"{name} is missing")
    return moment


def month(moment: str) -> str:
    """The first day of the UTC month of a time that `time` made: the column start_month, which tells the partition."""
    return moment[:7] + "-01"


def flag(value: Any, name: str) -> str:
    if value is None:
        return NULL
    if value is True:
        return "t"
    if value is False:
        return "f"
    raise RowError(f"{name} is neither true nor false")


def decimal(value: Any, name: str) -> str:
    """An exact decimal: repr of a float is the number as the server wrote it (see client.parse_json)."""
    if value is None or value == "":
        return NULL
    kind = type(value)
    if kind is float or kind is int:
        return repr(value)
    if kind is str and _IS_DECIMAL(value):
        return str(value)
    raise RowError(f"{name} is no number")


def count(value: Any, name: str) -> str:
    """A whole number of at least zero that fits a bigint; some servers send it as text."""
    if value is None or value == "":
        return NULL
    if type(value) is int and 0 <= value <= LARGEST_COUNT:
        return str(value)
    return str(_count(value, name))


def small_count(value: Any, name: str) -> str:
    """A count that fits an integer."""
    whole = count(value, name)
    if whole != NULL and int(whole) >= 2**31:
        raise RowError(f"{name} is too large")
    return whole


def json(value: Any) -> str:
    """Any JSON; PostgreSQL's jsonb knows no NUL character, so it becomes U+FFFD."""
    if value is None:
        return NULL
    dumped = orjson.dumps(value).decode()
    return orjson.dumps(_without_nul(value)).decode() if "\\u0000" in dumped else dumped


def json_or_none(value: Any) -> str:
    """JSON, with nothing in it as NULL."""
    return NULL if value in (None, "", {}, []) else json(value)


def usage_details(value: Any) -> str:
    """{usage type: count}: an open vocabulary; the counts are checked."""
    if value is None:
        return NULL
    if not isinstance(value, dict):
        raise RowError("usageDetails is no object")
    for name, units in value.items():
        if type(units) is not int or not 0 <= units <= LARGEST_COUNT:
            counted = {
                name: _count(units, f"usageDetails.{name}") for name, units in value.items() if units not in (None, "")
            }
            return json(counted)
    return json(value)


def cost_details(value: Any) -> str:
    """{usage type: dollars}, exact: orjson and jsonb both keep the shortest text of each number."""
    if value is None:
        return NULL
    if not isinstance(value, dict):
        raise RowError("costDetails is no object")
    for name, dollars in value.items():
        if type(dollars) is not float and type(dollars) is not int and dollars is not None:
            raise RowError(f"costDetails.{name} is no number")
    return json(value)


def text_array(value: Any, name: str) -> str:
    if value is None:
        return NULL
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise RowError(f"{name} is no list of texts")
    if not value:
        return "{}"
    quoted = ['"' + entry.replace("\\", "\\\\").replace('"', '\\"') + '"' for entry in value]
    return "{" + ",".join(quoted) + "}"


def count_array(value: Any, name: str) -> str:
    if not isinstance(value, list):
        raise RowError(f"{name} is no list of whole numbers")
    return "{" + ",".join(str(_count(entry, name)) for entry in value) + "}"


def _count(value: Any, name: str) -> int:
    whole: int
    if type(value) is int:
        whole = value
    elif (type(value) is float and value.is_integer()) or (type(value) is str and _IS_WHOLE(value)):
        whole = int(value)
    else:
        raise RowError(f"{name} is no whole number")
    if whole < 0:
        raise RowError(f"{name} is negative")
    if whole > LARGEST_COUNT:
        raise RowError(f"{name} is too large")
    return whole


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", REPLACEMENT)
    if isinstance(value, list):
        return [_without_nul(entry) for entry in value]
    if isinstance(value, dict):
        return {key.replace("\x00", REPLACEMENT): _without_nul(entry) for key, entry in value.items()}
    return value
