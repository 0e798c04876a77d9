"""seeds/commitments.csv: what is paid without a call, such as provisioned throughput, GPUs and search fees."""

from datetime import timedelta
from pathlib import Path

from tracemart.seeds.seed_file import read_seed, refuse_repeated, refuse_reversed

COLUMNS = (
    "commitment", "instance", "project_id", "provider", "model", "department", "team", "agent", "first_date",
    "last_date", "cost_usd", "cost_per",
)  # fmt: skip
COST_PER = ("period", "day", "hour")
LONGEST = timedelta(days=3660)


def check_commitments(file: Path) -> None:
    """Raises BadInputError."""
    rows = read_seed(file, COLUMNS)
    for row in rows:
        row.required("commitment")
        first, last = row.required_day("first_date"), row.required_day("last_date")
        refuse_reversed(row, first, last)
        if last - first > LONGEST:
            row.refuse(f"it lasts from {first} to {last}, longer than ten years; mend the dates")
        row.amount("cost_usd")
        row.choice("cost_per", COST_PER)
        if row.text("project_id") is not None and row.text("instance") is None:
            row.refuse("project_id stands without an instance; marts.dim_projects tells both")
    refuse_repeated(
        ((row, (row.values["commitment"], row.values["first_date"])) for row in rows),
        "it has commitment and first_date",
    )
