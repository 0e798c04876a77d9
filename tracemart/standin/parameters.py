"""Reading query parameters as the server's schemas do, complaints included.

Each reader adds to `issues` what it finds wrong and answers a harmless value; the endpoint raises all of
them together with `raise_if_any`.
"""

from __future__ import annotations

from starlette.datastructures import QueryParams

from tracemart.standin.problems import (
    Issue,
    invalid,
    not_a_date,
    not_a_number,
    not_an_option,
    not_iso,
    too_big,
    too_small,
)
from tracemart.standin.timestamps import parse_lenient, parse_zoned


def raise_if_any(issues: list[Issue]) -> None:
    if issues:
        raise invalid(*issues)


def number(text: str) -> float | None:
    """As JavaScript's `Number(text)`: an empty text is 0."""
    try:
        return float(text) if text.strip() else 0.0
    except ValueError:
        return None


def whole_number(
    params: QueryParams, name: str, default: int, issues: list[Issue], *, minimum: int, maximum: int | None = None,
    above: int | None = None,
) -> float:  # fmt: skip
    """A number of `minimum`..`maximum`; `above` instead of `minimum` words the complaint as `>`."""
    if name not in params:
        return default
    value = number(params[name])
    if value is None:
        issues.append(not_a_number(name))
    elif above is not None and value <= above:
        issues.append(too_small(above, name, inclusive=False))
    elif above is None and value < minimum:
        issues.append(too_small(minimum, name))
    elif maximum is not None and value > maximum:
        issues.append(too_big(maximum, name))
    else:
        return value
    return default


def zoned_time(params: QueryParams, name: str, issues: list[Issue]) -> int | None:
    """Milliseconds of a time that must carry an offset."""
    if name not in params:
        return None
    milliseconds = parse_zoned(params[name])
    if milliseconds is None:
        issues.append(not_iso(name))
    return milliseconds


def lenient_time(params: QueryParams, name: str, issues: list[Issue]) -> int | None:
    if name not in params:
        return None
    milliseconds = parse_lenient(params[name])
    if milliseconds is None:
        issues.append(not_a_date(name))
    return milliseconds


def option(params: QueryParams, name: str, values: tuple[str, ...], issues: list[Issue]) -> str | None:
    if name not in params:
        return None
    if params[name] not in values:
        issues.append(not_an_option(values, name))
        return None
    return params[name]


def comma_list(params: QueryParams, name: str) -> list[str] | None:
    """All values of a repeatable, comma separated parameter; None if it is absent or empty."""
    values = [value for text in params.getlist(name) for value in text.split(",") if value]
    return values or None
