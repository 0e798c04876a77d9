"""The charges of a period, read from the marts as the analyst."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tracemart.focus.columns import NAMES
from tracemart.focus.periods import Period
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

BATCH_ROWS = 5_000
_TOKENS = (
    "input", "cached_input", "cache_write", "output", "reasoning", "citation", "tool_input", "audio_input",
    "audio_output", "cached_audio_input", "image_input", "image_output", "cached_image_input", "video_input",
    "video_output",
)  # fmt: skip
UNITS = dict.fromkeys(_TOKENS, "Tokens") | {
    "unallocated": "Requests", "commitment": "Days", "web_search": "Searches", "file_search": "Searches",
    "rerank_search": "Searches", "code_execution": "Executions", "document_pages": "Pages",
    "input_characters": "Characters", "audio_seconds": "Seconds", "audio_input_seconds": "Seconds",
    "audio_output_seconds": "Seconds",
}  # fmt: skip
"""What a usage type is counted in; one that stands neither here nor in the seed usage_types has `Units`."""
PRICED_BY = {"Tokens": 1_000_000, "Characters": 1_000_000, "Searches": 1_000}
"""How many units a price is for, where it is not for one."""
_CELL = (
    "charge_day", "instance", "project_id", "project_name", "environment", "department", "team", "agent", "feature",
    "dimension_1", "dimension_2", "provider", "canonical_model", "served_by", "commitment", "service_tier",
    "cost_basis", "price_source",
)  # fmt: skip
_QUERY = (Path(__file__).parent / "charges.sql").read_text().replace("{cell}", ", ".join(_CELL))

Charge = tuple[Any, ...]


@contextmanager
def charges(settings: Settings, period: Period) -> Iterator[Iterator[list[Charge]]]:
    """Batches of rows in the order of NAMES, all of one published build; the server holds what is not yet read.

    Raises WarehouseQueryError where no build has been published yet, WarehouseUnreachableError.
    """
    try:
        with Warehouse(settings).connect(Role.ANALYST) as connection, connection.cursor("charges") as cursor:
            # Every row is read, so the plan that ends first is better than the one that begins first.
            connection.execute("set local cursor_tuple_fraction = 1")
            cursor.execute(
                _QUERY.encode(),
                {
                    "starts_at": period.starts_at,
                    "ends_at": period.ends_at,
                    "units": Jsonb(UNITS),
                    "priced_by": Jsonb(PRICED_BY),
                },
            )
            yield _batches(cursor)
    except psycopg.Error as error:
        raise warehouse_error(error, "reading charges of the published marts") from None


def _batches(cursor: psycopg.ServerCursor[Any]) -> Iterator[list[Charge]]:
    batch = cursor.fetchmany(BATCH_ROWS)
    # Of a column that the query does not give, traces know nothing.
    found = [column.name for column in cursor.description or ()]
    places = [found.index(name) if name in found else None for name in NAMES]
    while batch:
        yield [tuple(None if place is None else row[place] for place in places) for row in batch]
        batch = cursor.fetchmany(BATCH_ROWS)
