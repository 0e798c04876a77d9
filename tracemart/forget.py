"""The step `forget`: a person is removed from every table, and no load brings them back; usage and cost stay."""

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from tracemart.build.slots import take_build_lock
from tracemart.errors import BadInputError
from tracemart.privacy.forgotten import PERSONAL_COLUMNS, digest_of, is_any_kept
from tracemart.privacy.nobody import NOBODY, add_to_nobody
from tracemart.privacy.person import Table, every_table, note_traces
from tracemart.privacy.pseudonyms import pseudonym
from tracemart.privacy.rules import user_id_key
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error


@dataclass(frozen=True)
class Forgetting:
    """What was removed: rows `cleared` or `deleted` by table; traces and sessions that were the person's."""

    traces: int
    sessions: int
    cleared: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    is_in_seed: bool = False

    @property
    def was_known(self) -> bool:
        return bool(self.cleared or self.deleted)

    def __str__(self) -> str:
        if not self.was_known:
            return "No table names this user; should a load bring them, they will be removed before it is kept."
        tables = sorted({*self.cleared, *self.deleted})
        lines = [f"{'table':<44}{'cleared':>10}{'deleted':>10}"]
        lines += [f"{name:<44}{self.cleared.get(name, 0):>10,}{self.deleted.get(name, 0):>10,}" for name in tables]
        if self.is_in_seed:
            lines.append("The seed attribution_mapping names them too: take the line out of it, then run ./run build.")
        where = "everywhere else" if self.is_in_seed else "everywhere"
        return "\n".join([
            *lines,
            f"Forgotten {where}, with {self.traces:,} traces and {self.sessions:,} sessions; usage and cost stay.",
        ])  # fmt: skip


def forget(settings: Settings, user_id: str, project: str | None = None) -> Forgetting:
    """Remove a user from one project, or from all, in one transaction; killed at any moment, nothing was done.

    `user_id` is the id as the application sends it, also where pseudonyms are stored. A trace that names the user is
    theirs whole, and so are, without any user, the traces of sessions in which nobody else is named. Of these,
    PERSONAL_COLUMNS become NULL in raw, in both copies of the marts and between them; the user's own rows go, and their
    usage is added to that of nobody. What was made of metadata, such as a department, stays in the marts until the next
    build makes those days again, which finds it in tags, names and projects alone.
    Waits for loads that are writing. Raises BadInputError, SettingsError, BuildError while a build is at work,
    WarehouseError.
    """
    if user_id in ("", NOBODY):
        raise BadInputError(f"{user_id!r} is no user: give --user an id as your application sends it.")
    with Warehouse(settings).connect(Role.OWNER, autocommit=True) as connection:
        try:
            with connection.transaction():
                result = _forget(connection, _known_as(settings, user_id), project)
            # Until then the old versions of the rows lie in the tables' files.
            for name in {*result.cleared, *result.deleted}:
                connection.execute(sql.SQL("vacuum {}").format(sql.Identifier(*name.split(".", 1))))
        except psycopg.Error as error:
            raise warehouse_error(error, "forgetting a user") from None
    return result


def _known_as(settings: Settings, user_id: str) -> list[str]:
    """The id, and its pseudonym where the team has a key, whether or not it is in use now. Raises SettingsError."""
    if settings.user_ids == "plain" and settings.user_id_key is None:
        return [user_id]
    return [user_id, pseudonym(user_id, user_id_key(settings))]


def _forget(connection: psycopg.Connection, ids: list[str], project: str | None) -> Forgetting:
    take_build_lock(connection, "pg_try_advisory_xact_lock")
    # Every load begins with an entry there: those that write are waited for, later ones see who is forgotten.
    connection.execute("lock table raw.loads in share row exclusive mode")
    tables = every_table(connection)
    _note_projects(connection, project)
    connection.execute("create temporary table person on commit drop as select unnest(%s::text[]) as user_id", (ids,))
    traces, sessions = note_traces(connection, tables)
    _keep_out(connection, project)
    cleared: dict[str, int] = {}
    deleted: dict[str, int] = {}
    changed: dict[tuple[str, str], int] = {}
    batches = _begin_loads(connection) if traces or sessions else {}
    for table in tables:
        removed = _delete(connection, table)
        if removed:
            deleted[str(table)] = removed
        count = _clear(connection, table, batches, changed)
        if count:
            cleared[str(table)] = count
    _touch_shared_sessions(connection, batches, changed)
    _finish_loads(connection, batches, changed)
    return Forgetting(traces, sessions, cleared, deleted, _is_in_seed(connection))


