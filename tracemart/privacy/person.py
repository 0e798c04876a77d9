"""Which traces and sessions are a person's, found in every table that names users."""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

SCHEMAS = ("raw", "intermediate", "marts", "marts_next", "forecasts", "operations")
_KEPT_BY_LOADS = ("forgotten_salt", "forgotten_users", "forgotten_sessions", "forgotten_traces")


@dataclass(frozen=True)
class Table:
    schema: str
    name: str
    columns: frozenset[str]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    def has(self, *columns: str) -> bool:
        return self.columns >= set(columns)

    def run(self, connection: psycopg.Connection, query: str) -> int:
        """The number of rows that a query on this `{table}` met."""
        return connection.execute(sql.SQL(query).format(table=self.identifier)).rowcount


def every_table(connection: psycopg.Connection) -> list[Table]:
    """Every table that holds rows, a partitioned one once."""
    rows = connection.execute(
        """
        select nspname, relname, array_agg(attname::text)
        from pg_class
        inner join pg_namespace on pg_namespace.oid = relnamespace
        inner join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
        where nspname = any(%s) and relkind in ('r', 'p') and not relispartition and relname <> all(%s)
        group by nspname, relname order by nspname, relname
        """,
        (list(SCHEMAS), list(_KEPT_BY_LOADS)),
    )
    return [Table(schema, name, frozenset(columns)) for schema, name, columns in rows]


def note_traces(connection: psycopg.Connection, tables: Iterable[Table]) -> tuple[int, int]:
    """Fill pg_temp.their_traces and pg_temp.their_sessions from pg_temp.person (user_id) and pg_temp.place (instance,
    project_id); how many there are. pg_temp.shared_sessions are those that other people were in as well.

    A trace that names the person is theirs whole. A session is theirs if it names nobody else; then its traces that
    name nobody are theirs too.
    """
    naming = [table for table in tables if table.has("instance", "project_id", "trace_id", "user_id")]
    connection.execute(
        "create temporary table their_traces (instance text, project_id text, trace_id text,"
        " primary key (instance, project_id, trace_id)) on commit drop"
    )
    connection.execute(
        "create temporary table their_sessions (instance text, project_id text, session_id text,"
        " primary key (instance, project_id, session_id)) on commit drop"
    )
    for table in naming:
        table.run(connection, _TRACES_OF_PERSON)
    connection.execute("analyze pg_temp.their_traces")
    for table in naming:
        if table.has("session_id"):
            table.run(connection, _SESSIONS_OF_TRACES)
    connection.execute("analyze pg_temp.their_sessions")
    connection.execute("create temporary table shared_sessions on commit drop as select * from their_sessions")
    for table in naming:
        # What a row said before it was replaced does not say who was in a session.
        if table.has("session_id") and "superseded" not in table.name:
            table.run(connection, _SESSIONS_OF_OTHERS)
    connection.execute(
        "delete from shared_sessions using their_sessions where shared_sessions.* is not distinct from their_sessions.*"
    )
    for table in naming:
        if table.has("session_id"):
            table.run(connection, _TRACES_OF_SESSIONS)
    connection.execute("analyze pg_temp.their_traces")
    row = connection.execute(
        "select (select count(*) from their_traces), (select count(*) from their_sessions)"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


_TRACES_OF_PERSON = """
insert into their_traces
select distinct old.instance, old.project_id, old.trace_id
from {table} as old
inner join person on old.user_id = person.user_id
inner join place on old.instance = place.instance and old.project_id = place.project_id
where old.trace_id is not null
on conflict do nothing
"""

_SESSIONS_OF_TRACES = """
insert into their_sessions
select distinct old.instance, old.project_id, old.session_id
from {table} as old
inner join their_traces using (instance, project_id, trace_id)
where old.session_id <> ''
on conflict do nothing
"""

_SESSIONS_OF_OTHERS = """
delete from their_sessions
using {table} as old
where
    old.instance = their_sessions.instance and old.project_id = their_sessions.project_id
    and old.session_id = their_sessions.session_id
    and old.user_id <> '' and old.user_id not in (select person.user_id from person)
"""

_TRACES_OF_SESSIONS = """
insert into their_traces
select distinct old.instance, old.project_id, old.trace_id
from {table} as old
inner join their_sessions using (instance, project_id, session_id)
where old.trace_id is not null and coalesce(old.user_id, '') = ''
on conflict do nothing
"""
