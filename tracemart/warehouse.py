"""The warehouse: a PostgreSQL database, its roles and its migrations."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tracemart.credentials import credential
from tracemart.errors import (
    SettingsError,
    WarehouseError,
    WarehouseFullError,
    WarehouseQueryError,
    WarehouseUnreachableError,
)
from tracemart.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 7_466_302_011
OLDEST_POSTGRES = 150_000


class Role(StrEnum):
    OWNER = "owner"
    LOADER = "tracemart_loader"
    TRANSFORMER = "tracemart_transformer"
    FORECASTER = "tracemart_forecaster"
    ANALYST = "tracemart_analyst"


class Warehouse:
    """Opens connections to the warehouse that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def conninfo(self, role: Role) -> dict[str, str | int]:
        """host, port, dbname, user, password (and sslmode and the like where the URL has them) for one role."""
        if self.settings.database_url is None:
            raise SettingsError(
                "No warehouse runs: start one with ./run demo or ./run up, or set TRACEMART_DATABASE_URL in .env."
            )
        info = parse_database_url(self.settings.database_url.get_secret_value())
        if role is not Role.OWNER:
            info["user"] = role.value
            info["password"] = credential(self.settings.home, f"{role.value.removeprefix('tracemart_')}_password")
        return info

    def connect(self, role: Role, *, autocommit: bool = False) -> psycopg.Connection:
        """A connection in UTC. Raises WarehouseUnreachableError, SettingsError."""
        info = self.conninfo(role)
        address = f"{info.get('host')}:{info.get('port', 5432)}/{info.get('dbname')}"
        try:
            return psycopg.connect(
                **info,  # type: ignore[arg-type]
                autocommit=autocommit,
                connect_timeout=10,
                options="-c timezone=UTC",
                application_name=f"tracemart {role.value}",
            )
        except psycopg.OperationalError as error:
            raise WarehouseUnreachableError(
                f"The warehouse at {address} refuses {info.get('user')}: {first_line(error)}."
                " Check that it runs (./run status) and TRACEMART_DATABASE_URL."
            ) from None

    def migrate(self) -> list[str]:
        """Bring schemas, roles and tables to this version; the names of the migrations applied now.

        Each migration commits alone, so a killed run goes on where it stood. Raises WarehouseError.
        """
        with self.connect(Role.OWNER, autocommit=True) as connection:
            if connection.info.server_version < OLDEST_POSTGRES:
                raise WarehouseError(
                    f"The warehouse runs PostgreSQL {connection.info.server_version // 10_000}; 15 or newer is needed."
                )
            connection.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
            connection.execute("create schema if not exists operations")
            connection.execute(
                "create table if not exists operations.migrations"
                " (name text primary key, applied_at timestamptz not null default clock_timestamp())"
            )
            known = {row[0] for row in connection.execute("select name from operations.migrations")}
            applied = []
            for file in sorted(MIGRATIONS.glob("*.sql")):
                if file.stem in known:
                    continue
                with connection.transaction():
                    connection.execute(file.read_text().encode())
                    connection.execute("reset role")
                    connection.execute("insert into operations.migrations (name) values (%s)", (file.stem,))
                applied.append(file.stem)
            self._set_passwords(connection)
            return applied

    def _set_passwords(self, connection: psycopg.Connection) -> None:
        for role in Role:
            if role is not Role.OWNER:
                connection.execute(
                    sql.SQL("alter role {} with login password {}").format(
                        sql.Identifier(role.value), sql.Literal(self.conninfo(role)["password"])
                    )
                )


def parse_database_url(url: str) -> dict[str, str | int]:
    """host, port, dbname, user, password of a `postgresql://` URL. Raises SettingsError that never shows the URL."""
    try:
        info: dict[str, str | int] = {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
        parts = urlsplit(url)
        if parts.scheme not in ("postgresql", "postgres") or not unquote(parts.path.lstrip("/")):
            raise ValueError
        return info
    except (psycopg.ProgrammingError, ValueError):
        raise SettingsError(
            "TRACEMART_DATABASE_URL is not usable: write postgresql://user:password@host:port/database."
        ) from None


def first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def warehouse_error(error: psycopg.Error, doing: str) -> WarehouseError:
    """The error of our own that says what a psycopg error meant while `doing` (such as "loading observations")."""
    if isinstance(error, pg.DiskFull):
        return WarehouseFullError(f"The warehouse has no space left while {doing}; free some, then run it again.")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return WarehouseUnreachableError(
            f"The warehouse went away while {doing}; nothing unfinished was kept. Start it, then run the step again."
        )
    return WarehouseQueryError(f"The warehouse refused a query while {doing}: {first_line(error)}.")


Progress = Callable[[str, int, int | None], None]
"""Called with (what, done, total) while a step goes on."""
