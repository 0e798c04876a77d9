"""Great Expectations on what arrived and on what is about to be published."""

from tracemart.validate.results import Check, ValidationResult
from tracemart.validate.validation import validate_marts, validate_raw

__all__ = ["Check", "ValidationResult", "validate_marts", "validate_raw"]
