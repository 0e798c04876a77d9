"""Faults as they were reported of real integrations, with their own keys and figures."""

from typing import Any

from psycopg.types.json import Jsonb

from tests.integration.build.conftest import observation, root
from tests.integration.court.conftest import SECOND, call

Rows = list[dict[str, Any]]

CHAT = "chatcmpl-9XtcaF1Q0cm8pL2fcOIblCL8cmhVO"


def scope(name: str, **metadata: str) -> Jsonb:
    """Metadata as Langfuse stores it of an OpenTelemetry span."""
    return Jsonb({"scope": {"name": name, "version": "1.0.0"}, **metadata})


def attributes(scope_name: str, **values: str) -> Jsonb:
    return Jsonb({"scope": {"name": scope_name}, "attributes": {key.replace("__", "."): values[key] for key in values}})


# The OpenAI wrapper behind OpenRouter: 35,720 tokens of input where there were 17,903.
OPENROUTER = call(
    "openrouter", "call", 0.1,
    {"input": 17903, "input_cached_tokens": 17817, "output": 411, "total": 18314},
    {"input": "0.017903", "input_cached_tokens": "0.0017817", "output": "0.00411"},
)  # fmt: skip
# A coding agent's plugin: cached tokens beside an input that holds them, and reasoning beside an output that holds it.
CODEX = call(
    "codex", "call", 0.11,
    {
        "input": 117231, "cache_read_input_tokens": 115584, "output": 225, "reasoning_output_tokens": 192,
        "total": 117456,
    },
)  # fmt: skip
# OpenTelemetry's input tokens hold what was read from the cache and written to it.
OTEL_ANTHROPIC = call(
    "otel", "call", 0.12,
    {
        "input": 130213, "cache_read_input_tokens": 128955, "cache_creation_input_tokens": 1253, "output": 800,
        "total": 131013,
    },
    model="acme-chat-2",
)  # fmt: skip
# A gateway that takes off what was read from the cache and forgets what was written to it.
LITELLM_WRITES = call(
    "writes", "call", 0.13,
    {
        "input": 21090, "cache_creation_input_tokens": 21002, "cache_read_input_tokens": 120269, "output": 4156,
        "total": 145515,
    },
    {"input": "0.06327", "cache_creation_input_tokens": "0.0787575", "cache_read_input_tokens": "0.0360807",
     "output": "0.06234"},
    model="acme-chat-2",
)  # fmt: skip
# Reasoning tokens beside an output that holds them.
REASONING = call(
    "reasoning", "call", 0.14, {"input": 22118, "output": 1970, "output_reasoning_tokens": 956, "total": 24088},
    {"input": "0.022118", "output": "0.0197", "output_reasoning_tokens": "0.00956"},
)  # fmt: skip
# Keys whose provider counts the second in the first; the server summed them up.
GEMINI = call(
    "gemini", "call", 0.15,
    {"promptTokenCount": 19588, "cachedContentTokenCount": 18403, "candidatesTokenCount": 69, "total": 38060},
    model="acme-chat-3",
)  # fmt: skip
# Details of what input holds already, summed up with it.
GEMINI_DETAILS = call(
    "details", "call", 0.16, {"input": 1200, "text_prompt_tokens": 1200, "output": 80, "total": 2480},
    model="acme-chat-3",
)  # fmt: skip
CACHED_INSIDE: Rows = [OPENROUTER, CODEX, OTEL_ANTHROPIC, LITELLM_WRITES, REASONING, GEMINI, GEMINI_DETAILS]

# An agent's span carries the sum over its loop: 28,852 tokens of input, 1,542 of output and $0.19052, twice the truth.
AI_SDK: Rows = [
    root("ai-sdk", 0.2),
    call(
        "ai-sdk", "invoke_agent", 0.2, {"input": 14426, "output": 771, "total": 15197},
        {"input": "0.08755", "output": "0.00771"}, type="AGENT", parent_observation_id="ai-sdk-root", seconds=9,
    ),
    observation("ai-sdk", "step 1", 0.2, parent_observation_id="ai-sdk-invoke_agent"),
    call(
        "ai-sdk", "chat 1", 0.2, {"input": 6013, "output": 311, "total": 6324},
        {"input": "0.0364925", "output": "0.00311"}, parent_observation_id="ai-sdk-step 1",
    ),
    observation("ai-sdk", "step 2", 0.2001, parent_observation_id="ai-sdk-invoke_agent"),
    call(
        "ai-sdk", "chat 2", 0.2001, {"input": 8413, "output": 460, "total": 8873},
        {"input": "0.0510575", "output": "0.0046"}, parent_observation_id="ai-sdk-step 2",
    ),
]  # fmt: skip
# A run that delegates: both runs repeat what is below them, the parent without a model of its own.
PYDANTIC_AI: Rows = [
    call("pydantic", "run", 0.21, {"input": 213, "output": 21, "total": 234}, model=None, type="AGENT"),
    call("pydantic", "chat 1", 0.21, {"input": 56, "output": 5, "total": 61}, parent_observation_id="pydantic-run"),
    call("pydantic", "chat 2", 0.21, {"input": 57, "output": 6, "total": 63}, parent_observation_id="pydantic-run"),
    observation("pydantic", "tool", 0.21, type="TOOL", parent_observation_id="pydantic-run"),
    call(
        "pydantic", "delegate", 0.21, {"input": 100, "output": 10, "total": 110}, type="AGENT",
        parent_observation_id="pydantic-tool", model="openai/acme-chat",
    ),
    call(
        "pydantic", "chat 3", 0.21, {"input": 20, "input_cached_tokens": 80, "output": 4, "reasoning_tokens": 6,
        "total": 110}, parent_observation_id="pydantic-delegate",
    ),
]  # fmt: skip
# It tells what its last call used, and is no sum: who knows what it is.
PARTIAL: Rows = [
    call("partial", "invoke_agent", 0.22, {"input": 2569, "output": 99, "total": 2668}, type="AGENT"),
    call("partial", "chat 1", 0.22, {"input": 2239, "output": 192, "total": 2431},
         parent_observation_id="partial-invoke_agent"),
    call("partial", "chat 2", 0.22, {"input": 2569, "output": 99, "total": 2668},
         parent_observation_id="partial-invoke_agent"),
]  # fmt: skip
REPEATED: Rows = [*AI_SDK, *PYDANTIC_AI, *PARTIAL]

