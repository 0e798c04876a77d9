"""Rows that come late, twice, or go while they are read; and the truth that is left when all is over."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracemart.standin.faults import Change, Fault, FaultRun, FaultSchedule, RowFault, all_faults, truth_of_project
from tracemart.standin.faults.changes import LONG_NOTE
from tracemart.standin.faults.schedule import ChangeKind
from tracemart.standin.rows import PICO, Observation, dollars, encode
from tracemart.standin.store import Store
from tracemart.standin.workloads import Workload

from .conftest import keys_for, running
from .patient_reader import ALL_FIELDS, Reader, cost_of, tokens_of

PROJECT = "sales-copilot"
OBSERVATIONS = "/api/public/v2/observations"


@pytest.fixture
def store(made: Workload) -> Store:
    return made.store(keys_for(list(made.rows)))


def played(store: Store, *changes: Change, **more: Any) -> FaultRun:
    return FaultRun(FaultSchedule(changes=changes, **more), store)


def test_late_rows_come_with_their_old_start_after_so_many_requests(store: Store, made: Workload) -> None:
    every = {(row.context.trace_id, row.id) for row in made.rows[PROJECT].observations}
    run = played(store, Change(kind="late", share=0.3, after_requests=3))
    late = {(row.context.trace_id, row.id) for row in run.late[PROJECT]}
    with running(store, run) as server, server.client(PROJECT) as client:
        reader = Reader(client)
        client.get(OBSERVATIONS)
        before = reader.observations(limit=1000)
        after = reader.observations(limit=1000)

    assert 0.2 < len(late) / len(every) < 0.4
    assert before.keys() == every - late
    assert after.keys() == every


def test_late_rows_without_a_number_wait_until_all_is_over(store: Store) -> None:
    run = played(store, Change(kind="late", share=0.5))
    known = len(store.projects[PROJECT].observations())
    with running(store, run) as server, server.client(PROJECT) as client:
        assert len(Reader(client).observations(limit=1000)) == known
        run.finish()
        assert len(Reader(client).observations(limit=1000)) > 1.5 * known


@pytest.mark.parametrize("kind", ["same_start", "moved_start"])
def test_a_row_sent_again_is_answered_twice_and_counted_twice(store: Store, made: Workload, kind: ChangeKind) -> None:
    rows = made.rows[PROJECT].observations
    run = played(store, Change(kind=kind, share=0.25))
    with running(store, run) as server, server.client(PROJECT) as client:
        answered = Reader(client).every_row(OBSERVATIONS, limit=1000, fields="time,usage")
        counted = _count(client)
    truth = truth_of_project(store.projects[PROJECT], run)

    twice = Counter((row["traceId"], row["id"]) for row in answered)
    starts = Counter((row["traceId"], row["id"], row["startTime"]) for row in answered)
    assert set(twice.values()) == {1, 2}
    assert (max(starts.values()) == 2) == (kind == "same_start")
    assert len(truth.superseded) == len(answered) - len(rows) > 0
    assert truth.rows == len(rows)
    assert counted == (len(answered), dollars(_pico([*truth.observations.values(), *truth.superseded])))


def _count(client: httpx.Client) -> tuple[int, Decimal]:
    query = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}, {"measure": "totalCost", "aggregation": "sum"}],
        "fromTimestamp": "2026-01-01T00:00:00Z", "toTimestamp": "2026-11-22T00:00:00Z",
    }  # fmt: skip
    answer = client.get("/api/public/v2/metrics", params={"query": json.dumps(query)})
    (row,) = json.loads(answer.content, parse_float=Decimal)["data"]
    return row["count_count"], row["sum_totalCost"]


def _pico(rows: list[Observation]) -> int:
    return sum(row.cost().get("total", 0) for row in rows)


def test_a_merge_leaves_the_newest_of_one_start_and_both_of_a_moved_one(store: Store, made: Workload) -> None:
    rows = len(made.rows[PROJECT].observations)
    run = played(
        store, Change(kind="same_start", share=0.2), Change(kind="moved_start", share=0.1),
        Change(kind="merge", after_requests=1),
    )  # fmt: skip
    project = store.projects[PROJECT]
    unmerged, before = len(project.observations()), truth_of_project(project, run)
    with running(store, run) as server, server.client(PROJECT) as client:
        merged = Reader(client).every_row(OBSERVATIONS, limit=1000)
    after = truth_of_project(project, run)

    assert rows < len(merged) < unmerged
    assert len(merged) == len({(row["traceId"], row["id"], row["startTime"]) for row in merged})
    assert before.observations == after.observations


def test_the_newest_of_one_start_comes_first_and_a_cursor_between_skips_the_older(store: Store) -> None:
    run = played(store, Change(kind="same_start", share=1.0))
    with running(store, run) as server, server.client(PROJECT) as client:
        whole = Reader(client).every_row(OBSERVATIONS, limit=1000, fields="time")
        single = Reader(client).every_row(OBSERVATIONS, limit=1, fields="time")

    assert all(first["updatedAt"] > second["updatedAt"] for first, second in zip(whole[::2], whole[1::2], strict=True))
    assert single == whole[::2]


def test_an_older_version_shows_the_newest_content_beside_its_own_cost(store: Store) -> None:
    project = store.projects[PROJECT]
    old = next(row for row in project.observations() if row.cost_keys)
    project.add_observations([
        replace(old, output="first", id="twice"),
        replace(old, output="second", id="twice", created_ms=old.created_ms + 1, cost_keys=("total",),
                cost_values=(5,)),
    ])  # fmt: skip
    with running(store) as server, server.client(PROJECT) as client:
        answered = Reader(client).every_row(OBSERVATIONS, traceId=old.context.trace_id, fields="io,usage")

    twice = [(row["output"], row["totalCost"]) for row in answered if row["id"] == "twice"]
    assert twice == [("second", 5e-12), ("second", old.cost()["total"] / PICO)]


def test_a_score_changes_in_place_and_others_vanish(store: Store, made: Workload) -> None:
    given = {score.id: score for score in made.rows[PROJECT].scores}
    run = played(
        store, Change(kind="overwrite_scores", share=0.3, after_requests=1),
        Change(kind="delete_scores", share=0.2, after_requests=1),
    )  # fmt: skip
    with running(store, run) as server, server.client(PROJECT) as client:
        read = Reader(client).scores(limit=100)
    truth = truth_of_project(store.projects[PROJECT], run)

    assert read.keys() == truth.scores.keys() == given.keys() - truth.vanished_scores.keys()
    assert 0 < len(truth.vanished_scores) < len(given) / 2
    changed = {key for key, row in read.items() if row["value"] != given[key].value}
    assert 0.2 * len(read) < len(changed) < 0.4 * len(read)
    kept = {row.id: (row.timestamp_ms, row.created_ms) for row in truth.scores.values()}
    assert kept == {key: (given[key].timestamp_ms, given[key].created_ms) for key in kept}


def test_a_deleted_trace_leaves_nothing_but_what_the_truth_remembers(store: Store, made: Workload) -> None:
    given = {(row.context.trace_id, row.id) for row in made.rows[PROJECT].observations}
    run = played(store, Change(kind="delete_traces", share=0.1, after_requests=1))
    with running(store, run) as server, server.client(PROJECT) as client:
        read = Reader(client).observations(limit=1000)
    truth = truth_of_project(store.projects[PROJECT], run)

    assert read.keys() == truth.observations.keys()
    assert truth.vanished.keys() == given - read.keys()
    assert {trace for trace, _ in truth.vanished}.isdisjoint({trace for trace, _ in read})
    assert truth.vanished


def test_the_workload_itself_stays_as_it_was(store: Store, made: Workload) -> None:
    before = repr(made.rows[PROJECT].scores), repr(made.rows[PROJECT].observations)
    kinds: tuple[ChangeKind, ...] = ("overwrite_scores", "same_start", "moved_start", "delete_traces", "delete_scores")
    played(store, *(Change(kind=kind, share=0.5) for kind in kinds)).finish()
    assert (repr(made.rows[PROJECT].scores), repr(made.rows[PROJECT].observations)) == before


def test_a_bad_row_is_none_of_the_truth_until_its_fault_is_over(store: Store, made: Workload) -> None:
    project = store.projects[PROJECT]
    run = FaultRun(FaultSchedule(rows=(RowFault(kind="bad", share=0.1),)), store)
    sick = truth_of_project(project, run)
    run.finish()
    well = truth_of_project(project, run)

    assert sick.bad == well.observations.keys() - sick.observations.keys()
    assert 0 < len(sick.bad) < well.rows == len(made.rows[PROJECT].observations)
    assert not well.bad
    assert sick.cost() + dollars(_pico([well.observations[key] for key in sick.bad])) == well.cost()


def test_long_metadata_is_cut_in_lists_and_whole_when_asked_for(store: Store) -> None:
    run = played(store, Change(kind="long_metadata", share=0.2))
    with running(store, run) as server, server.client(PROJECT) as client:
        cut = Reader(client).every_row(OBSERVATIONS, limit=1000, fields="metadata")
        whole = Reader(client).every_row(OBSERVATIONS, limit=1000, fields="metadata", expandMetadata="notes")

    notes = [row["metadata"]["notes"] for row in cut if "notes" in row["metadata"]]
    assert 0 < len(notes) < len(cut)
    assert set(notes) == {encode(LONG_NOTE)[:200]}
    assert {row["metadata"].get("notes") for row in whole} == {None, LONG_NOTE}


def test_all_faults_at_once_leave_the_truth_to_be_read(store: Store) -> None:
    schedule = all_faults(4, window_rows=10_000, payload_bytes=200_000)
    run = FaultRun(schedule, store)
    with running(store, run) as server, server.client(PROJECT) as client:
        reader = Reader(client)
        for _ in range(3):
            reader.every_row(OBSERVATIONS, limit=100, fields=ALL_FIELDS)
            reader.scores(limit=20)
        run.finish()
        rows, scores = reader.observations(limit=100), reader.scores(limit=20)
    truth = truth_of_project(store.projects[PROJECT], run)

    kinds = {fault.kind for fault in schedule.faults} | {change.kind for change in schedule.changes}
    assert kinds <= run.shown.keys()
    assert rows.keys() == truth.observations.keys()
    assert (cost_of(rows), tokens_of(rows)) == (truth.cost(), truth.tokens())
    assert scores.keys() == truth.scores.keys()
    assert truth.vanished


PASSING = st.builds(
    Fault,
    kind=st.sampled_from(["server_error", "bad_gateway", "cloudflare_timeout", "timed_out", "cut", "rate_limited"]),
    probability=st.floats(0, 0.5), path=st.sampled_from(["", "v2/observations", "v3/scores"]), share=st.floats(0, 1),
)  # fmt: skip
PAGES = st.builds(
    Fault,
    kind=st.sampled_from(["empty_page", "short_page", "repeated_row"]),
    probability=st.floats(0, 0.6), share=st.floats(0, 1),
)  # fmt: skip
CHANGES = st.builds(
    Change,
    kind=st.sampled_from(
        ["late", "same_start", "moved_start", "merge", "delete_traces", "delete_scores", "overwrite_scores"]
    ),
    share=st.floats(0, 0.4), after_requests=st.integers(0, 20),
)  # fmt: skip
SCHEDULES = st.builds(
    FaultSchedule,
    seed=st.integers(0, 2**32 - 1), faults=st.lists(PASSING | PAGES, max_size=5).map(tuple),
    changes=st.lists(CHANGES, max_size=5).map(tuple),
)  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=SCHEDULES)
def test_whoever_reads_patiently_ends_with_the_truth(made: Workload, schedule: FaultSchedule) -> None:
    store = made.store(keys_for(list(made.rows)))
    run = FaultRun(schedule, store)
    with running(store, run) as server, server.client(PROJECT) as client:
        reader = Reader(client)
        reader.observations(limit=200)
        reader.scores(limit=50)
        run.finish()
        rows, scores = reader.observations(limit=200), reader.scores(limit=50)
    truth = truth_of_project(store.projects[PROJECT], run)

    assert rows.keys() == truth.observations.keys()
    assert cost_of(rows) == truth.cost()
    assert tokens_of(rows) == truth.tokens()
    assert scores.keys() == truth.scores.keys()
