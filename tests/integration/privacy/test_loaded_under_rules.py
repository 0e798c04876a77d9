"""A load under strict rules: pseudonyms, listed metadata, redacted texts in raw, and each figure as without them."""

from collections.abc import Callable
from typing import Any

import orjson
from pydantic import SecretStr

from tests.integration.extract.conftest import Served
from tracemart.extract.step import extract
from tracemart.privacy.pseudonyms import pseudonym
from tracemart.settings import Settings

KEY = "a key of sixteen characters"
Query = Callable[..., list[tuple[Any, ...]]]


def test_rules_change_who_and_what_but_no_figure(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "").observations()
    for row in rows:
        row.input = orjson.dumps([{"role": "user", "content": "I am bob@x.com\nring +1 415 555 2671"}]).decode()
        row.status_message = "refused for bob@x.com" if row.level == "ERROR" else ""
    strict = {
        "store_io": "redacted", "metadata_keys": ["department"], "user_ids": "hmac", "user_id_key": SecretStr(KEY),
    }  # fmt: skip

    extract(settings.model_copy(update=strict), project, catalogues=False)

    users = {row.context.user_id for row in rows if row.context.user_id}
    assert users
    named = {user for (user,) in query("select distinct user_id from raw.observations where user_id is not null")}
    assert named == {pseudonym(user, KEY.encode()) for user in users}
    keys = query("select distinct jsonb_object_keys(metadata) from raw.observations where metadata is not null")
    assert {key for (key,) in keys} <= {"department"}
    assert query("select distinct input::jsonb from raw.observations") == [
        ([{"role": "user", "content": "I am [EMAIL]\nring [PHONE]"}],)
    ]
    messages = query("select distinct status_message from raw.observations where status_message is not null")
    assert messages == [("refused for [EMAIL]",)]
    usage = query("select sum((usage_details ->> 'input')::bigint), count(*) from raw.observations")
    assert usage == [(sum(row.usage().get("input", 0) for row in rows), len(rows))]


def test_by_default_no_prompt_is_stored(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    for row in served.rows(project.name or "").observations():
        row.input = row.output = "a prompt"
    extract(settings, project, catalogues=False)
    assert query("select count(*), count(input), count(output) from raw.observations")[0][1:] == (0, 0)
