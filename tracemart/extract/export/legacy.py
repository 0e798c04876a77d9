"""Rows of the tables observations and traces, which exports had before v4: the columns that v3's API gives them.

Each trace becomes an observation `t-<trace id>`, the parent of those without one, as in extract/v3_rows; what an
observation has from its trace (user, session, tags …) is filled in by v3_traces once both are in.
The tables' columns: `LEGACY_OBSERVATION_EXPORT_FIELDS` and `getTracesForBlobStorageExport` of the server, 4.16.0.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract import fields
from tracemart.extract.export import arrays, values
from tracemart.extract.export.columns import (
    Batch,
    Column,
    ExportTable,
    Reading,
    Row,
    flag,
    redacted_text,
    required_time,
    text,
    time,
    user_id,
)
from tracemart.extract.export.observations import (
    COLUMNS,
    METADATA,
    month_of,
    text_array,
)
from tracemart.extract.v3_rows import root_id

ROOT = root_id("")


def _parent_of_row(row: Row, _: Reading) -> str:
    parent = values.text(row.get("parent_observation_id"), "parent_observation_id")
    trace_id = fields.required_text(row.get("trace_id"), "trace_id")
    return parent or (fields.NULL if row.get("id") == trace_id else root_id(trace_id))


def _parent_of_batch(batch: Batch) -> pa.Array:
    parent, trace_id = arrays.text(batch.column("parent_observation_id")), arrays.text(batch.column("trace_id"))
    root = pc.binary_join_element_wise(ROOT, trace_id, "")
    own = pc.if_else(pc.equal(trace_id, arrays.text(batch.column("id"))), None, root)
    return pc.if_else(pc.equal(parent.fill_null(""), ""), own, parent)


def _is_root_of_row(row: Row, reading: Reading) -> str:
    return fields.flag(_parent_of_row(row, reading) == fields.NULL, "parent_observation_id")


def _is_root_of_batch(batch: Batch) -> pa.Array:
    return pc.is_null(_parent_of_batch(batch))


def _constant(name: str, said: str, value: Any = None, *, is_json: bool = False) -> Column:
    """The same in every row: `value`, where it is no text, as COPY text says it."""
    repeated = said if value is None else value
    return Column(
        name, ("id",), lambda *_: said, lambda batch: pa.repeat(repeated, batch.arrow.num_rows), is_json=is_json
    )


def _key(name: str, key_of: Callable[[str], str]) -> Column:
    """Of a trace's id."""

    def of_batch(batch: Batch) -> pa.Array:
        found = arrays.text(batch.column("id"))
        batch.suspect(pc.or_kleene(pc.is_null(found), pc.equal(found, "")))
        return pc.binary_join_element_wise(key_of(""), found, "")

    return Column(name, ("id",), lambda row, _: key_of(fields.required_text(row.get("id"), "id")), of_batch)


_PARENTS = ("id", "trace_id", "parent_observation_id")
_OTHER = {
    "parent_observation_id": Column("parent_observation_id", _PARENTS, _parent_of_row, _parent_of_batch),
    "is_root_observation": Column("is_root_observation", _PARENTS, _is_root_of_row, _is_root_of_batch),
}
LEGACY_OBSERVATIONS = ExportTable(
    name="observations",
    columns=(*(_OTHER.get(column.name, column) for column in COLUMNS[:-1]), text("model_id"), COLUMNS[-1]),
    key=("trace_id", "id", "type", "start_time"),
    always=("updated_at",),
)
TRACES = ExportTable(
    name="traces",
    columns=(
        _key("trace_id", lambda trace_id: trace_id),
        _key("id", root_id),
        _constant("type", "SPAN"),
        _constant("is_root_observation", "t", True),
        _constant("level", "DEFAULT"),
        text("name"),
        text("version"),
        text("environment"),
        flag("bookmarked"),
        flag("public"),
        user_id("user_id"),
        text("session_id"),
        text("release"),
        text("trace_name", "name"),
        text_array("tags"),
        required_time("start_time", "timestamp"),
        time("created_at"),
        time("updated_at"),
        *(_constant(name, "{}", is_json=True) for name in ("usage_details", "cost_details")),
        *(_constant(name, "0", 0) for name in ("input_usage", "output_usage", "total_usage")),
        _constant("total_cost", "0", Decimal(0)),
        METADATA,
        redacted_text("input"),
        redacted_text("output"),
        month_of("timestamp"),
    ),
    key=("id", "timestamp"),
    always=("updated_at",),
)
