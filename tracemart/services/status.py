"""What runs, since when, how fresh the data is, and what the logs say."""

import time
from collections import deque
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from tracemart.errors import BadInputError, WarehouseError
from tracemart.services.instance import active_instance
from tracemart.services.postgres import EmbeddedPostgres
from tracemart.services.processes import Processes
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse


def print_status(settings: Settings, console: Console) -> None:
    instance = active_instance(settings.home)
    services = Table("Service", "Running for", "Address", box=None, padding=(0, 2, 0, 0))
    postgres = EmbeddedPostgres(settings.home).running_port()
    if postgres is not None:
        services.add_row("postgres", "", f"127.0.0.1:{postgres}")
    running = Processes(settings.home).all_running()
    for service in running:
        addresses = ", ".join(f"127.0.0.1:{port}" for port in service.ports.values())
        services.add_row(service.name, duration(time.time() - service.created), addresses)
    if not running and postgres is None:
        console.print("Nothing runs: start it with ./run demo or ./run up.")
        return
    console.print(services)
    if instance is not None:
        console.print(f"Instance {instance['name']}; {freshness(settings)}", highlight=False)


def freshness(settings: Settings) -> str:
    try:
        with Warehouse(settings).connect(Role.ANALYST) as connection:
            row = connection.execute("select max(data_through_at), max(published_at) from marts.fct_builds").fetchone()
    except WarehouseError as error:
        return str(error)
    except psycopg.errors.UndefinedTable:
        return "no build is published yet"
    through, published = row or (None, None)
    if through is None or published is None:
        return "no build is published yet"
    age = duration((settings.now() - through).total_seconds())
    return f"data through {through:%Y-%m-%d %H:%M} UTC ({age} old), published {published:%Y-%m-%d %H:%M} UTC"


def print_logs(home: Path, service: str | None, lines: int, console: Console) -> None:
    """Raises BadInputError for a service that has no log."""
    files = sorted((home / "logs").glob("*.log"))
    if service is not None:
        chosen = [file for file in files if file.stem == service]
        if not chosen:
            names = ", ".join(file.stem for file in files) or "none yet"
            raise BadInputError(f"There is no log of {service}; there is {names}.")
        files = chosen
    for file in files:
        console.rule(str(file), align="left")
        with file.open(errors="replace") as stream:
            for line in deque(stream, maxlen=lines):
                console.print(line.rstrip(), markup=False, highlight=False)


def duration(seconds: float) -> str:
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
