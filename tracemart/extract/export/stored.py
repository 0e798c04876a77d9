"""Values that Langfuse stores as the JSON text of what was sent, and their value as its API answers it.

The API parses such a text if it is JSON and hands it on as it is if not; a number that a JavaScript number cannot hold
becomes the text of its digits (`parseJsonPrioritised` in `packages/shared/src/utils/json.ts`, 4.16.0). The writer of
text formats turns escapes such as \\u001b into the characters, which leaves JSON with bare control characters.
"""

import json
import re
from typing import Any

import orjson

from tracemart.extract.metadata import decoded_text

LARGEST_SAFE_INTEGER = 2**53 - 1

_MAY_BE_UNSAFE = re.compile(r"[\d.]{13,}|\d[eE]").search
_HAS_CONTROL = re.compile(r"[\x00-\x1f]").search


def parsed(text: str) -> Any:
    """The value of one stored text; a text cut at 200 characters is freed of its quote, as in the API's rows."""
    try:
        return _precisely(text) if _MAY_BE_UNSAFE(text) else orjson.loads(text)
    except (ValueError, RecursionError):
        pass
    if text[:1] in ('"', "{", "[") and _HAS_CONTROL(text):
        try:
            return _precisely(text, strict=False)
        except (ValueError, RecursionError):
            pass
    return decoded_text(text)


def _precisely(text: str, *, strict: bool = True) -> Any:
    value = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_no_constant, strict=strict)
    if "\\ud" in text or "\\uD" in text:
        # Python takes half a pair of surrogates for a character; nobody else does.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _integer(digits: str) -> Any:
    whole = int(digits)
    return whole if abs(whole) <= LARGEST_SAFE_INTEGER else digits


def _float(digits: str) -> Any:
    number = float(digits)
    return number if _significant(digits) == _significant(repr(number)) else digits


def _significant(digits: str) -> str:
    return re.split("[eE]", digits)[0].replace(".", "").replace("-", "").strip("0")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
