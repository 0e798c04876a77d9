"""Rows reach PostgreSQL as they are, in either form of COPY."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tracemart.errors import WarehouseError
from tracemart.extract import fields
from tracemart.extract.chunks import Chunk
from tracemart.extract.copying import CopyData, Front, Rows, TextRows
from tracemart.extract.export.arrow_rows import ArrowRows
from tracemart.extract.export.numeric_wire import MOST_DIGITS, MOST_PLACES
from tracemart.extract.load import LoadKey, begin_load
from tracemart.extract.loading import Load
from tracemart.extract.upsert import upsert_of
from tracemart.warehouse import Role, Warehouse

FRONT = Front("langfuse", "p\t1", "export", 7)
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TABLE = """
create temporary table copied (
    instance text, project_id text, source text, batch_id bigint, trace_id text, note text, is_root boolean,
    units bigint, version integer, dollars numeric, said jsonb, tags text[], at timestamptz, start_month date
)
"""

texts = (
    st.none() | st.text(max_size=8) | st.sampled_from(["", "tab\there", "back\\slash", "new\nline", "nul\x00", "\r"])
)
moments = st.integers(-(10**12), 10**13).map(lambda ms: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
rows = st.tuples(
    st.text("ab\t\\", min_size=1, max_size=4), texts, st.none() | st.booleans(), st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.integers(0, 2**31 - 1), st.none() | st.decimals(-1000, 1000, places=12),
    st.none() | st.sampled_from(['{"a": [1, 0.5]}', "[]", '"text"']),
    st.lists(st.none() | st.text(max_size=3), max_size=3), st.none() | moments, st.dates(date(1990, 1, 1)),
)  # fmt: skip


def read_back(warehouse: Warehouse, *parts: Rows) -> list[tuple[Any, ...]]:
    with warehouse.connect(Role.LOADER) as connection:
        connection.execute(TABLE)
        for part in parts:
            copy(connection, part.copied(FRONT))
        return connection.execute("select * from copied").fetchall()


def copy(connection: psycopg.Connection, *parts: CopyData) -> None:
    with connection.cursor().copy(b"copy copied from stdin " + parts[0].options.encode()) as stream:
        stream.write(parts[0].header)
        for part in parts:
            stream.write(part.content)


@EXAMPLES
@given(drawn=st.lists(rows, min_size=1, max_size=4))
def test_columns_and_lines_say_the_same(warehouse: Warehouse, drawn: list[tuple[Any, ...]]) -> None:
    trace_id, note, is_root, units, version, dollars, said, tags, at, month = zip(*drawn, strict=True)
    columns = {
        "trace_id": pa.array(trace_id), "note": pa.array(note, pa.string()), "is_root": pa.array(is_root, pa.bool_()),
        "units": pa.array(units, pa.int64()), "version": pa.array(version, pa.int32()),
        "dollars": pa.array(dollars, pa.decimal128(18, 12)), "said": pa.array(said, pa.string()),
        "tags": pa.array([[None if tag is None else tag.replace("\x00", "-") for tag in row] for row in tags],
                         pa.list_(pa.string())),
        "at": pa.array(at, pa.timestamp("ms", "UTC")), "start_month": pa.array(month, pa.date32()),
    }  # fmt: skip
    in_arrow, in_text = ArrowRows.of(columns, frozenset({"said"})), TextRows(b"".join(map(line_of, drawn)))

    assert read_back(warehouse, in_arrow) == read_back(warehouse, in_text)
    assert in_arrow.months_of_traces() == in_text.months_of_traces()


def line_of(row: tuple[Any, ...]) -> bytes:
    trace_id, note, is_root, units, version, dollars, said, tags, at, month = row
    entries = ["NULL" if tag is None else '"' + tag.replace("\x00", "-").replace("\\", r"\\").replace('"', r"\"") + '"'
               for tag in tags]  # fmt: skip
    texts = [trace_id, note, fields.flag(is_root, ""), units, version, dollars, said, "{" + ",".join(entries) + "}",
             at and at.isoformat(), month.isoformat()]  # fmt: skip
    return fields.line(["" if value is None else str(value) for value in texts]).encode()


@EXAMPLES
@given(places=st.integers(0, MOST_PLACES), data=st.data())
def test_decimals_arrive_without_zeros_at_their_end(warehouse: Warehouse, places: int, data: st.DataObject) -> None:
    whole = st.none() | st.integers(-(10**MOST_DIGITS) + 1, 10**MOST_DIGITS - 1) | st.integers(-100, 100)
    drawn = data.draw(st.lists(whole, min_size=1, max_size=5))
    numbers = [None if number is None else Decimal(number).scaleb(-places) for number in drawn]
    assert numerics(warehouse, pa.array(numbers, pa.decimal128(MOST_DIGITS, places))) == [*map(shortest, numbers)]


@EXAMPLES
@given(drawn=st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
@example([0.1 + 0.2, 1e-12, 5e-324, 1.7976931348623157e308, -0.0, 999999999999.5, 123456789.123456])
def test_floats_arrive_as_the_shortest_decimal_that_reads_as_them(
    warehouse: Warehouse, drawn: list[float | None]
) -> None:
    expected = [None if number is None else Decimal(repr(number)) for number in drawn]
    assert numerics(warehouse, pa.array(drawn, pa.float64())) == [*map(shortest, expected)]


def numerics(warehouse: Warehouse, numbers: pa.Array) -> list[str | None]:
    batch = ArrowRows.of({"number": numbers}, frozenset())
    with warehouse.connect(Role.LOADER) as connection:
        connection.execute("create temporary table copied (a text, b text, c text, d bigint, number numeric)")
        copy(connection, batch.copied(FRONT))
        return [row[0] for row in connection.execute("select number::text from copied")]


def shortest(number: Decimal | None) -> str | None:
    if number is None:
        return None
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def test_batches_follow_each_other_in_one_copy(warehouse: Warehouse) -> None:
    batch = ArrowRows.of({"number": pa.array([1.5] * 5000)}, frozenset())
    with warehouse.connect(Role.LOADER) as connection:
        connection.execute("create temporary table copied (a text, b text, c text, d bigint, number numeric)")
        copy(connection, *[batch.copied(FRONT)] * 3)
        assert connection.execute("select count(*), sum(number) from copied").fetchall() == [(15_000, 22_500)]


def test_text_that_is_not_utf_8_is_refused_before_postgresql_sees_it() -> None:
    broken = pa.array([b"\xff"]).view(pa.string())
    for column in (broken, pa.ListArray.from_arrays([0, 1], broken)):
        with pytest.raises(pa.ArrowInvalid):
            ArrowRows.of({"note": column}, frozenset())


def test_a_load_counts_what_postgresql_took(warehouse: Warehouse) -> None:
    key = LoadKey("langfuse", "p", "observations", "export")
    columns = ("trace_id", "id", "type", "start_time", "updated_at", "start_month")
    start = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=1)
    line = fields.line(["t", "o", "SPAN", start.isoformat(), "", "2026-11-01"]).encode()
    with warehouse.connect(Role.LOADER) as connection:
        upsert = upsert_of("observations", columns, "export")
        with Load(connection, key, upsert, begin_load(connection, key, None)) as load:
            load.add(Chunk(TextRows(line), 2))
            with pytest.raises(WarehouseError, match=r"took 1 of 2 rows for raw\.observations"):
                load.finish()
