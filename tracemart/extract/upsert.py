"""From a stage of COPYed rows to a table that holds the newest version of each, and one that holds the others."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql


@dataclass(frozen=True)
class Upsert:
    """Merges rows into raw.<table>; versions that do not stand there go to raw.superseded_<table>.

    `columns` are those that this way of reading has: others are never touched. Of two versions of a key the one with
    the newer `updated_at` stands, and of those with the same the one later in time, so that the order of arrival
    decides nothing; what says something else under the same two times was edited in place: what is read now stands.
    `source_column` names the way that wrote the row.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    event_time: str
    source_column: str
    source: str

    @property
    def stage(self) -> str:
        return f"stage_{self.table}"

    def create_stage(self, connection: psycopg.Connection) -> None:
        """An empty temporary table that goes with the transaction; it has the types of the table."""
        self._run(connection, "create temporary table {stage} on commit drop as select {columns} from {table} limit 0")

    def merge(self, connection: psycopg.Connection, instance: str, project_id: str, batch_id: int) -> tuple[int, int]:
        """Take the stage over and empty it; the numbers of rows inserted and updated."""
        whose = {"instance": instance, "project_id": project_id, "batch_id": batch_id, "source": self.source}
        self._set_older_versions_apart(connection)
        # Statistics of the wide columns would cost more than the merge, and no query asks for them.
        self._run(connection, "analyze {stage} ({key})")
        updated = 0
        if self._run(connection, _MATCHES, whose):
            self._run(connection, "analyze {matches}")
            self._keep_replaced_versions(connection, whose)
            self._run(connection, _KEEP_LATE_VERSIONS, whose)
            updated = self._run(connection, _UPDATE, whose)
        inserted = self._run(connection, _INSERT, whose)
        self._run(connection, _KEEP_OLDER_VERSIONS, whose)
        self._run(connection, "drop table {matches}, {older}, {stage}")
        self.create_stage(connection)
        return inserted, updated

    def _set_older_versions_apart(self, connection: psycopg.Connection) -> None:
        """Leave one row for each key in the stage; of the others those that differ from it are put apart."""
        self._run(connection, "create temporary table {older} on commit drop as select {columns} from {stage} limit 0")
        doubled = self._run(
            connection,
            "create temporary table {doubled} on commit drop as"
            " select {key} from {stage} group by {key} having count(*) > 1",
        )
        if doubled:
            self._run(connection, _SET_APART)
        self._run(connection, "drop table {doubled}")

    def _keep_replaced_versions(self, connection: psycopg.Connection, whose: dict[str, Any]) -> None:
        # Every column by name, for one that a migration adds stands at another place in the other table.
        rows = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            (f"raw.{self.table}",),
        )
        every = [row[0] for row in rows]
        query = sql.SQL(_KEEP_REPLACED_VERSIONS).format(
            **self._names,
            every_column=sql.SQL(", ").join(map(sql.Identifier, every)),
            every_column_of_known=sql.SQL(", ").join(sql.Identifier("known", column) for column in every),
        )
        connection.execute(query, whose)

    def _run(self, connection: psycopg.Connection, query: str, parameters: dict[str, Any] | None = None) -> int:
        return connection.execute(sql.SQL(query).format(**self._names), parameters).rowcount

    @cached_property
    def _names(self) -> dict[str, sql.Composable]:
        def listed(columns: tuple[str, ...], *of: str) -> sql.Composed:
            return sql.SQL(", ").join(sql.Identifier(*of, column) for column in columns)

        def joined(left: str, right: str) -> sql.Composed:
            return sql.SQL(" and ").join(
                sql.SQL("{} = {}").format(sql.Identifier(left, column), sql.Identifier(right, column))
                for column in self.key
            )

        values = tuple(column for column in self.columns if column not in self.key)
        return {
            "table": sql.Identifier("raw", self.table),
            "superseded": sql.Identifier("raw", f"superseded_{self.table}"),
            "stage": sql.Identifier(self.stage),
            "matches": sql.Identifier(f"matches_{self.table}"),
            "older": sql.Identifier(f"older_{self.table}"),
            "doubled": sql.Identifier(f"doubled_{self.table}"),
            "key": listed(self.key),
            "key_of_stage": listed(self.key, "stage"),
            "columns": listed(self.columns),
            "columns_of_stage": listed(self.columns, "stage"),
            "columns_of_known": listed(self.columns, "known"),
            "columns_of_older": listed(self.columns, "older"),
            "columns_of_kept": listed(self.columns, "kept"),
            "values": listed(values),
            "values_of_stage": listed(values, "stage"),
            "values_of_known": listed(values, "known"),
            "source_column": sql.Identifier(self.source_column),
            "event_time": sql.Identifier(self.event_time),
            "stage_is_known": joined("stage", "known"),
            "match_is_known": joined("matches", "known"),
            "match_is_stage": joined("matches", "stage"),
            "older_is_known": joined("older", "known"),
            "older_is_kept": joined("older", "kept"),
        }


