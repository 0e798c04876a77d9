"""Writing charges as CSV and as Parquet, batch by batch."""

import csv
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracemart.focus.charges import Charge
from tracemart.focus.columns import COLUMNS, DECIMALS, Kind

Write = Callable[[list[Charge]], None]


def csv_writer(file: Path, stack: ExitStack) -> Write:
    """Decimals in full, without exponent; times as 2026-09-01T00:00:00Z; NULL is empty."""
    handle = stack.enter_context(file.open("w", newline="", encoding="utf-8"))
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(COLUMNS)

    def write(batch: list[Charge]) -> None:
        writer.writerows([as_text(value) for value in row] for row in batch)

    return write


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return str(value)


def parquet_writer(file: Path, stack: ExitStack) -> Write:
    """Decimals as decimal128(38, DECIMALS), times as timestamps in UTC, JSON as text; one row group a batch."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {
        Kind.TEXT: pa.string(),
        Kind.JSON: pa.string(),
        Kind.DECIMAL: pa.decimal128(38, DECIMALS),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    writer = stack.enter_context(parquet.ParquetWriter(file, schema, compression="zstd"))

    def write(batch: list[Charge]) -> None:
        arrays = [
            pa.array(values, type=field.type) for values, field in zip(zip(*batch, strict=True), schema, strict=True)
        ]
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

    return write
