"""Every model of genai-prices at every time that it knows: the library and the warehouse give the same cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal, localcontext

import pytest
from genai_prices.data_snapshot import _bundled_snapshot
from genai_prices.types import (
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
)

from tests.integration.pricing.conftest import PriceBook, measured
from tracemart.prices import load_prices

# The usage keys of the library that count a unit of each of our disjoint types: its own keys include one another.
TOKENS = {
    "input": ("input_tokens",),
    "cached_input": ("input_tokens", "cache_read_tokens"),
    "cache_write": ("input_tokens", "cache_write_tokens"),
    "cache_write_1h": ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    "audio_input": ("input_tokens", "input_audio_tokens"),
    "cached_audio_input": ("input_tokens", "cache_read_tokens", "input_audio_tokens", "cache_audio_read_tokens"),
    "image_input": ("input_tokens", "input_image_tokens"),
    "cached_image_input": ("input_tokens", "cache_read_tokens", "input_image_tokens", "cache_image_read_tokens"),
    "video_input": ("input_tokens", "input_video_tokens"),
    "tool_input": ("input_tokens", "input_tool_tokens"),
    "output": ("output_tokens",),
    "reasoning": ("output_tokens", "output_reasoning_tokens"),
    "citation": ("output_tokens", "output_citation_tokens"),
    "audio_output": ("output_tokens", "output_audio_tokens"),
    "image_output": ("output_tokens", "output_image_tokens"),
    "video_output": ("output_tokens", "output_video_tokens"),
}
OTHERS = {
    "web_search": ("web_searches",),
    "file_search": ("storage_searches",),
    "document_pages": ("input_document_pages",),
    "input_characters": ("input_characters",),
    "input_messages": ("input_text_messages",),
    "audio_seconds": ("audio_seconds",),
    "audio_input_seconds": ("audio_seconds", "input_audio_seconds"),
    "audio_output_seconds": ("audio_seconds", "output_audio_seconds"),
}
UNITS = TOKENS | OTHERS
# What prices a type at the least.
DIRECTIONS = {"input_tokens": "input_mtok", "output_tokens": "output_mtok"}
PRICE_KEYS = {name: DIRECTIONS[keys[0]] for name, keys in TOKENS.items()} | {
    "web_search": "web_searches_kcount", "file_search": "storage_searches_kcount",
    "document_pages": "input_document_kpages", "input_characters": "input_mchars",
    "input_messages": "input_text_messages_kcount", "audio_seconds": "audio_hours",
    "audio_input_seconds": "input_audio_hours", "audio_output_seconds": "output_audio_hours",
    # A price for one of two crossing kinds does not tell what the cross costs: the library refuses such usage.
    "cached_audio_input": "cache_audio_read_mtok", "cached_image_input": "cache_image_read_mtok",
}  # fmt: skip
CONTEXTS: dict[str | None, tuple[dict[str, str], ...]] = {
    None: ({},),
    "batch": ({"processing": "batch"},),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"},),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}
TODAY = datetime(2026, 11, 22, 10, 11, 12, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# Of a price per hour a price per second has no end: such costs are compared to this.
NEARLY = Decimal("1e-20")


@dataclass(frozen=True)
class Case:
    """A call, and what the library says that it costs."""

    model: str
    tier: str | None
    moment: datetime
    usage: Mapping[str, int]
    cost: Decimal


def entries() -> Iterator[tuple[Provider, ModelInfo]]:
    for provider in _bundled_snapshot().providers:
        for model in provider.models:
            yield provider, model


def prices_of(model: ModelInfo) -> list[ModelPrice]:
    standard = [entry.prices for entry in model.prices] if isinstance(model.prices, list) else [model.prices]
    return [*standard, *(variant.prices for variant in model.price_variants or ())]


def price_keys(prices: ModelPrice) -> set[str]:
    return {key for key, value in vars(prices).items() if value is not None}


def moments(model: ModelInfo) -> list[datetime]:
    """Each boundary of a price, a second to either side of it, today and long ago."""
    entries = model.prices if isinstance(model.prices, list) else []
    constraints = [entry.constraint for entry in (*entries, *(model.price_variants or ()))]
    starts = [
        datetime.combine(constraint.start_date, time(), UTC)
        for constraint in constraints
        if isinstance(constraint, StartDateConstraint)
    ]
    days = [*starts, TODAY, LONG_AGO]
    clocks = [
        clock.replace(tzinfo=None)
        for constraint in constraints
        if isinstance(constraint, TimeOfDateConstraint)
        for clock in (constraint.start_time, constraint.end_time, time(3), time(20))
    ]
    bounds = [*starts, *(datetime.combine(day.date(), clock, UTC) for day in days for clock in clocks)]
    return sorted({*days, *(bound + offset for bound in bounds for offset in (-SECOND, 0 * SECOND, SECOND))})


def sizes(prices: ModelPrice) -> list[int]:
    """Total tokens of input: at each threshold, one less, one more; and an ordinary call."""
    starts = {tier.start for value in vars(prices).values() if isinstance(value, TieredPrices) for tier in value.tiers}
    return [1_234, *(start + offset for start in sorted(starts) for offset in (-1, 0, 1))]


def usages(prices: ModelPrice, size: int) -> Iterator[dict[str, int]]:
    """Mixes of the types that the model has a price for, `size` tokens of input in all."""
    keys = price_keys(prices)
    types = [name for name in UNITS if PRICE_KEYS[name] in keys]
    inputs = [name for name in types if UNITS[name][0] == "input_tokens"]
    rest = {name: 17 + 10 * number for number, name in enumerate(types) if name not in inputs}
    if inputs:
        shares = {name: (size // (len(inputs) + 3)) for name in inputs if name != "input"}
        yield {"input": size} | ({"output": 321} if "output" in types else {})
        yield {"input": size - sum(shares.values())} | shares | rest
    elif rest:
        yield rest


def library_usage(usage: Mapping[str, int]) -> Usage:
    """All keys are said, for the library asks for those that it would have to guess."""
    counts = {key: 0 for units in UNITS.values() for key in units}
    for name, units in usage.items():
        for key in UNITS[name]:
            counts[key] += units
    return Usage(**counts)


def cases(provider: Provider, model: ModelInfo) -> Iterator[Case]:
    whens = [variant.when for variant in model.price_variants or ()]
    for tier, contexts in CONTEXTS.items():
        for context in contexts:
            if context and context not in whens:
                continue
            for moment in moments(model):
                prices = model.get_prices(moment, context)
                for size in sizes(prices):
                    for usage in usages(prices, size):
                        cost = model.calc_price(
                            library_usage(usage), provider, genai_request_timestamp=moment, price_context=context
                        ).total_price
                        yield Case(f"{provider.id}/{model.id}", tier, moment, usage, cost)


def is_to_the_last_digit(case: Case) -> bool:
    return not any(name.endswith("_seconds") for name in case.usage)


def differs(case: Case, list_cost: Decimal | None) -> bool:
    if list_cost is None or is_to_the_last_digit(case):
        return list_cost != case.cost
    return abs(list_cost - case.cost) > NEARLY


@pytest.mark.slow
def test_every_entry_of_the_catalogue_costs_what_the_library_says(book: PriceBook) -> None:
    load_prices(book.settings)
    with localcontext() as exact:
        exact.prec = 60
        compared = [case for provider, model in entries() for case in cases(provider, model)]
    names = [f"{provider.id}/{model.id}" for provider, model in entries()]
    book.name_rows({name: name for name in names})
    book.calls = [
        measured(str(number), case.model, case.usage)
        | {"started_at": case.moment, "usage_date": case.moment.date(), "service_tier": case.tier}
        for number, case in enumerate(compared)
    ]
    priced = book.priced()
    list_costs = [(case, priced[str(number)]["list_cost_usd"]) for number, case in enumerate(compared)]
    wrong = [(case, list_cost) for case, list_cost in list_costs if differs(case, list_cost)]
    assert wrong[:5] == [], f"{len(wrong)} of {len(compared)}"
    # Entries that the catalogue lists without any price; the library says that they cost nothing, we do not know it.
    without_price = {
        f"{provider.id}/{model.id}"
        for provider, model in entries()
        if not any(price_keys(prices) for prices in prices_of(model))
    }
    assert set(names) - {case.model for case in compared} == without_price
