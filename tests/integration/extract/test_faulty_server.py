"""Whatever a server does wrong, the tables end with what is true of it: rows, tokens and cost, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import LangfuseError
from tracemart.extract import client, v4
from tracemart.extract.client import Patience
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.faults import Change, Fault, FaultRun, FaultSchedule, Truth, all_faults, truth_of_project
from tracemart.standin.rows import Observation, dollars
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, Store
from tracemart.standin.workloads import Workload, WorkloadSpec, load

from .conftest import AS_OF
from .test_extract import Query

MADE = "sales-copilot"
NUMBERS = count()
KEYS = KeyPair("pk-lf-faulty", "sk-lf-faulty")
MOST_RUNS = 40
MONTHS_BACK = timedelta(days=60)


@pytest.fixture(scope="module")
def workload() -> Workload:
    return load(WorkloadSpec(observations=2500, days=6, seed=11, end=AS_OF))


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pages, so that there are many requests to fail, and hardly a pause between two tries."""
    monkeypatch.setattr(client, "Patience", partial(Patience, first_pause=timedelta(milliseconds=1)))
    monkeypatch.setattr(v4, "OBSERVATIONS", replace(v4.OBSERVATIONS, limit=80))
    monkeypatch.setattr(v4, "SCORES", replace(v4.SCORES, limit=25))


def store_of(workload: Workload) -> Store:
    """One project of the workload, under an id of its own, so that examples share a warehouse."""
    project = workload.store(dict.fromkeys(workload.rows, KEYS)).projects[MADE]
    project.id = f"faulty-{next(NUMBERS)}"
    return Store({project.id: project}, {project.id: KEYS})


@contextmanager
def misbehaving(workload: Workload, schedule: FaultSchedule) -> Iterator[tuple[LangfuseProject, FaultRun]]:
    run = FaultRun(schedule, store_of(workload))
    with serving(run.store, run) as host:
        yield LangfuseProject(instance="demo", host=host, public_key=KEYS.public_key,
                              secret_key=SecretStr(KEYS.secret_key), name="faulty", api="v4"), run  # fmt: skip


def read(settings: Settings, project: LangfuseProject, *, whole: bool = False) -> None:
    """Run until a run passes, as a scheduler does; `whole` reads everything again."""
    window = {"window_from": AS_OF - MONTHS_BACK, "window_to": AS_OF} if whole else {}
    for _ in range(MOST_RUNS):
        try:
            extract(settings, project, **window)
        except LangfuseError:
            continue
        return
    raise AssertionError(f"no run in {MOST_RUNS} passed")


def assert_true(query: Query, run: FaultRun) -> Truth:
    """The loaded rows of the run's project are the truth about it, which is returned."""
    (project,) = run.store.projects.values()
    truth, project_id = truth_of_project(project, run), project.id
    rows = query(
        "select trace_id, id, start_time, updated_at, coalesce(total_cost, 0), usage_details, model"
        " from raw.observations where project_id = %s and vanished_at is null",
        project_id,
    )
    loaded = {row[:2]: row[2:] for row in rows}
    assert len(rows) == len(loaded)
    assert loaded.keys() == truth.observations.keys()
    assert loaded == {key: _as_loaded(row) for key, row in truth.observations.items()}
    assert sum((row[2] for row in loaded.values()), Decimal(0)) == truth.cost()
    scores = query(
        "select id, coalesce(string_value, numeric_value::text), updated_at from raw.scores"
        " where project_id = %s and vanished_at is null",
        project_id,
    )
    assert {score[0] for score in scores} == truth.scores.keys()
    for score_id, value, updated_at in scores:
        score = truth.scores[score_id]
        assert updated_at.timestamp() * 1000 == pytest.approx(score.updated_ms, abs=0.5)
        expected = str(bool(score.value)) if score.data_type == "BOOLEAN" else score.value
        assert expected == (value if isinstance(expected, str) else float(value))
    superseded = query(
        "select trace_id, id, start_time from raw.superseded_observations where project_id = %s", project_id
    )
    assert {(row.context.trace_id, row.id, _moment(row.start_ms)) for row in truth.superseded} <= set(superseded)
    return truth


def _as_loaded(row: Observation) -> tuple[object, ...]:
    cost = dollars(row.cost().get("total", 0))
    return _moment(row.start_ms), _moment(row.created_ms), cost, row.usage(), row.model or None


def _moment(milliseconds: int) -> object:
    return AS_OF + timedelta(milliseconds=milliseconds - int(AS_OF.timestamp()) * 1000)


@pytest.mark.parametrize("seed", [1, 2])
def test_all_faults_at_once_end_in_the_truth(settings: Settings, query: Query, workload: Workload, seed: int) -> None:
    schedule = all_faults(seed, window_rows=400, payload_bytes=95_000)
    at_the_end = Change(kind="delete_traces", share=0.1, after_requests=1_000_000)
    schedule = msgspec.structs.replace(schedule, changes=(*schedule.changes, at_the_end))
    with misbehaving(workload, schedule) as (project, run):
        read(settings, project)
        read(settings, project, whole=True)
        seen = set(query("select trace_id, id from raw.observations where vanished_at is null"))
        run.finish()
        read(settings, project, whole=True)

    kinds = {fault.kind for fault in schedule.faults} | {change.kind for change in schedule.changes}
    assert kinds | {"window_rows", "payload_bytes"} <= run.shown.keys()
    truth = assert_true(query, run)
    vanished = set(query("select trace_id, id from raw.observations where vanished_at is not null"))
    assert seen - truth.observations.keys() <= vanished <= truth.vanished.keys()
    assert vanished


FAULTS = st.builds(
    Fault,
    kind=st.sampled_from([
        "server_error", "unavailable", "bad_gateway", "gateway_timeout", "cloudflare_timeout", "timed_out", "too_large",
        "cut", "empty_page", "short_page", "repeated_row",
    ]),
    probability=st.floats(0, 0.3), times=st.integers(1, 30), share=st.floats(0, 1),
    path=st.sampled_from(["", "v2/observations", "v3/scores", "models", "projects"]),
)  # fmt: skip
CHANGES = st.builds(
    Change,
    kind=st.sampled_from([
        "late", "same_start", "moved_start", "merge", "delete_traces", "delete_scores", "overwrite_scores",
    ]),
    share=st.floats(0, 0.3), after_requests=st.integers(0, 40),
)  # fmt: skip
SCHEDULES = st.builds(
    FaultSchedule,
    seed=st.integers(0, 2**32 - 1), faults=st.lists(FAULTS, max_size=4).map(tuple),
    changes=st.lists(CHANGES, max_size=4).map(tuple), window_rows=st.sampled_from([None, 150, 1000]),
)  # fmt: skip


@hypothesis_settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=SCHEDULES)
def test_any_schedule_of_faults_ends_in_the_truth(
    settings: Settings, query: Query, workload: Workload, schedule: FaultSchedule
) -> None:
    with misbehaving(workload, schedule) as (project, run):
        read(settings, project)
        run.finish()
        read(settings, project, whole=True)
    assert_true(query, run)
