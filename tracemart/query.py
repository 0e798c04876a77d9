"""`./run sql`: a query as the read-only analyst, printed as a table, or as CSV where nobody looks."""

import csv
import sys

import psycopg
from rich.console import Console
from rich.table import Table

from tracemart.errors import WarehouseQueryError
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, first_line


def print_query(settings: Settings, query: str, console: Console) -> None:
    """Raises WarehouseQueryError, WarehouseUnreachableError."""
    with Warehouse(settings).connect(Role.ANALYST) as connection:
        connection.read_only = True
        try:
            cursor = connection.execute(query.encode())
        except psycopg.Error as error:
            raise WarehouseQueryError(f"The warehouse refuses this query: {first_line(error)}.") from None
        if cursor.description is None:
            return
        columns = [column.name for column in cursor.description]
        if not console.is_terminal:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(cursor)
            return
        table = Table(*columns, box=None, padding=(0, 2, 0, 0))
        for row in cursor:
            table.add_row(*("" if value is None else str(value) for value in row))
        console.print(table)
