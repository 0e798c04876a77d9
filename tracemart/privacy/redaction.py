"""Texts without what identifies people or opens doors; each kind leaves its placeholder.

`[EMAIL]`, `[PHONE]`, `[SECRET]`, `[CARD]`, `[IBAN]`, `[IP]`: the same text always gives the same, and what is redacted
stays as it is when it is redacted again. docs/decisions/0007-redaction.md says what is found and what is not.
"""

import re
from functools import lru_cache
from typing import Any

import orjson

from tracemart.privacy.number_patterns import is_card, without_ipv6, without_numbers
from tracemart.privacy.secret_patterns import CASED, UNCASED, Pattern, is_sensitive_name

SECRET = "[SECRET]"  # noqa: S105 - the placeholder
# One placeholder may uncover the next: what stood beside it now has a boundary.
_PASSES = 8
_NESTED_JSON = 6
_SHORT = 80

_EMAIL_LOCAL = r"[\w.%+!#$&'*/=?^`{|}~-]"
_EMAIL = re.compile(rf"(?<!{_EMAIL_LOCAL}){_EMAIL_LOCAL}+(?:@|%40)(?:[\w-]+\.)+[^\W\d_]{{2,63}}")
_HAS_DIGIT = re.compile(r"[0-9]").search
# A string with, where it is a key, the colon after it; or a number. All else of a JSON text stays as it was written.
_JSON_TOKEN = re.compile(
    r'"(?P<text>[^"\\]*(?:\\.[^"\\]*)*)"(?P<colon>\s*:\s*)?|(?P<number>-?[0-9][0-9.eE+-]*)', re.DOTALL
)


def redacted(text: str) -> str:
    """A prompt, an answer or any other text; in a JSON text what its strings and numbers say, so that it stays JSON."""
    return _redacted(text, _NESTED_JSON)


def redacted_value(value: Any) -> Any:
    """Any JSON value, keys of objects as well."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {redacted(key): _redacted_entry(key, entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [redacted_value(entry) for entry in value]
    if type(value) is int and is_card(str(value)):
        return "[CARD]"
    return value


def _redacted_entry(key: str, value: Any) -> Any:
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return SECRET if value and is_plain and is_sensitive_name(key) else redacted_value(value)


def _redacted(text: str, nested: int) -> str:
    if nested and (text[:1] in '{["' or text[:1].isspace()):
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
        else:
            return _redacted_json(text, nested - 1)
    return _redacted_short(text) if len(text) <= _SHORT else _redacted_plain(text)


def _redacted_plain(text: str) -> str:
    for _ in range(_PASSES):
        once = _redacted_once(text)
        if once == text:
            break
        text = once
    return text


# Metadata say the same few things millions of times.
_redacted_short = lru_cache(maxsize=20_000)(_redacted_plain)


def _redacted_json(text: str, nested: int) -> str:
    name, value_starts_at = "", -1

    def replaced(token: re.Match[str]) -> str:
        nonlocal name, value_starts_at
        is_secret = token.start() == value_starts_at and is_sensitive_name(name)
        number = token["number"]
        if number is not None:
            return f'"{SECRET}"' if is_secret else '"[CARD]"' if is_card(number) else number
        written, colon = token["text"], token["colon"] or ""
        said: str = orjson.loads(f'"{written}"') if "\\" in written else written
        if colon:
            name, value_starts_at = said, token.end()
        clean = SECRET if is_secret and said else _redacted(said, nested)
        return token[0] if clean == said else orjson.dumps(clean).decode() + colon

    return _JSON_TOKEN.sub(replaced, text)


def _redacted_once(text: str) -> str:
    for pattern in CASED:
        if pattern.may_be_in(text):
            text = _without(pattern, text)
    lowered = text.lower()
    for pattern in UNCASED:
        if pattern.may_be_in(lowered):
            text = _without(pattern, text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("[EMAIL]", text)
    if ":" in text:
        text = without_ipv6(text)
    return without_numbers(text) if _HAS_DIGIT(text) else text


def _without(pattern: Pattern, text: str) -> str:
    kept = rf"\g<kept>{SECRET}" if "kept" in pattern.expression.groupindex else SECRET
    return pattern.expression.sub(kept, text)