def _note_projects(connection: psycopg.Connection, project: str | None) -> None:
    connection.execute(
        "create temporary table place on commit drop as"
        " select instance, project_id from raw.projects"
        " where %(name)s::text is null or %(name)s in (name, project_id, instance || '/' || name)"
        " union select instance, project_id from raw.loads where %(name)s::text is null or %(name)s = project_id",
        {"name": project},
    )
    if project is not None and connection.execute("select from place").fetchone() is None:
        known = [row[0] for row in connection.execute("select distinct coalesce(name, project_id) from raw.projects")]
        raise BadInputError(
            f"There is no project {project} in the warehouse; there are: {', '.join(sorted(known)) or 'none'}."
        )


def _keep_out(connection: psycopg.Connection, project: str | None) -> None:
    """Let no load bring them back: see tracemart.privacy.forgotten."""
    places = sql.SQL("place" if project is not None else "(values ('*', '*')) as place (instance, project_id)")
    connection.execute(
        sql.SQL(
            "insert into raw.forgotten_users (instance, project_id, user_digest)"
            " select place.instance, place.project_id, {} from person cross join {} on conflict do nothing"
        ).format(digest_of("person.user_id"), places)
    )
    connection.execute(
        sql.SQL(
            "insert into raw.forgotten_sessions (instance, project_id, session_digest)"
            " select instance, project_id, {} from their_sessions on conflict do nothing"
        ).format(digest_of("session_id"))
    )
    connection.execute(
        "insert into raw.forgotten_traces (instance, project_id, trace_id)"
        " select instance, project_id, trace_id from their_traces on conflict do nothing"
    )


def _begin_loads(connection: psycopg.Connection) -> dict[tuple[str, str], int]:
    """A load for each project concerned, so that the next build makes its days again."""
    rows = connection.execute(
        "insert into raw.loads (instance, project_id, entity, source, started_at)"
        " select instance, project_id, 'observations', 'forget', clock_timestamp()"
        " from (select instance, project_id from their_traces union select instance, project_id from their_sessions)"
        " as concerned returning instance, project_id, batch_id"
    )
    return {(instance, project_id): batch_id for instance, project_id, batch_id in rows}


def _touch_shared_sessions(
    connection: psycopg.Connection, batches: dict[tuple[str, str], int], changed: dict[tuple[str, str], int]
) -> None:
    """Let the next build add up anew the sessions that lost the person's traces and keep those of others."""
    for (instance, project_id), batch_id in batches.items():
        whose = {"instance": instance, "project_id": project_id, "batch_id": batch_id}
        changed[instance, project_id] += connection.execute(_TOUCH_SHARED_SESSIONS, whose).rowcount


def _finish_loads(
    connection: psycopg.Connection, batches: dict[tuple[str, str], int], changed: dict[tuple[str, str], int]
) -> None:
    for place, batch_id in batches.items():
        connection.execute(
            "update raw.loads set rows_read = %(rows)s, rows_updated = %(rows)s, finished_at = clock_timestamp()"
            " where batch_id = %(batch_id)s",
            {"rows": changed.get(place, 0), "batch_id": batch_id},
        )


def _is_in_seed(connection: psycopg.Connection) -> bool:
    """Whether the team's own file says which department the user belongs to; it is not ours to change."""
    row = connection.execute("select to_regclass('staging.attribution_mapping') is not null").fetchone()
    if row is None or not row[0]:
        return False
    query = (
        "select from staging.attribution_mapping inner join person on match_on = 'user_id' and match_value = user_id"
    )
    return connection.execute(query).fetchone() is not None


