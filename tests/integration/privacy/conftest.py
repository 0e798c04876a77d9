"""A small warehouse with a person in it, and a search of every column of every table."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from tests.integration.build.conftest import built, owner, raw
from tests.integration.extract.conftest import query, served, settings

__all__ = ["built", "owner", "query", "raw", "served", "settings"]

SCHEMAS = ["raw", "staging", "intermediate", "marts", "marts_next", "operations", "forecasts"]
Search = Callable[[str], list[str]]


@pytest.fixture
def found_in(owner: psycopg.Connection) -> Search:
    """Every `schema.table.column` of which a value holds the text, whatever its type."""

    def search(text: str) -> list[str]:
        columns = owner.execute(
            "select nspname, relname, attname from pg_attribute"
            " inner join pg_class on pg_class.oid = attrelid inner join pg_namespace on pg_namespace.oid = relnamespace"
            " where nspname = any(%s) and relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped",
            (SCHEMAS,),
        ).fetchall()
        return sorted(
            f"{schema}.{table}.{column}"
            for schema, table, column in columns
            if owner.execute(
                sql.SQL("select exists (select from {} where position(%s in {}::text) > 0)").format(
                    sql.Identifier(schema, table), sql.Identifier(column)
                ),
                (text,),
            ).fetchone()
            == (True,)
        )

    return search
