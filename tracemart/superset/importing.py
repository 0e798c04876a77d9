"""Put the dashboards into a running Superset; again and again, with the same result."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from psycopg import errors as pg
from psycopg import sql

from tracemart.settings import Settings
from tracemart.superset.assets import read_assets
from tracemart.superset.bundle import DATABASE_FILE, Connection, Contents, make_bundle
from tracemart.superset.client import SupersetClient
from tracemart.superset.datasets import current_datasets
from tracemart.superset.periods import default_period
from tracemart.warehouse import Role, Warehouse

MASK = "XXXXXXXXXX"
COLOURED = ("department", "model", "project_name", "agent", "team")


@dataclass(frozen=True)
class ImportResult:
    """What stands in Superset now: slug → address of each dashboard, and how many charts and datasets."""

    dashboards: Mapping[str, str]
    charts: int
    datasets: int
    time_range: str


def import_dashboards(settings: Settings, base_url: str, username: str, password: str) -> ImportResult:
    """Import database, datasets, charts and dashboards; what stood there under the same UUID is overwritten.

    Raises SupersetError, WarehouseError, BuildError.
    """
    assets = read_assets()
    datasets = current_datasets(settings)
    connection, secret = warehouse_connection(settings)
    first_day, colors = known_values(settings, assets.palette)
    period = default_period(settings, first_day)
    bundle = make_bundle(Contents(assets, datasets, connection, period, colors))
    with SupersetClient(base_url, username, password) as client:
        client.import_assets(bundle, {DATABASE_FILE: secret})
    return ImportResult(
        dashboards={slug: f"{base_url.rstrip('/')}/superset/dashboard/{slug}/" for slug in assets.dashboards},
        charts=len(assets.charts),
        datasets=len(datasets),
        time_range=period.time_range,
    )


def warehouse_connection(settings: Settings) -> tuple[Connection, str]:
    """The analyst's connection with its password masked, and the password."""
    info = Warehouse(settings).conninfo(Role.ANALYST)
    user, database = quote(str(info["user"]), safe=""), quote(str(info["dbname"]), safe="")
    options = f"?sslmode={info['sslmode']}" if "sslmode" in info else ""
    uri = f"postgresql+psycopg2://{user}:{MASK}@{info['host']}:{info.get('port', 5432)}/{database}{options}"
    return Connection(uri, settings.timezone), str(info["password"])


def known_values(settings: Settings, palette: list[str]) -> tuple[date | None, dict[str, str]]:
    """The first reporting day, and a colour for each value of the coloured dimensions, alike on every dashboard.

    Values take colours in the order in which they were first seen, so a new one changes no other's.
    """
    colors: dict[str, str] = {}
    with Warehouse(settings).connect(Role.ANALYST) as connection:
        try:
            found = connection.execute("select min(usage_date) from marts.fct_usage_daily").fetchone()
        except pg.UndefinedTable:
            return None, {}
        for column in COLOURED:
            values = connection.execute(
                sql.SQL(
                    "select {} from marts.fct_usage_daily group by 1"
                    " order by min(usage_date), sum(cost_usd) desc, 1 limit 100"
                ).format(sql.Identifier(column))
            ).fetchall()
            for number, (name,) in enumerate(values):
                colors.setdefault(name, palette[number % len(palette)])
    return (found[0] if found else None), {**colors, "unattributed": "#adb5bd", "unknown": "#adb5bd"}
