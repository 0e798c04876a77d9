"""Nothing is left unexplained on any kind of server: v3, v4, both at once, and one that fails and changes meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import psycopg
import pytest
from pydantic import SecretStr

from tests.integration.extract.conftest import AS_OF
from tracemart.errors import LangfuseError
from tracemart.extract import client
from tracemart.extract.client import Patience
from tracemart.extract.speaks import ConfiguredApi
from tracemart.extract.step import extract
from tracemart.reconcile.server_totals import read_project_totals
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.faults import Change, Fault, FaultRun, FaultSchedule
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, Store
from tracemart.standin.workloads import make_workload

Build = Callable[..., int | None]
KEYS = KeyPair("pk-lf-one", "sk-lf-one")
BY_INSTANCE = """
    select
        instance,
        array_agg(distinct reconciliation_status order by reconciliation_status)
            filter (where reconciliation_status in ('differs', 'not asked')) as wrong,
        sum(calls)::int > 100 as has_calls,
        sum(synthetic_root_calls)::int as roots,
        sum(duplicate_calls)::int as duplicates,
        -sum(vanished_calls)::int as vanished,
        sum(unexplained_calls)::int as calls_left
    from marts.fct_reconciliation_daily
    group by instance order by instance
"""
FAULTS = tuple(
    Fault(kind=kind, probability=0.1, times=40, path=path)
    for kind in ("server_error", "bad_gateway", "timed_out", "cut")
    for path in ("v2/observations", "v2/metrics")
)
CHANGES = (
    Change(kind="late", share=0.1, after_requests=3),
    Change(kind="same_start", share=0.1, after_requests=5),
    Change(kind="moved_start", share=0.1, after_requests=6),
    Change(kind="merge", share=0.5, after_requests=12),
    Change(kind="delete_traces", share=0.1, after_requests=1_000_000),
)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "Patience", partial(Patience, first_pause=timedelta(milliseconds=1)))


def one_project() -> Store:
    workload = make_workload(observations=1500, days=5, seed=11, end=AS_OF)
    (project, *_) = workload.store(dict.fromkeys(workload.rows, KEYS)).projects.values()
    return Store({project.id: project}, {project.id: KEYS})


def project_at(host: str, instance: str, api: ConfiguredApi) -> LangfuseProject:
    return LangfuseProject(
        instance=instance, host=host, public_key=KEYS.public_key, secret_key=SecretStr(KEYS.secret_key), api=api
    )


def passing(step: Callable[[], object]) -> None:
    """Run a step until it passes, as a scheduler does."""
    for _ in range(40):
        try:
            step()
        except LangfuseError:
            continue
        return
    raise AssertionError("no run in 40 passed")


@pytest.mark.slow
def test_nothing_is_left_unexplained(settings: Settings, built: Build, owner: psycopg.Connection) -> None:
    with serving(one_project(), mode="dual") as host:
        for api in ("v3", "v4"):
            extract(settings, project_at(host, api, api))
            read_project_totals(settings, project_at(host, api, api))
    run = FaultRun(FaultSchedule(seed=5, faults=FAULTS, changes=CHANGES), one_project())
    with serving(run.store, run) as host:
        project = project_at(host, "faulty", "v4")
        everything = {"window_from": AS_OF - timedelta(days=60), "window_to": AS_OF}
        passing(lambda: extract(settings, project))
        passing(lambda: extract(settings, project, **everything))
        passing(lambda: read_project_totals(settings, project))
        run.finish()
        passing(lambda: extract(settings, project, **everything))
        passing(lambda: read_project_totals(settings, project))
    assert {change.kind for change in CHANGES} <= run.shown.keys()

    built(settings)

    faulty, v3, v4 = owner.execute(BY_INSTANCE).fetchall()
    assert faulty[:4] == ("faulty", None, True, 0)
    assert faulty[4] > 0
    assert faulty[5] > 0
    assert (v3[:4], v3[4:]) == (("v3", None, True, 0), (0, 0, 0))
    assert (v4[:3], v4[4:]) == (("v4", None, True), (0, 0, 0))
    # In `dual` the server makes one for each trace, shows them by v4 alone, and counts them there.
    assert v4[3] > 100
