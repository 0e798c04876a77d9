"""A run that is killed leaves whole manifests alone, and the next one ends where an undisturbed one would."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tracemart.extract.export.step import extract_export
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.export import ExportWriter

from .conftest import Served

Query = Callable[..., list[tuple[Any, ...]]]
ROWS = (
    "select md5(string_agg(row::text, '' order by row::text)) from (select to_jsonb(known) - {} as row from {} known) s"
)
RUN = """
import os, signal, sys
from pydantic import SecretStr
from tracemart.extract.export.step import extract_export
from tracemart.settings import LangfuseProject, Settings

export, after = sys.argv[1:]

def progress(entity, done, total):
    if done >= int(after):
        os.kill(os.getpid(), signal.SIGKILL)

project = LangfuseProject(
    instance="bulk", host="http://127.0.0.1:9", public_key="", secret_key=SecretStr(""), export=export
)
extract_export(Settings(_env_file=None), project, progress=progress)
"""


@pytest.mark.parametrize("after", [1, 700, 1300])
def test_a_killed_run_goes_on_at_the_next_manifest(
    served: Served, settings: Settings, query: Query, tmp_path: Path, after: int
) -> None:
    writer = ExportWriter(tmp_path, "parquet")
    manifests = writer.write(served.rows("support-assistant"), timedelta(days=1))
    project = LangfuseProject(
        instance="whole", host="http://127.0.0.1:9", public_key="", secret_key=SecretStr(""), export=str(tmp_path)
    )
    extract_export(settings, project)
    assert settings.database_url is not None

    there = {
        "TRACEMART_DATABASE_URL": settings.database_url.get_secret_value(),
        "TRACEMART_HOME": str(settings.home),
    }
    command = [sys.executable, "-c", RUN, str(tmp_path), str(after)]
    killed = subprocess.run(command, env=os.environ | there, check=False)

    assert killed.returncode == -9
    known = "select name, rows_read from raw.export_manifests where instance = 'bulk' order by name"
    finished = query(known)
    assert len(finished) < len(manifests)
    window_ends = {path.name: json.loads(path.read_text())["maxTimestamp"] for path in manifests}
    last = max((window_ends[name] for name, _ in finished), default="1970-01-01")
    assert query("select count(*) from raw.observations where instance = 'bulk' and start_time > %s", last) == [(0,)]

    extract_export(settings, project.model_copy(update={"instance": "bulk"}))

    assert query(known) == query(known.replace("'bulk'", "'whole'"))
    without = "array['instance', 'batch_id', 'loaded_at']"
    for table in ("observations", "scores", "superseded_observations", "rejected_rows", "trace_months"):
        of = [f"(select * from raw.{table} where instance = '{instance}')" for instance in ("bulk", "whole")]
        assert query(ROWS.format(without, of[0])) == query(ROWS.format(without, of[1])), table
