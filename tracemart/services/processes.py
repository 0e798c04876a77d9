"""Long-running processes of one machine: started once, found again, stopped by their pid."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from tracemart.credentials import write_private
from tracemart.errors import ServiceError
from tracemart.services.postgres import free_port, last_line

STOP_SECONDS = 20


@dataclass(frozen=True)
class Service:
    """A process that answers 200 at `health_url` once it is ready (None: ready as soon as it runs)."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = field(repr=False)
    health_url: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)
    start_seconds: int = 180

    def fingerprint(self) -> str:
        """Changes whenever the process would have to be started anew."""
        content = json.dumps([self.command, dict(sorted(self.environment.items())), code_version()])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class RunningService:
    name: str
    pid: int
    created: float
    fingerprint: str
    ports: dict[str, int]
    log: Path

    def is_alive(self) -> bool:
        # A pid alone may be another process by now: after a power cut numbers start anew.
        try:
            process = psutil.Process(self.pid)
            return bool(abs(process.create_time() - self.created) < 2) and lives(process)
        except psutil.NoSuchProcess:
            return False


class Processes:
    """The services below one home; their pid files lie in `home/run`, their logs in `home/logs`."""

    def __init__(self, home: Path) -> None:
        self.state = home / "run"
        self.logs = home / "logs"

    def port(self, service: str, name: str, preferred: int) -> int:
        """The port of that name which the service has already, else the preferred one, else a free one."""
        running = self.running(service)
        if running is not None and name in running.ports:
            return running.ports[name]
        return free_port(preferred)

    def running(self, name: str) -> RunningService | None:
        file = self.state / f"{name}.json"
        try:
            known = json.loads(file.read_text())
            service = RunningService(**{**known, "log": Path(known["log"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return service if service.is_alive() else None

    def all_running(self) -> list[RunningService]:
        names = sorted(file.stem for file in self.state.glob("*.json"))
        return [service for service in map(self.running, names) if service is not None]

    def launch(self, service: Service) -> None:
        """Start it unless it runs just so already."""
        running = self.running(service.name)
        if running is not None and running.fingerprint == service.fingerprint():
            return
        if running is not None:
            self.stop(service.name)
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{service.name}.log"
        with log.open("wb") as output:
            os.fchmod(output.fileno(), 0o600)
            process = subprocess.Popen(
                service.command,
                env=dict(service.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.state.parent,
            )
        started = {
            "name": service.name,
            "pid": process.pid,
            "created": psutil.Process(process.pid).create_time(),
            "fingerprint": service.fingerprint(),
            "ports": dict(service.ports),
            "log": str(log),
        }
        write_private(self.state / f"{service.name}.json", json.dumps(started))

    def wait(self, service: Service) -> None:
        deadline = time.monotonic() + service.start_seconds
        while True:
            running = self.running(service.name)
            if running is None:
                log = self.logs / f"{service.name}.log"
                raise ServiceError(f"{service.name} stopped while it started: {last_line(log)} See {log}.")
            if service.health_url is None or answers(service.health_url):
                return
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{service.name} did not answer within {service.start_seconds} s at {service.health_url};"
                    f" see {running.log}."
                )
            time.sleep(0.2)

    def wait_all(self, services: Iterable[Service]) -> None:
        for service in services:
            self.wait(service)

    def stop(self, name: str) -> bool:
        """Stop the service and all that it started; whether it ran."""
        running = self.running(name)
        (self.state / f"{name}.json").unlink(missing_ok=True)
        if running is None:
            return False
        family = [psutil.Process(running.pid)]
        with contextlib.suppress(psutil.NoSuchProcess):
            family += family[0].children(recursive=True)
        for ending in (signal.SIGTERM, signal.SIGKILL):
            family = [process for process in family if lives(process)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(ending)
            deadline = time.monotonic() + STOP_SECONDS
            while any(map(lives, family)) and time.monotonic() < deadline:
                time.sleep(0.05)
        return True


def lives(process: psutil.Process) -> bool:
    """Whether it still does anything: a zombie that nobody waits for does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=3, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def code_version() -> str:
    """Changes with the package's files, so that a service of an older version is not reused."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        stat = file.stat()
        digest.update(f"{file.relative_to(package)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