# The proxy's callback makes the observation's id of the time and the answer's id; the client's SDK was traced as well.
GATEWAY_AND_SDK: Rows = [
    call(
        "app", "chat", 0.3, {"input": 8, "output": 9, "total": 17}, {"input": "0.00002", "output": "0.00009"},
        metadata=attributes("opentelemetry.instrumentation.openai", gen_ai__response__id=CHAT), seconds=1.2,
    ),
    call(
        "gateway", "litellm", 0.3 + 0.05 * SECOND, {"input": 8, "output": 9, "total": 17}, model="openai/acme-chat",
        seconds=1.1,
    ) | {"id": f"time-07-12-00-050000_{CHAT}"},
]  # fmt: skip
# Two instrumentations of one call in one trace, neither of which tells the answer's id; and again, side by side.
TWO_INSTRUMENTATIONS: Rows = [
    call("adk", f"{name} {number}", 0.31 + number * 0.001 * SECOND, {"input": 500, "output": 60, "total": 560},
         {"input": "0.001", "output": "0.0012"} if name == "litellm" else None,
         model=model, metadata=scope(name), seconds=seconds)
    for number in (1, 2)
    for name, model, seconds in (("litellm", "openai/acme-chat", 3.0), ("gcp.vertex.agent", "acme-chat", 3.1))
]  # fmt: skip
TWICE: Rows = [*GATEWAY_AND_SDK, *TWO_INSTRUMENTATIONS]

REPLAYED: Rows = [
    call("cache", "first", 0.4, {"input": 900, "output": 200, "total": 1100}, {"input": "0.01", "output": "0.02"},
         metadata=Jsonb({"cache_hit": False, "response_id": "msg_011CfDYCkYx7n6jEbjGhECnm"}), seconds=4),
    # The gateway says so, and prices it all the same.
    call("cache", "hit", 0.41, {"input": 900, "output": 200, "total": 1100}, {"input": "0.01", "output": "0.02"},
         metadata=Jsonb({"cache_hit": "True"}), seconds=0.02),
    # Nobody says so, but the answer is the first one's.
    call("cache", "again", 0.42, {"input": 900, "output": 200, "total": 1100}, {"input": "0.01", "output": "0.02"},
         metadata=Jsonb({"response_id": "msg_011CfDYCkYx7n6jEbjGhECnm"}), seconds=0.03),
    # LangChain's own cache.
    call("cache", "langchain", 0.43, {"input": 900, "output": 200, "total": 1100, "total_cost": 0},
         {"input": "0.01", "output": "0.02"}, seconds=0.01),
]  # fmt: skip

FIRST_TOKEN = observation("failed", "stopped", 0.52)["start_time"]
FAILED: Rows = [
    # Refused, and yet tokenised and priced by the server.
    call("failed", "refused", 0.5, {"input": 1800, "total": 1800}, {"input": "0.0045"}, level="ERROR", seconds=0.3),
    # Cut off when the answer had begun: paid.
    call("failed", "cut off", 0.51, {"input": 1800, "output": 1, "total": 1801}, {"input": "0.0045"}, level="ERROR"),
    call("failed", "stopped", 0.52, {"input": 1800, "total": 1800}, {"input": "0.0045"}, level="ERROR",
         completion_start_time=FIRST_TOKEN),
    # Refused without usage: nothing to take away.
    call("failed", "nothing", 0.53, {}, level="ERROR"),
]  # fmt: skip

KNOWN_CASES: Rows = [*CACHED_INSIDE, *REPEATED, *TWICE, *REPLAYED, *FAILED]
