"""Model prices and the cost of a call, computed once, when the call arrives, as Langfuse computes it.

Source of the rules: Langfuse's IngestionService, pricing-tier matcher and model match (version 4.16.0);
`data/models.json` is the list of built-in models that such a server answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from functools import cache
from importlib import resources
from typing import Any

from tracemart.standin.rows import NO_KEYS, NO_VALUES, PICO

_OPERATORS = {
    "gt": lambda units, value: units > value,
    "gte": lambda units, value: units >= value,
    "lt": lambda units, value: units < value,
    "lte": lambda units, value: units <= value,
    "eq": lambda units, value: units == value,
    "neq": lambda units, value: units != value,
}


@dataclass(slots=True)
class Tier:
    """A pricing tier; `prices` are US dollars per unit by usage type, `pico` the same in pico-dollars."""

    id: str
    name: str
    is_default: bool
    priority: int
    conditions: list[dict[str, Any]]
    prices: dict[str, Decimal]
    pico: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for usage_type, price in self.prices.items():
            scaled = price * PICO
            if scaled != int(scaled):
                raise ValueError(f"the price of {usage_type} in tier {self.name} has more than 12 decimals")
            self.pico[usage_type] = int(scaled)

    def applies(self, usage: Mapping[str, int], parameters: Mapping[str, object]) -> bool:
        return all(_holds(condition, usage, parameters) for condition in self.conditions)


@dataclass(slots=True)
class Model:
    """A model definition: its names, its tiers, and the body that `/api/public/models` answers."""

    id: str
    name: str
    pattern: re.Pattern[str]
    start_date: str | None
    tokenizer_id: str | None
    tiers: list[Tier]
    body: dict[str, Any]

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Model:
        """From a row of `data/models.json`; the flat prices of its answer come from the default tier."""
        tiers = [
            Tier(
                tier["id"], tier["name"], tier["isDefault"], tier["priority"], tier["conditions"],
                {usage_type: Decimal(repr(price)) for usage_type, price in tier["prices"].items()},
            )
            for tier in row["pricingTiers"]
        ]  # fmt: skip
        default: dict[str, float] = next((tier["prices"] for tier in row["pricingTiers"] if tier["isDefault"]), {})
        keys = ("id", "createdAt", "modelName", "matchPattern", "startDate", "tokenizerId", "tokenizerConfig")
        body = {key: row.get(key) for key in keys} | {
            "unit": row.get("unit"),
            "inputPrice": row.get("inputPrice", default.get("input")),
            "outputPrice": row.get("outputPrice", default.get("output")),
            "totalPrice": row.get("totalPrice", default.get("total")),
            "prices": {usage_type: {"price": price} for usage_type, price in default.items()},
            "isLangfuseManaged": row["isLangfuseManaged"],
            "pricingTiers": row["pricingTiers"],
        }
        pattern = re.compile(row["matchPattern"])
        return cls(row["id"], row["modelName"], pattern, row.get("startDate"), row.get("tokenizerId"), tiers, body)

    def default_tier(self) -> Tier | None:
        return next((tier for tier in self.tiers if tier.is_default), None)

    def tier_for(self, usage: Mapping[str, int], parameters: Mapping[str, object]) -> Tier | None:
        special = sorted((tier for tier in self.tiers if not tier.is_default), key=lambda tier: tier.priority)
        return next((tier for tier in special if tier.applies(usage, parameters)), self.default_tier())


def _holds(condition: Mapping[str, Any], usage: Mapping[str, int], parameters: Mapping[str, object]) -> bool:
    if "usageDetailPattern" in condition:
        flags = 0 if condition.get("caseSensitive") else re.IGNORECASE
        pattern = re.compile(condition["usageDetailPattern"], flags)
        units = sum(value for key, value in usage.items() if pattern.search(key))
        return bool(_OPERATORS[condition["operator"]](units, condition["value"]))
    return condition.get("source") == "model_parameters" and parameters.get(condition["key"]) in condition["values"]


@cache
def built_in_models() -> tuple[Model, ...]:
    """The 174 models that a Langfuse 4.16.0 knows by itself."""
    text = resources.files("tracemart.standin").joinpath("data/models.json").read_text(encoding="utf-8")
    return tuple(Model.from_json(row) for row in json.loads(text))


class PriceBook:
    """The models that one project sees: its own before the built-in ones."""

    def __init__(self, custom: Iterable[Model] = ()) -> None:
        self.custom = list(custom)
        self._found: dict[str, Model | None] = {}

    def all(self) -> list[Model]:
        """By name, as the models endpoint lists them."""
        return sorted((*self.custom, *built_in_models()), key=lambda model: model.name)

    def by_id(self, model_id: str) -> Model | None:
        return next((model for model in (*self.custom, *built_in_models()) if model.id == model_id), None)

    def match(self, name: str) -> Model | None:
        """Own models first, newest start date first; the call's time plays no part."""
        if name not in self._found:
            by_date = sorted(self.custom, key=lambda model: model.start_date or "", reverse=True)
            candidates = (*by_date, *built_in_models())
            self._found[name] = next((model for model in candidates if model.pattern.search(name)), None)
        return self._found[name]


def cost_of(tier: Tier, keys: tuple[str, ...], units: tuple[int, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Usage types and pico-dollars of a call, `total` last; nothing if no usage type has a price.

    A part is the exact product; the total is added in floating point and cut to 12 decimals, so it may
    differ from its parts by 1e-12, as on the real server. A priced `total` replaces the sum.
    """
    names, parts, prices = [], [], tier.pico
    added = 0.0
    for key, value in zip(keys, units, strict=True):
        price = prices.get(key)
        if price is not None and key != "total":
            names.append(key)
            parts.append(price * value)
            added += price * value / PICO
    if "total" in prices and "total" in keys:
        names.append("total")
        parts.append(prices["total"] * units[keys.index("total")])
    elif names:
        names.append("total")
        parts.append(pico_of(added))
    return (tuple(names), tuple(parts)) if names else (NO_KEYS, NO_VALUES)


def pico_of(amount: float) -> int:
    """A JSON number of dollars as the database stores it: cut, not rounded, to 12 decimals."""
    nearest = round(amount * PICO)
    if nearest / PICO == amount:
        return nearest
    return int(Decimal(repr(amount)).scaleb(12).to_integral_value(ROUND_DOWN))


def provided_cost(costs: Mapping[str, float]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Costs that a client sent: taken as they are, and a total only where input and output are all there is."""
    parts = {key: pico_of(value) for key, value in costs.items()}
    if "total" not in parts and parts and set(parts) <= {"input", "output"}:
        parts["total"] = pico_of(sum(costs.values()))
    return tuple(parts), tuple(parts.values())


def price_text(price: Decimal | None) -> str | None:
    """A price as the v2 API answers it: JavaScript's decimal text, exponential from 1e-7 down."""
    if price is None:
        return None
    if price == 0:
        return "0"
    digits = price.normalize()
    exponent = digits.adjusted()
    if exponent > -7:
        return format(digits, "f")
    mantissa = format(digits.scaleb(-exponent).normalize(), "f")
    return f"{mantissa}e{exponent}"
