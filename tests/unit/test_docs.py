"""README, runbook and the rest against the command line, the settings and the code."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from tracemart.cli import app
from tracemart.settings import PROJECT_ROOT, LangfuseProject, Settings

PAGES = ["README.md", "CONTRIBUTING.md", "docs/runbook.md"]
ROOT_COMMANDS = {"test", "lint"}
"""What the script `run` does itself."""
INTERNAL = {
    "TRACEMART_STARTED_AT": "run tells the command line when it began",
    "TRACEMART_INSTALLED_AT": "run tells the command line how long installing took",
    "TRACEMART_PROFILES": "docker-compose.yml passes COMPOSE_PROFILES on by this name",
    "TRACEMART_LISTEN_ADDRESS": "the image sets it, so that a container can be reached",
    "TRACEMART_SUPERSET_DATABASE_URI": "services/superset.py tells superset_config.py",
    "TRACEMART_SUPERSET_HOME": "services/superset.py tells superset_config.py",
    "TRACEMART_SUPERSET_USER": "services/superset.py tells superset/prepare.py",
}
COMMAND_LINE: Any = typer.main.get_command(app)


def text(page: str) -> str:
    return (PROJECT_ROOT / page).read_text()


def commands_of(page: str) -> list[tuple[list[str], list[str]]]:
    """(words, options) of each `./run …` that the page shows."""
    found = []
    for piece in text(page).split("./run ")[1:]:
        shown = re.split(r"[`\"|#&\n]", piece)[0].split()
        words = [word.strip(",.;:)") for word in shown if not word.startswith("-")]
        options = [word.strip(",.;:)").split("=")[0] for word in shown if word.startswith("-")]
        found.append(([word for word in words if word.isalpha()], options))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_in_the_docs_exists(page: str) -> None:
    commands = commands_of(page)
    assert commands
    for words, options in commands:
        if not words or words[0] in (*ROOT_COMMANDS, "COMMAND"):
            continue
        command = COMMAND_LINE
        for word in words:
            if hasattr(command, "commands"):
                assert word in command.commands, f"{page} shows ./run {' '.join(words)}"
                command = command.commands[word]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        passes_options_on = command.context_settings.get("ignore_unknown_options", False)
        assert passes_options_on or set(options) <= known, f"{page} shows ./run {' '.join(words)} {' '.join(options)}"


def test_every_command_stands_in_the_readme() -> None:
    readme = text("README.md")
    for name, command in COMMAND_LINE.commands.items():
        names = [f"{name} {inner}" for inner in command.commands] if hasattr(command, "commands") else [name]
        assert all(f"`./run {each}" in readme or f"`{each}`" in readme for each in names), name


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text(page)):
        if not target.startswith("http"):
            assert ((PROJECT_ROOT / page).parent / target).exists(), f"{page} links to {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_mart_in_the_docs_exists(page: str) -> None:
    marts = {file.stem for file in (PROJECT_ROOT / "dbt_project" / "models" / "marts").glob("*.sql")}
    named = set(re.findall(r"\b((?:fct|dim)_[a-z_]+[a-z])\b", text(page))) | set(
        re.findall(r"\b((?:fct|dim)_[a-z_]+[a-z])\b", text("CHANGELOG.md"))
    )
    assert named <= marts


def variables_in_code() -> set[str]:
    folders = ("tracemart", "dags", "superset", "docker")
    files = [file for folder in folders for file in (PROJECT_ROOT / folder).rglob("*") if file.is_file()]
    files += [PROJECT_ROOT / "run", PROJECT_ROOT / "docker-compose.yml"]
    names: set[str] = set()
    for file in files:
        if "__pycache__" in file.parts or file.suffix in (".pyc", ".svg", ".png"):
            continue
        names |= set(re.findall(r"\b((?:TRACEMART|LANGFUSE)_[A-Z_]*[A-Z])\b", file.read_text(errors="replace")))
    return {name for name in names if not name.startswith(("TRACEMART_DBT_", "TRACEMART_COLORS"))}


def credentials_in_code() -> set[str]:
    from tracemart.services.container import SECRETS

    return {f"TRACEMART_{name.upper()}" for name in SECRETS}


def documented() -> list[str]:
    return re.findall(r"^#?([A-Z_]+)=", text(".env.example"), re.MULTILINE)


def test_the_example_documents_every_variable_once() -> None:
    names = documented()
    assert len(names) == len(set(names))
    settings = {field.validation_alias or f"TRACEMART_{name.upper()}" for name, field in Settings.model_fields.items()}
    read = variables_in_code() | credentials_in_code() | settings
    assert read - set(names) - set(INTERNAL) == set()


def test_the_example_documents_nothing_that_nobody_reads() -> None:
    settings = {field.validation_alias or f"TRACEMART_{name.upper()}" for name, field in Settings.model_fields.items()}
    compose = set(re.findall(r"\$\{([A-Z_]+)|^ +(PIP_[A-Z_]+):$", text("docker-compose.yml"), re.MULTILINE))
    read_by_compose = {name for pair in compose for name in pair}
    assert set(documented()) <= variables_in_code() | credentials_in_code() | settings | read_by_compose
    assert not set(INTERNAL) & set(documented())


def test_the_example_shows_the_defaults_of_the_settings() -> None:
    shown = dict(re.findall(r"^#?(TRACEMART_[A-Z_]+)=(.*)$", text(".env.example"), re.MULTILINE))
    for name, field in Settings.model_fields.items():
        variable = f"TRACEMART_{name.upper()}"
        if variable not in shown:
            continue
        default = field.get_default(call_default_factory=True)
        if isinstance(default, Path):
            if PROJECT_ROOT not in default.parents:
                continue
            default = default.relative_to(PROJECT_ROOT)
        if isinstance(default, list):
            default = ",".join(default)
        assert shown[variable] == ("" if default is None else str(default)), variable


def test_the_example_of_projects_is_usable() -> None:
    entries = yaml.safe_load(text("projects.example.yml"))["projects"]
    assert len([LangfuseProject.model_validate(entry) for entry in entries]) == 2


def test_the_changelog_ends_at_the_version_of_the_package() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", text("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert len(versions) == len(set(versions))


def test_commit_hooks_are_local_and_run_what_the_linters_run() -> None:
    linters = text("tests/lint").replace("$bin", ".venv/bin").replace('"', "")
    for repository in yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            tool = re.search(r"\.venv/bin/(?:python -m )?[\w.-]+(?: (?:check|format|lint))?", hook["entry"])
            assert tool is not None
            assert tool[0] in linters


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "Apache-2.0"
    licence = text("LICENSE")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
