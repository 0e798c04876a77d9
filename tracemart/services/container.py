"""One part of Tracemart as the process of a container: `python -m tracemart.services.container PART`.

docker-compose.yml gives each part that `./run up` starts a container of its own. Commands and environments come from
the same functions; only addresses differ: a part is reached by the name of its service, on the port that is published.

init             once, before all else: databases, migrations, what Superset's containers need to know
airflow-…        becomes that part of Airflow
launch           once, when all runs: dashboards, pools, DAGs let loose; in the demo waits for their first runs
standin mailbox  become the demo's Langfuse and mail server
run ARGUMENTS    the command line, such as `run sql "select 1"`
"""

import json
import os
import sys
import time
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from rich.console import Console

from tracemart.credentials import credential, write_private
from tracemart.errors import ServiceError, SettingsError, TracemartError
from tracemart.services.airflow import DAGS, AirflowApi, airflow_environment, airflow_services, migrate_airflow
from tracemart.services.container_demo import demo_instance, demo_workload, is_demo, keys_file
from tracemart.services.container_places import listen_address, place, port
from tracemart.services.demo import CHAIN
from tracemart.services.environment import make_folders, process_environment, turn_telemetry_off
from tracemart.services.instance import Instance, deactivate
from tracemart.services.postgres import create_database
from tracemart.services.processes import answers
from tracemart.services.steps import Steps
from tracemart.services.superset import ADMIN_USER, superset_command, superset_environment
from tracemart.settings import Settings
from tracemart.warehouse import Warehouse

SECRETS_FOLDER = Path("/run/secrets")
PROJECTS_FILE = "projects"
SECRETS = (
    "postgres_password",
    "loader_password",
    "transformer_password",
    "forecaster_password",
    "analyst_password",
    "airflow_password",
    "airflow_fernet",
    "airflow_secret_key",
    "airflow_jwt_secret",
    "superset_password",
    "superset_secret_key",
)
SUPERSET_START = "superset/container.json"
AIRFLOW_PARTS = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
PARTS = ("init", *AIRFLOW_PARTS, "launch", "standin", "mailbox", "run")


