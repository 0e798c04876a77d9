"""One file of an export to chunks, in bounded memory whatever its length.

Prompts and answers are dropped as soon as a row is read, and never read of a Parquet file.
"""

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from tracemart.errors import ExportError
from tracemart.extract.chunks import Chunk
from tracemart.extract.export import values
from tracemart.extract.export.columns import Column, ExportTable, Reading, Row
from tracemart.extract.export.lines import chunk_of_rows, chunks_of_batch, plain_rows
from tracemart.extract.export.manifests import ExportedFile
from tracemart.extract.export.storage import Storage
from tracemart.extract.fields import RowError
from tracemart.privacy import Privacy

ROWS_AT_ONCE = 2_000
BATCH_ROWS = 4_096
BLOCK_CHARACTERS = 1 << 20
READ_AHEAD = 1 << 20
ROWS_TO_LEARN_FROM = 1_000
# Prompts and answers, read where they are redacted, may be thousands of times as long as all the rest of a row.
ROWS_WITH_PROMPTS = 128


@dataclass(frozen=True)
class Content:
    """A file's columns of raw and its rows; neither for a file without rows."""

    columns: tuple[Column, ...] = ()
    chunks: Iterable[Chunk] = field(default=())

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@contextmanager
def opened_file(storage: Storage, file: ExportedFile, table: ExportTable, privacy: Privacy) -> Iterator[Content]:
    """Raises ExportError, here or while the chunks are read, if the file is not what its manifest says."""
    where = f"{storage.url}/{file.path}"
    with storage.opened(file.path) as stored:
        if file.form == "parquet":
            yield _parquet(stored, file, table, privacy, where)
        else:
            yield _text(stored, file, table, privacy, where)


def _parquet(stored: BinaryIO, file: ExportedFile, table: ExportTable, privacy: Privacy, where: str) -> Content:
    try:
        # The stream behind fsspec's wrapper, where there is one, reads without Python.
        parquet = pq.ParquetFile(getattr(stored, "stream", stored), pre_buffer=False, buffer_size=READ_AHEAD)
    except (pa.ArrowException, OSError) as error:
        raise _broken(where, error) from None
    _check_rows(parquet.metadata.num_rows, file, where)
    names = parquet.schema_arrow.names
    columns = _columns(names, table, privacy, where)
    wanted = [name for name in names if name in table.read_with(privacy)]

    def chunks() -> Iterator[Chunk]:
        reading = Reading(privacy)
        rows_at_once = ROWS_WITH_PROMPTS if privacy.redacts else BATCH_ROWS
        for batch in _batches(parquet, wanted, rows_at_once, where):
            if _has_to_learn(reading, names):
                reading.unit.learn(_latencies(plain_rows(batch.slice(0, ROWS_TO_LEARN_FROM))))
            yield from chunks_of_batch(batch, columns, reading)

    return Content(columns, chunks()) if parquet.metadata.num_rows else Content()


