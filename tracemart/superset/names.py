"""Identifiers and labels that are derived from names, so that every import makes the same ones."""

import re
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://tracemart.dev/superset")
WORDS = {
    "usd": "(US$)", "ms": "(ms)", "id": "ID", "p50": "p50", "p95": "p95", "p99": "p99", "1k": "1,000",
    "percent": "(%)", "url": "URL",
}  # fmt: skip
FORMATS = (
    (r"^cost_per_(call|1k_tokens|trace)_usd$", "$,.4f"),
    (r"_usd$", "$,.2f"),
    (r"(_rate|_share|quality|_percentile|coverage_80|coverage_95)$", ".1%"),
    (r"_ms$", "DURATION"),
    (r"(_per_second|_score|mase)$", ",.2f"),
    (r"_tokens$", ".3s"),
)


def asset_uuid(kind: str, name: str) -> str:
    """UUID of the database, dataset, chart or dashboard of that name."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def verbose_name(name: str) -> str:
    """`p95_latency_ms` → `p95 latency (ms)`: the label that readers see for a column."""
    words = [WORDS.get(word, word) for word in name.split("_")]
    label = " ".join(words)
    return label if re.match(r"p\d\d ", label) else label[:1].upper() + label[1:]


def d3_format(name: str) -> str:
    """How readers see a number of that name; the unit is in the name."""
    return next((written for pattern, written in FORMATS if re.search(pattern, name)), ",d")
