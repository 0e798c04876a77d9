"""What the step keeps in `forecasts`: rows are written where they differ, and nowhere else."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from tracemart.forecast.training import HORIZON_DAYS, METHOD_VERSION, Trained, rounded
from tracemart.forecast.usage import HISTORY_DAYS, UsageSeries

_SERIES = ("series_id", "metric", "level", "key")
_FIT = ("input_hash", "origin_date", "model", "parameters", "is_fallback", "fallback_reason", "trained_at")
_BOUNDS = ("expected", "lower_80", "upper_80", "lower_95", "upper_95")
_FORECAST = ("origin_date", "forecast_date", *_BOUNDS, *_FIT[2:])
_ACCURACY = (
    "horizon_days", "model", "mase", "crps", "coverage_80", "coverage_95", "bias", "origins", "scored_at",
)  # fmt: skip
_ANOMALY = (
    "usage_date", "value", "expected", "lower_95", "upper_95", "score", "is_anomaly", "severity", "scored_at",
)  # fmt: skip
# Days judged again when more are read than this are too near the edge of what was read to be judged as at first.
_SETTLING_DAYS = 400

Row = Sequence[Any]


def known_fits(connection: psycopg.Connection) -> dict[str, str]:
    """input_hash by series_id."""
    rows = connection.execute("select series_id, input_hash from forecasts.fits").fetchall()
    return {str(series_id): str(input_hash) for series_id, input_hash in rows}


def write(
    connection: psycopg.Connection,
    origin_date: date,
    trained: Sequence[tuple[UsageSeries, str, Trained]],
    trained_at: datetime,
) -> None:
    """Put (series, input hash, what it yielded) into the four tables, within the connection's transaction.

    A forecast, like an anomaly, replaces the row of its key; rows of other origins and of vanished series stay.
    """
    ids = [series.series_id for series, _, _ in trained]
    fits, forecasts, accuracy, anomalies = [], [], [], []
    for series, input_hash, result in trained:
        head = (series.series_id, series.metric, series.level, series.key)
        fit = _fit(result, trained_at)
        fits.append((*head, input_hash, origin_date, *fit))
        forecasts += [(*head, *row) for row in _forecast_rows(result, origin_date, fit)]
        accuracy += [(*head, *row) for row in _accuracy_rows(result, trained_at)]
        anomalies += [(*head, *row) for row in _anomaly_rows(series, result, trained_at)]
    _upsert(connection, "fits", (*_SERIES, *_FIT), ("series_id",), fits)
    key = ("series_id", "origin_date", "forecast_date")
    _upsert(connection, "forecasts", (*_SERIES, *_FORECAST), key, forecasts)
    connection.execute("delete from forecasts.accuracy where series_id = any(%s)", (ids,))
    _upsert(connection, "accuracy", (*_SERIES, *_ACCURACY), ("series_id", "horizon_days", "model"), accuracy)
    _upsert(connection, "anomalies", (*_SERIES, *_ANOMALY), ("series_id", "usage_date"), anomalies, stamp="scored_at")
    firsts = [series.first_day for series, _, _ in trained]
    _forget_days_before(connection, ids, firsts, origin_date)


def _forget_days_before(connection: psycopg.Connection, ids: list[str], firsts: list[date], origin_date: date) -> None:
    """Days that a late correction took from the start of a series or that lie after its last one are no longer its."""
    connection.execute(
        """
        delete from forecasts.anomalies as anomaly
        using unnest(%s::text[], %s::date[]) as series (series_id, first_day)
        where anomaly.series_id = series.series_id
          and (anomaly.usage_date > %s or (anomaly.usage_date < series.first_day and anomaly.usage_date > %s))
        """,
        (ids, firsts, origin_date, origin_date - timedelta(days=HISTORY_DAYS)),
    )


def _fit(result: Trained, trained_at: datetime) -> tuple[Any, ...]:
    forecast = result.forecast
    parameters = forecast.parameters | {"method_version": METHOD_VERSION}
    text = json.dumps(parameters, sort_keys=True)
    return (forecast.model, text, forecast.is_fallback, forecast.fallback_reason, trained_at)


def _forecast_rows(result: Trained, origin_date: date, fit: tuple[Any, ...]) -> Iterable[Row]:
    forecast = result.forecast
    for step in range(HORIZON_DAYS):
        bounds = (getattr(forecast, name)[step] for name in _BOUNDS)
        day = origin_date + timedelta(days=step + 1)
        yield (origin_date, day, *(rounded(bound) for bound in bounds), *fit)


def _accuracy_rows(result: Trained, scored_at: datetime) -> Iterable[Row]:
    for row in result.accuracy:
        score = row.score
        figures = (score.relative_mase, score.relative_crps, score.coverage_80, score.coverage_95, score.bias)
        yield (row.horizon_days, row.model, *(rounded(figure) for figure in figures), row.origins, scored_at)


def _anomaly_rows(series: UsageSeries, result: Trained, scored_at: datetime) -> Iterable[Row]:
    anomalies = result.anomalies
    first = _SETTLING_DAYS if len(series.values) >= HISTORY_DAYS else 0
    for number in range(first, len(series.values)):
        figures = (
            anomalies.expected[number],
            anomalies.lower_95[number],
            anomalies.upper_95[number],
            anomalies.score[number],
        )
        yield (
            series.day(number),
            series.values[number],
            *(None if np.isnan(figure) else rounded(figure) for figure in figures),
            bool(anomalies.is_anomaly[number]),
            anomalies.severity[number],
            scored_at,
        )


def _upsert(
    connection: psycopg.Connection,
    table: str,
    columns: Sequence[str],
    key: Sequence[str],
    rows: Sequence[Row],
    *,
    stamp: str | None = None,
) -> None:
    """Insert `rows`, or update those of the same key. With `stamp`, a row that differs in nothing but it stays."""
    target, stage = sql.Identifier("forecasts", table), sql.Identifier(f"stage_{table}")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    changing = [column for column in columns if column not in key]
    compared = [column for column in changing if column != stamp]
    connection.execute(
        sql.SQL("create temporary table {} on commit drop as select {} from {} limit 0").format(stage, names, target)
    )
    with connection.cursor().copy(sql.SQL("copy {} ({}) from stdin").format(stage, names)) as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(
        sql.SQL(
            "insert into {target} as old ({names}) select {names} from {stage}"
            " on conflict ({key}) do update set {changes} where ({old}) is distinct from ({new})"
        ).format(
            target=target,
            stage=stage,
            names=names,
            key=sql.SQL(", ").join(map(sql.Identifier, key)),
            changes=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column)) for column in changing
            ),
            old=sql.SQL(", ").join(sql.Identifier("old", column) for column in compared),
            new=sql.SQL(", ").join(sql.Identifier("excluded", column) for column in compared),
        )
    )
