"""Names and prices of another list, LiteLLM's of 21 November 2025: the entry that a name leads to has that price.

litellm_prices.csv holds the names whose price both lists agree on; each list has others that are rounded, late, or by
region. A name that led to another model's entry would not find its own price there.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from tracemart.prices.catalogue import catalogue_pieces
from tracemart.prices.names import match_name
from tracemart.prices.pieces import FROM_NO_TOKENS, Piece

NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)
LISTED = list(csv.DictReader((Path(__file__).parent / "litellm_prices.csv").open(newline="")))
ROUNDING = Decimal("0.001")


@cache
def pieces_then() -> dict[str, Piece]:
    return {
        piece.price_ref: piece
        for piece in catalogue_pieces()
        if piece.service_tier == "standard"
        and piece.above_input_tokens == FROM_NO_TOKENS
        and piece.valid_from <= NOON < piece.valid_until
        and (piece.daily_from or 0) <= 12 * 60 < (piece.daily_until or 24 * 60)
    }


def differences() -> Iterator[tuple[str, str, Decimal, str]]:
    for row in LISTED:
        price_ref = match_name(row["name"]).price_ref
        assert price_ref is not None, row["name"]
        for usage_type in ("input", "output"):
            listed = row[f"{usage_type}_usd_per_million"]
            found = pieces_then()[price_ref].prices.get(usage_type, Decimal(0)) * 1_000_000
            if listed and abs(Decimal(listed) - found) > ROUNDING:
                yield row["name"], price_ref, found, listed


def test_five_hundred_names_lead_to_the_price_that_another_list_has_for_them() -> None:
    assert len(LISTED) >= 500
    assert list(differences()) == []
