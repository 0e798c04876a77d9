"""Sessions, steps, prompts, scores, errors, users: what each mart says of a small history, however it was built."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import INSTANCE, START, Raw, marts, observation, root, score

Build = Callable[..., int | None]
Rows = list[dict[str, Any]]

MESSAGES = {
    "RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-4o'}}": "rate_limit",
    "You exceeded your current quota, please check your plan and billing details.": "rate_limit",
    "429 RESOURCE_EXHAUSTED": "rate_limit",
    "ThrottlingException: Too many tokens per minute, please wait": "rate_limit",
    "Request timed out.": "timeout",
    "504 Gateway Timeout": "timeout",
    "httpx.ReadTimeout: The read operation timed out": "timeout",
    "DEADLINE_EXCEEDED": "timeout",
    "Error code: 529 - {'error': {'type': 'overloaded_error', 'message': 'Overloaded'}}": "server_error",
    "503 Service Unavailable": "server_error",
    "InternalServerError: The server had an error while processing your request": "server_error",
    "HTTP 502: Bad Gateway": "server_error",
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy": "content_filter",
    "Error code: 400 - {'error': {'code': 'content_filter'}}": "content_filter",
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130512": "context_length",
    "prompt is too long: 210000 tokens > 200000 maximum": "context_length",
    "Error code: 400 - context_length_exceeded": "context_length",
    "AuthenticationError: Incorrect API key provided: sk-…": "authentication",
    "Error code: 401 - Unauthorized": "authentication",
    "403 Forbidden": "authentication",
    "PermissionDeniedError": "authentication",
    "Connection error.": "network",
    "ConnectionRefusedError: [Errno 111] Connection refused": "network",
    "getaddrinfo ENOTFOUND api.openai.com": "network",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed": "network",
    "ToolException: order lookup failed": "tool_error",
    "Tool search_web returned an error": "tool_error",
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)": "parse_error",
    "OutputParserException: Could not parse LLM output": "parse_error",
    "1 validation error for Answer": "parse_error",
    "BadRequestError: Error code: 400 - Invalid value for 'temperature'": "bad_request",
    "Error code: 404 - The model `gpt-9` does not exist": "bad_request",
    "asyncio.exceptions.CancelledError": "cancelled",
    "something odd happened": "unknown",
}


def call(trace: str, day: float, **fields: Any) -> dict[str, Any]:
    return observation(trace, "call", day, parent_observation_id=f"{trace}-root", **({"cost": 0.25} | fields))


def history() -> Rows:
    rows: Rows = []
    for number in range(20):
        trace, day = f"t{number}", number * 1.7
        rows.append(
            root(
                trace, day, user_id=f"user-{number % 4}", session_id=f"s{number % 6}",
                metadata=Jsonb({"department": "legal" if number % 3 else "sales", "agent": f"bot-{number % 2}"}),
            )
        )  # fmt: skip
        rows.append(
            call(trace, day + 0.01, prompt_name="greet", prompt_version=1 + number // 10, cost=0.1 + number / 7)
        )
        rows.append(
            observation(
                trace, "tool", day + 0.02, type="TOOL", parent_observation_id=f"{trace}-call",
                level="ERROR" if number % 4 == 0 else "DEFAULT", status_message="ToolException: no such order",
            )
        )  # fmt: skip
    return rows


def scores() -> Rows:
    return [score("quality", f"t{number}", number * 1.7 + 0.5, (number % 5) / 4, source="EVAL") for number in range(20)]


def all_rows(owner: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return owner.execute(query.encode()).fetchall()


@pytest.mark.slow
def test_late_and_moved_rows_end_as_a_full_refresh(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    raw.load("observations", history())
    raw.load("scores", scores())
    built()
    built(full_refresh=True)

    raw.load(
        "observations",
        [
            # A trace goes from one session to another, and the only one of a session to none.
            root("t3", 3 * 1.7, user_id="user-3", session_id="s4"),
            # The user of a trace changes, so that the call, which names nobody, becomes somebody else's.
            root("t2", 2 * 1.7, user_id="user-new", session_id="s2", updated_at=START),
            # A late call in the middle of a user's weeks, of an old version of the prompt.
            root("late", 10.2, user_id="user-1", session_id="s1"),
            call("late", 10.25, prompt_name="greet", prompt_version=1, level="ERROR", status_message="429"),
            # A step that moves below another, and a call that moves to another day.
            observation("t5", "tool", 5 * 1.7 + 0.02, type="TOOL", parent_observation_id="t5-root"),
            call("t6", 6 * 1.7 + 3, prompt_name="greet", prompt_version=3, cost=9),
        ],
    )
    raw.load("scores", [score("quality", "t1", 2, 1, source="EVAL"), score("tone", "t4", 30, 0.5)])
    built()
    incremental = marts(owner)
    assert all_rows(owner, "select is_full_refresh from operations.builds order by build_id")[-1] == (False,)
    # A whole trace moves, and an unnamed source of scores comes in, before the other copy is built again.
    raw.load("observations", [root("t19", 33, user_id="user-0", session_id="s0"), call("t19", 33.1, cost=0.5)])
    built()
    twice = marts(owner)
    built(full_refresh=True)
    whole = marts(owner)
    assert {name: rows for name, rows in whole.items() if rows != twice[name]} == {}
    changed = {name for name in whole if whole[name] != incremental[name]}
    assert changed >= {"fct_sessions", "fct_observations", "dim_users", "fct_user_activity_weekly"}
    for mart in (
        "fct_quality_drift_daily",
        "fct_prompt_version_drift",
        "fct_user_retention_weekly",
        "fct_top_spenders",
    ):
        assert whole[mart] != [], mart


@pytest.mark.slow
def test_a_session_that_lost_its_last_trace_is_gone(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    raw.load("observations", [root("a", 1, session_id="old"), call("a", 1.1), root("b", 9, session_id="kept")])
    built()
    built(full_refresh=True)
    raw.load("observations", [root("a", 1, session_id="new")])
    built()
    sessions = all_rows(owner, "select session_id, traces, calls, cost_usd from marts.fct_sessions order by 1")
    assert sessions == [("kept", 1, 0, Decimal(0)), ("new", 1, 1, Decimal("0.25"))]


@pytest.mark.slow
def test_failed_steps_are_told_by_kind_and_steps_by_depth(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    raw.load(
        "observations",
        [
            call(f"e{number}", number / 100, level="ERROR", status_message=message, cost=0.5)
            for number, message in enumerate(MESSAGES)
        ]
        + [
            root("deep", 1.5),
            observation("deep", "chain", 1.5, type="CHAIN", parent_observation_id="deep-root"),
            observation("deep", "call", 1.5, cost=0.125, parent_observation_id="deep-chain"),
            observation(
                "deep", "tool", 1.5, type="TOOL", level="ERROR", status_message=None, parent_observation_id="deep-call"
            ),
        ],
    )
    built()
    told = dict(
        all_rows(
            owner,
            "select status_message, error_type from marts.fct_observations"
            " inner join marts.fct_errors_daily as errors using (usage_date, observation_type)"
            " inner join intermediate.int_errors_typed as typed using (status_message, error_type)"
            " where observation_type = 'GENERATION'",
        )
    )
    assert told | {"something odd happened": "unknown"} == MESSAGES
    days = all_rows(
        owner,
        "select observation_type, model, error_type, failed_steps, calls, cost_usd from marts.fct_errors_daily"
        " where error_type = 'unknown' order by 1",
    )
    assert [row[:5] for row in days] == [
        ("GENERATION", "in-house-1", "unknown", 1, 1),
        ("TOOL", "no call", "unknown", 1, 0),
    ]
    assert [row[5] for row in days] == [Decimal("0.5"), Decimal(0)]
    link = all_rows(owner, "select example_url from marts.fct_errors_daily where error_type = 'unknown' and calls = 1")
    assert link[0][0].startswith(f"http://langfuse.test/project/p1/traces/e{len(MESSAGES) - 1}?observation=e")
    steps = all_rows(
        owner,
        "select observation_name, depth, parent_observation_id, is_call, cost_usd from marts.fct_observations"
        " where trace_id = 'deep' order by depth",
    )
    assert steps == [
        ("root", 1, None, False, None),
        ("chain", 2, "deep-root", False, None),
        ("call", 3, "deep-chain", True, Decimal("0.125")),
        ("tool", 4, "deep-call", False, None),
    ]


@pytest.mark.slow
def test_versions_of_prompts_carry_what_was_said_of_them(raw: Raw, built: Build, owner: psycopg.Connection) -> None:
    owner.execute(
        "insert into raw.prompts (instance, project_id, name, type, versions, labels, tags, known_from, batch_id)"
        " values (%s, 'p1', 'greet', 'chat', '{1,2}', '{production}', '{old}', now(), 1)",
        (INSTANCE,),
    )
    owner.execute(
        "insert into raw.prompt_versions"
        " (instance, project_id, name, version, labels, tags, commit_message, created_at, known_from, known_to,"
        " batch_id)"
        " values (%(i)s, 'p1', 'greet', 2, '{production}', '{new}', 'Be brief', '2026-03-02Z', now(), null, 1),"
        " (%(i)s, 'p1', 'greet', 2, '{}', '{new}', 'Be brief', '2026-03-02Z', '2026-03-02Z', now(), 1)",
        {"i": INSTANCE},
    )
    raw.load("observations", [call("a", 1)])
    built()
    prompts = all_rows(
        owner, "select prompt_version, is_newest, labels, tags, commit_message from marts.dim_prompts order by 1"
    )
    assert prompts == [(1, False, [], ["old"], None), (2, True, ["production"], ["new"], "Be brief")]
