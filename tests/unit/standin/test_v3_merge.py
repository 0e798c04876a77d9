"""Events of the old ingestion make the same row in whatever order they arrive."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracemart.standin.store import ProjectStore
from tracemart.standin.timestamps import to_iso
from tracemart.standin.v3.merge import Arrival, take_observation, take_trace
from tracemart.standin.v3.tables import WrittenEvent
from tracemart.standin.v3.view import view_of

MOMENTS = st.integers(0, 10).map(lambda second: to_iso(1_795_000_000_000 + second * 1000))
TEXTS = st.sampled_from(["", "a", "b"])
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "startTime": MOMENTS,
        "endTime": st.none() | MOMENTS,
        "name": st.none() | TEXTS,
        "level": st.sampled_from(["DEFAULT", "ERROR"]),
        "model": st.sampled_from(["gpt-4o", "house"]),
        "usageDetails": st.dictionaries(st.sampled_from(["input", "output", "total"]), st.integers(0, 99)),
        "metadata": st.dictionaries(st.sampled_from(["k", "l"]), st.integers(0, 3) | st.dictionaries(TEXTS, TEXTS)),
        "input": st.none() | TEXTS,
    },
)


@given(st.lists(BODIES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_arrival_means_nothing(bodies: list[dict[str, Any]], chance: random.Random) -> None:
    events = [WrittenEvent(place, place > 0, {"id": "o", "traceId": "t", **body}) for place, body in enumerate(bodies)]
    shuffled = events.copy()
    chance.shuffle(shuffled)

    assert merged(events) == merged(shuffled)


def merged(events: list[WrittenEvent]) -> Any:
    project = ProjectStore("p", "P")
    for event in events:
        take_observation(project, "generation", event, Arrival(1, 1))
    (row,) = view_of(project).observations
    return row


def test_what_is_said_first_of_id_start_and_environment_stays() -> None:
    first = {"id": "o", "traceId": "t", "startTime": to_iso(1000), "environment": "staging", "name": "a"}
    later = {"id": "o", "traceId": "u", "startTime": to_iso(9000), "environment": "other", "name": "b"}

    row = merged([WrittenEvent(1, False, first), WrittenEvent(2, True, later)])

    assert (row.context.trace_id, row.start_ms, row.context.environment, row.name) == ("t", 1000, "staging", "b")


def test_tags_add_up_and_metadata_is_merged_key_by_key() -> None:
    project = ProjectStore("p", "P")
    for at_ms, tag, metadata in ((2, "b", {"x": {"n": 2}}), (1, "a", {"x": {"m": 1}, "y": "1"})):
        event = WrittenEvent(at_ms, False, {"id": "t", "tags": [tag], "metadata": metadata})
        take_trace(project, event, Arrival(5, 5))

    (trace,) = view_of(project).traces
    assert trace.tags == ("a", "b")
    assert trace.metadata.whole() == {"x": {"m": 1, "n": 2}, "y": 1}


def test_a_failed_call_without_usage_is_not_counted_in_tokens() -> None:
    body = {"id": "o", "traceId": "t", "model": "gpt-4o", "input": "some words", "level": "ERROR"}

    assert merged([WrittenEvent(1, False, body)]).usage() == {}
    assert merged([WrittenEvent(1, False, body | {"level": "DEFAULT"})]).usage()["input"] > 0
