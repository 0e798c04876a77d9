"""v3 and v4 answers about the same data become the same rows, but for differences that are named here."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tracemart.extract import rows, v3_rows
from tracemart.extract.fields import RowError
from tracemart.extract.rows import RowMaker

RECORDINGS = Path(__file__).parents[2] / "recordings"

Values = dict[str, str]


def recorded(file: str, first: int, last: int) -> list[dict[str, Any]]:
    entries = json.loads((RECORDINGS / file).read_text())[first : last + 1]
    assert not any("trimmed" in entry for entry in entries)
    return [row for entry in entries for row in entry["body"]["data"]]


def values(make_line: RowMaker, columns: tuple[str, ...], row: Any) -> Values:
    texts = make_line(row).removesuffix("\n").split("\t")
    return dict(zip(columns, texts, strict=True))


@pytest.fixture(scope="module")
def of_v4() -> dict[str, Values]:
    found = recorded("26_dual_v2_observations_after_propagation.json", 0, 0)
    return {row["id"]: values(rows.observation_line_with_io, rows.OBSERVATION_COLUMNS_WITH_IO, row) for row in found}


@pytest.fixture(scope="module")
def roots() -> dict[str, Values]:
    found = recorded("21_dual_traces.json", 0, 2)
    columns = v3_rows.ROOT_COLUMNS_WITH_IO
    return {f"t-{row['id']}": values(v3_rows.root_line_with_io, columns, v3_rows.as_root(row)) for row in found}


@pytest.fixture(scope="module")
def observations() -> dict[str, Values]:
    found = recorded("22_dual_observations.json", 0, 2)
    columns = v3_rows.OBSERVATION_COLUMNS_WITH_IO
    return {row["id"]: values(v3_rows.observation_line_with_io, columns, row) for row in found}


def differences(of_v3: dict[str, Values], of_v4: dict[str, Values]) -> dict[str, set[tuple[str, str]]]:
    """Column → the pairs of values in which v3 and v4 differ."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for name, row in of_v3.items():
        for column, value in row.items():
            if not same(column, value, of_v4[name][column]):
                found[column].add((value, of_v4[name][column]))
    return dict(found)


def same(column: str, left: str, right: str) -> bool:
    if left == right:
        return True
    if column in ("metadata", "usage_details", "cost_details", "model_parameters", "input", "output"):
        return bool(left and right) and json.loads(left) == json.loads(right)
    return column.endswith("_price") and bool(left and right) and float(left) == float(right)


def test_both_have_the_same_rows(
    of_v4: dict[str, Values], roots: dict[str, Values], observations: dict[str, Values]
) -> None:
    assert len(roots) == 23
    assert len(observations) == 58
    assert of_v4.keys() == roots.keys() | observations.keys()


def test_roots_differ_only_in_what_v4_lost(of_v4: dict[str, Values], roots: dict[str, Values]) -> None:
    """Rows that were sent days late have no user, session, tags and release in v4: langfuse.md, 0b.17."""
    found = differences(roots, of_v4)

    assert found.keys() == {"user_id", "session_id", "tags", "release"}
    assert {of_v4 for pairs in found.values() for _, of_v4 in pairs} == {"", "{}"}
    # What v3's roots do not have, v4's do not either.
    beyond = set(rows.OBSERVATION_COLUMNS) - set(v3_rows.ROOT_COLUMNS_WITH_IO)
    assert {of_v4[name][column] for name in roots for column in beyond} == {""}


def test_observations_differ_only_in_a_duration_of_nothing(
    of_v4: dict[str, Values], observations: dict[str, Values]
) -> None:
    assert differences(observations, of_v4) == {"latency_seconds": {("0", "")}}
    # Where they have no parent, it is the root that v4 makes of the trace.
    below_root = [row for row in observations.values() if row["parent_observation_id"] == f"t-{row['trace_id']}"]
    assert len(below_root) == 25


