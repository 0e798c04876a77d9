"""The scripts of the images that use nothing but the standard library."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tracemart.settings import PROJECT_ROOT

HEALTH = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy"},
    "triggerer": {"status": "unhealthy"},
}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()
        self.wfile.write(json.dumps(HEALTH).encode())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[str]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def call(script: str, *arguments: str, home: Path = Path("/nowhere")) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", str(PROJECT_ROOT / "docker" / script), *arguments],
        env={"TRACEMART_HOME": str(home)}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_part_is_healthy_when_airflow_says_so(server: str) -> None:
    assert call("healthy.py", f"{server}/health").returncode == 0
    assert call("healthy.py", f"{server}/health", "scheduler").returncode == 0
    refused = call("healthy.py", f"{server}/health", "scheduler", "triggerer")
    assert (refused.returncode, refused.stderr.strip()) == (1, "triggerer is unhealthy")


def test_a_server_that_fails_or_is_away_is_not_healthy(server: str) -> None:
    assert call("healthy.py", f"{server}/other").returncode == 1
    refused = call("healthy.py", "http://127.0.0.1:1/health")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_superset_starts_as_init_has_written(tmp_path: Path) -> None:
    file = tmp_path / "superset" / "container.json"
    file.parent.mkdir()
    command = [sys.executable, "-c", "import os; print(os.environ['TOLD'])"]
    file.write_text(json.dumps({"environment": {"TOLD": "by init"}, "command": command}))
    started = call("start_superset.py", "serve", home=tmp_path)
    assert (started.returncode, started.stdout) == (0, "by init\n")


def test_superset_says_who_should_have_written_its_start(tmp_path: Path) -> None:
    refused = call("start_superset.py", "serve", home=tmp_path)
    assert refused.returncode == 1
    assert "the service init writes it" in refused.stderr
