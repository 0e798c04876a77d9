"""What every process of ours finds in its environment: no more than it needs, and no phoning home."""

import os
from pathlib import Path

from tracemart.settings import PROJECT_ROOT, Settings

PASSED_ON = ("PATH", "HOME", "USER", "TMPDIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "LD_LIBRARY_PATH")
PASSED_ON_PREFIXES = ("OPENBLAS_", "OMP_", "TRACEMART_", "LANGFUSE_")
NOT_PASSED_ON = ("TRACEMART_STARTED_AT", "TRACEMART_INSTALLED_AT")
NO_TELEMETRY = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    "GX_ANALYTICS_ENABLED": "False",
    "SCARF_NO_ANALYTICS": "true",
    "SCARF_ANALYTICS": "false",
    "DO_NOT_TRACK": "1",
    "SE_OFFLINE": "true",
}


def process_environment(settings: Settings) -> dict[str, str]:
    """Environment for a process that runs our code on the active instance."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name in PASSED_ON or name.startswith(PASSED_ON_PREFIXES)) and name not in NOT_PASSED_ON
    }
    cache = settings.home / "cache"
    return {
        **kept,
        **NO_TELEMETRY,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONUNBUFFERED": "1",
        # Threads of the linear algebra library cost more than they give on matrices as small as ours.
        "OPENBLAS_NUM_THREADS": "1",
        **settings_environment(settings),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "XDG_CACHE_HOME": str(cache),
    }


def settings_environment(settings: Settings) -> dict[str, str]:
    """The settings as the variables that they are read from."""
    values = {
        "TRACEMART_HOME": str(settings.home),
        "TRACEMART_DATABASE_URL": settings.database_url.get_secret_value() if settings.database_url else "",
        "TRACEMART_PROJECTS_FILE": str(settings.projects_file),
        "TRACEMART_TIMEZONE": settings.timezone,
        "TRACEMART_CURRENCY": settings.currency,
        "TRACEMART_STORE_IO": settings.store_io,
        "TRACEMART_SMTP_URL": settings.smtp_url.get_secret_value() if settings.smtp_url else "",
        "TRACEMART_REPORT_RECIPIENTS": ",".join(settings.report_recipients),
        "TRACEMART_REPORT_SENDER": settings.report_sender,
        "TRACEMART_SUPERSET_URL": settings.superset_url or "",
        "TRACEMART_AS_OF": settings.as_of.isoformat() if settings.as_of else "",
    }
    return {name: value for name, value in values.items() if value}


def turn_telemetry_off() -> None:
    os.environ.update(NO_TELEMETRY)


def make_folders(home: Path) -> None:
    for folder in ("run", "logs", "cache"):
        (home / folder).mkdir(parents=True, exist_ok=True)
