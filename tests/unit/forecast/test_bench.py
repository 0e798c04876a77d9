"""What `./run bench forecast` and `bench anomalies` print and write."""

import csv
import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tracemart.errors import ForecastError
from tracemart.forecast.bench import bench_anomalies, bench_forecast


@pytest.fixture
def series_file(tmp_path: Path) -> Path:
    random = np.random.default_rng(11)
    day = np.arange(80)
    values = 100 * (1 + 0.6 * (day % 7 < 5)) * np.exp(0.08 * random.standard_normal(80))
    values[[50, 51, 70]] *= 4
    lines = ["series_id,time,value,is_anomaly"]
    lines += [
        f"usage,{date(2026, 9, 1) + timedelta(days=int(number))},{value},{int(number in (50, 51, 70))}"
        for number, value in enumerate(values)
    ]
    lines += [f"short,{date(2026, 9, 1) + timedelta(days=number)},{number},0" for number in range(18)]
    lines += [f"tiny,{date(2026, 9, 1) + timedelta(days=number)},{number},0" for number in range(3)]
    file = tmp_path / "series.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for part in value.values() for number in numbers(part)]
    return [float(value)] if isinstance(value, int | float) else []


def test_forecast_figures_are_finite_json(series_file: Path) -> None:
    result = bench_forecast(series_file, horizon=7, origins=4)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert all(math.isfinite(number) for number in numbers(result))
    for figures in (result["overall"], *result["series"].values()):
        assert {"mase", "crps", "coverage_80", "coverage_95", "bias"} <= figures.keys()
        assert 0 <= figures["coverage_80"] <= figures["coverage_95"] <= 1


def test_short_series_are_named_with_their_reason(series_file: Path) -> None:
    result = bench_forecast(series_file, horizon=7, origins=4)
    assert result["series"]["short"]["is_fallback"] is True
    assert "fewer than 21" in result["series"]["short"]["fallback_reason"]
    assert result["series"]["short"]["mase"] == 1.0
    assert list(result["skipped"]) == ["tiny"]


def test_the_forecast_file_has_a_row_per_origin_and_step(series_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    bench_forecast(series_file, horizon=7, origins=4, out=out)
    with out.open() as file:
        rows = list(csv.DictReader(file))
    columns = "series_id origin time value expected lower_80 upper_80 lower_95 upper_95 model"
    assert list(rows[0]) == columns.split()
    usage = [row for row in rows if row["series_id"] == "usage"]
    assert len(usage) == 4 * 7
    assert usage[-1]["time"] == "2026-11-19"
    assert usage[-1]["origin"] == "2026-11-12"
    assert len({row["origin"] for row in usage}) == 4
    for row in rows:
        low, high = float(row["lower_80"]), float(row["upper_80"])
        assert float(row["lower_95"]) <= low <= float(row["expected"]) <= high <= float(row["upper_95"])


def test_anomalies_are_counted_by_event(series_file: Path) -> None:
    result = bench_anomalies(series_file)
    usage = result["series"]["usage"]
    assert usage["true_events"] == 2
    assert usage["recall"] == 1.0
    assert usage["precision"] == 1.0
    assert usage["f1"] == 1.0
    assert result["overall"]["false_alarms_per_series_week"] == 0.0
    json.dumps(result, allow_nan=False)


def test_the_anomaly_file_has_every_row_in_its_order(series_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    bench_anomalies(series_file, out=out)
    with series_file.open() as file, out.open() as written:
        asked, rows = list(csv.DictReader(file)), list(csv.DictReader(written))
    assert [(row["series_id"], row["time"], row["value"]) for row in rows] == [
        (row["series_id"], row["time"], row["value"]) for row in asked
    ]
    columns = "series_id time value expected lower_95 upper_95 score is_anomaly severity"
    assert list(rows[0]) == columns.split()
    flagged = [row for row in rows if row["is_anomaly"] == "true"]
    assert [row["time"] for row in flagged] == ["2026-10-21", "2026-10-22", "2026-11-10"]
    assert all(row["severity"] for row in flagged)


def test_without_truth_nothing_is_said_about_it(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    file.write_text("series_id,time,value\n" + "".join(f"a,2026-01-{day:02},{day}\n" for day in range(1, 31)))
    assert "recall" not in bench_anomalies(file)["overall"]


def test_only_series_too_short_are_an_error(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    file.write_text("series_id,time,value\na,2026-01-01,1\na,2026-01-02,2\n")
    with pytest.raises(ForecastError, match="shorter --horizon"):
        bench_forecast(file)


def test_a_place_that_cannot_be_written_is_named(series_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match="cannot be written"):
        bench_anomalies(series_file, out=tmp_path / "no" / "out.csv")


def test_a_pool_of_processes_gives_the_same_figures(series_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = bench_anomalies(series_file)
    monkeypatch.setattr("tracemart.forecast.bench._POINTS_WORTH_A_POOL", 1)
    assert bench_anomalies(series_file) == alone
