"""Usage of a forgotten person becomes usage of nobody in roll-ups by user, so that they sum up as before."""

import psycopg
from psycopg import sql

from tracemart.privacy.person import Table

# Calls without a user stand under this one in the marts.
NOBODY = "unknown"


def add_to_nobody(connection: psycopg.Connection, table: Table) -> int:
    """Add a user's rows of a roll-up to those of nobody, so that it sums up as before; how many rows they had."""
    types: dict[str, str] = dict(
        connection.execute(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            (table.identifier.as_string(connection),),
        ).fetchall()
    )
    not_summed = {"user_id", "is_new_user", "days_since_first_use", "sessions"}
    summed = [name for name, kind in types.items() if kind in ("bigint", "numeric") and name not in not_summed]
    cell = [name for name in types if name not in {*summed, *not_summed}]
    columns = ["user_id", *cell, *summed]
    values = [
        sql.Literal(NOBODY),
        *map(sql.Identifier, cell),
        *(sql.SQL("sum({})").format(sql.Identifier(c)) for c in summed),
    ]
    # Their sessions are no longer known as such; a first use is that of all who are not known.
    if "sessions" in types:
        columns.append("sessions")
        values.append(sql.SQL("coalesce(sum(sessions) filter (where user_id = {}), 0)").format(sql.Literal(NOBODY)))
    if {"is_new_user", "days_since_first_use"} <= types.keys():
        columns += ["is_new_user", "days_since_first_use"]
        values += [sql.SQL("false"), sql.SQL("0")]
    names = {
        "table": table.identifier,
        "cell": sql.SQL(", ").join(map(sql.Identifier, cell)),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "values": sql.SQL(", ").join(values),
        "nobody": sql.Literal(NOBODY),
    }
    connection.execute(sql.SQL(_THEIR_CELLS).format(**names))
    rows = connection.execute(
        "select count(*) from their_rows where user_id in (select user_id from person)"
    ).fetchone()
    assert rows is not None
    if rows[0]:
        connection.execute(sql.SQL(_ADD_TO_NOBODY).format(**names))
        if "is_new_user" in columns:
            connection.execute(sql.SQL(_FIRST_USE_OF_NOBODY).format(**names))
    connection.execute("drop table their_rows")
    return int(rows[0])


_THEIR_CELLS = """
create temporary table their_rows on commit drop as
with cells as (
    select distinct {cell} from {table} inner join person using (user_id) inner join place using (instance, project_id)
)
select old.* from {table} as old inner join cells using ({cell})
where old.user_id = {nobody} or old.user_id in (select person.user_id from person)
"""

_ADD_TO_NOBODY = """
with gone as (
    delete from {table} as old using their_rows
    where old.user_id = their_rows.user_id and (old.*) is not distinct from (their_rows.*)
)
insert into {table} ({columns})
select {values} from their_rows group by {cell}
"""

_FIRST_USE_OF_NOBODY = """
update {table} as old
set is_new_user = old.usage_date = first.usage_date, days_since_first_use = old.usage_date - first.usage_date
from (
    select instance, project_id, min(usage_date) as usage_date from {table}
    where user_id = {nobody} group by instance, project_id
) as first
where old.user_id = {nobody} and old.instance = first.instance and old.project_id = first.project_id
"""
