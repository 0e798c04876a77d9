"""A fingerprint of all that decides what the marts' rows look like."""

import hashlib
import json
from pathlib import Path

from tracemart.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


def project_version(settings: Settings) -> str:
    """Hex digest of models, macros, seeds, dbt_project.yml and variables; descriptions and tests change no row."""
    digest = hashlib.sha256(json.dumps(dbt_variables(settings), sort_keys=True).encode())
    for file in _files():
        digest.update(f"\0{file.relative_to(DBT_PROJECT).as_posix()}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def dbt_variables(settings: Settings) -> dict[str, str]:
    """Variables of dbt_project.yml that a team sets in its environment."""
    return {"timezone": settings.timezone}


def _files() -> list[Path]:
    patterns = ("models/**/*.sql", "macros/**/*.sql", "seeds/**/*.csv", "seeds/**/*.yml", "dbt_project.yml")
    files = {file for pattern in patterns for file in DBT_PROJECT.glob(pattern)}
    # A price that changes restates the calls that it touches, not all.
    return sorted(files - {DBT_PROJECT / "seeds" / "model_prices.csv"})


def newest_change() -> float:
    """When a file of the dbt project last changed, as a POSIX timestamp."""
    return max(file.stat().st_mtime for file in DBT_PROJECT.rglob("*") if file.is_file())
