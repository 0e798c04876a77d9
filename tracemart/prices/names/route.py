"""What a model's name says besides the model: who serves it, where, for whom it was tuned."""

import re
from dataclasses import dataclass, replace

from tracemart.prices.names.makers import (
    GATEWAYS,
    HOSTS,
    HUGGING_FACE_PROVIDERS,
    ORGANISATIONS,
    OWN_INTERFACES,
    SAME_AS,
)

_ARN = re.compile(r"arn:aws[a-z-]*:(bedrock|sagemaker):[^:]*:[^:]*:([a-z-]+)/(.+)")
_PUBLISHER = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/([^/]+)/models/(.+)")
_VERTEX_ENDPOINT = re.compile(r"projects/[^/]+/locations/.+|tunedmodels/.+|endpoints/.+")
_FIREWORKS = re.compile(r"accounts/fireworks/(?:models|routers)/(.+)")
_BEDROCK = re.compile(
    r"(?:(us|eu|apac|ap|au|jp|ca|sa|in|me|us-gov|global)\.)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|google|nvidia|moonshotai|moonshot|minimax|zai"
    r"|writer|stability|twelvelabs|luma)\.(.+)"
)
_AWS_REGION = re.compile(r"(us|eu|ap|ca|sa|me|af|il|mx|cn)(-gov)?-[a-z]+-\d")
_ROUTINGS = {"nitro", "floor", "online", "thinking", "beta", "extended", "exacto", "free", "batch"}
_AZURE_ZONES = {"eu", "us"}
_AZURE_PLACES = {"global", "global-standard", "standard"}
# Regions whose prices the catalogue has.
_PRICED_REGIONS = {"us-east-1", "us-east-2", "us-west-2"}
_COMMITMENT = re.compile(r"\d+-month-commitment")


UNTOLD = "untold"
"""A host that the name names, but that we do not know."""


@dataclass(frozen=True)
class Route:
    """A name taken apart; all lower case.

    `host` is who serves by the name, an id of the catalogue where it has it; None: the name does not tell. `region` is
    Bedrock's. `organisation` stands before the model; `model` is the rest, with dates and versions; `full` is what the
    host's own price list may call it. `is_priced` is False where a price list does not apply or cannot be told, and
    of an opaque name nothing can be known at all.
    """

    model: str
    full: str
    host: str | None = None
    organisation: str | None = None
    region: str | None = None
    routing: str | None = None
    is_fine_tuned: bool = False
    is_priced: bool = True
    is_opaque: bool = False


def route_of(name: str) -> Route:
    """The parts of a model's name as sent; of an opaque one (an ARN of a profile, an endpoint) nothing can be known."""
    text = name.strip().lower().removeprefix("~")
    host: str | None = None
    while True:
        first, slash, rest = text.partition("/")
        if slash and first in GATEWAYS:
            text = rest
        elif slash and host is None and first in HOSTS:
            host, text = HOSTS[first], rest
        elif slash and host is None and first in SAME_AS:
            text = f"{SAME_AS[first]}/{rest}"
        elif slash and host is None and first in ("huggingface", "hf"):
            host, text = "huggingface", rest
        else:
            break
    return _special(text, host) or _general(text, host)


def _special(text: str, host: str | None) -> Route | None:
    """Names with a form of their own; None for the others."""
    if host == "aws" or text.startswith("arn:") or (host is None and "/" not in text and _BEDROCK.fullmatch(text)):
        return _bedrock(text)
    if text.startswith(("databricks-", "system.ai.")) or host == "databricks":
        return Route(re.sub(r"^(databricks-|system\.ai\.)", "", text), text, "databricks")
    if text.startswith(("@cf/", "@hf/")):
        organisation, _, model = text[4:].rpartition("/")
        return Route(model, text, "cloudflare", organisation or None)
    return _vertex(text) or _fireworks(text)


