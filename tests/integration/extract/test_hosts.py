"""Hosts that are no Langfuse, or none at all: one sentence each, and nothing in the warehouse."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from tracemart.errors import LangfuseUnreachableError, NotLangfuseError
from tracemart.extract import client
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    original = client.LangfuseClient.__init__

    def quick_client(
        self: client.LangfuseClient, project: LangfuseProject, patience: Any = None, *, pace: client.Pace | None = None
    ) -> None:
        original(self, project, client.Patience(attempts=2, first_pause=timedelta(0)), pace=pace)

    monkeypatch.setattr(client.LangfuseClient, "__init__", quick_client)


def project_at(port: int) -> LangfuseProject:
    return LangfuseProject(
        instance="demo",
        host=f"http://127.0.0.1:{port}",
        public_key="pk-lf-hidden",
        secret_key=SecretStr("sk-lf-hidden"),
    )


@pytest.fixture
def web_server() -> Iterator[Callable[[str, bytes], int]]:
    """Starts a server that answers every request alike; its port."""
    servers: list[HTTPServer] = []

    def start(kind: str, body: bytes) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return int(server.server_address[1])

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def assert_one_sentence(error: Exception, port: int) -> None:
    message = str(error)
    assert f"127.0.0.1:{port}" in message
    assert "hidden" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<html><body>It works!</body></html>"),
        ("application/json", b'{"name":"another service","version":"1.0"}'),
        ("application/json", b"[]"),
        ("text/plain", b""),
    ],
)
def test_another_server(
    settings: Settings,
    query: Callable[..., Any],
    web_server: Callable[[str, bytes], int],
    kind: str,
    body: bytes,
) -> None:
    port = web_server(kind, body)

    with pytest.raises(NotLangfuseError) as caught:
        extract(settings, project_at(port))

    assert_one_sentence(caught.value, port)
    assert query("select count(*) from raw.loads") == [(0,)]


def test_nobody_listens(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        with pytest.raises(LangfuseUnreachableError) as caught:
            extract(settings, project_at(port))

    assert_one_sentence(caught.value, port)


def test_server_that_hangs_up(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def hang_up() -> None:
            for _ in range(2):
                connection, _address = server.accept()
                connection.recv(1000)
                connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(LangfuseUnreachableError) as caught:
            extract(settings, project_at(port))
        thread.join()

    assert_one_sentence(caught.value, port)


def test_name_that_does_not_exist(settings: Settings) -> None:
    project = project_at(1).model_copy(update={"host": "http://no-such-host.invalid"})

    with pytest.raises(LangfuseUnreachableError, match=r"no-such-host\.invalid"):
        extract(settings, project)