_SET_APART = """
with ranked as (
    select
        stage.ctid as place,
        row_number() over (
            partition by {key_of_stage}
            order by stage.updated_at desc nulls last, stage.{event_time} desc, stage::text desc
        ) as position
    from {stage} as stage
    inner join {doubled} using ({key})
),
removed as (
    delete from {stage} as stage using ranked
    where stage.ctid = ranked.place and ranked.position > 1
    returning {columns_of_stage}
)
insert into {older} ({columns}) select distinct {columns} from removed
"""

# `is_newer`: the stage's version is to stand; `differs`: it says something else than the table's.
_MATCHES = """
create temporary table {matches} on commit drop as
select
    {key_of_stage},
    (coalesce(stage.updated_at, '-infinity'), stage.{event_time})
    >= (coalesce(known.updated_at, '-infinity'), known.{event_time}) as is_newer,
    ({values_of_stage}) is distinct from ({values_of_known}) as differs,
    known.vanished_at is not null as had_vanished
from {stage} as stage
inner join {table} as known
    on known.instance = %(instance)s and known.project_id = %(project_id)s and {stage_is_known}
where ({values_of_stage}) is distinct from ({values_of_known}) or known.vanished_at is not null
"""

_KEEP_REPLACED_VERSIONS = """
insert into {superseded} ({every_column}, superseded_by_batch_id)
select {every_column_of_known}, %(batch_id)s
from {table} as known
inner join {matches} as matches
    on known.instance = %(instance)s and known.project_id = %(project_id)s and {match_is_known}
where matches.is_newer and matches.differs
"""

_KEEP_LATE_VERSIONS = """
insert into {older} ({columns})
select {columns_of_stage} from {stage} as stage
inner join {matches} as matches on {match_is_stage}
where matches.differs and not matches.is_newer
"""

_UPDATE = """
update {table} as known
set
    ({values}) = row({values_of_stage}),
    {source_column} = %(source)s,
    vanished_at = null,
    batch_id = %(batch_id)s,
    loaded_at = clock_timestamp()
from {stage} as stage
inner join {matches} as matches on {match_is_stage}
where
    known.instance = %(instance)s and known.project_id = %(project_id)s and {stage_is_known}
    and ((matches.differs and matches.is_newer) or (not matches.differs and matches.had_vanished))
"""

_INSERT = """
insert into {table} (instance, project_id, {columns}, {source_column}, batch_id)
select %(instance)s, %(project_id)s, {columns_of_stage}, %(source)s, %(batch_id)s
from {stage} as stage
on conflict do nothing
"""

# A server that keeps two versions for good sends both at every reading: each is kept once.
_KEEP_OLDER_VERSIONS = """
insert into {superseded}
    (instance, project_id, {columns}, {source_column}, batch_id, loaded_at, superseded_by_batch_id)
select
    %(instance)s, %(project_id)s, {columns_of_older}, %(source)s, %(batch_id)s, clock_timestamp(), known.batch_id
from {older} as older
inner join {table} as known
    on known.instance = %(instance)s and known.project_id = %(project_id)s and {older_is_known}
where
    ({columns_of_older}) is distinct from ({columns_of_known})
    and not exists (
        select from {superseded} as kept
        where
            kept.instance = %(instance)s and kept.project_id = %(project_id)s and {older_is_kept}
            and ({columns_of_kept}) is not distinct from ({columns_of_older})
    )
"""
