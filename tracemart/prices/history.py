"""raw.catalogue_prices: each list's pieces with the time in which we knew them so."""

from collections.abc import Iterable
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load
from tracemart.prices.pieces import ALWAYS, FOREVER, Piece, decimal_text

INSTANCE = "prices"
ENTITY = "prices"
_COLUMNS = (
    "price_ref", "served_by", "model", "model_pattern", "service_tier", "valid_from", "valid_until", "daily_from",
    "daily_until", "above_input_tokens", "up_to_input_tokens", "prices", "discount", "cost_basis",
)  # fmt: skip
_KEY = ("price_ref", "service_tier", "valid_from", "daily_from", "above_input_tokens")
_VALUES = tuple(column for column in _COLUMNS if column not in _KEY)


def newest_source(connection: psycopg.Connection, catalogue: str) -> str | None:
    """What the newest load of the list came from: its version."""
    row = connection.execute(
        "select source from raw.loads where instance = %s and project_id = %s and entity = %s"
        " order by batch_id desc limit 1",
        (INSTANCE, catalogue, ENTITY),
    ).fetchone()
    return row[0] if row else None


def keep_prices(connection: psycopg.Connection, catalogue: str, version: str, pieces: Iterable[Piece]) -> LoadCounts:
    """Bring the list's current rows to `pieces`, in the caller's transaction.

    A piece that is new or changed gets a row, the rows of what changed or is gone are closed; `vanished` counts these
    last. Where nothing changed the load stays without rows, so no build begins for it.
    """
    key = LoadKey(INSTANCE, catalogue, ENTITY, version)
    batch_id = begin_load(connection, key, None)
    connection.execute(_CREATE_STAGE)
    counts = LoadCounts()
    with (
        connection.cursor() as cursor,
        cursor.copy(_COPY) as copy,
    ):
        for piece in pieces:
            copy.write_row(_row(piece))
            counts.read += 1
    parameters = {"catalogue": catalogue, "version": version, "batch_id": batch_id}
    moment = connection.execute(_MOMENT, parameters).fetchone()
    assert moment is not None
    parameters["moment"] = moment[0]
    counts.updated = connection.execute(_CLOSE_CHANGED, parameters).rowcount
    counts.vanished = connection.execute(_CLOSE_DISAPPEARED, parameters).rowcount
    counts.inserted = connection.execute(_INSERT_CURRENT, parameters).rowcount - counts.updated
    connection.execute("drop table stage_prices")
    finish_load(connection, batch_id, counts)
    return counts


def _row(piece: Piece) -> tuple[object, ...]:
    return (
        piece.price_ref,
        piece.served_by,
        piece.model,
        piece.model_pattern,
        piece.service_tier,
        _moment(piece.valid_from),
        _moment(piece.valid_until),
        _time(piece.daily_from),
        _time(piece.daily_until),
        piece.above_input_tokens,
        piece.up_to_input_tokens,
        Jsonb({usage_type: decimal_text(price) for usage_type, price in sorted(piece.prices.items())}),
        piece.discount,
        piece.cost_basis,
    )


def _moment(moment: datetime) -> str:
    return {ALWAYS: "-infinity", FOREVER: "infinity"}.get(moment) or moment.isoformat()


def _time(minute: int | None) -> str | None:
    """24:00 is the end of a day, which Python's time cannot say."""
    return None if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _listed(columns: Iterable[str], *of: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(*of, column) for column in columns)


_NAMES = {
    "columns": _listed(_COLUMNS),
    "columns_of_stage": _listed(_COLUMNS, "stage"),
    "values_of_stage": _listed(_VALUES, "stage"),
    "values_of_known": _listed(_VALUES, "known"),
    "current": sql.SQL("known.catalogue = %(catalogue)s and known.known_to is null"),
    "same_piece": sql.SQL(" and ").join(
        sql.SQL("known.{0} is not distinct from stage.{0}").format(sql.Identifier(column)) for column in _KEY
    ),
}


def _query(text: LiteralString) -> sql.Composed:
    return sql.SQL(text).format(**_NAMES)


_CREATE_STAGE = _query(
    "create temporary table stage_prices on commit drop as select {columns} from raw.catalogue_prices limit 0"
)
_COPY = _query("copy stage_prices ({columns}) from stdin")

_MOMENT = """
select greatest(
    loads.started_at,
    (
        select max(greatest(known_from, known_to)) + interval '1 microsecond' from raw.catalogue_prices
        where catalogue = %(catalogue)s
    )
)
from raw.loads as loads
where loads.batch_id = %(batch_id)s
"""

_CLOSE_CHANGED = _query("""
update raw.catalogue_prices as known
set known_to = %(moment)s
from stage_prices as stage
where {current} and {same_piece} and ({values_of_known}) is distinct from ({values_of_stage})
""")

_CLOSE_DISAPPEARED = _query("""
update raw.catalogue_prices as known
set known_to = %(moment)s
where {current} and not exists (select from stage_prices as stage where {same_piece})
""")

_INSERT_CURRENT = _query("""
insert into raw.catalogue_prices (catalogue, {columns}, catalogue_version, known_from, batch_id)
select %(catalogue)s, {columns_of_stage}, %(version)s, %(moment)s, %(batch_id)s
from stage_prices as stage
where not exists (select from raw.catalogue_prices as known where {current} and {same_piece})
""")
