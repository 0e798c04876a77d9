"""`./run bench growth`: what one new hour costs on top of 1 million rows and on top of 20 million, at as many a day.

The first million and every new hour come over HTTP; the rest of the history is copied from it within PostgreSQL, a day
at a time with ids and times of its own.
"""

import statistics
from datetime import timedelta
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from tests.benchmarks.place import END, Place, Server, measured, place
from tracemart.extract.partitions import ensure_months, months_between

PER_DAY = 100_000
DAYS = 10
FULL_DAYS = 200
HOURS = 7

console = Console(soft_wrap=True)


def main() -> None:
    with place() as here, here.standin(PER_DAY * DAYS, PER_DAY) as server:
        url = here.database("growth")
        with console.status("loading the first million rows …"):
            measured("measured_extract.py", here.environment(url, server))
        early = new_hours(here, server, url, 0)
        with console.status("copying them into the past …"):
            copy_into_the_past(url, DAYS, FULL_DAYS)
        late = new_hours(here, server, url, HOURS)
        with psycopg.connect(url) as connection:
            (rows,) = connection.execute("select count(*) from raw.observations").fetchone() or (0,)
    table = Table("on top of", "new rows", "seconds (median)", "fastest", "slowest", title="One new hour")
    for name, hours in (("1 million rows", early), (f"{rows / 1e6:.1f} million rows", late)):
        seconds = [hour["seconds"] for hour in hours]
        row = (
            f"{hours[0]['new']:,}",
            f"{statistics.median(seconds):.3f}",
            f"{min(seconds):.3f}",
            f"{max(seconds):.3f}",
        )
        table.add_row(name, *row)
    console.print(table)
    ratio = statistics.median(h["seconds"] for h in late) / statistics.median(h["seconds"] for h in early)
    console.print(f"One new hour costs {ratio:.2f} times what it cost on top of 1 million rows.")


def new_hours(here: Place, server: Server, url: str, first: int) -> list[dict[str, Any]]:
    """Each new hour with the 2 hours before it, after one that is not counted."""
    done = []
    for hour in range(first, first + HOURS):
        environment = here.environment(url, server, END + timedelta(hours=hour + 1)) | {"TRACEMART_OVERLAPS": "2h"}
        done.append(measured("measured_extract.py", environment))
    return done[1:]


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
