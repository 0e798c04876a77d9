"""The prices of genai-prices, from the snapshot within the installed library: no network, no updates."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING

from tracemart.prices.pieces import ALWAYS, FOREVER, FROM_NO_TOKENS, Piece
from tracemart.prices.usage import DIMENSIONS, covers

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

    Day = list[tuple[int, int, ModelPrice]]
    # Windows of a UTC day, from and until in minutes, with the prices that hold then.

CATALOGUE = "genai-prices"
DAY = 24 * 60

# What of a request tells the tier. Of the rest (`route`, `search_type`) nothing stands in a trace, so a call has the
# standard price; `service_tier: default` is the standard one.
TIER_CONTEXTS = {
    "batch": ({"processing": "batch"},),
    "flex": ({"service_tier": "flex"},),
    "priority": ({"service_tier": "priority"},),
    "fast": ({"service_tier": "fast"}, {"speed": "fast"}),
}
# Of a price per hour, a price per second never ends; the rest are exact before, though some are float dust.
_PLACES = Decimal(1).scaleb(-30)


def catalogue_version() -> str:
    return f"{CATALOGUE} {version('genai-prices')}"


@cache
def providers() -> "tuple[Provider, ...]":
    from genai_prices.data_snapshot import _bundled_snapshot

    return tuple(_bundled_snapshot().providers)


def price_ref(provider: "Provider", model: "ModelInfo") -> str:
    return f"{provider.id}/{model.id}"


def catalogue_pieces() -> list[Piece]:
    """Every entry, cut into disjoint pieces; an entry without any price has none.

    A tier has pieces only where the catalogue has prices of its own for it: before a variant's first day its price is
    not known, though the library answers the standard one then.
    """
    return [piece for provider in providers() for model in provider.models for piece in model_pieces(provider, model)]


def model_pieces(provider: "Provider", model: "ModelInfo") -> Iterator[Piece]:
    yield from _tier_pieces(provider, model, "standard", {})
    for tier, contexts in TIER_CONTEXTS.items():
        for context in contexts:
            if any(variant.when == context for variant in model.price_variants or ()):
                yield from _tier_pieces(provider, model, tier, context)


def _tier_pieces(provider: "Provider", model: "ModelInfo", tier: str, context: dict[str, str]) -> Iterator[Piece]:
    for valid_from, valid_until, day in _periods(model, context):
        for daily_from, daily_until, prices in day:
            for above, up_to in _token_ranges(prices):
                yield Piece(
                    price_ref=price_ref(provider, model),
                    service_tier=tier,
                    valid_from=valid_from,
                    valid_until=valid_until,
                    prices=unit_prices(prices, above),
                    daily_from=None if daily_until - daily_from == DAY else daily_from,
                    daily_until=None if daily_until - daily_from == DAY else daily_until,
                    above_input_tokens=above,
                    up_to_input_tokens=up_to,
                )


def _periods(model: "ModelInfo", context: dict[str, str]) -> "list[tuple[datetime, datetime, Day]]":
    """Each period in which every day has the same prices, with such a day; neighbours differ."""
    constraints = _constraints(model)
    periods: list[tuple[datetime, datetime, Day]] = []
    for valid_from, valid_until in pairwise([ALWAYS, *_first_days(constraints), FOREVER]):
        midnight = valid_until - timedelta(days=1) if valid_from == ALWAYS else valid_from
        day: Day = []
        for begins, ends in pairwise([0, *_minutes(constraints), DAY]):
            prices = _prices_at(model, context, midnight + timedelta(minutes=begins))
            if prices is None:
                continue
            if day and day[-1][1] == begins and day[-1][2] == prices:
                day[-1] = (day[-1][0], ends, prices)
            else:
                day.append((begins, ends, prices))
        if periods and periods[-1][2] == day:
            periods[-1] = (periods[-1][0], valid_until, day)
        else:
            periods.append((valid_from, valid_until, day))
    return periods


def _constraints(model: "ModelInfo") -> list[object]:
    conditional = model.prices if isinstance(model.prices, list) else []
    return [entry.constraint for entry in [*conditional, *(model.price_variants or ())]]


def _first_days(constraints: Sequence[object]) -> list[datetime]:
    from genai_prices.types import StartDateConstraint

    days = {entry.start_date for entry in constraints if isinstance(entry, StartDateConstraint)}
    return sorted(datetime.combine(day, time(), UTC) for day in days)


def _minutes(constraints: Sequence[object]) -> list[int]:
    """Where a UTC day changes its prices; midnight is cut at anyway."""
    from genai_prices.types import TimeOfDateConstraint

    times = [entry for entry in constraints if isinstance(entry, TimeOfDateConstraint)]
    cuts = {_minute(moment) for entry in times for moment in (entry.start_time, entry.end_time)}
    return sorted(cuts - {0})


def _minute(moment: time) -> int:
    utc = datetime.combine(date(2000, 1, 2), moment).astimezone(UTC) if moment.tzinfo else moment
    if utc.second or utc.microsecond:
        raise ValueError(f"a price that changes at {moment}, within a minute, cannot be kept")
    return utc.hour * 60 + utc.minute


def _prices_at(model: "ModelInfo", context: dict[str, str], moment: datetime) -> "ModelPrice | None":
    """The prices of that moment; None where the catalogue has none, or none of the tier's own."""
    if context and not any(
        variant.when == context
        and (variant.constraint is None or variant.constraint.active(moment))
        and _stored(variant.prices)
        for variant in model.price_variants or ()
    ):
        return None
    prices = model.get_prices(moment, context)
    return prices if _stored(prices) else None


def _stored(prices: "ModelPrice") -> "dict[str, Decimal | TieredPrices]":
    return {key: value for key, value in vars(prices).items() if value is not None}


def _token_ranges(prices: "ModelPrice") -> Iterator[tuple[int, int | None]]:
    """(more than, at most) tokens of input: within each all prices stay the same."""
    from genai_prices.types import TieredPrices

    starts = {
        tier.start for value in _stored(prices).values() if isinstance(value, TieredPrices) for tier in value.tiers
    }
    yield from pairwise([FROM_NO_TOKENS, *sorted(starts), None])


def unit_prices(prices: "ModelPrice", above_input_tokens: int) -> dict[str, Decimal]:
    """{usage type: US dollars per unit} for one range of input tokens; a type without any price is left out."""
    from genai_prices.units import _get_registry

    registry = _get_registry()
    priced = [(registry.unit_for_price_key(key), value) for key, value in _stored(prices).items()]
    per_unit: dict[str, Decimal] = {}
    for usage_type, dimensions in DIMENSIONS.items():
        covering = [(unit, value) for unit, value in priced if covers(unit.dimensions, dimensions)]
        if covering:
            unit, value = max(covering, key=lambda entry: len(entry[0].dimensions))
            per_unit[usage_type] = _divided(_of_range(value, above_input_tokens), unit.per)
    return per_unit


def _of_range(value: "Decimal | TieredPrices", above_input_tokens: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    reached = [tier.price for tier in value.tiers if tier.start <= above_input_tokens]
    return reached[-1] if reached else value.base


def _divided(price: Decimal, units: int) -> Decimal:
    with localcontext() as context:
        context.prec = 50
        return (price / units).quantize(_PLACES)
