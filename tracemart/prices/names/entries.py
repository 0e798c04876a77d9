"""The catalogue's entry that a name surely means, and how the catalogue spells its models."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tracemart.prices.catalogue import price_ref, providers
from tracemart.prices.names.makers import HOSTS, ORGANISATIONS, maker_of, price_list_of
from tracemart.prices.names.route import Route, route_of
from tracemart.prices.names.spelling import bare, key, spelled

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

# What may follow the part of a name that an entry tells, and still be the same model at the same price.
_REST = re.compile(
    r"([-@:]("
    r"\d{3}|\d{4}|\d{6}|\d{8}|\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{2}-\d{4}"
    r"|latest|preview|exp|experimental|customtools|default|v\d+(:\d+)?|\d"
    r"))*"
)
_OF_MANY_MAKERS = {"cloudflare", "groq", "novita", "openrouter", "together"}
# Makers whose models cost the same wherever the catalogue falls back on them; those of others do not on Azure.
_SAME_ELSEWHERE = {"openai", "anthropic"}
_COMPACT_DAY = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")


@dataclass(frozen=True)
class _Part:
    """A text that an entry's names begin with or contain, and the clause that must hold of the whole name."""

    text: str
    at_start: bool
    entry: "ModelInfo"


@dataclass(frozen=True)
class _PriceList:
    provider: "Provider"
    exact: dict[str, "ModelInfo"]
    by_key: dict[str, "ModelInfo"]
    parts: tuple[_Part, ...]
    patterns: tuple[tuple[str, "ModelInfo"], ...]


def entry_of(provider_id: str, *forms: str, is_whole: bool = False) -> str | None:
    """The price_ref of the entry that one of these forms of a name means, the first that is certain; else None.

    Lists that a provider falls back on, such as OpenAI's for Azure, are asked after its own. With `is_whole` an entry
    has to tell a form from its beginning on.
    """
    for form in forms:
        for found in (form, _COMPACT_DAY.sub(r"-\1-\2-\3", form)):
            for price_list in _lists_of(provider_id):
                entry = _find(price_list, found, is_whole)
                if entry is not None:
                    return price_ref(price_list.provider, entry)
    return None


@cache
def _lists_of(provider_id: str) -> "tuple[_PriceList, ...]":
    by_id = {provider.id: provider for provider in providers()}
    provider = by_id.get(provider_id)
    if provider is None:
        return ()
    fallbacks = [other for other in provider.fallback_model_providers or () if other in _SAME_ELSEWHERE]
    return tuple(_price_list(one) for one in [provider, *(by_id[other] for other in fallbacks)])


def _price_list(provider: "Provider") -> _PriceList:
    exact: dict[str, ModelInfo] = {}
    parts: list[_Part] = []
    patterns: list[tuple[str, ModelInfo]] = []
    for entry in provider.models:
        _collect(entry.match, entry, exact, parts, patterns)
    for entry in provider.models:
        exact.setdefault(entry.id.lower(), entry)
    longest_first = sorted(parts, key=lambda part: -len(part.text))
    return _PriceList(provider, exact, _by_key(exact), tuple(longest_first), tuple(patterns))


def _by_key(exact: "dict[str, ModelInfo]") -> "dict[str, ModelInfo]":
    """Names however they are hyphened, but for those that then would mean two entries."""
    found: dict[str, ModelInfo] = {}
    doubtful = set()
    for name, entry in exact.items():
        if found.setdefault(key(name), entry) is not entry:
            doubtful.add(key(name))
    return {one: entry for one, entry in found.items() if one not in doubtful}


def _collect(
    clause: object,
    entry: "ModelInfo",
    exact: "dict[str, ModelInfo]",
    parts: list[_Part],
    patterns: "list[tuple[str, ModelInfo]]",
) -> None:
    from genai_prices import types

    match clause:
        case types.ClauseEquals():
            exact.setdefault(clause.equals.lower(), entry)
        case types.ClauseStartsWith():
            parts.append(_Part(clause.starts_with.lower(), True, entry))
        case types.ClauseContains():
            parts.append(_Part(clause.contains.lower(), False, entry))
        case types.ClauseRegex() if clause.regex.startswith("^") and clause.regex.endswith("$"):
            patterns.append((clause.regex, entry))
        case types.ClauseOr():
            for one in clause.or_:
                _collect(one, entry, exact, parts, patterns)
        case types.ClauseAnd():
            # Of what must hold together one part names the model; _find asks the whole.
            for one in clause.and_:
                if isinstance(one, types.ClauseStartsWith | types.ClauseContains):
                    _collect(one, entry, exact, parts, patterns)
        case _:
            pass  # an open pattern, which may match more than one model


def _find(price_list: _PriceList, form: str, is_whole: bool) -> "ModelInfo | None":
    exact = price_list.exact.get(form)
    if exact is not None:
        return exact
    for pattern, entry in price_list.patterns:
        if re.search(pattern, form):
            return entry
    for part in price_list.parts:
        if _is_certain(part, form, is_whole) and part.entry.is_match(form):
            return part.entry
    return price_list.by_key.get(key(form))


def _is_certain(part: _Part, form: str, is_whole: bool) -> bool:
    """Whether the form is the part, with nothing before but whose it is and nothing behind but a version of it."""
    before, found, behind = form.partition(part.text)
    if not found or (before and (part.at_start or is_whole or before[-1] not in "./")):
        return False
    if part.text.endswith(".ft-"):
        return True
    # A part may end within a date, as claude-sonnet-4-2025 does.
    if begun := re.search(r"[-@][\d-]*$", part.text):
        return not behind or _REST.fullmatch(begun[0] + behind) is not None
    return _REST.fullmatch(behind) is not None


def organisation_maker(route: Route) -> str | None:
    """Who makes it by the organisation that the name names: the last part of it, where that is one we know."""
    if route.organisation is None:
        return None
    # OpenRouter writes ~ before those whose newest model of a kind is meant.
    name = route.organisation.rpartition("/")[2].removeprefix("~")
    return ORGANISATIONS.get(name) or (name if name in _listed_organisations() else None)


def maker_on(route: Route) -> str | None:
    """Who makes the model: by its organisation, else by its family where no other organisation stands before it."""
    if route.organisation is not None:
        return organisation_maker(route)
    return maker_of(bare(route.model))


@cache
def _listed_organisations() -> frozenset[str]:
    """Those that the catalogue's lists of many makers' models name, but not where they are a host's own name."""
    found = {
        entry.id.lower().removeprefix("@cf/").split("/")[0]
        for provider in providers()
        if provider.id in _OF_MANY_MAKERS or provider.id.startswith("huggingface_")
        for entry in provider.models
        if "/" in entry.id.removeprefix("@cf/")
    }
    return frozenset(name for name in found - {"huggingface", "thebloke", *HOSTS} if not name.startswith("~"))


@cache
def spellings() -> dict[str, str]:
    """{key: how the catalogue spells the model}: as its maker does, else as most others do."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for provider in providers():
        for entry in provider.models:
            prefix = "" if provider.id in ("aws", "cloudflare", "databricks") else f"{provider.id}/"
            route = route_of(f"{prefix}{entry.id}" if route_of(f"{prefix}x").host else entry.id)
            if route.is_fine_tuned or route.is_opaque:
                continue
            maker = maker_on(route)
            text = spelled(route.model, maker, route.host)
            is_own = maker is not None and price_list_of(maker) == provider.id
            found[key(text)][text] += 1000 if is_own else 1
    return {one: min(texts, key=lambda text: (-texts[text], len(text), text)) for one, texts in found.items()}
