"""The two CSV exports of Anthropic's console: Cost, which has money and no units, and Usage, which has units alone.

Columns as exported in 2026; older exports lack list_price_usd, inference_geo, speed and what follows.
"""

from collections.abc import Iterator

from tracemart.reconcile.bills.line import BillLine, Row, decimals_of
from tracemart.reconcile.bills.vocabulary import tier_of, usage_type_of

PROVIDER = "anthropic"
COST_COLUMNS = ("usage_date_utc", "model", "token_type", "cost_usd")
USAGE_COLUMNS = ("usage_date_utc", "model_version", "usage_input_tokens_no_cache", "usage_output_tokens")
_UNITS = {
    "usage_input_tokens_no_cache": "input",
    "usage_input_tokens_cache_write": "cache_write",
    "usage_input_tokens_cache_write_5m": "cache_write",
    "usage_input_tokens_cache_write_1h": "cache_write",
    "usage_input_tokens_cache_read": "cached_input",
    "usage_output_tokens": "output",
    "web_search_count": "web_search",
}


def cost_lines(row: Row) -> Iterator[BillLine]:
    cost = row.cost("cost_usd")
    kind = row.text("token_type") or row.text("cost_type", "usage_type") or "other"
    # What is no model's, such as web searches, stands under its own name.
    yield BillLine(
        usage_date=row.day("usage_date_utc"),
        line_number=row.line,
        provider=PROVIDER,
        model=row.text("model") or kind,
        usage_type=usage_type_of(kind),
        service_tier=tier_of(row.text("usage_type"), row.text("speed")),
        cost_usd=cost,
        cost_decimals=decimals_of(cost),
    )


def usage_lines(row: Row) -> Iterator[BillLine]:
    for column, usage_type in _UNITS.items():
        units = row.units(column)
        if units:
            yield BillLine(
                usage_date=row.day("usage_date_utc"),
                line_number=row.line,
                provider=PROVIDER,
                model=row.required("model_version"),
                usage_type=usage_type,
                service_tier=tier_of(row.text("usage_type"), row.text("speed")),
                units=units,
            )
