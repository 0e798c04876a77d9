"""One run of dbt in this process; its state lies below TRACEMART_HOME, so that the project may be read-only."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tracemart.build.version import DBT_PROJECT, dbt_variables, newest_change
from tracemart.errors import BuildError
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse, first_line

# Parsing wants a profile, though it opens no connection.
_NO_WAREHOUSE: dict[str, str | int] = {"host": "", "user": "", "password": "", "dbname": ""}

Event = Any
"""dbt's EventMsg: `info.name`, `data`."""


def run_dbt(settings: Settings, arguments: list[str], on_event: Callable[[Event], None] | None = None) -> list[Any]:
    """The results (dbt's NodeResult) of `dbt <arguments>`, also where nodes failed.

    Raises BuildError if dbt could not run at all.
    """
    from dbt.cli.main import dbtRunner

    with profile_environment(settings, Role.TRANSFORMER):
        outcome = dbtRunner(callbacks=[on_event] if on_event else []).invoke([*arguments, *_places(settings)])
    if outcome.exception is not None:
        raise BuildError(
            f"dbt could not run {arguments[0]}: {first_line(outcome.exception)}. See {dbt_home(settings) / 'logs'}."
        )
    return list(getattr(outcome.result, "results", []))


def dbt_home(settings: Settings) -> Path:
    return settings.home / "dbt"


def manifests(settings: Settings) -> Path:
    """The folder with dbt's manifest.json and semantic_manifest.json; the project is parsed if they are older than it.

    Needs no warehouse. Raises BuildError.
    """
    target = dbt_home(settings) / "target"
    files = [target / "manifest.json", target / "semantic_manifest.json"]
    if not all(file.exists() for file in files) or files[0].stat().st_mtime < newest_change():
        run_dbt(settings, ["parse"])
    return target


def _places(settings: Settings) -> list[str]:
    home = dbt_home(settings)
    return [
        "--project-dir", str(DBT_PROJECT),
        "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(home / "target"),
        "--log-path", str(home / "logs"),
        "--log-level", "none",
        "--log-level-file", "info",
        "--log-file-max-bytes", "10000000",
        "--vars", json.dumps(dbt_variables(settings)),
    ]  # fmt: skip


@contextmanager
def profile_environment(settings: Settings, role: Role, more: Mapping[str, str] | None = None) -> Iterator[None]:
    """The profile's variables; a password stands in the environment, never among a command's arguments."""
    info = _NO_WAREHOUSE if settings.database_url is None else Warehouse(settings).conninfo(role)
    wanted = {f"TRACEMART_DBT_{name.upper()}": str(value) for name, value in info.items()}
    wanted.setdefault("TRACEMART_DBT_PORT", "5432")
    wanted |= {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"} | dict(more or {})
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
