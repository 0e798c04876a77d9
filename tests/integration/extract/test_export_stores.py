"""Exports that lie in an object store."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from pydantic import SecretStr

from tracemart.errors import ExportUnreachableError
from tracemart.extract.export.step import extract_export
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.export import ExportWriter
from tracemart.standin.export_files import Form
from tracemart.standin.rows import Observation, TraceContext
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import from_datetime

from .conftest import AS_OF
from .s3_server import serve_bucket

Query = Callable[..., list[tuple[Any, ...]]]
ROWS = 300


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """A folder that holds the bucket `traces` with exports of every format."""
    store = ProjectStore("p1", "p1")
    start = from_datetime(AS_OF) - 86_400_000
    store.add_observations(
        Observation(TraceContext(f"trace{n}"), f"o{n}", None, "SPAN", "step", start + n, start + n + 5, start + n + 9)
        for n in range(ROWS)
    )
    for form in ("parquet", "csv", "json", "jsonl"):
        ExportWriter(tmp_path / "traces" / form, form, compressed=True, prefix="exports/").write(store)
    return tmp_path


@pytest.fixture
def key_of_s3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "anyone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def of(address: str) -> LangfuseProject:
    return LangfuseProject(
        instance="demo", host="http://127.0.0.1:9", public_key="", secret_key=SecretStr(""), export=address
    )


@pytest.mark.parametrize("form", ["parquet", "csv", "json", "jsonl"])
def test_exports_are_read_from_s3(settings: Settings, query: Query, bucket: Path, key_of_s3: None, form: Form) -> None:
    with serve_bucket(bucket) as endpoint:
        address = f"s3://traces/{form}/exports?endpoint_override={endpoint}&scheme=http&region=us-east-1"
        first = extract_export(settings, of(address))
        second = extract_export(settings, of(address))

    assert (first.project_id, first.entities[0].inserted) == ("p1", ROWS)
    assert not second.changed
    assert query("select count(*), min(name) from raw.observations") == [(ROWS, "step")]


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_store_that_does_not_answer_is_named_without_its_key(
    settings: Settings, key_of_s3: None, unused_port: int
) -> None:
    address = f"s3://traces/x?endpoint_override=127.0.0.1:{unused_port}&scheme=http&region=us-east-1"
    with pytest.raises(ExportUnreachableError, match="cannot be read") as unreachable:
        extract_export(settings, of(address))
    assert "a-secret-key" not in str(unreachable.value)


@pytest.fixture
def in_memory(bucket: Path) -> Iterator[str]:
    files = fsspec.filesystem("memory")
    files.put(str(bucket / "traces" / "parquet" / "exports"), "/exports-of-a-test", recursive=True)
    yield "memory://exports-of-a-test"
    files.rm("/exports-of-a-test", recursive=True)


def test_any_file_system_of_fsspec_will_do(settings: Settings, query: Query, in_memory: str) -> None:
    assert extract_export(settings, of(in_memory)).entities[0].inserted == ROWS
    assert query("select count(*) from raw.observations") == [(ROWS,)]
