"""A seed's lines as they stand in its file, and how each of its values is read."""

import csv
import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from tracemart.errors import BadInputError

# What seeds/attribution_mapping.csv gives.
MAPPED = ("department", "team", "agent", "feature")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True)
class SeedRow:
    """One line of a seed. Every reading method raises BadInputError that names file, line, column and what to do."""

    file: Path
    line: int
    values: dict[str, str]

    def refuse(self, problem: str) -> NoReturn:
        raise BadInputError(f"{self.file.parent.name}/{self.file.name}, line {self.line}: {problem}.")

    def text(self, column: str) -> str | None:
        return self.values[column] or None

    def required(self, column: str) -> str:
        return self.values[column] or self.refuse(f"{column} is empty; fill it in, or remove the line")

    def choice(self, column: str, among: Sequence[str]) -> str:
        value = self.required(column)
        if value not in among:
            self.refuse(f"{column} is {value!r}; write {_either(among)}")
        return value

    def number(self, column: str) -> Decimal | None:
        value = self.text(column)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            self.refuse(f"{column} is {value!r}, which is no number; write digits with a point, such as 1250.50")
        return Decimal(value)

    def amount(self, column: str, *, above_zero: bool = False) -> Decimal:
        """A number that is not negative."""
        self.required(column)
        number = self.number(column)
        assert number is not None
        if number < 0 or (above_zero and number == 0):
            self.refuse(f"{column} is {number}; it must be {'more than 0' if above_zero else '0 or more'}")
        return number

    def day(self, column: str) -> date | None:
        value = self.text(column)
        if value is None:
            return None
        try:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            self.refuse(f"{column} is {value!r}, which is no date; write it as 2026-01-31")

    def required_day(self, column: str) -> date:
        self.required(column)
        day = self.day(column)
        assert day is not None
        return day

    def known(self, column: str, kind: str, names: Collection[str]) -> None:
        """Refuse a value that is none of the names, telling the nearest; without names nothing is known to judge by."""
        value = self.required(column)
        if names and value not in names:
            folded = {name.casefold(): name for name in sorted(names)}
            near = get_close_matches(value.casefold(), folded, n=1, cutoff=0.5)
            hint = f"did you mean {folded[near[0]]!r}" if near else f"known are {', '.join(sorted(names)[:10])}"
            or_mapped = ", or seeds/attribution_mapping.csv gives it" if kind in MAPPED else ""
            self.refuse(f"there is no {kind} {value!r}: {hint}? A {kind} is known once it has a call{or_mapped}")


def _either(among: Sequence[str]) -> str:
    return f"{', '.join(among[:-1])} or {among[-1]}" if len(among) > 1 else among[0]


def read_seed(file: Path, columns: Sequence[str]) -> list[SeedRow]:
    """The lines of a CSV with exactly these columns, in any order. Raises BadInputError."""
    where = f"{file.parent.name}/{file.name}"
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(where, header, columns)
            lines = [(reader.line_num, line) for line in reader if any(value.strip() for value in line)]
    except FileNotFoundError:
        raise BadInputError(f"{where} is missing; put it back, its first line is {','.join(columns)}.") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{where} is not written in UTF-8; save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise BadInputError(f"{where}, line {reader.line_num}: {error}; mend its quotes.") from None
    rows = []
    for number, line in lines:
        if len(line) != len(header):
            raise BadInputError(
                f"{where}, line {number}: it has {len(line)} values for {len(header)} columns;"
                ' put a value that holds a comma into quotes (").'
            )
        values = {name: value.strip() for name, value in zip(header, line, strict=True)}
        rows.append(SeedRow(file, number, values))
    return rows


def _check_header(where: str, header: Sequence[str], columns: Sequence[str]) -> None:
    missing = [name for name in columns if name not in header]
    strange = [name for name in header if name not in columns]
    if missing or strange or len(header) != len(columns):
        raise BadInputError(f"{where}, line 1: the columns are {','.join(header)}; write {','.join(columns)}.")


def refuse_repeated(rows: Iterable[tuple[SeedRow, Hashable]], what: str) -> None:
    """Refuse the second line with the same key; `what` says of both what they repeat. Raises BadInputError."""
    first: dict[Hashable, SeedRow] = {}
    for row, key in rows:
        if key in first:
            row.refuse(f"{what} of line {first[key].line} again; keep one of the two lines")
        first[key] = row


def refuse_reversed(row: SeedRow, first: date, last: date | None) -> None:
    if last is not None and last < first:
        row.refuse(f"last_date {last} lies before first_date {first}; swap or mend them")
