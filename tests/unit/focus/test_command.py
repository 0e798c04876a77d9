"""`./run focus` on the command line."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tracemart import focus
from tracemart.cli import app
from tracemart.errors import BadInputError
from tracemart.focus import FocusExport, Period


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the command asks the step for."""
    calls: list[tuple[Any, ...]] = []

    def export(settings: object, period: Period, folder: Path, formats: tuple[str, ...], **_: object) -> FocusExport:
        calls.append((str(period), folder, formats))
        return FocusExport(period, (folder / "a.csv",), 0, 0)  # type: ignore[arg-type]

    monkeypatch.setattr(focus, "export", export)
    return calls


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--month", "2026-09"], ("2026-09", Path("focus"), ("csv", "parquet"))),
        (["--month", "2026-09", "--format", "csv", "--out", "x/y"], ("2026-09", Path("x/y"), ("csv",))),
        (["--from", "2026-09-05", "--to", "2026-09-07", "--format", "parquet"],
         ("2026-09-05_2026-09-06", Path("focus"), ("parquet",))),
    ],
)  # fmt: skip
def test_options_are_passed_on(asked: list[tuple[Any, ...]], arguments: list[str], expected: tuple[Any, ...]) -> None:
    done = CliRunner().invoke(app, ["focus", *arguments])
    assert (done.exit_code, asked) == (0, [expected]), done.output


def test_an_unknown_format_is_a_usage_error(asked: list[tuple[Any, ...]]) -> None:
    done = CliRunner().invoke(app, ["focus", "--month", "2026-09", "--format", "xml"])
    assert done.exit_code == 2
    assert "xml is none of csv, parquet and both" in " ".join(done.output.replace("│", " ").split())
    assert asked == []


def test_nothing_chosen_is_refused(asked: list[tuple[Any, ...]]) -> None:
    done = CliRunner().invoke(app, ["focus"])
    assert isinstance(done.exception, BadInputError)
    assert asked == []
