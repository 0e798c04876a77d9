"""What an application sends with the real Langfuse SDK stands in raw as it was sent."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from langfuse import Langfuse, propagate_attributes
from pydantic import SecretStr

from tracemart.extract.result import ExtractResult
from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.rows import PromptVersion
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.timestamps import from_datetime

Query = Callable[..., list[tuple[Any, ...]]]

METADATA = {
    "department": "sales",
    "text_of_a_number": "7",
    "number": 7,
    "fraction": 0.1,
    "is_new": True,
    "nothing_in_it": {},
    "nested": {"region": {"code": "dé-bw"}, "list": [1, "two", None, {"three": 3}]},
    "quoted": 'she said "no" \\ and left\n',
    "unicode": "Ünïcödé 🦊 日本",
}
LONG = {"long": "ä" * 150 + "b" * 150, "short": "x" * 198}


@dataclass
class Application:
    """An application that is observed, and a load of what it sent."""

    langfuse: Langfuse
    rows: ProjectStore
    load: Callable[[], ExtractResult]


@pytest.fixture
def application(warehouse_settings: Settings) -> Iterator[Application]:
    now = datetime.now(UTC)
    now_ms = from_datetime(now)
    prompt = PromptVersion("prompt-id-2", "support/answer", 2, "text", "Answer {{q}}", now_ms, now_ms, ("production",))
    rows = ProjectStore("proj", "Project", prompts=[prompt])
    # The SDK has one client a public key, for as long as the process lives.
    keys = KeyPair(f"pk-lf-{uuid.uuid4()}", "sk-lf-real-client")
    with serving(Store({"proj": rows}, {"proj": keys})) as host:
        client = Langfuse(
            public_key=keys.public_key, secret_key=keys.secret_key, base_url=host, release="2026.47", environment="prod"
        )
        project = LangfuseProject(
            instance="demo", host=host, public_key=keys.public_key, secret_key=SecretStr(keys.secret_key)
        )
        settled = warehouse_settings.model_copy(update={"as_of": now + timedelta(hours=1)})
        yield Application(client, rows, partial(extract, settled, project))
        client.shutdown()


def wait_for_scores(rows: ProjectStore, count: int) -> None:
    """The SDK sends scores from a thread of its own."""
    deadline = time.monotonic() + 20
    while len(rows.scores()) < count:
        assert time.monotonic() < deadline, "the SDK's scores did not arrive within 20 s"
        time.sleep(0.02)


def test_attributes_of_a_trace_stand_at_each_of_its_observations(application: Application, query: Query) -> None:
    langfuse = application.langfuse
    with (
        langfuse.start_as_current_observation(as_type="agent", name="answer-bot", version="2.1"),
        propagate_attributes(user_id="ada-ü", session_id="s-1", tags=["b", "a"], trace_name="chat", version="2.1"),
        langfuse.start_as_current_observation(as_type="tool", name="look-up") as tool,
    ):
        tool.update(level="ERROR", status_message="no such\torder")
    langfuse.flush()
    application.load()

    assert query(
        "select type, name, user_id, session_id, array(select unnest(tags) order by 1), trace_name, release,"
        " environment, version, level, status_message, is_root_observation from raw.observations"
        " where name = 'look-up'"
    ) == [
        ("TOOL", "look-up", "ada-ü", "s-1", ["a", "b"], "chat", "2026.47", "prod", "2.1", "ERROR", "no such\torder",
         False),
    ]  # fmt: skip
    assert query(
        "select tool.parent_observation_id = agent.id, tool.trace_id = agent.trace_id, agent.is_root_observation,"
        " agent.level, agent.status_message, agent.end_time >= tool.end_time"
        " from raw.observations as agent, raw.observations as tool where agent.type = 'AGENT' and tool.type = 'TOOL'"
    ) == [(True, True, True, "DEFAULT", None, True)]


def test_metadata_comes_with_the_types_it_was_sent_with(application: Application, query: Query) -> None:
    with application.langfuse.start_as_current_observation(as_type="span", name="typed", metadata=METADATA):
        pass
    application.langfuse.flush()
    application.load()

    ((metadata,),) = query("select metadata from raw.observations")
    assert {name: metadata[name] for name in METADATA} == METADATA


def test_long_and_nested_metadata_comes_out_as_it_was_sent(application: Application, query: Query) -> None:
    nested = {"steps": ["one step of many"] * 30}
    with application.langfuse.start_as_current_observation(
        as_type="span", name="long", metadata=LONG | {"nested": nested}
    ):
        pass
    application.langfuse.flush()
    application.load()

    ((metadata,),) = query("select metadata from raw.observations")
    assert {name: metadata[name] for name in (*LONG, "nested")} == LONG | {"nested": nested}


def test_a_generation_carries_what_it_used_and_cost(application: Application, query: Query) -> None:
    langfuse = application.langfuse
    began = datetime.now(UTC)
    prompt = langfuse.get_prompt("support/answer", cache_ttl_seconds=0)
    with langfuse.start_as_current_observation(
        as_type="generation",
        name="answer",
        model="gpt-4o",
        model_parameters={"temperature": 0.5, "max_tokens": 100, "tools": ["a"]},
        prompt=prompt,
        input="private question",
    ) as generation:
        generation.update(
            output="private answer",
            usage_details={"input": 1000, "output": 100, "input_cached_tokens": 24},
            completion_start_time=began + timedelta(seconds=1),
        )
    with langfuse.start_as_current_observation(as_type="generation", name="priced", model="our-own") as generation:
        generation.update(
            usage_details={"input": 10, "output": 5},
            cost_details={"input": 0.000000125, "output": 0.005, "total": 0.0051},
        )
    langfuse.flush()
    application.load()

    rows = query(
        "select model, model_parameters, usage_details, cost_details, input_usage, output_usage, total_usage,"
        " input_cost, output_cost, total_cost, prompt_name, prompt_version, completion_start_time, input, output"
        " from raw.observations order by name"
    )
    answer, priced = rows
    assert answer[:2] == ("gpt-4o", {"temperature": 0.5, "max_tokens": 100, "tools": ["a"]})
    assert answer[2] == {"input": 1000, "output": 100, "input_cached_tokens": 24, "total": 1124}
    assert answer[3] == {"input": 0.0025, "output": 0.001, "input_cached_tokens": 0.00003, "total": 0.00353}
    assert answer[4:7] == (1024, 100, 1124)
    assert answer[7:10] == (Decimal("0.00253"), Decimal("0.001"), Decimal("0.00353"))
    assert answer[10:12] == ("support/answer", 2)
    assert abs(answer[12] - began - timedelta(seconds=1)) < timedelta(milliseconds=1)
    assert answer[13:] == (None, None)
    assert priced[2] == {"input": 10, "output": 5, "total": 15}
    assert priced[3] == {"input": 0.000000125, "output": 0.005, "total": 0.0051}
    assert priced[7:10] == (Decimal("0.000000125"), Decimal("0.005"), Decimal("0.0051"))
    assert priced[10:12] == (None, None)
    assert query("select name, version, id from raw.prompt_versions") == [("support/answer", 2, "prompt-id-2")]


def test_scores_of_each_kind_carry_their_value_and_their_subject(application: Application, query: Query) -> None:
    langfuse = application.langfuse
    with langfuse.start_as_current_observation(as_type="span", name="scored") as span:
        trace_id, observation_id = span.trace_id, span.id
    for number, score in enumerate(
        (
            {"name": "quality", "value": 0.1, "trace_id": trace_id, "comment": "näh\n", "metadata": {"judge": "gpt"}},
            {"name": "resolved", "value": 1, "data_type": "BOOLEAN", "trace_id": trace_id,
             "observation_id": observation_id},
            {"name": "mood", "value": "good", "data_type": "CATEGORICAL", "session_id": "s-1"},
        )
    ):  # fmt: skip
        langfuse.create_score(score_id=f"score-{number}", **score)
    langfuse.flush()
    wait_for_scores(application.rows, 3)
    application.load()

    assert query(
        "select id, name, data_type, numeric_value, string_value, subject_kind, trace_id, observation_id, session_id,"
        " comment, metadata ->> 'judge' from raw.scores order by id"
    ) == [
        ("score-0", "quality", "NUMERIC", Decimal("0.1"), None, "trace", trace_id, None, None, "näh\n", "gpt"),
        ("score-1", "resolved", "BOOLEAN", Decimal(1), "True", "observation", trace_id, observation_id, None, None,
         None),
        ("score-2", "mood", "CATEGORICAL", None, "good", "session", None, None, "s-1", None, None),
    ]  # fmt: skip
