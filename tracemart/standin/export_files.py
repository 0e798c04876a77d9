"""Files of the export: Parquet as ClickHouse writes it, and CSV, JSON and JSONL as Langfuse's worker does.

Text formats: times as `2024-05-29 13:46:19.963000`, money as JSON numbers, CSV with every field quoted and a header
taken from the first row, so that a file without rows is empty; JSON without rows is `[]` (`utils/transforms/*` in
packages/shared/src/server, 4.16.0). Escapes such as \\u00e9 in a text are written as their characters.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal

Form = Literal["parquet", "csv", "json", "jsonl"]
CONTENT_TYPES: dict[Form, str] = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
}
ROW_GROUP = 100_000

_ESCAPED = re.compile(r"\\+u([0-9a-fA-F]{4})")


def write_file(path: Path, form: Form, table: str, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> int:
    """The number of rows; a name that ends in .gz is compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "parquet":
        return _write_parquet(path, table, columns, rows)
    counted = _Counted(_texts(row, columns) for row in rows)
    with (
        gzip.open(path, "wt", encoding="utf-8", newline="")
        if path.suffix == ".gz"
        else path.open("w", encoding="utf-8", newline="") as out
    ):
        _WRITERS[form](out, counted)
    return counted.rows


class _Counted:
    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = rows
        self.rows = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            self.rows += 1
            yield row


def _write_csv(out: Any, rows: Iterable[dict[str, Any]]) -> None:
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for position, row in enumerate(rows):
        if not position:
            writer.writerow(row)
        writer.writerow(
            ["" if value is None else value if isinstance(value, str) else _json(value) for value in row.values()]
        )


def _write_json(out: Any, rows: Iterable[dict[str, Any]]) -> None:
    opening = "["
    for row in rows:
        out.write(opening + _json(row))
        opening = ","
    out.write("[]" if opening == "[" else "]")


def _write_jsonl(out: Any, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        out.write(_json(row) + "\n")


_WRITERS = {"csv": _write_csv, "json": _write_json, "jsonl": _write_jsonl}


def _texts(row: dict[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {column: _text(row[column]) for column in columns}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _text(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_text(entry) for entry in value]
    return _unescaped(value) if isinstance(value, str) else value


def _unescaped(text: str) -> str:
    """Halves of surrogate pairs stay as they are."""
    if "\\u" not in text:
        return text
    return _ESCAPED.sub(
        lambda found: found[0] if 0xD800 <= int(found[1], 16) <= 0xDFFF else chr(int(found[1], 16)), text
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write_parquet(path: Path, table: str, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    durations = pa.float64()
    remaining = iter(rows)
    block = list(islice(remaining, ROW_GROUP))
    if any(type(row.get("latency")) is int for row in block):
        durations = pa.int64()
    schema = pa.schema([(column, _arrow_type(column, table, durations)) for column in columns])
    written = 0
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False) as writer:
        while block:
            values = {column: [row[column] for row in block] for column in columns}
            writer.write_table(pa.Table.from_pydict(values, schema))
            written += len(block)
            block = list(islice(remaining, ROW_GROUP))
    return written


def _arrow_type(column: str, table: str, durations: Any) -> Any:
    """ClickHouse's types as its Parquet has them."""
    import pyarrow as pa

    money, text = pa.decimal128(18, 12), pa.string()
    if column in ("start_time", "end_time", "completion_start_time", "created_at", "updated_at", "timestamp"):
        return pa.timestamp("ms" if table == "scores" else "us", "UTC")
    return {
        "usage_details": pa.map_(text, pa.uint64()),
        "cost_details": pa.map_(text, money),
        "metadata": pa.map_(text, text),
        "tool_definitions": pa.map_(text, text),
        "tool_calls": pa.list_(text),
        "tool_call_names": pa.list_(text),
        "tags": pa.list_(text),
        "total_cost": money,
        "prompt_version": pa.uint16(),
        "bookmarked": pa.bool_(),
        "public": pa.bool_(),
        "is_root_observation": pa.bool_(),
        "latency": durations,
        "time_to_first_token": durations,
        "value": pa.float64(),
    }.get(column, text)


def file_suffix(form: Form, compressed: bool) -> str:
    return f"{form}.gz" if compressed and form != "parquet" else form
