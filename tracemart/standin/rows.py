"""The rows that the stand-in keeps: compact, because a workload has hundreds of thousands of them.

What all observations of a trace share stands once, in a `TraceContext`; names, models and usage keys are
shared objects. Money is an integer of 1e-12 US dollars ("pico-dollars"), Langfuse's `Decimal(18,12)`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal

PICO = 10**12

OBSERVATION_TYPES = (
    "GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL",
)  # fmt: skip
LEVELS = ("DEBUG", "DEFAULT", "WARNING", "ERROR")
NO_KEYS: tuple[str, ...] = ()
NO_VALUES: tuple[int, ...] = ()


def dollars(pico: int) -> Decimal:
    """Exact US dollars of an amount in pico-dollars."""
    return Decimal(pico).scaleb(-12)


class Metadata:
    """Metadata as Langfuse stores it, each value a string, and the two ways it is answered.

    SDK 5 sends every value JSON-encoded, so the stored form of `sales` is `"sales"` with its quotes; an
    answer decodes what parses. Values are cut at 200 characters of the stored form, before decoding.
    """

    __slots__ = ("_cut", "_whole", "stored")

    def __init__(self, stored: dict[str, str]) -> None:
        self.stored = stored
        self._cut: dict[str, object] | None = None
        self._whole: dict[str, object] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Metadata) and self.stored == other.stored

    def __hash__(self) -> int:
        return hash(frozenset(self.stored.items()))

    @classmethod
    def of(cls, values: dict[str, object]) -> Metadata:
        return cls({key: encode(value) for key, value in values.items()})

    def cut(self) -> dict[str, object]:
        if self._cut is None:
            self._cut = {key: _decode(value[:200]) for key, value in self.stored.items()}
        return self._cut

    def whole(self) -> dict[str, object]:
        if self._whole is None:
            self._whole = {key: _decode(value) for key, value in self.stored.items()}
        return self._whole


def encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _decode(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


NO_METADATA = Metadata({})


@dataclass(slots=True)
class TraceContext:
    """What every observation of a trace carries; missing text is "" as in Langfuse's columns."""

    trace_id: str
    user_id: str = ""
    session_id: str = ""
    environment: str = "default"
    release: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    metadata: Metadata = NO_METADATA


@dataclass(slots=True, frozen=True)
class PromptRef:
    id: str
    name: str
    version: int


@dataclass(slots=True)
class Observation:
    """One version of one observation. `usage_values` are units, `cost_values` pico-dollars."""

    context: TraceContext
    id: str
    parent_id: str | None
    type: str
    name: str
    start_ms: int
    end_ms: int
    created_ms: int
    trace_name: str | None = None
    level: str = "DEFAULT"
    status_message: str = ""
    completion_ms: int | None = None
    is_root: bool = False
    model: str = ""
    model_id: str = ""
    tier_id: str | None = None
    tier_name: str | None = None
    parameters: dict[str, object] = field(default_factory=dict)
    usage_keys: tuple[str, ...] = NO_KEYS
    usage_values: tuple[int, ...] = NO_VALUES
    cost_keys: tuple[str, ...] = NO_KEYS
    cost_values: tuple[int, ...] = NO_VALUES
    prompt: PromptRef | None = None
    input: str | None = None
    output: str | None = None

    def usage(self) -> dict[str, int]:
        return dict(zip(self.usage_keys, self.usage_values, strict=True))

    def cost(self) -> dict[str, int]:
        return dict(zip(self.cost_keys, self.cost_values, strict=True))

    def is_call(self) -> bool:
        """An LLM call as Tracemart counts it: a model, usage or cost, whatever its type."""
        return bool(self.model or self.usage_keys or self.cost_keys)


@dataclass(slots=True)
class PropagatedObservation(Observation):
    """An observation of the events table that was copied from the v3 tables; without an end it ends at its start."""

    updated_ms: int = 0
    has_end: bool = True


@dataclass(slots=True)
class Score:
    """A score; `value` is a number for NUMERIC, 0 or 1 for BOOLEAN, else text. One subject is set."""

    id: str
    name: str
    timestamp_ms: int
    created_ms: int
    updated_ms: int
    data_type: str
    value: float | int | str
    source: str = "API"
    environment: str = "default"
    trace_id: str | None = None
    observation_id: str | None = None
    session_id: str | None = None
    run_id: str | None = None
    comment: str | None = None
    config_id: str | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    author_user_id: str | None = None
    queue_id: str | None = None


@dataclass(slots=True)
class PromptVersion:
    id: str
    name: str
    version: int
    type: str
    prompt: object
    created_ms: int
    updated_ms: int
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    config: dict[str, object] = field(default_factory=dict)
