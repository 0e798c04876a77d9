"""A fingerprint of all that decides what the marts' rows look like."""

import hashlib
import json
from pathlib import Path

from tracemart.prices.names.version import matching_version
from tracemart.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"


# Seeds that only small marts are made of, which every build makes anew: a change of them touches no day.
SEEDS_OF_NO_DAY = ("budgets", "commitments", "exchange_rates", "model_prices")
_VARIABLES_OF_NO_DAY = ("currency",)


def project_version(settings: Settings) -> str:
    """Hex digest of all that days are made of: models, macros, seeds, dbt_project.yml, variables, and how names match.

    Descriptions and tests change no row, and SEEDS_OF_NO_DAY no day.
    """
    variables = {name: value for name, value in dbt_variables(settings).items() if name not in _VARIABLES_OF_NO_DAY}
    variables["matching"] = matching_version()
    return _digest(variables, [file for file in _files() if not _is_of_no_day(file)])


def inputs_digest(settings: Settings) -> str:
    """Hex digest of what may change without a day being built anew; a build begins where it differs."""
    variables = {name: value for name, value in dbt_variables(settings).items() if name in _VARIABLES_OF_NO_DAY}
    return _digest(variables, [file for file in _files() if _is_of_no_day(file)])


def _is_of_no_day(file: Path) -> bool:
    return file.suffix == ".csv" and file.stem in SEEDS_OF_NO_DAY


def _digest(variables: dict[str, str], files: list[Path]) -> str:
    digest = hashlib.sha256(json.dumps(variables, sort_keys=True).encode())
    for file in files:
        digest.update(f"\0{file.relative_to(DBT_PROJECT).as_posix()}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def dbt_variables(settings: Settings) -> dict[str, str]:
    """Variables of dbt_project.yml that a team sets in its environment."""
    return {"timezone": settings.timezone, "currency": settings.currency}


def _files() -> list[Path]:
    patterns = ("models/**/*.sql", "macros/**/*.sql", "seeds/**/*.csv", "seeds/**/*.yml", "dbt_project.yml")
    return sorted(file for pattern in patterns for file in DBT_PROJECT.glob(pattern))


def newest_change() -> float:
    """When a file of the dbt project last changed, as a POSIX timestamp."""
    return max(file.stat().st_mtime for file in DBT_PROJECT.rglob("*") if file.is_file())
