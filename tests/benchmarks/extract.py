"""`./run bench extract`: extraction beside fetching alone and beside dlt, on one server, in one run; then an export.

The stand-in serves a synthetic stream with all fields but inputs and outputs. Its pages are rendered once before
anything is measured, so that its share is the same, and small, for all. What takes seconds is run three times, in
turns, and its median shown, for a machine that does something else for a second would decide it otherwise.
"""

import argparse
import statistics
import subprocess
import sys
from decimal import Decimal
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks.place import Place, Server, measured, place
from tracemart.settings import PROJECT_ROOT

ROWS = 200_000
MANY_ROWS = 2_000_000
TIMES = 3
PER_DAY = 20_000
DLT_PYTHON = str(PROJECT_ROOT / ".venv-bench" / "bin" / "python")

Figures = dict[str, Any]
console = Console(soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench extract", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"leave out the {MANY_ROWS:,} rows")
    is_quick = parser.parse_args().quick
    with place() as here:
        lines = {**over_http(here), **from_export(here, ROWS)}
        if not is_quick:
            lines |= {**memory_over_http(here), **from_export(here, MANY_ROWS)}
    show(lines)
    fetch, first, again = lines["fetch and parse alone"], lines["tracemart"], lines["tracemart, nothing new"]
    console.print(f"tracemart is {lines['dlt 1.31']['seconds'] / first['seconds']:.1f} times as fast as dlt,")
    console.print(f"takes {first['seconds'] / fetch['seconds']:.2f} times what fetching and parsing alone takes,")
    console.print(f"and a run that finds nothing new {again['seconds'] / first['seconds']:.2f} of a first one.")


def over_http(here: Place) -> dict[str, Figures]:
    with here.standin(ROWS, PER_DAY, "--rendered-megabytes", "600") as server:
        with console.status("rendering the pages once …"):
            measured("measured_fetch.py", here.environment("", server))
        fetched, first, again = [], [], []
        for time in range(TIMES):
            url = here.database(f"http_{time}")
            fetched.append(run(here, server, "measured_fetch.py", ""))
            first.append(run(here, server, "measured_extract.py", url))
            again.append(run(here, server, "measured_extract.py", url))
            check(server, url)
        dlt = run(here, server, "measured_dlt.py", here.database("dlt"), python=DLT_PYTHON)
    return {
        "fetch and parse alone": median(fetched),
        "tracemart": median(first),
        "tracemart, nothing new": median(again),
        "dlt 1.31": dlt,
    }


def memory_over_http(here: Place) -> dict[str, Figures]:
    with here.standin(MANY_ROWS, PER_DAY * 10) as server:
        url = here.database("http_many")
        lines = {f"tracemart, {MANY_ROWS:,} rows": run(here, server, "measured_extract.py", url)}
        check(server, url)
    return lines


def from_export(here: Place, rows: int) -> dict[str, Figures]:
    folder = here.home / f"export-{rows}"
    with here.standin(rows, ROWS) as server:
        with console.status(f"writing an export of {rows:,} rows …"):
            write = ["export", "--to", str(folder), "--format", "parquet", "--every", "24", *server.spec]
            subprocess.run(
                [sys.executable, "-m", "tracemart.standin", *write],
                check=True,
                cwd=PROJECT_ROOT,
                stdout=subprocess.DEVNULL,
            )
        loaded = []
        for time in range(TIMES):
            url = here.database(f"export_{rows}_{time}")
            with console.status("tracemart, export …"):
                environment = here.environment(url) | {"TRACEMART_BENCH_EXPORT": str(folder)}
                loaded.append(measured("measured_export.py", environment))
            check(server, url)
    return {f"tracemart, Parquet export of {rows:,}": median(loaded)}


def median(runs: list[Figures]) -> Figures:
    """Of the times; and the most memory of all."""
    return {
        "rows": runs[0]["rows"],
        "seconds": statistics.median(figures["seconds"] for figures in runs),
        "memory_mb": max(figures.get("memory_mb", 0) for figures in runs),
    }


def run(here: Place, server: Server, script: str, url: str, python: str = sys.executable) -> Figures:
    with console.status(f"{script} …"):
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


def show(lines: dict[str, Figures]) -> None:
    table = Table("", "rows", "seconds", "rows/s", "memory", title="Observations into raw")
    for name, figures in lines.items():
        memory = f"{figures['memory_mb']:.0f} MB" if figures.get("memory_mb") else ""
        rate = f"{figures['rows'] / figures['seconds']:,.0f}"
        table.add_row(name, f"{figures['rows']:,}", f"{figures['seconds']:.2f}", rate, memory)
    console.print(table)


if __name__ == "__main__":
    main()
