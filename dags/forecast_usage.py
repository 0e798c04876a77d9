"""
### Forecast cost and calls, find anomalies

Starts when the marts are published. Forecasts 30 days of daily cost and calls for the total and each project, model and
agent, scores every day for anomalies, back-tests itself, and writes to `forecasts`, which `marts.fct_forecasts`,
`fct_anomalies` and `fct_forecast_accuracy` show. Series whose input did not change are not trained again.
"""

from datetime import timedelta

from airflow.sdk import dag, task
from wiring import FORECASTS, MARTS, task_defaults


@dag(
    schedule=[MARTS],
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args=task_defaults(),
    tags=["forecast"],
    doc_md=__doc__,
)
def forecast_usage() -> None:
    @task(outlets=[FORECASTS])
    def forecast_series() -> str:
        from tracemart.forecast.step import forecast
        from tracemart.settings import Settings

        return str(forecast(Settings.load()))

    forecast_series()


forecast_usage()
