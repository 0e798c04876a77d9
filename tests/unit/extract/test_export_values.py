"""Single values of an export, and manifests."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tracemart.errors import ExportError
from tracemart.extract.copying import TextRows
from tracemart.extract.export import arrays, readers, values
from tracemart.extract.export.columns import Reading
from tracemart.extract.export.durations import DurationUnit
from tracemart.extract.export.lines import chunk_of_rows, chunks_of_batch
from tracemart.extract.export.manifests import listed_manifests, project_folder, read_manifest
from tracemart.extract.export.observations import OBSERVATIONS
from tracemart.extract.export.scores import SCORES
from tracemart.extract.export.storage import open_storage
from tracemart.extract.export.stored import parsed
from tracemart.extract.fields import REPLACEMENT, RowError
from tracemart.privacy import Privacy
from tracemart.privacy.allow_list import AllowList

OPEN = Privacy(redacts=False, allow_list=AllowList.of(["*"]), user_id_key=None)


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ('"sales"', "sales"),
        ("sales", "sales"),
        ("", ""),
        ("12.50", 12.5),
        ("null", None),
        ('{"a":[1,true]}', {"a": [1, True]}),
        ("{'a': 1}", "{'a': 1}"),
        ("NaN", "NaN"),
        # What a JavaScript number cannot hold, the API answers as the text of its digits.
        ("9007199254740993", "9007199254740993"),
        ("[9007199254740991, 0.12345678901234567890]", [9007199254740991, "0.12345678901234567890"]),
        ("1e400", "1e400"),
        ("1.5e-7", 1.5e-7),
        # No text that PostgreSQL takes: half a pair of surrogates.
        ('["\\ud800", 9007199254740993]', '["\\ud800", 9007199254740993]'),
        # Text formats write the characters of escapes.
        ('"\x1b[31m"', "\x1b[31m"),
        ('"' + "x" * 199, "x" * 199),
    ],
)
def test_stored_texts_are_parsed_as_the_api_parses_them(stored: str, sent: Any) -> None:
    assert parsed(stored) == sent
    assert type(parsed(stored)) is type(sent)


@pytest.mark.parametrize(
    ("exported", "kept"),
    [
        ("2026-11-22 14:03:00.613999", "2026-11-22T14:03:00.613000+00:00"),
        ("2026-11-22 14:03:00.613", "2026-11-22T14:03:00.613000+00:00"),
        ("2026-11-22 14:03:00", "2026-11-22T14:03:00+00:00"),
        ("2026-11-22T15:03:00.613+01:00", "2026-11-22T14:03:00.613000+00:00"),
        (None, ""),
        ("", ""),
    ],
)
def test_times_are_utc_cut_to_the_millisecond(exported: Any, kept: str) -> None:
    assert values.time(exported, "start_time") == kept


@pytest.mark.parametrize("exported", ["soon", 5, "2026-13-01 00:00:00", "2026-11-22"])
def test_what_is_no_time_is_named(exported: Any) -> None:
    with pytest.raises(RowError, match="start_time is no time"):
        values.time(exported, "start_time")


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ([0, 1, -1, 5_125_000_000], ["0", "0.000000000001", "-0.000000000001", "0.005125"]),
        ([10**17, 2_000_000_000_000], ["100000", "2"]),
        ([None, -12_500_000_000_000], [None, "-12.5"]),
    ],
)  # fmt: skip
def test_decimals_keep_every_digit_and_no_zeros_at_the_end(numbers: list[int | None], texts: list[str | None]) -> None:
    whole = pa.array(numbers, pa.int64())
    decimals = pa.Array.from_buffers(
        pa.decimal128(18, 12), len(numbers), whole.cast(pa.decimal128(19, 0)).buffers(), null_count=whole.null_count
    )
    assert arrays.json_number(decimals).to_pylist() == texts
    padded = pa.concat_arrays([decimals, decimals]).slice(1, len(numbers))
    assert arrays.json_number(padded).to_pylist() == [*texts[1:], texts[0]]


@pytest.mark.parametrize(
    ("pairs", "per_second"),
    [
        ([(None, None), (0.0, 0.0), (1.5, 1.5)], 1),
        ([(1500.0, 1.5)], 1000),
        ([(-5.0, -0.005)], 1000),
        ([(7.0, 1.5)], None),
        ([], None),
    ],
)
def test_one_row_tells_the_unit_of_durations(pairs: Any, per_second: int | None) -> None:
    unit = DurationUnit()
    unit.learn(pairs)
    assert unit.per_second == per_second


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_an_array_is_read_object_by_object_however_it_is_cut(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "BLOCK_CHARACTERS", block)
    rows = [{"id": "},{", "n": [{"a": 1}, {}]}, {"id": 'é"\\', "n": 12}, {"id": "x" * 50, "n": 1.25}]
    for text in (json.dumps(rows), json.dumps(rows, indent=1), json.dumps(rows, separators=(",", ":"))):
        assert list(readers._json_rows(io.BytesIO(text.encode()), frozenset({"id", "n"}))) == rows


@pytest.mark.parametrize("text", ["[{}", '{"a": 1}', '[{"a": 1}, {"b"', "[1]"])
def test_a_cut_array_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        list(readers._json_rows(io.BytesIO(text.encode()), frozenset()))


def test_a_batch_of_other_types_goes_the_way_of_rows() -> None:
    columns = {
        "id": ["a", "b"], "name": ["n", "n"], "data_type": ["NUMERIC", "BOOLEAN"], "value": ["0.5", "1"],
        "string_value": [None, "True"], "timestamp": ["2026-11-22 10:00:00.000"] * 2,
    }  # fmt: skip
    batch = pa.RecordBatch.from_pydict(columns)
    held = SCORES.held_by(columns, OPEN)

    [chunk] = chunks_of_batch(batch, held, Reading(OPEN))

    assert [column.name for column in held] == [
        "id", "name", "data_type", "numeric_value", "string_value", "scored_at", "updated_at",
    ]  # fmt: skip
    assert chunk.rows == TextRows(
        b"a\tn\tNUMERIC\t0.5\t\t2026-11-22T10:00:00+00:00\t\nb\tn\tBOOLEAN\t1\tTrue\t2026-11-22T10:00:00+00:00\t\n"
    )


@pytest.mark.parametrize("column", ["name", "tags", "metadata"])
def test_bytes_that_are_no_text_are_replaced_in_their_row(column: str) -> None:
    broken = pa.array([b"\xff"]).view(pa.string())
    columns = {
        "trace_id": pa.array(["t"]), "id": pa.array(["o"]), "type": pa.array(["SPAN"]), "name": pa.array(["n"]),
        "start_time": pa.array([datetime(2026, 11, 22, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        "tags": pa.array([["a"]]), "metadata": pa.array([[("team", "a")]], pa.map_(pa.string(), pa.string())),
    } | {column: {
        "name": broken, "tags": pa.ListArray.from_arrays([0, 1], broken),
        "metadata": pa.MapArray.from_arrays([0, 1], pa.array(["team"]), broken),
    }[column]}  # fmt: skip

    [chunk] = chunks_of_batch(pa.RecordBatch.from_pydict(columns), OBSERVATIONS.held_by(columns, OPEN), Reading(OPEN))

    assert chunk.count == 1
    assert REPLACEMENT.encode() in chunk.rows.lines


def test_half_a_character_is_replaced() -> None:
    row = {"id": "a", "name": "n\ud800", "data_type": "NUMERIC", "value": 1, "timestamp": "2026-11-22 10:00:00"}
    chunk = chunk_of_rows([row], SCORES.held_by(row, OPEN), Reading(OPEN))
    assert (chunk.count, chunk.rejected) == (1, ())
    assert chunk.rows.lines.startswith(b"a\tn?\tNUMERIC\t")


@pytest.fixture
def manifest() -> dict[str, Any]:
    """As a later version may write it, with more than is known."""
    return {
        "version": 1, "projectId": "p1", "window": {"minTimestamp": "2026-11-22T10:00:00.000Z",
        "maxTimestamp": "2026-11-22T11:00:00.000Z"}, "more": 1,
        "files": [
            {"key": "a/b/p1/scores/x.csv.gz", "table": "scores", "fileType": "CSV", "sizeBytes": 9, "rowCount": 2}
        ],
    }  # fmt: skip


def read(folder: Path, manifest: Any) -> Any:
    place = folder / "elsewhere-p1" / "manifests"
    place.mkdir(parents=True)
    (place / "1.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    storage = open_storage(str(folder))
    [stored] = listed_manifests(storage, project_folder(storage, "p1"))
    return read_manifest(storage, stored)


def test_files_are_looked_for_beside_their_manifest(tmp_path: Path, manifest: dict[str, Any]) -> None:
    [file] = read(tmp_path, manifest).files
    assert (file.path, file.table, file.form, file.size, file.rows) == (
        "elsewhere-p1/scores/x.csv.gz", "scores", "csv", 9, 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "of version 2"),
        ({"window": {}}, "minTimestamp"),
        ({"files": [{"key": "p1/../etc/passwd", "table": "scores"}]}, "is no file of the table scores"),
        ({"files": [{"key": "p1/scores/x", "table": "scores", "fileType": "AVRO"}]}, "of type AVRO"),
        ({"files": None}, "is no manifest"),
    ],
)
def test_what_is_no_manifest_is_named(tmp_path: Path, manifest: dict[str, Any], change: Any, message: str) -> None:
    with pytest.raises(ExportError, match=message):
        read(tmp_path, manifest | change)


def test_a_text_that_is_no_json_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="is no manifest"):
        read(tmp_path, "{")
