"""Who and what appears in the made workload: projects, agents, models, departments, teams, users."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tracemart.standin.prices import Model
from tracemart.standin.workloads.sizes import CODE, CONVERSATION, SizeTable

OPENAI = ("input", "output", "input_cached_tokens", "output_reasoning_tokens")
ANTHROPIC = ("input", "output", "cache_read_input_tokens", "cache_creation_input_tokens")
PLAIN = ("input", "output", None, None)


@dataclass(frozen=True)
class ServedModel:
    """A model as a client names it: pace, quality, and the usage keys its provider reports.

    `usage_keys` name input, output, cache reads, and reasoning (OpenAI, Google) or cache writes (Anthropic).
    """

    name: str
    first_token_ms: float
    token_ms: float
    quality: float
    usage_keys: tuple[str | None, ...]
    reasons: bool = False
    tiers: tuple[str, ...] = ()


MODELS = {
    model.name: model
    for model in (
        ServedModel("gpt-5.4", 620, 14, 0.88, OPENAI, reasons=True, tiers=("priority", "flex")),
        ServedModel("gpt-5-mini", 410, 8, 0.80, OPENAI, reasons=True, tiers=("priority", "flex")),
        ServedModel("gpt-4o", 380, 11, 0.78, OPENAI),
        ServedModel("claude-sonnet-5", 690, 15, 0.90, ANTHROPIC),
        ServedModel("claude-haiku-4-5-20251001", 350, 7, 0.79, ANTHROPIC),
        ServedModel("gemini-3.5-flash", 330, 6, 0.81, OPENAI, reasons=True),
        ServedModel("mistral-large-3", 420, 12, 0.77, PLAIN),
        ServedModel("llama-3.3-70b-instruct", 540, 18, 0.72, PLAIN),
    )
}
EMBEDDING_MODEL = "text-embedding-3-small"


@dataclass(frozen=True)
class Team:
    department: str
    name: str
    users: int


TEAMS = (
    Team("customer-support", "tier-1", 16),
    Team("customer-support", "tier-2", 9),
    Team("sales", "enterprise", 10),
    Team("sales", "mid-market", 9),
    Team("marketing", "campaigns", 7),
    Team("engineering", "platform", 11),
    Team("engineering", "product", 13),
    Team("engineering", "reliability", 6),
    Team("finance", "accounts-payable", 8),
    Team("legal", "contracts", 7),
)


@dataclass(frozen=True)
class Agent:
    """An agent: its share of traces, what a trace of it looks like, and who uses it.

    `steps` are the probabilities of 1, 2, 3… generations in a trace; `root` is the type of the root
    observation, None for a lone generation; `day` is one of `DAYS`.
    """

    project_id: str
    name: str
    share: float
    root: str | None
    sizes: SizeTable
    models: tuple[tuple[str, float], ...]
    steps: tuple[float, ...]
    retrieves: float
    tools: float
    teams: tuple[str, ...]
    day: str
    weekend: float
    quality: float
    features: tuple[str, ...]
    sessions: bool = False


@dataclass(frozen=True)
class CatalogueProject:
    id: str
    name: str
    names_traces: bool


PROJECTS = (
    CatalogueProject("support-assistant", "Support Assistant", names_traces=True),
    CatalogueProject("sales-copilot", "Sales Copilot", names_traces=True),
    CatalogueProject("engineering-agents", "Engineering Agents", names_traces=True),
    CatalogueProject("document-intelligence", "Document Intelligence", names_traces=False),
)

# Weight of each hour of the day, UTC.
DAYS = {
    "office": (1, 1, 1, 1, 1, 2, 5, 12, 26, 38, 42, 40, 30, 36, 42, 41, 36, 24, 12, 7, 5, 3, 2, 1),
    "round-the-clock": (7, 6, 5, 5, 6, 8, 12, 18, 25, 29, 31, 30, 27, 29, 31, 31, 29, 26, 23, 21, 18, 15, 12, 9),
    "batch": (2, 40, 44, 38, 20, 6, 4, 8, 16, 20, 20, 18, 12, 16, 18, 17, 14, 8, 5, 4, 3, 2, 2, 2),
}

AGENTS = (
    Agent("support-assistant", "answer-bot", 0.17, "AGENT", CONVERSATION,
          (("gpt-5-mini", 0.62), ("claude-haiku-4-5-20251001", 0.38)), (0.66, 0.25, 0.09), 0.45, 0.5,
          ("tier-1", "tier-2"), "round-the-clock", 0.55, 0.02, ("order-status", "how-to", "warranty"), sessions=True),
    Agent("support-assistant", "ticket-triage", 0.12, None, CONVERSATION,
          (("gpt-4o", 0.55), ("gemini-3.5-flash", 0.45)), (1.0,), 0, 0,
          ("tier-1",), "round-the-clock", 0.5, 0.04, ("routing", "priority")),
    Agent("support-assistant", "refund-agent", 0.07, "AGENT", CONVERSATION,
          (("claude-haiku-4-5-20251001", 0.6), ("mistral-large-3", 0.4)), (0.3, 0.4, 0.3), 0.0, 0.9,
          ("tier-2",), "office", 0.3, -0.03, ("refunds",), sessions=True),
    Agent("sales-copilot", "email-drafter", 0.11, "SPAN", CONVERSATION,
          (("claude-sonnet-5", 0.5), ("gpt-5-mini", 0.5)), (0.85, 0.15), 0.1, 0.0,
          ("enterprise", "mid-market", "campaigns"), "office", 0.28, 0.03, ("outreach", "follow-up"), sessions=True),
    Agent("sales-copilot", "lead-researcher", 0.08, "AGENT", CONVERSATION,
          (("gemini-3.5-flash", 0.65), ("gpt-5.4", 0.35)), (0.2, 0.35, 0.3, 0.15), 0.3, 0.8,
          ("enterprise", "mid-market"), "office", 0.3, -0.02, ("enrichment",)),
    Agent("sales-copilot", "call-summarizer", 0.07, None, CONVERSATION,
          (("gpt-4o", 0.75), ("llama-3.3-70b-instruct", 0.25)), (1.0,), 0, 0,
          ("enterprise", "mid-market"), "office", 0.26, 0.0, ("call-notes",)),
    Agent("engineering-agents", "code-reviewer", 0.1, "AGENT", CODE,
          (("claude-sonnet-5", 0.6), ("gpt-5.4", 0.4)), (0.35, 0.35, 0.3), 0.2, 0.6,
          ("platform", "product"), "office", 0.3, 0.01, ("pull-request", "security-check")),
    Agent("engineering-agents", "test-writer", 0.06, "AGENT", CODE,
          (("gpt-5.4", 0.5), ("claude-sonnet-5", 0.5)), (0.25, 0.4, 0.35), 0.1, 0.7,
          ("product",), "office", 0.3, -0.02, ("unit-tests",)),
    Agent("engineering-agents", "incident-analyst", 0.05, "AGENT", CONVERSATION,
          (("gpt-5-mini", 0.55), ("claude-haiku-4-5-20251001", 0.45)), (0.2, 0.4, 0.4), 0.4, 0.8,
          ("reliability", "platform"), "round-the-clock", 0.6, -0.01, ("root-cause", "summary")),
    Agent("document-intelligence", "contract-analyst", 0.055, "SPAN", CONVERSATION,
          (("gpt-5.4", 0.55), ("claude-sonnet-5", 0.45)), (0.5, 0.3, 0.2), 0.6, 0.0,
          ("contracts",), "office", 0.26, 0.02, ("clauses", "risks")),
    Agent("document-intelligence", "invoice-reader", 0.07, None, CONVERSATION,
          (("gemini-3.5-flash", 0.6), ("mistral-large-3", 0.4)), (1.0,), 0, 0,
          ("accounts-payable",), "batch", 0.35, 0.05, ("extraction",)),
    Agent("document-intelligence", "policy-search", 0.055, "SPAN", CONVERSATION,
          (("gpt-4o", 0.6), ("llama-3.3-70b-instruct", 0.4)), (0.8, 0.2), 0.6, 0.0,
          ("contracts", "accounts-payable"), "office", 0.28, 0.0, ("question-answering",)),
)  # fmt: skip

_FIRST_NAMES = (
    "amara", "ben", "chloe", "deniz", "elena", "farid", "grace", "hiro", "ines", "jonas", "kemal", "lucia",
    "mateo", "nadia", "omar", "priya", "quinn", "rosa", "sven", "tara", "umut", "vera", "wei", "yusuf",
)  # fmt: skip
_LAST_NAMES = ("keller", "okafor", "silva", "tanaka", "yilmaz")


@dataclass(frozen=True)
class User:
    """A person; `joined` is the share of the workload that has passed when they first appear."""

    id: str
    team: Team
    weight: float
    joined: float


def _users() -> tuple[User, ...]:
    people, number = [], 0
    for team in TEAMS:
        for place in range(team.users):
            name = f"{_FIRST_NAMES[number % 24]}.{_LAST_NAMES[number // 24 % 5]}"
            joined = 0.0 if place < 0.7 * team.users else (place - 0.7 * team.users + 1) / (0.3 * team.users + 1)
            people.append(User(f"{name}@northwind.example", team, 1 / (1 + place) ** 0.6, joined))
            number += 1
    return tuple(people)


USERS = _users()


def custom_models(project_id: str) -> list[Model]:
    """Models that a project priced itself; `llama-3.3-70b-instruct` runs in house and has no price."""
    if not any(name == "mistral-large-3" for agent in AGENTS if agent.project_id == project_id
               for name, _ in agent.models):  # fmt: skip
        return []
    return [priced_model(f"cm-{project_id}-mistral-large-3", "mistral-large-3",
                         {"input": Decimal("0.000002"), "output": Decimal("0.000006")})]  # fmt: skip


def priced_model(model_id: str, name: str, prices: dict[str, Decimal]) -> Model:
    """A project's own model with one tier; prices are US dollars per unit."""
    row: dict[str, Any] = {
        "id": model_id,
        "createdAt": "2026-01-05T09:00:00.000Z",
        "modelName": name,
        "matchPattern": f"(?i)^(mistralai/)?({name})$",
        "unit": "TOKENS",
        "isLangfuseManaged": False,
        "pricingTiers": [
            {
                "id": f"{model_id}_tier_default", "name": "Standard", "isDefault": True, "priority": 0,
                "conditions": [], "prices": {key: float(price) for key, price in prices.items()},
            }
        ],
    }  # fmt: skip
    return Model.from_json(row)
