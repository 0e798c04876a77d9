"""The team's price file as disjoint pieces."""

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from tracemart.prices.pieces import FROM_NO_TOKENS, Piece
from tracemart.prices.team_file import TeamPrice, read_team_file

CATALOGUE = "team"


def team_pieces(file: Path, also_serving: frozenset[str] = frozenset()) -> list[Piece]:
    """The file's prices, cut where any of an entry's lines begins or ends. Raises BadInputError, see read_team_file."""
    entries: dict[tuple[str | None, str | None, str], list[TeamPrice]] = {}
    for line in read_team_file(file, also_serving):
        entries.setdefault(line.whose, []).append(line)
    return [piece for lines in entries.values() for piece in _pieces(lines)]


def _pieces(lines: list[TeamPrice]) -> Iterable[Piece]:
    cuts = sorted({moment for line in lines for moment in (line.valid_from, line.valid_until)})
    thresholds = sorted({FROM_NO_TOKENS, *(line.above_input_tokens for line in lines)})
    for valid_from, valid_until in pairwise(cuts):
        holding = [line for line in lines if line.valid_from <= valid_from and valid_until <= line.valid_until]
        for above, up_to in pairwise([*thresholds, None]):
            assert above is not None
            # Of a usage type's tiers the highest that is reached.
            reached = sorted(
                (line for line in holding if line.above_input_tokens <= above), key=lambda line: line.above_input_tokens
            )
            if reached:
                yield _piece(reached, valid_from, valid_until, above, up_to)


def _piece(
    reached: list[TeamPrice], valid_from: datetime, valid_until: datetime, above: int, up_to: int | None
) -> Piece:
    prices = {line.usage_type: line.price for line in reached if line.price is not None}
    discounts = [line.discount for line in reached if line.discount is not None]
    bases = [line.cost_basis for line in reached if line.price is not None]
    first = reached[0]
    model = first.model if first.model is not None and "*" not in first.model else None
    return Piece(
        price_ref=f"{first.served_by or '*'}/{first.model or '*'}",
        service_tier=first.service_tier,
        valid_from=valid_from,
        valid_until=valid_until,
        prices=prices,
        above_input_tokens=above,
        up_to_input_tokens=up_to,
        served_by=first.served_by,
        model=model,
        model_pattern=None if first.model is None or model is not None else pattern(first.model),
        discount=discounts[0] if discounts else None,
        cost_basis=bases[0] if bases else "negotiated",
    )


def pattern(model: str) -> str:
    """The regular expression of a model's name in which * stands for anything, good for Python and PostgreSQL."""
    return "^" + ".*".join(re.escape(part).replace("\\-", "-") for part in model.split("*")) + "$"
