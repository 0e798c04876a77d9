"""What the SDKs 2.60.10 and 3.15.0 sent, as they sent it, is in raw once it was loaded by the v3 API."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tracemart.extract.step import extract
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.modes import WriteMode
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store

SENT = Path(__file__).parents[1] / "standin" / "sent_by_sdks.json"
KEYS = KeyPair("pk-lf-dual-0001", "sk-lf-dual-0001")

Query = Callable[..., list[tuple[Any, ...]]]


def load_what_was_sent_by(sdk: str, mode: WriteMode, settings: Settings) -> None:
    store = Store({"old": ProjectStore("old", "Old")}, {"old": KEYS})
    with serving(store, mode=mode) as address:
        for sent in json.loads(SENT.read_text(encoding="utf-8")):
            if sent["sdk"] == sdk:
                body = base64.b64decode(sent["base64"]) if "base64" in sent else json.dumps(sent["body"]).encode()
                auth = (KEYS.public_key, KEYS.secret_key)
                httpx.post(address + sent["path"], content=body, headers=sent["headers"], auth=auth).raise_for_status()
        project = LangfuseProject(
            instance="demo", host=address, public_key=KEYS.public_key, secret_key=SecretStr(KEYS.secret_key), api="v3"
        )
        extract(settings.model_copy(update={"as_of": datetime.now(UTC) + timedelta(days=1)}), project)


@pytest.mark.parametrize("mode", ["dual", "legacy"])
def test_sdk_3(settings: Settings, query: Query, mode: WriteMode) -> None:
    load_what_was_sent_by("3.15.0", mode, settings)

    rows = {row[0]: row[1:] for row in query(
        "select name, type, user_id, session_id, tags, release, environment, trace_name from raw.observations"
    )}  # fmt: skip
    own = ("ada", "s-3", ["a", "b"], "3.x-rel", "staging", "chat")
    assert rows == {
        "chat": ("SPAN", *own), "answer-bot": ("SPAN", *own), "answer": ("GENERATION", *own),
        "look-up": ("TOOL", *own), "evt": ("EVENT", *own),
    }  # fmt: skip
    assert query(
        "select model, model_parameters, usage_details, total_cost, cost_details->>'input' from raw.observations"
        " where name = 'answer'"
    ) == [
        ("gpt-4o", {"temperature": 0.5}, {"input": 1000, "output": 100, "input_cached_tokens": 24, "total": 1124},
         Decimal("0.00353"), "0.0025"),
    ]  # fmt: skip
    assert query("select level, status_message from raw.observations where name = 'look-up'") == [
        ("ERROR", "no such order")
    ]
    ((metadata,),) = query("select metadata from raw.observations where name = 'chat'")
    assert metadata | {"department": "sales", "n": 1, "long": "z" * 260} == metadata
    assert query("select count(*) from raw.observations where input is not null or output is not null") == [(0,)]
    scores = query("select name, data_type, numeric_value, string_value from raw.scores")
    assert {name: values for name, *values in scores} == {
        "quality": ["NUMERIC", Decimal("0.8"), None], "good": ["BOOLEAN", Decimal(1), "True"],
        "mood": ["CATEGORICAL", None, "fine"],
    }  # fmt: skip


def test_sdk_2_by_batch_ingestion(settings: Settings, query: Query) -> None:
    load_what_was_sent_by("2.60.10", "legacy", settings)

    assert query("select name, user_id from raw.observations where id like 't-%%'") == [("old-chat", "bo")]
    assert query("select sum(total_cost) from raw.observations") == [(Decimal("0.0300045"),)]
    assert query(
        "select gen.name, retrieve.name, gen.usage_details, gen.completion_start_time is not null, retrieve.level"
        " from raw.observations as gen inner join raw.observations as retrieve"
        " on retrieve.id = gen.parent_observation_id where gen.name = 'gen'"
    ) == [("gen", "retrieve", {"input": 10, "output": 5, "total": 15}, True, "WARNING")]
