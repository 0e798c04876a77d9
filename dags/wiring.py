"""What all DAGs share: assets that link them, defaults of their tasks, the list of tags."""

import os
from datetime import timedelta
from typing import Any

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import Asset

RAW = Asset("langfuse_raw")
MARTS = Asset("tracemart_marts")
FORECASTS = Asset("tracemart_forecasts")

SMTP_CONNECTION = "tracemart_smtp"
TAGS = {"extract", "build", "forecast", "report", "maintenance"}


def failure_mail() -> list[SmtpNotifier]:
    """A mail to the report's recipients when a task has failed for good; none where no recipient is set."""
    recipients = os.environ.get("TRACEMART_REPORT_RECIPIENTS", "")
    if not recipients:
        return []
    return [
        SmtpNotifier(
            smtp_conn_id=SMTP_CONNECTION,
            to=recipients,
            from_email=os.environ.get("TRACEMART_REPORT_SENDER", "tracemart@localhost"),
            subject="Tracemart: {{ dag.dag_id }} failed at {{ ti.task_id }}",
            html_content=(
                "<p>Task <b>{{ ti.task_id }}</b> of <b>{{ dag.dag_id }}</b> failed in run {{ run_id }}.</p>"
                "<p>{{ exception | e }}</p><p>Readers still see the last good marts.</p>"
            ),
        )
    ]


def task_defaults(**changes: Any) -> dict[str, Any]:
    return {
        "owner": "tracemart",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": failure_mail(),
        **changes,
    }