def test_default_columns_are_those_with_io_less_what_comes_with_it() -> None:
    assert set(v3_rows.ROOT_COLUMNS_WITH_IO) - set(v3_rows.ROOT_COLUMNS) == {"input", "output"}
    assert set(v3_rows.OBSERVATION_COLUMNS_WITH_IO) - set(v3_rows.OBSERVATION_COLUMNS) == {"input", "output"}
    trace = v3_rows.as_root(recorded("21_dual_traces.json", 0, 0)[0])
    observation = recorded("22_dual_observations.json", 0, 0)[0]
    for row, make, columns, make_with_io, columns_with_io in (
        (trace, v3_rows.root_line, v3_rows.ROOT_COLUMNS, v3_rows.root_line_with_io, v3_rows.ROOT_COLUMNS_WITH_IO),
        (
            observation,
            v3_rows.observation_line,
            v3_rows.OBSERVATION_COLUMNS,
            v3_rows.observation_line_with_io,
            v3_rows.OBSERVATION_COLUMNS_WITH_IO,
        ),
    ):
        assert values(make, columns, row).items() <= values(make_with_io, columns_with_io, row).items()


def test_observations_lack_the_tier_and_what_their_trace_has() -> None:
    """The tier is null in every entry of v3's listing, though an observation asked for alone has it."""
    lacking = set(rows.OBSERVATION_COLUMNS) - set(v3_rows.OBSERVATION_COLUMNS)

    assert lacking == {"usage_pricing_tier_id", "usage_pricing_tier_name", *v3_rows.TRACE_ATTRIBUTES}
    found = recorded("22_dual_observations.json", 0, 2)
    assert {row["usagePricingTierId"] for row in found} == {None}
    assert set(v3_rows.TRACE_ATTRIBUTES) <= set(v3_rows.ROOT_COLUMNS)


def test_metadata_of_a_trace_comes_in_the_group_io_alone() -> None:
    entries = json.loads((RECORDINGS / "21_dual_traces.json").read_text())
    core, io = (next(e for e in entries if e["note"] == f"traces fields={group}") for group in ("core", "io"))

    assert [row["metadata"] for row in core["body"]["data"]] == [{}, {}]
    assert all(row["metadata"] for row in io["body"]["data"])


def test_scores_are_the_same() -> None:
    """Recording 24 shows five of them by both APIs, asked for by v3 with the field group `subject` alone."""
    not_asked_for = {"comment", "configId", "metadata", "authorUserId", "queueId"}
    of_v2 = {row["id"]: row for row in recorded("24_dual_scores.json", 0, 0)}
    of_v3 = recorded("24_dual_scores.json", 30, 30)

    assert len(of_v2) == 38
    assert len(of_v3) == 5
    for row in of_v3:
        shown = {name: value for name, value in of_v2[row["id"]].items() if name not in not_asked_for}
        assert v3_rows.score_line_of_v2(shown) == rows.score_line(row)


def score(**particular: Any) -> dict[str, Any]:
    common = {"id": "s", "name": "n", "timestamp": "2026-11-20T00:00:00.000Z", "source": "API", "environment": "e"}
    return {**common, **particular}


@pytest.mark.parametrize(
    ("of_v2", "of_v3"),
    [
        ({"dataType": "NUMERIC", "value": 0.5, "stringValue": None}, {"dataType": "NUMERIC", "value": 0.5}),
        ({"dataType": "BOOLEAN", "value": 0, "stringValue": "False"}, {"dataType": "BOOLEAN", "value": False}),
        ({"dataType": "BOOLEAN", "value": 1, "stringValue": "True"}, {"dataType": "BOOLEAN", "value": True}),
        ({"dataType": "CATEGORICAL", "value": 0, "stringValue": "b"}, {"dataType": "CATEGORICAL", "value": "b"}),
        ({"dataType": "TEXT", "stringValue": "said"}, {"dataType": "TEXT", "value": "said"}),
        ({"dataType": "CORRECTION", "value": 0, "stringValue": "so"}, {"dataType": "CORRECTION", "value": "so"}),
    ],
)
def test_score_values_of_each_type_are_the_same(of_v2: dict[str, Any], of_v3: dict[str, Any]) -> None:
    assert v3_rows.score_line_of_v2(score(**of_v2)) == rows.score_line(score(**of_v3))


