"""How providers name types of usage and service tiers, in our words."""

import re

USAGE_TYPES = {
    "input": "input", "input_tokens": "input", "uncached_input_tokens": "input", "input_no_cache": "input",
    "prompt_tokens": "input",
    "cached_input": "cached_input", "cached_input_tokens": "cached_input", "input_cache_read": "cached_input",
    "cache_read_input_tokens": "cached_input", "input_cached_tokens": "cached_input",
    "input_cache_write": "cache_write", "input_cache_write_5m": "cache_write", "input_cache_write_1h": "cache_write",
    "cache_write": "cache_write", "cache_write_1h": "cache_write", "cache_write_tokens": "cache_write",
    "cache_creation_ephemeral_5m_input_tokens": "cache_write",
    "cache_creation_ephemeral_1h_input_tokens": "cache_write", "cache_creation_input_tokens": "cache_write",
    "output": "output", "output_tokens": "output", "reasoning": "output", "completion_tokens": "output",
}  # fmt: skip
TIERS = ("batch", "priority", "flex", "fast")


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def usage_type_of(text: str, modality: str | None = None) -> str:
    """Our type for a provider's word such as `cached input` or `input_cache_write_5m`; one we do not know is its own.

    Reasoning is billed as output, and writes to a cache are one type, however long they are kept.
    """
    name = slug(text)
    found = USAGE_TYPES.get(name, name)
    if modality in (None, "text") or found not in ("input", "cached_input", "output"):
        return found
    return f"cached_{modality}_input" if found == "cached_input" else f"{modality}_{found}"


def tier_of(*texts: str | None) -> str:
    """The service tier that one of the texts names; standard where none does."""
    words = slug(" ".join(text for text in texts if text)).split("_")
    return next((tier for tier in TIERS if tier in words), "standard")


def unit_factor(text: str | None) -> int:
    """How many there are in a unit such as `1K tokens` or `Million tokens`."""
    words = slug(text or "").split("_")
    joined = "".join(words)
    for name, factor in (("million", 1_000_000), ("thousand", 1_000), ("1000000", 1_000_000), ("1000", 1_000)):
        if name in joined:
            return factor
    if "1m" in words or "m" in words:
        return 1_000_000
    return 1_000 if "1k" in words or "k" in words else 1
