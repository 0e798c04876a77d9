"""Requests recorded from a real Langfuse 4.16.0, replayed: the stand-in answers alike."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest

from .conftest import Server, running
from .recorded import PROJECT, PUBLIC_KEY, SECRET_KEY, Entry, answered_rows, entries, recorded_store

READ_API = ("01", "02", "03", "05", "05b", "06", "07", "08", "09", "10", "11", "19", "40_mode_probe_events")

# What the recording shows and the stand-in, on purpose, does not.
LEFT_OUT = {
    ("05", "decoded cursor of limit 2"): "a remark, no request",
    ("07", "decoded cursor"): "a remark, no request",
    ("10", "dimension toolNames"): "the stand-in keeps no tool definitions",
    ("10", "dimension calledToolNames"): "the stand-in keeps no tool definitions",
    ("11", "v2/datasets in events_only"): "recorded before the dataset was made",
    ("11", "experiments in events_only"): "recorded before the experiment ran",
    ("40_mode_probe_events", "events_only: experiments"): "recorded before the experiment ran",
    ("40_mode_probe_events", "events_only: experiment-items"): "recorded before the experiment ran",
    ("19", "v2 observations named exp-gen"): "its rows stand in no other recording",
    ("19", "v2 observations, environment of experiments"): "its rows stand in no other recording",
    ("19", "dataset items"): "the stand-in keeps no dataset items",
    ("19", "scores acc"): "recorded without rows",
    ("06", "filter: totalCost > 0.01"): "the costs of these rows were not recorded",
    ("40_mode_probe_events", "events_only: v3/scores"): "recorded before other recorded scores were written",
}
# Its answers sum rows of which the recordings hold only some.
SUMMED = {"/api/public/v2/metrics"}
UNUSUAL_HEADERS = {
    "Bearer with the public key only": f"Bearer {PUBLIC_KEY}",
    "garbage authorization header": "garbage",
    "basic that is not base64 user:pass": "Basic !!!",
}


def cases() -> list[Any]:
    return [
        pytest.param(name, place, id=f"{name}-{place}-{(entry['note'] or '').split('=')[0][:40]}")
        for name in READ_API
        for place, entry in enumerate(entries(name))
        if (name, entry["note"]) not in LEFT_OUT
    ]


@pytest.fixture(scope="module")
def recorded_server() -> Iterator[Server]:
    with running(recorded_store()) as server:
        yield server


@pytest.fixture(scope="module")
def client(recorded_server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=recorded_server.address, timeout=30) as client:
        yield client


def authorization(entry: Entry) -> httpx.Auth | None:
    auth = entry["request"]["auth"]
    if auth is None:
        return None
    if auth == "basic project key":
        return httpx.BasicAuth(PUBLIC_KEY, SECRET_KEY)
    return httpx.BasicAuth(auth.removeprefix("basic ").removesuffix(":***"), "sk-lf-wrong")


def replay(client: httpx.Client, entry: Entry) -> httpx.Response:
    request = entry["request"]
    headers = dict(request.get("headers") or {})
    if entry["note"] in UNUSUAL_HEADERS:
        headers["Authorization"] = UNUSUAL_HEADERS[entry["note"]]
    return client.request(
        request["method"], request["url"], headers=headers, auth=authorization(entry), json=request.get("body")
    )


@pytest.mark.parametrize(("name", "place"), cases())
def test_the_stand_in_answers_as_recorded(client: httpx.Client, name: str, place: int) -> None:
    entry = entries(name)[place]

    answer = replay(client, entry)

    assert answer.status_code == entry["status"], answer.text[:500]
    assert answer.headers["content-type"] == entry["headers"].get("content-type")
    if "_raw_text" in entry["body"]:
        assert answer.text.startswith("<!DOCTYPE html>")
    elif answer.status_code >= 400:
        assert answer.json() == entry["body"]
    else:
        assert_alike(answer.json(), entry)


def assert_alike(body: dict[str, Any], entry: Entry) -> None:
    """The same keys; the same rows where both have them; values of a kind that was recorded."""
    recorded = entry["body"]
    assert body.keys() == recorded.keys()
    for key in body.keys() - {"data"}:
        assert kinds(body[key]) <= kinds(recorded[key]) | {("cursor", "str")}, key
    rows, known = body.get("data"), recorded.get("data")
    if not isinstance(rows, list) or not isinstance(known, list):
        return
    path = entry["request"]["path"]
    if "trimmed" not in entry and path not in SUMMED:
        assert bool(rows) == bool(known)
    if not rows or not known:
        return
    by_id = {row["id"]: row for row in known if "id" in row}
    common = [row for row in rows if row.get("id") in by_id]
    assert common or not by_id
    for row in common:
        assert row == by_id[row["id"]]
    assert {frozenset(row) for row in rows} <= {frozenset(row) for row in known}
    if path not in SUMMED:
        allowed = kinds_of_path(path)
        for row in rows:
            assert kinds(row) <= allowed


def kinds(value: Any) -> set[tuple[str, str]]:
    """Keys with the JSON type of their value; integers and fractions are both numbers."""
    if not isinstance(value, dict):
        return set()
    return {(key, "number" if type(item) in (int, float) else type(item).__name__) for key, item in value.items()}


@cache
def kinds_of_path(path: str) -> frozenset[tuple[str, str]]:
    """Every key with every type that any recorded row of a path shows."""
    return frozenset(kind for _, row in answered_rows(path, *READ_API) for kind in kinds(row))


def test_models_are_listed_in_the_recorded_order(client: httpx.Client) -> None:
    auth = httpx.BasicAuth(PUBLIC_KEY, SECRET_KEY)
    for place in (0, 1):
        entry = entries("08")[place]
        answer = client.get(entry["request"]["url"], auth=auth).json()
        assert [row["modelName"] for row in answer["data"]] == [row["modelName"] for row in entry["body"]["data"]]
        assert answer["meta"] == entry["body"]["meta"]


def test_a_cursor_chain_returns_each_row_once_in_the_recorded_order(client: httpx.Client) -> None:
    auth = httpx.BasicAuth(PUBLIC_KEY, SECRET_KEY)
    recorded = entries("05b")
    page = client.get(recorded[0]["request"]["url"].replace("limit=1000", "limit=2"), auth=auth).json()
    seen = [row["id"] for row in page["data"]]
    while cursor := page["meta"].get("cursor"):
        url = recorded[0]["request"]["url"].replace("limit=1000", "limit=2")
        page = client.get(url, params=httpx.QueryParams(httpx.URL(url).params).set("cursor", cursor), auth=auth).json()
        seen += [row["id"] for row in page["data"]]

    expected = [row["id"] for entry in recorded[:2] for row in entry["body"]["data"]]
    assert seen == expected


def test_the_rebuilt_project_holds_what_was_recorded(recorded_server: Server) -> None:
    project = recorded_server.store.projects[PROJECT]
    assert len(project.observations()) > 50
    assert len(project.scores()) > 100
