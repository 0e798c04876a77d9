"""What the rows of a synthetic trace look like: five of them, two of which are calls, in a few hundred variants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tracemart.standin.prices import Model, PriceBook, cost_of
from tracemart.standin.rows import NO_KEYS, NO_VALUES, Metadata, Observation, PromptRef, PromptVersion, TraceContext

ROWS_PER_TRACE = 5
# Primes, so that calls and attributes do not keep step with each other.
CALL_VARIANTS = 211
ATTRIBUTE_VARIANTS = 13

_MODELS = (
    ("gpt-5-mini", ("input", "output", "input_cached_tokens")),
    ("claude-haiku-4-5-20251001", ("input", "output", "cache_read_input_tokens")),
    ("gpt-4o", ("input", "output", "input_cached_tokens")),
    ("claude-sonnet-5", ("input", "output", "cache_read_input_tokens")),
    ("mistral-large-3", ("input", "output", "input_cached_tokens")),
)
_DEPARTMENTS = ("customer-support", "sales", "engineering", "finance", "legal")
_WRITTEN_MS = 900
_ERROR_EVERY = 31
PROMPT = PromptVersion(
    "5b0d3f0e-2b53-4a0f-8b4f-6f0a7a1b9c55", "answer-bot/main", 1, "text", "Help with {{feature}}.", 0, 0,
    ("production",),
)  # fmt: skip
_PROMPT = PromptRef(PROMPT.id, PROMPT.name, PROMPT.version)


@dataclass(frozen=True)
class Ids:
    """The texts by which one row differs from others of its shape."""

    trace: str
    row: str
    root: str
    user: str
    session: str


@dataclass(frozen=True)
class _Call:
    name: str
    model: Model | None
    usage_keys: tuple[str, ...]
    usage_values: tuple[int, ...]
    cost_keys: tuple[str, ...]
    cost_values: tuple[int, ...]
    latency_ms: int
    first_token_ms: int | None
    error: str


@cache
def _calls() -> tuple[_Call, ...]:
    prices = PriceBook()
    made = []
    for variant in range(CALL_VARIANTS):
        name, keys = _MODELS[variant % len(_MODELS)]
        model = prices.match(name)
        failed = variant % _ERROR_EVERY == _ERROR_EVERY - 1
        prompt, answer = 180 + variant * 7919 % 6000, 1 if failed else 20 + variant * 104_729 % 900
        cached = prompt // 3 // 128 * 128 if variant % 3 == 0 else 0
        usage = {keys[0]: prompt - cached, keys[1]: answer} | ({keys[2]: cached} if cached else {})
        usage["total"] = prompt + answer
        usage_keys, usage_values = tuple(usage), tuple(usage.values())
        tier = model.default_tier() if model else None
        cost_keys, cost_values = cost_of(tier, usage_keys, usage_values) if tier else (NO_KEYS, NO_VALUES)
        first = 250 + variant * 13 % 700
        made.append(_Call(name, model, usage_keys, usage_values, cost_keys, cost_values, first + answer * 9, first,
                          "APITimeoutError: Request timed out." if failed else ""))  # fmt: skip
    return tuple(made)


@cache
def _attributes(variant: int) -> tuple[Metadata, tuple[str, ...]]:
    department = _DEPARTMENTS[variant % len(_DEPARTMENTS)]
    team, feature = f"team-{variant:02d}", f"feature-{variant * 5 % 7}"
    metadata = {"department": department, "team": team, "agent": "answer-bot", "feature": feature}
    return Metadata.of(dict(metadata)), ("answer-bot", f"team:{team}")


def call_of(trace: int, place: int) -> int:
    """The call variant of a trace's row; over `CALL_VARIANTS` traces in a row each place has each of them once."""
    return (trace * 97 + place * 31) % CALL_VARIANTS


def attributes_of(trace: int) -> int:
    return trace % ATTRIBUTE_VARIANTS


def row_of(shape: tuple[int, int, int], ids: Ids, start_ms: int, spread_ms: int) -> Observation:
    """A row of a trace whose rows start at most `spread_ms` apart; `shape` is its place (0 to 4), call, attributes."""
    place, call, attributes = shape
    metadata, tags = _attributes(attributes)
    context = TraceContext(ids.trace, ids.user, ids.session, "production", "2026.47", "", tags, metadata)

    def plain(kind: str, name: str, length_ms: int) -> Observation:
        return Observation(
            context, ids.row, ids.root if place else None, kind, name, start_ms, start_ms + length_ms,
            start_ms + length_ms + _WRITTEN_MS, "answer-bot", is_root=not place,
        )  # fmt: skip

    if place == 0:
        return plain("AGENT", "answer-bot", ROWS_PER_TRACE * spread_ms + 12_000)
    if place == 1:
        return plain("RETRIEVER", "search-documents", 140)
    if place == 3:
        return plain("TOOL", "look-up", 320)
    made = _calls()[call]
    row = plain("GENERATION", "plan" if place == 2 else "answer", made.latency_ms)
    row.level, row.status_message = ("ERROR", made.error) if made.error else ("DEFAULT", "")
    row.completion_ms = None if made.first_token_ms is None else start_ms + made.first_token_ms
    row.model, row.parameters, row.prompt = made.name, {"temperature": 0.2, "max_tokens": 1024}, _PROMPT
    row.usage_keys, row.usage_values = made.usage_keys, made.usage_values
    row.cost_keys, row.cost_values = made.cost_keys, made.cost_values
    if made.model is not None:
        tier = made.model.default_tier()
        row.model_id = made.model.id
        row.tier_id, row.tier_name = (tier.id, tier.name) if tier else (None, None)
    return row
