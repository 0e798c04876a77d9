"""The profile `demo` of docker-compose.yml: what the stand-in serves, and the settings that let all parts read it."""

import os
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from tracemart.errors import SettingsError
from tracemart.services.container_places import place, port
from tracemart.services.instance import DemoWorkload, Instance, on_database
from tracemart.services.stack import DEMO_RECIPIENT, PORTS
from tracemart.services.standin_projects import KEYS_FILE, write_standin_projects
from tracemart.settings import Settings
from tracemart.standin.workloads.spec import WorkloadSpec


def is_demo() -> bool:
    return "demo" in os.environ.get("TRACEMART_PROFILES", "").split(",")


def demo_workload(end: datetime | None) -> DemoWorkload:
    """The made workload; it ends where the first start of this demo put its end. Raises SettingsError."""
    return DemoWorkload.chosen(
        WorkloadSpec(
            observations=size("TRACEMART_DEMO_OBSERVATIONS", WorkloadSpec.observations),
            days=size("TRACEMART_DEMO_DAYS", WorkloadSpec.days),
            end=end,
        )
    )


def demo_instance(settings: Settings, workload: DemoWorkload) -> Instance:
    """A database of its own for the workload, its key pairs, and the mailbox as mail server."""
    assert settings.database_url is not None
    asked = settings.database_url.get_secret_value()
    folder = settings.home / "demo" / workload.database
    own = settings.model_copy(
        update={
            "database_url": SecretStr(on_database(asked, workload.database)),
            "projects_file": write_standin_projects(folder, workload.projects(), place("standin")),
            "smtp_url": SecretStr(f"smtp://{PORTS['smtp'][0]}:{port('smtp')}"),
            "report_recipients": settings.report_recipients or [DEMO_RECIPIENT],
            "as_of": workload.as_of,
        }
    )
    return Instance(workload.database, True, own, asked)


def size(variable: str, usual: int) -> int:
    given = os.environ.get(variable) or str(usual)
    if not given.isdigit() or int(given) < 1:
        raise SettingsError(f"{variable} is not usable: {given!r} is no number above 0. Mend it in .env.")
    return int(given)


def keys_file(settings: Settings) -> Path:
    return settings.projects_file.parent / KEYS_FILE
