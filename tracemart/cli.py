"""The command line: each command calls the very function that a DAG calls."""

import json
import logging
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from tracemart.errors import TracemartError

if TYPE_CHECKING:
    from tracemart.settings import Settings
    from tracemart.warehouse import Progress

app = typer.Typer(
    name="./run",
    help="Tracemart, the analytics warehouse for teams that trace their LLM applications with Langfuse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench = typer.Typer(help="Score forecasts and anomalies on any series; measure speed.", no_args_is_help=True)
app.add_typer(bench, name="bench")
console = Console(soft_wrap=True)

MOMENT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
ANY_OPTION = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
SeriesFile = Annotated[Path, typer.Option("--series", help="CSV with series_id, time, value")]
OutFile = Annotated[Path | None, typer.Option("--out", help="write each scored row to this CSV")]


def main() -> None:
    """Runs a command; an error of our own is one sentence and exit code 1."""
    from tracemart.services.environment import turn_telemetry_off

    turn_telemetry_off()
    # Without a log-in session there is none, which libraries mention and nobody needs to hear.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app(prog_name="./run")
    except TracemartError as error:
        print_error(error)
        sys.exit(1)
    except OSError as error:
        if error.errno not in (28, 122):
            raise
        Console(stderr=True).print(f"No space is left at {error.filename or 'the disk'}; free some, then run it again.")
        sys.exit(1)


def print_error(error: TracemartError) -> None:
    Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False, highlight=False)


@app.command()
def demo(
    workload: Annotated[
        Path | None, typer.Option(help="a request log: TIMESTAMP,ContextTokens,GeneratedTokens")
    ] = None,
    observations: Annotated[int | None, typer.Option(min=1, help="size of the made workload")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="days of the made workload")] = None,
    seed: Annotated[int | None, typer.Option(help="seed of the made workload")] = None,
) -> None:
    """Run the main job on demo data and say where to look at it."""
    from tracemart.services.demo import run_demo
    from tracemart.services.instance import DemoWorkload
    from tracemart.settings import Settings
    from tracemart.standin.workloads.spec import WorkloadSpec

    sizes = {"observations": observations, "days": days, "seed": seed}
    given: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
    if workload is not None and given:
        raise typer.BadParameter("--workload already says how much there is; leave the sizes out.")
    run_demo(Settings.configured(), DemoWorkload.chosen(WorkloadSpec(file=workload, **given)), console)


@app.command()
def up() -> None:
    """Start the same services on the Langfuse projects in .env or projects.yml."""
    from tracemart.services.status import print_status
    from tracemart.services.up import bring_up
    from tracemart.settings import Settings

    stack = bring_up(Settings.configured(), console)
    print_status(stack.instance.settings, console)


@app.command()
def down() -> None:
    """Stop everything that demo and up started; the data stays."""
    from tracemart.services.instance import deactivate
    from tracemart.services.stack import stop
    from tracemart.settings import Settings

    home = Settings.configured().home
    stopped = stop(home)
    deactivate(home)
    console.print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
def status() -> None:
    """What runs, since when, and how fresh the data is."""
    from tracemart.services.status import print_status
    from tracemart.settings import Settings

    print_status(Settings.load(), console)


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="such as airflow-scheduler; without it: all")] = None,
    lines: Annotated[int, typer.Option("-n", min=1)] = 20,
) -> None:
    """The last lines of the services' logs."""
    from tracemart.services.status import print_logs
    from tracemart.settings import Settings

    print_logs(Settings.configured().home, service, lines, console)


@app.command()
def sql(query: str) -> None:
    """Run a query on the warehouse as the read-only analyst."""
    from tracemart.query import print_query
    from tracemart.settings import Settings

    print_query(Settings.load(), query, console)


@app.command(context_settings=ANY_OPTION)
def mf(context: typer.Context) -> None:
    """MetricFlow on the published marts: mf list metrics, mf query --metrics cost_usd --group-by metric_time__month."""
    from tracemart.semantic.command import run_metricflow
    from tracemart.settings import Settings

    run_metricflow(Settings.load(), context.args)


