"""Names as they are met in the wild, and what may never happen to any.

names.csv holds the ids and aliases of genai-prices by its own grouping (with the prefix under which its hosts are
called), LiteLLM's published list, Langfuse's built-in models and a few forms written by hand. `price_ref` of the
catalogue's own names is the entry that lists them; makers and canonical models were read over by hand.
"""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.prices.catalogue import price_ref, providers
from tracemart.prices.names import match_name
from tracemart.prices.names.spelling import key

NAMES = list(csv.DictReader((Path(__file__).parent / "names.csv").open(newline="")))

# Each is a model of its own, with prices or weights of its own; spelled as its maker does.
DISTINCT = (
    ("openai", """
        gpt-3.5-turbo gpt-3.5-turbo-16k gpt-3.5-turbo-instruct gpt-4 gpt-4-32k gpt-4-turbo gpt-4-vision-preview
        gpt-4o gpt-4o-mini gpt-4o-audio-preview gpt-4o-mini-audio-preview gpt-4o-realtime-preview
        gpt-4o-search-preview gpt-4o-transcribe gpt-4o-mini-transcribe gpt-4.1 gpt-4.1-mini gpt-4.1-nano
        gpt-4.5-preview gpt-5 gpt-5-mini gpt-5-nano gpt-5-pro gpt-5-codex gpt-5-chat gpt-5.1 gpt-5.1-codex
        gpt-5.1-codex-mini gpt-5.2 gpt-5.2-pro gpt-5.4-mini o1 o1-mini o1-preview o1-pro o3 o3-mini o3-pro
        o3-deep-research o4-mini o4-mini-deep-research text-embedding-3-small text-embedding-3-large
        text-embedding-ada-002 codex-mini chatgpt-4o-latest
    """),
    ("anthropic", """
        claude-2 claude-2.1 claude-instant-1 claude-instant-1.2 claude-3-haiku claude-3-sonnet claude-3-opus
        claude-3-5-haiku claude-3-5-sonnet claude-3-7-sonnet claude-sonnet-4 claude-opus-4 claude-opus-4-1
        claude-sonnet-4-5 claude-haiku-4-5 claude-opus-4-5 claude-opus-4-6 claude-sonnet-4-6 claude-opus-5
        claude-opus-5-5 claude-sonnet-5
    """),
    ("google", """
        gemini-1.0-pro gemini-1.5-flash gemini-1.5-flash-8b gemini-1.5-pro gemini-2.0-flash gemini-2.0-flash-lite
        gemini-2.5-flash gemini-2.5-flash-lite gemini-2.5-pro gemini-2.5-flash-image gemini-3-pro-preview
        gemini-3-flash-preview gemini-embedding-001 gemini-exp-1206 gemini-exp-1114 text-embedding-004
        text-embedding-005
    """),
    ("mistral", """
        mistral-large mistral-medium mistral-small mistral-tiny codestral mistral-embed ministral-3b ministral-8b
        pixtral-12b pixtral-large magistral-small magistral-medium mistral-nemo mixtral-8x7b mixtral-8x22b
        devstral-small
    """),
    ("xai", """
        grok-2 grok-2-vision grok-3 grok-3-mini grok-3-fast grok-3-mini-fast grok-4 grok-4-fast-reasoning
    """),
    ("deepseek", """
        deepseek-chat deepseek-reasoner deepseek-v3.2 deepseek-v3.1-terminus deepseek-r1-distill-llama-70b
    """),
)  # fmt: skip
MODELS = [(maker, model) for maker, models in DISTINCT for model in models.split()]
WAYS = (
    "{model}", "{maker}/{model}", "openrouter/{maker}/{model}", "litellm_proxy/{model}", "litellm_proxy/azure/{model}",
    "vercel_ai_gateway/{maker}/{model}", "github_copilot/{model}", "{maker}/{model}:free",
    "openrouter/{maker}/{model}:nitro", "azure/{model}", "azure/eu/{model}", " {model} ",
)  # fmt: skip
DATES = ("", "-2025-08-07", "-20250807", "@20250807")


def test_at_least_five_hundred_real_names_of_each_kind_are_held() -> None:
    kinds = [row["source"].partition(" ")[0] for row in NAMES]
    assert kinds.count("catalogue") >= 500
    assert kinds.count("litellm") >= 500