def _batches(parquet: pq.ParquetFile, wanted: list[str], rows: int, where: str) -> Iterator[pa.RecordBatch]:
    try:
        yield from parquet.iter_batches(batch_size=rows, columns=wanted, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise _broken(where, error) from None


def _text(stored: BinaryIO, file: ExportedFile, table: ExportTable, privacy: Privacy, where: str) -> Content:
    rows = _rows(stored, file.form, table.read_with(privacy), where)
    first = next(rows, None)
    if first is None:
        _check_rows(0, file, where)
        return Content()
    names = tuple(first)
    columns = _columns(names, table, privacy, where)

    def chunks() -> Iterator[Chunk]:
        reading, read, following = Reading(privacy), 0, chain([first], rows)
        while block := list(islice(following, ROWS_WITH_PROMPTS if privacy.redacts else ROWS_AT_ONCE)):
            if _has_to_learn(reading, names):
                reading.unit.learn(_latencies(block))
            read += len(block)
            yield chunk_of_rows(block, columns, reading)
        _check_rows(read, file, where)

    return Content(columns, chunks())


def _columns(names: Iterable[str], table: ExportTable, privacy: Privacy, where: str) -> tuple[Column, ...]:
    missing = [name for name in table.key if name not in names]
    if missing:
        raise ExportError(f"{where} lacks {', '.join(missing)}, so it is no file of the table {table.name}.")
    return table.held_by(names, privacy)


def _has_to_learn(reading: Reading, names: Iterable[str]) -> bool:
    """Whether only the unit of durations tells the time to the first token, and it is not known yet."""
    is_needed = "time_to_first_token" in names and "completion_start_time" not in names
    return is_needed and reading.unit.per_second is None


def _latencies(rows: list[Row]) -> Iterator[tuple[float | None, float | None]]:
    for row in rows:
        try:
            latency = values.decimal(row.get("latency"), "latency")
            start, end = values.moment(row.get("start_time"), ""), values.moment(row.get("end_time"), "")
        except RowError:
            continue
        if latency and start and end:
            yield float(latency), values.seconds_between(start, end)


def _check_rows(read: int, file: ExportedFile, where: str) -> None:
    if file.rows is not None and read != file.rows:
        raise ExportError(
            f"{where} has {read} rows instead of the {file.rows} of its manifest, so nothing of that run was loaded:"
            " let Langfuse export that time again."
        )


def _rows(stored: BinaryIO, form: str, known: frozenset[str], where: str) -> Iterator[Row]:
    try:
        yield from _READERS[form](_unpacked(stored), known)
    except (ValueError, csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(where, error) from None


def _unpacked(stored: BinaryIO) -> BinaryIO:
    """The name of a compressed file ends in .gz, but a store may have unpacked it on the way."""
    buffered = io.BufferedReader(stored, READ_AHEAD)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered), READ_AHEAD)
    return buffered


def _jsonl_rows(stored: BinaryIO, known: frozenset[str]) -> Iterator[Row]:
    for line in stored:
        if line.strip():
            yield _known(orjson.loads(line), known)


def _json_rows(stored: BinaryIO, known: frozenset[str]) -> Iterator[Row]:
    """The objects of one array, one after the other: what is not whole yet waits for the next block."""
    decode = json.JSONDecoder().raw_decode
    text = io.TextIOWrapper(stored, "utf-8")
    waiting, place = text.read(BLOCK_CHARACTERS).lstrip(), 1
    if not waiting:
        return
    if waiting[0] != "[":
        raise ValueError("it is no JSON array")
    while True:
        place = _skip(waiting, place, ", \t\r\n")
        if place < len(waiting) and waiting[place] == "]":
            return
        try:
            row, place = decode(waiting, place)
        except json.JSONDecodeError:
            more = text.read(max(BLOCK_CHARACTERS, len(waiting) - place))
            if not more:
                raise
            waiting, place = waiting[place:] + more, 0
        else:
            yield _known(row, known)


def _skip(text: str, place: int, characters: str) -> int:
    while place < len(text) and text[place] in characters:
        place += 1
    return place


def _csv_rows(stored: BinaryIO, known: frozenset[str]) -> Iterator[Row]:
    csv.field_size_limit(sys.maxsize)
    lines = csv.reader(io.TextIOWrapper(stored, "utf-8", newline=""), strict=True)
    header = next(lines, None)
    if header is None:
        return
    places = [(place, name) for place, name in enumerate(header) if name in known]
    for line in lines:
        if len(line) != len(header):
            raise ValueError(f"line {lines.line_num} has {len(line)} fields instead of {len(header)}")
        yield {name: line[place] for place, name in places}


def _known(row: Any, known: frozenset[str]) -> Row:
    if not isinstance(row, dict):
        raise ValueError("a row is no object")
    return {name: value for name, value in row.items() if name in known}


_READERS: dict[str, Callable[[BinaryIO, frozenset[str]], Iterator[Row]]] = {
    "jsonl": _jsonl_rows,
    "json": _json_rows,
    "csv": _csv_rows,
}


def _broken(where: str, error: Exception) -> ExportError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return ExportError(
        f"{where} is broken ({reason}), so nothing of that run was loaded: let Langfuse export that time again."
    )
