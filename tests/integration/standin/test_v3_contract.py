"""Requests to the v3 API of a real Langfuse 4.16.0, replayed: the stand-in answers the same, row by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tracemart.standin.modes import WriteMode
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store

from .recorded import PROJECT, PUBLIC_KEY, SECRET_KEY, Entry, entries, recorded_store
from .recorded_v3 import DUAL_PROJECT, DUAL_PUBLIC_KEY, DUAL_SECRET_KEY, dual_store, probes

OF_THE_V3_API = ("21", "22", "23", "24", "25", "26")
# Asked before the rows had reached the events table.
BEFORE_PROPAGATION = ("v2/metrics in dual by model", "cloud: v2/observations has none")
# What the events table and the scores held from before the mode was changed.
FROM_BEFORE = ("v2/observations", "v3/scores", "v2/metrics")
MODES: tuple[WriteMode, ...] = ("dual", "legacy", "legacy_no_preview")


def cases(*names: str, read: Callable[[str], list[Entry]] = entries) -> list[Any]:
    return [
        pytest.param(name, place, id=f"{name}-{place}-{(entry['note'] or '').split('=')[0][:40]}")
        for name in names
        for place, entry in enumerate(read(name))
    ]


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Addresses: of a dual server as recorded, of the same as a cloud, and one per probed mode."""
    with ExitStack() as stack:
        yield {
            "recorded": stack.enter_context(serving(dual_store(), mode="dual")),
            "cloud": stack.enter_context(serving(dual_store(is_cloud=True), mode="dual")),
            "just written": stack.enter_context(serving(not_yet_propagated(), mode="dual")),
            **{mode: stack.enter_context(serving(probed_store(), mode=mode)) for mode in MODES},
        }


def probed_store() -> Store:
    """Scores that were written before the mode was changed, and no rows of the v3 tables."""
    project = ProjectStore(PROJECT, "RecordingProject")
    project.add_scores(recorded_store().projects[PROJECT].scores())
    return Store({PROJECT: project}, {PROJECT: KeyPair(PUBLIC_KEY, SECRET_KEY)})


def not_yet_propagated() -> Store:
    store = dual_store()
    store.projects[DUAL_PROJECT].legacy.propagation_ms = 10**14
    return store


def replay(address: str, entry: Entry) -> httpx.Response:
    request, auth = entry["request"], None
    if request["auth"] is not None:
        is_dual = DUAL_PUBLIC_KEY in request["auth"]
        auth = (DUAL_PUBLIC_KEY, DUAL_SECRET_KEY) if is_dual else (PUBLIC_KEY, SECRET_KEY)
    return httpx.request(request["method"], address + request["url"], auth=auth, json=request.get("body"), timeout=30)


@pytest.mark.parametrize(("name", "place"), cases(*OF_THE_V3_API))
def test_a_dual_server_answers_as_recorded(servers: dict[str, str], name: str, place: int) -> None:
    entry = entries(name)[place]
    server = "just written" if entry["note"] in BEFORE_PROPAGATION else "recorded"
    assert_same(replay(servers[server], entry), entry)


@pytest.mark.parametrize(("name", "place"), cases("31"))
def test_a_cloud_notes_what_it_will_remove(servers: dict[str, str], name: str, place: int) -> None:
    entry = entries(name)[place]
    server = "just written" if entry["note"] in BEFORE_PROPAGATION else "cloud"
    assert_same(replay(servers[server], entry), entry)


@pytest.mark.parametrize(("name", "place"), cases(*MODES, read=probes))
def test_each_mode_answers_the_probes_as_recorded(servers: dict[str, str], name: str, place: int) -> None:
    entry = probes(name)[place]
    answer = replay(servers[name], entry)
    if entry["status"] == 200 and entry["note"].partition(": ")[2] in FROM_BEFORE:
        assert answer.status_code == 200
        assert answer.json().keys() == entry["body"].keys()
    else:
        assert_same(answer, entry)


def assert_same(answer: httpx.Response, entry: Entry) -> None:
    assert answer.status_code == entry["status"], answer.text[:500]
    assert answer.headers["content-type"] == entry["headers"].get("content-type")
    recorded = entry["body"]
    if "_raw_text" in recorded:
        assert answer.text.startswith("<!DOCTYPE html>")
        return
    body = answer.json()
    if not isinstance(recorded.get("data"), list):
        assert without_order(body) == without_order(recorded)
        return
    assert {key: body[key] for key in body if key != "data"} == {
        key: recorded[key] for key in recorded if key != "data"
    }
    if "trimmed" in entry:
        return
    assert [moment(row) for row in body["data"]] == [moment(row) for row in recorded["data"]]
    assert without_order(body["data"]) == without_order(recorded["data"])


def moment(row: dict[str, Any]) -> Any:
    """What a list is ordered by; rows of the same moment come in any order."""
    return next(
        (row[key] for key in ("timestamp", "startTime", "createdAt", "date", "time_dimension") if key in row), 0
    )


def without_order(value: Any) -> Any:
    """The value with every list sorted: neither ties nor a trace's parts have a promised order."""
    if isinstance(value, dict):
        return {key: without_order(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((without_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
