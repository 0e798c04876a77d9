"""The same lines as rows.observation_line, four times as fast, for entries in the form that servers usually send.

An entry in any other form, and one that cannot be kept, goes through observation_line itself, which alone decides what
is right. Text of JSON values is passed on as it was sent, so that nothing is parsed that PostgreSQL parses again.
"""

import re
from datetime import datetime
from typing import Any

import msgspec

from tracemart.extract import fields
from tracemart.extract.answers import parse_json
from tracemart.extract.fields import NULL, RowError
from tracemart.extract.rows import observation_line

_FLAGS = {None: NULL, True: "t", False: "f"}
_NOTHING = msgspec.Raw(b"")
_EMPTY_JSON = frozenset({b"", b"null", b"{}", b"[]", b'""'})
_LONGEST_EMPTY_JSON = 4
_WHOLE_COUNTS = re.compile(rb'\{(?:"[^"\\]*":[0-9]{1,18}(?:,"[^"\\]*":[0-9]{1,18})*)?\}').fullmatch
_AMOUNT = rb'"[^"\\]*":-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?'
_AMOUNTS = re.compile(rb"\{(?:" + _AMOUNT + rb"(?:," + _AMOUNT + rb")*)?\}").fullmatch

Number = float | int | None


class _Entry(msgspec.Struct, rename="camel", gc=False):
    """An entry of /api/public/v2/observations as it usually comes."""

    trace_id: str
    id: str
    type: str
    start_time: str
    parent_observation_id: str | None = None
    is_root_observation: bool | None = None
    name: str | None = None
    level: str | None = None
    status_message: str | None = None
    version: str | None = None
    environment: str | None = None
    bookmarked: bool | None = None
    public: bool | None = None
    user_id: str | None = None
    session_id: str | None = None
    release: str | None = None
    trace_name: str | None = None
    tags: list[str] | None = None
    end_time: str | None = None
    completion_start_time: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    latency: Number = None
    time_to_first_token: Number = None
    model: str | msgspec.UnsetType | None = msgspec.UNSET
    provided_model_name: str | None = None
    internal_model_id: str | None = None
    model_id: str | None = None
    model_parameters: msgspec.Raw = _NOTHING
    input_price: Number | str = None
    output_price: Number | str = None
    total_price: Number | str = None
    usage_details: msgspec.Raw = _NOTHING
    cost_details: msgspec.Raw = _NOTHING
    input_usage: int | None = None
    output_usage: int | None = None
    total_usage: int | None = None
    input_cost: Number = None
    output_cost: Number = None
    total_cost: Number = None
    usage_pricing_tier_id: str | None = None
    usage_pricing_tier_name: str | None = None
    prompt_id: str | None = None
    prompt_name: str | None = None
    prompt_version: int | None = None
    metadata: msgspec.Raw = _NOTHING


_decode = msgspec.json.Decoder(_Entry).decode


class _UnusualError(Exception):
    pass


def fast_observation_line(entry: msgspec.Raw) -> str:
    """OBSERVATION_COLUMNS of one entry. Raises RowError."""
    try:
        return _usual_line(_decode(entry))
    except (msgspec.DecodeError, _UnusualError, RowError):
        return observation_line(entry_value(entry))


def entry_value(entry: msgspec.Raw) -> Any:
    """The entry as a JSON value."""
    return parse_json(bytes(entry))


def _usual_line(row: _Entry) -> str:
    if not (row.trace_id and row.id and row.type):
        raise _UnusualError
    time = _usual_time
    created_at = time(row.created_at)
    start_time = time(row.start_time)
    if start_time is NULL:
        raise _UnusualError
    return fields.line(
        [
            row.trace_id,
            row.id,
            row.type,
            row.parent_observation_id or NULL,
            _FLAGS[row.is_root_observation],
            row.name or NULL,
            row.level or NULL,
            row.status_message or NULL,
            row.version or NULL,
            row.environment or NULL,
            _FLAGS[row.bookmarked],
            _FLAGS[row.public],
            row.user_id or NULL,
            row.session_id or NULL,
            row.release or NULL,
            row.trace_name or NULL,
            _text_array(row.tags),
            start_time,
            time(row.end_time),
            time(row.completion_start_time),
            created_at,
            created_at if row.updated_at == row.created_at else time(row.updated_at),
            NULL if row.latency is None else repr(row.latency),
            NULL if row.time_to_first_token is None else repr(row.time_to_first_token),
            (row.provided_model_name if row.model is msgspec.UNSET else row.model) or NULL,
            row.internal_model_id or NULL,
            row.model_id or NULL,
            _json_text(row.model_parameters),
            NULL if row.input_price is None else fields.decimal(row.input_price, "inputPrice"),
            NULL if row.output_price is None else fields.decimal(row.output_price, "outputPrice"),
            NULL if row.total_price is None else fields.decimal(row.total_price, "totalPrice"),
            _checked_json_text(row.usage_details, _WHOLE_COUNTS),
            _checked_json_text(row.cost_details, _AMOUNTS),
            NULL if row.input_usage is None else _usual_count(row.input_usage),
            NULL if row.output_usage is None else _usual_count(row.output_usage),
            NULL if row.total_usage is None else _usual_count(row.total_usage),
            NULL if row.input_cost is None else repr(row.input_cost),
            NULL if row.output_cost is None else repr(row.output_cost),
            NULL if row.total_cost is None else repr(row.total_cost),
            row.usage_pricing_tier_id or NULL,
            row.usage_pricing_tier_name or NULL,
            row.prompt_id or NULL,
            row.prompt_name or NULL,
            NULL if row.prompt_version is None else fields.small_count(row.prompt_version, "promptVersion"),
            _metadata_text(row.metadata),
            fields.month(start_time),
        ]
    )


def _usual_time(value: str | None) -> str:
    """A time in the form of Langfuse's own, 2026-11-22T14:03:00.613Z."""
    if not value:
        return NULL
    if len(value) != 24 or value[23] != "Z" or value[19] != "." or value[10] != "T" or value[7] != "-":
        raise _UnusualError
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise _UnusualError from None
    return value


def _usual_count(value: int) -> str:
    if not 0 <= value <= fields.LARGEST_COUNT:
        raise _UnusualError
    return str(value)


def _text_array(value: list[str] | None) -> str:
    if value:
        listed = '{"' + '","'.join(value) + '"}'
        if "\\" not in listed and listed.count('"') == 2 * len(value):
            return listed
    return fields.text_array(value, "tags")


def _json_text(value: msgspec.Raw) -> str:
    sent = bytes(value)
    if len(sent) <= _LONGEST_EMPTY_JSON and sent in _EMPTY_JSON:
        return NULL
    # jsonb knows neither NUL nor half a pair; both are rare enough to leave to the exact way.
    if b"\\" in sent and (b"\\u0000" in sent or b"\\ud" in sent or b"\\uD" in sent):
        raise _UnusualError
    return sent.decode()


def _checked_json_text(value: msgspec.Raw, is_usual: Any) -> str:
    sent = bytes(value)
    if is_usual(sent):
        return sent.decode()
    if sent in (b"", b"null"):
        return NULL
    raise _UnusualError


def _metadata_text(value: msgspec.Raw) -> str:
    text = _json_text(value)
    # A text that the server cut begins with a quote of its own: see metadata.decoded_metadata.
    if "\\" in text and (':"\\"' in text or ': "\\"' in text):
        raise _UnusualError
    return text
