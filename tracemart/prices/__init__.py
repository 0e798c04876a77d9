"""What calls cost by list: the catalogue genai-prices and the team's own file, and which model a name means."""

from tracemart.prices.names import match_new_models
from tracemart.prices.step import load_prices

__all__ = ["load_prices", "match_new_models"]
