"""The model calls of an agent's day: model, tokens, time, errors, and the cost Langfuse would store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracemart.standin.prices import Model, PriceBook, Tier, cost_of
from tracemart.standin.rows import NO_KEYS, NO_VALUES
from tracemart.standin.workloads.anomalies import Effect
from tracemart.standin.workloads.catalogue import ANTHROPIC, MODELS, Agent, ServedModel

ERROR_RATE = 0.052
_MODEL_CHANGES = 0.08
_SPECIAL_TIER = 0.06
_CACHE_READS = 0.4
_CACHE_WRITES = 0.12
_SMALLEST_CACHE = 128
# What fails, and after how many milliseconds; None: after the prompt was read and paid.
_ERRORS: tuple[tuple[str, int | None], ...] = (
    ("RateLimitError: 429 Too Many Requests", 120),
    ("APITimeoutError: Request timed out.", 30_000),
    ("ServiceUnavailableError: 503 The server is overloaded", 400),
    ("BadRequestError: 400 The response was filtered", None),
)


@dataclass(slots=True)
class Call:
    """One call; times in milliseconds from its start, `error` is "" if it succeeded."""

    model: ServedModel
    model_id: str
    tier: Tier | None
    parameters: dict[str, object]
    usage_keys: tuple[str, ...]
    usage_values: tuple[int, ...]
    cost_keys: tuple[str, ...]
    cost_values: tuple[int, ...]
    latency_ms: int
    first_token_ms: int | None
    error: str


@dataclass(frozen=True)
class _Priced:
    served: ServedModel
    known: Model | None
    standard: Tier | None
    special: dict[str, tuple[Tier | None, dict[str, object]]]


class CallMaker:
    """Makes the calls of one agent; prices are looked up once."""

    def __init__(self, agent: Agent, prices: PriceBook) -> None:
        self.agent = agent
        self._models = [_priced(MODELS[name], prices) for name, _ in agent.models]
        self._shares = np.array([share for _, share in agent.models])
        self._names = [name for name, _ in agent.models]

    def make(self, effect: Effect, steps: NDArray[np.int64], random: np.random.Generator) -> Iterator[Call]:
        """Calls in the order of their traces, `steps[i]` of them for trace i."""
        total = int(steps.sum())
        shares = self._shares.copy()
        if effect.model is not None:
            shares[self._names.index(effect.model)] *= effect.traffic
        limits = np.cumsum(shares / shares.sum())[:-1]
        by_trace = np.repeat(np.searchsorted(limits, random.random(len(steps)), side="right"), steps)
        redrawn = np.searchsorted(limits, random.random(total), side="right")
        model = np.where(random.random(total) < _MODEL_CHANGES, redrawn, by_trace)
        prompt = self.agent.sizes.prompts(random.random(total))
        if effect.prompt_tokens != 1:
            prompt = (prompt * effect.prompt_tokens).astype(np.int64)
        answer = self.agent.sizes.answers(random.random(total))
        uniform = random.random((total, 6))
        pace = np.exp(0.18 * random.standard_normal((total, 2)))
        error_rate = ERROR_RATE if effect.error_rate is None else effect.error_rate
        for index in range(total):
            priced = self._models[int(model[index])]
            draw = uniform[index]
            first = priced.served.first_token_ms * float(pace[index, 0]) + int(prompt[index]) * 0.06
            if draw[0] < error_rate:
                yield _failed(priced, int(prompt[index]), draw, first)
            else:
                length = first + int(answer[index]) * priced.served.token_ms * float(pace[index, 1])
                usage = _usage(priced.served, int(prompt[index]), int(answer[index]), draw)
                yield _call(priced, usage, draw, length, first_ms=int(first))


def _priced(served: ServedModel, prices: PriceBook) -> _Priced:
    known = prices.match(served.name)
    special: dict[str, tuple[Tier | None, dict[str, object]]] = {}
    for name in served.tiers:
        parameters: dict[str, object] = {"temperature": 0.2, "service_tier": name}
        special[name] = (known.tier_for({}, parameters) if known else None, parameters)
    return _Priced(served, known, known.default_tier() if known else None, special)


_PARAMETERS: dict[str, object] = {"temperature": 0.2}


def _tier(priced: _Priced, draw: float) -> tuple[Tier | None, dict[str, object]]:
    if priced.special and draw < _SPECIAL_TIER:
        return list(priced.special.values())[int(draw / _SPECIAL_TIER * len(priced.special))]
    return priced.standard, _PARAMETERS


def _usage(served: ServedModel, prompt: int, answer: int, draw: NDArray[np.float64]) -> dict[str, int]:
    """Units in the provider's keys, each token in one key only; `total` is prompt and answer."""
    input_key, output_key, third, fourth = served.usage_keys
    assert input_key is not None
    assert output_key is not None
    usage = {input_key: prompt, output_key: answer}
    if third is not None and prompt > 4 * _SMALLEST_CACHE and draw[2] < _CACHE_READS:
        cached = int(prompt * (0.3 + 0.5 * draw[3])) // _SMALLEST_CACHE * _SMALLEST_CACHE
        usage[input_key] -= cached
        usage[third] = cached
    elif served.usage_keys is ANTHROPIC and prompt > 4 * _SMALLEST_CACHE and draw[2] > 1 - _CACHE_WRITES:
        written = int(prompt * (0.3 + 0.5 * draw[3]))
        usage[input_key] -= written
        usage["cache_creation_input_tokens"] = written
    if served.reasons and fourth is not None:
        thought = int(answer * (0.15 + 0.4 * draw[4]))
        usage[output_key] -= thought
        usage[fourth] = thought
    usage["total"] = prompt + answer
    return usage


def _failed(priced: _Priced, prompt: int, draw: NDArray[np.float64], first: float) -> Call:
    """Most failures are refused and use nothing; some stop after the prompt was read and paid."""
    error, refused_ms = _ERRORS[int(draw[5] * len(_ERRORS))]
    if refused_ms is not None:
        return _call(priced, {}, draw, refused_ms * (0.8 + 0.4 * float(draw[3])), error=error)
    usage = {"input": prompt, "output": 1, "total": prompt + 1}
    return _call(priced, usage, draw, first + 5, first_ms=int(first), error=error)


def _call(
    priced: _Priced,
    usage: dict[str, int],
    draw: NDArray[np.float64],
    length: float,
    *,
    first_ms: int | None = None,
    error: str = "",
) -> Call:
    tier, parameters = _tier(priced, float(draw[1]))
    keys, values = (_shared(tuple(usage)), tuple(usage.values())) if usage else (NO_KEYS, NO_VALUES)
    cost_keys, cost_values = cost_of(tier, keys, values) if tier and usage else (NO_KEYS, NO_VALUES)
    return Call(
        priced.served, priced.known.id if priced.known else "", tier if usage else None, parameters, keys, values,
        _shared(cost_keys), cost_values, int(length), first_ms, error,
    )  # fmt: skip


_KEYS: dict[tuple[str, ...], tuple[str, ...]] = {}


def _shared(keys: tuple[str, ...]) -> tuple[str, ...]:
    return _KEYS.setdefault(keys, keys)
