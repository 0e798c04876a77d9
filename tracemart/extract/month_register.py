"""Registering the months of new traces beside the COPY of the rows that follow, by a connection of its own.

raw.trace_months says where to look, not what there is: an entry of a load that is rolled back does no harm, so entries
may be committed before the rows they speak of.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
from psycopg.conninfo import make_conninfo

from tracemart.extract.load import LoadKey
from tracemart.extract.upsert import Upsert

# The load's own transaction may hold entries that it merged; it never waits for itself longer than this.
LONGEST_WAIT = "200ms"


class MonthRegister:
    """Takes `trace_id\\tstart_month` of rows that were copied straight into the table, and says whose are elsewhere."""

    def __init__(self, connection: psycopg.Connection, key: LoadKey, upsert: Upsert) -> None:
        self._load_connection = connection
        self._key = key
        self._upsert = upsert
        self._own: psycopg.Connection | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="months")
        self._running: list[tuple[set[bytes], Future[bool]]] = []

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        if self._own is not None:
            self._own.close()

    def add(self, traces: set[bytes]) -> None:
        self._running.append((traces, self._thread.submit(self._register, traces)))

    def unsettled(self) -> list[set[bytes]]:
        """Wait for all that was added; those of which the load itself has to look for rows in other months."""
        running, self._running = self._running, []
        return [traces for traces, registered in running if not registered.result()]

    def _register(self, traces: set[bytes]) -> bool:
        """Whether the traces are registered, and none is known in another month."""
        if self._own is None:
            info = self._load_connection.info
            where = make_conninfo("", **info.get_parameters(), password=info.password)
            self._own = psycopg.connect(where, autocommit=True)
            self._own.execute(f"set lock_timeout = '{LONGEST_WAIT}'".encode())
            # The load's own commit, which comes later, makes these durable as well.
            self._own.execute("set synchronous_commit = off")
        try:
            with self._own.transaction():
                return not self._upsert.register_traces(self._own, self._key.instance, self._key.project_id, traces)
        except psycopg.errors.LockNotAvailable:
            return False
