"""The step `extract`: one Langfuse project into raw, entity by entity, each whole or not at all."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from tracemart.errors import LangfuseOverloadedError, SettingsError
from tracemart.extract import v4
from tracemart.extract.catalogue import MODELS, PROMPTS, Catalogue, load_catalogue, load_project
from tracemart.extract.client import LangfuseClient, ProjectIdentity
from tracemart.extract.load import Load, LoadCounts, LoadKey, advance_watermark, begin_load, read_watermark
from tracemart.extract.prefetch import prefetched
from tracemart.extract.rows import OBSERVATION_COLUMNS, SCORE_COLUMNS, RowMaker, observation_line, score_line
from tracemart.extract.slices import Slicer
from tracemart.extract.upsert import Upsert
from tracemart.extract.windows import (
    OBSERVATIONS_OVERLAP,
    SCORES_OVERLAP,
    AskedInterval,
    Window,
    asked_interval,
    following_window,
    settled_until,
)
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

MANY_ROWS = 10_000


@dataclass(frozen=True)
class EntityResult:
    """What one load did: rows as in LoadCounts; without a window for catalogues."""

    entity: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    window: Window | None
    seconds: float

    @property
    def changed(self) -> bool:
        return bool(self.inserted or self.updated)

    def __str__(self) -> str:
        read = f"{self.entity:<13}{self.read:>9,} read, {self.inserted:,} new, {self.updated:,} changed"
        window = f", {self.window.start:%Y-%m-%d %H:%M} to {self.window.end:%Y-%m-%d %H:%M} UTC" if self.window else ""
        return f"{read}, {self.unchanged:,} as before, {self.rejected:,} rejected in {self.seconds:.1f} s{window}"


@dataclass(frozen=True)
class ExtractResult:
    instance: str
    project_id: str
    project_name: str | None
    entities: tuple[EntityResult, ...]

    @property
    def changed(self) -> bool:
        """Whether raw holds anything new: what follows has work to do."""
        return any(entity.changed for entity in self.entities)

    def __str__(self) -> str:
        lines = [f"{self.instance}/{self.project_name or self.project_id}"]
        lines += [f"  {entity}" for entity in self.entities]
        return "\n".join(lines)


@dataclass(frozen=True)
class TimedEntity:
    """An entity that is read by time."""

    name: str
    endpoint: v4.TimedEndpoint
    upsert: Upsert
    make_line: RowMaker
    overlap: timedelta


def extract(
    settings: Settings,
    project: LangfuseProject,
    *,
    window_from: datetime | None = None,
    window_to: datetime | None = None,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> ExtractResult:
    """Read one project into raw: its name, models, prompts, observations and scores, one transaction each.

    Without a window each entity is read from its watermark less an overlap, or from its oldest row (see v4.look_back),
    up to what has settled. With one, exactly [window_from, window_to) is read and no watermark moves. Reading again
    what has not changed changes nothing but raw.loads.
    Raises LangfuseError, WarehouseError, SettingsError, BadInputError.
    """
    if settings.store_io != "no":
        raise SettingsError(
            f"TRACEMART_STORE_IO={settings.store_io} is not possible yet, for nothing redacts prompts and answers:"
            " unset it."
        )
    settled = settled_until(settings)
    asked = asked_interval(window_from, window_to, settled)
    with LangfuseClient(project) as client:
        identity = client.identify()
        v4.check_speaks_v4(client)
        with Warehouse(settings).connect(Role.LOADER, autocommit=True) as connection:
            run = _Run(client, connection, identity, run_id, progress)
            entities = [
                run.load_project(),
                run.load_catalogue(MODELS, v4.MODELS),
                run.load_catalogue(PROMPTS, v4.PROMPTS),
            ]
            entities += [run.load_timed(entity, asked, settled) for entity in (OBSERVATIONS, SCORES)]
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
    progress: Progress | None = None,
) -> ExtractResult:
    """`extract` for one of `project_names`. Raises SettingsError for another name, and what `extract` raises."""
    names = project_names(settings)
    if name not in names:
        raise SettingsError(f"There is no project {name}; there are: {', '.join(names)}.")
    project = settings.projects()[names.index(name)]
    return extract(settings, project, window_from=window_from, window_to=window_to, run_id=run_id, progress=progress)


OBSERVATIONS = TimedEntity(
    name="observations",
    endpoint=v4.OBSERVATIONS,
    upsert=Upsert(
        table="observations",
        key=("trace_id", "id"),
        columns=OBSERVATION_COLUMNS,
        event_time="start_time",
        source_column="source",
        source=v4.SOURCE,
    ),
    make_line=observation_line,
    overlap=OBSERVATIONS_OVERLAP,
)
SCORES = TimedEntity(
    name="scores",
    endpoint=v4.SCORES,
    upsert=Upsert(
        table="scores",
        key=("id",),
        columns=SCORE_COLUMNS,
        event_time="scored_at",
        source_column="load_source",
        source=v4.SOURCE,
    ),
    make_line=score_line,
    overlap=SCORES_OVERLAP,
)


@dataclass(frozen=True)
class _Run:
    client: LangfuseClient
    connection: psycopg.Connection
    identity: ProjectIdentity
    run_id: str | None
    progress: Progress | None

    def load_project(self) -> EntityResult:
        started = time.monotonic()
        try:
            with self.connection.transaction():
                counts = load_project(
                    self.connection, self._key("projects"), self.identity, self.client.address, self.run_id
                )
        except psycopg.Error as error:
            raise warehouse_error(error, self._doing("projects")) from None
        return _result("projects", counts, None, started)

    def load_catalogue(self, catalogue: Catalogue, path: str) -> EntityResult:
        started = time.monotonic()
        entries, is_complete = v4.catalogue(self.client, path)
        try:
            with self.connection.transaction():
                counts = load_catalogue(
                    self.connection,
                    catalogue,
                    self._key(catalogue.table),
                    entries,
                    is_complete=is_complete,
                    run_id=self.run_id,
                )
        except psycopg.Error as error:
            raise warehouse_error(error, self._doing(catalogue.table)) from None
        self._report(catalogue.table, counts.read)
        return _result(catalogue.table, counts, None, started)

    def load_timed(self, entity: TimedEntity, asked: AskedInterval | None, settled: datetime) -> EntityResult:
        started = time.monotonic()
        key = self._key(entity.name)
        try:
            window = self._window(entity, key, asked, settled)
            with self.connection.transaction():
                batch_id = begin_load(self.connection, key, self.run_id, (window.start, window.end))
                with Load(self.connection, key, entity.upsert, entity.make_line, batch_id) as load:
                    for page in prefetched(timed_pages(self.client, entity.endpoint, window)):
                        load.add(page)
                        self._report(entity.name, load.counts.read)
                    counts = load.finish()
                if window.moves_watermark:
                    advance_watermark(self.connection, key, window.end)
            if counts.inserted + counts.updated >= MANY_ROWS:
                # A plan made on the statistics of an empty table would cost the next build minutes.
                self.connection.execute(sql.SQL("analyze raw.{}").format(sql.Identifier(entity.name)))
        except psycopg.Error as error:
            raise warehouse_error(error, self._doing(entity.name)) from None
        return _result(entity.name, counts, window, started)

    def _window(self, entity: TimedEntity, key: LoadKey, asked: AskedInterval | None, settled: datetime) -> Window:
        def look_back(end: datetime) -> datetime | None:
            return v4.look_back(self.client, entity.endpoint, end)

        if asked is None:
            return following_window(read_watermark(self.connection, key), entity.overlap, settled, look_back)
        if asked.start is None:
            oldest = look_back(asked.end)
            return Window(oldest or asked.end, asked.end, moves_watermark=False)
        return Window(asked.start, asked.end, moves_watermark=False)

    def _key(self, entity: str) -> LoadKey:
        return LoadKey(self.client.project.instance, self.identity.project_id, entity, v4.SOURCE)

    def _doing(self, entity: str) -> str:
        return f"loading {entity} of {self.client.project.instance}/{self.identity.name or self.identity.project_id}"

    def _report(self, entity: str, done: int) -> None:
        if self.progress is not None:
            self.progress(entity, done, None)


def timed_pages(client: LangfuseClient, endpoint: v4.TimedEndpoint, window: Window) -> Iterator[list[Any]]:
    """Pages of the whole window; a slice that the server cannot answer is read again in halves."""
    slicer = Slicer()
    for cut in slicer.slices(window.start, window.end):
        rows = 0
        try:
            for page in v4.pages(client, endpoint, cut):
                rows += len(page)
                yield page
        except LangfuseOverloadedError:
            if not slicer.refused(cut):
                raise
        else:
            slicer.finished(rows)


def _result(entity: str, counts: LoadCounts, window: Window | None, started: float) -> EntityResult:
    return EntityResult(
        entity=entity,
        read=counts.read,
        inserted=counts.inserted,
        updated=counts.updated,
        unchanged=counts.unchanged,
        rejected=counts.rejected,
        window=window,
        seconds=time.monotonic() - started,
    )
