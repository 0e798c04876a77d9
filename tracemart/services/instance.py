"""What is started together: a warehouse with its Airflow, Superset and, in the demo, stand-in and mailbox."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from tracemart.credentials import write_private
from tracemart.settings import ACTIVE_INSTANCE_FILE, Settings
from tracemart.standin.workloads.request_log import load_workload
from tracemart.standin.workloads.spec import WorkloadSpec, workload_projects


@dataclass(frozen=True)
class DemoWorkload:
    """What the stand-in of a demo serves, and the moment that counts as now: the workload's end."""

    spec: WorkloadSpec
    as_of: datetime

    @classmethod
    def chosen(cls, spec: WorkloadSpec) -> "DemoWorkload":
        """Reads a request log whole, so that a bad one is refused before anything starts. Raises BadInputError."""
        if spec.file is not None:
            return cls(spec, load_workload(spec.file).as_of)
        end = spec.end or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(replace(spec, end=end), end)

    @property
    def database(self) -> str:
        """A name of its own for each workload, so that another one never adds to it."""
        spec = self.spec
        if spec.file is not None:
            digest = hashlib.sha256(spec.file.read_bytes()).hexdigest()[:10]
            stem = "".join(letter if letter.isalnum() else "_" for letter in spec.file.stem.lower())[:30]
            return f"tracemart_demo_{stem}_{digest}"
        return f"tracemart_demo_{spec.observations}_{spec.days}d_seed{spec.seed}_{self.as_of:%Y%m%d}"

    def projects(self) -> list[tuple[str, str]]:
        """(project id, name) of each project."""
        return [(project.id, project.name) for project in workload_projects(self.spec)]

    def arguments(self) -> list[str]:
        spec = self.spec
        if spec.file is not None:
            return ["--workload", str(spec.file.resolve())]
        return [
            "--observations", str(spec.observations), "--days", str(spec.days),
            "--seed", str(spec.seed), "--end", self.as_of.isoformat(),
        ]  # fmt: skip


@dataclass(frozen=True)
class Instance:
    """The settings under which the services run, and where their databases stand."""

    name: str
    is_demo: bool
    settings: Settings
    asked_database_url: str | None

    def activate(self) -> None:
        """Let every later command work on this instance."""
        overlay: dict[str, Any] = {
            "database_url": _plain(self.settings.database_url),
            "projects_file": str(self.settings.projects_file),
            "superset_url": self.settings.superset_url,
        }
        if self.is_demo:
            overlay |= {
                "as_of": self.settings.as_of.isoformat() if self.settings.as_of else None,
                "smtp_url": _plain(self.settings.smtp_url),
                "report_recipients": self.settings.report_recipients,
            }
        content = {
            "name": self.name,
            "is_demo": self.is_demo,
            "asked_database_url": self.asked_database_url,
            "settings": overlay,
        }
        write_private(self.settings.home / ACTIVE_INSTANCE_FILE, json.dumps(content, indent=2))

    @property
    def database(self) -> str:
        return urlsplit(_plain(self.settings.database_url) or "").path.lstrip("/")

    def beside(self, suffix: str) -> str:
        """URL of a database beside the warehouse, such as Airflow's own."""
        url = _plain(self.settings.database_url) or ""
        parts = urlsplit(url)
        return urlunsplit(parts._replace(path=f"{parts.path}_{suffix}"))


def on_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def active_instance(home: Path) -> dict[str, Any] | None:
    file = home / ACTIVE_INSTANCE_FILE
    if not file.exists():
        return None
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def deactivate(home: Path) -> None:
    (home / ACTIVE_INSTANCE_FILE).unlink(missing_ok=True)


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
