"""A workload whose calls went to several models, built from raw: one is recommended, the others say why not."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import INSTANCE, Raw, marts, observation, root, score
from tracemart.prices import match_new_models
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

# Model as sent, traces, quality of every other trace, Langfuse's price of a token in US dollars.
MODELS = [
    ("house-large", 120, (0.85, 0.95), "0.00002"),
    ("house-mini", 60, (0.86, 0.96), "0.000002"),
    ("house-tiny", 12, (0.9, 0.9), "0.000001"),
    ("house-poor", 50, (0.6, 0.7), "0.000002"),
    ("house-huge", 50, (0.95, 0.97), "0.0002"),
    ("house-free", 40, (0.9, 0.9), None),
]


def price(settings: Settings, model: str, usd: str) -> None:
    """The project's own model definition, as extraction loads it."""
    with Warehouse(settings).connect(Role.OWNER) as connection:
        connection.execute(
            "insert into raw.models (instance, project_id, id, model_name, match_pattern, is_langfuse_managed,"
            " pricing_tiers, input_price, output_price, known_from, batch_id)"
            " select %(instance)s, 'p1', %(model)s, %(model)s, '(?i)^(' || %(model)s || ')$', false,"
            " '[]'::jsonb, %(usd)s, %(usd)s, now(), max(batch_id) from raw.loads",
            {"instance": INSTANCE, "model": model, "usd": usd},
        )


def calls() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows, scores = [], []
    for model, traces, qualities, _ in MODELS:
        for number in range(traces):
            trace, day = f"{model}-{number}", 1 + number * 20 / traces
            rows.append(root(trace, day, metadata=Jsonb({"department": "care", "agent": "triage"})))
            rows.append(
                observation(trace, "call", day, cost=0.0006, tokens=10, model=model, prompt_name="answer",
                            prompt_version=1, parent_observation_id=f"{trace}-root")
            )  # fmt: skip
            scores.append(score("quality", trace, day, qualities[number % 2]))
    return rows, scores


@pytest.mark.slow
def test_one_candidate_is_recommended_and_the_others_say_why_not(
    raw: Raw, built: Callable[..., int | None], owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    observations, scores = calls()
    raw.load("observations", observations)
    raw.load("scores", scores)
    for model, _, _, usd in MODELS:
        if usd is not None:
            price(warehouse_settings, model, usd)
    match_new_models(warehouse_settings, is_full_refresh=True)
    built()
    found = owner.execute(
        "select candidate_model, is_recommended, reason, candidate_scores from marts.fct_model_recommendations"
        " where agent = 'triage' and prompt_name = 'answer' and department = 'care' and current_model = 'house-large'"
    ).fetchall()
    said = {model: (recommended, reason) for model, recommended, reason, _ in found}
    assert said["house-mini"][0], said
    assert "quality 0.91 against 0.90" in said["house-mini"][1]
    assert {model: reason for model, (recommended, reason) in said.items() if not recommended} == {
        "house-tiny": "too few scores: 12 of 30",
        "house-poor": "quality 0.65 is worse than 0.90",
        "house-huge": "dearer",
        "house-free": "no price",
    }
    assert {model: count for model, _, _, count in found} == {model: traces for model, traces, _, _ in MODELS[1:]}
    interval = owner.execute(
        "select quality_difference_low, quality_difference, quality_difference_high, saved_usd, current_cost_usd"
        " from marts.fct_model_recommendations where candidate_model = 'house-mini'"
    ).fetchone()
    assert interval is not None
    low, difference, high, saved, cost = interval
    assert -0.02 < low < difference < high
    assert 0 < saved < cost

    # A late score and a late call: an incremental build ends as a full refresh.
    raw.load("scores", [score("quality", "house-poor-3", 3, 0.99), score("second", "house-mini-1", 9, 0.1)])
    raw.load("observations", [observation("house-mini-5", "late", 4, cost=0.5, model="house-large")])
    built()
    incremental = marts(owner)
    built(full_refresh=True)
    assert marts(owner) == incremental
    assert incremental["fct_model_recommendations"]
