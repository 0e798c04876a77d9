"""Services are started once, found again, restarted when they change, and stopped by their pid."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tracemart.errors import ServiceError
from tracemart.services.postgres import free_port
from tracemart.services.processes import Processes, Service, lives

SERVER = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"
FAMILY = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path)
    yield processes
    for running in processes.all_running():
        processes.stop(running.name)


def sleeper(name: str = "sleeper", code: str = "") -> Service:
    return Service(name, [sys.executable, "-c", f"{code}import time; time.sleep(600)"], {})


def test_a_service_that_runs_is_reused(processes: Processes) -> None:
    processes.launch(sleeper())
    first = processes.running("sleeper")
    processes.launch(sleeper())
    second = processes.running("sleeper")
    assert first is not None
    assert first == second


def test_a_service_whose_environment_changed_is_started_anew(processes: Processes) -> None:
    processes.launch(sleeper())
    first = processes.running("sleeper")
    processes.launch(replace(sleeper(), environment={"LANGUAGE": "tr"}))
    second = processes.running("sleeper")
    assert first is not None
    assert second is not None
    assert first.pid != second.pid
    assert not first.is_alive()


def test_it_is_ready_once_it_answers(processes: Processes) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    server = Service("server", [sys.executable, "-c", SERVER, str(port)], {}, url, {"server": port})
    processes.launch(server)
    processes.wait(server)
    assert processes.port("server", "server", 1) == port


def test_a_service_that_dies_while_it_starts_is_named_with_its_last_words(processes: Processes) -> None:
    broken = Service("broken", [sys.executable, "-c", "raise SystemExit('no such thing')"], {}, "http://127.0.0.1:9/")
    processes.launch(broken)
    with pytest.raises(ServiceError, match=r"broken stopped while it started: no such thing"):
        processes.wait(broken)


def test_what_a_service_started_is_stopped_with_it(processes: Processes) -> None:
    processes.launch(sleeper("family", FAMILY))
    running = processes.running("family")
    assert running is not None
    deadline = time.monotonic() + 20
    while not (children := psutil.Process(running.pid).children()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes.stop("family")
    assert [child for child in children if lives(child)] == []


def test_the_pid_of_another_process_after_a_power_cut_is_left_alone(processes: Processes) -> None:
    processes.launch(sleeper())
    file = processes.state / "sleeper.json"
    stale = json.loads(file.read_text())
    innocent = stale["pid"]
    file.write_text(json.dumps({**stale, "created": stale["created"] - 3600}))
    assert processes.running("sleeper") is None
    assert processes.stop("sleeper") is False
    assert psutil.pid_exists(innocent)
    psutil.Process(innocent).kill()


@pytest.mark.parametrize("rest", ["", "{", '{"name": "sleeper"}', "[]"])
def test_a_half_written_pid_file_counts_as_not_running(processes: Processes, rest: str) -> None:
    processes.state.mkdir(parents=True)
    (processes.state / "sleeper.json").write_text(rest)
    assert processes.running("sleeper") is None


def test_a_taken_port_is_left_to_its_owner() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert free_port(taken) != taken


def test_logs_and_pid_files_are_readable_by_their_owner_only(processes: Processes) -> None:
    processes.launch(sleeper())
    assert (processes.logs / "sleeper.log").stat().st_mode & 0o077 == 0
    assert (processes.state / "sleeper.json").stat().st_mode & 0o077 == 0
