"""Model names as they are sent, and what they mean."""

from tracemart.prices.names.matching import ModelName, match_name
from tracemart.prices.names.step import match_new_models

__all__ = ["ModelName", "match_name", "match_new_models"]
