"""The step `bill`: a provider's export into raw, whole or not at all."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load
from tracemart.reconcile.bills.file import BillFile, read_bill
from tracemart.reconcile.bills.line import BillLine
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

_COLUMNS = (
    "usage_date", "line_number", "provider", "account", "model", "usage_type", "service_tier", "units", "requests",
    "cost_usd", "cost_decimals",
)  # fmt: skip


@dataclass(frozen=True)
class LoadedBill:
    """`replaced` lines of an earlier export of the same days gave way; None where the file was there already."""

    title: str
    providers: tuple[str, ...]
    first_date: date
    last_date: date
    lines: int
    cost_usd: Decimal
    replaced: int | None

    def __str__(self) -> str:
        what = (
            f"{self.title} of {', '.join(self.providers)}, {self.first_date} to {self.last_date}: {self.lines:,} lines,"
            f" {self.cost_usd:,.2f} US dollars"
        )
        if self.replaced is None:
            return f"{what}; it was loaded before, nothing has changed."
        return f"{what}; {f'it takes the place of {self.replaced:,} lines' if self.replaced else 'it is new'}."


def load_bill(settings: Settings, path: Path, *, provider: str | None = None, account: str | None = None) -> LoadedBill:
    """Keep a bill; what an earlier export of the same kind, provider and account said of the same days goes.

    The same file again changes nothing. The next build holds the bill against what was traced.
    Raises BadInputError that names file and line, and then keeps nothing; WarehouseError.
    """
    bill = read_bill(path, provider=provider, account=account)
    providers = tuple(sorted({line.provider for line in bill.lines}))
    replaced: int | None = None
    with Warehouse(settings).connect(Role.LOADER) as connection:
        try:
            for name in providers:
                gone = _keep(connection, bill, name, [line for line in bill.lines if line.provider == name])
                replaced = replaced if gone is None else (replaced or 0) + gone
        except psycopg.Error as error:
            raise warehouse_error(error, f"loading the bill {path.name}") from None
    cost = sum((line.cost_usd for line in bill.lines if line.cost_usd is not None), Decimal(0))
    return LoadedBill(bill.format.title, providers, bill.first_date, bill.last_date, len(bill.lines), cost, replaced)


def _keep(connection: psycopg.Connection, bill: BillFile, provider: str, lines: list[BillLine]) -> int | None:
    """How many lines gave way; None where the same stood there."""
    batch_id = begin_load(connection, LoadKey("bills", provider, "bill", bill.format.name), None)
    days = {
        "provider": provider,
        "format": bill.format.name,
        "accounts": sorted({line.account for line in lines}),
        "first": bill.first_date,
        "last": bill.last_date,
    }
    where = (
        " from raw.bill_lines where provider = %(provider)s and format = %(format)s and account = any(%(accounts)s)"
        " and usage_date between %(first)s and %(last)s"
    )
    rows = [_row(line) for line in lines]
    known = connection.execute(f"select {', '.join(_COLUMNS)}{where}", days).fetchall()
    counts = LoadCounts(read=len(rows))
    was_covered = connection.execute(
        "select exists (select from raw.bill_files where provider = %(provider)s and format = %(format)s"
        " and first_date <= %(first)s and last_date >= %(last)s)",
        days,
    ).fetchone()
    if was_covered == (True,) and _same(known) == _same(rows):
        finish_load(connection, batch_id, counts)
        return None
    connection.execute(f"delete{where}", days)
    with connection.cursor().copy(f"copy raw.bill_lines ({', '.join(_COLUMNS)}, format, batch_id) from stdin") as copy:
        for row in rows:
            copy.write_row((*row, bill.format.name, batch_id))
    connection.execute(
        "insert into raw.bill_files (batch_id, provider, format, file_name, content_hash, first_date, last_date, lines)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            batch_id,
            provider,
            bill.format.name,
            bill.name,
            bill.content_hash,
            bill.first_date,
            bill.last_date,
            len(rows),
        ),
    )
    counts.inserted, counts.vanished = len(rows), len(known)
    finish_load(connection, batch_id, counts)
    return len(known)


def _row(line: BillLine) -> tuple[Any, ...]:
    return tuple(getattr(line, column) for column in _COLUMNS)


def _same(rows: list[tuple[Any, ...]]) -> list[str]:
    """What is equal for equal lines, however a number is written."""
    return sorted(repr([part.normalize() if isinstance(part, Decimal) else part for part in row]) for row in rows)
