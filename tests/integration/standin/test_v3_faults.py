"""The faults of a server show on its v3 pages too: windows too wide, odd rows, rows that come late."""

from __future__ import annotations

from tracemart.standin.faults import Change, FaultSchedule, RowFault
from tracemart.standin.serve import serving
from tracemart.standin.workloads import Workload

from .conftest import Server, keys_for
from .test_v3_pages import PROJECT


def test_a_window_with_too_many_rows_times_out_and_a_narrow_one_does_not(made: Workload) -> None:
    store = made.store(keys_for(list(made.rows)))
    narrow = {"fromTimestamp": "2026-11-21T00:00:00Z", "toTimestamp": "2026-11-21T01:00:00Z"}
    with (
        serving(store, FaultSchedule(window_rows=100), mode="legacy") as address,
        Server(address, store).client(PROJECT) as client,
    ):
        for path in ("observations", "traces", "v2/scores"):
            answer = client.get(f"/api/public/{path}")
            assert answer.status_code == 422, path
            assert answer.json()["error"] == "Request timed out"
            assert client.get(f"/api/public/{path}", params={"limit": 1}).status_code == 200
        assert client.get("/api/public/traces", params=narrow).status_code == 200


def test_odd_rows_are_odd_here_as_well(made: Workload) -> None:
    store = made.store(keys_for(list(made.rows)))
    odd = (
        RowFault(kind="unknown_type", share=1.0),
        RowFault(kind="null_total_cost", share=1.0),
        RowFault(kind="unknown_type", entity="scores", share=1.0),
    )
    with (
        serving(store, FaultSchedule(rows=odd), mode="legacy") as address,
        Server(address, store).client(PROJECT) as client,
    ):
        rows = client.get("/api/public/observations").json()["data"]
        scores = client.get("/api/public/v2/scores").json()["data"]
    assert {row["type"] for row in rows} == {"HYPERVISOR"}
    assert not any("totalCost" in row for row in rows), "the key is calculatedTotalCost in v3"
    assert {row["dataType"] for row in scores} == {"EMOJI"}


def test_rows_that_come_late_shift_the_pages(made: Workload) -> None:
    store = made.store(keys_for(list(made.rows)))
    late = Change(kind="late", share=0.5, after_requests=2)
    with (
        serving(store, FaultSchedule(changes=(late,)), mode="legacy") as address,
        Server(address, store).client(PROJECT) as client,
    ):
        first = client.get("/api/public/observations").json()
        second = client.get("/api/public/observations").json()
    assert second["meta"]["totalItems"] > first["meta"]["totalItems"]
    assert [row["id"] for row in second["data"]] != [row["id"] for row in first["data"]]
