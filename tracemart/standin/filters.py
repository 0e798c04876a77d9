"""Conditions on observations: the flat parameters, and the `filter` parameter with its columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tracemart.standin.problems import Issue, invalid, javascript_type, not_an_option, refused, wrong_type
from tracemart.standin.rows import Observation, dollars
from tracemart.standin.timestamps import parse_lenient

Condition = Callable[[Observation], bool]
Reader = Callable[[Observation], Any]

STRING_OPERATORS = ("=", "contains", "does not contain", "starts with", "ends with")
NUMBER_OPERATORS = ("=", ">", "<", ">=", "<=")
OPTION_OPERATORS = ("any of", "none of")
ARRAY_OPERATORS = (*OPTION_OPERATORS, "all of")

_TIMES: dict[str, Reader] = {
    "startTime": lambda row: row.start_ms,
    "endTime": lambda row: row.end_ms,
}
_NUMBERS: dict[str, Reader] = {
    "latency": lambda row: (row.end_ms - row.start_ms) / 1000,
    "timeToFirstToken": lambda row: None if row.completion_ms is None else (row.completion_ms - row.start_ms) / 1000,
    "totalCost": lambda row: float(dollars(row.cost().get("total", 0))),
    "inputCost": lambda row: float(dollars(sum(v for k, v in row.cost().items() if "input" in k))),
    "outputCost": lambda row: float(dollars(sum(v for k, v in row.cost().items() if "output" in k))),
    "totalTokens": lambda row: row.usage().get("total", 0),
    "inputTokens": lambda row: sum(v for k, v in row.usage().items() if "input" in k),
    "outputTokens": lambda row: sum(v for k, v in row.usage().items() if "output" in k),
    "promptVersion": lambda row: row.prompt.version if row.prompt else None,
}
_TEXTS: dict[str, Reader] = {
    "id": lambda row: row.id,
    "traceId": lambda row: row.context.trace_id,
    "parentObservationId": lambda row: row.parent_id or "",
    "type": lambda row: row.type,
    "name": lambda row: row.name,
    "level": lambda row: row.level,
    "statusMessage": lambda row: row.status_message,
    "version": lambda row: row.context.version,
    "release": lambda row: row.context.release,
    "environment": lambda row: row.context.environment,
    "userId": lambda row: row.context.user_id,
    "sessionId": lambda row: row.context.session_id,
    "traceName": lambda row: row.trace_name or "",
    "providedModelName": lambda row: row.model,
    "model": lambda row: row.model,
    "modelId": lambda row: row.model_id,
    "internalModelId": lambda row: row.model_id,
    "promptName": lambda row: row.prompt.name if row.prompt else "",
}
_LISTS: dict[str, Reader] = {
    "tags": lambda row: row.context.tags,
    "traceTags": lambda row: row.context.tags,
}
_BOOLEANS: dict[str, Reader] = {"isRootObservation": lambda row: row.is_root}
_COLUMNS = _TIMES | _NUMBERS | _TEXTS | _LISTS | _BOOLEANS

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda have, want: have == want,
    "<>": lambda have, want: have != want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "contains": lambda have, want: want in have,
    "does not contain": lambda have, want: want not in have,
    "starts with": lambda have, want: have.startswith(want),
    "ends with": lambda have, want: have.endswith(want),
    "any of": lambda have, want: have in want,
    "none of": lambda have, want: have not in want,
}


def parse_filter(text: str) -> list[Condition]:
    """Conditions of the JSON in the `filter` parameter; raises the server's errors."""
    try:
        content = json.loads(text)
    except ValueError:
        raise refused("Invalid JSON in filter parameter") from None
    return conditions(content, "filter")


def conditions(content: object, *path: str | int) -> list[Condition]:
    """Conditions of a parsed list of `{type, column, operator, value, key?}`."""
    if not isinstance(content, list):
        raise invalid(wrong_type("array", javascript_type(content), *path))
    issues = [issue for position, item in enumerate(content) for issue in _issues(item, (*path, position))]
    if issues:
        raise invalid(*issues)
    return [_condition(item) for item in content]


_OPERATORS_OF = {
    "string": STRING_OPERATORS,
    "stringObject": STRING_OPERATORS,
    "number": NUMBER_OPERATORS,
    "datetime": (">", "<", ">=", "<="),
    "stringOptions": OPTION_OPERATORS,
    "arrayOptions": ARRAY_OPERATORS,
    "boolean": ("=", "<>"),
    "null": ("is null", "is not null"),
}


def _issues(item: Any, path: tuple[str | int, ...]) -> list[Issue]:
    if not isinstance(item, dict) or item.get("type") not in _OPERATORS_OF:
        return [{"code": "invalid_union", "errors": [], "path": list(path), "message": "Invalid input"}]
    operators = _OPERATORS_OF[item["type"]]
    if item.get("operator") in operators:
        return []
    if item["type"] != "string":
        return [not_an_option(operators, *path, "operator")]
    matches = {"code": "invalid_value", "values": ["matches"], "path": [],
               "message": 'Invalid input: expected "matches"'}  # fmt: skip
    errors = [[not_an_option(operators)], [matches]]
    return [{"code": "invalid_union", "errors": errors, "path": [*path, "operator"], "message": "Invalid input"}]


def _condition(item: dict[str, Any]) -> Condition:
    column, operator, value = item.get("column"), item["operator"], item.get("value")
    if item["type"] == "stringObject" and column == "metadata":
        key, compare = item.get("key", ""), _COMPARE[operator]
        return lambda row: compare(row.context.metadata.stored.get(key, ""), value)
    read = _COLUMNS.get(str(column))
    if read is None:
        raise refused(f"Column {column} does not match a UI / CH table mapping.")
    if item["type"] == "null":
        return lambda row: (read(row) in (None, "")) == (operator == "is null")
    if item["type"] == "datetime":
        value = parse_lenient(str(value))
    if str(column) in _LISTS:
        return _list_condition(read, operator, set(value or ()))
    compare = _COMPARE[operator]

    def holds(row: Observation) -> bool:
        have = read(row)
        return have is not None and compare(have, value)

    return holds


def _list_condition(read: Reader, operator: str, wanted: set[str]) -> Condition:
    if operator == "all of":
        return lambda row: wanted <= set(read(row))
    return lambda row: wanted.isdisjoint(read(row)) == (operator == "none of")
