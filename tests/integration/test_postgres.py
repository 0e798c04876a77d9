"""The embedded PostgreSQL survives what happens to a machine."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tracemart.services.postgres import EmbeddedPostgres


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    home = tmp_path_factory.mktemp("a home")
    for folder in [home, *home.parents][:4]:
        folder.chmod(folder.stat().st_mode | 0o055)
    server = EmbeddedPostgres(home)
    yield server
    server.stop()


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def test_a_second_start_finds_the_running_server(server: EmbeddedPostgres) -> None:
    assert server.start() == server.start()


def test_it_starts_again_after_a_power_cut_with_its_data(server: EmbeddedPostgres) -> None:
    port = server.start()
    server.create_database(port, "kept")
    os.kill(postmaster(server), signal.SIGKILL)
    port = server.start(port)
    with psycopg.connect(server.url(port, "kept")) as connection:
        assert connection.execute("select current_database()").fetchone() == ("kept",)


def test_its_databases_order_texts_by_code_point_without_the_c_library(server: EmbeddedPostgres) -> None:
    port = server.start()
    server.create_database(port, "ordered")
    with psycopg.connect(server.url(port, "ordered")) as connection:
        texts = connection.execute(
            "select string_agg(letter, '' order by letter) from unnest(%s::text[]) as letter", (list("éaZ_b"),)
        ).fetchone()
        provider = connection.execute(
            "select datlocprovider::text from pg_database where datname = current_database()"
        ).fetchone()
    assert (texts, provider) == (("Z_abé",), ("b",))


def test_a_half_made_cluster_is_made_anew(server: EmbeddedPostgres) -> None:
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("18\n")
    assert server.start() > 0


def test_a_taken_port_is_left_to_its_owner(server: EmbeddedPostgres) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert server.start(taken) != taken


def test_nobody_gets_in_without_the_password(server: EmbeddedPostgres) -> None:
    port = server.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres")


def test_it_listens_on_loopback_only(server: EmbeddedPostgres) -> None:
    port = server.start()
    with psycopg.connect(server.url(port, "postgres")) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)


def test_no_password_lies_in_a_file_that_others_can_read(server: EmbeddedPostgres) -> None:
    server.start()
    password = (server.home / "credentials.json").read_text().split('"')[3]
    readable = [
        file
        for file in Path(server.home).rglob("*")
        if file.is_file() and file.stat().st_mode & 0o077 and password.encode() in file.read_bytes()
    ]
    assert readable == []
