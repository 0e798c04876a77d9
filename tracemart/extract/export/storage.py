"""Where an export lies: a local folder, S3 or what speaks S3, Google Cloud Storage or Azure, through fsspec.

Object stores are read by pyarrow's own file systems behind fsspec's interface, so that nothing more has to be
installed; any other protocol by the package that fsspec names for it. Keys come from where the provider's own tools
look for them (AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_KEY, a role of the machine …),
never from the address; its query may name what is no secret: `s3://bucket/prefix?region=eu-central-1`,
`?endpoint_override=minio.example:9000&scheme=http`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import fsspec

from tracemart.errors import ExportUnreachableError, SettingsError

OBJECT_STORES = ("s3", "gs", "gcs", "abfs", "abfss")
_SECRET_WORDS = ("key", "secret", "token", "password", "sig")


@dataclass(frozen=True)
class StoredFile:
    path: str
    size: int
    version: str
    """Differs after the file was written again."""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Storage:
    """A folder and what is below it; paths are below that folder."""

    url: str
    files: Any
    root: str

    def folders(self) -> list[str]:
        """Names of the folders right below; none if there is not even the storage's own."""
        try:
            with self._reading(""):
                listed = self.files.ls(self.root, detail=True)
        except FileNotFoundError:
            return []
        return sorted(entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in listed if entry["type"] == "directory")

    def listed(self, folder: str, suffix: str) -> list[StoredFile]:
        """Files right in a folder, by name; none if there is no such folder."""
        try:
            with self._reading(folder):
                entries = self.files.ls(self._at(folder), detail=True)
        except FileNotFoundError:
            return []
        found = [_stored(folder, entry) for entry in entries if entry["type"] == "file"]
        return sorted((file for file in found if file.path.endswith(suffix)), key=lambda file: file.path)

    def find(self, path: str) -> StoredFile | None:
        try:
            with self._reading(path):
                entry = self.files.info(self._at(path))
        except FileNotFoundError:
            return None
        return _stored(path.rpartition("/")[0], entry) if entry["type"] == "file" else None

    def read(self, path: str) -> bytes:
        with self.opened(path) as file:
            return file.read()

    @contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        with self._reading(path):
            try:
                file = self.files.open(self._at(path), "rb")
            except FileNotFoundError:
                raise ExportUnreachableError(f"{self.url}/{path} went while it was to be read: run again.") from None
            with file:
                yield file

    def _at(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise ExportUnreachableError(
                f"{self.url} cannot be read{f' at {path}' if path else ''}: {reason}."
                " Check the address, the network and the rights of the key."
            ) from None


def open_storage(url: str) -> Storage:
    """Raises SettingsError for an address that cannot be one."""
    parts = urlsplit(url)
    protocol = parts.scheme.lower()
    if parts.username or parts.password or any(_is_secret(name) for name, _ in parse_qsl(parts.query)):
        raise SettingsError(
            "The address of an export must hold no key, for it is shown in logs: set the provider's own variables,"
            " such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, instead."
        )
    if protocol in OBJECT_STORES:
        return _object_store(url, protocol)
    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise SettingsError(
            f"No export can be read from {url}: {str(error).rstrip('.')}. Addresses start with / for a local folder,"
            " or with s3://, gs:// or abfs://."
        ) from None
    return Storage(url, files, root.rstrip("/"))


def _object_store(url: str, protocol: str) -> Storage:
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import FileSystem

    plain = "gs" + url[len(protocol) :] if protocol == "gcs" else url
    try:
        files, root = FileSystem.from_uri(plain)
    except (ValueError, OSError, NotImplementedError) as error:
        reason = str(error).splitlines()[0][:300]
        raise SettingsError(f"No export can be read from {url}: {reason}. Check the address and its region.") from None
    return Storage(url, ArrowFSWrapper(files), root.rstrip("/"))


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


def _stored(folder: str, entry: dict[str, Any]) -> StoredFile:
    name = entry["name"].rstrip("/").rsplit("/", 1)[-1]
    marks = [str(entry[mark]) for mark in ("ETag", "etag", "mtime", "last_modified", "created") if entry.get(mark)]
    size = int(entry.get("size") or 0)
    return StoredFile(f"{folder}/{name}" if folder else name, size, " ".join([str(size), *marks[:1]]))
