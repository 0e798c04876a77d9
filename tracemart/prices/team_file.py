"""dbt_project/seeds/model_prices.csv: what a team pays by its own agreements, or for models that it runs itself.

A line is a price of one usage type, per million tokens or per unit, or a discount on what the next source lists (or on
the team's own prices of the same models). `served_by` and `model` say for whom it holds: who serves and bills the calls
(a maker, or a host such as azure or aws), and a model as sent or its canonical name, in which * stands for anything.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from tracemart.prices.names.makers import known_servers
from tracemart.prices.pieces import ALWAYS, FOREVER, FROM_NO_TOKENS, SERVICE_TIERS
from tracemart.prices.usage import DIMENSIONS, TOKEN_TYPES
from tracemart.seeds.seed_file import SeedRow, read_seed
from tracemart.settings import PROJECT_ROOT

MODEL_PRICES = PROJECT_ROOT / "dbt_project" / "seeds" / "model_prices.csv"
COLUMNS = (
    "served_by", "model", "service_tier", "usage_type", "usd_per_million_tokens", "usd_per_unit", "discount",
    "cost_basis", "valid_from", "valid_until", "above_input_tokens",
)  # fmt: skip
COST_BASES = ("negotiated", "self_hosted")
DISCOUNT = ""
"""Stands for the usage type of a line that gives a discount alone."""
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class TeamPrice:
    """One line: `price` in US dollars per unit, or None for a discount alone; the period ends before `valid_until`."""

    row: SeedRow
    served_by: str | None
    model: str | None
    service_tier: str
    usage_type: str
    price: Decimal | None
    discount: Decimal | None
    cost_basis: str
    valid_from: datetime
    valid_until: datetime
    above_input_tokens: int

    @property
    def whose(self) -> tuple[str | None, str | None, str]:
        """Lines of one entry: those that price the same calls, apart from when and how many tokens they have."""
        return (self.served_by, self.model, self.service_tier)

    def overlaps(self, other: "TeamPrice") -> bool:
        return self.valid_from < other.valid_until and other.valid_from < self.valid_until


def file_version(file: Path) -> str:
    """The file's name with a digest of what it holds; a file that is not there holds nothing."""
    content = file.read_bytes() if file.exists() else b""
    return f"{file.name} {sha256(content).hexdigest()[:12]}"


def read_team_file(file: Path, also_serving: frozenset[str] = frozenset()) -> list[TeamPrice]:
    """The lines of the file; a discount without a tier stands once for each tier.

    `also_serving` may stand as served_by besides known makers and hosts, for the team's aliases name them.

    Raises BadInputError that names the first bad line, also where two lines say different things of one call.
    """
    servers = known_servers() | also_serving
    lines = [line for row in read_seed(file, COLUMNS) for line in _lines(row, servers)]
    _refuse_overlaps(lines)
    return lines


