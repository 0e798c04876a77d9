"""Our usage types in the terms of genai-prices: what kind of unit each counts.

A call's usage types are disjoint, while a usage key of genai-prices includes all more specific ones (its input_tokens
hold cached tokens and audio). So each type is one set of dimensions, and is priced by the most specific price that
covers it: cached input by the price of input where the catalogue has none of its own.
"""

from collections.abc import Mapping

REQUEST = "request"
"""Not a usage type: what each call costs, whatever it used."""

_TOKENS_IN = {"family": "tokens", "direction": "input"}
_TOKENS_OUT = {"family": "tokens", "direction": "output"}

DIMENSIONS: Mapping[str, Mapping[str, str]] = {
    "input": _TOKENS_IN,
    "cached_input": {**_TOKENS_IN, "token_type": "cache_read"},
    "cache_write": {**_TOKENS_IN, "token_type": "cache_write"},
    "cache_write_1h": {**_TOKENS_IN, "token_type": "cache_write", "cache_ttl": "1h"},
    "audio_input": {**_TOKENS_IN, "modality": "audio"},
    "cached_audio_input": {**_TOKENS_IN, "modality": "audio", "token_type": "cache_read"},
    "image_input": {**_TOKENS_IN, "modality": "image"},
    "cached_image_input": {**_TOKENS_IN, "modality": "image", "token_type": "cache_read"},
    "video_input": {**_TOKENS_IN, "modality": "video"},
    "cached_video_input": {**_TOKENS_IN, "modality": "video", "token_type": "cache_read"},
    "tool_input": {**_TOKENS_IN, "token_type": "tool"},
    "output": _TOKENS_OUT,
    "reasoning": {**_TOKENS_OUT, "token_type": "reasoning"},
    "citation": {**_TOKENS_OUT, "token_type": "citation"},
    "audio_output": {**_TOKENS_OUT, "modality": "audio"},
    "image_output": {**_TOKENS_OUT, "modality": "image"},
    "video_output": {**_TOKENS_OUT, "modality": "video"},
    "input_characters": {"family": "characters", "direction": "input"},
    "input_messages": {"family": "messages", "direction": "input", "modality": "text"},
    "audio_seconds": {"family": "durations", "modality": "audio"},
    "audio_input_seconds": {"family": "durations", "direction": "input", "modality": "audio"},
    "audio_output_seconds": {"family": "durations", "direction": "output", "modality": "audio"},
    "input_pixels": {"family": "pixels", "direction": "input"},
    "document_pages": {"family": "document_pages", "direction": "input"},
    "annotated_document_pages": {"family": "document_pages", "direction": "input", "page_type": "annotated"},
    "rerank_search": {"family": "rerank"},
    "web_search": {"family": "tool_calls", "tool_type": "web_search"},
    "social_search": {"family": "tool_calls", "tool_type": "social_search"},
    "file_search": {"family": "tool_calls", "tool_type": "storage_search"},
    "code_execution": {"family": "tool_calls", "tool_type": "code_execution"},
    REQUEST: {"family": "requests"},
}

TOKEN_TYPES = frozenset(name for name, dimensions in DIMENSIONS.items() if dimensions["family"] == "tokens")
INPUT_TOKEN_TYPES = frozenset(name for name in TOKEN_TYPES if DIMENSIONS[name]["direction"] == "input")
"""What the thresholds of tiered prices count."""


def covers(price: Mapping[str, str], usage: Mapping[str, str]) -> bool:
    """Whether a price for the dimensions `price` is one for usage of the dimensions `usage`, if not its own."""
    return price.items() <= usage.items()
