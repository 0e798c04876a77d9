"""The step `forecast`: what DAG and command line call."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import psycopg

from tracemart.forecast.store import known_fits, write
from tracemart.forecast.training import HORIZON_DAYS, Trained, input_hash, train
from tracemart.forecast.usage import UsageSeries, last_complete_day, read_usage
from tracemart.settings import Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

_LOCK = 7_466_302_012


@dataclass(frozen=True)
class ForecastResult:
    """`origin_date` is the last day known, None if the marts hold no complete day; counts are of series.

    `fallbacks` are those of the trained ones that seasonal naive stands in for; `anomalies` are the flagged days of
    the trained ones.
    """

    origin_date: date | None
    series: int
    trained: int
    unchanged: int
    fallbacks: int
    anomalies: int

    def __str__(self) -> str:
        if self.origin_date is None or not self.series:
            return "Nothing to forecast: the marts hold no complete day yet."
        return (
            f"Forecast {HORIZON_DAYS} days after {self.origin_date}: {self.series} series, {self.trained} trained"
            f" ({self.fallbacks} by seasonal naive, {self.anomalies} anomalies), {self.unchanged} unchanged."
        )


def forecast(settings: Settings, progress: Progress | None = None) -> ForecastResult:
    """Forecast daily cost and calls of the total and each project, model and agent, and judge every day.

    Reads marts.fct_usage_daily up to the last complete reporting day and writes forecasts.fits, forecasts, accuracy and
    anomalies in one transaction. A series whose input and method are what they were is not trained again and its rows
    stay as they are.
    Raises ForecastError if the marts are not built, WarehouseError, SettingsError.
    """
    with Warehouse(settings).connect(Role.FORECASTER) as connection:
        try:
            return _forecast(connection, settings, progress)
        except psycopg.Error as error:
            raise warehouse_error(error, "forecasting usage") from None


def _forecast(connection: psycopg.Connection, settings: Settings, progress: Progress | None) -> ForecastResult:
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    origin_date = last_complete_day(connection, settings)
    if origin_date is None:
        return ForecastResult(None, 0, 0, 0, 0, 0)
    series = read_usage(connection, origin_date)
    known = known_fits(connection)
    hashes = [input_hash(one) for one in series]
    changed = [(one, hashed) for one, hashed in zip(series, hashes, strict=True) if known.get(one.series_id) != hashed]
    trained: list[tuple[UsageSeries, str, Trained]] = []
    for number, (one, hashed) in enumerate(changed):
        if progress is not None:
            progress("series", number, len(changed))
        trained.append((one, hashed, train(one)))
    if trained:
        write(connection, origin_date, trained, datetime.now(UTC))
    if progress is not None and changed:
        progress("series", len(changed), len(changed))
    return ForecastResult(
        origin_date=origin_date,
        series=len(series),
        trained=len(trained),
        unchanged=len(series) - len(trained),
        fallbacks=sum(result.forecast.is_fallback for _, _, result in trained),
        anomalies=sum(int(result.anomalies.is_anomaly.sum()) for _, _, result in trained),
    )
