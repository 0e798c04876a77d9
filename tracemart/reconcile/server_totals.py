"""The step `reconcile`: the figures of Langfuse's own Metrics API into raw, for the days that loads have changed."""

import time
from dataclasses import dataclass
from datetime import date

import psycopg

from tracemart.errors import LangfuseNotFoundError, SettingsError
from tracemart.extract.client import LangfuseClient, ProjectIdentity
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load
from tracemart.extract.pacing import Pacer
from tracemart.extract.speaks import Api, api_of
from tracemart.extract.step import project_names
from tracemart.extract.windows import settled_until
from tracemart.reconcile.due_days import due_days, note_changed_days, spans, time_of, window
from tracemart.reconcile.metrics import Totals, read_totals
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

ENTITY = "server_totals"


@dataclass(frozen=True)
class ServerTotals:
    """Days asked for and rows of day and model that differ from what stood there; `skipped` says why none was asked."""

    project: str
    days: int = 0
    counts: LoadCounts | None = None
    seconds: float = 0.0
    skipped: str | None = None

    @property
    def changed(self) -> bool:
        return self.counts is not None and self.counts.changed

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.project}: skipped, for {self.skipped}"
        if not self.days or self.counts is None:
            return f"{self.project}: no day was changed since the server was asked last"
        return (
            f"{self.project}: {self.days} days asked for, {self.counts.read:,} figures of day and model,"
            f" {self.counts.inserted:,} new, {self.counts.updated:,} changed in {self.seconds:.1f} s"
        )


def read_server_totals(
    settings: Settings, name: str, *, run_id: str | None = None, progress: Progress | None = None
) -> ServerTotals:
    """Ask one of `extract.step.project_names` for its figures of the whole UTC days that are due.

    Due are the days of the last TRACEMART_RECONCILED_DAYS that loads have changed since they were asked for. Each
    request of up to a month is a transaction; a run that ended early goes on with the days that are left, and running
    it again changes nothing. A server without a Metrics API is skipped.
    Raises LangfuseError, WarehouseError, SettingsError.
    """
    names = project_names(settings)
    if name not in names:
        raise SettingsError(f"There is no project {name}; there are: {', '.join(names)}.")
    project = settings.projects()[names.index(name)]
    if not project.public_key:
        return ServerTotals(name, skipped="it has no key: it is read from its export alone")
    return read_project_totals(settings, project, name=name, run_id=run_id, progress=progress)


def read_project_totals(
    settings: Settings,
    project: LangfuseProject,
    *,
    name: str | None = None,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> ServerTotals:
    """`read_server_totals` of a project that is given."""
    started = time.monotonic()
    label = name or f"{project.instance}/{project.name}"
    first, end = window(settled_until(settings), settings.reconciled_days)
    with (
        Warehouse(settings).connect(Role.LOADER, autocommit=True) as connection,
        # It holds the project's seat, so no load of the project is under way.
        LangfuseClient(project, pace=Pacer.of(settings, project)) as client,
    ):
        identity = client.identify()
        try:
            key = LoadKey(project.instance, identity.project_id, ENTITY, "metrics")
            with connection.transaction():
                batch_id = begin_load(connection, key, run_id)
                note_changed_days(connection, key, batch_id, first, end)
            due = due_days(connection, key, first, end)
            if not due:
                return ServerTotals(label, 0, LoadCounts(), time.monotonic() - started)
            counts = LoadCounts()
            api = api_of(client, project.api)
            for days in spans(due):
                counts += _load_span(connection, client, api, (key, run_id), days)
                if progress is not None:
                    progress(f"{label}: days asked for", sum(day <= days[-1] for day in due), len(due))
        except LangfuseNotFoundError:
            return ServerTotals(label, skipped=f"{_named(client, identity)} has no Metrics API")
        except psycopg.Error as error:
            raise warehouse_error(error, f"loading the server's figures of {label}") from None
    return ServerTotals(label, len(due), counts, time.monotonic() - started)


def _load_span(
    connection: psycopg.Connection, client: LangfuseClient, api: Api, load: tuple[LoadKey, str | None], days: list[date]
) -> LoadCounts:
    """Ask for the time that holds the days, and keep what is said of them; `load` is the load's key and run."""
    (key, run_id), asked = load, time_of(days)
    totals = read_totals(client, api, asked)
    with connection.transaction():
        batch_id = begin_load(connection, key, run_id, (asked.start, asked.end))
        counts = _store(connection, key, batch_id, days, totals)
        connection.execute(
            "update raw.server_days set batch_id = %s, source = %s, asked_at = clock_timestamp()"
            " where instance = %s and project_id = %s and utc_date = any(%s)",
            (batch_id, api, key.instance, key.project_id, days),
        )
        # A build takes up loads that changed something; a day that is asked for again is news in itself.
        counts.besides = len(days)
        finish_load(connection, batch_id, counts)
    return counts


def _store(
    connection: psycopg.Connection,
    key: LoadKey,
    batch_id: int,
    days: list[date],
    totals: dict[tuple[date, str], Totals],
) -> LoadCounts:
    wanted = set(days)
    rows = [(day, model, total) for (day, model), total in sorted(totals.items()) if day in wanted]
    gone = connection.execute(
        "delete from raw.server_totals as known where instance = %s and project_id = %s and utc_date = any(%s)"
        " and not exists (select from unnest(%s::date[], %s::text[]) as read (utc_date, model)"
        " where read.utc_date = known.utc_date and read.model = known.model)",
        (key.instance, key.project_id, days, [day for day, _, _ in rows], [model for _, model, _ in rows]),
    ).rowcount
    counts = LoadCounts(read=len(rows), vanished=gone)
    for day, model, total in rows:
        changed = connection.execute(
            "insert into raw.server_totals as known (instance, project_id, utc_date, model, calls, total_tokens,"
            " total_cost_usd, asked_at, batch_id) values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp(), %s)"
            " on conflict (instance, project_id, utc_date, model) do update set calls = excluded.calls,"
            " total_tokens = excluded.total_tokens, total_cost_usd = excluded.total_cost_usd,"
            " asked_at = excluded.asked_at, batch_id = excluded.batch_id"
            " where (known.calls, known.total_tokens, known.total_cost_usd)"
            " is distinct from (excluded.calls, excluded.total_tokens, excluded.total_cost_usd)"
            " returning (xmax = 0)",
            (key.instance, key.project_id, day, model, total.calls, total.tokens, total.cost_usd, batch_id),
        ).fetchone()
        counts.inserted += changed is not None and bool(changed[0])
        counts.updated += changed is not None and not changed[0]
    return counts


def _named(client: LangfuseClient, identity: ProjectIdentity) -> str:
    return f"the server of {identity.name or identity.project_id} at {client.address}"
