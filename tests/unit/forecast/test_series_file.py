"""A series file is read whole or refused with one sentence that says where."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.errors import ForecastError
from tracemart.forecast.series_file import read_series_file

HEADER = "series_id,time,value\n"


def written(path: Path, text: str) -> Path:
    file = path / "series.csv"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (HEADER, "no rows"),
        ("series_id,time\na,2026-01-01\n", "no column value in line 1"),
        (HEADER + "a,2026-01-01,1\na,2026-01-02,x\n", "line 3, column value: 'x' is no finite number"),
        (HEADER + "a,2026-01-01,inf\n", "line 2, column value: 'inf'"),
        (HEADER + "a,yesterday,1\n", "line 2, column time: 'yesterday' is no time"),
        (HEADER + "a,2026-02-30,1\n", "line 2, column time: '2026-02-30' is no time"),
        (HEADER + "a,2026-01-01,1\na,2026-01-01T00:00:00Z,2\n", "line 3, column time: 2026-01-01T00:00:00Z"),
        (HEADER + ",2026-01-01,1\n", "line 2, column series_id: it is empty"),
        (HEADER + "a,2026-01-01\n", "line 2: 2 cells under 3 columns"),
        (HEADER + "a,2026-01-01T00:00,1\na,2026-01-01T00:05,1\n", "line 3, column time: 2026-01-01T00:05 is no whole"),
        (HEADER + "a,1926-01-01,1\na,2026-01-01,1\n", "line 3, column time: series a leaps to 2026-01-01"),
        ("series_id,time,value,is_anomaly\na,2026-01-01,1,maybe\n", "line 2, column is_anomaly: 'maybe'"),
    ],
)
def test_a_bad_file_is_refused_by_name_line_and_column(tmp_path: Path, text: str, words: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ForecastError) as refused:
        read_series_file(file)
    assert words in str(refused.value)
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match="No such file"):
        read_series_file(tmp_path / "none.csv")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    file.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ForecastError, match="no CSV text in UTF-8"):
        read_series_file(file)


def test_days_and_hours_are_told_apart_for_each_series(tmp_path: Path) -> None:
    rows = "".join(f"d,2026-01-{day:02},{day}\n" for day in range(1, 6))
    rows += "".join(f"h,2026-01-01T{hour:02}:30:00Z,{hour}\n" for hour in range(6))
    by_id = {series.series_id: series for series in read_series_file(written(tmp_path, HEADER + rows))}
    assert by_id["d"].cadence.name == "daily"
    assert by_id["h"].cadence.name == "hourly"
    assert by_id["h"].times[1] == datetime(2026, 1, 1, 1, 30, tzinfo=UTC)


def test_a_step_without_a_row_is_unknown_not_zero(tmp_path: Path) -> None:
    rows = "a,2026-01-04,4\na,2026-01-01,1\na,2026-01-02,\n"
    (series,) = read_series_file(written(tmp_path, HEADER + rows))
    np.testing.assert_array_equal(series.values, [1, np.nan, np.nan, 4])
    assert series.places == [3, 0, 1]


def test_days_by_the_wall_clock_stay_days_when_summer_time_begins(tmp_path: Path) -> None:
    rows = "".join(f"a,2026-03-{day}T00:00:00+0{1 + (day > 29)}:00,{day}\n" for day in range(25, 32))
    (series,) = read_series_file(written(tmp_path, HEADER + rows))
    assert series.cadence.name == "daily"
    assert len(series.values) == 7


def test_labels_are_read_where_the_file_has_them(tmp_path: Path) -> None:
    text = "series_id,time,value,is_anomaly\na,2026-01-01,1,0\na,2026-01-02,9,True\na,2026-01-03,1,\n"
    (series,) = read_series_file(written(tmp_path, text))
    assert series.labels is not None
    assert series.labels.tolist() == [False, True, False]


@given(text=st.text(max_size=200))
def test_no_text_ends_in_anything_but_series_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.mktemp("any") / "series.csv"
    file.write_text(HEADER + text, encoding="utf-8", errors="replace", newline="")
    problem = str(file)
    try:
        read_series_file(file)
    except ForecastError as refused:
        problem = str(refused)
    assert problem.startswith(str(file))
    assert len(problem.splitlines()) == 1
