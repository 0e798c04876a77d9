"""Rows of the table scores: the columns of raw.scores that they have.

Values and subjects are those that the API's v3 scores answer for the same row (`polymorphicValueForV3` and
`deriveSubjectForV3` in `packages/shared/src/server/repositories/scores.ts`, 4.16.0). The export has no config, no
metadata, no author and no queue, and leaves scores of type CORRECTION out.
"""

import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract.export import arrays, values
from tracemart.extract.export.columns import (
    Batch,
    Column,
    ExportTable,
    Reading,
    Row,
    free_text,
    required_text,
    required_time,
    text,
    time,
)
from tracemart.extract.fields import NULL, RowError

# The first that is there names the subject. Of an observation's score the trace is known as well, of others not.
_SUBJECTS = (
    ("experiment", "dataset_run_id"),
    ("observation", "observation_id"),
    ("session", "session_id"),
    ("trace", "trace_id"),
)
_NEEDS = tuple(source for _, source in _SUBJECTS)


def _numeric_of_row(row: Row, _: Reading) -> str:
    kind = row.get("data_type")
    if kind not in ("NUMERIC", "BOOLEAN"):
        return NULL
    value = values.decimal(row.get("value"), "value")
    if value == NULL:
        raise RowError("value is missing")
    return value if kind == "NUMERIC" else _truth(value, "1", "0")


def _string_of_row(row: Row, reading: Reading) -> str:
    kind = row.get("data_type")
    if kind == "NUMERIC":
        return NULL
    if kind == "BOOLEAN":
        return _truth(values.decimal(row.get("value"), "value"), "True", "False")
    return reading.privacy.free_text(values.text(row.get("string_value"), "string_value")) or NULL


def _truth(value: str, true: str, false: str) -> str:
    return true if value != NULL and float(value) == 1 else false


def _numeric_of_batch(batch: Batch) -> pa.Array:
    numeric, boolean, truth = _kinds(batch)
    batch.suspect(pc.and_(pc.or_(numeric, boolean), pc.is_null(batch.column("value"))))
    value = arrays.decimal(batch.column("value"))
    return pc.if_else(numeric, value, pc.if_else(boolean, truth, None).cast(pa.int8()).cast(value.type))


def _string_of_batch(batch: Batch) -> pa.Array:
    numeric, boolean, truth = _kinds(batch)
    string = arrays.text(batch.column("string_value"))
    if batch.reading.privacy.redacts:
        string = arrays.translated(string, batch.reading.privacy.free_text)
    return pc.if_else(numeric, None, pc.if_else(boolean, pc.if_else(truth, "True", "False"), string))


def _kinds(batch: Batch) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Which rows are NUMERIC, which BOOLEAN, and whether the value is 1."""
    kind = arrays.text(batch.column("data_type"))
    return (
        pc.equal(kind, "NUMERIC").fill_null(False),
        pc.equal(kind, "BOOLEAN").fill_null(False),
        pc.equal(batch.column("value"), 1).fill_null(False),
    )


def _subject_of_row(row: Row) -> str:
    return next((kind for kind, source in _SUBJECTS if row.get(source) not in (None, "")), NULL)


def _subject_of_batch(batch: Batch) -> pa.Array:
    found = pa.nulls(batch.arrow.num_rows, pa.string())
    for kind, source in reversed(_SUBJECTS):
        found = pc.if_else(pc.not_equal(arrays.text(batch.column(source)), "").fill_null(False), kind, found)
    return found


def _part(name: str, source: str, kinds: tuple[str, ...]) -> Column:
    """An id that is there if the score's subject is one of these."""

    def of_row(row: Row, _: Reading) -> str:
        return values.text(row.get(source), source) if _subject_of_row(row) in kinds else NULL

    def of_batch(batch: Batch) -> pa.Array:
        is_part = pc.is_in(_subject_of_batch(batch), pa.array(kinds))
        return pc.if_else(is_part, arrays.text(batch.column(source)), None)

    return Column(name, _NEEDS, of_row, of_batch)


SCORES = ExportTable(
    name="scores",
    columns=(
        required_text("id"),
        required_text("name"),
        text("source"),
        required_text("data_type"),
        Column("numeric_value", ("data_type", "value"), _numeric_of_row, _numeric_of_batch),
        Column("string_value", ("data_type", "value", "string_value"), _string_of_row, _string_of_batch),
        text("environment"),
        required_time("scored_at", "timestamp"),
        Column("subject_kind", _NEEDS, lambda row, _: _subject_of_row(row), _subject_of_batch),
        _part("trace_id", "trace_id", ("trace", "observation")),
        _part("observation_id", "observation_id", ("observation",)),
        _part("session_id", "session_id", ("session",)),
        _part("experiment_id", "dataset_run_id", ("experiment",)),
        free_text("comment"),
        time("created_at"),
        time("updated_at"),
    ),
    key=("id", "name", "data_type", "timestamp"),
    always=("updated_at",),
)
