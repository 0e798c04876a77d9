"""Exports of the tables that Langfuse had before v4: observations and traces apart."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from tracemart.extract.export.step import extract_export
from tracemart.settings import LangfuseProject, Settings

Query = Callable[..., list[tuple[Any, ...]]]

TRACES = [
    {
        "id": "t1", "timestamp": "2026-11-20 10:00:00.000", "name": "chat", "environment": "prod", "project_id": "p1",
        "metadata": {"team": '"a"'}, "user_id": "ann", "session_id": "s1", "release": "r1", "version": None,
        "public": True, "bookmarked": False, "tags": ["x"], "input": "hello", "output": None,
        "created_at": "2026-11-20 10:00:01.000", "updated_at": "2026-11-20 10:00:02.000",
    }
]  # fmt: skip
OBSERVATIONS = [
    {
        "id": f"o{n}", "trace_id": "t1", "project_id": "p1", "environment": "prod", "type": "GENERATION",
        "parent_observation_id": parent, "start_time": f"2026-11-20 10:00:0{n}.000", "name": f"step {n}",
        "end_time": f"2026-11-20 10:00:0{n}.500", "metadata": {}, "level": "DEFAULT", "status_message": None,
        "version": None, "input": "hello", "output": "you", "provided_model_name": "gpt-4o", "model_parameters": "{}",
        "usage_details": {"input": 3, "total": 3}, "cost_details": {"total": 0.25}, "completion_start_time": None,
        "prompt_name": None, "prompt_version": None, "total_cost": 0.25, "latency": 0.5, "time_to_first_token": None,
        "model_id": "m1", "created_at": "2026-11-20 10:00:09.000", "updated_at": "2026-11-20 10:00:09.000",
    }
    for n, parent in enumerate([None, "o0"])
]  # fmt: skip
MAPS = {
    "metadata": pa.map_(pa.string(), pa.string()),
    "usage_details": pa.map_(pa.string(), pa.uint64()),
    "cost_details": pa.map_(pa.string(), pa.decimal128(18, 12)),
}


def write(folder: Path, form: str) -> None:
    files = []
    for table, rows in (("traces", TRACES), ("observations", OBSERVATIONS)):
        path = folder / "p1" / table / f"2026-11-20T11-00-00.{form}"
        path.parent.mkdir(parents=True)
        if form == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            pq.write_table(_arrow(rows), path)
        files.append({
            "key": f"any/prefix/p1/{table}/{path.name}", "table": table, "fileType": form.upper(), "format": form,
            "compressed": False, "contentType": "", "sizeBytes": path.stat().st_size,
            "rowCount": len(rows) if form == "jsonl" else None,
        })  # fmt: skip
    manifest = {
        "version": 1, "projectId": "p1", "exportSource": "TRACES_OBSERVATIONS", "createdAt": "2026-11-20T11:21:00.000Z",
        "window": {"minTimestamp": "2026-11-20T10:00:00.000Z", "maxTimestamp": "2026-11-20T11:00:00.000Z"},
        "maxTimestamp": "2026-11-20T11:00:00.000Z", "tables": [file["table"] for file in files], "files": files,
    }  # fmt: skip
    (folder / "p1" / "manifests").mkdir()
    (folder / "p1" / "manifests" / "2026-11-20T11-00-00.json").write_text(json.dumps(manifest))


def _arrow(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {}
    for name in rows[0]:
        given = [row[name] for row in rows]
        if name in MAPS:
            entries = [[(key, _number(value)) for key, value in row.items()] for row in given]
            columns[name] = pa.array(entries, MAPS[name])
        elif name.endswith(("_time", "_at")) or name == "timestamp":
            columns[name] = pa.array(given, pa.string()).cast(pa.timestamp("ms")).cast(pa.timestamp("ms", "UTC"))
        elif any(value is not None for value in given):
            columns[name] = pa.array(given)
        else:
            columns[name] = pa.array(given, pa.string())
    columns["prompt_version"] = pa.array([None] * len(rows), pa.uint16())
    return pa.table(columns)


def _number(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, float) else value


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_traces_become_roots_and_give_what_they_know(
    settings: Settings, query: Query, tmp_path: Path, form: str
) -> None:
    write(tmp_path, form)
    project = LangfuseProject(
        instance="old", host="http://127.0.0.1:9", public_key="", secret_key=SecretStr(""), export=str(tmp_path)
    )

    result = extract_export(settings, project)
    again = extract_export(settings, project)

    assert query(
        "select id, parent_observation_id, is_root_observation, trace_name, user_id, session_id, tags, release, public,"
        " total_cost::float, input_usage, model_id, latency_seconds::float, input from raw.observations order by id"
    ) == [
        ("o0", "t-t1", False, "chat", "ann", "s1", ["x"], "r1", True, 0.25, 3, "m1", 0.5, None),
        ("o1", "o0", False, "chat", "ann", "s1", ["x"], "r1", True, 0.25, 3, "m1", 0.5, None),
        ("t-t1", None, True, "chat", "ann", "s1", ["x"], "r1", True, 0, 0, None, None, None),
    ]
    assert query("select metadata from raw.observations where id = 't-t1'") == [({"team": "a"},)]
    assert (result.entities[0].read, result.entities[0].inserted) == (3, 3)
    assert not again.changed
