"""Key pairs of the stand-in's projects: made at random, kept in a file only its owner can read."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from tracemart.errors import SettingsError
from tracemart.standin.store import KeyPair


def make_keys(project_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """`{project_id: {"public_key": "pk-lf-…", "secret_key": "sk-lf-…"}}`, new at each call."""
    return {
        project_id: {"public_key": f"pk-lf-{uuid.uuid4()}", "secret_key": f"sk-lf-{uuid.uuid4()}"}
        for project_id in project_ids
    }


def write_keys(path: Path, keys: Mapping[str, Mapping[str, str]]) -> None:
    """Write a key file with mode 0600; it is never readable by others, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(keys, file, indent=1)


def read_keys(path: Path, project_ids: Iterable[str]) -> dict[str, KeyPair]:
    """The key pairs of these projects; raises SettingsError if the file lacks one or is no key file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {
            project_id: KeyPair(content[project_id]["public_key"], content[project_id]["secret_key"])
            for project_id in project_ids
        }
    except OSError as error:
        raise SettingsError(f"the key file {path} cannot be read: {error.strerror}.") from None
    except KeyError as error:
        raise SettingsError(f"the key file {path} has no key for {error}; make it again.") from None
    except (ValueError, TypeError):
        raise SettingsError(f"the key file {path} is not a JSON object of key pairs; make it again.") from None
