"""Arrow's columns as PostgreSQL's COPY takes them in binary."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pgpq import ArrowToPostgresBinaryEncoder
from pgpq.encoders import StringEncoderBuilder
from pgpq.schema import Jsonb

from tracemart.extract import fields
from tracemart.extract.copying import CopyData, Front
from tracemart.extract.export.numeric_wire import numeric

_END_OF_COPY = b"\xff\xff"


@dataclass(frozen=True, slots=True)
class ArrowRows:
    """Columns typed as their table has them: decimals or floats for numeric, and texts for text and, if named, jsonb.

    Raises pyarrow.ArrowInvalid where a text is not UTF-8, which PostgreSQL would not take.
    """

    batch: pa.RecordBatch
    json_columns: frozenset[str]

    @classmethod
    def of(cls, columns: dict[str, pa.Array], json_columns: frozenset[str]) -> "ArrowRows":
        return cls(pa.RecordBatch.from_pydict({name: _clean(array) for name, array in columns.items()}), json_columns)

    def filtered(self, wanted: Any) -> "ArrowRows":
        return ArrowRows(self.batch.filter(pa.array(wanted)), self.json_columns)

    def copied(self, front: Front) -> CopyData:
        said = (front.instance, front.project_id, front.source, front.batch_id)
        columns = {f"front {place}": pa.repeat(value, self.batch.num_rows) for place, value in enumerate(said)}
        for name, array in zip(self.batch.schema.names, self.batch.columns, strict=True):
            is_numeric = pa.types.is_decimal(array.type) or pa.types.is_floating(array.type)
            columns[name] = numeric(array) if is_numeric else array
        batch = pa.RecordBatch.from_pydict(columns)
        encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(
            batch.schema, {field.name: self._encoder(field) for field in batch.schema}
        )
        header = encoder.write_header()
        # What is left comes with the end of a COPY, which goes on here.
        content = encoder.write_batch(batch) + encoder.finish().removesuffix(_END_OF_COPY)
        return CopyData(content, "(format binary)", header)

    def months_of_traces(self) -> set[bytes]:
        trace_ids, months = self.batch.column(0), self.batch.column(self.batch.num_columns - 1)
        pairs = pc.unique(pc.binary_join_element_wise(trace_ids, months.cast(pa.string()), "\t"))
        return {fields.line(pair.rsplit("\t", 1))[:-1].encode() for pair in pairs.to_pylist()}

    def _encoder(self, field: pa.Field) -> Any:
        if field.name in self.json_columns and pa.types.is_string(field.type):
            return StringEncoderBuilder.new_with_output(field, Jsonb())
        return ArrowToPostgresBinaryEncoder.infer_encoder(field)


def _clean(values: pa.Array) -> pa.Array:
    """Texts that PostgreSQL takes: `""` is NULL, and NUL, which its text does not know, U+FFFD."""
    values.validate(full=True)
    if not pa.types.is_string(values.type):
        return values
    values = without_nul(values)
    _, offsets, content = values.buffers()
    ends = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    is_there = np.diff(ends) > 0
    if values.null_count:
        is_there &= pc.is_valid(values).to_numpy(zero_copy_only=False)
    bits = pa.py_buffer(np.packbits(is_there, bitorder="little"))
    return pa.Array.from_buffers(pa.string(), len(values), [bits, pa.py_buffer(ends), content])


def without_nul(values: pa.Array) -> pa.Array:
    offsets, content = values.buffers()[1:]
    if content is None or not len(values):
        return values
    ends = np.frombuffer(offsets, np.int32)
    held = content[int(ends[values.offset]) : int(ends[values.offset + len(values)])]
    return pc.replace_substring(values, "\x00", fields.REPLACEMENT) if b"\x00" in bytes(held) else values
