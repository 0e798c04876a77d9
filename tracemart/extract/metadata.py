"""Metadata as it was sent: the SDK stores each value as JSON text, and the server cuts long ones.

Whole values come back from the server as they were sent. A text cut at 200 characters is JSON no more, so it comes as
the stored text: a leading quote, its escapes, no closing quote (langfuse.md, 0b.8; recording 03). A cut object or list
stays the text it is.
"""

import re
from typing import Any

import orjson

CUT_LENGTH = 200

_BROKEN_END = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?$")
_HALF_PAIR_END = re.compile(r"(?<!\\)((?:\\\\)*)\\u[dD][89abAB][0-9a-fA-F]{2}$")


def decoded_metadata(metadata: Any) -> Any:
    """The same object, with texts that the server cut freed of the quote and the escapes they were stored with."""
    if not isinstance(metadata, dict):
        return metadata
    for value in metadata.values():
        if type(value) is str and len(value) == CUT_LENGTH and value[0] == '"':
            return {name: decoded_text(value) for name, value in metadata.items()}
    return metadata


def decoded_text(value: Any) -> Any:
    if type(value) is not str or len(value) != CUT_LENGTH or value[0] != '"':
        return value
    whole = _HALF_PAIR_END.sub(r"\1", _BROKEN_END.sub(r"\1", value))
    try:
        return orjson.loads(whole + '"')
    except orjson.JSONDecodeError:
        return value
