"""The same observations and scores, as the API answers them and as exports of every format hold them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracemart.extract import fields
from tracemart.extract import rows as api_rows
from tracemart.extract.chunks import Chunk
from tracemart.extract.copying import TextRows
from tracemart.extract.export.manifests import listed_manifests, project_folder, read_manifest
from tracemart.extract.export.observations import OBSERVATIONS
from tracemart.extract.export.readers import opened_file
from tracemart.extract.export.scores import SCORES
from tracemart.extract.export.storage import open_storage
from tracemart.privacy import Privacy
from tracemart.privacy.allow_list import AllowList
from tracemart.standin.export import ExportWriter
from tracemart.standin.export_files import Form
from tracemart.standin.prices import PriceBook
from tracemart.standin.render import OBSERVATION_GROUPS, SCORE_GROUPS, ObservationFields, observation_rows, score_row
from tracemart.standin.rows import Metadata, Observation, PromptRef, Score, TraceContext
from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import from_datetime

OPEN = Privacy(redacts=False, allow_list=AllowList.of(["*"]), user_id_key=None)
Fields = dict[str, Any]
PRICES = ("input_price", "output_price", "total_price")
FORMS: tuple[Form, ...] = ("parquet", "jsonl", "json", "csv")
START = from_datetime(datetime(2026, 11, 1, tzinfo=UTC))

# Control characters are escapes in JSON, and text formats turn escapes into characters, with all backslashes before.
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12).filter(
    lambda text: "\\u" not in text
)
names = st.one_of(
    st.just(""), texts, st.sampled_from(['a"b', "tab\there", "back\\slash", "new\nline", "nul\x00", "\r"])
)
ids = st.text("0123456789abcdef", min_size=4, max_size=8)
# Up to 4096 dollars a double, which the API answers, tells each of the 12 decimals that an export has.
counts = st.integers(0, 2**53 - 1)
picos = st.integers(0, 4096 * 10**12)
kinds = st.sampled_from(["input", "output", "total", "input_cached_tokens", "reasoning_tokens", "INPUT", 'odd "key"'])
numbers = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.decimals(-1000, 1000, places=3).map(float))
sent = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def observations(draw: st.DrawFn, position: int) -> Observation:
    start = START + draw(st.integers(0, 86_400_000))
    usage, cost = (draw(st.dictionaries(kinds, values, max_size=4)) for values in (counts, picos))
    return Observation(
        context=TraceContext(
            trace_id=draw(ids), user_id=draw(names), session_id=draw(names), environment=draw(names),
            release=draw(names), version=draw(names), tags=tuple(draw(st.lists(names, max_size=3))),
            metadata=Metadata.of(draw(st.dictionaries(texts, sent, max_size=3))),
        ),
        id=f"{draw(ids)}{position}", parent_id=draw(st.none() | ids), type=draw(st.sampled_from(["SPAN", "X"])),
        name=draw(names), start_ms=start, end_ms=start + draw(st.integers(-5, 10**7)),
        created_ms=start + draw(st.integers(0, 10**9)), trace_name=draw(st.none() | texts.filter(bool)),
        level=draw(st.sampled_from(["ERROR", "DEFAULT"])), status_message=draw(names),
        completion_ms=draw(st.none() | st.just(start) | st.integers(start, start + 10**6)), is_root=draw(st.booleans()),
        model=draw(names), model_id=draw(names), tier_id=draw(st.none() | ids), tier_name=draw(st.none() | texts),
        parameters=draw(st.dictionaries(texts, sent, max_size=2)), usage_keys=tuple(usage),
        usage_values=tuple(usage.values()), cost_keys=tuple(cost), cost_values=tuple(cost.values()),
        prompt=draw(st.none() | st.builds(PromptRef, ids, names, st.integers(1, 65535))),
    )  # fmt: skip


@st.composite
def scores(draw: st.DrawFn, position: int) -> Score:
    kind = draw(st.sampled_from(["NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT"]))
    value = {"NUMERIC": st.floats(allow_nan=False, allow_infinity=False), "BOOLEAN": st.sampled_from([0, 1])}.get(
        kind, texts
    )
    subject = draw(st.sampled_from(["trace_id", "observation_id", "session_id", "run_id"]))
    moment = START + draw(st.integers(0, 86_400_000))
    trace = {"trace_id": draw(ids)} if subject == "observation_id" else {}
    return Score(
        id=f"{draw(ids)}{position}", name=draw(texts.filter(bool)), timestamp_ms=moment, created_ms=moment,
        updated_ms=moment + draw(st.integers(0, 10**8)), data_type=kind, value=draw(value),
        environment=draw(names), comment=draw(st.none() | names), **{subject: draw(ids)}, **trace,
    )  # fmt: skip


EXAMPLES = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

drawn_observations = st.integers(1, 3).flatmap(lambda n: st.tuples(*(observations(i) for i in range(n))))
drawn_scores = st.integers(1, 3).flatmap(lambda n: st.tuples(*(scores(i) for i in range(n))))


@EXAMPLES
@given(drawn=drawn_observations)
def test_observations_are_those_of_the_api_in_every_format(drawn: tuple[Observation, ...], tmp_path: Path) -> None:
    project = ProjectStore("p", "p")
    project.add_observations(drawn)
    wanted = ObservationFields(frozenset(OBSERVATION_GROUPS))
    answered = json.loads(orjson.dumps(observation_rows(project.observations(), "p", PriceBook(), wanted)))
    expected = [fields_of(api_rows.observation_line(row).encode(), api_rows.OBSERVATION_COLUMNS) for row in answered]

    for form in FORMS:
        columns, found = exported(project, form, tmp_path, "observations_v2")

        assert set(api_rows.OBSERVATION_COLUMNS) - set(columns) <= {"model_id", *PRICES}
        shared = [name for name in columns if name in api_rows.OBSERVATION_COLUMNS]
        assert by_id(found, shared) == by_id(expected, shared)


@EXAMPLES
@given(drawn=drawn_scores)
def test_scores_are_those_of_the_api_in_every_format(drawn: tuple[Score, ...], tmp_path: Path) -> None:
    project = ProjectStore("p", "p")
    project.add_scores(drawn)
    answered = json.loads(orjson.dumps([score_row(score, "p", frozenset(SCORE_GROUPS)) for score in project.scores()]))
    expected = [fields_of(api_rows.score_line(row).encode(), api_rows.SCORE_COLUMNS) for row in answered]

    for form in FORMS:
        columns, found = exported(project, form, tmp_path, "scores")

        assert by_id(found, columns) == by_id(expected, columns)


def exported(project: ProjectStore, form: Form, folder: Path, table: str) -> tuple[tuple[str, ...], list[Fields]]:
    """The columns of raw that one table of the project's export has, and its rows."""
    for old in sorted(folder.rglob("*"), reverse=True):
        old.unlink() if old.is_file() else old.rmdir()
    ExportWriter(folder, form, compressed=True).write(project)
    storage = open_storage(str(folder))
    [stored] = listed_manifests(storage, project_folder(storage, "p"))
    [file] = read_manifest(storage, stored).files_of(table)
    with opened_file(storage, file, SCORES if table == "scores" else OBSERVATIONS, OPEN) as content:
        chunks = list(content.chunks)
    assert not [chunk.rejected for chunk in chunks if chunk.rejected]
    return content.column_names, [fields for chunk in chunks for fields in rows_of(chunk, content.column_names)]


