"""Pages into raw.observations: the newest version stands whatever the order, and a bad row stops nobody."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
import respx
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import LangfuseResponseError
from tracemart.extract import loading, v4
from tracemart.extract.client import LangfuseClient
from tracemart.extract.load import LoadCounts, LoadKey, begin_load, finish_load
from tracemart.extract.loading import Load
from tracemart.extract.step import extract
from tracemart.privacy import Privacy
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Role, Warehouse

Query = Callable[..., list[tuple[Any, ...]]]
WITHOUT_SHRINKING = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
KEY = LoadKey("demo", "proj", "observations", "v4")
PROJECT = LangfuseProject(
    instance="demo", host="http://langfuse.test", public_key="pk", secret_key=SecretStr("sk"), name="proj"
)
(PART,) = v4.observations(LangfuseClient(PROJECT), Privacy.of(Settings())).parts


def observation(row_id: str, **other: Any) -> dict[str, Any]:
    return {
        "id": row_id, "traceId": "t1", "type": "GENERATION", "startTime": "2026-11-20T10:00:00.000Z",
        "updatedAt": "2026-11-20T10:00:05.000Z", "usageDetails": {"input": 1, "total": 1},
    } | other  # fmt: skip


def load_pages(warehouse: Warehouse, *pages: list[Any], expects_new: bool = False) -> LoadCounts:
    with warehouse.connect(Role.LOADER) as connection:
        batch_id = begin_load(connection, KEY, None)
        with Load(connection, KEY, PART.upsert, batch_id, expects_new=expects_new) as load:
            for page in pages:
                load.add(PART.chunk_of(page))
            counts = load.finish()
        finish_load(connection, batch_id, counts)
        return counts


BAD_ROWS: list[tuple[Any, str]] = [
    ({"traceId": "t1", "type": "SPAN", "startTime": "2026-11-20T10:00:00Z"}, "id is missing"),
    (observation("b1", traceId=""), "traceId is missing"),
    (observation("b2", startTime=None), "startTime is missing"),
    (observation("b3", startTime="20 November"), "startTime is no time"),
    (observation("b4", endTime="2026-11-20T10:00:00"), "endTime has no time zone"),
    (observation("b5", usageDetails={"input": -5}), "usageDetails.input is negative"),
    (observation("b6", totalUsage=1.5), "totalUsage is no whole number"),
    (observation("b7", totalCost="free"), "totalCost is no number"),
    (observation("b8", costDetails={"total": "1"}), "costDetails.total is no number"),
    (observation("b9", tags=["a", 1]), "tags is no list of texts"),
    (observation("b10", promptVersion=2**31), "promptVersion is too large"),
    (observation("b11", name={"no": "text"}), "name is no text"),
    (observation("b12", public="yes"), "public is neither true nor false"),
    ("only text\x00", "the row is no object"),
    (None, "the row is no object"),
]


def test_bad_rows_are_kept_singly_with_their_reasons(warehouse: Warehouse, query: Query) -> None:
    page = [observation("good1"), *(row for row, _ in BAD_ROWS), observation("good2")]

    first = load_pages(warehouse, page)
    again = load_pages(warehouse, page)

    assert (first.read, first.inserted, first.rejected) == (17, 2, 15)
    assert (again.read, again.inserted, again.unchanged, again.rejected) == (17, 0, 2, 15)
    assert query("select id from raw.observations order by id") == [("good1",), ("good2",)]
    kept = query("select reason, row_id, payload, batch_id from raw.rejected_rows order by rejected_row_id")
    assert [row[0] for row in kept] == [reason for _, reason in BAD_ROWS]
    assert [row[1] for row in kept[1:4]] == ["b1", "b2", "b3"]
    assert kept[5][2] == BAD_ROWS[5][0]
    assert {row[3] for row in kept} == {query("select min(batch_id) from raw.loads")[0][0]}


def test_text_of_any_kind_survives(warehouse: Warehouse, query: Query) -> None:
    odd = 'tab\t newline\n return\r backslash \\ \\N quote " comma , brace } 日本語 🙂'
    row = observation("odd", name=odd, tags=[odd, "", "NULL", "{}"], metadata={"key\\": [odd, {"deep": odd}]})

    load_pages(warehouse, [row])

    assert query("select name, tags, metadata from raw.observations") == [(odd, row["tags"], row["metadata"])]


def test_nul_characters_which_postgresql_cannot_hold_are_marked(warehouse: Warehouse, query: Query) -> None:
    load_pages(warehouse, [observation("n\x00", metadata={"a\x00": ["\x00", "\\u0000"]}, tags=["\x00"])])

    assert query("select id, metadata, tags from raw.observations") == [
        ("n\ufffd", {"a\ufffd": ["\ufffd", "\\u0000"]}, ["\ufffd"])
    ]


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=20,
    phases=WITHOUT_SHRINKING,
)
@given(
    versions=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 2), st.sampled_from(["x", "y"])),
        min_size=1,
        max_size=12,
        unique=True,
    ),
    data=st.data(),
)
def test_order_and_paging_decide_nothing(
    warehouse: Warehouse, query: Query, versions: list[tuple[str, int, int, str]], data: st.DataObject
) -> None:
    """Any order, any cut into pages and merges, and any repetition ends in the same rows."""
    rows = [
        observation(
            row_id, name=name, updatedAt=f"2026-11-20T10:00:0{updated}Z", startTime=f"2026-11-20T09:00:0{start}Z"
        )
        for row_id, updated, start, name in versions
    ]
    current = "select id, name, start_time, updated_at from raw.observations order by id"
    older = "select id, name, start_time, updated_at from raw.superseded_observations order by 1, 2, 3, 4"
    outcomes = []
    for merge_after in (1, 3, 1000):
        shuffled = data.draw(st.permutations(rows))
        with warehouse.connect(Role.OWNER) as connection:
            connection.execute("truncate raw.observations, raw.superseded_observations, raw.trace_months")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loading, "MERGE_AFTER_ROWS", merge_after)
            load_pages(warehouse, shuffled[:5], shuffled[5:], shuffled[:3])
        outcomes.append((query(current), set(query(older))))
    newest = {
        row_id: max((updated, start) for other, updated, start, _ in versions if other == row_id)
        for row_id, *_ in versions
    }
    assert {(row[0], row[3].second, row[2].second) for row in outcomes[0][0]} == {
        (row_id, updated, start) for row_id, (updated, start) in newest.items()
    }
    assert all(len(found) + len(others) == len(versions) for found, others in outcomes[2:])
    ties = {row_id for row_id, key in newest.items() if sum((v[0], v[1], v[2]) == (row_id, *key) for v in versions) > 1}
    if not ties:
        assert outcomes[0] == outcomes[1] == outcomes[2]
    for found, _ in outcomes[1:]:
        assert [row for row in found if row[0] not in ties] == [row for row in outcomes[0][0] if row[0] not in ties]


def test_flag_of_a_vanished_row_goes_when_it_comes_back(warehouse: Warehouse, query: Query) -> None:
    load_pages(warehouse, [observation("a"), observation("b")])
    with warehouse.connect(Role.OWNER) as connection:
        connection.execute("update raw.observations set vanished_at = now() where id = 'a'")

    counts = load_pages(warehouse, [observation("a"), observation("b")])

    assert (counts.inserted, counts.updated, counts.unchanged) == (0, 1, 1)
    assert query("select count(vanished_at), count(*) from raw.observations") == [(0, 2)]
    assert query("select count(*) from raw.superseded_observations") == [(0,)]


def test_column_that_this_way_lacks_is_not_overwritten(warehouse: Warehouse, query: Query) -> None:
    load_pages(warehouse, [observation("a", name="before")])
    with warehouse.connect(Role.OWNER) as connection:
        connection.execute("update raw.observations set output = 'from an export', source = 'export'")

    load_pages(warehouse, [observation("a", name="after")])

    assert query("select name, output, source from raw.observations") == [("after", "from an export", "v4")]
    assert query("select name, output, source from raw.superseded_observations") == [
        ("before", "from an export", "export")
    ]


@respx.mock
def test_bad_row_does_not_block_a_whole_run(warehouse_settings: Settings, query: Query) -> None:
    host = "http://langfuse.test"
    answers = {
        "/health": {"status": "OK", "version": "4.16.0"},
        "/projects": {"data": [{"id": "proj", "name": "Proj", "organization": {"id": "o"}, "metadata": {}}]},
        "/models": {
            "data": [
                {"id": "m1", "modelName": "one", "pricingTiers": []},
                {"id": "m2", "modelName": "two", "pricingTiers": [], "inputPrice": "dear"},
            ],
            "meta": {"page": 1, "totalPages": 1, "totalItems": 2},
        },
        "/v2/prompts": {"data": [{"versions": [1]}], "meta": {"page": 1, "totalPages": 1, "totalItems": 1}},
        "/v2/observations": {
            "data": [observation("a"), observation("b", startTime="never"), observation("c")],
            "meta": {},
        },
        "/v3/scores": {
            "data": [
                {"id": "s1", "name": "q", "timestamp": "2026-11-20T10:00:00Z", "dataType": "NUMERIC", "value": "high"},
                {"id": "s2", "name": "q", "timestamp": "2026-11-20T10:00:00Z", "dataType": "NEW_KIND", "value": "x"},
            ],
            "meta": {"limit": 100},
        },
    }  # fmt: skip
    respx.get(f"{host}/api/public/traces").mock(httpx.Response(404, json={"message": "events_only"}))
    for path, body in answers.items():
        respx.get(f"{host}/api/public{path}").mock(httpx.Response(200, json=body))
    respx.get(url__startswith=host).mock(httpx.Response(404, json={"message": "no", "error": "LangfuseNotFoundError"}))
    project = LangfuseProject(instance="demo", host=host, public_key="pk", secret_key=SecretStr("sk"))
    interval = {"window_from": "2026-11-20T00:00:00+00:00", "window_to": "2026-11-21T00:00:00+00:00"}

    result = extract(
        warehouse_settings, project, **{name: datetime.fromisoformat(text) for name, text in interval.items()}
    )

    assert {
        entity.entity: (entity.inserted, entity.rejected) for entity in result.entities if not entity.skipped
    } == {
        "projects": (1, 0), "models": (1, 1), "prompts": (0, 1), "prompt_versions": (0, 0), "observations": (2, 1),
        "scores": (1, 1),
    }  # fmt: skip
    assert query("select entity, row_id, reason from raw.rejected_rows order by entity") == [
        ("models", "m2", "inputPrice is no number"),
        ("observations", "b", "startTime is no time"),
        ("prompts", None, "name is missing"),
        ("scores", "s1", "value is no number"),
    ]
    assert query("select data_type, string_value from raw.scores") == [("NEW_KIND", "x")]


@respx.mock
def test_server_that_fails_in_mid_load_leaves_nothing(warehouse_settings: Settings, query: Query) -> None:
    host = "http://langfuse.test"
    empty = httpx.Response(200, json={"data": [], "meta": {"page": 1, "totalPages": 0, "totalItems": 0}})
    project_answer = {"data": [{"id": "proj", "name": "Proj", "organization": {"id": "o"}, "metadata": {}}]}
    first_page = {"data": [observation("a"), observation("b")], "meta": {"cursor": "more"}}
    respx.get(f"{host}/api/public/health").mock(httpx.Response(200, json={"status": "OK", "version": "4.16.0"}))
    respx.get(f"{host}/api/public/traces").mock(httpx.Response(404, json={"message": "events_only"}))
    respx.get(f"{host}/api/public/projects").mock(httpx.Response(200, json=project_answer))
    respx.get(f"{host}/api/public/models").mock(empty)
    respx.get(f"{host}/api/public/v2/prompts").mock(empty)
    respx.get(f"{host}/api/public/score-configs").mock(empty)
    respx.get(f"{host}/api/public/v2/observations").mock(
        side_effect=[
            httpx.Response(200, json=first_page),
            httpx.Response(400, json={"message": "Invalid cursor format", "error": "InvalidRequestError"}),
        ]
    )
    respx.get(url__startswith=host).mock(httpx.Response(404, json={"message": "no", "error": "LangfuseNotFoundError"}))
    project = LangfuseProject(instance="demo", host=host, public_key="pk", secret_key=SecretStr("sk"))

    with pytest.raises(LangfuseResponseError, match="400: Invalid cursor format"):
        extract(
            warehouse_settings,
            project,
            window_from=datetime.fromisoformat("2026-11-20T00:00:00+00:00"),
            window_to=datetime.fromisoformat("2026-11-21T00:00:00+00:00"),
        )

    assert query("select count(*) from raw.observations") == [(0,)]
    assert query("select count(*) from raw.loads where entity = 'observations'") == [(0,)]
