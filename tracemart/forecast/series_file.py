"""Series handed in as a file: `series_id,time,value`, optionally `is_anomaly`."""

import csv
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from tracemart.errors import ForecastError
from tracemart.forecast.cadence import DAILY, HOURLY, Cadence
from tracemart.forecast.types import Booleans, Floats

_COLUMNS = ("series_id", "time", "value")
_TRUTHS = {"1": True, "true": True, "t": True, "yes": True, "0": False, "false": False, "f": False, "no": False}
_MISSING = {"", "nan", "na", "null", "none"}
# A grid this many times longer than the rows would be all gaps: a mistyped year rather than a series.
_MOST_GAPS = 10


@dataclass(frozen=True)
class Row:
    """A line of the file as given; `value` is NaN where it is empty.

    `time` is in UTC; `clock` is what the wall clock showed, by which days stay a day long when summer time begins.
    """

    line: int
    time_text: str
    value_text: str
    time: datetime
    clock: datetime
    value: float
    is_anomaly: bool | None


@dataclass(frozen=True)
class FileSeries:
    """One series on its grid: `values` and `labels` have an entry per step, NaN (False) where the file has no row.

    `places[i]` is the step of `rows[i]`, in the order of the file. `labels` is None without a column `is_anomaly`.
    """

    series_id: str
    cadence: Cadence
    times: list[datetime]
    values: Floats
    labels: Booleans | None
    rows: list[Row] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def time_texts(self) -> list[str]:
        """The time of each step, as the file wrote it where it has a row."""
        texts = [time.isoformat() for time in self.times]
        for place, row in zip(self.places, self.rows, strict=True):
            texts[place] = row.time_text
        return texts


def read_series_file(path: Path) -> list[FileSeries]:
    """Every series of the file, in the order of their first rows.

    Times are ISO 8601, UTC where they name no zone; steps are days or hours, found per series. A step without a row,
    like an empty value, is unknown (not zero: a file need not be about usage). Raises ForecastError, naming file, line
    and column, for a file that cannot be read, a missing column, what is no number or time, and a doubled time.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            by_series = _read_rows(path, csv.reader(file))
    except OSError as error:
        raise ForecastError(f"{path} cannot be read ({error.strerror}): name a CSV file.") from None
    except (UnicodeDecodeError, csv.Error):
        raise ForecastError(f"{path} is no CSV text in UTF-8: save it as one.") from None
    if not by_series:
        raise ForecastError(f"{path} has no rows below its header: give at least one of series_id,time,value.")
    return [_on_grid(path, series_id, rows) for series_id, rows in by_series.items()]


def _read_rows(path: Path, reader: object) -> dict[str, list[Row]]:
    lines = iter(reader)  # type: ignore[call-overload]
    header = next(lines, None)
    if not header:
        raise ForecastError(f"{path} is empty: give a header series_id,time,value and rows below it.")
    names = [name.strip() for name in header]
    for column in _COLUMNS:
        if column not in names:
            raise ForecastError(f"{path} has no column {column} in line 1 (it has {', '.join(names)}): add it.")
    at = {name: names.index(name) for name in (*_COLUMNS, "is_anomaly") if name in names}
    by_series: dict[str, list[Row]] = {}
    seen: dict[tuple[str, datetime], int] = {}
    for cells in lines:
        number = reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            raise ForecastError(f"{path}, line {number}: {len(cells)} cells under {len(names)} columns; mend the line.")
        texts = {name: cells[place].strip() for name, place in at.items()}
        row = _row(path, number, texts)
        series_id = texts["series_id"]
        if not series_id:
            raise ForecastError(f"{path}, line {number}, column series_id: it is empty; name the series.")
        first = seen.setdefault((series_id, row.time), number)
        if first != number:
            raise ForecastError(
                f"{path}, line {number}, column time: {row.time_text} of series {series_id} stands in line {first}"
                " already; keep one of them."
            )
        by_series.setdefault(series_id, []).append(row)
    return by_series


def _row(path: Path, line: int, texts: dict[str, str]) -> Row:
    try:
        given = datetime.fromisoformat(texts["time"])
        clock = given.replace(tzinfo=UTC)
        time = clock if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ForecastError(
            f"{path}, line {line}, column time: {texts['time']!r} is no time; write it as 2026-11-21 or"
            " 2026-11-21T13:00:00Z."
        ) from None
    value, label = _value(path, line, texts["value"]), _label(path, line, texts)
    return Row(line, texts["time"], texts["value"], time, clock, value, label)


def _value(path: Path, line: int, text: str) -> float:
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ForecastError(
            f"{path}, line {line}, column value: {text!r} is no finite number; mend it or leave it empty."
        )
    return value


def _label(path: Path, line: int, texts: dict[str, str]) -> bool | None:
    if "is_anomaly" not in texts:
        return None
    text = texts["is_anomaly"].lower()
    if text in _MISSING:
        return False
    if text not in _TRUTHS:
        raise ForecastError(
            f"{path}, line {line}, column is_anomaly: {text!r} is neither true nor false; write 1 or 0."
        )
    return _TRUTHS[text]


def _on_grid(path: Path, series_id: str, rows: list[Row]) -> FileSeries:
    cadence, ordered, steps = _steps(path, series_id, rows)
    length = steps[-1] + 1
    if length > _MOST_GAPS * len(rows) + 100:
        leap = _widest_gap(ordered)
        raise ForecastError(
            f"{path}, line {leap.line}, column time: series {series_id} leaps to {leap.time_text}, so that most of its"
            f" {length} {cadence.name} steps have no row; mend the time."
        )
    values = np.full(length, np.nan)
    labels = np.zeros(length, dtype=np.bool_)
    place_of = {}
    for row, step in zip(ordered, steps, strict=True):
        values[step] = row.value
        labels[step] = bool(row.is_anomaly)
        place_of[row.line] = step
    start = ordered[0].clock if cadence is DAILY else ordered[0].time
    return FileSeries(
        series_id=series_id,
        cadence=cadence,
        times=[start + timedelta(seconds=step * cadence.seconds) for step in range(length)],
        values=values,
        labels=labels if rows[0].is_anomaly is not None else None,
        rows=rows,
        places=[place_of[row.line] for row in rows],
    )


def _steps(path: Path, series_id: str, rows: list[Row]) -> tuple[Cadence, list[Row], list[int]]:
    """The cadence, the rows in order of time, and the step of each; days go by the wall clock, hours by UTC."""
    by_clock = sorted(rows, key=lambda row: row.clock)
    days = [(row.clock - by_clock[0].clock) / timedelta(days=1) for row in by_clock]
    if all(day.is_integer() for day in days) and len(set(days)) == len(days):
        return DAILY, by_clock, [int(day) for day in days]
    ordered = sorted(rows, key=lambda row: row.time)
    hours = [(row.time - ordered[0].time) / timedelta(hours=1) for row in ordered]
    odd = next((row for row, hour in zip(ordered, hours, strict=True) if not hour.is_integer()), None)
    if odd is None:
        return HOURLY, ordered, [int(hour) for hour in hours]
    raise ForecastError(
        f"{path}, line {odd.line}, column time: {odd.time_text} is no whole number of hours or days after the first"
        f" time of series {series_id}; give daily or hourly values."
    )


def _widest_gap(ordered: list[Row]) -> Row:
    return max(pairwise(ordered), key=lambda pair: pair[1].time - pair[0].time)[1]
