"""What one series of usage yields: its forecast, its anomalies, and how well its models did before."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from tracemart.forecast import anomalies as anomaly_method
from tracemart.forecast import forecasting
from tracemart.forecast.accuracy import Score, back_test, score_trials
from tracemart.forecast.anomalies import Anomalies, detect_anomalies
from tracemart.forecast.cadence import DAILY
from tracemart.forecast.forecasting import ENSEMBLE, Forecast, PathCache, forecast_series
from tracemart.forecast.members import MEMBERS, SEASONAL_NAIVE
from tracemart.forecast.usage import UsageSeries

HORIZON_DAYS = 30
SCORED_HORIZONS = (7, 14, 30)
SCORED_ORIGINS = 8
METHOD_VERSION = f"{forecasting.METHOD_VERSION}.{anomaly_method.METHOD_VERSION}"


@dataclass(frozen=True)
class Accuracy:
    horizon_days: int
    model: str
    origins: int
    score: Score


@dataclass(frozen=True)
class Trained:
    """`anomalies` has an entry per day of the series; `accuracy` is empty for a series that no model is trained on."""

    forecast: Forecast
    anomalies: Anomalies
    accuracy: list[Accuracy]


def input_hash(series: UsageSeries) -> str:
    """Equal for equal values on equal days under the same method and parameters, whatever the decimals' exponents."""
    digest = hashlib.sha256(f"{METHOD_VERSION}|{HORIZON_DAYS}|{series.series_id}|{series.first_day}".encode())
    for value in series.values:
        digest.update(f"|{value.normalize():f}".encode())
    return digest.hexdigest()


def train(series: UsageSeries) -> Trained:
    """Forecast the 30 days after the last, judge every day, and back-test each model at 7, 14 and 30 days."""
    values = series.floats()
    cache: PathCache = {}
    forecast = forecast_series(values, DAILY, HORIZON_DAYS, cache=cache)
    accuracy = [] if forecast.is_fallback else _accuracy(series, cache)
    return Trained(forecast, detect_anomalies(values, DAILY), accuracy)


def _accuracy(series: UsageSeries, cache: PathCache) -> list[Accuracy]:
    """Origins are those that the forecast was calibrated at, whose paths are at hand."""
    values = series.floats()
    shared = range(DAILY.calibration_step, len(values), DAILY.calibration_step)
    least = max(DAILY.min_forecast_history, len(values) // 3)
    origins = [origin for origin in shared if least <= origin <= len(values) - SCORED_HORIZONS[0]]
    rows = []
    for model in (ENSEMBLE, *MEMBERS, SEASONAL_NAIVE):
        trials = back_test(values, DAILY, HORIZON_DAYS, origins, model=model, cache=cache)
        for horizon in SCORED_HORIZONS:
            enough = [trial for trial in trials if len(trial.truth) >= horizon]
            enough = enough[-SCORED_ORIGINS:]
            score = score_trials(enough, horizon)
            if score is not None:
                rows.append(Accuracy(horizon, model, len(enough), score))
    return rows


def rounded(value: float) -> Decimal:
    """Six significant digits, as many as any forecast could deserve; rounding keeps the order of bounds."""
    return Decimal(f"{value:.6g}")
