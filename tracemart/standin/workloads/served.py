"""What a server can serve: a workload's rows, or a synthetic stream that has none in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracemart.standin.store import KeyPair, Store
from tracemart.standin.synthetic import PROJECT_ID, Stream, StreamSpec, SyntheticProject
from tracemart.standin.workloads.spec import WorkloadSpec, load, workload_projects
from tracemart.standin.workloads.truth import truth_of
from tracemart.standin.workloads.workload import WorkloadProject


def projects_of(spec: WorkloadSpec | StreamSpec) -> list[WorkloadProject]:
    """The projects to be served; nothing is read or generated."""
    if isinstance(spec, StreamSpec):
        return [WorkloadProject(PROJECT_ID, "Synthetic stream")]
    return workload_projects(spec)


def store_of(spec: WorkloadSpec | StreamSpec, keys: Mapping[str, KeyPair]) -> Store:
    """The store of it; `keys` has a pair for each project id."""
    if isinstance(spec, StreamSpec):
        return Store({PROJECT_ID: SyntheticProject(Stream(spec))}, {PROJECT_ID: keys[PROJECT_ID]})
    return load(spec).store(keys)


def truth_of_spec(spec: WorkloadSpec | StreamSpec) -> dict[str, Any]:
    """Exact totals, ready for JSON: `truth_of` a workload, `Sums` of a stream."""
    if isinstance(spec, StreamSpec):
        return {"workload": "synthetic", "totals": Stream(spec).totals().as_json()}
    return truth_of(load(spec))
