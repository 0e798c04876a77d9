"""placeholder"""
from __future__ import annotations
from pathlib import Path
from tracemart.standin.workloads.workload import Workload, WorkloadProject
def load_workload(path: Path) -> Workload:
    raise NotImplementedError
def project_of_log(path: Path) -> WorkloadProject:
    raise NotImplementedError
