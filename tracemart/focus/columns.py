"""The columns of FOCUS 1.2's dataset CostAndUsage by name, then our own, which begin with x_.

Source: https://focus.finops.org/focus-specification/v1-2/. What traces cannot know (regions, invoices, capacity) is
there and empty.
"""

from enum import Enum

DECIMALS = 18


class Kind(Enum):
    TEXT = "text"
    DECIMAL = "decimal"
    TIME = "time"
    JSON = "json"


_TIMES = {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}
_DECIMALS = {
    "BilledCost", "CommitmentDiscountQuantity", "ConsumedQuantity", "ContractedCost", "ContractedUnitPrice",
    "EffectiveCost", "ListCost", "ListUnitPrice", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice", "PricingQuantity",
}  # fmt: skip
_JSON = {"SkuPriceDetails", "Tags"}

NAMES = (
    "AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType",
    "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "CapacityReservationId", "CapacityReservationStatus",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit",
    "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost",
    "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice", "PricingQuantity", "PricingUnit", "ProviderName",
    "PublisherName", "RegionId", "RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory",
    "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "SubAccountId",
    "SubAccountName", "SubAccountType", "Tags", "x_CostBasis", "x_PriceSource", "x_UsageType",
)  # fmt: skip


def _kind(name: str) -> Kind:
    if name in _TIMES:
        return Kind.TIME
    if name in _DECIMALS:
        return Kind.DECIMAL
    return Kind.JSON if name in _JSON else Kind.TEXT


COLUMNS = {name: _kind(name) for name in NAMES}
"""Kind by name, in the order of the files. Money is US dollars; decimals have at most DECIMALS places."""
