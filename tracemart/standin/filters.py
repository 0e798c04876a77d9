"""Conditions of the `filter` parameter, and the columns of observations that it may name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tracemart.standin.problems import Issue, invalid, javascript_type, not_an_option, refused, wrong_type
from tracemart.standin.rows import Metadata, Observation, dollars
from tracemart.standin.timestamps import parse_lenient

Row = TypeVar("Row")
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


@dataclass(frozen=True)
class Columns(Generic[Row]):
    """What a filter may name: columns of one value, columns of lists, and the metadata by key."""

    single: Mapping[str, Callable[[Row], Any]]
    lists: Mapping[str, Callable[[Row], Any]]
    metadata: Callable[[Row], Metadata]


OBSERVATION_COLUMNS: Columns[Observation] = Columns(
    _TIMES | _NUMBERS | _TEXTS | _BOOLEANS, _LISTS, lambda row: row.context.metadata
)

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
    return parse_filter_on(OBSERVATION_COLUMNS, text)


def parse_filter_on(columns: Columns[Row], text: str) -> list[Callable[[Row], bool]]:
    """The same on other rows than observations."""
    try:
        content = json.loads(text)
    except ValueError:
        raise refused("Invalid JSON in filter parameter") from None
    return conditions_on(columns, content, "filter")


def conditions(content: object, *path: str | int) -> list[Condition]:
    """Conditions of a parsed list of `{type, column, operator, value, key?}`."""
    return conditions_on(OBSERVATION_COLUMNS, content, *path)


def conditions_on(columns: Columns[Row], content: object, *path: str | int) -> list[Callable[[Row], bool]]:
    if not isinstance(content, list):
        raise invalid(wrong_type("array", javascript_type(content), *path))
    issues = [issue for position, item in enumerate(content) for issue in _issues(item, (*path, position))]
    if issues:
        raise invalid(*issues)
    return [_condition(columns, item) for item in content]


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


def _condition(columns: Columns[Row], item: dict[str, Any]) -> Callable[[Row], bool]:
    column, operator, value = str(item.get("column")), item["operator"], item.get("value")
    if item["type"] == "stringObject" and column == "metadata":
        key, matches, metadata = item.get("key", ""), _COMPARE[operator], columns.metadata
        return lambda row: matches(metadata(row).stored.get(key, ""), value)
    listed = columns.lists.get(column)
    read = listed or columns.single.get(column)
    if read is None:
        raise refused(f"Column {column} does not match a UI / CH table mapping.")
    if item["type"] == "null":
        return lambda row: (read(row) in (None, "")) == (operator == "is null")
    if listed is not None:
        return _list_condition(listed, operator, set(value or ()))
    if item["type"] == "datetime":
        value = parse_lenient(str(value))
    compare = _COMPARE[operator]

    def holds(row: Row) -> bool:
        have = read(row)
        return have is not None and compare(have, value)

    return holds


def _list_condition(read: Callable[[Row], Any], operator: str, wanted: set[str]) -> Callable[[Row], bool]:
    if operator == "all of":
        return lambda row: wanted <= set(read(row))
    return lambda row: wanted.isdisjoint(read(row)) == (operator == "none of")
