"""Where benchmarks run: a Postgres and a stand-in of their own in a folder that goes afterwards."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from tracemart.services.postgres import EmbeddedPostgres, free_port
from tracemart.settings import PROJECT_ROOT, Settings
from tracemart.standin.synthetic.stream import PROJECT_ID
from tracemart.warehouse import Warehouse

END = datetime(2026, 11, 1, tzinfo=UTC)
KEYS = {PROJECT_ID: {"public_key": "pk-lf-bench", "secret_key": "sk-lf-bench"}}


@dataclass(frozen=True)
class Server:
    host: str
    spec: tuple[str, ...]

    @property
    def truth(self) -> dict[str, Any]:
        printed = subprocess.run(
            [sys.executable, "-m", "tracemart.standin", "truth", *self.spec],
            check=True, capture_output=True, cwd=PROJECT_ROOT,
        )  # fmt: skip
        content: dict[str, Any] = json.loads(printed.stdout)
        return content


@dataclass(frozen=True)
class Place:
    home: Path
    postgres: EmbeddedPostgres

    def database(self, name: str) -> str:
        """The owner's URL of a new, migrated warehouse."""
        port = self.postgres.running_port() or self.postgres.start()
        self.postgres.create_database(port, name)
        url = self.postgres.url(port, name)
        Warehouse(Settings(home=self.home, database_url=SecretStr(url))).migrate()
        return url

    def postgres_pid(self) -> int:
        return int((self.postgres.data / "postmaster.pid").read_text().splitlines()[0])

    def environment(self, url: str, server: Server | None = None, as_of: datetime = END) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRACEMART_", "LANGFUSE_"))}
        settings = {
            "PYTHONPATH": str(PROJECT_ROOT),
            "TRACEMART_HOME": str(self.home),
            "TRACEMART_ENV_FILE": str(self.home / "no.env"),
            "TRACEMART_PROJECTS_FILE": str(self.home / "no-projects.yml"),
            "TRACEMART_DATABASE_URL": url,
            "TRACEMART_AS_OF": as_of.isoformat(),
        }
        if server is not None:
            settings |= {
                "LANGFUSE_HOST": server.host,
                "LANGFUSE_PUBLIC_KEY": KEYS[PROJECT_ID]["public_key"],
                "LANGFUSE_SECRET_KEY": KEYS[PROJECT_ID]["secret_key"],
            }
        return kept | settings

    @contextmanager
    def standin(self, rows: int, per_day: int, *options: str) -> Iterator[Server]:
        """A stand-in that serves a synthetic stream of `rows` rows up to END."""
        port = free_port()
        keys = self.home / "keys.json"
        keys.write_text(json.dumps(KEYS))
        keys.chmod(0o600)
        spec = ("--synthetic", str(rows), "--per-day", str(per_day), "--end", END.date().isoformat())
        process = subprocess.Popen(
            [
                sys.executable, "-m", "tracemart.standin", "serve", "--port", str(port), "--keys", str(keys), *spec,
                *options,
            ],
            cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        )  # fmt: skip
        server = Server(f"http://127.0.0.1:{port}", spec)
        try:
            _await(server.host, process)
            yield server
        finally:
            process.terminate()
            process.wait()


@contextmanager
def place() -> Iterator[Place]:
    home = Path(tempfile.mkdtemp(prefix="tracemart-bench-"))
    home.chmod(0o755)
    postgres = EmbeddedPostgres(home)
    try:
        yield Place(home, postgres)
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)


def measured(script: str, environment: dict[str, str], *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """What a script beside this one prints as its last line, run in a process of its own."""
    path = Path(__file__).with_name(script)
    done = subprocess.run(
        [python, str(path), *arguments], env=environment, capture_output=True, text=True, cwd=PROJECT_ROOT, check=False
    )
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stderr[-3000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def _await(host: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit("The stand-in did not start.")
        try:
            if httpx.get(f"{host}/api/public/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit("The stand-in did not start in time.")
