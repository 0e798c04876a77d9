"""Which model a name means, who makes and serves it, and which entry of the catalogue prices it.

Where a name leaves doubt it stays itself, without a maker or a price: a wrong match would be worse than none.
"""

from dataclasses import dataclass

from tracemart.prices.names.entries import entry_of, maker_on, spellings
from tracemart.prices.names.makers import UNKNOWN, maker_of, price_list_of
from tracemart.prices.names.route import UNTOLD, Route, route_of
from tracemart.prices.names.spelling import key, spelled


@dataclass(frozen=True)
class ModelName:
    """A name as sent, and what it means; `price_ref` is None where no entry is certain."""

    model: str
    canonical_model: str
    provider: str
    served_by: str
    price_ref: str | None
    matched_by: str


def match_name(model: str) -> ModelName:
    """What the name means by its own words and the catalogue's; never raises."""
    route = route_of(model)
    if route.is_opaque:
        return ModelName(model, model, UNKNOWN, route.host or UNKNOWN, None, "nothing")
    maker = maker_on(route)
    text = spelled(route.model, maker, route.host)
    listed = spellings().get(key(text))
    if maker is None and listed is not None and route.organisation is None:
        maker = maker_of(listed)
    price = _price_of(route, maker)
    if maker is None and price is None:
        return ModelName(model, model, UNKNOWN, _server(route, UNKNOWN), None, "nothing")
    canonical = listed or text
    matched_by = "entry" if price else "spelling" if listed else "family"
    return ModelName(model, canonical, maker or UNKNOWN, _server(route, maker or UNKNOWN), price, matched_by)


def _server(route: Route, maker: str) -> str:
    """The host, or the maker where a name without one is of the maker's own interface."""
    if route.host is None:
        return maker if route.is_priced else UNKNOWN
    return UNKNOWN if route.host == UNTOLD else route.host


def _price_of(route: Route, maker: str | None) -> str | None:
    if not route.is_priced or route.host == UNTOLD:
        return None
    if route.host is None:
        # The weights of gpt-oss are open: OpenAI serves them to nobody.
        if maker is None or route.model.startswith(("gpt-oss", "gemma")):
            return None
        return entry_of(price_list_of(maker), *_forms(route, route.model, route.full))
    return entry_of(route.host, *_host_forms(route), is_whole=_is_elsewhere(route))


def _is_elsewhere(route: Route) -> bool:
    """Whether prices differ from those that an entry without a region tells; Anthropic's do not."""
    return route.region not in (None, "us") and route.organisation != "anthropic"


def _forms(route: Route, *forms: str) -> list[str]:
    """The forms, each also as OpenAI's names are written outside of Azure; a fine-tuned model is no other model."""
    if route.is_fine_tuned:
        return [route.full]
    return [*forms, *(form.replace("gpt-35-", "gpt-3.5-") for form in forms if "gpt-35-" in form)]


def _host_forms(route: Route) -> list[str]:
    """How the host's own list may name the model, the most telling first."""
    full = route.full
    if route.host in ("azure", "google"):
        return _forms(route, full, route.model)
    if route.host == "openrouter":
        # Other ways than these have prices of their own, or may have.
        return [full, *([full.rpartition(":")[0]] if route.routing in ("thinking", "online", "beta") else [])]
    if route.host == "aws":
        return [full, *([full.removeprefix("us.")] if route.region == "us" else [])]
    prefix = _LIST_PREFIXES.get(route.host or "")
    return [full, f"{prefix}{route.model}"] if prefix else [full, route.model]


# What a host's own list puts before all its models.
_LIST_PREFIXES = {
    "fireworks": "accounts/fireworks/models/",
    "databricks": "databricks-",
    "perplexity": "perplexity/",
}
