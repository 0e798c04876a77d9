"""What makes a slot be built whole."""

from pathlib import Path

import pytest

from tracemart.build import version
from tracemart.settings import Settings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in {
        "dbt_project.yml": "name: x",
        "models/a.sql": "select 1",
        "models/a.yml": "models: []",
        "seeds/s.csv": "a\n1\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    monkeypatch.setattr(version, "DBT_PROJECT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["dbt_project.yml", "models/a.sql", "seeds/s.csv", "macros/new.sql"])
def test_what_changes_rows_changes_the_version(project: Path, name: str) -> None:
    before = version.project_version(Settings(timezone="UTC"))
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("other")
    assert version.project_version(Settings(timezone="UTC")) != before


def test_the_reporting_time_zone_changes_the_version(project: Path) -> None:
    assert version.project_version(Settings(timezone="UTC")) != version.project_version(Settings(timezone="Asia/Tokyo"))


@pytest.mark.parametrize("name", ["models/a.yml", "tests/assert_x.sql"])
def test_descriptions_and_tests_change_no_row(project: Path, name: str) -> None:
    before = version.project_version(Settings(timezone="UTC"))
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("other")
    assert version.project_version(Settings(timezone="UTC")) == before


@pytest.mark.parametrize("name", version.SEEDS_OF_NO_DAY)
def test_a_seed_of_no_day_asks_for_a_build_but_not_for_a_whole_one(project: Path, name: str) -> None:
    settings = Settings(timezone="UTC")
    before = version.project_version(settings), version.inputs_digest(settings)
    (project / "seeds" / f"{name}.csv").write_text("other")
    assert version.project_version(settings) == before[0]
    assert version.inputs_digest(settings) != before[1]


def test_the_currency_asks_for_a_build_but_not_for_a_whole_one(project: Path) -> None:
    dollars, euros = Settings(currency="USD"), Settings(currency="EUR")
    assert version.project_version(dollars) == version.project_version(euros)
    assert version.inputs_digest(dollars) != version.inputs_digest(euros)
