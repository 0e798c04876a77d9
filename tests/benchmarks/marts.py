"""`./run bench marts [ROWS …]`: builds, and the dashboards' queries, at 1 million and 10 million observations.

There are 33,333 observations a day, whatever the history. The first million and every new hour come over HTTP; the rest
of the history is copied from it within PostgreSQL, a month at a time with ids and times of its own. Each size begins
with an empty warehouse, and is built by the very steps of the DAG, their checks among them.
"""

import statistics
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.growth import copy_into_the_past
from tests.benchmarks.place import END, Place, Server, measured, place

PER_DAY = 33_333
FIRST = 1_000_000
SIZES = (1_000_000, 10_000_000)
HOURS = 4

console = Console(soft_wrap=True)


@dataclass
class Figures:
    rows: int
    whole: dict[str, Any]
    copied: dict[str, Any]
    hours: list[dict[str, Any]]
    queries: dict[str, float]
    server_mb: float

    @property
    def hour_seconds(self) -> float:
        return statistics.median(hour["seconds"] for hour in self.hours)


class ServerMemory:
    """The most that PostgreSQL's processes held of their own at one moment, in MB; what they share is not in it.

    The kernel counts it for each process as it goes; to ask for more would stop those that are measured.
    """

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._postmaster, self._over = psutil.Process(pid), Event()
        self._watch = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ServerMemory":
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _run(self) -> None:
        while not self._over.wait(0.5):
            held = 0
            for process in [self._postmaster, *self._postmaster.children()]:
                with suppress(FileNotFoundError, ProcessLookupError):
                    held += _own_kib(Path(f"/proc/{process.pid}/status").read_text())
            self.peak_mb = max(self.peak_mb, held / 1024)


def _own_kib(status: str) -> int:
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")), 0)


def main(sizes: tuple[int, ...]) -> None:
    figures = []
    for rows in sizes:
        with place() as here, here.standin(FIRST, PER_DAY) as server:
            figures.append(measure(here, server, rows))
            report(figures[-1])
    compare(figures)


def measure(here: Place, server: Server, rows: int) -> Figures:
    url = here.database("marts")
    with console.status(f"loading {rows:,} observations …"):
        measured("measured_extract.py", here.environment(url, server))
        copy_into_the_past(url, FIRST // PER_DAY, rows // PER_DAY)
    with ServerMemory(here.postgres_pid()) as memory:
        with console.status("building all marts …"):
            whole = measured("measured_build.py", here.environment(url))
        hours = []
        with console.status("building new hours …"):
            for hour in range(HOURS):
                environment = here.environment(url, server, END + timedelta(hours=hour + 1))
                measured("measured_extract.py", environment | {"TRACEMART_OVERLAPS": "2h"})
                hours.append(measured("measured_build.py", environment))
    with console.status("asking what the dashboards ask …"):
        queries = measured("measured_queries.py", here.environment(url, as_of=END + timedelta(hours=HOURS)))
    return Figures(rows, whole, hours[0], hours[1:], queries, memory.peak_mb)


def report(figures: Figures) -> None:
    table = Table("step", "seconds", "of which", title=f"{figures.rows:,} observations")
    for name, build in (("all marts", figures.whole), ("second copy and one hour", figures.copied)):
        table.add_row(name, f"{build['seconds']:.1f}", shown(build))
    table.add_row(
        f"one new hour, median of {len(figures.hours)}", f"{figures.hour_seconds:.1f}", shown(figures.hours[-1])
    )
    console.print(table)
    for name, build in (("the whole", figures.whole), ("a new hour", figures.hours[-1])):
        slowest = ", ".join(f"{node} {seconds:.1f} s" for node, seconds in build["slowest"].items())
        console.print(f"Slowest of {name}: {slowest}.")
    times = sorted(figures.queries.values())
    console.print(
        f"{len(times)} queries of dashboards: median {statistics.median(times):.1f} ms, 95 %"
        f" {times[int(0.95 * (len(times) - 1))]:.1f} ms, slowest:"
    )
    for name, milliseconds in sorted(figures.queries.items(), key=lambda query: -query[1])[:8]:
        console.print(f"  {milliseconds:8.1f} ms  {name}")
    python = max(build["memory_mb"] for build in (figures.whole, figures.copied, *figures.hours))
    console.print(
        f"Memory: PostgreSQL's processes {figures.server_mb:,.0f} MB at most, the building one {python:,.0f} MB."
    )


def shown(build: dict[str, Any]) -> str:
    return ", ".join(f"{part} {seconds:.1f}" for part, seconds in build["parts"].items())


def compare(figures: list[Figures]) -> None:
    if len(figures) > 1:
        first, last = figures[0], figures[-1]
        console.print(
            f"One new hour on top of {last.rows:,} observations costs"
            f" {last.hour_seconds / first.hour_seconds:.2f} times what it costs on top of {first.rows:,}."
        )


if __name__ == "__main__":
    main(tuple(int(rows.replace("_", "")) for rows in sys.argv[1:]) or SIZES)
