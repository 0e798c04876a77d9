"""
### Send the weekly report

Mondays at six (UTC): what the last week cost and whose cost it was, with charts, a forecast, the anomalies, and a CSV.
It goes through Airflow's SMTP connection `tracemart_smtp` to `TRACEMART_REPORT_RECIPIENTS`. A week is sent once; a
retry after a crash does not send it again. A week without any usage is skipped, and so
is every week while no mail server is set.
"""

from datetime import timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task
from wiring import SMTP_CONNECTION, task_defaults


@dag(
    schedule=CronDataIntervalTimetable("0 6 * * 1", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args=task_defaults(),
    tags=["report"],
    doc_md=__doc__,
)
def email_report() -> None:
    @task
    def send_weekly_report() -> str:
        from airflow.sdk import Connection
        from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

        from tracemart.errors import NothingToReportError
        from tracemart.report import send_weekly, smtp_url_of
        from tracemart.settings import Settings

        try:
            connection = Connection.get(SMTP_CONNECTION)
        except AirflowNotFoundException:
            raise AirflowSkipException(
                f"No mail server is set: put TRACEMART_SMTP_URL into .env, or add the connection {SMTP_CONNECTION}."
            ) from None
        smtp_url = smtp_url_of(
            connection.host, connection.port, connection.login, connection.password, connection.extra_dejson
        )
        try:
            return str(send_weekly(Settings.load(), smtp_url=smtp_url))
        except NothingToReportError as error:
            raise AirflowSkipException(str(error)) from None

    send_weekly_report()


email_report()
