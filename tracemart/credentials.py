"""Passwords and keys made at the first start and kept in a file that only its owner can read."""

import json
import os
import secrets
from pathlib import Path

CREDENTIALS_FILE = "credentials.json"


def credential(home: Path, name: str) -> str:
    """The password or key of that name; made on first use. An environment variable TRACEMART_<NAME> goes before."""
    from_environment = os.environ.get(f"TRACEMART_{name.upper()}")
    if from_environment:
        return from_environment
    known = read_credentials(home)
    if name not in known:
        known[name] = secrets.token_urlsafe(24)
        write_private(home / CREDENTIALS_FILE, json.dumps(known, indent=2))
    return known[name]


def read_credentials(home: Path) -> dict[str, str]:
    file = home / CREDENTIALS_FILE
    if not file.exists():
        return {}
    known: dict[str, str] = json.loads(file.read_text())
    return known


def write_private(file: Path, content: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # Not the pid: containers that share a folder have the same.
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)
