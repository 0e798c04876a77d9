"""The two CSV exports of OpenAI's usage dashboard: costs (their API's organization/costs) and completions usage.

Costs may come without a line item, when the export was not grouped by it: then nothing is split by model. Line items
look like `gpt-5.5-2026-04-23, cached input`, `priority | gpt-5.6-sol, output, long context`,
`gpt-audio-mini-2025-12-15 audio, input` or `web search tool calls`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from tracemart.reconcile.bills.line import BillLine, Row, decimals_of
from tracemart.reconcile.bills.vocabulary import tier_of, unit_factor, usage_type_of

PROVIDER = "openai"
COST_COLUMNS = ("start_time", "end_time", "amount_value", "amount_currency")
USAGE_COLUMNS = ("start_time", "num_model_requests", "model", "input_tokens")
_LINE_ITEM = re.compile(
    r"(?:(?P<tier>\w+) \| )?(?P<model>[^\s,|]+)(?: (?P<modality>text|audio|image|video))?,"
    r" (?P<kind>[^,]+)(?P<rest>,.*)?"
)
_MODALITIES = ("audio", "image")


def cost_lines(row: Row) -> Iterator[BillLine]:
    start = row.moment("start_time")
    if row.text("amount_value") is None:
        # A day without any cost stands there empty.
        return
    row.expect_dollars("amount_currency")
    end = row.moment("end_time") - timedelta(microseconds=1)
    if (start.year, start.month) != (end.year, end.month) or end < start:
        row.refuse("start_time and end_time lie in different months; export the costs by day")
    cost = row.cost("amount_value")
    item = row.text("line_item")
    model, usage_type, tier = parse_line_item(item) if item else (None, None, None)
    quantity = row.number("quantity")
    yield BillLine(
        usage_date=start.date(),
        line_number=row.line,
        provider=PROVIDER,
        account=row.text("organization_id") or "",
        model=model,
        usage_type=usage_type,
        service_tier=tier,
        units=None if quantity is None else quantity * unit_factor(row.text("quantity_unit")),
        cost_usd=cost,
        cost_decimals=decimals_of(cost),
    )


def parse_line_item(text: str) -> tuple[str, str, str]:
    """Model, usage type and service tier; what names no model is its own model and type `other`."""
    found = _LINE_ITEM.fullmatch(text.strip())
    if found is None:
        return text.strip(), "other", "standard"
    kind = re.sub(r"^(batch|priority|flex) ", "", found["kind"].strip().lower())
    return found["model"], usage_type_of(kind, found["modality"]), tier_of(found["tier"], found["kind"], found["rest"])


def usage_lines(row: Row) -> Iterator[BillLine]:
    requests = row.number("num_model_requests")
    if not requests:
        return
    cached = row.units("input_cached_tokens")
    units = {"cached_input": cached, "input": row.units("input_tokens") - cached, "output": row.units("output_tokens")}
    for modality in _MODALITIES:
        cached_here = row.units(f"input_cached_{modality}_tokens")
        fresh, made = row.units(f"input_{modality}_tokens") - cached_here, row.units(f"output_{modality}_tokens")
        units |= {f"{modality}_input": fresh, f"cached_{modality}_input": cached_here, f"{modality}_output": made}
        units["input"] -= fresh
        units["cached_input"] -= cached_here
        units["output"] -= made
    below = [usage_type for usage_type, amount in units.items() if amount < 0]
    if below:
        row.refuse(f"its parts are more than its {below[0]} tokens")
    for usage_type, amount in units.items():
        if amount:
            yield BillLine(
                usage_date=row.day("start_time"),
                line_number=row.line,
                provider=PROVIDER,
                account=row.text("organization_id") or "",
                model=row.text("model") or row.refuse("model is empty; group the export by model"),
                usage_type=usage_type,
                service_tier=tier_of(
                    "batch" if row.text("batch") in ("true", "True") else None, row.text("service_tier")
                ),
                units=Decimal(amount),
                requests=int(requests),
            )
