"""The stand-in's projects as a projects.yml, with key pairs that are made once."""

import json
from collections.abc import Iterable
from pathlib import Path

import yaml

from tracemart.credentials import write_private
from tracemart.standin.keys import make_keys, write_keys

KEYS_FILE = "keys.json"


def write_standin_projects(folder: Path, projects: Iterable[tuple[str, str]], host: str) -> Path:
    """Write `projects.yml` beside the key file for the projects (id, name) served at `host`; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    known = list(projects)
    key_file = folder / KEYS_FILE
    if not key_file.exists():
        write_keys(key_file, make_keys(project_id for project_id, _ in known))
    keys = json.loads(key_file.read_text())
    entries = [{"instance": "demo", "host": host, "name": name, **keys[project_id]} for project_id, name in known]
    projects_file = folder / "projects.yml"
    write_private(projects_file, yaml.safe_dump({"projects": entries}, sort_keys=False))
    return projects_file
