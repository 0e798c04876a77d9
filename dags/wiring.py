"""What all DAGs share: assets that link them, defaults of their tasks, the list of tags."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.exceptions import AirflowFailException, AirflowRescheduleException, AirflowSkipException

RAW = Asset("langfuse_raw")
PROJECTS = AssetAlias("langfuse_projects")
MARTS = Asset("tracemart_marts")
FORECASTS = Asset("tracemart_forecasts")

MOST_LINES = 200
SMTP_CONNECTION = "tracemart_smtp"
TAGS = {"extract", "build", "forecast", "report", "maintenance"}


def backfilled_window(context: Mapping[str, Any]) -> dict[str, datetime]:
    """The data interval as `window_from` and `window_to` in a run of a backfill; nothing in any other run."""
    if not is_backfill(context):
        return {}
    return {"window_from": context["data_interval_start"], "window_to": context["data_interval_end"]}


def is_backfill(context: Mapping[str, Any]) -> bool:
    return bool(context["dag_run"].run_type == "backfill")


def announce(context: Mapping[str, Any], project: str, result: Any) -> None:
    """Events of `langfuse_raw` and of the project's own asset that carry what became of its rows.

    A line a slice; of a load with very many, such as a first one, a line an entity.
    """
    lines = result.with_slices().splitlines()
    rows = lines if len(lines) <= MOST_LINES else str(result).splitlines()
    events, extra = context["outlet_events"], {"project": project, "rows": rows}
    events[RAW].extra = extra
    events[PROJECTS].add(Asset(name=f"langfuse {project}", uri=f"langfuse://{quote(project)}"), extra=extra)


@contextmanager
def ending_as_airflow_says(context: Mapping[str, Any]) -> Iterator[None]:
    """A limit skips the task, a server that others read brings it back later, a wrong key fails it without a retry.

    A project that an earlier run still reads is skipped as well, but not by a backfill, whose interval is its own.
    """
    from tracemart.errors import (
        LangfuseAuthError,
        LangfuseBusyError,
        LangfuseRateLimitedError,
        NotLangfuseError,
        ProjectBusyError,
        SettingsError,
    )

    try:
        yield
    except LangfuseRateLimitedError as error:
        raise AirflowSkipException(str(error)) from None
    except LangfuseBusyError as error:
        if isinstance(error, ProjectBusyError) and not is_backfill(context):
            raise AirflowSkipException(str(error)) from None
        print(error)
        raise AirflowRescheduleException(datetime.now(UTC) + timedelta(minutes=1)) from None
    except (LangfuseAuthError, NotLangfuseError, SettingsError) as error:
        raise AirflowFailException(str(error)) from None


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
