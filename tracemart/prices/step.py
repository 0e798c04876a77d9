"""Price lists into the warehouse: the installed catalogue and the team's own file."""

from collections.abc import Callable
from pathlib import Path

import psycopg

from tracemart.extract.load import LoadCounts
from tracemart.prices.catalogue import CATALOGUE, catalogue_pieces, catalogue_version
from tracemart.prices.history import keep_prices, newest_source
from tracemart.prices.names.aliases import MODEL_ALIASES, read_aliases
from tracemart.prices.pieces import Piece
from tracemart.prices.team import team_pieces
from tracemart.prices.team_file import MODEL_PRICES, file_version
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

# Counts up where the same catalogue is cut into other rows.
_CUT = 2


def load_prices(settings: Settings, team_file: Path = MODEL_PRICES, aliases_file: Path = MODEL_ALIASES) -> LoadCounts:
    """Keep what changed in the price lists since they were loaded last; running it again changes nothing.

    A change leaves a load of the entity `prices` with rows, so that a build begins. Needs no network.
    Raises BadInputError that names the line where a file of the team's is wrong, and then keeps nothing;
    WarehouseError.
    """
    pieces = team_pieces(team_file, read_aliases(aliases_file).servers)
    version = f"{file_version(team_file)}, cut {_CUT}"
    with Warehouse(settings).connect(Role.LOADER) as connection:
        try:
            counts = _keep(connection, "team", version, lambda: pieces)
            counts += _keep(connection, CATALOGUE, f"{catalogue_version()}, cut {_CUT}", catalogue_pieces)
        except psycopg.Error as error:
            raise warehouse_error(error, "loading prices") from None
    return counts


def _keep(
    connection: psycopg.Connection, catalogue: str, version: str, pieces: Callable[[], list[Piece]]
) -> LoadCounts:
    """A list that was loaded from the same before is not read again."""
    if newest_source(connection, catalogue) == version:
        return LoadCounts()
    return keep_prices(connection, catalogue, version, pieces())
