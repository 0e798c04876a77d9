"""Keeping forgotten people out of raw: each load clears what it staged, before it is merged, in the same transaction.

A trace of which one row names a forgotten user is cleared whole, its other rows and its scores too, whichever came
first. `./run forget` locks raw.loads, so no load that began before misses whom it forgot.
"""

import psycopg
from psycopg import sql

# What of a row tells who it was and what they wrote; usage, cost, times, names, tags and models stay.
PERSONAL_COLUMNS = (
    "user_id", "session_id", "metadata", "input", "output", "tool_calls", "status_message", "comment",
    "author_user_id",
)  # fmt: skip

_DIGEST = "sha256((select salt from raw.forgotten_salt) || convert_to({}, 'UTF8'))"


def digest_of(expression: str) -> sql.Composed:
    """SQL for the digest under which raw.forgotten_users and raw.forgotten_sessions know a text; a SQL expression."""
    return sql.SQL(_DIGEST).format(sql.SQL(expression))


def clear_stage(
    connection: psycopg.Connection, *, instance: str, project_id: str, batch_id: int, stage: str, table: str
) -> int:
    """Clear in `stage`, which is to be merged into raw.<table>, what belongs to forgotten people.

    Call it after the COPY and before the merge, in the load's transaction. Returns how many rows of raw.<table> changed
    besides: those of traces that only now are known to be such a person's. They have the batch's id and count as
    updated.
    """
    if not is_anyone_forgotten(connection):
        return 0
    whose = {"instance": instance, "project_id": project_id, "batch_id": batch_id}
    columns = _columns_of_stage(connection, stage)
    if table == "sessions":
        forgotten = sql.SQL(_SESSION_IS_FORGOTTEN).format(digest=digest_of("staged.id"))
        connection.execute(sql.SQL("delete from {} as staged where {}").format(sql.Identifier(stage), forgotten), whose)
        return 0
    if "trace_id" not in columns:
        return 0
    names = {
        "stage": sql.Identifier(stage),
        "user": digest_of("named.user_id"),
        "session": digest_of("named.session_id"),
    }
    changed = 0
    if "user_id" in columns:
        found = connection.execute(sql.SQL(_NEW_TRACES).format(**names), whose).fetchall()
        if found:
            changed = _clear_kept_rows(connection, whose, [row[0] for row in found], table)
    cleared = [column for column in PERSONAL_COLUMNS if column in columns]
    if cleared:
        connection.execute(
            sql.SQL(_CLEAR_STAGE).format(
                **names,
                cleared=_nulls(cleared),
                session_is_forgotten=sql.SQL(_SESSION_IS_FORGOTTEN if "session_id" in columns else "false").format(
                    digest=digest_of("staged.session_id")
                ),
            ),
            whose,
        )
    return changed


def delete_forgotten_rejects(connection: psycopg.Connection, batch_id: int) -> int:
    """Delete the batch's rejected rows that name a forgotten user or trace; call it when they are all kept."""
    if not is_anyone_forgotten(connection):
        return 0
    query = sql.SQL(_DELETE_REJECTS).format(digest=digest_of("coalesce(payload ->> 'userId', payload ->> 'user_id')"))
    return connection.execute(query, {"batch_id": batch_id}).rowcount


def is_anyone_forgotten(connection: psycopg.Connection) -> bool:
    """Whether rows have to go by a stage, where clear_stage meets them, and not straight into the table."""
    row = connection.execute("select exists (select from raw.forgotten_users)").fetchone()
    return row is not None and bool(row[0])


def _columns_of_stage(connection: psycopg.Connection, stage: str) -> set[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
        (sql.Identifier("pg_temp", stage).as_string(connection),),
    )
    return {row[0] for row in rows}


