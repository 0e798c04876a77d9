"""`./run demo`: the main job on demo data, run by Airflow's scheduler, and what it led to."""

import os
import time
from decimal import Decimal

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from tracemart.services.airflow import AirflowApi
from tracemart.services.instance import DemoWorkload
from tracemart.services.stack import Stack, start
from tracemart.services.steps import Steps
from tracemart.settings import Settings
from tracemart.superset.importing import import_dashboards
from tracemart.warehouse import Role, Warehouse

CHAIN = ["extract_langfuse", "build_marts", "forecast_usage"]
SCHEDULED_AFTER = ["email_report", "maintain_warehouse"]


def run_demo(settings: Settings, workload: DemoWorkload, console: Console) -> Stack:
    """Start everything, run every DAG to its end, import the dashboards, say where to look."""
    steps = Steps(console)
    record_setup(steps)
    with steps.shown():
        stack = start(settings, workload, steps)
        api = stack.airflow()
        known = {dag: {run["dag_run_id"] for run in api.runs(dag)} for dag in [*CHAIN, *SCHEDULED_AFTER]}
        for dag in CHAIN:
            api.unpause(dag)
        start_chain(api, known[CHAIN[0]])
        for dag in CHAIN[:2]:
            run_to_end(api, dag, known[dag], steps)
        if not published(api, known["build_marts"]):
            api.run("forecast_usage")
        # The dashboards' colours and periods come from the marts, so they follow the first build.
        steps.together(
            ("Superset's dashboards", lambda: import_into(stack)),
            ("Airflow: forecast_usage", lambda: api_wait(stack, "forecast_usage", known["forecast_usage"])),
        )
        for dag in SCHEDULED_AFTER:
            api.unpause(dag)
            if known[dag]:
                api.run(dag)
        for dag in SCHEDULED_AFTER:
            run_to_end(api, dag, known[dag], steps)
    console.print(summary(stack))
    console.print(steps.breakdown())
    console.print(f"Everything above took {elapsed():.0f} s. ./run status · logs · sql · down", highlight=False)
    return stack


def run_to_end(api: AirflowApi, dag: str, known_runs: set[str], steps: Steps) -> None:
    with steps.step(f"Airflow: {dag}") as note:
        api.wait_for_run(dag, known_runs, note=note)


def published(api: AirflowApi, known_runs: set[str]) -> bool:
    """Whether a build that is not among the known ones found anything new; only then the asset starts the forecast."""
    new = {run["dag_run_id"] for run in api.runs("build_marts")} - known_runs
    return any(
        task["task_id"] == "publish_marts" and task["state"] == "success"
        for run_id in new
        for task in api.task_instances("build_marts", run_id)
    )


def api_wait(stack: Stack, dag: str, known_runs: set[str]) -> None:
    stack.airflow().wait_for_run(dag, known_runs)


def import_into(stack: Stack) -> None:
    import_dashboards(stack.instance.settings, stack.superset_url, stack.superset_user, stack.superset_password)


def start_chain(api: AirflowApi, known_runs: set[str]) -> None:
    """The scheduler starts a DAG's newest interval once it is unpaused; a DAG that ran before is asked to run again."""
    if known_runs:
        api.run(CHAIN[0])


def record_setup(steps: Steps) -> None:
    started, installed = os.environ.get("TRACEMART_STARTED_AT"), os.environ.get("TRACEMART_INSTALLED_AT")
    if started and installed:
        steps.record("Python environments", float(installed) - float(started))


def elapsed() -> float:
    started = os.environ.get("TRACEMART_STARTED_AT")
    return time.time() - float(started) if started else 0.0


def summary(stack: Stack) -> Panel:
    loaded = Table.grid(padding=(0, 2))
    for label, value in loaded_figures(stack.instance.settings):
        loaded.add_row(label, value)
    loaded.add_row()
    loaded.add_row("Superset", f"{stack.superset_url}/superset/dashboard/overview/")
    loaded.add_row("", f"log in as {stack.superset_user} with {stack.superset_password}")
    loaded.add_row("Airflow", stack.airflow_url)
    loaded.add_row("", f"log in as admin with {stack.airflow_password}")
    loaded.add_row("Mailbox", f"{stack.mailbox_url}  (the weekly report)")
    loaded.add_row("Langfuse", f"{stack.standin_url}  (the stand-in's API)")
    loaded.add_row("SQL", './run sql "select * from marts.fct_usage_daily limit 10"')
    return Panel(loaded, title="Tracemart demo", expand=False)


def loaded_figures(settings: Settings) -> list[tuple[str, str]]:
    with Warehouse(settings).connect(Role.ANALYST) as connection:
        row = connection.execute(
            """
            select
                min(usage_date), max(usage_date), coalesce(sum(calls), 0), coalesce(sum(input_tokens), 0),
                coalesce(sum(output_tokens), 0), coalesce(sum(cost_usd), 0)
            from marts.fct_usage_daily
            """
        ).fetchone()
        forecasts = connection.execute("select count(*) from marts.fct_forecasts").fetchone()
        anomalies = connection.execute("select count(*) from marts.fct_anomalies where is_anomaly").fetchone()
    assert row is not None
    assert forecasts is not None
    assert anomalies is not None
    first, last, calls, input_tokens, output_tokens, cost = row
    return [
        ("Days", f"{first} to {last}"),
        ("LLM calls", f"{calls:,}"),
        ("Tokens", f"{input_tokens:,} uncached in, {output_tokens:,} out"),
        ("Cost", f"${Decimal(cost):,.2f}"),
        ("Forecasts", f"{forecasts[0]:,} rows; {anomalies[0]:,} anomalies"),
    ]
