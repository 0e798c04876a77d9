"""The CSV beside a mail: every cell of the week's usage with exact decimals."""

import csv
import io
from decimal import Decimal

import psycopg

from tracemart.report.week import Week
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

COLUMNS = (
    "usage_date",
    "instance",
    "project_id",
    "project_name",
    "environment",
    "department",
    "team",
    "agent",
    "model",
    "canonical_model",
    "provider",
    "calls",
    "errors",
    "total_input_tokens",
    "output_tokens",
    "total_tokens",
    "cost_usd",
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def week_as_csv(settings: Settings, week: Week) -> bytes:
    """UTF-8 with a byte order mark (for Excel). Grain: usage_date × the dimensions of COLUMNS; sums equal the marts.

    Raises WarehouseError.
    """
    query = """
        select
            usage_date, instance, project_id, project_name, environment, department, team, agent, model,
            canonical_model, provider, sum(calls)::bigint, sum(errors)::bigint, sum(total_input_tokens)::bigint,
            sum(output_tokens)::bigint, sum(total_tokens)::bigint, sum(cost_usd)
        from marts.fct_usage_daily
        where usage_date between %s and %s
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        order by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    with Warehouse(settings).connect(Role.ANALYST) as connection:
        try:
            for row in connection.execute(query, (week.first_day, week.last_day)):
                writer.writerow([cell(value) for value in row])
        except psycopg.Error as error:
            raise warehouse_error(error, "reading the week's table") from None
    return text.getvalue().encode("utf-8-sig")


def cell(value: object) -> str:
    """Decimals without an exponent; a name that a spreadsheet would run as a formula gets a quote before it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text