def rows_of(chunk: Chunk, columns: tuple[str, ...]) -> list[Fields]:
    """A chunk's rows as PostgreSQL understands them."""
    if isinstance(chunk.rows, TextRows):
        found = [fields_of(line, columns) for line in chunk.rows.lines.splitlines()]
    else:
        assert chunk.rows.batch.schema.names == list(columns)
        found = [{name: _read(name, value) for name, value in row.items()} for row in chunk.rows.batch.to_pylist()]
    assert len(found) == chunk.count
    return found


def _read(name: str, value: Any) -> Any:
    if name in JSON and value is not None:
        return json.loads(value, parse_float=Decimal, parse_int=Decimal)
    if name == "start_month":
        return value.isoformat()
    if isinstance(value, list):
        return fields.text_array(value, name)
    return Decimal(repr(value)) if isinstance(value, float) else value


ESCAPED = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
TIMES = ("_time", "_at")
NUMBERS = ("_seconds", "_usage", "_cost", "_price", "_value", "_version")
JSON = ("metadata", "model_parameters", "usage_details", "cost_details", "tool_definitions", "tool_calls")


def fields_of(line: bytes, columns: tuple[str, ...]) -> Fields:
    """A line of COPY text as PostgreSQL understands it."""
    values = line.decode().rstrip("\n").split("\t")
    assert len(values) == len(columns)
    return {name: _value(name, value) for name, value in zip(columns, values, strict=True)}


def _value(name: str, field: str) -> Any:
    text, rest = "", field
    while rest:
        step = 2 if rest[0] == "\\" else 1
        text += ESCAPED[rest[:2]] if step == 2 else rest[0]
        rest = rest[step:]
    if text == "":
        return None
    if name in JSON:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if name == "string_value":
        return text
    if name.endswith(TIMES):
        return datetime.fromisoformat(text)
    if name.endswith(NUMBERS):
        return Decimal(text)
    return (
        {"t": True, "true": True, "f": False, "false": False}.get(text, text)
        if name.startswith(("is_", "bo", "pu"))
        else text
    )


def by_id(rows: list[Fields], columns: Sequence[str]) -> dict[str, Fields]:
    return {row["id"]: {name: row[name] for name in columns} for row in rows}


def test_a_window_without_rows_has_no_columns(tmp_path: Path) -> None:
    project = ProjectStore("p", "p")
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for form in FORMS:
        for compressed in (False, True):
            folder = tmp_path / f"{form}{compressed}"
            ExportWriter(folder, form, compressed).write_window(project, start, start + timedelta(hours=1))
            storage = open_storage(str(folder))
            [stored] = listed_manifests(storage, "p")
            for file in read_manifest(storage, stored).files:
                table = SCORES if file.table == "scores" else OBSERVATIONS
                with opened_file(storage, file, table, OPEN) as content:
                    assert (content.column_names, list(content.chunks)) == ((), [])
