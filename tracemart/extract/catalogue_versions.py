"""What Langfuse changes in place, kept as versions: from when to when we knew it so."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from tracemart.extract import fields
from tracemart.extract.catalogue_pages import Key, key_of
from tracemart.extract.chunks import Rejected
from tracemart.extract.fields import RowError
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load
from tracemart.extract.rejects import keep_rejected, payload_hash, resolve


@dataclass(frozen=True)
class Catalogue:
    """A listing kept as versions in raw.<table>: (key…, columns…, known_from, known_to), one current version a key.

    `never_kept` names what an entry may hold that stays in Langfuse.
    """

    table: str
    path: str
    key: tuple[str, ...]
    key_in_answer: tuple[str, ...]
    columns: tuple[str, ...]
    make_line: Callable[[Any], str]
    never_kept: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.table


def current_keys(connection: psycopg.Connection, catalogue: Catalogue, instance: str, project_id: str) -> set[Key]:
    """The keys that have a current version."""
    query = sql.SQL("select {key} from {table} where instance = %s and project_id = %s and known_to is null").format(
        **_names(catalogue)
    )
    return {tuple(row) for row in connection.execute(query, (instance, project_id))}


def load_catalogue(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    key: LoadKey,
    entries: list[Any],
    *,
    is_complete: bool,
    run_id: str | None,
    also_listed: Iterable[Key] = (),
) -> LoadCounts:
    """Bring the versions up to `entries`, in the caller's transaction; `vanished` counts versions closed for good.

    Only a complete listing closes what it does not hold; `also_listed` are keys that it holds unchanged, so that
    nobody read them. An entry that cannot be parsed leaves its last version alone. Of two entries with one key the
    later stands.
    """
    batch_id = begin_load(connection, key, run_id)
    counts = LoadCounts(read=len(entries))
    lines: dict[Key, str] = {}
    rejected: list[Rejected] = []
    unread = list(also_listed)
    rejected_keys: list[Key] = []
    for entry in entries:
        named = key_of(entry, catalogue.key_in_answer)
        try:
            line = catalogue.make_line(entry)
            if named is None:
                raise RowError(f"{' or '.join(catalogue.key_in_answer)} is no key")
            lines[named] = line
        except RowError as error:
            rejected.append(Rejected(entry, str(error)))
            rejected_keys += [] if named is None else [named]
    keep_rejected(connection, key, batch_id, rejected)
    counts.rejected = len(rejected)
    _resolve_others(
        connection,
        key,
        catalogue.key_in_answer,
        rejected=rejected,
        read={*lines, *rejected_keys},
        unread=set(unread) if is_complete else None,
    )
    names = _names(catalogue)
    whose = {
        "instance": key.instance,
        "project_id": key.project_id,
        "batch_id": batch_id,
        "is_complete": is_complete,
        "moment": _moment(connection, names, batch_id, key),
    }
    for query in (_CREATE_STAGE, _CREATE_KEPT):
        connection.execute(sql.SQL(query).format(**names))
    with connection.cursor() as cursor:
        with cursor.copy(sql.SQL("copy {stage} ({columns}) from stdin " + fields.COPY_OPTIONS).format(**names)) as copy:
            copy.write("".join(lines.values()).encode())
        with cursor.copy(sql.SQL("copy {kept} from stdin " + fields.COPY_OPTIONS).format(**names)) as copy:
            copy.write(
                "".join(fields.line([str(part) for part in named]) for named in [*unread, *rejected_keys]).encode()
            )
        cursor.execute(sql.SQL(_CLOSE_CHANGED).format(**names), whose)
        changed = cursor.rowcount
        cursor.execute(sql.SQL(_CLOSE_DISAPPEARED).format(**names), whose)
        disappeared = cursor.rowcount
        cursor.execute(sql.SQL(_INSERT_CURRENT).format(**names), whose)
        counts.inserted = cursor.rowcount - changed
        counts.updated = changed
        counts.vanished = disappeared
        cursor.execute(sql.SQL("drop table {stage}, {kept}").format(**names))
    finish_load(connection, batch_id, counts)
    return counts


def _resolve_others(
    connection: psycopg.Connection,
    key: LoadKey,
    names: tuple[str, ...],
    *,
    rejected: list[Rejected],
    read: set[Key],
    unread: set[Key] | None,
) -> None:
    """Settle what was rejected once: read again it is something else, or the listing, if whole, has it no more.

    `unread` are the keys that the listing has besides those read; None where it may have others.
    """
    again = {payload_hash(entry.payload) for entry in rejected}
    settled = []
    for row_id, payload, hashed in connection.execute(
        "select rejected_row_id, payload, payload_hash from raw.rejected_rows"
        " where instance = %s and project_id = %s and entity = %s and resolved_at is null",
        (key.instance, key.project_id, key.entity),
    ):
        named = key_of(payload, names)
        if hashed not in again and (named in read or (unread is not None and named not in unread)):
            settled.append(row_id)
    resolve(connection, settled)


def _moment(connection: psycopg.Connection, names: dict[str, sql.Composable], batch_id: int, key: LoadKey) -> Any:
    """From when the new versions are known: after every older one, however the clock or the wait for the lock ran."""
    row = connection.execute(
        sql.SQL(_MOMENT).format(**names),
        {"instance": key.instance, "project_id": key.project_id, "batch_id": batch_id},
    ).fetchone()
    assert row is not None
    return row[0]


def _names(catalogue: Catalogue) -> dict[str, sql.Composable]:
    values = [column for column in catalogue.columns if column not in catalogue.key]

    def listed(columns: Iterable[str], *of: str) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(*of, column) for column in columns)

    def joined(left: str, cast: str = "") -> sql.Composed:
        return sql.SQL(" and ").join(
            sql.SQL("{} = {}" + cast).format(sql.Identifier(left, column), sql.Identifier("known", column))
            for column in catalogue.key
        )

    return {
        "table": sql.Identifier("raw", catalogue.table),
        "stage": sql.Identifier(f"stage_{catalogue.table}"),
        "kept": sql.Identifier(f"kept_{catalogue.table}"),
        "key": listed(catalogue.key),
        "columns": listed(catalogue.columns),
        "columns_of_stage": listed(catalogue.columns, "stage"),
        "values_of_stage": listed(values, "stage"),
        "values_of_known": listed(values, "known"),
        "kept_columns": sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in catalogue.key),
        "stage_is_known": joined("stage"),
        "kept_is_known": joined("kept", "::text"),
    }


_CREATE_STAGE = "create temporary table {stage} on commit drop as select {columns} from {table} limit 0"
# Text, for the key of an entry that cannot be parsed may be anything.
_CREATE_KEPT = "create temporary table {kept} ({kept_columns}) on commit drop"

_MOMENT = """
select greatest(
    loads.started_at,
    (
        select max(greatest(known.known_from, known.known_to)) + interval '1 microsecond'
        from {table} as known
        where known.instance = %(instance)s and known.project_id = %(project_id)s
    )
)
from raw.loads as loads
where loads.batch_id = %(batch_id)s
"""

_CLOSE_CHANGED = """
update {table} as known
set known_to = %(moment)s
from {stage} as stage
where
    known.instance = %(instance)s and known.project_id = %(project_id)s and known.known_to is null
    and {stage_is_known}
    and ({values_of_known}) is distinct from ({values_of_stage})
"""

_CLOSE_DISAPPEARED = """
update {table} as known
set known_to = %(moment)s
where
    known.instance = %(instance)s and known.project_id = %(project_id)s and known.known_to is null
    and %(is_complete)s
    and not exists (select from {kept} as kept where {kept_is_known})
    and not exists (select from {stage} as stage where {stage_is_known})
"""

_INSERT_CURRENT = """
insert into {table} (instance, project_id, {columns}, known_from, batch_id)
select %(instance)s, %(project_id)s, {columns_of_stage}, %(moment)s, %(batch_id)s
from {stage} as stage
where not exists (
    select from {table} as known
    where
        known.instance = %(instance)s and known.project_id = %(project_id)s and known.known_to is null
        and {stage_is_known}
)
"""
