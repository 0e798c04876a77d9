"""Waiting for a DAG's runs, of which Airflow holds some back while others go on."""

import time

import httpx
import pytest
import respx

from tracemart.services.airflow import AirflowApi

URL = "http://127.0.0.1:8080"
QUEUED = httpx.Response(200, json={"queued_events": [{"dag_id": "build_marts"}], "total_entries": 1})
NONE_QUEUED = httpx.Response(404, json={"detail": "none"})


def runs(**states: str) -> httpx.Response:
    found = [{"dag_run_id": run_id, "state": state} for run_id, state in reversed(states.items())]
    return httpx.Response(200, json={"dag_runs": found})


@respx.mock
def test_run_that_an_event_is_still_waiting_for_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    respx.post(f"{URL}/auth/token").mock(httpx.Response(201, json={"access_token": "t"}))
    respx.get(f"{URL}/api/v2/dags/build_marts/assets/queuedEvents").mock(
        side_effect=[QUEUED, QUEUED, NONE_QUEUED, NONE_QUEUED]
    )
    respx.get(f"{URL}/api/v2/dags/build_marts/dagRuns").mock(
        side_effect=[
            runs(known="success", first="running"),
            runs(known="success", first="success"),
            runs(known="success", first="success", second="running"),
            runs(known="success", first="success", second="success"),
        ]
    )
    respx.get(url__regex=r".*/taskInstances.*").mock(httpx.Response(200, json={"task_instances": []}))

    ended = AirflowApi(URL, "password").wait_for_run("build_marts", {"known"})

    assert ended["dag_run_id"] == "second"