def _vertex(text: str) -> Route | None:
    if found := _PUBLISHER.fullmatch(text):
        return _tagged(Route(found[2], found[2], "google", found[1]))
    if text.startswith("models/"):
        return _tagged(Route(text.removeprefix("models/"), text.removeprefix("models/"), "google", "google"))
    return Route(text, text, "google", is_opaque=True) if _VERTEX_ENDPOINT.fullmatch(text) else None


def _fireworks(text: str) -> Route | None:
    """Another account than Fireworks' own holds a team's fine-tuned models."""
    if found := _FIREWORKS.fullmatch(text):
        return Route(found[1], text, "fireworks")
    return Route(text, text, "fireworks", is_opaque=True) if text.startswith("accounts/") else None


def _bedrock(text: str) -> Route:
    is_priced = True
    while (first := text.partition("/"))[1] and not text.startswith("arn:"):
        if _COMMITMENT.fullmatch(first[0]):
            is_priced = False
        elif _AWS_REGION.fullmatch(first[0]):
            is_priced = is_priced and first[0] in _PRICED_REGIONS
        elif first[0] not in ("converse", "invoke", "converse_like"):
            break
        text = first[2]
    if arn := _ARN.fullmatch(text):
        if arn[2] not in ("inference-profile", "foundation-model"):
            return Route(text, text, "aws", is_opaque=True)
        text = arn[3]
    found = _BEDROCK.fullmatch(text)
    if found is None:
        return Route(text, text, "aws", is_opaque="/" in text or ":" in text, is_priced=is_priced)
    model = found[3]
    if found[2] == "deepseek":
        model = f"deepseek-{model.removeprefix('deepseek-')}"
    model, full = (re.sub(r":\d+k$", "", part) for part in (model, text))
    return Route(model, full, "aws", found[2], region=found[1], is_priced=is_priced)


def _general(text: str, host: str | None) -> Route:
    if text.startswith("ft:") or "/ft:" in text:
        return _fine_tuned(text, host)
    is_priced = True
    if host == "azure":
        while (first := text.partition("/"))[1] and first[0] in _AZURE_ZONES | _AZURE_PLACES:
            # Data zones have prices of their own.
            is_priced, text = is_priced and first[0] in _AZURE_PLACES, first[2]
        if found := re.fullmatch(r"(.+?)\.ft-.+", text):
            return Route(found[1], text, host, is_fine_tuned=True)
    if host == "huggingface" and text.partition("/")[0] in HUGGING_FACE_PROVIDERS:
        provider, _, text = text.partition("/")
        host = f"huggingface_{provider}"
    organisation, _, model = text.rpartition("/")
    if host is None and organisation and organisation not in OWN_INTERFACES:
        # Whose weights these are; who serves them, and for how much, the name does not say.
        is_priced = False
    if host is None and re.fullmatch(r"claude-[^@]+@\w+", model):
        host = "google"
    return _tagged(Route(model, text, host, organisation or None, is_priced=is_priced))


def _tagged(route: Route) -> Route:
    """What stands behind the last colon: a way through OpenRouter, a provider of Hugging Face, a tag of Ollama."""
    model, colon, tag = route.model.rpartition(":")
    if not colon or route.host == "ollama":
        return route
    if tag in _ROUTINGS and route.host in (None, "openrouter"):
        return replace(route, model=model, host="openrouter", routing=tag, is_priced=True)
    if route.host in (None, "huggingface") and route.organisation and tag in HUGGING_FACE_PROVIDERS:
        full = route.full.rpartition(":")[0]
        return replace(route, model=model, full=full, host=f"huggingface_{tag}", is_priced=True)
    if tag in ("free", "thinking", "beta"):
        return replace(route, model=model, routing=tag)
    return replace(route, is_priced=False)


def _fine_tuned(text: str, host: str | None) -> Route:
    """OpenAI's `ft:<base>:<organisation>:<name>:<id>`; others write theirs the same way."""
    organisation, _, tuned = text.rpartition("ft:")
    base = tuned.partition(":")[0]
    prefix = organisation.strip("/")
    if host is None and prefix:
        host = None if prefix in ORGANISATIONS else UNTOLD
    return Route(base, f"ft:{base}", host, prefix or None, is_fine_tuned=True)
