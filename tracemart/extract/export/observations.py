"""Rows of the table observations_v2: the columns of raw.observations that they have.

Values are those that the v4 API answers for the same row: `latency` and `time_to_first_token` are counted from the
times, which are exact and in no unit.
The API's `modelId` is not here: it is null once a model is deleted, while the export's `model_id` is `internalModelId`.
"""

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract import fields
from tracemart.extract.export import arrays, values
from tracemart.extract.export.amounts import AMOUNTS
from tracemart.extract.export.columns import (
    Batch,
    Column,
    ExportTable,
    Reading,
    Row,
    decimal,
    flag,
    free_text,
    redacted_text,
    required_text,
    required_time,
    small_count,
    text,
    time,
    user_id,
)
from tracemart.extract.export.maps import list_entries, map_entries
from tracemart.extract.fields import NULL
from tracemart.privacy import Privacy
from tracemart.privacy.redaction import redacted_value


def _latency_of_row(row: Row, _: Reading) -> str:
    start, end = values.moment(row.get("start_time"), "start_time"), values.moment(row.get("end_time"), "end_time")
    return NULL if start is None or end is None else repr(values.seconds_between(start, end))


def _first_token_of_row(row: Row, reading: Reading) -> str:
    if "completion_start_time" in row:
        start = values.moment(row.get("start_time"), "start_time")
        first = values.moment(row.get("completion_start_time"), "completion_start_time")
        return NULL if start is None or first is None else repr(values.seconds_between(start, first))
    exported = values.decimal(row.get("time_to_first_token"), "time_to_first_token")
    if exported == NULL or reading.unit.per_second is None:
        return NULL
    return repr(float(exported) / reading.unit.per_second)


def _first_token_of_batch(batch: Batch) -> pa.Array:
    if "completion_start_time" in batch.arrow.schema.names:
        return _seconds(batch, "completion_start_time")
    if batch.reading.unit.per_second is None:
        return pa.nulls(batch.arrow.num_rows, pa.float64())
    exported = batch.column("time_to_first_token").cast(pa.float64())
    return pc.divide(exported, float(batch.reading.unit.per_second))


def _seconds(batch: Batch, until: str) -> pa.Array:
    start = batch.once("start_time", arrays.time).cast(pa.int64())
    end = batch.once(until, arrays.time).cast(pa.int64())
    return pc.subtract(end, start).cast(pa.decimal128(19, 0)).view(pa.decimal128(18, 3))


def month_of(start: str) -> Column:
    """The column by which raw.observations is partitioned, of the export's column with the start."""

    def of_batch(batch: Batch) -> pa.Array:
        in_utc = batch.once(start, arrays.time).cast(pa.timestamp("ms"))
        return pc.floor_temporal(in_utc, unit="month").cast(pa.date32())

    return Column("start_month", (start,), lambda row, _: fields.month(values.time(row.get(start), start)), of_batch)


def _metadata_of_row(row: Row, reading: Reading) -> str:
    sent = values.as_sent(values.json_object(row.get("metadata"), "metadata"))
    return fields.json_or_none(reading.privacy.metadata(sent))


def _metadata_of_batch(batch: Batch) -> pa.Array:
    found, privacy = _objects(batch, "metadata"), batch.reading.privacy
    if privacy.keeps_everything:
        return found
    return arrays.translated(found, lambda sent: fields.json_or_none(privacy.metadata(orjson.loads(sent))) or None)


def _objects(batch: Batch, name: str) -> pa.Array:
    entries = map_entries(batch.column(name))
    found = entries.as_objects(arrays.translated(entries.values, _stored_json))
    return pc.if_else(pc.equal(found, "{}"), None, found)


def _stored_json(stored: str) -> str:
    return fields.json(values.stored(stored)) or "null"


def _tool_calls_of_row(row: Row, reading: Reading) -> str:
    calls = values.text_list(row.get("tool_calls"), "tool_calls")
    return fields.json_or_none([_tool_call(call, reading.privacy) for call in calls])


def _tool_calls_of_batch(batch: Batch) -> pa.Array:
    privacy, entries = batch.reading.privacy, list_entries(batch.column("tool_calls"))
    calls = arrays.translated(entries.values, lambda call: fields.json(_tool_call(call, privacy)))
    found = entries.as_json_lists(calls)
    return pc.if_else(pc.equal(found, "[]"), None, found)


def _tool_call(stored: str, privacy: Privacy) -> Any:
    """Its arguments are a part of the answer, so they are kept where answers are."""
    call = values.stored(stored)
    if privacy.redacts:
        return redacted_value(call)
    return {name: value for name, value in call.items() if name != "arguments"} if isinstance(call, dict) else {}


def text_array(name: str) -> Column:
    return Column(
        name,
        (name,),
        lambda row, _: fields.text_array(values.text_list(row.get(name), name), name),
        lambda batch: list_entries(batch.column(name)).as_arrays(),
    )


METADATA = Column("metadata", ("metadata",), _metadata_of_row, _metadata_of_batch, is_json=True)
COLUMNS = (
    required_text("trace_id"),
    required_text("id"),
    required_text("type"),
    text("parent_observation_id"),
    flag("is_root_observation"),
    text("name"),
    text("level"),
    free_text("status_message"),
    text("version"),
    text("environment"),
    flag("bookmarked"),
    flag("public"),
    user_id("user_id"),
    text("session_id"),
    text("release"),
    text("trace_name"),
    text_array("tags"),
    required_time("start_time"),
    time("end_time"),
    time("completion_start_time"),
    time("created_at"),
    time("updated_at"),
    Column(
        "latency_seconds",
        ("start_time", "end_time"),
        _latency_of_row,
        lambda batch: _seconds(batch, "end_time"),
        reads=("latency",),
    ),
    Column(
        "time_to_first_token_seconds",
        ("time_to_first_token",),
        _first_token_of_row,
        _first_token_of_batch,
        reads=("completion_start_time", "latency"),
    ),
    text("model", "provided_model_name"),
    text("internal_model_id", "model_id"),
    Column(
        "model_parameters",
        ("model_parameters",),
        lambda row, _: values.model_parameters(row.get("model_parameters")),
        lambda batch: arrays.translated(
            batch.column("model_parameters"), lambda stored: values.model_parameters(stored) or None
        ),
        is_json=True,
    ),
    decimal("input_price"),
    decimal("output_price"),
    decimal("total_price"),
    *AMOUNTS,
    decimal("total_cost"),
    text("usage_pricing_tier_id"),
    text("usage_pricing_tier_name"),
    text("prompt_id"),
    text("prompt_name"),
    small_count("prompt_version"),
    METADATA,
    redacted_text("input"),
    redacted_text("output"),
    Column(
        "tool_definitions",
        ("tool_definitions",),
        lambda row, _: fields.json_or_none(
            values.as_sent(values.json_object(row.get("tool_definitions"), "tool_definitions"))
        ),
        lambda batch: _objects(batch, "tool_definitions"),
        is_json=True,
    ),
    Column("tool_calls", ("tool_calls",), _tool_calls_of_row, _tool_calls_of_batch, is_json=True),
    text_array("tool_call_names"),
    month_of("start_time"),
)

OBSERVATIONS = ExportTable(
    name="observations_v2", columns=COLUMNS, key=("trace_id", "id", "type", "start_time"), always=("updated_at",)
)
