"""The server's own figures, at the first extraction of each UTC day."""

from dataclasses import replace

from tracemart.errors import LangfuseError
from tracemart.extract.load import LoadCounts, LoadKey
from tracemart.extract.rereads import due_overlap, mark_read
from tracemart.extract.result import EntityResult, ExtractResult
from tracemart.extract.step import DAILY
from tracemart.reconcile.server_totals import ENTITY, read_server_totals
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse


def read_daily_totals(
    settings: Settings,
    name: str,
    result: ExtractResult,
    *,
    run_id: str | None = None,
) -> ExtractResult:
    """The result of extracting the project of this name, with what became of the server's figures.

    Unchanged where they were asked for today.

    A limit or an error of the server is told as the reason why they were skipped, for extraction has succeeded by then;
    the next run tries again.
    Raises WarehouseError.
    """
    key, now = LoadKey(result.instance, result.project_id, ENTITY, "metrics"), settings.now()
    with Warehouse(settings).connect(Role.LOADER, autocommit=True) as connection:
        if not due_overlap(connection, key, DAILY, now):
            return result
        try:
            totals = read_server_totals(settings, name, run_id=run_id)
        except LangfuseError as error:
            entity = EntityResult(ENTITY, LoadCounts(), 0.0, skipped=str(error))
        else:
            entity = EntityResult(ENTITY, totals.counts or LoadCounts(), totals.seconds, skipped=totals.skipped)
            mark_read(connection, key, DAILY, None, now)
    return replace(result, entities=(*result.entities, entity))
