"""`./run bench extract`: extraction beside fetching alone and beside dlt, on one server, in one run.

The stand-in serves a synthetic stream with all fields but inputs and outputs. Its pages are rendered once before
anything is measured, so that its share is the same, and small, for all.
"""

import sys
from decimal import Decimal
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks.place import Place, Server, measured, place
from tracemart.settings import PROJECT_ROOT

ROWS = 200_000
PER_DAY = 20_000
DLT_PYTHON = str(PROJECT_ROOT / ".venv-bench" / "bin" / "python")

console = Console(soft_wrap=True)


def main() -> None:
    with place() as here, here.standin(ROWS, PER_DAY, "--rendered-megabytes", "400") as server:
        with console.status("rendering the pages once …"):
            measured("measured_fetch.py", here.environment("", server))
        fetch = run(here, server, "fetch and parse alone", "measured_fetch.py", "")
        url = here.database("tracemart")
        first = run(here, server, "tracemart", "measured_extract.py", url)
        again = run(here, server, "tracemart, nothing new", "measured_extract.py", url)
        dlt = run(here, server, "dlt 1.31", "measured_dlt.py", here.database("dlt"), python=DLT_PYTHON)
        check(server, url)
    table = Table("", "rows", "seconds", "rows/s", "memory", title=f"{ROWS:,} observations over HTTP into raw")
    for name, figures in [
        ("fetch and parse alone", fetch), ("tracemart", first), ("tracemart, nothing new", again), ("dlt 1.31", dlt),
    ]:  # fmt: skip
        memory = f"{figures['memory_mb']:.0f} MB" if "memory_mb" in figures else ""
        rate = f"{figures['rows'] / figures['seconds']:,.0f}"
        table.add_row(name, f"{figures['rows']:,}", f"{figures['seconds']:.2f}", rate, memory)
    console.print(table)
    console.print(f"tracemart is {dlt['seconds'] / first['seconds']:.1f} times as fast as dlt,")
    console.print(f"takes {first['seconds'] / fetch['seconds']:.2f} times what fetching and parsing alone takes,")
    console.print(f"and a run that finds nothing new {again['seconds'] / first['seconds']:.2f} of a first one.")


def run(here: Place, server: Server, name: str, script: str, url: str, python: str = sys.executable) -> dict[str, Any]:
    with console.status(f"{name} …"):
        return measured(script, here.environment(url, server), python=python)


def check(server: Server, url: str) -> None:
    """Fast and wrong is no speed: rows and cost are those of the server."""
    truth = server.truth["totals"]
    with psycopg.connect(url) as connection:
        loaded = connection.execute(
            "select count(*), sum(total_cost), count(distinct (trace_id, id)) from raw.observations"
        ).fetchone()
    assert loaded is not None
    if loaded[0] != truth["observations"] or loaded[1] != Decimal(truth["cost_usd"]) or loaded[2] != loaded[0]:
        raise SystemExit(f"raw holds {loaded}, the server {truth}")


if __name__ == "__main__":
    main()
