"""A bill's file: which export it is, told by its header, and all its lines or none."""

import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tracemart.errors import BadInputError
from tracemart.reconcile.bills import anthropic, focus, openai
from tracemart.reconcile.bills.line import BillLine, Row


@dataclass(frozen=True)
class Format:
    """An export: the columns by which it is known, its column of dates, and what its rows say."""

    name: str
    title: str
    columns: tuple[str, ...]
    date_column: str
    lines_of: Callable[[Row], Iterator[BillLine]]


FORMATS = (
    Format("focus", "FOCUS 1.2", focus.COLUMNS, "ChargePeriodStart", focus.lines),
    Format("anthropic_cost", "Anthropic's cost export", anthropic.COST_COLUMNS, "usage_date_utc", anthropic.cost_lines),
    Format(
        "anthropic_usage", "Anthropic's usage export", anthropic.USAGE_COLUMNS, "usage_date_utc", anthropic.usage_lines
    ),
    Format("openai_cost", "OpenAI's cost export", openai.COST_COLUMNS, "start_time", openai.cost_lines),
    Format("openai_usage", "OpenAI's usage export", openai.USAGE_COLUMNS, "start_time", openai.usage_lines),
)


@dataclass(frozen=True)
class BillFile:
    """`first_date` and `last_date` are the UTC days that the file covers, also where it says nothing of them."""

    name: str
    format: Format
    content_hash: str
    first_date: date
    last_date: date
    lines: tuple[BillLine, ...]


def read_bill(path: Path, *, provider: str | None = None, account: str | None = None) -> BillFile:
    """All lines of the file; `provider` and `account` take the place of what it says.

    Raises BadInputError that names file and line, with what to do.
    """
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise BadInputError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path} is no text in UTF-8; hand in the CSV as it was exported.") from None
    rows = _rows(path, text)
    first = next(rows, None)
    if first is None:
        raise BadInputError(f"{path} has a header and no line below it; export the period that was billed.")
    found = _format_of(path, first)
    lines, days = list[BillLine](), list[date]()
    for row in (first, *rows):
        days.append(row.day(found.date_column))
        for line in found.lines_of(row):
            lines.append(replace(line, provider=(provider or line.provider).lower(), account=account or line.account))
    if not lines:
        raise BadInputError(f"{path} bills nothing on any of its {len(days)} lines; export the period that was billed.")
    return BillFile(path.name, found, hashlib.sha256(content).hexdigest(), min(days), max(days), tuple(lines))


def _rows(path: Path, text: str) -> Iterator[Row]:
    header_line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header_line.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        doubled = next((name for name in header if name and header.count(name) > 1), None)
        if doubled:
            raise BadInputError(
                f"{path}, line 1: the column {doubled} stands there twice; hand in the export as it was."
            )
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                raise BadInputError(
                    f"{path}, line {reader.line_num}: {len(values)} fields where the header has {len(header)}; nothing"
                    " of the file was loaded."
                )
            yield Row(str(path), reader.line_num, dict(zip(header, (value.strip() for value in values), strict=True)))
    except csv.Error as error:
        raise BadInputError(f"{path}, line {reader.line_num}: this is no CSV ({error}).") from None


def _format_of(path: Path, row: Row) -> Format:
    for found in FORMATS:
        if set(found.columns) <= row.fields.keys():
            return found
    known = "; ".join(f"{each.title} has {', '.join(each.columns)}" for each in FORMATS)
    raise BadInputError(f"{path}, line 1: its columns are those of no bill that Tracemart knows ({known}).")
