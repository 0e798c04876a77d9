"""The step `extract`: one Langfuse project into raw, entity by entity and slice by slice, each whole or not at all."""

import time
from datetime import UTC, datetime, timedelta

import psycopg

from tracemart.errors import LangfuseRateLimitedError, SettingsError
from tracemart.extract import v3, v4
from tracemart.extract.catalogue import CatalogueRun, load_catalogues, load_project
from tracemart.extract.client import LangfuseClient, ProjectIdentity
from tracemart.extract.entities import TimedEntity
from tracemart.extract.load import LoadKey
from tracemart.extract.pacing import Pacer, read_resume_after, store_resume_after
from tracemart.extract.rereads import Tier, due_overlap, mark_read, tiers_of
from tracemart.extract.result import EntityResult, ExtractResult
from tracemart.extract.speaks import api_of
from tracemart.extract.timed import TimedRun, load_timed
from tracemart.extract.v3_traces import known_traces
from tracemart.extract.windows import asked_interval, settled_until
from tracemart.privacy import Privacy
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

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
    """Read one project into raw: its name, catalogues unless they are not wanted, observations and scores.

    `catalogues` None: at the first run of each UTC day, and not with a window.

    Without a window each timed entity is read from its watermark less the overlap that is due (TRACEMART_OVERLAPS), or
    from its oldest row, up to what has settled. With one, exactly [window_from, window_to) is read and no watermark
    moves. Each slice is one transaction; a run that ended early goes on with the next. Reading again what has not
    changed changes nothing but raw.loads.
    Raises LangfuseError, LangfuseRateLimitedError with what is already read kept, TooManyRejectedError, WarehouseError,
    SettingsError, BadInputError.
    """
    privacy = Privacy.of(settings)
    overlaps = tiers_of(settings.overlaps)
    settled = settled_until(settings)
    asked = asked_interval(window_from, window_to, settled)
    warehouse = Warehouse(settings)
    with (
        warehouse.connect(Role.LOADER, autocommit=True) as connection,
        LangfuseClient(project, pace=Pacer.of(settings, project)) as client,
    ):
        identity = client.identify()
        _expect_not_limited(connection, client, identity)
        source = api_of(client, project.api)
        key = LoadKey(project.instance, identity.project_id, "observations", source)
        where = f"{project.instance}/{identity.name or identity.project_id}"
        try:
            entities = [_load_project(connection, client, identity, _key(key, "projects"), run_id)]
            daily = _key(key, "catalogues")
            if catalogues is None:
                catalogues = asked is None and bool(due_overlap(connection, daily, DAILY, settings.now()))
            if catalogues:
                entities += _load_catalogues(
                    CatalogueRun(
                        client=client,
                        connection=connection,
                        instance=project.instance,
                        project_id=identity.project_id,
                        source=source,
                        until=settled,
                        run_id=run_id,
                        keep_metadata=privacy.metadata,
                        asked=asked,
                        progress=progress,
                    )
                )
                if asked is None:
                    mark_read(connection, daily, DAILY, None, settings.now())
            run = TimedRun(
                connection=connection,
                asked=asked,
                settled=settled,
                now=settings.now(),
                overlaps=overlaps,
                rejected_share=settings.rejected_share,
                run_id=run_id,
                progress=progress,
            )
            for entity in _timed_entities(warehouse, client, privacy, key):
                try:
                    entities.append(load_timed(run, entity, _key(key, entity.name)))
                except psycopg.Error as error:
                    raise warehouse_error(error, f"loading {entity.name} of {where}") from None
        except LangfuseRateLimitedError as error:
            for entity_name in ("observations", "scores"):
                store_resume_after(connection, _key(key, entity_name), error.resume_after)
            raise
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
    return extract(
        settings,
        settings.projects()[names.index(name)],
        window_from=window_from,
        window_to=window_to,
        run_id=run_id,
        catalogues=catalogues,
        progress=progress,
    )


def _timed_entities(
    warehouse: Warehouse, client: LangfuseClient, privacy: Privacy, key: LoadKey
) -> tuple[TimedEntity, ...]:
    if key.source == v3.SOURCE:
        return v3.observations(client, privacy, known_traces(warehouse, key)), v3.scores(client, privacy)
    return v4.observations(client, privacy), v4.scores(client, privacy)


def _load_project(
    connection: psycopg.Connection,
    client: LangfuseClient,
    identity: ProjectIdentity,
    key: LoadKey,
    run_id: str | None,
) -> EntityResult:
    started = time.monotonic()
    try:
        with connection.transaction():
            counts = load_project(connection, key, identity, client.address, run_id)
    except psycopg.Error as error:
        raise warehouse_error(error, f"loading projects of {key.instance}/{key.project_id}") from None
    return EntityResult("projects", counts, time.monotonic() - started)


def _load_catalogues(run: CatalogueRun) -> list[EntityResult]:
    return [
        EntityResult(load.name, load.counts, load.seconds, load.window, skipped=load.skipped)
        for load in load_catalogues(run)
    ]


def _expect_not_limited(connection: psycopg.Connection, client: LangfuseClient, identity: ProjectIdentity) -> None:
    now = datetime.now(UTC)
    resume_after = read_resume_after(connection, client.project.instance, identity.project_id, now)
    if resume_after is not None:
        raise LangfuseRateLimitedError(
            f"{client.where} asked to be left alone until {resume_after:%Y-%m-%d %H:%M:%S} UTC, for its limit of"
            " requests is used up; run it again after that.",
            resume_after,
        )


def _key(key: LoadKey, entity: str) -> LoadKey:
    return LoadKey(key.instance, key.project_id, entity, key.source)
