"""What a manifest promises is loaded whole or not at all; what none lists is not read."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tracemart.errors import ExportError, SettingsError, TooManyRejectedError
from tracemart.extract.export.step import extract_export
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.export import ExportWriter
from tracemart.standin.export_files import Form
from tracemart.standin.export_rows import ExportShape, ToolUse
from tracemart.standin.rows import Metadata, Observation, TraceContext
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import from_datetime

from .conftest import AS_OF, Served

Query = Callable[..., list[tuple[Any, ...]]]
HOUR = timedelta(hours=1)
START = AS_OF - timedelta(days=1)


@pytest.fixture
def project(tmp_path: Path) -> LangfuseProject:
    """Without a key: the folder tells whose export it is."""
    return LangfuseProject(
        instance="demo", host="http://127.0.0.1:9", public_key="", secret_key=SecretStr(""), export=str(tmp_path)
    )


@pytest.fixture
def store() -> ProjectStore:
    """Five observations, an hour apart, each of its own trace."""
    store = ProjectStore("support-assistant", "support-assistant")
    store.add_observations([observation(number) for number in range(5)])
    return store


def observation(number: int, **values: Any) -> Observation:
    start = from_datetime(START + number * HOUR)
    given: dict[str, Any] = {
        "context": TraceContext(f"trace{number}", user_id="ann", metadata=Metadata.of({"team": "a", "n": number})),
        "id": f"o{number}", "parent_id": None, "type": "GENERATION", "name": f"call {number}", "start_ms": start,
        "end_ms": start + 1500, "created_ms": start + 2000, "completion_ms": start + 250, "is_root": True,
        "model": "gpt-4o", "usage_keys": ("input", "total"), "usage_values": (10, 10), "cost_keys": ("input", "total"),
        "cost_values": (5_125_000_000, 5_125_000_000), "input": "a prompt", "output": "an answer",
    }  # fmt: skip
    return Observation(**(given | values))


def ids(query: Query) -> list[str]:
    return [row[0] for row in query("select id from raw.observations order by 1")]


def test_a_file_without_manifest_is_not_read(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path
) -> None:
    writer = ExportWriter(tmp_path, "jsonl")
    writer.write_window(store, START, START + HOUR)
    unfinished = writer.write_window(store, START + HOUR, START + 3 * HOUR)
    hidden = unfinished.rename(tmp_path / "later.json")

    extract_export(settings, project)
    assert ids(query) == ["o0", "o1"]

    hidden.rename(unfinished)
    extract_export(settings, project)
    assert ids(query) == ["o0", "o1", "o2", "o3"]


def test_rows_on_a_border_stand_once_and_a_second_run_changes_nothing(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path
) -> None:
    ExportWriter(tmp_path, "parquet").write(store, HOUR)

    first = extract_export(settings, project)
    loads = query("select count(*) from raw.loads")
    second = extract_export(settings, project)

    assert [entity.read for entity in first.entities] == [8, 0]
    assert [entity.inserted for entity in first.entities] == [5, 0]
    assert not second.changed
    assert query("select count(*) from raw.loads") == loads
    assert query("select count(*) from raw.superseded_observations") == [(0,)]
    assert query("select * from raw.watermarks") == []


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
@pytest.mark.parametrize("damage", ["missing", "longer", "cut", "fewer rows"])
def test_nothing_is_loaded_of_a_manifest_that_does_not_hold(
    project: LangfuseProject,
    store: ProjectStore,
    settings: Settings,
    query: Query,
    tmp_path: Path,
    form: Form,
    damage: str,
) -> None:
    writer = ExportWriter(tmp_path, form)
    broken = writer.write_window(store, START, START + HOUR)
    writer.write_window(store, START + 2 * HOUR, START + 3 * HOUR)
    manifest = json.loads(broken.read_text())
    entry = next(file for file in manifest["files"] if file["table"] == "observations_v2")
    file = tmp_path / entry["key"]
    whole = file.read_bytes()
    if damage == "missing":
        file.unlink()
    elif damage == "longer":
        file.write_bytes(whole + b"\n")
    elif damage == "cut":
        file.write_bytes(whole[:-20])
        entry["sizeBytes"] -= 20
    else:
        entry["rowCount"] = 7
    broken.write_text(json.dumps(manifest))

    with pytest.raises(ExportError, match=r"nothing of that run was loaded"):
        extract_export(settings, project)

    assert ids(query) == ["o2", "o3"]
    assert query(
        "select count(*), count(*) filter (where rows_read > 0) from raw.loads where entity <> 'projects'"
    ) == [(2, 1)]
    file.write_bytes(whole)
    entry |= {"sizeBytes": len(whole), "rowCount": 2}
    broken.write_text(json.dumps(manifest))
    extract_export(settings, project)
    assert ids(query) == ["o0", "o1", "o2", "o3"]


def test_a_manifest_written_again_under_its_name_is_loaded_and_the_hole_told(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path, caplog: Any
) -> None:
    writer = ExportWriter(tmp_path, "jsonl")
    end = START + HOUR + timedelta(milliseconds=100)
    first = writer.write_window(store, START, end)
    extract_export(settings, project)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    second = writer.write_window(store, end + timedelta(milliseconds=300), end + timedelta(milliseconds=800))
    assert second == first
    store.add_observations([observation(1, id="late", start_ms=from_datetime(end) + 500)])
    writer.write_window(store, end + timedelta(milliseconds=300), end + timedelta(milliseconds=800))

    extract_export(settings, project)

    assert ids(query) == ["late", "o0", "o1"]
    assert "01:00:00.100000 to 2026-11-21 01:00:00.400000" in caplog.text


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
def test_windows_without_rows_are_loaded(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path, form: Form
) -> None:
    ExportWriter(tmp_path, form, compressed=True).write_window(store, START - 9 * HOUR, START - 8 * HOUR)

    result = extract_export(settings, project)

    assert not result.changed
    assert query("select rows_read from raw.export_manifests") == [(0,)]


def test_groups_that_a_file_lacks_overwrite_nothing(
    served: Served, settings: Settings, query: Query, tmp_path: Path
) -> None:
    project = served.project("support-assistant").model_copy(update={"export": str(tmp_path)})
    extract(settings, project.model_copy(update={"export": None}), catalogues=False)
    before = query("select * from raw.observations order by project_id, trace_id, id")
    shape = ExportShape(groups=("core", "time", "usage"))
    ExportWriter(tmp_path, "parquet", shape=shape).write(served.rows("support-assistant"))

    result = extract_export(settings, project)

    assert [entity.updated for entity in result.entities] == [0, 0]
    assert query("select * from raw.observations order by project_id, trace_id, id") == before


def test_an_older_version_in_an_export_does_not_stand(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path
) -> None:
    ExportWriter(tmp_path / "new", "jsonl").write_window(store, START, START)
    old = ProjectStore(store.id, store.name)
    old.add_observations([observation(0, name="before", created_ms=from_datetime(START) + 1000)])
    ExportWriter(tmp_path / "old", "jsonl").write_window(old, START, START + HOUR)

    extract_export(settings, project.model_copy(update={"export": str(tmp_path / "new")}))
    extract_export(settings, project.model_copy(update={"export": str(tmp_path / "old")}))

    assert query("select name from raw.observations") == [("call 0",)]
    assert query("select name from raw.superseded_observations") == [("before",)]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_time_to_first_token_is_seconds_whatever_the_integration_writes(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path, form: Form
) -> None:
    for durations in ("seconds", "milliseconds"):
        # Without the group `time` only the unit tells.
        for groups in (("core", "metrics"), ("core", "time", "metrics")):
            folder = tmp_path / f"{durations}{len(groups)}"
            shape = ExportShape(groups=groups, durations=durations)  # type: ignore[arg-type]
            ExportWriter(folder, form, shape=shape).write(store)
            own = project.model_copy(update={"export": str(folder), "instance": folder.name.lower()})
            extract_export(settings, own)

    assert query(
        "select distinct latency_seconds::float, time_to_first_token_seconds::float from raw.observations"
    ) == [(1.5, 0.25)]
    assert query("select count(*) from raw.observations") == [(20,)]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_tool_calls_come_without_their_arguments(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path, form: Form
) -> None:
    call = json.dumps({"id": "call_1", "arguments": '{"mail": "ann@example.com"}', "type": "function", "index": 0})
    use = ToolUse({"send": json.dumps({"description": "Sends"})}, (call,), ("send",))
    ExportWriter(tmp_path, form, shape=ExportShape(tools={"o1": use})).write(store)

    extract_export(settings, project)

    assert query(
        "select tool_definitions, tool_calls, tool_call_names from raw.observations where id < 'o2' order by id"
    ) == [
        (None, None, []),
        ({"send": {"description": "Sends"}}, [{"id": "call_1", "type": "function", "index": 0}], ["send"]),
    ]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv"])
def test_privacy_rules_hold(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path, form: Form
) -> None:
    store.add_observations([observation(5, input="mail bob@example.com", status_message="bob@example.com failed")])
    ExportWriter(tmp_path, form).write(store)
    key = "0123456789abcdef"
    kept = {"metadata_keys": ["team"], "user_ids": "hmac", "user_id_key": SecretStr(key)}

    for name, store_io in (("plain", "no"), ("redacted", "redacted")):
        own = project.model_copy(update={"instance": name})
        extract_export(settings.model_copy(update={**kept, "store_io": store_io}), own)

    rows = query(
        "select instance, user_id, metadata, input, status_message from raw.observations where id = 'o5' order by 1"
    )
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("plain", {"team": "a"}, None),
        ("redacted", {"team": "a"}, "mail [EMAIL]"),
    ]
    assert all(row[1].startswith("hmac-") for row in rows)
    assert [row[4] for row in rows] == ["bob@example.com failed", "[EMAIL] failed"]


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "json"])
def test_bad_rows_are_kept_apart_and_the_others_loaded(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path, form: Form
) -> None:
    store.add_observations([observation(1, id="bad1", type=""), observation(2, id="bad2", usage_values=(2**63, 1))])
    ExportWriter(tmp_path, form).write(store)

    result = extract_export(settings, project)

    assert ids(query) == ["o0", "o1", "o2", "o3", "o4"]
    assert (result.entities[0].read, result.entities[0].rejected) == (7, 2)
    rejected = query("select row_id, reason, source, payload from raw.rejected_rows order by 1")
    assert [row[:3] for row in rejected] == [
        ("bad1", "type is missing", "export"),
        ("bad2", "usage_details.input is too large", "export"),
    ]
    assert "a prompt" not in json.dumps([row[3] for row in rejected])
    assert rejected[0][3]["name"] == "call 1"


def test_too_many_bad_rows_load_nothing(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path
) -> None:
    store.add_observations([observation(number, id=f"bad{number}", type="") for number in range(12)])
    ExportWriter(tmp_path, "parquet").write(store)

    with pytest.raises(TooManyRejectedError, match="type is missing"):
        extract_export(settings, project)

    assert ids(query) == []
    assert query("select count(*) from raw.rejected_rows") == [(12,)]
    assert query("select * from raw.export_manifests") == []


def test_rejected_rows_are_tried_again(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path
) -> None:
    store.add_observations([observation(1, id="bad", type="")])
    ExportWriter(tmp_path, "jsonl").write(store)
    extract_export(settings, project)
    query('update raw.rejected_rows set payload = payload || \'{"type": "SPAN"}\' returning 1')

    result = extract_export(settings, project)

    assert "bad" in ids(query)
    assert result.entities[0].inserted == 1
    assert query("select resolved_at is null from raw.rejected_rows") == [(False,)]


def test_the_export_of_another_project_is_refused(
    served: Served, store: ProjectStore, settings: Settings, tmp_path: Path
) -> None:
    project = served.project("support-assistant").model_copy(update={"export": str(tmp_path)})
    store.id = "coding-assistant"
    ExportWriter(tmp_path, "jsonl").write(store)
    with pytest.raises(ExportError, match="no manifest of an export of the project support-assistant"):
        extract_export(settings, project)
    own = project.model_copy(update={"export": str(tmp_path / "coding-assistant")})
    with pytest.raises(ExportError, match="is of the project coding-assistant, not of support-assistant"):
        extract_export(settings, own)


def test_without_a_key_the_folder_names_the_project(
    project: LangfuseProject, store: ProjectStore, settings: Settings, query: Query, tmp_path: Path
) -> None:
    ExportWriter(tmp_path, "jsonl", prefix="langfuse-").write(store)

    result = extract_export(settings, project)

    assert result.project_id == "support-assistant"
    assert len(ids(query)) == 5
    assert query("select project_id, name, host from raw.projects") == [
        ("support-assistant", None, "http://127.0.0.1:9")
    ]


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://AKIA:secret@bucket/x", "must hold no key"),
        ("s3://bucket/x?access_key=a&secret_key=b", "must hold no key"),
        ("nowhere://bucket/x", "No export can be read from nowhere://bucket/x"),
    ],
)
def test_addresses_that_cannot_be_are_refused(
    project: LangfuseProject, settings: Settings, address: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        extract_export(settings, project.model_copy(update={"export": address}))
    assert "secret" not in str(refused.value).replace("AWS_SECRET", "").replace("secret_", "")


def test_a_folder_that_is_not_there_is_named(project: LangfuseProject, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nowhere"):
        extract_export(settings, project.model_copy(update={"export": str(tmp_path / "nowhere")}))