def _lines(row: SeedRow, servers: frozenset[str]) -> list[TeamPrice]:
    served_by, model = _lower(row, "served_by"), _lower(row, "model")
    if served_by is None and model is None:
        row.refuse("served_by and model are both empty; fill in at least one, or write * as the model for all calls")
    if served_by is not None and served_by not in servers:
        near = get_close_matches(served_by, sorted(servers), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write a maker such as openai, or a host such as azure or aws."
        row.refuse(f"nobody is known to serve models as {served_by!r}: {hint} model_aliases.csv may name others")
    price, usage_type, discount = _price(row), _usage_type(row), _discount(row)
    if price is None and discount is None:
        row.refuse("it gives neither a price nor a discount; fill in usd_per_million_tokens, usd_per_unit or discount")
    if price is None and usage_type != DISCOUNT:
        row.refuse("a discount holds for all usage types; leave usage_type empty, or give a price")
    if price is not None and usage_type == DISCOUNT:
        row.refuse(f"usage_type is empty beside a price; write one such as {', '.join(('input', 'output'))}")
    valid_from, valid_until = _period(row)
    tier = row.text("service_tier")
    tiers = (row.choice("service_tier", SERVICE_TIERS),) if tier else SERVICE_TIERS if price is None else ("standard",)
    return [
        TeamPrice(
            row=row,
            served_by=served_by,
            model=model,
            service_tier=one,
            usage_type=usage_type,
            price=price,
            discount=discount,
            cost_basis=row.choice("cost_basis", COST_BASES) if row.text("cost_basis") else "negotiated",
            valid_from=valid_from,
            valid_until=valid_until,
            above_input_tokens=_above(row),
        )
        for one in tiers
    ]


def _lower(row: SeedRow, column: str) -> str | None:
    value = row.text(column)
    return None if value is None else value.lower()


def _price(row: SeedRow) -> Decimal | None:
    """US dollars per unit."""
    per_million, per_unit = row.text("usd_per_million_tokens"), row.text("usd_per_unit")
    if per_million is not None and per_unit is not None:
        row.refuse("usd_per_million_tokens and usd_per_unit are both filled in; keep one")
    if per_million is not None:
        return row.amount("usd_per_million_tokens") / _MILLION
    return None if per_unit is None else row.amount("usd_per_unit")


def _usage_type(row: SeedRow) -> str:
    usage_type = row.text("usage_type")
    if usage_type is None:
        return DISCOUNT
    row.choice("usage_type", tuple(DIMENSIONS))
    if row.text("usd_per_million_tokens") and usage_type not in TOKEN_TYPES:
        row.refuse(f"{usage_type} is not counted in tokens; write its price into usd_per_unit")
    return usage_type


def _discount(row: SeedRow) -> Decimal | None:
    discount = row.number("discount")
    if discount is not None and not 0 <= discount <= 1:
        row.refuse(f"discount is {discount}; write a share from 0 to 1, such as 0.15 for 15 %")
    return discount


def _period(row: SeedRow) -> tuple[datetime, datetime]:
    first, last = row.day("valid_from"), row.day("valid_until")
    if first and last and last < first:
        row.refuse(f"valid_until {last} lies before valid_from {first}; swap or mend them")
    # The last day is inclusive, as people write it.
    return (
        datetime(first.year, first.month, first.day, tzinfo=UTC) if first else ALWAYS,
        datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1) if last else FOREVER,
    )


def _above(row: SeedRow) -> int:
    tokens = row.number("above_input_tokens")
    if tokens is None or tokens == 0:
        return FROM_NO_TOKENS
    if tokens < 0 or tokens != tokens.to_integral_value():
        row.refuse(f"above_input_tokens is {tokens}; write a whole number of tokens, or leave it empty")
    return int(tokens)


def _refuse_overlaps(lines: list[TeamPrice]) -> None:
    """Two lines of one entry may not give one usage type two prices, or one call two discounts, at one time."""
    by_entry: dict[tuple[str | None, str | None, str], list[TeamPrice]] = {}
    for line in lines:
        by_entry.setdefault(line.whose, []).append(line)
    for entry in by_entry.values():
        for before, line in combinations(entry, 2):
            if not line.overlaps(before):
                continue
            if (line.usage_type, line.above_input_tokens) == (before.usage_type, before.above_input_tokens):
                what = f"the {line.usage_type} price" if line.usage_type else "the discount"
                line.row.refuse(
                    f"{what} of the same models holds at the same time as that of line {before.row.line};"
                    " end one the day before the other begins"
                )
            if None not in (line.discount, before.discount) and line.discount != before.discount:
                line.row.refuse(
                    f"discount {line.discount} and that of line {before.row.line}, {before.discount}, hold for the"
                    " same calls at the same time; keep one"
                )
            if line.price is not None and before.price is not None and line.cost_basis != before.cost_basis:
                line.row.refuse(
                    f"cost_basis is {line.cost_basis} and {before.cost_basis} in line {before.row.line}, for the same"
                    " calls at the same time; write one of the two"
                )
