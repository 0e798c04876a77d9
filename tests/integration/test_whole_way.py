"""The whole way once: `./run demo` on a small made workload, run by Airflow's scheduler."""

import json
import subprocess
import sys
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracemart.services.airflow import DAGS
from tracemart.services.stack import Stack
from tracemart.settings import PROJECT_ROOT
from tracemart.warehouse import Role, Warehouse

ROLL_UPS = [
    "fct_usage_hourly",
    "fct_usage_daily",
    "fct_cost_daily",
    "fct_model_comparison_daily",
    "fct_agent_daily",
    "fct_user_activity_daily",
]


@pytest.fixture(scope="module")
def truth(running_demo: Stack, demo_size: tuple[str, ...]) -> dict[str, Any]:
    as_of = running_demo.instance.settings.as_of
    assert as_of is not None
    command = [sys.executable, "-m", "tracemart.standin", "truth", *demo_size, "--end", as_of.isoformat()]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def one(stack: Stack, query: str) -> Any:
    with Warehouse(stack.instance.settings).connect(Role.ANALYST) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_the_recorded_cost_is_the_truth_to_the_last_digit(running_demo: Stack, truth: dict[str, Any]) -> None:
    recorded = one(running_demo, "select sum(recorded_cost_usd) from marts.fct_generations where is_counted")
    assert recorded == Decimal(truth["totals"]["cost_usd"])


@pytest.mark.parametrize("mart", ROLL_UPS)
def test_the_cost_of_every_roll_up_is_that_of_the_counted_calls(running_demo: Stack, mart: str) -> None:
    of_calls = "select sum(cost_usd) from marts.fct_generations where is_counted"
    assert one(running_demo, f"select sum(cost_usd) from marts.{mart}") == one(running_demo, of_calls) > 0


def test_the_newest_run_of_every_dag_was_successful(running_demo: Stack) -> None:
    api = running_demo.airflow()
    assert {dag: api.runs(dag)[0]["state"] for dag in DAGS} == dict.fromkeys(DAGS, "success")


def test_running_the_dags_again_changes_no_row(running_demo: Stack) -> None:
    before = fingerprints(running_demo)
    api = running_demo.airflow()
    chain = ("extract_langfuse", "build_marts", "forecast_usage")
    known = {dag: {run["dag_run_id"] for run in api.runs(dag)} for dag in chain}
    for dag in ("extract_langfuse", "forecast_usage"):
        api.run(dag)
    for dag in chain:
        api.wait_for_run(dag, known[dag], seconds=300)
    assert fingerprints(running_demo) == before


def fingerprints(stack: Stack) -> dict[str, str]:
    """A hash of every row of every table that is no run log."""
    with Warehouse(stack.instance.settings).connect(Role.OWNER) as connection:
        tables = connection.execute(
            """
            select schemaname, tablename from pg_tables
            where schemaname in ('raw', 'marts', 'forecasts') and (schemaname, tablename) <> ('raw', 'loads')
                and (schemaname, tablename) <> ('raw', 'watermarks')
            """
        ).fetchall()
        return {
            f"{schema}.{table}": connection.execute(
                f'select count(*), sum(hashtextextended(t::text, 0)) from {schema}."{table}" as t'.encode()
            ).fetchone()
            for schema, table in tables
        }  # type: ignore[misc]


def test_the_weekly_report_lies_in_the_mailbox(running_demo: Stack) -> None:
    folder = running_demo.instance.settings.projects_file.parent / "mail"
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in sorted(folder.glob("*.eml"))]
    assert len(mails) == 1
    kinds = {part.get_content_type() for part in mails[0].walk()}
    assert {"text/html", "text/plain", "text/csv", "image/png"} <= kinds
    assert httpx.get(running_demo.mailbox_url, trust_env=False).status_code == 200


def test_checks_and_builds_are_kept_where_a_dashboard_shows_them(running_demo: Stack) -> None:
    assert one(running_demo, "select count(*) from marts.fct_data_quality") > 0
    assert one(running_demo, "select count(*) from marts.fct_builds where data_through_at is not null") > 0


def test_no_secret_lies_in_a_log_or_a_process_title(running_demo: Stack) -> None:
    home = running_demo.home
    secrets = [value.encode() for value in json.loads((home / "credentials.json").read_text()).values()]
    keys = json.loads((running_demo.instance.settings.projects_file.parent / "keys.json").read_text())
    secrets += [pair["secret_key"].encode() for pair in keys.values()]
    leaks = [
        str(file) for file in (home / "logs").rglob("*.log") if any(secret in file.read_bytes() for secret in secrets)
    ]
    titles = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if readable(file)]
    assert leaks == []
    assert not any(secret in title for title in titles for secret in secrets)


def readable(file: Path) -> bool:
    try:
        file.read_bytes()
    except OSError:
        return False
    return True


def test_services_listen_on_loopback_only(running_demo: Stack) -> None:
    import psutil

    family = {process.pid for process in psutil.process_iter() if str(running_demo.home) in " ".join(cmdline(process))}
    open_to_all = [
        connection.laddr
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
        and connection.pid in family
        and connection.laddr.ip not in ("127.0.0.1", "::1")
    ]
    assert open_to_all == []


def cmdline(process: Any) -> list[str]:
    import psutil

    try:
        return [*process.cmdline(), process.environ().get("TRACEMART_HOME", "")]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
