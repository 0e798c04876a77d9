"""Starts and stops all services of an instance in the order in which they need one another."""

import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from tracemart.credentials import credential
from tracemart.errors import ServiceError
from tracemart.services.airflow import (
    DAGS,
    AirflowApi,
    airflow_environment,
    airflow_services,
    migrate_airflow,
)
from tracemart.services.environment import make_folders, process_environment
from tracemart.services.instance import DemoWorkload, Instance, active_instance, on_database
from tracemart.services.postgres import EmbeddedPostgres, create_database
from tracemart.services.processes import Processes, Service
from tracemart.services.standin_projects import KEYS_FILE, write_standin_projects
from tracemart.services.steps import Steps
from tracemart.services.superset import (
    ADMIN_USER,
    prepare_superset,
    superset_command,
    superset_environment,
)
from tracemart.settings import Settings
from tracemart.warehouse import Warehouse

POSTGRES_PORT = 5432
PORTS = {
    "airflow": ("airflow-api-server", 8080),
    "superset": ("superset", 8088),
    "standin": ("standin", 3000),
    "smtp": ("mailbox", 1025),
    "mailbox": ("mailbox", 8025),
}
DEMO_RECIPIENT = "team@example.com"


@dataclass(frozen=True)
class Stack:
    """A running instance and where its parts are reached."""

    instance: Instance
    ports: dict[str, int]

    @property
    def home(self) -> Path:
        return self.instance.settings.home

    @property
    def airflow_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['airflow']}"

    @property
    def superset_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['superset']}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['mailbox']}"

    @property
    def standin_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['standin']}"

    @property
    def superset_user(self) -> str:
        return ADMIN_USER

    @property
    def superset_password(self) -> str:
        return credential(self.home, "superset_password")

    @property
    def airflow_password(self) -> str:
        return credential(self.home, "airflow_password")

    def airflow(self) -> AirflowApi:
        return AirflowApi(self.airflow_url, self.airflow_password)


def start(settings: Settings, workload: DemoWorkload | None, steps: Steps) -> Stack:
    """Start what is not yet started; with a workload the stand-in and the mailbox too. Raises ServiceError."""
    make_folders(settings.home)
    processes = Processes(settings.home)
    with steps.step("PostgreSQL"):
        server_url = postgres_server(settings)
    ports = {name: processes.port(service, name, preferred) for name, (service, preferred) in PORTS.items()}
    instance = _instance(settings, workload, server_url, ports)
    stack = Stack(instance, ports)
    services = _standin_and_mailbox(stack, workload) if workload else []

    new_databases = _create_databases(instance, server_url)
    airflow = airflow_environment(instance.settings, instance.beside("airflow"), ports["airflow"])
    superset = superset_environment(instance.settings, instance.beside("superset"))
    airflow_parts = airflow_services(airflow, ports["airflow"])
    superset_server = Service(
        "superset",
        superset_command(ports["superset"]),
        superset,
        f"{stack.superset_url}/health",
        {"superset": ports["superset"]},
    )
    wanted = {service.name for service in [*services, *airflow_parts, superset_server]}
    for running in processes.all_running():
        if running.name not in wanted:
            processes.stop(running.name)

    for service in services:
        processes.launch(service)
    log = settings.home / "logs"
    steps.together(
        ("Warehouse", lambda: _ignore(Warehouse(instance.settings).migrate())),
        ("Airflow's database", lambda: _prepare_airflow(airflow, instance, "airflow" in new_databases)),
        (
            "Superset's database",
            lambda: prepare_superset(superset, log / "superset-prepare.log", is_new="superset" in new_databases),
        ),
        *((f"{service.name} ready", lambda service=service: processes.wait(service)) for service in services),
    )
    instance.activate()
    for service in [*airflow_parts, superset_server]:
        processes.launch(service)
    steps.together(
        ("Airflow", lambda: processes.wait_all(airflow_parts)),
        ("Superset", lambda: processes.wait(superset_server)),
    )
    with steps.step("Airflow has read the DAGs"):
        api = stack.airflow()
        api.make_pools()
        api.wait_for_dags(DAGS)
    return stack


