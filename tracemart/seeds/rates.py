"""seeds/exchange_rates.csv: what a US dollar is worth in other currencies, day by day."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from tracemart.seeds.seed_file import SeedRow, read_seed, refuse_repeated

COLUMNS = ("rate_date", "currency", "units_per_usd")


def check_rates(file: Path) -> dict[str, list[date]]:
    """The days with a rate, by currency, in order. Raises BadInputError."""
    rows = read_seed(file, COLUMNS)
    days: dict[str, set[date]] = {}
    for row in rows:
        days.setdefault(_currency(row), set()).add(row.required_day("rate_date"))
        row.amount("units_per_usd", above_zero=True)
    refuse_repeated(
        ((row, (row.values["currency"], row.values["rate_date"])) for row in rows), "it has currency and rate_date"
    )
    return {currency: sorted(found) for currency, found in days.items()}


def _currency(row: SeedRow) -> str:
    currency = row.required("currency")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        row.refuse(f"currency is {currency!r}; write its three letters of ISO 4217, such as EUR")
    if currency == "USD":
        row.refuse("a dollar is worth one dollar; remove the line")
    return currency


def first_day_without_rate(needed: Iterable[date], rated: Iterable[date], days_carried: int) -> date | None:
    """The first needed day that has no rate, where a rate also holds for `days_carried` days after its own."""
    covered = {day + timedelta(days=later) for day in rated for later in range(days_carried + 1)}
    return min((day for day in needed if day not in covered), default=None)
