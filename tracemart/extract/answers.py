"""What an answer of Langfuse says: its JSON, its error, how long it asks to wait."""

import email.utils
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for, given in seconds or as a date; None where it says nothing."""
    if not header:
        return None
    try:
        return timedelta(seconds=max(0.0, float(header)))
    except (ValueError, OverflowError):
        pass
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(timedelta(0), moment - now)


def pause_asked(response: httpx.Response) -> timedelta | None:
    """The pause of Retry-After; where only X-RateLimit-Reset, JavaScript's text of a date, is given, until then."""
    now = datetime.now(UTC)
    pause = retry_after(response.headers.get("retry-after"), now)
    return pause if pause is not None else retry_after(response.headers.get("x-ratelimit-reset"), now)


def whole_object(content: bytes) -> bytes:
    """The text itself if it begins and ends as a JSON object does. Raises ValueError for a page or a cut answer."""
    if content[:64].lstrip()[:1] == b"{" and content[-64:].rstrip()[-1:] == b"}":
        return content
    raise ValueError("no JSON object")


def parse_object(content: bytes) -> dict[str, Any]:
    """The JSON object that a text is. Raises ValueError for anything else."""
    answer = parse_json(content)
    if isinstance(answer, dict):
        return answer
    raise ValueError("no JSON object")


def parse_json(content: bytes) -> Any:
    """The value of a JSON text; None if it is none.

    Numbers with a fraction arrive as floats, and nothing is lost by it: the server writes the shortest text that
    names its double, and `repr(float)` gives just that text back, so `Decimal(repr(x))` is the number as sent.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        # JavaScript may send half a surrogate pair, which orjson refuses; it becomes U+FFFD.
        text = json.dumps(json.loads(content), ensure_ascii=False)
        return orjson.loads(_HALF_PAIR.sub("\ufffd", text))
    except (ValueError, RecursionError):
        return None


def error_message(response: httpx.Response) -> str:
    """What the server says about its error, in one short line without markup."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return ""
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, str) or not message.strip():
        return ""
    return message.strip().splitlines()[0][:200].rstrip(".")
