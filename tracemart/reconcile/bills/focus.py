"""A bill as FOCUS 1.2 (https://focus.finops.org/focus-specification/v1-2/), such as `./run focus` writes one.

FOCUS has no column for a model: it is looked for in SkuPriceDetails (x_Model), in columns of that name, then in what
describes the charge, as `model, input`.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tracemart.reconcile.bills.line import BillLine, Row, decimals_of
from tracemart.reconcile.bills.openai import parse_line_item
from tracemart.reconcile.bills.vocabulary import slug, tier_of, unit_factor, usage_type_of

COLUMNS = ("BilledCost", "BillingCurrency", "ChargePeriodStart", "ChargeCategory", "ProviderName")
_WORDS = (("cached", "cached_input"), ("cache_read", "cached_input"), ("cache_write", "cache_write"),
          ("output", "output"), ("input", "input"))  # fmt: skip


def lines(row: Row) -> Iterator[BillLine]:
    row.expect_dollars("BillingCurrency")
    cost = row.cost("BilledCost")
    model, usage_type, tier = _sku(row)
    yield BillLine(
        usage_date=row.day("ChargePeriodStart"),
        line_number=row.line,
        provider=row.required("ProviderName").strip().lower(),
        account=row.text("BillingAccountId") or "",
        model=model,
        usage_type=usage_type,
        service_tier=tier,
        units=_units(row),
        cost_usd=cost,
        cost_decimals=decimals_of(cost),
    )


def _sku(row: Row) -> tuple[str, str, str | None]:
    """Model, usage type and tier; a tax, a credit or another charge that is no usage stands under its category."""
    category = row.required("ChargeCategory")
    details = _details(row)
    model = details.get("x_Model") or row.text("x_Model", "x_CanonicalModel")
    tier = tier_of(details.get("x_ServiceTier")) if details.get("x_ServiceTier") else None
    own_type = row.text("x_UsageType")
    if category != "Usage":
        return (str(model), usage_type_of(own_type), tier) if model and own_type else (category, slug(category), tier)
    described = row.text("ChargeDescription", "SkuMeter", "ResourceName", "SkuId", "ServiceName") or category
    if model is None:
        model, from_text, tier_in_text = parse_line_item(described)
        if from_text != "other":
            return model, from_text, tier or tier_in_text
        model = row.text("ResourceName", "SkuId", "ServiceName") or described
    if own_type:
        return str(model), usage_type_of(own_type), tier
    meter = slug(row.text("SkuMeter") or described)
    return str(model), next((ours for word, ours in _WORDS if word in meter), meter), tier


def _details(row: Row) -> dict[str, Any]:
    text = row.text("SkuPriceDetails")
    if text is None:
        return {}
    try:
        details = json.loads(text)
    except ValueError:
        row.refuse("SkuPriceDetails is no JSON object")
    return details if isinstance(details, dict) else row.refuse("SkuPriceDetails is no JSON object")


def _units(row: Row) -> Decimal | None:
    for quantity, unit in (("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit")):
        value = row.number(quantity)
        if value is not None:
            return value * unit_factor(row.text(unit))
    return None
