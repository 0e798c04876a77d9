"""The catalogues of a project: models, prompts and their versions, score configs, datasets, experiments, sessions."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from tracemart.errors import LangfuseError, LangfuseNotFoundError, LangfuseOverloadedError, LangfuseResponseError
from tracemart.extract.catalogue_lines import (
    DATASET_COLUMNS,
    MODEL_COLUMNS,
    PROMPT_COLUMNS,
    PROMPT_VERSION_COLUMNS,
    SCORE_CONFIG_COLUMNS,
    dataset_line,
    model_line,
    prompt_line,
    prompt_version_line,
    score_config_line,
)
from tracemart.extract.catalogue_pages import ENTRIES_A_PAGE, Key, allowed, key_of, numbered
from tracemart.extract.catalogue_project import load_project
from tracemart.extract.catalogue_prompts import current_prompts, read_versions
from tracemart.extract.catalogue_versions import Catalogue, current_keys, load_catalogue
from tracemart.extract.client import LangfuseClient
from tracemart.extract.listings import EXPERIMENT_ITEMS, EXPERIMENTS, SESSIONS, Listing, look_back, read_slice
from tracemart.extract.listings_load import load_listing, retry_rejected
from tracemart.extract.load import LoadCounts, LoadKey, advance_watermark, read_watermark
from tracemart.extract.slices import Slicer
from tracemart.extract.windows import AskedInterval, Window, following_window
from tracemart.warehouse import Progress, warehouse_error

__all__ = [
    "CATALOGUES", "DATASETS", "MODELS", "PROMPTS", "PROMPT_VERSIONS", "SCORE_CONFIGS", "Catalogue", "CatalogueLoad",
    "CatalogueRun", "load_catalogue", "load_catalogues", "load_project",
]  # fmt: skip

DATASET_ITEMS_PATH = "/api/public/dataset-items"
PROMPT_VERSIONS_AT_ONCE = 200

log = logging.getLogger(__name__)

MODELS = Catalogue(
    table="models",
    path="/api/public/models",
    key=("id",),
    key_in_answer=("id",),
    columns=MODEL_COLUMNS,
    make_line=model_line,
)
PROMPTS = Catalogue(
    table="prompts",
    path="/api/public/v2/prompts",
    key=("name",),
    key_in_answer=("name",),
    columns=PROMPT_COLUMNS,
    make_line=prompt_line,
)
# Read one by one, those that raw.prompts lists: load PROMPTS before.
PROMPT_VERSIONS = Catalogue(
    table="prompt_versions",
    path="/api/public/v2/prompts",
    key=("name", "version"),
    key_in_answer=("name", "version"),
    columns=PROMPT_VERSION_COLUMNS,
    make_line=prompt_version_line,
    never_kept=("prompt", "resolutionGraph", "createdBy"),
)
SCORE_CONFIGS = Catalogue(
    table="score_configs",
    path="/api/public/score-configs",
    key=("id",),
    key_in_answer=("id",),
    columns=SCORE_CONFIG_COLUMNS,
    make_line=score_config_line,
)
DATASETS = Catalogue(
    table="datasets",
    path="/api/public/v2/datasets",
    key=("id",),
    key_in_answer=("id",),
    columns=DATASET_COLUMNS,
    make_line=dataset_line,
)
CATALOGUES: tuple[Catalogue | Listing, ...] = (
    MODELS, PROMPTS, PROMPT_VERSIONS, SCORE_CONFIGS, DATASETS, EXPERIMENTS, EXPERIMENT_ITEMS, SESSIONS,
)  # fmt: skip


def _as_it_is(metadata: Any) -> Any:
    return metadata


@dataclass(frozen=True)
class CatalogueRun:
    """One project's catalogues: `connection` in autocommit; listings by time are read up to `until`.

    `keep_metadata` gives what may be kept of an entry's metadata. With `asked` exactly that interval is read of the
    listings by time, and no watermark moves.
    """

    client: LangfuseClient
    connection: psycopg.Connection
    instance: str
    project_id: str
    source: str
    until: datetime
    run_id: str | None = None
    keep_metadata: Callable[[Any], Any] = _as_it_is
    asked: AskedInterval | None = None
    progress: Progress | None = None

    def key(self, entity: str) -> LoadKey:
        return LoadKey(self.instance, self.project_id, entity, self.source)


@dataclass(frozen=True)
class CatalogueLoad:
    """What became of one catalogue; `skipped` says why nothing was read, `window` what time was."""

    name: str
    counts: LoadCounts
    seconds: float
    skipped: str | None = None
    window: Window | None = None


def load_catalogues(run: CatalogueRun, catalogues: Iterable[Catalogue | Listing] = CATALOGUES) -> list[CatalogueLoad]:
    """Load each in transactions of its own. One that the server does not have is skipped.

    An answer that cannot be used stops its own catalogue only: the first such LangfuseResponseError is raised after the
    others are loaded. Raises what else `client.get` raises, and WarehouseError, at once.
    """
    loads: list[CatalogueLoad] = []
    failed: LangfuseResponseError | None = None
    for catalogue in catalogues:
        started = time.monotonic()
        try:
            window = None
            if isinstance(catalogue, Listing):
                counts, window = _load_listing(run, catalogue)
            else:
                counts = _load_versions(run, catalogue)
            loads.append(CatalogueLoad(catalogue.name, counts, time.monotonic() - started, window=window))
        except LangfuseNotFoundError:
            skipped = f"this server does not list {catalogue.name.replace('_', ' ')}"
            log.info("%s/%s: %s: skipped, for %s", run.instance, run.project_id, catalogue.name, skipped)
            loads.append(CatalogueLoad(catalogue.name, LoadCounts(), time.monotonic() - started, skipped))
        except LangfuseResponseError as error:
            failed = failed or error
        except psycopg.Error as error:
            raise warehouse_error(error, f"loading {catalogue.name} of {run.instance}/{run.project_id}") from None
    if failed is not None:
        raise failed
    return loads


def _load_versions(run: CatalogueRun, catalogue: Catalogue) -> LoadCounts:
    if catalogue == PROMPT_VERSIONS:
        return _load_prompt_versions(run)
    entries, is_complete = _listed(run, catalogue)
    if catalogue == DATASETS:
        entries = [_with_item_count(run.client, entry) for entry in entries]
    _report(run, catalogue.name, len(entries))
    return _load_entries(run, catalogue, entries, is_complete=is_complete)


def _load_prompt_versions(run: CatalogueRun) -> LoadCounts:
    """Reads them one by one, so what was read is kept now and then, and on an error: the next run goes on there."""
    prompts = current_prompts(run.connection, run.instance, run.project_id)
    counts = LoadCounts()
    entries: list[Any] = []
    for prompt in prompts:
        try:
            entries += read_versions(run.client, PROMPT_VERSIONS.path, prompt, PROMPT_VERSIONS.never_kept)
        except LangfuseError:
            _load_entries(run, PROMPT_VERSIONS, entries, is_complete=False)
            raise
        if len(entries) >= PROMPT_VERSIONS_AT_ONCE:
            counts += _load_entries(run, PROMPT_VERSIONS, entries, is_complete=False)
            entries = []
            _report(run, PROMPT_VERSIONS.name, counts.read)
    listed: list[Key] = [(prompt.name, version) for prompt in prompts for version in prompt.versions]
    counts += _load_entries(run, PROMPT_VERSIONS, entries, is_complete=True, also_listed=listed)
    _report(run, PROMPT_VERSIONS.name, counts.read)
    return counts


def _load_entries(
    run: CatalogueRun,
    catalogue: Catalogue,
    entries: list[Any],
    *,
    is_complete: bool,
    also_listed: Iterable[Key] = (),
) -> LoadCounts:
    with run.connection.transaction():
        return load_catalogue(
            run.connection,
            catalogue,
            run.key(catalogue.name),
            [allowed(entry, catalogue.never_kept, run.keep_metadata) for entry in entries],
            is_complete=is_complete,
            run_id=run.run_id,
            also_listed=also_listed,
        )


def _listed(run: CatalogueRun, catalogue: Catalogue) -> tuple[list[Any], bool]:
    """The entries of a numbered listing; one that seems gone is looked for twice.

    When one entry goes and another comes between two pages, the total stays, and one in between may be skipped.
    """
    entries, is_complete = numbered(run.client, catalogue.path, catalogue.key_in_answer)
    found = {key_of(entry, catalogue.key_in_answer) for entry in entries}
    is_long = len(entries) > ENTRIES_A_PAGE
    if is_complete and is_long and current_keys(run.connection, catalogue, run.instance, run.project_id) - found:
        again, is_complete = numbered(run.client, catalogue.path, catalogue.key_in_answer)
        found_again = {None} | {key_of(entry, catalogue.key_in_answer) for entry in again}
        entries = [entry for entry in entries if key_of(entry, catalogue.key_in_answer) not in found_again] + again
    return entries, is_complete


def _with_item_count(client: LangfuseClient, dataset: Any) -> Any:
    """The total of the dataset's items, read with one item, for a page cannot be empty."""
    name = dataset.get("name") if isinstance(dataset, dict) else None
    if not isinstance(name, str) or not name:
        return dataset
    try:
        answer = client.get(DATASET_ITEMS_PATH, {"datasetName": name, "page": 1, "limit": 1})
    except LangfuseNotFoundError:
        # Deleted since it was listed, or a server that lists no items.
        return dataset
    meta = answer.get("meta")
    return {**dataset, "itemCount": meta.get("totalItems") if isinstance(meta, dict) else None}


