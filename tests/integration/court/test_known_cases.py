"""Known faults come out right, from raw to the marts; where a rule is off, they stand as they were recorded."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.integration.build.conftest import Raw
from tests.integration.court.cases import CHAT, KNOWN_CASES
from tests.integration.court.conftest import RULES, verdicts
from tracemart.build.invocation import run_dbt
from tracemart.settings import Settings

Build = Callable[..., int | None]

GATEWAY = f"time-07-12-00-050000_{CHAT}"
FOUND = {
    "openrouter-call": "cached_inside_input",
    "codex-call": "cached_inside_input",
    "otel-call": "cached_inside_input",
    "writes-call": "cached_inside_input",
    "reasoning-call": "cached_inside_input",
    "gemini-call": "cached_inside_input",
    "details-call": "cached_inside_input",
    "ai-sdk-invoke_agent": "repeated_by_parent",
    "pydantic-run": "repeated_by_parent",
    "pydantic-delegate": "repeated_by_parent",
    GATEWAY: "recorded_twice",
    "adk-gcp.vertex.agent 1": "recorded_twice",
    "adk-gcp.vertex.agent 2": "recorded_twice",
    "cache-hit": "replayed_cache_hit",
    "cache-again": "replayed_cache_hit",
    "cache-langchain": "replayed_cache_hit",
    "failed-refused": "failed_call_billed",
}
# trace: uncached, cached, written, output, all tokens, US dollars, calls of what counts
COUNTED: dict[str, tuple[Any, ...]] = {
    "openrouter": (86, 17817, 0, 411, 18314, Decimal("0.0059777"), 1),
    "codex": (1647, 115584, 0, 33, 117456, 0, 1),
    "otel": (5, 128955, 1253, 800, 131013, 0, 1),
    "writes": (88, 120269, 21002, 4156, 145515, Decimal("0.1774422"), 1),
    "reasoning": (22118, 0, 0, 1014, 24088, Decimal("0.041818"), 1),
    "gemini": (1185, 18403, 0, 69, 19657, 0, 1),
    "details": (1200, 0, 0, 80, 1280, 0, 1),
    "ai-sdk": (14426, 0, 0, 771, 15197, Decimal("0.09526"), 2),
    "pydantic": (133, 80, 0, 15, 234, 0, 3),
    "partial": (7377, 0, 0, 390, 7767, 0, 3),
    "app": (8, 0, 0, 9, 17, Decimal("0.00011"), 1),
    "adk": (1000, 0, 0, 120, 1120, Decimal("0.0044"), 2),
    "cache": (900, 0, 0, 200, 1100, Decimal("0.03"), 1),
    "failed": (5400, 0, 0, 1, 5401, Decimal("0.009"), 4),
}
OF_TRACES = """
    select
        trace_id, sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens),
        sum(total_tokens), {cost}, count(*)
    from marts.fct_generations
    where is_counted
    group by trace_id
"""


def by_trace(owner: psycopg.Connection, cost: str) -> dict[str, tuple[Any, ...]]:
    return {row[0]: row[1:] for row in owner.execute(OF_TRACES.format(cost=cost))}


@pytest.mark.slow
def test_known_faults_count_once(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings, with_rules: Callable[..., None]
) -> None:
    raw.load("observations", KNOWN_CASES)
    built()
    assert verdicts(owner) == FOUND
    assert by_trace(owner, "sum(cost_usd)") == COUNTED

    daily = owner.execute("select sum(calls), sum(total_tokens), sum(cost_usd) from marts.fct_usage_daily").fetchone()
    assert daily == tuple(sum(figures[place] for figures in COUNTED.values()) for place in (6, 4, 5))

    taken = owner.execute(
        "select sum(tokens_taken_away), sum(cost_taken_away_usd) from marts.fct_duplicate_calls"
    ).fetchone()
    recorded = owner.execute(
        "select sum((usage_details ->> 'total')::numeric), sum(total_cost) from raw.observations"
    ).fetchone()
    assert taken is not None
    assert recorded is not None
    # Each stated total that was right beside parts that were not is right still.
    assert recorded[0] - taken[0] == daily[1]
    assert recorded[1] - taken[1] == daily[2]

    assert_explained(owner)

    for off in RULES:
        with_rules(*(rule for rule in RULES if rule != off))
        assert judged_again(owner, warehouse_settings) == {call: rule for call, rule in FOUND.items() if rule != off}
    with_rules()
    assert judged_again(owner, warehouse_settings) == {}


def judged_again(owner: psycopg.Connection, settings: Settings) -> dict[str, str]:
    models = [
        "int_generations_corrected",
        "int_generations_repeated",
        "int_generations_suspected",
        "int_generations_duplicated",
        "int_generations_judged",
    ]
    made = run_dbt(settings, ["run", "--full-refresh", "--select", *models])
    assert {result.node.name: result.message for result in made if result.status.value != "success"} == {}
    return verdicts(owner)


def assert_explained(owner: psycopg.Connection) -> None:
    rows = {
        row[0]: row[1:]
        for row in owner.execute(
            "select observation_id, explanation, kept_trace_id, kept_observation_id, is_counted, is_unbilled,"
            " tokens_taken_away, recorded_cost_taken_away_usd, department, model from marts.fct_duplicate_calls"
        )
    }
    assert rows["openrouter-call"] == (
        "The stated total of 18314 tokens is 17817 less than the sum of its parts. The input of 17903 tokens holds"
        " 17817 that stand beside it as well, so 86 count as uncached.",
        None, None, True, False, 0, Decimal("0.017817"), "unattributed", "acme-chat",
    )  # fmt: skip
    assert rows["ai-sdk-invoke_agent"] == (
        "It repeats what the 2 calls below it used: 15197 tokens, 771 of them in the answer.",
        "ai-sdk", "ai-sdk-chat 1", False, False, 15197, Decimal("0.09526"), "unattributed", "acme-chat",
    )  # fmt: skip
    assert rows[GATEWAY][:4] == (
        f"The same call was recorded by opentelemetry.instrumentation.openai as well, as app-chat: the id of the"
        f" answer, {CHAT}, is the same.",
        "app", "app-chat", False,
    )  # fmt: skip
    assert rows["cache-again"][:4] == (
        "A cache answered: the answer msg_011CfDYCkYx7n6jEbjGhECnm of cache-first came again, in 30 instead of 4000"
        " milliseconds.",
        "cache", "cache-first", False,
    )  # fmt: skip
    assert rows["failed-refused"] == (
        "It failed before an answer began: 1800 tokens and 0.0045 US dollars were recorded, nothing was paid.",
        None, None, True, True, 0, Decimal("0.0045"), "unattributed", "acme-chat",
    )  # fmt: skip