@app.command()
def extract(
    window_from: Annotated[
        datetime | None, typer.Option("--from", formats=MOMENT_FORMATS, help="start of a backfill, UTC")
    ] = None,
    window_to: Annotated[
        datetime | None, typer.Option("--to", formats=MOMENT_FORMATS, help="its end, not included")
    ] = None,
    project: Annotated[str | None, typer.Option(help="only this one, as ./run extract names it")] = None,
) -> None:
    """Load what is new in Langfuse into raw; a project that fails does not keep the others from it."""
    from tracemart.extract.step import extract_project

    for_each_project(
        project,
        lambda settings, name, progress: extract_project(
            settings, name, window_from=in_utc(window_from), window_to=in_utc(window_to), progress=progress
        ),
    )


@app.command()
def reconcile(
    project: Annotated[str | None, typer.Option(help="only this one, as ./run extract names it")] = None,
) -> None:
    """Ask Langfuse for its own figures of the days that were loaded since, to hold ours against them."""
    from tracemart.reconcile.server_totals import read_server_totals

    for_each_project(project, lambda settings, name, progress: read_server_totals(settings, name, progress=progress))


@app.command()
def bill(
    file: Annotated[Path, typer.Argument(help="CSV: a usage or cost export of OpenAI or Anthropic, or FOCUS 1.2")],
    provider: Annotated[
        str | None, typer.Option(help="whose bill it is, where the file does not tell or not so")
    ] = None,
    account: Annotated[str | None, typer.Option(help="which account, where the file does not tell")] = None,
) -> None:
    """Load a provider's bill; the next build holds it against what was traced."""
    from tracemart.reconcile.bills.step import load_bill
    from tracemart.settings import Settings

    console.print(str(load_bill(Settings.load(), file, provider=provider, account=account)), highlight=False)


@app.command()
def build(
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="build every day anew")] = False,
) -> None:
    """Build the marts with dbt, check them, publish them."""
    from tracemart.build import build as build_marts
    from tracemart.progress import shown
    from tracemart.settings import Settings

    with shown(console, "build") as progress:
        result = build_marts(Settings.load(), full_refresh=full_refresh, progress=progress)
    console.print(str(result), highlight=False)


@app.command()
def validate() -> None:
    """Check what arrived in raw."""
    from tracemart.progress import shown
    from tracemart.settings import Settings
    from tracemart.validate import validate_raw

    with shown(console, "validate") as progress:
        result = validate_raw(Settings.load(), progress=progress)
    console.print(str(result), highlight=False)


@app.command()
def forecast() -> None:
    """Forecast cost and calls, and score every day for anomalies."""
    from tracemart.forecast.step import forecast as forecast_usage
    from tracemart.progress import shown
    from tracemart.settings import Settings

    with shown(console, "forecast") as progress:
        result = forecast_usage(Settings.load(), progress=progress)
    console.print(str(result), highlight=False)


@app.command()
def report(
    again: Annotated[bool, typer.Option("--again", help="send it even if this week's was sent")] = False,
) -> None:
    """Send the weekly report by e-mail."""
    from tracemart.report import send_weekly
    from tracemart.settings import Settings

    console.print(str(send_weekly(Settings.load(), again=again)), highlight=False)


@app.command()
def focus(
    month: Annotated[str | None, typer.Option(help="a calendar month of UTC, such as 2026-09")] = None,
    day_from: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first day, UTC")] = None,
    day_to: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="the day after the last")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder of the files")] = Path("focus"),
    file_format: Annotated[str, typer.Option("--format", help="csv, parquet or both")] = "both",
) -> None:
    """Write the cost of calls as a FOCUS 1.2 dataset, as CSV and Parquet."""
    from tracemart.focus import Period, export
    from tracemart.focus.step import FORMATS
    from tracemart.progress import shown
    from tracemart.settings import Settings

    if file_format not in (*FORMATS, "both"):
        raise typer.BadParameter(f"{file_format} is none of csv, parquet and both.", param_hint="--format")
    period = Period.chosen(month, day_from, day_to)
    with shown(console, "focus") as progress:
        result = export(
            Settings.load(), period, out, FORMATS if file_format == "both" else (file_format,), progress=progress
        )
    console.print(str(result), highlight=False)


@app.command()
def maintain() -> None:
    """Keep the warehouse quick and small: statistics, vacuum, old logs."""
    from tracemart.maintain import maintain as maintain_warehouse
    from tracemart.settings import Settings

    console.print(str(maintain_warehouse(Settings.load())), highlight=False)


