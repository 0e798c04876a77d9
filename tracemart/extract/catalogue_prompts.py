"""Which versions of which prompts to read again, and reading them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg

from tracemart.errors import LangfuseNotFoundError
from tracemart.extract.catalogue_pages import numbered
from tracemart.extract.client import LangfuseClient
from tracemart.extract.slices import as_parameter

# Two changes at once may be written in another order than their times say.
CHANGES_OVERLAP = timedelta(minutes=1)


@dataclass(frozen=True)
class KnownVersion:
    labels: frozenset[str]
    updated_at: datetime | None


@dataclass
class Prompt:
    """A prompt as raw.prompts has it now, and those of its versions that raw.prompt_versions has."""

    name: str
    versions: frozenset[int]
    labels: frozenset[str]
    last_updated_at: datetime | None
    known: dict[int, KnownVersion] = field(default_factory=dict)

    @property
    def known_through(self) -> datetime | None:
        return max((version.updated_at for version in self.known.values() if version.updated_at), default=None)

    @property
    def labels_moved(self) -> bool:
        return self.labels != frozenset[str]().union(*(version.labels for version in self.known.values()))

    @property
    def changed(self) -> bool:
        """Whether a version that we know may say something else now; a moved label changes both its versions."""
        return self.known_through != self.last_updated_at or self.labels_moved


def current_prompts(connection: psycopg.Connection, instance: str, project_id: str) -> list[Prompt]:
    """The prompts that raw.prompts holds as current, with the versions of them that are known."""
    whose = (instance, project_id)
    prompts = {
        row[0]: Prompt(row[0], frozenset(row[1]), frozenset(row[2]), row[3])
        for row in connection.execute(
            "select name, versions, labels, last_updated_at from raw.prompts"
            " where instance = %s and project_id = %s and known_to is null order by name",
            whose,
        )
    }
    for name, version, labels, updated_at in connection.execute(
        "select name, version, labels, updated_at from raw.prompt_versions"
        " where instance = %s and project_id = %s and known_to is null",
        whose,
    ):
        prompt = prompts.get(name)
        if prompt is not None and version in prompt.versions:
            prompt.known[version] = KnownVersion(frozenset(labels), updated_at)
    return list(prompts.values())


def read_versions(
    client: LangfuseClient, path: str, prompt: Prompt, never_kept: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Entries, without what is `never_kept`, of the versions that are new or may have changed.

    They belong into one transaction: of a label that moved both its versions tell, and half of it would look settled.
    """
    wanted = prompt.versions - prompt.known.keys()
    if prompt.known and prompt.changed:
        wanted |= _changed_versions(client, path, prompt)
    entries = list(_read(client, path, prompt.name, wanted, never_kept))
    # A label stands at one version of a prompt: where it was found, another one lost it.
    taken = {label for entry in entries for label in _labels(entry)}
    losers = {version for version in prompt.known.keys() - wanted if prompt.known[version].labels & taken}
    return entries + list(_read(client, path, prompt.name, losers, never_kept))


def _changed_versions(client: LangfuseClient, path: str, prompt: Prompt) -> frozenset[int]:
    """Those that were changed since we know them; all of them where the server does not tell."""
    if prompt.known_through is None or prompt.last_updated_at in (None, prompt.known_through):
        return prompt.versions
    since = as_parameter(prompt.known_through - CHANGES_OVERLAP)
    entries, _ = numbered(client, path, ("name",), {"name": prompt.name, "fromUpdatedAt": since})
    listed = [
        entry.get("versions") for entry in entries if isinstance(entry, dict) and entry.get("name") == prompt.name
    ]
    found = {version for versions in listed if isinstance(versions, list) for version in versions}
    return prompt.versions & found


def _read(
    client: LangfuseClient, path: str, name: str, versions: set[int] | frozenset[int], never_kept: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    for version in sorted(versions):
        try:
            # Unresolved: a prompt that it is made of may be gone, and only its own text would be put in.
            entry = client.get(f"{path}/{quote(name, safe='')}", {"version": version, "resolve": "false"})
        except LangfuseNotFoundError:
            # Deleted since it was listed; the next listing says so.
            continue
        yield {key: value for key, value in entry.items() if key not in never_kept}


def _labels(entry: dict[str, Any]) -> list[str]:
    labels = entry.get("labels")
    return [label for label in labels if isinstance(label, str)] if isinstance(labels, list) else []