def test_no_name_is_matched_wrong() -> None:
    wrong = []
    for row in NAMES:
        matched = match_name(row["name"])
        if matched.price_ref not in (None, row["price_ref"]):
            wrong.append((row["name"], matched.price_ref, row["price_ref"]))
        if matched.provider not in ("unknown", row["provider"]):
            wrong.append((row["name"], matched.provider, row["provider"]))
        if matched.provider != "unknown" and matched.canonical_model != row["canonical_model"]:
            wrong.append((row["name"], matched.canonical_model, row["canonical_model"]))
    assert wrong == []


def test_ninety_nine_of_a_hundred_names_are_matched() -> None:
    matched = [(row, match_name(row["name"])) for row in NAMES]
    missed = [
        row["name"]
        for row, name in matched
        if (row["price_ref"] and name.price_ref is None) or (row["provider"] != name.provider)
    ]
    assert len(missed) <= len(NAMES) / 100, missed


def test_the_catalogues_own_prices_are_found_under_its_own_ids() -> None:
    """Every entry of a maker's list by its bare id."""
    lists = {"openai", "anthropic", "mistral", "cohere", "x-ai", "moonshotai", "zai", "voyageai"}
    entries = [(one, entry) for one in providers() if one.id in lists for entry in one.models]
    found = {price_ref(one, entry): match_name(entry.id).price_ref for one, entry in entries if ":" not in entry.id}
    other = {expected: got for expected, got in found.items() if got not in (None, expected)}
    assert other == {}
    assert sum(got is not None for got in found.values()) >= 0.97 * len(found)


@pytest.mark.parametrize(("maker", "model"), MODELS)
def test_a_canonical_name_means_itself(maker: str, model: str) -> None:
    matched = match_name(model)
    assert (matched.canonical_model, matched.provider) == (model, maker)


def test_different_models_never_merge() -> None:
    keys = {key(match_name(model).canonical_model): model for _, model in MODELS}
    assert len(keys) == len(MODELS)


@given(st.sampled_from(MODELS), st.sampled_from(WAYS), st.sampled_from(DATES), st.booleans())
def test_a_prefix_a_date_or_capitals_change_nothing(
    named: tuple[str, str], way: str, date: str, is_upper: bool
) -> None:
    maker, model = named
    name = way.format(model=model + date if ":" not in model else model, maker=maker)
    matched = match_name(name.upper() if is_upper else name)
    assert (matched.canonical_model, matched.provider) == (model, maker)


@given(st.text(max_size=60))
def test_any_text_has_a_name(text: str) -> None:
    matched = match_name(text)
    assert matched.model == text
    if matched.provider == "unknown" and matched.price_ref is None:
        assert matched.canonical_model == text


@pytest.mark.parametrize(
    "name",
    [
        "House-Model", "azure/chat-prod", "my-gpt-4o", "claude-spare", "best-model:latest",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefgh", "accounts/acme/models/tuned",
        "projects/123/locations/us-central1/endpoints/456", "acme/gpt-4o",
    ],
)  # fmt: skip
def test_what_cannot_be_known_stays_itself(name: str) -> None:
    matched = match_name(name)
    assert (matched.canonical_model, matched.provider, matched.price_ref) == (name, "unknown", None)


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("ft:gpt-4o-2024-08-06:acme::abc", "openai/ft:gpt-4o"),
        ("ft:gpt-4o-mini-2024-07-18:acme:x:abc", "openai/ft:gpt-4o-mini"),
        ("ft:gpt-4.1-2025-04-14:acme::abc", None),
        ("gpt-4o-mini-2024-07-18.ft-0123456789abcdef", "openai/gpt-4o-mini-2024-07-18.ft-"),
        ("gpt-4o-2024-05-13", "openai/gpt-4o-2024-05-13"),
        ("azure/gpt4o", "openai/gpt-4o"),
        ("azure/gpt-4-1-mini", "openai/gpt-4.1-mini"),
        ("azure/eu/gpt-4o-2024-08-06", None),
        ("bedrock/us-west-2/1-month-commitment/anthropic.claude-v2:1", None),
        ("openrouter/meta-llama/llama-3-70b-instruct:nitro", None),
        ("meta-llama/Llama-3.3-70B-Instruct", None),
        ("deepseek-r1:7b", None),
        ("gpt-4o-2029-01-01", None),
    ],
)
def test_only_the_price_of_that_very_model_is_taken(name: str, price: str | None) -> None:
    assert match_name(name).price_ref == price
