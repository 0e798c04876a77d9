"""How projects' tasks end in Airflow, and what their events say."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tracemart.errors import (
    LangfuseAuthError,
    LangfuseBusyError,
    LangfuseOverloadedError,
    LangfuseRateLimitedError,
    NotLangfuseError,
    ProjectBusyError,
    SettingsError,
)
from tracemart.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "dags"
RESUME_AFTER = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def wiring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(FOLDER))
    import wiring

    yield wiring
    sys.modules.pop("wiring", None)


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("airflow")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT_ROOT),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "TRACEMART_ENV_FILE": str(home / "no.env"),
        "TRACEMART_HOME": str(home),
    }
    kept = home / "kept.json"
    for command in (["-m", "airflow", "db", "migrate"], [str(Path(__file__).parent / "run_extract_langfuse.py"), kept]):
        done = subprocess.run(
            [sys.executable, *command], env=environment, cwd=home, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(kept.read_text())
    return answer


def test_each_project_ends_by_itself_and_under_its_name(finished_run: dict[str, Any]) -> None:
    ended = {task["name"]: (task["state"], task["tries"]) for task in finished_run["tasks"]}
    assert ended == {
        "cloud/Support": ("success", 1),
        "cloud/Müller & Co": ("success", 1),
        "cloud/Limited": ("skipped", 1),
        "cloud/Wrong key": ("failed", 1),
    }


def test_projects_that_are_through_say_what_became_of_their_rows(finished_run: dict[str, Any]) -> None:
    events = {(event["asset"], event["extra"]["project"]): event for event in finished_run["events"]}
    through = ("cloud/Support", "cloud/Müller & Co")
    assert set(events) == {(asset, name) for name in through for asset in ("langfuse_raw", f"langfuse {name}")}
    assert {event["uri"] for event in events.values()} == {
        "langfuse_raw",
        "langfuse://cloud/Support",
        "langfuse://cloud/M%C3%BCller%20%26%20Co",
    }
    rows = {name: event["extra"]["rows"] for (_, name), event in events.items()}
    one_slice, many_slices = rows["cloud/Support"], rows["cloud/Müller & Co"]
    assert len(one_slice) == 3
    assert "2026-11-22 11:00:00 to 2026-11-22 12:00:00 UTC: 10 read, 3 new" in one_slice[2]
    assert len(many_slices) == 2
    assert "10 read, 3 new" in many_slices[1]


def context_of(run_type: str) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(run_type=run_type)}


def test_only_a_backfill_reads_its_own_interval(wiring: ModuleType) -> None:
    start, end = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 1, tzinfo=UTC)

    def window(run_type: str) -> dict[str, datetime]:
        interval = {"data_interval_start": start, "data_interval_end": end}
        found: dict[str, datetime] = wiring.backfilled_window({**context_of(run_type), **interval})
        return found

    assert window("backfill") == {"window_from": start, "window_to": end}
    assert window("scheduled") == window("manual") == {}


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (LangfuseRateLimitedError("answers again at noon.", RESUME_AFTER), "AirflowSkipException"),
        (LangfuseBusyError("others read it."), "AirflowRescheduleException"),
        (ProjectBusyError("the run before reads it."), "AirflowSkipException"),
        (LangfuseAuthError("wrong key."), "AirflowFailException"),
        (NotLangfuseError("no Langfuse."), "AirflowFailException"),
        (SettingsError("no such project."), "AirflowFailException"),
        (LangfuseOverloadedError("too slow."), "LangfuseOverloadedError"),
    ],
)
def test_errors_end_the_task_as_they_should(wiring: ModuleType, error: Exception, ending: str) -> None:
    with pytest.raises(Exception) as caught, wiring.ending_as_airflow_says(context_of("scheduled")):  # noqa: PT011
        raise error

    assert type(caught.value).__name__ == ending
    if ending != "AirflowRescheduleException":
        assert str(error) in str(caught.value)


@pytest.mark.parametrize("error", [LangfuseBusyError("others read it."), ProjectBusyError("another run reads it.")])
def test_backfill_of_a_busy_server_is_tried_again_soon(wiring: ModuleType, error: Exception) -> None:
    from airflow.sdk.exceptions import AirflowRescheduleException

    before = datetime.now(UTC)
    with (
        pytest.raises(AirflowRescheduleException) as caught,
        wiring.ending_as_airflow_says(context_of("backfill")),
    ):
        raise error

    assert 0 < (caught.value.reschedule_date - before).total_seconds() < 300
