"""From a stage of COPYed rows to a table that holds the newest version of each, and one that holds the others."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tracemart.extract import upsert_statements as statements
from tracemart.extract.partitions import ensure_months, ensure_statistics
from tracemart.extract.slices import Slice


@dataclass(frozen=True)
class Upsert:
    """Merges rows into raw.<table>; versions that do not stand there go to raw.superseded_<table>.

    `columns` are those that this way of reading has: others are never touched. Of two versions of a key the one with
    the newer `updated_at` stands, and of those with the same the one later in time, so that the order of arrival
    decides nothing; what says something else under the same two times was edited in place: what is read now stands.
    `source_column` names the way that wrote the row. A table by month has trace_id as its first column and start_month
    as its last: its key stands within a month by PostgreSQL's index, and over months by raw.trace_months.
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

    @property
    def is_by_month(self) -> bool:
        return self.columns[-1] == "start_month"

    def create_stage(self, connection: psycopg.Connection) -> None:
        """An empty temporary table that goes with the transaction; it has the types of the table."""
        self._run(
            connection,
            "create temporary table {stage} on commit drop as select {front}, {columns} from {table} limit 0",
        )

    def copy_into(self, options: LiteralString, *, as_new: bool) -> sql.Composed:
        """COPY of rows with a copying.Front, into the table itself or to be merged."""
        table: LiteralString = "{table}" if as_new else "{stage}"
        return sql.SQL("copy " + table + " ({front}, {columns}) from stdin " + options).format(**self._names)

    def drop_stage(self, connection: psycopg.Connection) -> None:
        self._run(connection, "drop table if exists {stage}")

    def create_seen(self, connection: psycopg.Connection) -> None:
        """An empty temporary table for the keys of known rows that a slice read again."""
        self._run(
            connection,
            "create temporary table if not exists {seen} on commit drop as select {key} from {table} limit 0",
        )

    def merge(
        self, connection: psycopg.Connection, instance: str, project_id: str, batch_id: int, *, remember: bool = False
    ) -> tuple[int, int]:
        """Take the stage over and empty it; the numbers of rows inserted and updated. `remember` fills `seen`."""
        whose = self._whose(instance, project_id, batch_id)
        if self.is_by_month:
            whose["months"] = self._months(connection, "stage", "start_month")
            ensure_months(connection, whose["months"])
            ensure_statistics(connection, whose["months"])
        self._set_older_versions_apart(connection)
        # Statistics of the wide columns would cost more than the merge, and no query asks for them.
        self._run(connection, "analyze {stage} ({key})")
        known = self._run(connection, statements.MATCHES_BY_MONTH if self.is_by_month else statements.MATCHES, whose)
        if self.is_by_month:
            known += self._match_in_other_months(connection, whose)
        updated = 0
        if known:
            self._run(connection, "analyze {matches}")
            if self._has_rows(connection, "select exists (select from {matches} where differs or had_vanished)"):
                self._keep_replaced_versions(connection, whose)
                self._run(connection, statements.KEEP_LATE_VERSIONS, whose)
                updated = self._run(connection, statements.UPDATE, whose)
            if remember:
                self._run(connection, "insert into {seen} ({key}) select {key} from {matches}")
        inserted = self._run(connection, statements.INSERT, whose)
        if self.is_by_month:
            self._run(connection, statements.REGISTER_MONTHS, whose)
        if self._has_rows(connection, "select exists (select from {older})"):
            self._run(connection, statements.KEEP_OLDER_VERSIONS, whose)
        self._run(connection, "drop table {matches}, {older}, {stage}")
        self.create_stage(connection)
        return inserted, updated

    def _match_in_other_months(self, connection: psycopg.Connection, whose: dict[str, Any]) -> int:
        """Rows of which a version stands in another month than theirs; few traces reach over months."""
        self._run(connection, "analyze {matches}")
        found = 0
        if self._find_elsewhere(connection, whose, _STAGED_TRACES):
            self._run(connection, "analyze {elsewhere}")
            found = self._run(connection, statements.MATCHES_IN_OTHER_MONTHS, whose)
            if found:
                whose["months"] += self._months(connection, "matches", "known_month")
        self._run(connection, "drop table {elsewhere}")
        return found

    def _find_elsewhere(self, connection: psycopg.Connection, whose: dict[str, Any], traces: str) -> int:
        """Into the temporary table `elsewhere`: these traces with the other months that they are known in; how many."""
        listed = sql.SQL(traces).format(**self._names)
        query = sql.SQL(statements.TRACES_ELSEWHERE).format(**{**self._names, "listed_traces": listed})
        return connection.execute(query, whose).rowcount

    def register_traces(
        self, connection: psycopg.Connection, instance: str, project_id: str, traces: set[bytes]
    ) -> int:
        """Register `trace_id\tmonth` in raw.trace_months; how many traces are known in other months as well.

        Leaves those in the temporary table `elsewhere` until the transaction ends.
        """
        whose = self._whose(instance, project_id, 0)
        self._run(connection, "drop table if exists {elsewhere}, {traces}")
        self._run(
            connection,
            "create temporary table {traces} on commit drop as select trace_id, start_month from {table} limit 0",
        )
        into = sql.SQL("copy {traces} (trace_id, start_month) from stdin (format text)").format(**self._names)
        with connection.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(b"\n".join(traces))
        self._run(connection, statements.REGISTER_TRACES, whose)
        return self._find_elsewhere(connection, whose, "{traces}")

    def take_back(
        self, connection: psycopg.Connection, instance: str, project_id: str, batch_id: int, traces: set[bytes]
    ) -> int:
        """Rows of these traces that were copied straight into the table, though their key stands in another month, go
        back to the stage, to be merged; how many.
        """
        taken_back = 0
        if self.register_traces(connection, instance, project_id, traces):
            self._run(connection, "analyze {elsewhere}")
            taken_back = self._run(connection, statements.TAKE_BACK, self._whose(instance, project_id, batch_id))
        self._run(connection, "drop table {traces}, {elsewhere}")
        return taken_back

    def remember(self, connection: psycopg.Connection, entries: list[Any]) -> None:
        """Put the keys of entries, as the API names them, among those that came again."""
        names = [_IN_ANSWER[column] for column in self.key]
        keys = [
            tuple(entry[name] for name in names)
            for entry in entries
            if isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in names)
        ]
        into = sql.SQL("insert into {seen} ({key}) values ({values})").format(
            **{**self._names, "values": sql.SQL(", ").join([sql.Placeholder()] * len(self.key))}
        )
        with connection.cursor() as cursor:
            cursor.executemany(into, keys)

    def flag_vanished(
        self, connection: psycopg.Connection, instance: str, project_id: str, batch_id: int, cut: Slice
    ) -> int:
        """Mark what the slice should have held but was neither read again (`seen`) nor written by this batch."""
        whose = self._whose(instance, project_id, batch_id) | {"start": cut.start, "end": cut.end}
        self._run(connection, "analyze {seen}")
        return self._run(
            connection, statements.FLAG_VANISHED_BY_MONTH if self.is_by_month else statements.FLAG_VANISHED, whose
        )

    def _whose(self, instance: str, project_id: str, batch_id: int) -> dict[str, Any]:
        return {"instance": instance, "project_id": project_id, "batch_id": batch_id, "source": self.source}

    def _has_rows(self, connection: psycopg.Connection, query: str) -> bool:
        return bool(self._rows(connection, query)[0][0])

    def _months(self, connection: psycopg.Connection, table: str, column: str) -> list[date]:
        query = sql.SQL("select distinct {} from {}").format(sql.Identifier(column), self._names[table])
        return sorted(row[0] for row in connection.execute(query))

    def _set_older_versions_apart(self, connection: psycopg.Connection) -> None:
        """Leave one row for each key in the stage; of the others those that differ from it are put apart."""
        self._run(connection, "create temporary table {older} on commit drop as select {columns} from {stage} limit 0")
        doubled = self._run(
            connection,
            "create temporary table {doubled} on commit drop as"
            " select {key} from {stage} group by {key} having count(*) > 1",
        )
        if doubled:
            self._run(connection, statements.SET_APART)
        self._run(connection, "drop table {doubled}")

    def _keep_replaced_versions(self, connection: psycopg.Connection, whose: dict[str, Any]) -> None:
        # Every column by name, for one that a migration adds stands at another place in the other table.
        rows = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
            (f"raw.{self.table}",),
        )
        every = [row[0] for row in rows]
        query = sql.SQL(statements.KEEP_REPLACED_VERSIONS).format(
            **self._names,
            every_column=sql.SQL(", ").join(map(sql.Identifier, every)),
            every_column_of_known=sql.SQL(", ").join(sql.Identifier("known", column) for column in every),
        )
        connection.execute(query, whose)

    def _run(self, connection: psycopg.Connection, query: str, parameters: dict[str, Any] | None = None) -> int:
        return connection.execute(sql.SQL(query).format(**self._names), parameters).rowcount

    def _rows(self, connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
        return connection.execute(sql.SQL(query).format(**self._names)).fetchall()

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
        # The list of months lets the planner leave out all others.
        same_month = sql.SQL(
            " and known.start_month = matches.known_month and known.start_month = any(%(months)s)"
            if self.is_by_month
            else ""
        )
        names: dict[str, sql.Composable] = {
            "table": sql.Identifier("raw", self.table),
            "superseded": sql.Identifier("raw", f"superseded_{self.table}"),
            "stage": sql.Identifier(self.stage),
            "seen": sql.Identifier(f"seen_{self.table}"),
            "traces": sql.Identifier(f"traces_of_{self.table}"),
            "elsewhere": sql.Identifier(f"elsewhere_{self.table}"),
            "matches": sql.Identifier(f"matches_{self.table}"),
            "older": sql.Identifier(f"older_{self.table}"),
            "doubled": sql.Identifier(f"doubled_{self.table}"),
            "key": listed(self.key),
            "key_of_stage": listed(self.key, "stage"),
            "front": listed(("instance", "project_id", self.source_column, "batch_id")),
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
            "same_month": same_month,
            "stage_is_known": joined("stage", "known"),
            "match_is_known": joined("matches", "known"),
            "match_is_stage": joined("matches", "stage"),
            "older_is_known": joined("older", "known"),
            "older_is_kept": joined("older", "kept"),
            "seen_is_known": joined("seen", "known"),
        }
        return {**names, "compared": sql.SQL(statements.COMPARED).format(**names)}


def upsert_of(entity: str, columns: tuple[str, ...], source: str) -> Upsert:
    """Where observations or scores with these columns of raw go, from whatever way they come."""
    if entity == "scores":
        return Upsert("scores", ("id",), columns, "scored_at", "load_source", source)
    return Upsert("observations", ("trace_id", "id"), columns, "start_time", "source", source)


_IN_ANSWER = {"trace_id": "traceId", "id": "id"}
_STAGED_TRACES = "(select distinct trace_id, start_month from {stage})"
