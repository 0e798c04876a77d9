"""One spelling for one model: without dates, versions and the marks of those who serve it."""

import re
from collections.abc import Callable

_DAY = re.compile(r"[-@]20\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$")
_MONTH_OF_YEAR = re.compile(r"-(0[1-9]|1[0-2])-20\d{2}$")
_MONTH_AND_DAY = re.compile(r"-(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$")
_YEAR_AND_MONTH = re.compile(r"-2[3-9](0[1-9]|1[0-2])$")
_SHORT_DAY = re.compile(r"-2[3-9](0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$")
_AT_VERSION = re.compile(r"@[\w.-]+$")
_WEIGHTS = re.compile(r"-(fp8|bf16|fp16|nvfp4|mxfp4|fp4|int8|int4|awq|gptq|gguf)(-fast|-dynamic)?$")
_OF_NO_VERSION = re.compile(
    r"(gemini|gpt|kimi|chat|chatgpt|claude|deepseek|glm|grok|pplx|qwen)[a-z-]*-latest|chatgpt-4o-latest"
)

# Of these makers four digits at the end are a date; of the others they are sizes or names.
_MONTH_DAY_MAKERS = {"openai", "xai", "moonshot", "deepseek", "zhipu"}
_YEAR_MONTH_MAKERS = {"mistral"}

# What one model is called besides, where no rule tells.
_ALSO = {
    "gpt-4-1106-preview": "gpt-4-turbo",
    "gpt-4-0125-preview": "gpt-4-turbo",
    "gpt-4-turbo-0125-preview": "gpt-4-turbo",
    "gpt-4-turbo-preview": "gpt-4-turbo",
    "gpt-4-1106-vision-preview": "gpt-4-vision-preview",
    "text-embedding-ada": "text-embedding-ada-002",
    "text-embedding-ada-002-v2": "text-embedding-ada-002",
    "o3-mini-high": "o3-mini",
    "o4-mini-high": "o4-mini",
    "gemini-flash-1.5": "gemini-1.5-flash",
    "gemini-flash-1.5-8b": "gemini-1.5-flash-8b",
    "gemini-pro-1.5": "gemini-1.5-pro",
    "gemini-pro": "gemini-1.0-pro",
    "open-mistral-7b": "mistral-7b",
    "open-mistral-nemo": "mistral-nemo",
    "open-mixtral-8x7b": "mixtral-8x7b",
    "open-mixtral-8x22b": "mixtral-8x22b",
    "llama-3.3-70b-versatile": "llama-3.3-70b-instruct",
    "llama-3.1-70b-versatile": "llama-3.1-70b-instruct",
    "llama-3.1-8b-instant": "llama-3.1-8b-instruct",
    "llama3-70b-8192": "llama-3-70b-instruct",
    "llama3-8b-8192": "llama-3-8b-instruct",
    "mixtral-8x7b-32768": "mixtral-8x7b-instruct",
}


def spelled(model: str, maker: str | None, host: str | None = None) -> str:
    """The model's name without date, version and deployment; running it again changes nothing more."""
    text = model.lower()
    if host == "fireworks":
        text = re.sub(r"(?<=\d)p(?=\d)", ".", re.sub(r"^llama-v(?=\d)", "llama-", text))
    text = re.sub(r"^gpt-35", "gpt-3.5", bare(text)).removesuffix("-maas")
    if host == "together":
        text = re.sub(r"(?<=instruct)-(turbo|lite|reference)$", "", text)
    if maker == "meta":
        text = text.removesuffix("-hf")
    before = None
    while before != text:
        before = text
        text = _undated(_WEIGHTS.sub("", text), maker, host)
    return _rule_of(maker)(_ALSO.get(text, text))


def bare(model: str) -> str:
    """Without the maker's name, where some write it before the model's."""
    return re.sub(r"^(meta-(?=llama)|zai-(?=glm)|labs-(?=devstral))", "", model)


