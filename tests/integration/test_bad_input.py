"""Whatever a user gets wrong ends in one clear sentence, a non-zero exit, and with the tables as they were."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tracemart.services.environment import settings_environment
from tracemart.services.postgres import free_port
from tracemart.settings import PROJECT_ROOT, Settings
from tracemart.warehouse import Role, Warehouse

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
GOOD_ROW = "2023-11-16 18:15:46.6805900,374,44\n"


def tracemart(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    outside = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    nothing_else = {"TRACEMART_ENV_FILE": "/nonexistent", "PYTHONPATH": str(PROJECT_ROOT), "COLUMNS": "1000"}
    return subprocess.run(
        [sys.executable, "-m", "tracemart", *arguments],
        env={**outside, **nothing_else, **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def assert_one_clear_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done
    said = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(said) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in said[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00\xff\xfe", [], id="not text"),
        pytest.param(b"", ["empty"], id="empty file"),
        pytest.param(HEADER.encode(), [], id="no row"),
        pytest.param(b"TIMESTAMP,ContextTokens\n2023-11-16 18:15:46,3\n", ["GeneratedTokens"], id="missing column"),
        pytest.param(
            (HEADER + GOOD_ROW + "2023-11-16 18:15:50,-5,44\n").encode(),
            ["line 3", "ContextTokens"],
            id="negative tokens",
        ),
        pytest.param((HEADER + GOOD_ROW + "yesterday,3,44\n").encode(), ["line 3", "TIMESTAMP"], id="no date"),
    ],
)
def test_a_bad_request_log_is_refused_whole(tmp_path: Path, content: bytes, words: list[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(content)
    done = tracemart("demo", "--workload", str(log), TRACEMART_HOME=str(tmp_path / "home"))
    assert_one_clear_sentence(done, "log.csv", *words)
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_request_log_that_is_not_there(tmp_path: Path) -> None:
    done = tracemart("demo", "--workload", str(tmp_path / "none.csv"), TRACEMART_HOME=str(tmp_path / "home"))
    assert_one_clear_sentence(done, "none.csv")


class Impostor(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<html><body>It works!</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def impostor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def extract(settings: Settings, host: str) -> subprocess.CompletedProcess[str]:
    return tracemart(
        "extract",
        **settings_environment(settings),
        LANGFUSE_HOST=host,
        LANGFUSE_PUBLIC_KEY="pk-lf-1",
        LANGFUSE_SECRET_KEY="sk-lf-very-secret",
    )


def rows(settings: Settings) -> tuple[int, ...]:
    with Warehouse(settings).connect(Role.OWNER) as connection:
        tables = ("projects", "observations", "scores", "models", "prompts", "watermarks")
        return tuple(
            connection.execute(f"select count(*) from raw.{table}".encode()).fetchone()[0]  # type: ignore[index]
            for table in tables
        )


def test_a_host_that_does_not_answer(warehouse_settings: Settings) -> None:
    done = extract(warehouse_settings, f"http://127.0.0.1:{free_port()}")
    assert_one_clear_sentence(done, "127.0.0.1")
    assert "very-secret" not in done.stderr
    assert rows(warehouse_settings) == (0,) * 6


def test_a_host_that_is_no_langfuse(warehouse_settings: Settings, impostor: str) -> None:
    assert_one_clear_sentence(extract(warehouse_settings, impostor), impostor, "Langfuse")
    assert rows(warehouse_settings) == (0,) * 6


def test_no_project_is_set(warehouse_settings: Settings) -> None:
    assert_one_clear_sentence(tracemart("extract", **settings_environment(warehouse_settings)), "LANGFUSE_HOST")


def test_a_warehouse_that_does_not_answer(tmp_path: Path) -> None:
    port = free_port()
    url = f"postgresql://postgres:very-secret@127.0.0.1:{port}/warehouse"
    done = tracemart("sql", "select 1", TRACEMART_HOME=str(tmp_path), TRACEMART_DATABASE_URL=url)
    assert_one_clear_sentence(done, f"127.0.0.1:{port}/warehouse")
    assert "very-secret" not in done.stderr


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://127.0.0.1:x/y", "nonsense", "postgresql://127.0.0.1"])
def test_an_address_of_no_warehouse(tmp_path: Path, url: str) -> None:
    done = tracemart("sql", "select 1", TRACEMART_HOME=str(tmp_path), TRACEMART_DATABASE_URL=url)
    assert_one_clear_sentence(done, "TRACEMART_DATABASE_URL")


def test_a_query_that_is_none(warehouse_settings: Settings) -> None:
    done = tracemart("sql", "selec 1", **settings_environment(warehouse_settings))
    assert_one_clear_sentence(done, "syntax error")


def test_the_analyst_changes_nothing(warehouse_settings: Settings) -> None:
    done = tracemart("sql", "create table marts.mine (id int)", **settings_environment(warehouse_settings))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("megabytes", [24, 60])
def test_a_full_disk_is_named(tmp_path: Path, megabytes: int) -> None:
    """On a file system of its own, too small for PostgreSQL's binaries, or for a cluster."""
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root")
    for parent in [small, *small.parents][:5]:
        parent.chmod(parent.stat().st_mode | 0o055)
    try:
        log = tmp_path / "log.csv"
        log.write_text(HEADER + GOOD_ROW)
        done = tracemart("demo", "--workload", str(log), TRACEMART_HOME=str(small / "home"))
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert_one_clear_sentence(done, "no space left")
