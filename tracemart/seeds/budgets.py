"""seeds/budgets.csv: how much may be spent, by whom, in which period."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from tracemart.seeds.seed_file import SeedRow, read_seed, refuse_reversed

COLUMNS = (
    "budget", "scope", "scope_value", "period", "limit_usd", "first_date", "last_date", "warn_at", "alert_at",
)  # fmt: skip
SCOPES = ("all", "project", "department", "team", "agent", "model")
PERIODS = ("month", "quarter", "year", "fiscal_quarter", "fiscal_year")


def check_budgets(file: Path, known: Mapping[str, set[str]]) -> None:
    """`known` has the names of each scope that calls or the mapping tell; an empty one judges nothing.

    Raises BadInputError.
    """
    by_name = defaultdict(list)
    for row in read_seed(file, COLUMNS):
        scope = row.choice("scope", SCOPES)
        if scope == "all":
            if row.text("scope_value") not in (None, "all"):
                row.refuse("scope_value stands beside the scope all; leave it empty, or name its scope")
        else:
            row.known("scope_value", scope, known.get(scope, set()))
        row.choice("period", PERIODS)
        row.amount("limit_usd", above_zero=True)
        _check_shares(row)
        first, last = row.required_day("first_date"), row.day("last_date")
        refuse_reversed(row, first, last)
        by_name[row.required("budget")].append((first, last or date.max, row))
    for rows in by_name.values():
        _refuse_overlaps(sorted(rows, key=lambda one: one[0]))


def _check_shares(row: SeedRow) -> None:
    warn_at, alert_at = row.number("warn_at"), row.number("alert_at")
    for column, share in (("warn_at", warn_at), ("alert_at", alert_at)):
        if share is not None and not 0 < share <= 10:
            row.refuse(f"{column} is {share}; write a share of the limit, such as 0.8 for 80 %")
    if (warn_at or Decimal("0.8")) > (alert_at or Decimal(1)):
        row.refuse("warn_at lies above alert_at (0.8 and 1 where they are empty); swap or mend them")


def _refuse_overlaps(rows: list[tuple[date, date, SeedRow]]) -> None:
    for (_, before_ends, before), (begins, _, row) in pairwise(rows):
        if begins <= before_ends:
            row.refuse(
                f"the budget {row.values['budget']!r} of line {before.line} still holds on {begins};"
                " end that one the day before, or give this one another name"
            )
