"""Which workload to serve, in a form that is cheap to make, compare and pass to another process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tracemart.standin.workloads.catalogue import PROJECTS
from tracemart.standin.workloads.made import DEFAULT_DAYS, DEFAULT_OBSERVATIONS, DEFAULT_SEED, make_workload
from tracemart.standin.workloads.request_log import load_workload, project_of_log
from tracemart.standin.workloads.workload import Workload, WorkloadProject


@dataclass(frozen=True)
class WorkloadSpec:
    """A request log if `file` is set, else a made workload; `end` defaults to the last midnight UTC."""

    file: Path | None = None
    observations: int = DEFAULT_OBSERVATIONS
    days: int = DEFAULT_DAYS
    seed: int = DEFAULT_SEED
    end: datetime | None = None


def workload_projects(spec: WorkloadSpec) -> list[WorkloadProject]:
    """The projects the workload will have; nothing is read or generated."""
    if spec.file is not None:
        return [project_of_log(spec.file)]
    return [WorkloadProject(project.id, project.name) for project in PROJECTS]


def load(spec: WorkloadSpec) -> Workload:
    """Read or generate the workload; raises BadInputError for a file or a size that cannot be served."""
    if spec.file is not None:
        return load_workload(spec.file)
    end = spec.end or datetime.now(UTC)
    return make_workload(observations=spec.observations, days=spec.days, seed=spec.seed, end=end)
