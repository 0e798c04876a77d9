"""The step `extract`: one Langfuse project into raw, entity by entity and slice by slice, each whole or not at all."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg

from tracemart.errors import (
    ExportError,
    LangfuseRateLimitedError,
    SettingsError,
    TooManyRejectedError,
    TracemartError,
    WarehouseError,
)
from tracemart.extract import v3, v4
from tracemart.extract.catalogue import CatalogueRun, load_catalogues, load_project
from tracemart.extract.client import LangfuseClient, ProjectIdentity
from tracemart.extract.entities import TimedEntity
from tracemart.extract.export.ledger import exported_through
from tracemart.extract.load import LoadKey
from tracemart.extract.pacing import Pacer
from tracemart.extract.rereads import Tier, due_overlap, mark_read, tiers_of
from tracemart.extract.result import EntityResult, ExtractResult
from tracemart.extract.resume import read_resume_after, store_resume_after
from tracemart.extract.speaks import api_of
from tracemart.extract.timed import TimedRun, load_timed
from tracemart.extract.v3_traces import known_traces
from tracemart.extract.windows import AskedInterval, asked_interval, settled_until
from tracemart.privacy import Privacy
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

TIMED = ("observations", "scores")
DAILY = (Tier(timedelta(days=1), timedelta(days=1)),)


def extract(
    settings: Settings,
    project: LangfuseProject,
    *,
    window_from: datetime | None = None,
    window_to: datetime | None = None,
    run_id: str | None = None,
    catalogues: bool | None = True,
    progress: Progress | None = None,
) -> ExtractResult:
    """Read one project into raw: its export if it has one, its name, catalogues if wanted, observations and scores.

    `catalogues` None: at the first run of each UTC day, and not with a window.

    Without a window each timed entity is read from its watermark less the overlap that is due (TRACEMART_OVERLAPS), or
    from its oldest row, up to what has settled. With one, exactly [window_from, window_to) is read and no watermark
    moves. Each slice is one transaction; a run that ended early goes on with the next. Reading again what has not
    changed changes nothing but raw.loads.
    Raises LangfuseError, LangfuseRateLimitedError with what is already read kept, TooManyRejectedError, WarehouseError,
    SettingsError, BadInputError.
    """
    privacy, overlaps, settled = Privacy.of(settings), tiers_of(settings.overlaps), settled_until(settings)
    asked = asked_interval(window_from, window_to, settled)
    with (
        Warehouse(settings).connect(Role.LOADER, autocommit=True) as connection,
        LangfuseClient(project, pace=Pacer.of(settings, project)) as client,
    ):
        identity = client.identify()
        run = _ProjectRun(settings, privacy, overlaps, settled, connection, client, identity, asked, run_id, progress)
        run.expect_not_limited()
        entities, export_error = run.load_export() if project.export and asked is None else ([], None)
        source = api_of(client, project.api)
        try:
            entities.append(run.load_project(source))
            entities += run.load_catalogues(source, catalogues)
            entities += run.load_timed_entities(source)
        except LangfuseRateLimitedError as error:
            run.remember_limit(source, error.resume_after)
            raise
    if export_error is not None:
        raise export_error
    return ExtractResult(project.instance, identity.project_id, identity.name, tuple(entities))


def project_names(settings: Settings) -> list[str]:
    """A name for each configured project, `instance/name`: what tasks are mapped over; none holds a key."""
    names = [
        f"{project.instance}/{project.name or position}"
        for position, project in enumerate(settings.projects(), start=1)
    ]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SettingsError(f"{settings.projects_file} names {doubled[0]} twice; give each project its own name.")
    return names


def extract_project(
    settings: Settings,
    name: str,
    *,
    window_from: datetime | None = None,
    window_to: datetime | None = None,
    run_id: str | None = None,
    catalogues: bool | None = True,
    progress: Progress | None = None,
) -> ExtractResult:
    """`extract` for one of `project_names`. Raises SettingsError for another name, and what `extract` raises."""
    names = project_names(settings)
    if name not in names:
        raise SettingsError(f"There is no project {name}; there are: {', '.join(names)}.")
    project = settings.projects()[names.index(name)]
    if not project.public_key:
        from tracemart.extract.export.step import extract_export

        return extract_export(settings, project, run_id=run_id, progress=progress)
    return extract(
        settings,
        project,
        window_from=window_from,
        window_to=window_to,
        run_id=run_id,
        catalogues=catalogues,
        progress=progress,
    )


@dataclass(frozen=True)
class _ProjectRun:
    settings: Settings
    privacy: Privacy
    overlaps: tuple[Tier, ...]
    settled: datetime
    connection: psycopg.Connection
    client: LangfuseClient
    identity: ProjectIdentity
    asked: AskedInterval | None
    run_id: str | None
    progress: Progress | None

    def expect_not_limited(self) -> None:
        instance = self.client.project.instance
        resume_after = read_resume_after(self.connection, instance, self.identity.project_id, datetime.now(UTC))
        if resume_after is not None:
            raise LangfuseRateLimitedError(
                f"{self.client.where} asked to be left alone until {resume_after:%Y-%m-%d %H:%M:%S} UTC, for its limit"
                " of requests is used up; run it again after that.",
                resume_after,
            )

    def remember_limit(self, source: str, resume_after: datetime) -> None:
        for entity in TIMED:
            store_resume_after(self.connection, self._key(source, entity), resume_after)

    def load_export(self) -> tuple[list[EntityResult], TracemartError | None]:
        """What the export brought, and what was wrong with it: the API is read all the same."""
        # pyarrow is not worth loading where nothing is exported.
        from tracemart.extract.export.step import extract_export

        try:
            result = extract_export(
                self.settings,
                self.client.project,
                identity=self.identity,
                run_id=self.run_id,
                progress=self.progress,
            )
        except (ExportError, TooManyRejectedError) as error:
            return [], error
        return [replace(entity, entity=f"exported {entity.entity}") for entity in result.entities], None

    def load_project(self, source: str) -> EntityResult:
        started = time.monotonic()
        key = self._key(source, "projects")
        try:
            with self.connection.transaction():
                counts = load_project(self.connection, key, self.identity, self.client.address, self.run_id)
        except psycopg.Error as error:
            raise self._warehouse_error(error, "projects") from None
        return EntityResult("projects", counts, time.monotonic() - started)

    def load_catalogues(self, source: str, wanted: bool | None) -> list[EntityResult]:
        """With `wanted` None at the first run of each UTC day, and not for a window."""
        now, daily = self.settings.now(), self._key(source, "catalogues")
        if wanted is None:
            wanted = self.asked is None and bool(due_overlap(self.connection, daily, DAILY, now))
        if not wanted:
            return []
        run = CatalogueRun(
            client=self.client,
            connection=self.connection,
            instance=self.client.project.instance,
            project_id=self.identity.project_id,
            source=source,
            until=self.settled,
            run_id=self.run_id,
            keep_metadata=self.privacy.metadata,
            asked=self.asked,
            progress=self.progress,
        )
        loads = load_catalogues(run)
        if self.asked is None:
            mark_read(self.connection, daily, DAILY, None, now)
        return [EntityResult(load.name, load.counts, load.seconds, load.window, skipped=load.skipped) for load in loads]

    def load_timed_entities(self, source: str) -> list[EntityResult]:
        instance, project_id = self.client.project.instance, self.identity.project_id
        run = TimedRun(
            connection=self.connection,
            asked=self.asked,
            settled=self.settled,
            now=self.settings.now(),
            overlaps=self.overlaps,
            rejected_share=self.settings.rejected_share,
            run_id=self.run_id,
            progress=self.progress,
            exported_through=exported_through(self.connection, instance, project_id),
        )
        results = []
        for entity in self._timed_entities(source):
            try:
                results.append(load_timed(run, entity, self._key(source, entity.name)))
            except psycopg.Error as error:
                raise self._warehouse_error(error, entity.name) from None
        return results

    def _timed_entities(self, source: str) -> tuple[TimedEntity, ...]:
        if source == v3.SOURCE:
            known = known_traces(Warehouse(self.settings), self._key(source, "observations"))
            return v3.observations(self.client, self.privacy, known), v3.scores(self.client, self.privacy)
        return v4.observations(self.client, self.privacy), v4.scores(self.client, self.privacy)

    def _key(self, source: str, entity: str) -> LoadKey:
        return LoadKey(self.client.project.instance, self.identity.project_id, entity, source)

    def _warehouse_error(self, error: psycopg.Error, entity: str) -> WarehouseError:
        where = f"{self.client.project.instance}/{self.identity.name or self.identity.project_id}"
        return warehouse_error(error, f"loading {entity} of {where}")