def _delete(connection: psycopg.Connection, table: Table) -> int:
    """Delete rows that are about the user or their session, or that could not be parsed and name them."""
    if str(table) == "raw.rejected_rows":
        return table.run(connection, _REJECTED)
    if str(table) == "raw.sessions":
        return table.run(connection, _SESSION_ROWS.format(session="id"))
    if not table.has("instance", "project_id") or table.has("trace_id"):
        return 0
    if table.has("user_id", "calls", "cost_usd"):
        return add_to_nobody(connection, table)
    if table.has("user_id"):
        return table.run(connection, _USER_ROWS)
    return table.run(connection, _SESSION_ROWS.format(session="session_id")) if table.has("session_id") else 0


def _clear(
    connection: psycopg.Connection,
    table: Table,
    batches: dict[tuple[str, str], int],
    changed: dict[tuple[str, str], int],
) -> int:
    """Set the personal columns of the person's traces and sessions to NULL; rows of raw then belong to the new load."""
    personal = [column for column in PERSONAL_COLUMNS if column in table.columns]
    if not personal or not table.has("instance", "project_id", "trace_id"):
        return 0
    names = {
        "table": table.identifier,
        "nulls": sql.SQL(", ").join(sql.SQL("{} = null").format(sql.Identifier(column)) for column in personal),
        "is_any_kept": is_any_kept(personal),
    }
    # One after the other: with an `or` between them, each would look through the whole table.
    conditions = [_OF_TRACE, *([f"old.trace_id is null and {_OF_SESSION}"] if table.has("session_id") else [])]
    if table.schema != "raw" or table.name.startswith("superseded_"):
        queries = [sql.SQL(_CLEAR).format(**names, is_theirs=sql.SQL(condition)) for condition in conditions]
        return sum(connection.execute(query).rowcount for query in queries)
    queries = [sql.SQL(_CLEAR_RAW).format(**names, is_theirs=sql.SQL(condition)) for condition in conditions]
    total = 0
    for (instance, project_id), batch_id in batches.items():
        whose = {"instance": instance, "project_id": project_id, "batch_id": batch_id}
        count = sum(connection.execute(query, whose).rowcount for query in queries)
        changed[instance, project_id] = changed.get((instance, project_id), 0) + count
        total += count
    return total


_OF_TRACE = """exists (
    select from their_traces
    where
        their_traces.instance = old.instance and their_traces.project_id = old.project_id
        and their_traces.trace_id = old.trace_id
)"""

_OF_SESSION = """exists (
    select from their_sessions
    where
        their_sessions.instance = old.instance and their_sessions.project_id = old.project_id
        and their_sessions.session_id = old.session_id
)"""

_SESSION_ROWS = """
delete from {{table}} as old using their_sessions
where
    their_sessions.instance = old.instance and their_sessions.project_id = old.project_id
    and their_sessions.session_id = old.{session}
"""

_USER_ROWS = """
delete from {table} as old using person, place
where
    old.user_id = person.user_id and old.instance = place.instance and old.project_id = place.project_id
"""

# As JSON writes it, wherever it stands: a row that could not be parsed may have it anywhere.
_REJECTED = """
delete from {table} as old using place
where
    old.instance = place.instance and old.project_id = place.project_id
    and (
        exists (
            select from person
            where position(to_jsonb(person.user_id)::text in old.payload::text) > 0
        )
        or exists (
            select from their_traces
            where
                their_traces.instance = old.instance and their_traces.project_id = old.project_id
                and their_traces.trace_id = coalesce(old.payload ->> 'traceId', old.payload ->> 'trace_id')
        )
    )
"""

_CLEAR = """
update {table} as old set {nulls}
where ({is_any_kept}) and {is_theirs}
"""

_TOUCH_SHARED_SESSIONS = """
update raw.observations as old set batch_id = %(batch_id)s
from shared_sessions
where
    old.instance = %(instance)s and old.project_id = %(project_id)s
    and shared_sessions.instance = old.instance and shared_sessions.project_id = old.project_id
    and shared_sessions.session_id = old.session_id
    and old.batch_id <> %(batch_id)s
"""

_CLEAR_RAW = """
update {table} as old set {nulls}, batch_id = %(batch_id)s
where
    old.instance = %(instance)s and old.project_id = %(project_id)s
    and ({is_any_kept}) and {is_theirs}
"""
