"""Airflow's parts on one machine, and its REST API."""

import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from tracemart.credentials import credential, write_private
from tracemart.errors import ServiceError
from tracemart.services.environment import process_environment
from tracemart.services.processes import Service
from tracemart.settings import PROJECT_ROOT, Settings

USER = "admin"
DAGS = ["extract_langfuse", "build_marts", "forecast_usage", "email_report", "maintain_warehouse"]
POOLS_FILE = PROJECT_ROOT / "dags" / "pools.json"
FINISHED = {"success", "failed"}


def airflow_environment(
    settings: Settings, database_url: str, port: int, *, api_host: str = "127.0.0.1"
) -> dict[str, str]:
    """Airflow's settings as environment; its secrets come from the credentials, its metadata from `database_url`.

    `api_host` is where the other parts of Airflow reach its API server.
    """
    home = settings.home / "airflow"
    passwords = home / "passwords.json"
    write_private(passwords, json.dumps({USER: credential(settings.home, "airflow_password")}))
    environment = {
        **process_environment(settings),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__FERNET_KEY": fernet_key(credential(settings.home, "airflow_fernet")),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{api_host}:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": credential(settings.home, "airflow_secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": credential(settings.home, "airflow_jwt_secret"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": psycopg_url(database_url),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "5",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.home / "logs" / "airflow"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    if settings.smtp_url is not None:
        environment["AIRFLOW_CONN_TRACEMART_SMTP"] = smtp_connection(settings)
    return environment


def airflow_services(environment: dict[str, str], port: int, *, listen: str = "127.0.0.1") -> list[Service]:
    def part(name: str, *arguments: str, health_url: str | None = None, **ports: int) -> Service:
        command = [sys.executable, "-m", "airflow", name, *arguments]
        return Service(f"airflow-{name}", command, environment, health_url, ports)

    return [
        part(
            "api-server", "--host", listen, "--port", str(port), "--workers", "1",
            health_url=f"http://127.0.0.1:{port}/api/v2/version", airflow=port,
        ),
        part("scheduler", "--skip-serve-logs"),
        part("dag-processor"),
        part("triggerer", "--skip-serve-logs"),
    ]  # fmt: skip


def migrate_airflow(environment: dict[str, str], log: Path) -> None:
    """Make or upgrade Airflow's metadata database. Raises ServiceError."""
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise ServiceError(f"Airflow could not prepare its database; see {log}.")


class AirflowApi:
    """Talks to Airflow's REST API v2 as the administrator."""

    def __init__(self, base_url: str, password: str) -> None:
        self.client = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        answer = self.client.post("/auth/token", json={"username": USER, "password": password})
        if answer.status_code not in (200, 201):
            raise ServiceError(f"Airflow at {base_url} refuses the log-in of {USER} (HTTP {answer.status_code}).")
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def make_pools(self) -> None:
        for name, pool in json.loads(POOLS_FILE.read_text()).items():
            self._send("POST", "/api/v2/pools", allowed=(409,), json={"name": name, **pool})

    def wait_for_dags(self, names: list[str], seconds: int = 120) -> None:
        """Until the DAG processor has read all of them. Raises ServiceError naming import errors."""
        deadline = time.monotonic() + seconds
        while True:
            errors = self._send("GET", "/api/v2/importErrors").json()["import_errors"]
            if errors:
                first = errors[0]["stack_trace"].strip().splitlines()[-1]
                raise ServiceError(f"Airflow cannot read {errors[0]['filename']}: {first}")
            known = {dag["dag_id"] for dag in self._send("GET", "/api/v2/dags", params={"limit": 100}).json()["dags"]}
            if known.issuperset(names):
                return
            if time.monotonic() > deadline:
                raise ServiceError(f"Airflow has not read {', '.join(sorted(set(names) - known))} in {seconds} s.")
            time.sleep(0.5)

    def unpause(self, dag_id: str) -> None:
        self._send("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def run(self, dag_id: str) -> str:
        """Start a run now; its id. A DAG that waits only for an asset can be run so too."""
        answer = self._send(
            "POST",
            f"/api/v2/dags/{dag_id}/dagRuns",
            json={"logical_date": datetime.now(UTC).isoformat()},
        )
        run_id: str = answer.json()["dag_run_id"]
        return run_id

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Runs of the DAG, newest first."""
        answer = self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 20})
        runs: list[dict[str, Any]] = answer.json()["dag_runs"]
        return runs

    def wait_for_run(
        self, dag_id: str, known_runs: set[str], seconds: int = 900, note: Callable[[str], None] | None = None
    ) -> dict[str, Any]:
        """The newest run that is not among the known ones, when all of these have ended and no asset asks for more.

        Raises ServiceError if one fails or none comes.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # Asked for first: a run that an event is waiting for is made and its event taken away in one transaction.
            is_awaited = self.has_queued_events(dag_id)
            new = [run for run in self.runs(dag_id) if run["dag_run_id"] not in known_runs]
            ended = [run for run in new if run["state"] in FINISHED]
            if new and len(ended) == len(new) and not is_awaited:
                failed = [run for run in ended if run["state"] == "failed"]
                if failed:
                    raise ServiceError(f"{dag_id} failed: {self.failure(dag_id, failed[0]['dag_run_id'])}")
                return ended[0]
            if note is not None and new:
                note(self.task_in_work(dag_id, new[0]["dag_run_id"]))
            time.sleep(0.7)
        raise ServiceError(f"{dag_id} has not ended within {seconds} s; look at its run in Airflow.")

    def has_queued_events(self, dag_id: str) -> bool:
        """Whether events of assets wait to start a run, which they do while as many as may run."""
        answer = self._send("GET", f"/api/v2/dags/{dag_id}/assets/queuedEvents", allowed=(404,))
        return answer.status_code != 404 and bool(answer.json()["queued_events"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        answer = self._send("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 200})
        instances: list[dict[str, Any]] = answer.json()["task_instances"]
        return instances

    def task_in_work(self, dag_id: str, run_id: str) -> str:
        running = {task["task_id"] for task in self.task_instances(dag_id, run_id) if task["state"] == "running"}
        return ", ".join(sorted(running))

    def failure(self, dag_id: str, run_id: str) -> str:
        failed = [task for task in self.task_instances(dag_id, run_id) if task["state"] == "failed"]
        if not failed:
            return f"run {run_id}"
        task = failed[0]
        log = self._send(
            "GET",
            f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{max(task['try_number'], 1)}",
            params={"map_index": task["map_index"]},
            headers={"Accept": "application/json"},
        ).json()
        return f"task {task['task_id']}: {error_in_log(log.get('content', []))}"

    def _send(self, method: str, path: str, allowed: tuple[int, ...] = (), **arguments: Any) -> httpx.Response:
        try:
            answer = self.client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise ServiceError(f"Airflow does not answer at {self.client.base_url}: {error}.") from None
        if answer.is_error and answer.status_code not in allowed:
            raise ServiceError(f"Airflow answers {answer.status_code} to {method} {path}: {answer.text[:300]}")
        return answer


def error_in_log(content: list[Any]) -> str:
    """The message of the last exception that a task's log holds."""
    for entry in reversed(content):
        if isinstance(entry, dict) and entry.get("error_detail"):
            detail = entry["error_detail"][-1]
            return f"{detail.get('exc_type')}: {detail.get('exc_value')}"
    return "see its log in Airflow"


def psycopg_url(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql+psycopg"))


def fernet_key(secret: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).decode()


def smtp_connection(settings: Settings) -> str:
    """Airflow's SMTP connection for the URL that TRACEMART_SMTP_URL holds: smtp:// (plain or STARTTLS) or smtps://."""
    assert settings.smtp_url is not None
    parts = urlsplit(settings.smtp_url.get_secret_value())
    encrypted = parts.scheme == "smtps"
    has_starttls = "starttls" in parts.query or parts.scheme == "smtp+starttls"
    extra = {
        "disable_ssl": not encrypted,
        "disable_tls": not has_starttls,
        "from_email": settings.report_sender,
    }
    return json.dumps(
        {
            "conn_type": "smtp",
            "host": parts.hostname,
            "port": parts.port or (465 if encrypted else 25),
            "login": parts.username,
            "password": parts.password,
            "extra": extra,
        }
    )
