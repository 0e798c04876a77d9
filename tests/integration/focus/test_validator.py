"""The official validator holds nothing for broken but what docs/decisions/0014-focus.md lists and gives reasons for."""

import os
import re
import subprocess
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.integration.test_run_script import function_of_run
from tracemart.focus import Period, export
from tracemart.settings import PROJECT_ROOT, Settings

ENVIRONMENT = PROJECT_ROOT / ".venv-focus"
DECISION = PROJECT_ROOT / "docs" / "decisions" / "0014-focus.md"
EVERYTHING = Period(date(2026, 8, 1), date(2026, 11, 1))


def listed() -> set[str]:
    rows = re.findall(r"^\| (`.*?) \|", DECISION.read_text(), re.MULTILINE)
    return {rule for row in rows for rule in re.findall(r"`([^`]+)`", row)}


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Where the validator is installed: it looks for its rules below the working folder."""
    found = list(ENVIRONMENT.glob("lib/python3.*/site-packages/focus_validator"))
    if not found:
        if function_of_run("find_python 12", tmp_path, PATH=os.environ["PATH"]).returncode:
            pytest.skip("the FOCUS validator needs Python 3.12, which is not on this machine")
        pytest.fail("The FOCUS validator is not installed; ./run test makes its environment.")
    return found[0].parent


def failing(packages: Path, file: Path, report: Path) -> set[str]:
    """Ids of the rules that the validator holds for broken; it exits 0 whatever fails, so its report is read."""
    done = subprocess.run(
        [
            ENVIRONMENT / "bin" / "focus-validator", "--data-file", file, "--validate-version", "1.2",
            "--focus-dataset", "CostAndUsage", "--applicability-criteria", "ALL", "--block-download",
            "--output-type", "unittest", "--output-destination", report,
        ],
        cwd=packages, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    suites = ElementTree.parse(report).getroot()
    assert suites.attrib["errors"] == "0"
    assert int(suites.attrib["tests"]) - int(suites.attrib["skipped"]) > 300
    return {
        case.attrib["name"].split(" :: ")[0] for case in suites.iter("testcase") if case.find("failure") is not None
    }


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_failing_rule_is_listed(settings: Settings, packages: Path, tmp_path: Path, ending: str) -> None:
    file = export(settings, EVERYTHING, tmp_path, (ending,)).files[0]
    assert failing(packages, file, tmp_path / "report.xml") == listed()


@pytest.mark.slow
def test_a_broken_file_is_found(settings: Settings, packages: Path, tmp_path: Path) -> None:
    file = export(settings, EVERYTHING, tmp_path, ("csv",)).files[0]
    file.write_text(file.read_text().replace(",AI and Machine Learning,", ",Magic,").replace(",2.5,", ",-2.5,"))
    found = failing(packages, file, tmp_path / "report.xml")
    assert found - listed() >= {"ServiceCategory-C-003-M", "ListUnitPrice-C-008-M"}
