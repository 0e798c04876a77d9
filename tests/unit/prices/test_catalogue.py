"""The catalogue's pieces price calls as the library itself does."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from genai_prices.types import ModelInfo, Provider, StartDateConstraint, TieredPrices, TimeOfDateConstraint, Usage
from genai_prices.units import _get_registry
from hypothesis import given
from hypothesis import strategies as st

from tracemart.prices.catalogue import TIER_CONTEXTS, catalogue_pieces, price_ref, providers
from tracemart.prices.pieces import Piece
from tracemart.prices.usage import DIMENSIONS, INPUT_TOKEN_TYPES, REQUEST, covers

SECOND = timedelta(seconds=1)
SOME_DAY = datetime(2026, 11, 1, tzinfo=UTC)
ENTRIES = [(provider, model) for provider in providers() for model in provider.models]


@cache
def pieces_by_ref() -> dict[str, list[Piece]]:
    found: dict[str, list[Piece]] = {}
    for piece in catalogue_pieces():
        found.setdefault(piece.price_ref, []).append(piece)
    return found


def pieces_of(model_ref: str, tier: str, moment: datetime, input_tokens: int) -> list[Piece]:
    minute = moment.hour * 60 + moment.minute + (moment.second + moment.microsecond / 1e6) / 60
    return [
        piece
        for piece in pieces_by_ref().get(model_ref, [])
        if piece.service_tier == tier
        and piece.valid_from <= moment < piece.valid_until
        and (piece.daily_from or 0) <= minute < (piece.daily_until or 24 * 60)
        and piece.above_input_tokens < input_tokens
        and (piece.up_to_input_tokens is None or input_tokens <= piece.up_to_input_tokens)
    ]


def moments(model: ModelInfo) -> Iterator[datetime]:
    """Just before and at every moment at which a price of the model may change, and others besides."""
    conditional = model.prices if isinstance(model.prices, list) else []
    constraints = [entry.constraint for entry in [*conditional, *(model.price_variants or ())]]
    first_days = [entry.start_date for entry in constraints if isinstance(entry, StartDateConstraint)]
    for day in (SOME_DAY, *(datetime.combine(first, datetime.min.time(), UTC) for first in first_days)):
        yield from (day - SECOND, day) if constraints else (day,)
        for entry in constraints:
            if isinstance(entry, TimeOfDateConstraint):
                for time in (entry.start_time, entry.end_time):
                    moment = day + timedelta(hours=time.hour, minutes=time.minute)
                    yield from (moment - SECOND, moment)


def thresholds(model: ModelInfo) -> set[int]:
    prices = [entry.prices for entry in model.prices] if isinstance(model.prices, list) else [model.prices]
    prices += [variant.prices for variant in model.price_variants or ()]
    tiered = [value for price in prices for value in vars(price).values() if isinstance(value, TieredPrices)]
    return {tier.start for value in tiered for tier in value.tiers}


def usage_of(amounts: Mapping[str, int]) -> Usage:
    """Our disjoint amounts as the library counts them: each key includes all more specific ones."""
    return Usage(
        **{
            unit.usage_key: sum(amount for name, amount in amounts.items() if covers(unit.dimensions, DIMENSIONS[name]))
            for unit in _get_registry().units.values()
            if unit.usage_key != "requests"
        }
    )


def cost(piece: Piece, amounts: Mapping[str, int]) -> Decimal:
    priced = sum((piece.prices.get(name, Decimal(0)) * amount for name, amount in amounts.items()), Decimal(0))
    return round(priced + piece.prices.get(REQUEST, Decimal(0)), 12)


def library_cost(
    provider: Provider, model: ModelInfo, tier: str, moment: datetime, amounts: Mapping[str, int]
) -> Decimal:
    context = next(
        (
            context
            for context in TIER_CONTEXTS.get(tier, ())
            if any(variant.when == context for variant in model.price_variants or ())
        ),
        None,
    )
    calculated = model.calc_price(usage_of(amounts), provider, genai_request_timestamp=moment, price_context=context)
    return round(calculated.total_price, 12)


def mix(input_tokens: int) -> dict[str, int]:
    """Some of every usage type, and so many tokens of input in all; seconds enough for what has a least charge."""
    amounts = {name: 11 + 7 * place for place, name in enumerate(DIMENSIONS) if name != REQUEST}
    besides = sum(amounts[name] for name in INPUT_TOKEN_TYPES if name != "input")
    if input_tokens < besides:
        return {name: 0 if name in INPUT_TOKEN_TYPES else amount for name, amount in amounts.items()} | {
            "input": input_tokens
        }
    return amounts | {"input": input_tokens - besides}


def test_every_entry_is_priced_as_the_library_prices_it_at_every_boundary() -> None:
    compared = 0
    for provider, model in ENTRIES:
        tiers = {"standard", *(piece.service_tier for piece in pieces_by_ref().get(price_ref(provider, model), []))}
        tokens = {0, 100_000, *(start + more for start in thresholds(model) for more in (0, 1))}
        for moment in sorted(set(moments(model))):
            for input_tokens in tokens:
                amounts = mix(input_tokens)
                for tier in tiers:
                    found = pieces_of(price_ref(provider, model), tier, moment, input_tokens)
                    assert len(found) <= 1, (model.id, tier, moment)
                    if found:
                        expected = library_cost(provider, model, tier, moment, amounts)
                        assert cost(found[0], amounts) == expected, (provider.id, model.id, tier, moment, input_tokens)
                        compared += 1
                    elif tier == "standard":
                        assert library_cost(provider, model, tier, moment, amounts) == 0
    assert compared > 6_000


@given(st.data())
def test_any_call_of_any_entry_costs_what_the_library_says(data: st.DataObject) -> None:
    provider, model = data.draw(st.sampled_from(ENTRIES))
    moment = data.draw(
        st.integers(0, 4 * 365 * 86_400).map(lambda second: datetime(2023, 1, 1, tzinfo=UTC) + second * SECOND)
    )
    amounts = {
        name: data.draw(st.integers(0, 500_000)) for name in ("input", "cached_input", "cache_write_1h", "output")
    }
    found = pieces_of(
        price_ref(provider, model), "standard", moment, sum(amounts[n] for n in INPUT_TOKEN_TYPES & amounts.keys())
    )
    assert (cost(found[0], amounts) if found else 0) == library_cost(provider, model, "standard", moment, amounts)


def test_types_without_a_price_of_their_own_have_that_of_what_includes_them() -> None:
    (piece,) = pieces_of("openai/gpt-4o", "standard", SOME_DAY, 10)
    assert piece.prices["reasoning"] == piece.prices["output"] == Decimal("0.00001")
    assert piece.prices["cache_write_1h"] == piece.prices["input"]
    (claude,) = pieces_of("anthropic/claude-sonnet-4-5", "standard", SOME_DAY, 10)
    assert claude.prices["cache_write_1h"] == 2 * claude.prices["input"] != claude.prices["cache_write"]


def test_a_tiers_price_is_not_known_before_its_first_day() -> None:
    assert pieces_of("openai/gpt-4o", "batch", datetime(2026, 10, 13, 23, 59, 59, tzinfo=UTC), 10) == []
    (batch,) = pieces_of("openai/gpt-4o", "batch", datetime(2026, 10, 14, tzinfo=UTC), 10)
    (standard,) = pieces_of("openai/gpt-4o", "standard", datetime(2026, 10, 14, tzinfo=UTC), 10)
    assert 2 * batch.prices["input"] == standard.prices["input"]


def test_only_what_no_trace_tells_is_left_of_what_a_request_says() -> None:
    known = [context for contexts in TIER_CONTEXTS.values() for context in contexts]
    left = {
        tuple(variant.when.items())
        for _, model in ENTRIES
        for variant in model.price_variants or ()
        if variant.when not in known
    }
    assert {name for when in left for name, _ in when} == {"route", "search_type", "service_tier"}
    assert {value for when in left for name, value in when if name == "service_tier"} == {"default"}


@pytest.mark.parametrize("name", ["input", "output"])
def test_a_price_is_plain_digits(name: str) -> None:
    from tracemart.prices.pieces import decimal_text

    (piece,) = pieces_of("openai/gpt-4o-mini", "standard", SOME_DAY, 10)
    assert decimal_text(piece.prices[name]) == {"input": "0.00000015", "output": "0.0000006"}[name]