def _undated(text: str, maker: str | None, host: str | None) -> str:
    if text in _ALSO:
        return text
    if not _OF_NO_VERSION.fullmatch(text):
        text = text.removesuffix("-latest")
    text = _DAY.sub("", text)
    text = _AT_VERSION.sub("", text)
    text = _MONTH_OF_YEAR.sub("", text)
    if host == "aws":
        text = _bedrock_undated(text, maker)
    if maker == "amazon":
        text = re.sub(r":\d+$", "", text)
        text = re.sub(r"-v\d+$", "", text) if text.startswith("nova") else text
    if maker == "google":
        text = _google_undated(text)
    if maker in _YEAR_MONTH_MAKERS:
        text = _YEAR_AND_MONTH.sub("", text)
    if maker in _MONTH_DAY_MAKERS:
        text = _MONTH_AND_DAY.sub("", _SHORT_DAY.sub("", text))
    return text


def _bedrock_undated(text: str, maker: str | None) -> str:
    """Without Bedrock's own version, which has a colon but on the oldest: mistral-7b-instruct-v0:2 is no such one."""
    if maker == "mistral":
        return re.sub(r"-v0:(\d)$", r"-v0.\1", re.sub(r"-v[1-9]\d*:\d+$", "", text))
    if maker == "openai":
        return re.sub(r"-\d+:\d+$", "", text)
    if maker in ("amazon", None) or re.match(r"claude-(v\d|instant)|embed-v\d", text):
        return text
    version = r"-v\d+(:\d+)?$" if maker in ("anthropic", "meta") else r"-v\d+:\d+$"
    return re.sub(r":\d+$", "", re.sub(version, "", text))


def _google_undated(text: str) -> str:
    if not re.match(r"gemini-(\d|embedding|live-\d)", text):
        return text
    text = re.sub(r"(preview|exp)(-[a-z-]+)?-(\d{2}-\d{2}|\d{4})$", r"\1\2", text)
    return re.sub(r"^(gemini-\d.*)-00\d$", r"\1", text)


def _claude(text: str) -> str:
    """claude-3-5-sonnet, claude-sonnet-4-5, claude-2.1: as Anthropic writes them."""
    if found := re.fullmatch(r"claude-(instant-)?v?([12])(?:[.:](\d))?", text):
        return f"claude-{found[1] or ''}{found[2]}{f'.{found[3]}' if found[3] and found[3] != '0' else ''}"
    text = re.sub(r"-v\d+(:\d+)?$", "", text)
    found = re.fullmatch(r"claude-(\d)(?:[.-](\d{1,2}))?-([a-z]+)(.*)", text)
    if found:
        major, minor, size, rest = found.groups()
    elif found := re.fullmatch(r"claude-([a-z]+)-(\d)(?:[.-](\d{1,2}))?(?![\d])(.*)", text):
        size, major, minor, rest = found.groups()
    else:
        return text
    version = major if minor in (None, "0") else f"{major}-{minor}"
    return f"claude-{version}-{size}{rest}" if int(major) <= 3 else f"claude-{size}-{version}{rest}"


def _grok(text: str) -> str:
    return re.sub(r"^(grok-3(-fast|-mini|-mini-fast)?)-beta$", r"\1", text)


def _gpt(text: str) -> str:
    """gpt-5.1-chat, as OpenAI writes it, also where gpt-5-1-chat is written."""
    return re.sub(r"^gpt-(\d)-(\d)(?=-|$)", r"gpt-\1.\2", text)


def _llama(text: str) -> str:
    """llama-3.1-8b-instruct, as Meta writes it, also where Bedrock writes llama3-1-8b-instruct."""
    return re.sub(r"^llama-(\d)[-_](\d)(?=-)", r"llama-\1.\2", re.sub(r"^llama-?v?(?=\d)", "llama-", text))


def _rule_of(maker: str | None) -> Callable[[str], str]:
    return {"anthropic": _claude, "openai": _gpt, "meta": _llama, "xai": _grok}.get(maker or "", str)


def key(text: str) -> str:
    """The same for all ways to write one name: 3.1 and 3-1, llama3 and llama-3."""
    hyphened = re.sub(r"[._\s@:/]+", "-", text.lower())
    return re.sub(r"-+", "-", re.sub(r"(?<=[a-z])(?=\d)", "-", hyphened)).strip("-")