def _clear_kept_rows(connection: psycopg.Connection, whose: dict[str, object], traces: list[str], table: str) -> int:
    """Clear what earlier loads kept of these traces; the number of rows of raw.<table>."""
    counts = {}
    for kept in ("observations", "superseded_observations", "scores", "superseded_scores"):
        columns = [
            row[0]
            for row in connection.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attname = any(%s)",
                (f"raw.{kept}", list(PERSONAL_COLUMNS)),
            )
        ]
        query = sql.SQL(_CLEAR_KEPT).format(
            table=sql.Identifier("raw", kept),
            cleared=_nulls(columns),
            batch=sql.SQL("" if kept.startswith("superseded") else ", batch_id = %(batch_id)s"),
            is_known=is_any_kept(columns),
        )
        counts[kept] = connection.execute(query, whose | {"traces": traces}).rowcount
    return counts[table] if table in counts else counts["observations"]


def is_any_kept(columns: list[str]) -> sql.Composable:
    """SQL for whether a row still has anything in these columns."""
    return sql.SQL(" or ").join(sql.SQL("{} is not null").format(sql.Identifier(column)) for column in columns)


def _nulls(columns: list[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("{} = null").format(sql.Identifier(column)) for column in columns)


# A session that was theirs alone may since be another's: then its rows that name nobody tell nothing.
_NEW_TRACES = """
with named as (
    select distinct trace_id, user_id, session_id from {stage} where user_id is not null or session_id is not null
),
users as (
    select user_id
    from (select distinct user_id from named where user_id is not null) as named
    where exists (
        select from raw.forgotten_users as forgotten
        where
            forgotten.instance in (%(instance)s, '*') and forgotten.project_id in (%(project_id)s, '*')
            and forgotten.user_digest = {user}
    )
),
sessions as (
    select session_id
    from (select distinct session_id from named where session_id is not null) as named
    where exists (
        select from raw.forgotten_sessions as forgotten
        where
            forgotten.instance = %(instance)s and forgotten.project_id = %(project_id)s
            and forgotten.session_digest = {session}
    )
),
found as (
    select trace_id from named inner join users using (user_id)
    union
    select trace_id
    from named
    where trace_id in (select nameless.trace_id from named as nameless inner join sessions using (session_id))
    group by trace_id
    having count(user_id) = 0
    and not exists (
        select from raw.observations as known
        where
            known.instance = %(instance)s and known.project_id = %(project_id)s
            and known.trace_id = named.trace_id and known.user_id is not null
    )
)
insert into raw.forgotten_traces (instance, project_id, trace_id)
select %(instance)s, %(project_id)s, trace_id from found
on conflict do nothing
returning trace_id
"""

_SESSION_IS_FORGOTTEN = """exists (
    select from raw.forgotten_sessions as forgotten
    where
        forgotten.instance = %(instance)s and forgotten.project_id = %(project_id)s
        and forgotten.session_digest = {digest}
)"""

_CLEAR_STAGE = """
update {stage} as staged set {cleared}
where
    exists (
        select from raw.forgotten_traces as forgotten
        where
            forgotten.instance = %(instance)s and forgotten.project_id = %(project_id)s
            and forgotten.trace_id = staged.trace_id
    )
    or staged.trace_id is null and {session_is_forgotten}
"""

_CLEAR_KEPT = """
update {table} set {cleared}{batch}
where
    instance = %(instance)s and project_id = %(project_id)s and trace_id = any(%(traces)s)
    and ({is_known})
"""

_DELETE_REJECTS = """
delete from raw.rejected_rows as rejected
where
    batch_id = %(batch_id)s
    and (
        exists (
            select from raw.forgotten_users as forgotten
            where
                forgotten.instance in (rejected.instance, '*') and forgotten.project_id in (rejected.project_id, '*')
                and forgotten.user_digest = {digest}
        )
        or exists (
            select from raw.forgotten_traces as forgotten
            where
                forgotten.instance = rejected.instance and forgotten.project_id = rejected.project_id
                and forgotten.trace_id = coalesce(payload ->> 'traceId', payload ->> 'trace_id')
        )
    )
"""
