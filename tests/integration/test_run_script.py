"""The script `run`, as far as it goes without installing anything anew."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tracemart.settings import PROJECT_ROOT

RUN = PROJECT_ROOT / "run"
NEEDS = "Tracemart needs Python 3.11 or 3.12 with venv"


def call(script: Path, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("TRACEMART_", "LANGFUSE_"))}
    return subprocess.run(
        [str(script), *arguments],
        cwd=cwd, env={**outside, **variables}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def executable(file: Path, content: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{content}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def function_of_run(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call one function of the script, which stops before its `case`."""
    text = RUN.read_text()
    functions = folder / "functions"
    functions.write_text(text[: text.index('\ncase "${1:-}" in')] + f"\n{name}\n")
    return subprocess.run(
        ["/bin/bash", str(functions)],
        env={"HOME": str(folder), "UV_CACHE_DIR": str(folder / "uv"), **variables},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the tools that the script needs, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for tool in ("bash", "dirname", "mkdir", "cut", "cat", "cksum", "rm"):
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def test_an_unknown_command_is_a_usage_error() -> None:
    refused = call(RUN, "make-coffee")
    assert refused.returncode == 2
    assert "No such command 'make-coffee'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_unknown_option_is_a_usage_error() -> None:
    refused = call(RUN, "extract", "--form", "2026-01-01")
    assert refused.returncode == 2
    assert "--form" in refused.stderr


def test_it_works_from_another_folder_and_through_a_path_with_a_space(tmp_path: Path) -> None:
    link = tmp_path / "a project"
    link.symlink_to(PROJECT_ROOT)
    shown = call(link / "run", "--help", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert "demo" in shown.stdout
    assert list(tmp_path.iterdir()) == [link]


def test_nothing_runs_in_a_new_home_and_nothing_is_left_there(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    variables = {"TRACEMART_HOME": str(home), "TRACEMART_ENV_FILE": str(tmp_path / "no.env")}
    assert "Nothing runs" in call(RUN, "status", **variables).stdout
    assert "Nothing was running" in call(RUN, "down", **variables).stdout
    refused = call(RUN, "sql", "select 1", **variables)
    assert refused.returncode == 1
    assert refused.stderr.startswith("No warehouse runs: start one with ./run demo")
    assert "Traceback" not in refused.stderr


def test_a_home_that_cannot_be_written_is_not_used(tmp_path: Path) -> None:
    shown = call(RUN, "--help", HOME=str(tmp_path / "missing"))
    assert shown.returncode == 0, shown.stderr
    assert not (tmp_path / "missing" / ".tracemart").exists()


def test_a_python_that_only_pretends_is_passed_over(tmp_path: Path, tools: Path) -> None:
    executable(tmp_path / "shims" / "python3.12", "echo 'python3.12: command not found' >&2; exit 127")
    executable(tmp_path / "shims" / "python3.11", f'exec "{sys.executable}" "$@"')
    found = function_of_run("find_python", tmp_path, PATH=f"{tmp_path / 'shims'}:{tools}")
    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.strip()).resolve() == Path(sys.executable).resolve()


def test_without_a_fitting_python_it_says_what_to_install(tmp_path: Path, tools: Path) -> None:
    executable(tmp_path / "old" / "python3", "exit 1")
    refused = function_of_run("find_python", tmp_path, PATH=f"{tmp_path / 'old'}:{tools}")
    assert refused.returncode == 1
    assert refused.stderr.startswith(NEEDS)
    assert refused.stdout == ""


def test_the_python_that_is_asked_for_goes_first(tmp_path: Path, tools: Path) -> None:
    asked = executable(tmp_path / "a folder" / "snake", f'exec "{sys.executable}" "$@"')
    executable(tmp_path / "shims" / "python3.12", "exit 1")
    found = function_of_run("find_python", tmp_path, PATH=f"{tmp_path / 'shims'}:{tools}", TRACEMART_PYTHON=str(asked))
    assert found.returncode == 0, found.stderr


def test_a_fresh_clone_without_python_stops_with_one_sentence(tmp_path: Path, tools: Path) -> None:
    clone = tmp_path / "a clone"
    shutil.copytree(PROJECT_ROOT / "requirements", clone / "requirements")
    shutil.copy(RUN, clone)
    (tools / "env").symlink_to("/usr/bin/env")
    refused = call(clone / "run", "status", PATH=str(tools), HOME=str(tmp_path), PYENV_ROOT="")
    assert refused.returncode == 1
    assert NEEDS in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (clone / ".venv").exists()
