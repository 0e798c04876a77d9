"""One agent's traces of one day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tracemart.standin.prices import PriceBook, Tier, cost_of
from tracemart.standin.rows import Metadata, Observation, PromptRef, PromptVersion, Score, TraceContext
from tracemart.standin.timestamps import HOUR_MS
from tracemart.standin.workloads.anomalies import Effect
from tracemart.standin.workloads.calls import Call, CallMaker
from tracemart.standin.workloads.catalogue import DAYS, EMBEDDING_MODEL, PROJECTS, Agent, User
from tracemart.standin.workloads.judgement import scores_of

_UNATTRIBUTED = 0.025
_STAGING = 0.1
_EMBEDDING_KEYS = ("input", "total")
_SESSION_MS = 2 * HOUR_MS
_WRITTEN_MS = 900


@dataclass(frozen=True)
class DayPlan:
    """How much traffic an agent has on a day; `traces` is an expectation, `effect` what is planted."""

    midnight_ms: int
    date: date
    traces: float
    users: list[User]
    effect: Effect
    end_ms: int


@dataclass(slots=True)
class _Trace:
    """A trace to be made: `draw` are six random numbers of its own."""

    context: TraceContext
    start_ms: int
    steps: int
    draw: NDArray[np.float64]
    names: _Names
    prompt: PromptRef | None


@dataclass
class Made:
    observations: list[Observation] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)


class AgentDay:
    """Makes the days of one agent; what rows share (metadata, tags, prompts) is made once."""

    def __init__(self, agent: Agent, prices: PriceBook, prompts: list[PromptVersion]) -> None:
        self.agent = agent
        self.calls = CallMaker(agent, prices)
        hours = np.array(DAYS[agent.day], dtype=float)
        self._hours = np.cumsum(hours / hours.sum())
        self._steps = np.cumsum(agent.steps)
        self._prompts = [prompt for prompt in prompts if prompt.name == f"{agent.name}/main"]
        self._metadata: dict[tuple[str, str, str], Metadata] = {}
        self._names_traces = next(project.names_traces for project in PROJECTS if project.id == agent.project_id)
        embedding = prices.match(EMBEDDING_MODEL)
        assert embedding is not None
        tier = embedding.default_tier()
        assert tier is not None
        self._embedding: tuple[str, Tier] = (embedding.id, tier)

    @staticmethod
    def observations_per_trace(agent: Agent) -> float:
        steps = sum((count + 1) * share for count, share in enumerate(agent.steps))
        return (agent.root is not None) + steps + 2 * agent.retrieves + agent.tools * (steps - 1)

    def make(self, plan: DayPlan, random: np.random.Generator) -> Made:
        count = self._trace_count(plan, random)
        made = Made()
        if count == 0 or not plan.users:
            return made
        hour = np.searchsorted(self._hours, random.random(count))
        start = plan.midnight_ms + hour * HOUR_MS + (random.random(count) * HOUR_MS).astype(np.int64)
        weights = np.array([user.weight for user in plan.users])
        user = np.searchsorted(np.cumsum(weights / weights.sum()), random.random(count))
        if plan.effect.one_user:
            user[int(count / plan.effect.traffic) :] = 0
        steps = 1 + np.searchsorted(self._steps[:-1], random.random(count), side="right")
        draws = random.random((count, 6))
        calls = self.calls.make(plan.effect, steps, random)
        names = _Names(random.bytes(16 * count), random.bytes(8 * int(steps.sum() * 2 + 4 * count)))
        release = f"{plan.date.isocalendar().year}.{plan.date.isocalendar().week:02d}"
        prompt = self._prompt(plan.midnight_ms)
        for index in range(count):
            person = plan.users[int(user[index])]
            begun = int(start[index])
            context = self._context(names, person, begun, release, draws[index])
            trace = _Trace(context, begun, int(steps[index]), draws[index], names, prompt)
            rows = self._rows(trace, calls)
            made.observations.extend(rows)
            made.scores.extend(scores_of(self.agent, context, rows, random, plan.end_ms))
        return made

    def _trace_count(self, plan: DayPlan, random: np.random.Generator) -> int:
        effect, traces = plan.effect, plan.traces
        if effect.model is not None:
            share = dict(self.agent.models)[effect.model]
            traces *= 1 + share * (effect.traffic - 1)
        else:
            traces *= effect.traffic
        return int(traces + random.random())

    def _prompt(self, midnight_ms: int) -> PromptRef | None:
        known = [prompt for prompt in self._prompts if prompt.created_ms <= midnight_ms]
        return PromptRef(known[-1].id, known[-1].name, known[-1].version) if known else None

    def _context(
        self, names: _Names, person: User, start_ms: int, release: str, draw: NDArray[np.float64]
    ) -> TraceContext:
        agent = self.agent
        attributed = draw[0] >= _UNATTRIBUTED
        feature = agent.features[int(draw[1] * len(agent.features))]
        session = ""
        if agent.sessions:
            session = f"{agent.name}-{person.id.partition('@')[0]}-{start_ms // _SESSION_MS:x}"
        return TraceContext(
            trace_id=names.trace(),
            user_id=person.id if attributed else "",
            session_id=session if attributed else "",
            environment="staging" if draw[2] < _STAGING else "production",
            release=release,
            tags=(agent.name, f"team:{person.team.name}") if attributed else (),
            metadata=self._metadata_of(person, feature) if attributed else _UNATTRIBUTED_METADATA,
        )

    def _metadata_of(self, person: User, feature: str) -> Metadata:
        key = (person.team.department, person.team.name, feature)
        if key not in self._metadata:
            values = {"department": key[0], "team": key[1], "agent": self.agent.name, "feature": feature}
            self._metadata[key] = Metadata.of(dict(values))
        return self._metadata[key]

    def _rows(self, trace: _Trace, calls: Iterator[Call]) -> list[Observation]:
        """The rows of a trace: root, retrieval with its embedding, generations, and tools between them."""
        agent, context, names, draw = self.agent, trace.context, trace.names, trace.draw
        attributed = context.metadata is not _UNATTRIBUTED_METADATA
        root_name = agent.name if attributed else "request"
        trace_name = agent.name if self._names_traces and attributed else None
        root_trace_name = agent.name if attributed else None
        root_id = names.span() if agent.root else None
        rows: list[Observation] = []
        clock = trace.start_ms
        if root_id is not None:
            clock += 2
            rows.append(Observation(context, root_id, None, agent.root or "SPAN", root_name, trace.start_ms, 0, 0,
                                    root_trace_name, is_root=True))  # fmt: skip
        if draw[3] < agent.retrieves:
            rows.extend(self._retrieval(trace, root_id, clock, trace_name))
            clock = max(row.end_ms for row in rows) + 2
        for step in range(trace.steps):
            call = next(calls)
            last = step == trace.steps - 1
            name = "answer" if last else "plan"
            rows.append(_generation(trace, call, root_id=root_id, clock=clock, name=name, trace_name=trace_name))
            clock += call.latency_ms + 3
            if not last and (draw[4] * (step + 1)) % 1 < agent.tools:
                length = 40 + int(draw[5] * 900)
                rows.append(Observation(context, names.span(), root_id, "TOOL", _TOOLS[step % len(_TOOLS)],
                                        clock, clock + length, clock + length + _WRITTEN_MS, trace_name))  # fmt: skip
                clock += length + 2
        first = rows[0]
        first.name, first.trace_name, first.is_root = root_name, root_trace_name, True
        if root_id is not None:
            first.end_ms, first.created_ms = clock, clock + _WRITTEN_MS
            if call.error:
                first.level, first.status_message = "ERROR", "the last step failed"
        return rows

    def _retrieval(
        self, trace: _Trace, root_id: str | None, clock: int, trace_name: str | None
    ) -> tuple[Observation, Observation]:
        names, length = trace.names, 90 + int(trace.draw[5] * 240)
        retriever = Observation(trace.context, names.span(), root_id, "RETRIEVER", "search-documents",
                                clock, clock + length, clock + length + _WRITTEN_MS, trace_name)  # fmt: skip
        units = 12 + int(trace.draw[4] * 60)
        model_id, tier = self._embedding
        cost_keys, cost_values = cost_of(tier, _EMBEDDING_KEYS, (units, units))
        embedding = Observation(
            trace.context, names.span(), retriever.id, "EMBEDDING", "embed-question", clock + 1, clock + 41,
            clock + 41 + _WRITTEN_MS, trace_name, model=EMBEDDING_MODEL, model_id=model_id, tier_id=tier.id,
            tier_name=tier.name, usage_keys=_EMBEDDING_KEYS, usage_values=(units, units),
            cost_keys=cost_keys, cost_values=cost_values,
        )  # fmt: skip
        return retriever, embedding


def _generation(
    trace: _Trace, call: Call, *, root_id: str | None, clock: int, name: str, trace_name: str | None
) -> Observation:
    return Observation(
        trace.context, trace.names.span(), root_id, "GENERATION", name, clock, clock + call.latency_ms,
        clock + call.latency_ms + _WRITTEN_MS, trace_name, "ERROR" if call.error else "DEFAULT", call.error,
        None if call.first_token_ms is None else clock + call.first_token_ms, False,
        call.model.name, call.model_id, call.tier.id if call.tier else None, call.tier.name if call.tier else None,
        call.parameters, call.usage_keys, call.usage_values, call.cost_keys, call.cost_values, trace.prompt,
    )  # fmt: skip


class _Names:
    """Trace and span ids cut from random bytes drawn at once."""

    def __init__(self, traces: bytes, spans: bytes) -> None:
        self._traces, self._spans = traces.hex(), spans.hex()
        self._trace = self._span = 0

    def trace(self) -> str:
        self._trace += 32
        return self._traces[self._trace - 32 : self._trace]

    def span(self) -> str:
        self._span += 16
        return self._spans[self._span - 16 : self._span]


_UNATTRIBUTED_METADATA = Metadata({})
_TOOLS = ("look-up", "run-check", "fetch-record")
