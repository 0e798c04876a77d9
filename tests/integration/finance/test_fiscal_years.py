"""dim_dates against a calendar counted month by month, for a fiscal year from each month of the year."""

from datetime import date, timedelta
from pathlib import Path

import psycopg

from tracemart.build.invocation import run_dbt
from tracemart.settings import Settings


def fiscal(day: date, first_month: int) -> tuple[int, int, int, date, date, date, date]:
    """fiscal_year, _quarter, _month, first and last day of the year, and of the quarter."""
    months_before = (day.month - first_month) % 12
    start_year = day.year if day.month >= first_month else day.year - 1
    year_start = date(start_year, first_month, 1)
    quarter_start = plus_months(year_start, months_before // 3 * 3)
    year_end = plus_months(year_start, 12) - timedelta(days=1)
    return (
        year_end.year, months_before // 3 + 1, months_before + 1, year_start, year_end, quarter_start,
        plus_months(quarter_start, 3) - timedelta(days=1),
    )  # fmt: skip


def plus_months(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def test_fiscal_years_quarters_and_months(
    project: Path, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    file = project / "dbt_project.yml"
    file.write_text(file.read_text().replace("fiscal_year_starts_in_month: 1", "fiscal_year_starts_in_month: 8"))
    nodes = [result.node for result in run_dbt(warehouse_settings, ["compile", "--select", "dim_dates"])]
    (compiled,) = [node.compiled_code for node in nodes if node.name == "dim_dates"]
    owner.execute("create table marts_next.fct_usage_daily (usage_date) as values (date '2023-05-05'), ('2024-02-29')")
    for first_month in range(1, 13):
        query = compiled.replace("'7 months'", f"'{first_month - 1} months'")
        rows = owner.execute(
            "select calendar_date, fiscal_year, fiscal_quarter, fiscal_month, fiscal_year_start_date,"
            " fiscal_year_end_date, fiscal_quarter_start_date, fiscal_quarter_end_date, month_end_date"
            f" from ({query}) as dates".encode()
        ).fetchall()
        assert len(rows) == 3 * 365 + 1
        assert {row[0]: row[1:8] for row in rows} == {row[0]: fiscal(row[0], first_month) for row in rows}
        assert {row[0]: row[8] for row in rows} == {
            row[0]: plus_months(row[0].replace(day=1), 1) - timedelta(days=1) for row in rows
        }
