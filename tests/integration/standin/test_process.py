"""The stand-in as the process that the demo starts: ready when it says so, silent about keys, clear when it cannot."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracemart.errors import ServiceError
from tracemart.standin.keys import make_keys, write_keys
from tracemart.standin.process import serving_process
from tracemart.standin.store import KeyPair
from tracemart.standin.synthetic import PROJECT_ID

COMMAND = [sys.executable, "-m", "tracemart.standin"]
SMALL = ["--observations", "600", "--days", "20", "--seed", "3", "--end", "2026-11-22"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
PROJECTS = ("support-assistant", "sales-copilot", "engineering-agents", "document-intelligence")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    write_keys(path, make_keys(PROJECTS))
    return path


@pytest.fixture
def process(keys_file: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [*COMMAND, "serve", "--port", "0", "--keys", str(keys_file), *SMALL]
    with subprocess.Popen(arguments, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_serves_from_the_moment_it_says_ready_until_it_is_told_to_stop(
    process: subprocess.Popen[str], keys_file: Path
) -> None:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("stand-in ready on http://127.0.0.1:")
    address = line.split()[3]
    pair = json.loads(keys_file.read_text())["sales-copilot"]
    assert httpx.get(f"{address}/api/public/health").json() == {"status": "OK", "version": "4.16.0"}
    answer = httpx.get(f"{address}/api/public/projects", auth=(pair["public_key"], pair["secret_key"]))
    assert answer.json()["data"][0]["name"] == "Sales Copilot"

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) in (0, -signal.SIGTERM)
    assert process.stdout.read() == ""


def test_truth_is_json_and_names_its_projects() -> None:
    truth = json.loads(run("truth", *SMALL).stdout)
    assert tuple(truth["projects"]) == PROJECTS
    assert truth["as_of"] == "2026-11-22T00:00:00+00:00"
    projects = json.loads(run("projects", *SMALL).stdout)
    assert [project["id"] for project in projects] == list(PROJECTS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["truth", "--workload", "/nowhere/log.csv"], "/nowhere/log.csv: the file cannot be read"),
        (["truth", "--end", "soon"], "--end wants an ISO date or time"),
        (["truth", "--synthetic", "0"], "a synthetic stream needs at least one row"),
        (["truth", "--days", "0"], "a made workload needs 1 to 3660 days"),
        (["serve", "--port", "1", "--keys", "/nowhere/keys.json", *SMALL], "the key file /nowhere/keys.json cannot be"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_stream_fails_on_the_way_if_told_but_its_rows_do_not_change(keys_file: Path, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    arguments = ["--synthetic", "100", "--end", "2026-11-22", "--faults", str(faults)]
    write_keys(keys_file, make_keys([PROJECT_ID]))
    faults.write_text('{"changes": [{"kind": "late"}]}')
    refused = run("serve", "--port", "0", "--keys", str(keys_file), *arguments)
    assert refused.returncode == 1
    assert "rows that do not change" in refused.stderr
    pair = KeyPair("pk-lf-stream", "sk-lf-stream")
    faults.write_text('{"faults": [{"kind": "unavailable", "at": [1]}]}')
    with (
        serving_process(arguments, {PROJECT_ID: pair}) as address,
        httpx.Client(base_url=address, auth=(pair.public_key, pair.secret_key), timeout=30) as client,
    ):
        assert [client.get("/api/public/v2/observations").status_code for _ in range(2)] == [503, 200]


def test_a_port_that_is_taken_is_named(keys_file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), "--keys", str(keys_file), *SMALL)
    assert done.returncode == 1
    assert done.stderr == f"port {port} cannot be used (Address already in use); choose another with --port.\n"


def test_a_synthetic_stream_is_served_and_adds_up_to_its_truth() -> None:
    arguments = ["--synthetic", "3000", "--per-day", "1000", "--end", "2026-11-22"]
    (project,) = json.loads(run("projects", *arguments).stdout)
    totals = json.loads(run("truth", *arguments).stdout)["totals"]
    pair = KeyPair("pk-lf-stream", "sk-lf-stream")
    rows: list[dict[str, Any]] = []
    with (
        serving_process([*arguments, "--rendered-megabytes", "4"], {project["id"]: pair}) as address,
        httpx.Client(base_url=address, auth=(pair.public_key, pair.secret_key), timeout=30) as client,
    ):
        params = {"fields": "usage", "limit": "1000", "toStartTime": "2026-11-22T00:00:00Z"}
        while True:
            page = client.get("/api/public/v2/observations", params=params).json()
            rows += page["data"]
            if "cursor" not in page["meta"]:
                break
            params["cursor"] = page["meta"]["cursor"]

    assert len({row["id"] for row in rows}) == len(rows) == totals["observations"] == 3000
    assert sum(row["totalUsage"] for row in rows) == totals["tokens"]["total"]
    assert sum(Decimal(repr(row["totalCost"])) for row in rows) == Decimal(totals["cost_usd"])


def test_a_process_that_cannot_serve_is_an_error_at_once() -> None:
    with pytest.raises(ServiceError, match="did not start"), serving_process(["--synthetic", "0"], {}):
        pass
