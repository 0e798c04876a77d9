"""Manifests: which files one run of the export wrote, complete."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from tracemart.errors import ExportError
from tracemart.extract.export.storage import Storage, StoredFile

VERSION = 1
FOLDER = "manifests"
FORMS = ("parquet", "csv", "json", "jsonl")


@dataclass(frozen=True)
class ExportedFile:
    """One file of a run; `path` is below the storage, `rows` unknown for Parquet."""

    path: str
    table: str
    form: str
    size: int
    rows: int | None


@dataclass(frozen=True)
class Manifest:
    """One run: the window has both ends in it."""

    path: str
    version: str
    content_hash: str
    project_id: str
    window: tuple[datetime, datetime]
    files: tuple[ExportedFile, ...]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def files_of(self, table: str) -> tuple[ExportedFile, ...]:
        return tuple(file for file in self.files if file.table == table)


def project_folder(storage: Storage, project_id: str | None) -> str:
    """The folder with the project's manifests, "" for the storage itself.

    A folder is named by the project's id with the integration's prefix before it. Raises ExportError if there is none,
    or without an id several.
    """
    folders = storage.folders()
    if FOLDER in folders:
        return ""
    named = [folder for folder in folders if storage.listed(f"{folder}/{FOLDER}", ".json")]
    if project_id is not None:
        exact = [folder for folder in named if folder == project_id]
        named = exact or [folder for folder in named if folder.endswith(project_id)]
    if len(named) == 1:
        return named[0]
    if not named:
        whose = f" of the project {project_id}" if project_id else ""
        raise ExportError(
            f"{storage.url} holds no manifest of an export{whose}: point `export` at the folder or bucket prefix that"
            " Langfuse's blob storage integration writes to, and wait for its first run to end."
        )
    raise ExportError(
        f"{storage.url} holds exports of several projects ({', '.join(named)}): point `export` at the folder of one."
    )


def listed_manifests(storage: Storage, folder: str) -> list[StoredFile]:
    """By name, which is by the end of the window."""
    return storage.listed(f"{folder}/{FOLDER}" if folder else FOLDER, ".json")


def read_manifest(storage: Storage, file: StoredFile) -> Manifest:
    """Raises ExportError if it is none."""
    try:
        text = storage.read(file.path)
        content = orjson.loads(text)
        if content["version"] != VERSION:
            raise ExportError(
                f"{storage.url}/{file.path} is a manifest of version {content['version']}; this version of Tracemart"
                f" reads version {VERSION}: update Tracemart."
            )
        project_id = _text(content["projectId"])
        # Below the manifest's own project folder, wherever that was copied to.
        base = file.path.rpartition(f"{FOLDER}/")[0]
        return Manifest(
            path=file.path,
            version=file.version,
            content_hash=hashlib.sha256(text).hexdigest(),
            project_id=project_id,
            window=(_moment(content["window"]["minTimestamp"]), _moment(content["window"]["maxTimestamp"])),
            files=tuple(_file(entry, base) for entry in content["files"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ExportError(
            f"{storage.url}/{file.path} is no manifest of a Langfuse export ({type(error).__name__}: {error}):"
            " write it again by running that export again, or remove it."
        ) from None


def check_files(storage: Storage, manifest: Manifest) -> None:
    """Raises ExportError if a file is not there, or not as long as it was when the run ended."""
    for file in manifest.files:
        found = storage.find(file.path)
        if found is None:
            problem = "is missing"
        elif found.size != file.size:
            problem = f"has {found.size} bytes instead of {file.size}"
        else:
            continue
        raise ExportError(
            f"{storage.url}/{file.path} {problem}, though {manifest.path} lists it, so nothing of that run was loaded:"
            " restore the file, or let Langfuse export that time again."
        )


def _file(entry: dict[str, Any], base: str) -> ExportedFile:
    table, name = _text(entry["key"]).split("/")[-2:]
    if table != _text(entry["table"]) or not name or name in (".", "..") or table in ("", ".", ".."):
        raise ValueError(f"{entry['key']} is no file of the table {entry['table']}")
    form = _text(entry["fileType"]).lower()
    if form not in FORMS:
        raise ValueError(f"a file of type {entry['fileType']}")
    rows = entry["rowCount"]
    return ExportedFile(
        f"{base}{table}/{name}", table, form, int(entry["sizeBytes"]), None if rows is None else int(rows)
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is no text")
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
