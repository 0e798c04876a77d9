"""`python -m tracemart.standin export`."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tracemart.standin.__main__ import main
from tracemart.standin.export_rows import GROUPS

WORKLOAD = ["--observations", "1500", "--days", "3", "--end", "2026-11-22"]


@pytest.mark.parametrize(("form", "suffix"), [("parquet", "parquet"), ("csv", "csv.gz"), ("json", "json.gz")])
def test_each_manifest_lists_the_files_of_its_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, suffix: str
) -> None:
    assert main(["export", "--to", str(tmp_path), "--format", form, "--gzip", "--every", "24", *WORKLOAD]) == 0

    manifests = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(tmp_path.rglob("manifests/*.json")) == sorted(manifests)
    listed = {file["key"] for path in manifests for file in json.loads(path.read_text())["files"]}
    assert listed == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob(f"*.{suffix}") if path.is_file()} - {
        str(path.relative_to(tmp_path)) for path in manifests
    }
    of_one = [json.loads(path.read_text())["window"] for path in manifests if path.parts[-3] == "support-assistant"]
    assert all(one["maxTimestamp"] == next_one["minTimestamp"] for one, next_one in pairwise(of_one))
    assert len(of_one) > 1


def test_a_group_that_there_is_not_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--to", str(tmp_path), "--groups", "core,secrets", *WORKLOAD]) == 1
    assert f"--groups knows no secrets; there are: {', '.join(GROUPS)}." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