@app.command("close-month")
def close_month(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="such as 2026-09")],
    by: Annotated[str | None, typer.Option("--by", help="who closes it; else who is logged in")] = None,
) -> None:
    """Close a month of chargeback: it stays as it is, and what comes late is posted to the next one."""
    from tracemart.closing import close_month as close
    from tracemart.settings import Settings

    console.print(str(close(Settings.load(), month.date(), by)), highlight=False)


@app.command("reopen-month")
def reopen_month(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="the last closed one")],
    by: Annotated[str | None, typer.Option("--by", help="who opens it; else who is logged in")] = None,
) -> None:
    """Open the last closed month of chargeback again."""
    from tracemart.closing import reopen_month as reopen
    from tracemart.settings import Settings

    console.print(str(reopen(Settings.load(), month.date(), by)), highlight=False)


@app.command()
def forget(
    user: Annotated[str, typer.Option("--user", help="the user's id, as your application sends it")],
    project: Annotated[str | None, typer.Option(help="only in this Langfuse project")] = None,
) -> None:
    """Remove a person from every table, and from what is loaded later; usage and cost stay."""
    from tracemart.forget import forget as forget_user
    from tracemart.settings import Settings

    console.print(str(forget_user(Settings.load(), user, project)), highlight=False)


@bench.command("extract", context_settings=ANY_OPTION)
def bench_extract(context: typer.Context) -> None:
    """Measure extraction beside dlt and beside fetching alone, and from an export."""
    run_benchmark("extract.py", context.args)


@bench.command("growth", context_settings=ANY_OPTION)
def bench_growth(context: typer.Context) -> None:
    """Measure a new hour on top of 1 million rows and of 20 million."""
    run_benchmark("growth.py", context.args)


@bench.command("marts", context_settings=ANY_OPTION)
def bench_marts(context: typer.Context) -> None:
    """Measure builds and the dashboards' queries at 1 and 10 million observations, or at as many as are named."""
    run_benchmark("marts.py", context.args)


@bench.command("kill", context_settings=ANY_OPTION)
def bench_kill(context: typer.Context) -> None:
    """Kill a loader 100 times at random moments, and compare its tables row for row with an undisturbed one's."""
    run_benchmark("kill.py", context.args)


@bench.command("forecast")
def bench_forecast(
    series: SeriesFile,
    horizon: Annotated[int, typer.Option(min=1)] = 14,
    origins: Annotated[int, typer.Option(min=1)] = 8,
    out: OutFile = None,
) -> None:
    """Score forecasts by rolling origins at the end of each series; JSON on standard output."""
    from tracemart.forecast.bench import bench_forecast as score

    print(json.dumps(score(series, horizon=horizon, origins=origins, out=out), indent=2))


@bench.command("anomalies")
def bench_anomalies(series: SeriesFile, out: OutFile = None) -> None:
    """Score every point from its past alone; JSON on standard output."""
    from tracemart.forecast.bench import bench_anomalies as score

    print(json.dumps(score(series, out=out), indent=2))


def run_benchmark(script: str, arguments: list[str]) -> None:
    """A script of tests/benchmarks, in its own process, for it measures others. Exits as it does."""
    import subprocess

    from tracemart.settings import PROJECT_ROOT

    path = PROJECT_ROOT / "tests" / "benchmarks" / script
    raise typer.Exit(subprocess.run([sys.executable, str(path), *arguments], check=False, cwd=PROJECT_ROOT).returncode)


def for_each_project(project: str | None, step: Callable[["Settings", str, "Progress"], object]) -> None:
    """Run a step on the named project or on all, and show what it says; one that fails keeps no other from it.

    Raises the last project's LangfuseError, after the others' are printed.
    """
    from tracemart.errors import LangfuseError
    from tracemart.extract.step import project_names
    from tracemart.progress import shown
    from tracemart.settings import Settings

    settings = Settings.load()
    names = project_names(settings)
    if project is not None and project not in names:
        raise typer.BadParameter(f"{project} is not set; there are {', '.join(names)}.", param_hint="--project")
    failures: list[LangfuseError] = []
    for name in [project] if project else names:
        try:
            with shown(console, name) as progress:
                result = step(settings, name, progress)
        except LangfuseError as error:
            failures.append(error)
            continue
        console.print(str(result), highlight=False)
    for failure in failures[:-1]:
        print_error(failure)
    if failures:
        raise failures[-1]


def in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
