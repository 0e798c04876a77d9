from pathlib import Path

import pytest
import yaml

from tracemart.errors import SettingsError
from tracemart.settings import PROJECT_ROOT
from tracemart.validate.results import expected_text
from tracemart.validate.suites import EXPECTATIONS, Expectation, Stage, read_suites


def write_suite(folder: Path, **changes: object) -> None:
    expectation = {
        "expect_column_values_to_be_between": {"column": "n"},
        "severity": "error",
        "claim": "c",
        "remedy": "r",
    }
    suite = {"table": "raw.things", "batches": [{"name": "b", "query": "select 1", "expectations": [expectation]}]}
    file = folder / "raw" / "things.yml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({**suite, **changes}))


@pytest.mark.parametrize("stage", ["raw", "marts"])
def test_every_suite_of_the_project_is_readable_and_stops_for_something(stage: Stage) -> None:
    suites = read_suites(stage)
    assert len(suites) >= 5
    for suite in suites:
        names = [batch.name for batch in suite.batches]
        assert len(names) == len(set(names))
        for batch in suite.batches:
            for expectation in batch.expectations:
                assert not expectation.claim.endswith(".")
                assert not expectation.remedy.endswith(".")
    assert any(e.severity == "error" for suite in suites for batch in suite.batches for e in batch.expectations)


def test_every_suite_of_marts_is_of_a_model_that_exists() -> None:
    models = {file.stem for file in (PROJECT_ROOT / "dbt_project" / "models" / "marts").glob("*.sql")}
    assert {file.stem for file in (EXPECTATIONS / "marts").glob("*.yml")} <= models


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table": "raw.others"}, "named as its table"),
        ({"table": "secrets"}, "table"),
        ({"batches": []}, "batches"),
        ({"batches": [{"name": "b", "query": "select 1", "expectations": [{"severity": "error"}]}]}, "expect_"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_suite_is_refused_with_file_and_place(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    write_suite(tmp_path, **changes)
    with pytest.raises(SettingsError, match=words) as caught:
        read_suites("raw", tmp_path)
    assert "things.yml" in str(caught.value)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    write_suite(tmp_path)
    (tmp_path / "raw" / "things.yml").write_text("table: [")
    with pytest.raises(SettingsError, match="no YAML"):
        read_suites("raw", tmp_path)


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no expectation suite"):
        read_suites("raw", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"min_value": 0, "max_value": 1}, "0 to 1"),
        ({"min_value": 0}, "at least 0"),
        ({"max_value": 0.5}, "at most 0.5"),
        ({"value_set": ["A", "B"]}, "in A, B"),
        ({}, "it is so"),
    ],
)
def test_bounds_are_told_in_words(arguments: dict[str, object], text: str) -> None:
    entry = {"expect_x": arguments, "severity": "error", "claim": "it is so", "remedy": "make it so"}
    assert expected_text(Expectation.model_validate(entry)) == text
