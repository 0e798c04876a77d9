"""`./run bench growth`: what one new hour costs on top of 1 million rows and on top of 20 million, at as many a day.

Two databases take the same hours in turns, so that a machine that runs slower for a minute slows both. The first
million and every new hour come over HTTP; the rest of one history is copied from it within PostgreSQL, ten days at a
time with ids and times of its own.
"""

import statistics
from datetime import timedelta
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.benchmarks.place import END, Place, Server, measured, place
from tracemart.extract.partitions import ensure_months, months_between

PER_DAY = 100_000
DAYS = 10
FULL_DAYS = 200
HOURS = 10

console = Console(soft_wrap=True)


def main() -> None:
    with place() as here, here.standin(PER_DAY * DAYS, PER_DAY) as server:
        short, long = here.database("short"), here.database("long")
        with console.status("loading the first million rows, twice …"):
            for url in (short, long):
                measured("measured_extract.py", here.environment(url, server))
        with console.status("copying one of them into the past …"):
            copy_into_the_past(long, DAYS, FULL_DAYS)
        hours = [
            [new_hour(here, server, url, hour) for url in (short, long)]
            for hour in track(range(HOURS), "loading new hours, in turns", console=console)
        ]
        counts = [rows_of(url) for url in (short, long)]
    table = Table("on top of", "new rows", "seconds (median)", "fastest", "slowest", title="One new hour")
    medians = []
    # The first of each is not counted.
    for rows, of_one in zip(counts, zip(*hours[1:], strict=True), strict=True):
        seconds = [hour["seconds"] for hour in of_one]
        medians.append(statistics.median(seconds))
        figures = (f"{figure:.3f}" for figure in (medians[-1], min(seconds), max(seconds)))
        table.add_row(f"{rows / 1e6:.1f} million rows", f"{of_one[0]['new']:,}", *figures)
    console.print(table)
    console.print(f"One new hour costs {medians[1] / medians[0]:.2f} times what it costs on top of 1 million rows.")


def new_hour(here: Place, server: Server, url: str, hour: int) -> dict[str, Any]:
    """A new hour with the 2 hours before it."""
    environment = here.environment(url, server, END + timedelta(hours=hour + 1)) | {"TRACEMART_OVERLAPS": "2h"}
    return measured("measured_extract.py", environment)


def rows_of(url: str) -> int:
    with psycopg.connect(url) as connection:
        (rows,) = connection.execute("select count(*) from raw.observations").fetchone() or (0,)
        return int(rows)


def copy_into_the_past(url: str, days_there: int, days_wanted: int) -> None:
    """Repeat the days before END until there are as many as wanted."""
    with psycopg.connect(url, autocommit=True) as connection:
        columns = [
            row[0]
            for row in connection.execute(
                "select attname from pg_attribute where attrelid = 'raw.observations'::regclass"
                " and attnum > 0 and not attisdropped order by attnum"
            )
        ]
        moved = {
            "trace_id": "md5(trace_id || %(days)s)",
            "start_time": "start_time - %(shift)s",
            "end_time": "end_time - %(shift)s",
            "start_month": "date_trunc('month', (start_time - %(shift)s) at time zone 'UTC')::date",
        }
        listed = ", ".join(columns)
        values = ", ".join(moved.get(column, column) for column in columns)
        start = END - timedelta(days=days_wanted)
        connection.execute("set role tracemart_loader")
        ensure_months(connection, months_between(start, END))
        for days in range(days_there, days_wanted, days_there):
            parameters = {
                "days": str(days), "shift": timedelta(days=days), "end": END,
                "start": END - timedelta(days=days_there),
            }  # fmt: skip
            connection.execute(
                f"insert into raw.observations ({listed}) select {values} from raw.observations"
                " where start_time >= %(start)s and start_time < %(end)s".encode(),
                parameters,
            )
        connection.execute(
            "insert into raw.trace_months select distinct instance, project_id, trace_id, start_month"
            " from raw.observations on conflict do nothing"
        )
        connection.execute("reset role")
        connection.execute("vacuum (analyze) raw.observations")
        connection.execute("vacuum (analyze) raw.trace_months")
        connection.execute("checkpoint")


if __name__ == "__main__":
    main()
