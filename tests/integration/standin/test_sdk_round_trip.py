"""The real Langfuse SDK writes to the stand-in and reads back through its own typed client."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from langfuse import Langfuse, propagate_attributes

from .conftest import Server


@pytest.fixture
def langfuse(empty_server: Server) -> Iterator[Langfuse]:
    pair = empty_server.store.keys["blank"]
    client = Langfuse(
        public_key=pair.public_key, secret_key=pair.secret_key, base_url=empty_server.address, release="2026.47"
    )
    yield client
    client.shutdown()


def wait_for_scores(server: Server, count: int) -> None:
    """The SDK sends scores from a thread of its own; `flush` waits for it, retries included."""
    deadline = time.monotonic() + 20
    while len(server.store.projects["blank"].scores()) < count:
        assert time.monotonic() < deadline, "the SDK's scores did not arrive within 20 s"
        time.sleep(0.02)


def write_a_trace(langfuse: Langfuse) -> str:
    with (
        langfuse.start_as_current_observation(as_type="agent", name="answer-bot", input="hi") as root,
        propagate_attributes(
            user_id="ada", session_id="s-1", tags=["b", "a"], metadata={"department": "sales"}, trace_name="chat"
        ),
    ):
        with langfuse.start_as_current_observation(
            as_type="generation",
            name="answer",
            model="gpt-4o",
            model_parameters={"temperature": 0.5},
            metadata={"long": "x" * 300, "plain": "p"},
        ) as generation:
            generation.update(
                output="hello",
                usage_details={"input": 1000, "output": 100, "input_cached_tokens": 24},
                completion_start_time=datetime.now(UTC),
            )
        with langfuse.start_as_current_observation(as_type="tool", name="look-up") as tool:
            tool.update(level="ERROR", status_message="no such order")
        trace_id = root.trace_id
    langfuse.create_score(trace_id=trace_id, name="quality", value=0.8, score_id="sc-1")
    langfuse.create_score(trace_id=trace_id, name="task_success", value=1, data_type="BOOLEAN", score_id="sc-2")
    langfuse.create_score(session_id="s-1", name="mood", value="good", data_type="CATEGORICAL", score_id="sc-3")
    langfuse.flush()
    return trace_id


def test_what_the_sdk_writes_it_reads_back_typed(langfuse: Langfuse, empty_server: Server) -> None:
    trace_id = write_a_trace(langfuse)
    wait_for_scores(empty_server, 3)

    every_group = "core,basic,time,metadata,model,usage,prompt,metrics,trace_context"
    rows = langfuse.api.observations.get_many(fields=every_group, limit=10).data
    assert sorted((row.type, row.name) for row in rows) == [
        ("AGENT", "answer-bot"), ("GENERATION", "answer"), ("TOOL", "look-up"),
    ]  # fmt: skip
    assert {row.trace_id for row in rows} == {trace_id}
    generation = next(row for row in rows if row.type == "GENERATION")
    assert generation.usage_details == {"input": 1000, "output": 100, "input_cached_tokens": 24, "total": 1124}
    assert generation.cost_details == {
        "input": 0.0025, "output": 0.001, "input_cached_tokens": 0.00003, "total": 0.00353,
    }  # fmt: skip
    assert (generation.user_id, generation.session_id, generation.trace_name) == ("ada", "s-1", "chat")
    assert sorted(generation.tags or []) == ["a", "b"]
    assert generation.model_parameters == {"temperature": 0.5}
    assert generation.completion_start_time is not None
    tool = next(row for row in rows if row.type == "TOOL")
    assert (tool.level, tool.status_message) == ("ERROR", "no such order")
    assert tool.parent_observation_id == next(row.id for row in rows if row.type == "AGENT")

    scores = {score.name: score for score in langfuse.api.scores.get_many(fields="details,subject").data}
    assert {name: score.value for name, score in scores.items()} == {
        "quality": 0.8, "task_success": True, "mood": "good",
    }  # fmt: skip
    assert scores["mood"].subject is not None
    assert (scores["mood"].subject.kind, scores["mood"].subject.id) == ("session", "s-1")


def test_metadata_of_the_sdk_comes_cut_unless_it_is_expanded(langfuse: Langfuse) -> None:
    write_a_trace(langfuse)

    cut = langfuse.api.observations.get_many(name="answer", fields="metadata").data[0].metadata
    whole = (
        langfuse.api.observations.get_many(name="answer", fields="metadata", expand_metadata="long").data[0].metadata
    )

    assert cut is not None
    assert whole is not None
    assert cut["long"] == '"' + "x" * 199
    assert whole["long"] == "x" * 300
    assert cut["department"] == "sales"
    assert cut["scope.name"] == "langfuse-sdk"


def test_the_typed_client_reads_models_prompts_projects_health_and_metrics(made_server: Server) -> None:
    pair = made_server.store.keys["support-assistant"]
    client = Langfuse(public_key=pair.public_key, secret_key=pair.secret_key, base_url=made_server.address)
    try:
        assert client.auth_check()
        assert client.api.health.health().status == "OK"
        assert [project.id for project in client.api.projects.get().data] == ["support-assistant"]
        models = client.api.models.list(page=1, limit=100)
        assert models.meta.total_items == 175
        assert len(client.api.models.list(page=2, limit=100).data) == 75
        prompts = client.api.prompts.list(limit=5)
        assert [prompt.versions for prompt in prompts.data] == [[1, 2]] * 3
        assert client.get_prompt("answer-bot/main", cache_ttl_seconds=0).version == 2
        query = {
            "view": "observations",
            "dimensions": [{"field": "providedModelName"}],
            "metrics": [{"measure": "count", "aggregation": "count"}],
            "fromTimestamp": "2026-10-01T00:00:00Z",
            "toTimestamp": "2026-11-21T23:59:59.999Z",
        }
        found = {row["providedModelName"]: row for row in client.api.metrics.metrics(query=json.dumps(query)).data}
        assert found["gpt-4o"]["count_count"] > 0
    finally:
        client.shutdown()


def test_the_typed_client_pages_through_every_row_once(made_server: Server) -> None:
    pair = made_server.store.keys["engineering-agents"]
    client = Langfuse(public_key=pair.public_key, secret_key=pair.secret_key, base_url=made_server.address)
    window = {"from_start_time": datetime(2026, 10, 8, tzinfo=UTC), "to_start_time": datetime(2026, 11, 23, tzinfo=UTC)}
    try:
        seen, cursor = [], None
        while True:
            page = client.api.observations.get_many(limit=97, cursor=cursor, **window)
            seen += [row.id for row in page.data]
            cursor = page.meta.cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen))
        assert len(seen) == len(made_server.store.projects["engineering-agents"].observations())
        starts = client.api.observations.get_many(limit=1000).data
        gaps = [later.start_time - earlier.start_time for earlier, later in pairwise(starts)]
        assert max(gaps) <= timedelta(0), "the newest comes first"
    finally:
        client.shutdown()