def _load_listing(run: CatalogueRun, listing: Listing) -> tuple[LoadCounts, Window]:
    key = run.key(listing.name)
    window = _window(run, listing)
    # Rows are few: a day and its overlap are one request.
    slicer = Slicer(length=listing.overlap + timedelta(days=1))
    counts = retry_rejected(run.connection, listing, key, run_id=run.run_id)
    for cut in slicer.slices(window.start, window.end):
        try:
            entries = read_slice(run.client, listing, cut)
        except LangfuseOverloadedError:
            if not slicer.refused(cut):
                raise
            continue
        with run.connection.transaction():
            loaded = load_listing(
                run.connection,
                listing,
                key,
                cut,
                [allowed(entry, listing.never_kept, run.keep_metadata) for entry in entries],
                run_id=run.run_id,
            )
            if window.moves_watermark:
                advance_watermark(run.connection, key, cut.end)
        counts += loaded
        _report(run, listing.name, counts.read)
        slicer.finished(len(entries))
    return counts, window


def _window(run: CatalogueRun, listing: Listing) -> Window:
    def oldest(end: datetime) -> datetime | None:
        # The server adds experiments up over all of the asked time, but finds the newest item at once.
        return look_back(run.client, EXPERIMENT_ITEMS if listing == EXPERIMENTS else listing, end)

    if run.asked is None:
        return following_window(
            read_watermark(run.connection, run.key(listing.name)), listing.overlap, run.until, oldest
        )
    start = run.asked.start if run.asked.start is not None else oldest(run.asked.end)
    return Window(start or run.asked.end, run.asked.end, moves_watermark=False)


def _report(run: CatalogueRun, name: str, done: int) -> None:
    if run.progress is not None:
        run.progress(name, done, None)
