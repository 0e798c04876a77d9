"""A dbt project of the test's own, so that it can hand in seeds; raw and builds are those of the tests of builds."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.build.conftest import built, owner, raw
from tracemart.build import invocation, version
from tracemart.seeds import check

__all__ = ["built", "owner", "raw"]

HandIn = Callable[[str, str], None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "dbt_project"
    shutil.copytree(version.DBT_PROJECT, folder)
    monkeypatch.setattr(version, "DBT_PROJECT", folder)
    monkeypatch.setattr(invocation, "DBT_PROJECT", folder)
    monkeypatch.setattr(check, "SEEDS", folder / "seeds")
    return folder


@pytest.fixture
def hand_in(project: Path) -> HandIn:
    """Adds lines to a seed."""

    def add(seed: str, lines: str) -> None:
        with (project / "seeds" / f"{seed}.csv").open("a") as file:
            file.write("".join(f"{line.strip()}\n" for line in lines.strip().splitlines()))

    return add