def main(argv: Sequence[str]) -> int:
    """Run or become the part; 1 after an error of our own, 2 for a part that is none."""
    part, *arguments = argv or [""]
    if part not in PARTS:
        print(f"There is no part {part!r}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    turn_telemetry_off()
    try:
        read_secrets(SECRETS_FOLDER, os.environ)
        settings = container_settings()
        if part == "init":
            initialise(settings)
        elif part == "launch":
            launch(settings)
        elif part == "run":
            os.execve(sys.executable, [sys.executable, "-m", "tracemart", *arguments], os.environ)  # noqa: S606
        else:
            become(part, settings)
    except TracemartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def read_secrets(folder: Path, environment: MutableMapping[str, str]) -> None:
    """Each file of the folder as TRACEMART_<NAME>, unless that is set. Raises SettingsError for one that is missing.

    The file `projects` is a projects.yml; an empty one means that LANGFUSE_* name the only project.
    """
    projects = folder / PROJECTS_FILE
    if projects.is_file() and projects.stat().st_size and not environment.get("TRACEMART_PROJECTS_FILE"):
        environment["TRACEMART_PROJECTS_FILE"] = str(projects)
    for name in SECRETS:
        variable = f"TRACEMART_{name.upper()}"
        if environment.get(variable):
            continue
        file = folder / name
        try:
            secret = file.read_text().strip()
        except OSError:
            secret = ""
        if not secret:
            raise SettingsError(
                f"The secret {name} is missing: run docker/make-secrets and start again, or set {variable}."
            )
        environment[variable] = secret


def container_settings() -> Settings:
    """Settings of the environment, with the compose file's own PostgreSQL where no other is named."""
    password = quote(os.environ["TRACEMART_POSTGRES_PASSWORD"], safe="")
    defaults = {
        "TRACEMART_DATABASE_URL": f"postgresql://postgres:{password}@postgres:{port('postgres')}/tracemart",
        "TRACEMART_SUPERSET_URL": f"http://127.0.0.1:{port('superset')}",
    }
    for name, value in defaults.items():
        if not os.environ.get(name):
            os.environ[name] = value
    return Settings.load()


def initialise(settings: Settings) -> None:
    """Databases, migrations, Airflow's metadata and Superset's start file; again and again with the same result."""
    make_folders(settings.home)
    configured = Settings.configured()
    if is_demo():
        instance = demo_instance(configured, demo_workload(settings.as_of))
        instance.activate()
    else:
        configured.projects()
        deactivate(settings.home)
        instance = own_instance(configured)
    steps = Steps(Console())
    with steps.step("Databases"):
        assert configured.database_url is not None
        for suffix in ("", "_airflow", "_superset"):
            create_database(configured.database_url.get_secret_value(), instance.database + suffix)
    with steps.step("Warehouse"):
        Warehouse(instance.settings).migrate()
    with steps.step("Airflow's database"):
        migrate_airflow(airflow_part_environment(instance), settings.home / "logs" / "airflow-migrate.log")
    start = {
        "environment": superset_environment(instance.settings, instance.beside("superset")),
        "command": superset_command(port("superset"), listen=listen_address()),
    }
    write_private(settings.home / SUPERSET_START, json.dumps(start))


def launch(settings: Settings) -> None:
    """Import the dashboards and let the DAGs' schedules run. Raises ServiceError, SupersetError."""
    from tracemart.superset.importing import import_dashboards

    steps = Steps(Console())
    if is_demo():
        with steps.step("The stand-in's workload"):
            wait_for_standin()
    api = AirflowApi(place("airflow"), credential(settings.home, "airflow_password"))
    with steps.step("Airflow has read the DAGs"):
        api.make_pools()
        api.wait_for_dags(DAGS)
    if is_demo():
        let_run(api, CHAIN, steps)
    # After the demo's marts, for their values give the dashboards colours and periods.
    with steps.step("Superset's dashboards"):
        import_dashboards(settings, place("superset"), ADMIN_USER, credential(settings.home, "superset_password"))
    let_run(api, DAGS, steps)


def let_run(api: AirflowApi, dags: Sequence[str], steps: Steps) -> None:
    """Let the schedules of these DAGs run; in the demo wait for the first run of each."""
    first_runs = [dag for dag in dags if is_demo() and not api.runs(dag)]
    for dag in dags:
        api.unpause(dag)
    for dag in first_runs:
        with steps.step(f"Airflow: {dag}"):
            api.wait_for_run(dag, set())


def become(part: str, settings: Settings) -> None:
    """Replace this process by the part's."""
    environment = process_environment(settings)
    if part == "standin":
        workload = demo_workload(settings.as_of)
        command = [
            sys.executable, "-m", "tracemart.standin", "serve", "--host", listen_address(), "--port",
            str(port("standin")), "--keys", str(keys_file(settings)), *workload.arguments(),
        ]  # fmt: skip
    elif part == "mailbox":
        command = [
            sys.executable, "-m", "tracemart.services.mailbox", "--host", listen_address(), "--smtp-port",
            str(port("smtp")), "--http-port", str(port("mailbox")),
            "--folder", str(settings.projects_file.parent / "mail"),
        ]  # fmt: skip
    else:
        environment = airflow_part_environment(own_instance(settings))
        parts = airflow_services(environment, port("airflow"), listen=listen_address())
        command = {service.name: service for service in parts}[part].command
    os.chdir(settings.home)
    os.execve(command[0], command, environment)  # noqa: S606


def wait_for_standin(seconds: int = 300) -> None:
    deadline = time.monotonic() + seconds
    while not answers(f"{place('standin')}/api/public/health"):
        if time.monotonic() > deadline:
            raise ServiceError(f"The stand-in did not answer within {seconds} s; see the log of its service.")
        time.sleep(1)


def own_instance(settings: Settings) -> Instance:
    return Instance("tracemart", False, settings, os.environ["TRACEMART_DATABASE_URL"])


def airflow_part_environment(instance: Instance) -> dict[str, str]:
    api_host = urlsplit(place("airflow")).hostname or ""
    return airflow_environment(instance.settings, instance.beside("airflow"), port("airflow"), api_host=api_host)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
