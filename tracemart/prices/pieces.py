"""A price list cut into pieces of which no two price the same call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

SERVICE_TIERS = ("standard", "batch", "flex", "priority", "fast")
ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
"""Stands for -infinity as the start of a period."""
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for infinity as the end of a period."""
FROM_NO_TOKENS = -1
"""above_input_tokens of the lowest tier: a call without any input belongs to it."""


@dataclass(frozen=True)
class Piece:
    """What a call costs at these times, of this tier, with so many tokens of input: a row of raw.catalogue_prices.

    `daily_from` and `daily_until` are minutes of a UTC day, None for the whole day; `prices` are US dollars per unit.
    """

    price_ref: str
    service_tier: str
    valid_from: datetime
    valid_until: datetime
    prices: Mapping[str, Decimal]
    daily_from: int | None = None
    daily_until: int | None = None
    above_input_tokens: int = FROM_NO_TOKENS
    up_to_input_tokens: int | None = None
    served_by: str | None = None
    model: str | None = None
    model_pattern: str | None = None
    discount: Decimal | None = None
    cost_basis: str = "list"


def decimal_text(value: Decimal) -> str:
    """Plain digits without an exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