def running_stack(home: Path) -> Stack:
    """The stack that runs below that home. Raises ServiceError where none does."""
    active = active_instance(home)
    if active is None:
        raise ServiceError("Nothing runs: start it with ./run demo or ./run up.")
    ports = {name: port for service in Processes(home).all_running() for name, port in service.ports.items()}
    settings = Settings.configured(home=home, **active["settings"])
    return Stack(Instance(active["name"], active["is_demo"], settings, active["asked_database_url"]), ports)


def stop(home: Path) -> list[str]:
    """Stop every service below that home, PostgreSQL last; what was stopped."""
    processes = Processes(home)
    stopped = [running.name for running in reversed(processes.all_running()) if processes.stop(running.name)]
    postgres = EmbeddedPostgres(home)
    if postgres.running_port() is not None:
        postgres.stop()
        stopped.append("postgres")
    return stopped


def postgres_server(settings: Settings) -> str:
    """URL of the server's maintenance database: the team's server, or the embedded one, started if need be."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    postgres = EmbeddedPostgres(settings.home)
    return postgres.url(postgres.start(POSTGRES_PORT), "postgres")


def _instance(settings: Settings, workload: DemoWorkload | None, server_url: str, ports: dict[str, int]) -> Instance:
    asked = settings.database_url.get_secret_value() if settings.database_url else None
    superset_url = f"http://127.0.0.1:{ports['superset']}"
    if workload is None:
        url = asked or on_database(server_url, "tracemart")
        own = settings.model_copy(update={"database_url": SecretStr(url), "superset_url": superset_url})
        return Instance("tracemart", False, own, asked)
    folder = settings.home / "demo" / workload.database
    own = settings.model_copy(
        update={
            "database_url": SecretStr(on_database(server_url, workload.database)),
            "superset_url": superset_url,
            "projects_file": folder / "projects.yml",
            "smtp_url": SecretStr(f"smtp://127.0.0.1:{ports['smtp']}"),
            "report_recipients": settings.report_recipients or [DEMO_RECIPIENT],
            "as_of": workload.as_of,
        }
    )
    return Instance(workload.database, True, own, asked)


def _create_databases(instance: Instance, server_url: str) -> set[str]:
    """Make the three databases; the suffixes of those that are new ("" for the warehouse)."""
    return {
        suffix
        for suffix in ("", "airflow", "superset")
        if create_database(server_url, instance.database + (f"_{suffix}" if suffix else ""))
    }


def _prepare_airflow(environment: dict[str, str], instance: Instance, is_new: bool) -> None:
    from importlib.metadata import version

    mark = instance.settings.home / "airflow" / f"migrated-{instance.database}"
    if not is_new and mark.exists() and mark.read_text() == version("apache-airflow"):
        return
    migrate_airflow(environment, instance.settings.home / "logs" / "airflow-migrate.log")
    mark.write_text(version("apache-airflow"))


def _standin_and_mailbox(stack: Stack, workload: DemoWorkload) -> list[Service]:
    folder = stack.instance.settings.projects_file.parent
    write_standin_projects(folder, workload.projects(), stack.standin_url)
    environment = process_environment(stack.instance.settings)
    standin = Service(
        "standin",
        [
            sys.executable, "-m", "tracemart.standin", "serve", "--port", str(stack.ports["standin"]),
            "--keys", str(folder / KEYS_FILE), *workload.arguments(),
        ],
        environment,
        f"{stack.standin_url}/api/public/health",
        {"standin": stack.ports["standin"]},
    )  # fmt: skip
    mailbox = Service(
        "mailbox",
        [
            sys.executable, "-m", "tracemart.services.mailbox", "--smtp-port", str(stack.ports["smtp"]),
            "--http-port", str(stack.ports["mailbox"]), "--folder", str(folder / "mail"),
        ],
        environment,
        stack.mailbox_url,
        {"mailbox": stack.ports["mailbox"], "smtp": stack.ports["smtp"]},
    )  # fmt: skip
    return [standin, mailbox]


def _ignore(_: object) -> None:
    return None
