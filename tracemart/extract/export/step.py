"""The step `extract` for an export: the manifests that are not in raw yet, oldest first, one transaction each."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from tracemart.errors import ExportError, ExportUnreachableError, SettingsError
from tracemart.extract.catalogue_project import load_project
from tracemart.extract.client import LangfuseClient, ProjectIdentity
from tracemart.extract.export import ledger
from tracemart.extract.export.columns import Reading
from tracemart.extract.export.lines import chunk_of_rows
from tracemart.extract.export.manifest_load import SOURCE, ExportRun, load_manifest
from tracemart.extract.export.manifests import listed_manifests, project_folder, read_manifest
from tracemart.extract.export.observations import OBSERVATIONS
from tracemart.extract.export.scores import SCORES
from tracemart.extract.export.storage import StoredFile, open_storage
from tracemart.extract.load import LoadCounts, begin_load, finish_load
from tracemart.extract.loading import Load
from tracemart.extract.rejects import open_rejected, resolve
from tracemart.extract.result import EntityResult, ExtractResult
from tracemart.extract.slice_load import SliceResult
from tracemart.extract.statistics import refresh_statistics
from tracemart.extract.upsert import upsert_of
from tracemart.extract.windows import Window
from tracemart.privacy import Privacy
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Progress, Role, Warehouse, warehouse_error

TABLES = {"observations": OBSERVATIONS, "scores": SCORES}

log = logging.getLogger(__name__)


def extract_export(
    settings: Settings,
    project: LangfuseProject,
    *,
    identity: ProjectIdentity | None = None,
    run_id: str | None = None,
    progress: Progress | None = None,
) -> ExtractResult:
    """Read what is new in the export of one project into raw: observations and scores.

    The export must be of the project that the key opens, which `identity` says where it is known already; without a
    key it is of the one project that lies at the address. No row is marked as vanished and no watermark moves, for
    what came late or was changed later is in no file. A manifest that cannot be loaded does not hold up those after
    it; the first reason is raised in the end.
    Raises ExportError, SettingsError, LangfuseError, TooManyRejectedError, WarehouseError.
    """
    if project.export is None:
        raise SettingsError(f"{project.instance}/{project.name or ''} has no `export` in {settings.projects_file}.")
    privacy = Privacy.of(settings)
    storage = open_storage(project.export)
    identity = identity or _identity(project)
    folder = project_folder(storage, identity.project_id if identity else None)
    manifests = listed_manifests(storage, folder)
    project_id = identity.project_id if identity else read_manifest(storage, manifests[0]).project_id
    name = identity.name if identity else project.name
    try:
        with Warehouse(settings).connect(Role.LOADER, autocommit=True) as connection:
            run = ExportRun(
                connection=connection,
                storage=storage,
                instance=project.instance,
                project_id=project_id,
                privacy=privacy,
                rejected_share=settings.rejected_share,
                run_id=run_id,
                progress=progress,
            )
            if identity is None:
                _name_project(run, project)
            entities = _load(run, manifests)
    except psycopg.Error as error:
        raise warehouse_error(error, f"loading the export of {project.instance}/{name or project_id}") from None
    return ExtractResult(project.instance, project_id, name, entities)


@dataclass
class _Done:
    """What a run did with one entity."""

    entity: str
    counts: LoadCounts = field(default_factory=LoadCounts)
    seconds: float = 0.0
    slices: list[SliceResult] = field(default_factory=list)

    @property
    def window(self) -> Window | None:
        if not self.slices:
            return None
        start, end = min(part.cut.start for part in self.slices), max(part.cut.end for part in self.slices)
        return Window(start, end, moves_watermark=False)

    def add(self, result: SliceResult) -> None:
        self.counts += result.counts
        self.seconds += result.seconds
        self.slices.append(result)

    def result(self) -> EntityResult:
        return EntityResult(self.entity, self.counts, self.seconds, self.window, tuple(self.slices))


def _load(run: ExportRun, manifests: list[StoredFile]) -> tuple[EntityResult, ...]:
    done = {entity: _Done(entity) for entity in TABLES}
    for entity in TABLES:
        done[entity].counts += _load_open_rejected(run, entity)
    known = ledger.loaded_versions(run.connection, run.instance, run.project_id)
    holes = _holes(run)
    failed: list[ExportError] = []
    for file in manifests:
        if (file.name, file.version) in known:
            continue
        try:
            _load_one(run, file, done)
        except ExportUnreachableError:
            raise
        except ExportError as error:
            failed.append(error)
    for entity, each in done.items():
        if each.window is not None:
            upsert = upsert_of(entity, tuple(column.name for column in TABLES[entity].columns), SOURCE)
            refresh_statistics(run.connection, upsert, each.window, each.counts)
    for start, end in sorted(_holes(run) - holes):
        log.warning(
            "No manifest of the export of %s/%s covers %s to %s UTC: let Langfuse export that time again, or read it"
            " from the API with --from and --to.",
            run.instance, run.project_id, f"{start:%Y-%m-%d %H:%M:%S.%f}", f"{end:%Y-%m-%d %H:%M:%S.%f}",
        )  # fmt: skip
    if failed:
        others = f" ({len(failed) - 1} more manifests could not be loaded either.)" if len(failed) > 1 else ""
        raise ExportError(f"{failed[0]}{others}")
    return tuple(each.result() for each in done.values())


def _load_one(run: ExportRun, file: StoredFile, done: dict[str, _Done]) -> None:
    manifest = read_manifest(run.storage, file)
    if manifest.project_id != run.project_id:
        raise ExportError(
            f"{run.storage.url}/{file.path} is of the project {manifest.project_id}, not of {run.project_id}:"
            " point `export` at the project's own folder."
        )
    if ledger.is_loaded(run.connection, run.instance, manifest):
        ledger.remember(run.connection, run.instance, manifest, 0, run.run_id)
        return
    results = load_manifest(run, manifest, {entity: each.counts.read for entity, each in done.items()})
    for entity, result in results.items():
        done[entity].add(result)
        log.info("%s of %s: %s", entity, file.path, result)


def _load_open_rejected(run: ExportRun, entity: str) -> LoadCounts:
    """Try once more what was rejected: a later version of Tracemart may know how to keep it."""
    key, reading, counts = run.key(entity), Reading(run.privacy), LoadCounts()
    for row_id, payload in open_rejected(run.connection, key):
        columns = TABLES[entity].held_by(payload, run.privacy)
        chunk = chunk_of_rows([payload], columns, reading)
        if not chunk.count:
            continue
        with run.connection.transaction():
            batch_id = begin_load(run.connection, key, run.run_id)
            upsert = upsert_of(entity, tuple(column.name for column in columns), SOURCE)
            with Load(run.connection, key, upsert, batch_id) as load:
                load.add(chunk)
                counts += load.finish()
            resolve(run.connection, [row_id])
            finish_load(run.connection, batch_id, load.counts)
    return counts


def _name_project(run: ExportRun, project: LangfuseProject) -> None:
    """Without a key nobody says more of a project than its id: what a load with one said before stays."""
    known = run.connection.execute(
        "select from raw.projects where instance = %s and project_id = %s", (run.instance, run.project_id)
    ).fetchone()
    if known is not None:
        return
    identity = ProjectIdentity(
        project_id=run.project_id,
        name=project.name,
        organization_id=None,
        organization_name=None,
        metadata=None,
        retention_days=None,
    )
    with run.connection.transaction():
        load_project(run.connection, run.key("projects"), identity, project.host, run.run_id)


def _holes(run: ExportRun) -> set[tuple[datetime, datetime]]:
    return set(ledger.holes(run.connection, run.instance, run.project_id))


def _identity(project: LangfuseProject) -> ProjectIdentity | None:
    if not project.public_key:
        return None
    with LangfuseClient(project) as client:
        return client.identify()
