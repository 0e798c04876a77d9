"""Runs a query and gives its rows."""

from typing import Any

import psycopg
from psycopg import sql

Row = tuple[Any, ...]


def rows(connection: psycopg.Connection, query: str | sql.Composed, *parameters: Any) -> list[Row]:
    named = parameters[0] if parameters and isinstance(parameters[0], dict) else parameters or None
    return connection.execute(query.encode() if isinstance(query, str) else query, named).fetchall()


def row(connection: psycopg.Connection, query: str, *parameters: Any) -> Row:
    return rows(connection, query, *parameters)[0]
