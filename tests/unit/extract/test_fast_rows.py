"""The fast way to a line gives what the exact way gives, for any entry, or the same reason against it."""

import json
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.extract.answers import parse_json
from tracemart.extract.fast_rows import fast_observation_line
from tracemart.extract.fields import RowError
from tracemart.extract.rows import OBSERVATION_COLUMNS, observation_line

TEXT = st.text(max_size=12) | st.sampled_from(
    ["", "tab\t", "line\n", "back\\slash", '"quoted"', "\x00", "日本", "a" * 200]
)
TIMES = st.sampled_from(
    ["2026-11-22T14:03:00.613Z", "2026-02-30T14:03:00.613Z", "2026-11-22T14:03:00Z", "", None, "soon", 7,
     "2026-11-22T23:03:00.613-03:00", "2026-11-22T14:03:00.613"]
)  # fmt: skip
NUMBERS = st.one_of(
    st.none(), st.integers(-(2**62), 2**62), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["0.0000025", "1.5e-7", "", "dear"]), st.booleans(),
)  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
MAPS = st.dictionaries(TEXT, NUMBERS, max_size=3) | ANY
FIELDS = {
    "traceId": TEXT, "id": TEXT, "type": st.sampled_from(["GENERATION", "SPAN", "NEW_KIND", ""]), "startTime": TIMES,
    "endTime": TIMES, "completionStartTime": TIMES, "createdAt": TIMES, "updatedAt": TIMES,
    "parentObservationId": st.none() | TEXT, "isRootObservation": st.none() | st.booleans() | TEXT, "name": ANY,
    "level": TEXT, "statusMessage": TEXT, "version": st.none() | TEXT, "environment": TEXT, "bookmarked": st.booleans(),
    "public": st.booleans(), "userId": TEXT, "sessionId": TEXT, "release": TEXT, "traceName": st.none() | TEXT,
    "tags": st.none() | st.lists(TEXT, max_size=3) | ANY, "latency": NUMBERS, "timeToFirstToken": NUMBERS,
    "model": st.none() | TEXT, "providedModelName": TEXT, "internalModelId": TEXT, "modelId": st.none() | TEXT,
    "modelParameters": ANY, "inputPrice": NUMBERS, "outputPrice": NUMBERS, "totalPrice": NUMBERS, "usageDetails": MAPS,
    "costDetails": MAPS, "inputUsage": NUMBERS, "outputUsage": NUMBERS, "totalUsage": NUMBERS, "inputCost": NUMBERS,
    "outputCost": NUMBERS, "totalCost": NUMBERS, "usagePricingTierId": st.none() | TEXT,
    "usagePricingTierName": st.none() | TEXT, "promptId": TEXT, "promptName": TEXT, "promptVersion": NUMBERS,
    "metadata": ANY, "unknownKey": ANY,
}  # fmt: skip
USUAL = {"traceId": "t1", "id": "o1", "type": "GENERATION", "startTime": "2026-11-22T14:03:00.613Z"}


def told(make_line: Any, entry: Any) -> tuple[str, Any]:
    try:
        return "kept", columns_of(make_line(entry))
    except RowError as error:
        return "rejected", str(error)


def columns_of(line: str) -> list[Any]:
    """Columns of a line; JSON as its value, for the fast way keeps the text that was sent."""
    columns: list[Any] = line.removesuffix("\n").split("\t")
    for name in ("model_parameters", "usage_details", "cost_details", "metadata"):
        place = OBSERVATION_COLUMNS.index(name)
        if columns[place]:
            columns[place] = parse_json(columns[place].replace("\\\\", "\\").encode())
    return columns


@settings(deadline=None, max_examples=400)
@given(st.fixed_dictionaries({}, optional=FIELDS))
def test_fast_and_exact_ways_agree_on_any_entry(row: dict[str, Any]) -> None:
    for entry in (row, USUAL | row, row | USUAL):
        sent = msgspec.Raw(json.dumps(entry).encode())
        assert told(fast_observation_line, sent) == told(observation_line, parse_json(bytes(sent)))


@pytest.mark.parametrize(
    "metadata",
    [
        {"team": "a"},
        {"cut": '"' + "x" * 199},
        {"cut": '"' + "\\\\" * 99 + "\\"},
        {"quoted": '"sales"'},
        {"nested": {"deep": ['"' + "y" * 199]}},
        {"nul": "\x00"},
    ],
)
def test_metadata_that_the_server_cut_is_mended_either_way(metadata: dict[str, Any]) -> None:
    entry = USUAL | {"metadata": metadata}

    assert told(fast_observation_line, msgspec.Raw(orjson.dumps(entry))) == told(observation_line, entry)


def test_half_a_pair_and_more_than_a_double_holds_go_the_exact_way() -> None:
    text = b'{"traceId":"t","id":"o","type":"SPAN","startTime":"2026-11-22T14:03:00.613Z","name":"\\ud800","totalCost":'
    for amount in (b"0.1", b"12345678901234567890123"):
        sent = msgspec.Raw(text + amount + b"}")
        assert told(fast_observation_line, sent) == told(observation_line, parse_json(bytes(sent)))


def test_one_entry_that_is_no_object_is_named() -> None:
    assert told(fast_observation_line, msgspec.Raw(b'"only text"')) == ("rejected", "the row is no object")
