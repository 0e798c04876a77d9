"""Marts with made rows over three months, on reporting days of Kathmandu."""

from pathlib import Path

import psycopg
import pytest

from tests.integration.build.conftest import built, owner, raw
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

__all__ = ["analyst", "built", "owner", "raw", "settings"]

MARTS = Path(__file__).parent / "marts.sql"


@pytest.fixture
def settings(warehouse_settings: Settings) -> Settings:
    with Warehouse(warehouse_settings).connect(Role.TRANSFORMER) as connection:
        connection.execute("set local search_path to marts, public")
        connection.execute(MARTS.read_text().encode())
    return warehouse_settings


@pytest.fixture
def analyst(settings: Settings) -> psycopg.Connection:
    return Warehouse(settings).connect(Role.ANALYST)
