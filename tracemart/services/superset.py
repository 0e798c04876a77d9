"""Superset's server: its environment, its own database made ready in one process, its command."""

import hashlib
import os
import subprocess
from pathlib import Path

from tracemart.credentials import credential, write_private
from tracemart.errors import ServiceError
from tracemart.services.environment import NO_TELEMETRY, PASSED_ON
from tracemart.services.postgres import last_line
from tracemart.settings import PROJECT_ROOT, Settings

ADMIN_USER = "admin"
CONFIGURATION = PROJECT_ROOT / "superset"
STATE = "superset"


def superset_environment(settings: Settings, database_url: str) -> dict[str, str]:
    """The whole environment of Superset's processes; `database_url` is that of Superset's own database.

    "Today" in a time range is the day of TRACEMART_TIMEZONE.
    """
    passed_on = {name: os.environ[name] for name in (*PASSED_ON, "TRACEMART_SUPERSET_HTTPS") if name in os.environ}
    driver, _, rest = database_url.partition("://")
    if not driver.startswith("postgres"):
        raise ServiceError("Superset keeps its own data in PostgreSQL: set TRACEMART_DATABASE_URL to postgresql://….")
    return {
        **passed_on,
        **NO_TELEMETRY,
        "LC_ALL": "C.UTF-8",
        "TZ": settings.timezone,
        "PYTHONUNBUFFERED": "1",
        "FLASK_DEBUG": "0",
        "SUPERSET_CONFIG_PATH": str(CONFIGURATION / "superset_config.py"),
        "TRACEMART_SUPERSET_HOME": str(settings.home / STATE),
        "TRACEMART_SUPERSET_DATABASE_URI": f"postgresql+psycopg2://{rest}",
        "TRACEMART_SUPERSET_SECRET_KEY": credential(settings.home, "superset_secret_key"),
        "TRACEMART_SUPERSET_USER": ADMIN_USER,
        "TRACEMART_SUPERSET_PASSWORD": credential(settings.home, "superset_password"),
    }


def prepare_superset(environment: dict[str, str], log: Path, *, is_new: bool = False) -> bool:
    """Bring Superset's own database to the installed version, with its roles and administrator.

    False where that was done before, for this database, version and password. `is_new`: the database was just made,
    so whatever was noted of one of that name no longer holds. Raises ServiceError.
    """
    state = Path(environment["TRACEMART_SUPERSET_HOME"])
    state.mkdir(parents=True, exist_ok=True)
    database = environment["TRACEMART_SUPERSET_DATABASE_URI"].partition("?")[0].rpartition("/")[2]
    mark = state / f"prepared-{database}"
    wanted = fingerprint(environment)
    if not is_new and mark.exists() and mark.read_text() == wanted:
        return False
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            [str(superset_venv() / "bin" / "python"), str(CONFIGURATION / "prepare.py")],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=state,
            check=False,
        )
    if done.returncode != 0:
        raise ServiceError(f"Superset could not prepare its database: {last_line(log)} See {log}.")
    write_private(mark, wanted)
    return True


def superset_command(port: int, *, listen: str = "127.0.0.1") -> list[str]:
    """One worker: its caches live in its memory, and two cores hold no more of them."""
    return [
        str(superset_venv() / "bin" / "gunicorn"),
        "--bind", f"{listen}:{port}",
        "--workers", "1",
        "--worker-class", "gthread",
        "--threads", "8",
        "--timeout", "120",
        "--graceful-timeout", "10",
        "--no-control-socket",
        "superset.app:create_app()",
    ]  # fmt: skip


def superset_venv() -> Path:
    return Path(os.environ.get("TRACEMART_SUPERSET_VENV") or PROJECT_ROOT / ".venv-superset")


def fingerprint(environment: dict[str, str]) -> str:
    """Changes with Superset's version, the script that prepares it, where its database is, and the password."""
    versions = sorted(
        path.name for path in superset_venv().glob("lib/python3*/site-packages/apache_superset-*.dist-info")
    )
    parts = [
        *versions,
        (CONFIGURATION / "prepare.py").read_text(),
        environment["TRACEMART_SUPERSET_DATABASE_URI"],
        environment["TRACEMART_SUPERSET_SECRET_KEY"],
        environment["TRACEMART_SUPERSET_PASSWORD"],
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
