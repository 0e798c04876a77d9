"""Workloads that the stand-in serves: a made one and a replayed request log.

WorkloadSpec(...)            what to serve, cheap to make and to compare
workload_projects(spec)      its projects, without generating anything
load(spec) -> Workload       the rows, `as_of`, and `truth()`
"""

from tracemart.standin.workloads.made import make_workload
from tracemart.standin.workloads.request_log import load_workload
from tracemart.standin.workloads.spec import WorkloadSpec, load, workload_projects
from tracemart.standin.workloads.workload import Workload, WorkloadProject

__all__ = [
    "Workload",
    "WorkloadProject",
    "WorkloadSpec",
    "load",
    "load_workload",
    "make_workload",
    "workload_projects",
]
