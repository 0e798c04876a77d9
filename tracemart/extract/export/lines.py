"""Rows and Arrow batches of an export to chunks."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from tracemart.extract import fields
from tracemart.extract.chunks import Chunk, Rejected
from tracemart.extract.export.arrays import UnfitError
from tracemart.extract.export.arrow_rows import ArrowRows
from tracemart.extract.export.columns import Batch, Column, Reading, Row
from tracemart.extract.fields import RowError


def chunk_of_rows(rows: list[Row], columns: tuple[Column, ...], reading: Reading) -> Chunk:
    lines: list[str] = []
    rejected: list[Rejected] = []
    for row in rows:
        try:
            lines.append(_line(row, columns, reading))
        except RowError as error:
            rejected.append(Rejected(reading.privacy.payload("observations", row), str(error)))
    return Chunk.of_lines(lines, rejected)


def _line(row: Row, columns: tuple[Column, ...], reading: Reading) -> str:
    try:
        line = fields.line([column.of_row(row, reading) for column in columns])
        line.encode()
    except (UnicodeEncodeError, orjson.JSONEncodeError):
        # Half a pair of surrogates, which JSON may hold and no text can.
        whole = orjson.loads(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
        line = fields.line([column.of_row(whole, reading) for column in columns])
    return line


def chunks_of_batch(batch: pa.RecordBatch, columns: tuple[Column, ...], reading: Reading) -> Iterator[Chunk]:
    """The columns at once; rows that they cannot judge, or all if a type is not the expected one, one by one."""
    fast = Batch(batch, reading)
    try:
        made = {column.name: column.of_batch(fast) for column in columns}
        rows = ArrowRows.of(made, frozenset(column.name for column in columns if column.is_json))
    except (UnfitError, UnicodeDecodeError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        yield chunk_of_rows(plain_rows(batch), columns, reading)
        return
    if not fast.suspects.any():
        yield Chunk(rows, batch.num_rows)
        return
    sound = rows.filtered(~fast.suspects)
    yield Chunk(sound, sound.batch.num_rows)
    yield chunk_of_rows(plain_rows(batch.filter(pa.array(fast.suspects))), columns, reading)


def plain_rows(batch: pa.RecordBatch) -> list[Row]:
    """The same rows as JSON has them."""
    types = {field.name: field.type for field in batch.schema}
    try:
        rows = batch.to_pylist()
    except UnicodeDecodeError:
        rows = batch.cast(pa.schema([field.with_type(_of_bytes(field.type)) for field in batch.schema])).to_pylist()
    return [{name: _plain(value, types[name]) for name, value in row.items()} for row in rows]


def _of_bytes(kind: pa.DataType) -> pa.DataType:
    """The type with bytes where it has texts."""
    if pa.types.is_map(kind):
        return pa.map_(_of_bytes(kind.key_type), _of_bytes(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(_of_bytes(kind.value_type))
    return pa.binary() if pa.types.is_string(kind) else kind


def _plain(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_map(kind):
        return {str(_plain(name, kind.key_type)): _plain(entry, kind.item_type) for name, entry in value}
    if isinstance(value, list):
        return [_plain(entry, kind.value_type) for entry in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, date) else value