@pytest.mark.parametrize(
    ("named", "subject"),
    [
        ({"traceId": "t"}, {"kind": "trace", "id": "t"}),
        ({"traceId": "t", "observationId": "o"}, {"kind": "observation", "id": "o", "traceId": "t"}),
        ({"sessionId": "s", "traceId": None}, {"kind": "session", "id": "s"}),
        ({"datasetRunId": "r", "traceId": "t", "observationId": "o"}, {"kind": "experiment", "id": "r"}),
        ({"traceId": None, "sessionId": None}, None),
    ],
)
def test_score_subjects_are_the_same(named: dict[str, Any], subject: dict[str, Any] | None) -> None:
    numeric = {"dataType": "NUMERIC", "value": 1}

    assert v3_rows.score_line_of_v2(score(**numeric, **named)) == rows.score_line(score(**numeric, subject=subject))


def test_observation_with_its_traces_id_is_the_root_itself() -> None:
    row = {"id": "same", "traceId": "same", "type": "SPAN", "startTime": "2026-11-20T00:00:00.000Z"}

    found = values(v3_rows.observation_line, v3_rows.OBSERVATION_COLUMNS, row)

    assert found["parent_observation_id"] == ""
    assert found["is_root_observation"] == "t"


@pytest.mark.parametrize(
    ("make_line", "row", "reason"),
    [
        (v3_rows.observation_line, "text", "the row is no object"),
        (v3_rows.observation_line, {"id": "a"}, "traceId is missing"),
        (v3_rows.observation_line, {"id": "a", "traceId": "t", "type": "SPAN"}, "startTime is missing"),
        (v3_rows.root_line, ["list"], "the row is no object"),
        (v3_rows.root_line, {"name": "n"}, "id is missing"),
        (v3_rows.root_line, {"id": "a", "timestamp": "yesterday"}, "timestamp is no time"),
        (v3_rows.root_line_with_io, {"id": "a", "timestamp": ""}, "timestamp is missing"),
        (v3_rows.score_line_of_v2, None, "the row is no object"),
        (v3_rows.score_line_of_v2, score(dataType="NUMERIC", value="high"), "value is no number"),
    ],
)
def test_row_that_cannot_be_kept_says_why(make_line: RowMaker, row: Any, reason: str) -> None:
    with pytest.raises(RowError, match=f"^{reason}$"):
        make_line(v3_rows.as_root(row) if "root" in make_line.__name__ else row)


def test_neither_part_takes_what_the_other_rejected() -> None:
    trace = v3_rows.as_root(recorded("21_dual_traces.json", 0, 0)[0])
    observation = recorded("22_dual_observations.json", 0, 0)[0]

    with pytest.raises(RowError, match=r"^(startTime|type) is missing$"):
        v3_rows.observation_line(trace)
    with pytest.raises(RowError, match=r"^timestamp is missing$"):
        v3_rows.root_line(observation)


@pytest.mark.parametrize(
    ("path", "make_line", "least"),
    [
        ("/api/public/traces", v3_rows.root_line_with_io, 60),
        ("/api/public/observations", v3_rows.observation_line_with_io, 70),
        ("/api/public/v2/scores", v3_rows.score_line_of_v2, 60),
    ],
)
def test_every_recorded_page_is_read(path: str, make_line: RowMaker, least: int) -> None:
    read = 0
    for file in sorted(RECORDINGS.glob("*.json")):
        entries = json.loads(file.read_text())
        for entry in entries if isinstance(entries, list) else []:
            request = entry.get("request") or {}
            if (request.get("method"), request.get("path"), entry.get("status")) == ("GET", path, 200):
                for row in entry["body"]["data"]:
                    make_line(v3_rows.as_root(row) if path.endswith("traces") else row)
                    read += 1
    assert read > least
