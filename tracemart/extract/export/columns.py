"""What a column of raw is made of: a value of an export's row, or a column of its Arrow batches.

Both ways of a column say the same; where an Arrow batch holds a value that its way cannot judge, the row is suspect and
goes the way of rows, which makes a line of it or says why not.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

# pyarrow imports it when first asked for a scalar; by then a transaction is open, which would wait for it.
import pandas  # noqa: F401
import pyarrow as pa
import pyarrow.compute as pc

from tracemart.extract import fields
from tracemart.extract.export import arrays, values
from tracemart.extract.export.arrays import UnfitError
from tracemart.extract.export.durations import DurationUnit
from tracemart.privacy import Privacy

Made = TypeVar("Made")

Row = dict[str, Any]
"""One row of an export: JSON values, or all texts as CSV has them."""


@dataclass
class Reading:
    """What is known of the file that is being read, and what of its values may be kept."""

    privacy: Privacy
    unit: DurationUnit = field(default_factory=DurationUnit)


@dataclass
class Batch:
    """Some rows of a Parquet file, and which of them need the way of rows."""

    arrow: pa.RecordBatch
    reading: Reading

    def __post_init__(self) -> None:
        self.suspects = np.zeros(self.arrow.num_rows, bool)
        self._made: dict[str, Any] = {}

    def column(self, name: str) -> pa.Array:
        return self.arrow.column(name)

    def once(self, name: str, make: Callable[[pa.Array], Made]) -> Made:
        """What several columns of raw are made of, made of a column of the batch once."""
        if name not in self._made:
            self._made[name] = make(self.column(name))
        made: Made = self._made[name]
        return made

    def suspect(self, which: Any) -> None:
        mask = which.fill_null(False).to_numpy(zero_copy_only=False) if isinstance(which, pa.Array) else which
        self.suspects |= mask


@dataclass(frozen=True)
class Column:
    """A column of raw: `needs` are the export's columns without which a file does not have it.

    `of_row` gives COPY text or raises fields.RowError; `of_batch` gives an array as ArrowRows takes it or
    raises UnfitError. `reads` are those of the export's columns that it looks at if they are there. With `is_redacted`
    it is kept only where it is redacted.
    """

    name: str
    needs: tuple[str, ...]
    of_row: Callable[[Row, Reading], str]
    of_batch: Callable[[Batch], pa.Array]
    reads: tuple[str, ...] = ()
    is_json: bool = False
    is_redacted: bool = False


@dataclass(frozen=True)
class ExportTable:
    """A table of the export and the columns of raw that its rows have.

    `key` are the export's columns that every file must have, `always` the columns of raw that are NULL where a file
    lacks them.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    always: tuple[str, ...]

    def held_by(self, names: Iterable[str], privacy: Privacy) -> tuple[Column, ...]:
        """The columns of raw that a file with these columns has."""
        there = set(names)
        return tuple(
            column if there.issuperset(column.needs) else _nothing(column.name)
            for column in self._kept(privacy)
            if there.issuperset(column.needs) or column.name in self.always
        )

    def read_with(self, privacy: Privacy) -> frozenset[str]:
        """Every column of the export that means anything here; without redaction no prompts and answers."""
        return frozenset(name for column in self._kept(privacy) for name in (*column.needs, *column.reads))

    def _kept(self, privacy: Privacy) -> Iterator[Column]:
        return (column for column in self.columns if privacy.redacts or not column.is_redacted)


def _nothing(name: str) -> Column:
    return Column(name, (), lambda *_: fields.NULL, lambda batch: pa.nulls(batch.arrow.num_rows, pa.string()))


def text(name: str, source: str | None = None) -> Column:
    return _plain(name, source, values.text, arrays.text)


def free_text(name: str) -> Column:
    """A text that people or programs wrote."""

    def of_row(row: Row, reading: Reading) -> str:
        return reading.privacy.free_text(values.text(row.get(name), name)) or fields.NULL

    def of_batch(batch: Batch) -> pa.Array:
        found = arrays.text(batch.column(name))
        return arrays.translated(found, batch.reading.privacy.free_text) if batch.reading.privacy.redacts else found

    return Column(name, (name,), of_row, of_batch)


def redacted_text(name: str) -> Column:
    """A prompt or an answer."""

    def of_row(row: Row, reading: Reading) -> str:
        return reading.privacy.io(values.text(row.get(name), name)) or fields.NULL

    def of_batch(batch: Batch) -> pa.Array:
        return arrays.translated(batch.column(name), batch.reading.privacy.io)

    return Column(name, (name,), of_row, of_batch, is_redacted=True)


def user_id(name: str) -> Column:
    def of_row(row: Row, reading: Reading) -> str:
        return reading.privacy.user_id(values.text(row.get(name), name))

    def of_batch(batch: Batch) -> pa.Array:
        found, privacy = arrays.text(batch.column(name)), batch.reading.privacy
        return found if privacy.user_id_key is None else arrays.translated(found, privacy.user_id)

    return Column(name, (name,), of_row, of_batch)


def required_text(name: str) -> Column:
    def of_batch(batch: Batch) -> pa.Array:
        found = arrays.text(batch.column(name))
        batch.suspect(pc.or_kleene(pc.is_null(found), pc.equal(found, "")))
        return found

    return Column(name, (name,), lambda row, _: fields.required_text(row.get(name), name), of_batch)


def time(name: str) -> Column:
    return Column(
        name,
        (name,),
        lambda row, _: values.time(row.get(name), name),
        lambda batch: batch.once(name, arrays.time),
    )


def required_time(name: str, source: str | None = None) -> Column:
    source = source or name

    def of_row(row: Row, _: Reading) -> str:
        found = values.time(row.get(source), source)
        if found == fields.NULL:
            raise fields.RowError(f"{source} is missing")
        return found

    def of_batch(batch: Batch) -> pa.Array:
        batch.suspect(pc.is_null(batch.column(source)))
        return batch.once(source, arrays.time)

    return Column(name, (source,), of_row, of_batch)


def flag(name: str) -> Column:
    return _plain(name, None, values.flag, arrays.flag)


def decimal(name: str, source: str | None = None) -> Column:
    return _plain(name, source, values.decimal, arrays.decimal)


def small_count(name: str) -> Column:
    def of_batch(batch: Batch) -> pa.Array:
        found = batch.column(name)
        if not pa.types.is_integer(found.type):
            raise UnfitError
        batch.suspect(pc.or_kleene(pc.less(found, 0), pc.greater(found, values.LARGEST_SMALL_COUNT)))
        return arrays.whole(found, pa.int32())

    return Column(name, (name,), lambda row, _: values.small_count(row.get(name), name), of_batch)


def _plain(
    name: str, source: str | None, of_value: Callable[[Any, str], str], of_array: Callable[[pa.Array], pa.Array]
) -> Column:
    source = source or name
    return Column(
        name,
        (source,),
        lambda row, _: of_value(row.get(source), source),
        lambda batch: of_array(batch.column(source)),
    )
