"""The errors that a Langfuse server answers, with their bodies as recorded from one."""

from __future__ import annotations

from typing import Any

NOT_IN_EVENTS_ONLY = (
    "This endpoint is not available on deployments running in Langfuse v4 events_only mode. "
    "Learn more about Langfuse v4 at: https://langfuse.com/docs/v4"
)
HTML_NOT_FOUND = (
    '<!DOCTYPE html><html lang="en"><head><meta charSet="utf-8"/><title>404</title></head>'
    "<body><h1>404</h1><h2>This page could not be found.</h2></body></html>"
)
ISO_DATETIME_PATTERN = (
    r"/^(?:(?:\d\d[2468][048]|\d\d[13579][26]|\d\d0[48]|[02468][048]00|[13579][26]00)-02-29|"
    r"\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|"
    r"(?:02)-(?:0[1-9]|1\d|2[0-8])))T(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
    r"(?:Z|([+-](?:[01]\d|2[0-3]):[0-5]\d)))$/"
)

Issue = dict[str, Any]


class ApiError(Exception):
    """An answer that is an error: its status and JSON body; `html` replaces the body by a page."""

    def __init__(self, status: int, body: dict[str, Any], *, html: str | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.html = html


def invalid(*issues: Issue) -> ApiError:
    return ApiError(400, {"message": "Invalid request data", "error": list(issues)})


def refused(message: str) -> ApiError:
    return ApiError(400, {"message": message, "error": "InvalidRequestError"})


def not_found(message: str) -> ApiError:
    return ApiError(404, {"message": message, "error": "LangfuseNotFoundError"})


def page_not_found() -> ApiError:
    return ApiError(404, {}, html=HTML_NOT_FOUND)


def custom(message: str, *path: str | int) -> Issue:
    return {"code": "custom", "path": list(path), "message": message}


def not_a_number(*path: str | int) -> Issue:
    return {
        "expected": "number", "code": "invalid_type", "received": "NaN", "path": list(path),
        "message": "Invalid input: expected number, received NaN",
    }  # fmt: skip


def too_big(maximum: int, *path: str | int) -> Issue:
    return {
        "origin": "number", "code": "too_big", "maximum": maximum, "inclusive": True, "path": list(path),
        "message": f"Too big: expected number to be <={maximum}",
    }  # fmt: skip


def too_small(minimum: int, *path: str | int, inclusive: bool = True) -> Issue:
    return {
        "origin": "number", "code": "too_small", "minimum": minimum, "inclusive": inclusive,
        "path": list(path), "message": f"Too small: expected number to be >{'=' if inclusive else ''}{minimum}",
    }  # fmt: skip


def wrong_type(expected: str, received: str, *path: str | int) -> Issue:
    return {
        "expected": expected, "code": "invalid_type", "path": list(path),
        "message": f"Invalid input: expected {expected}, received {received}",
    }  # fmt: skip


def not_a_date(*path: str | int) -> Issue:
    return {
        "expected": "date", "code": "invalid_type", "received": "Invalid Date", "path": list(path),
        "message": "Invalid input: expected date, received Date",
    }  # fmt: skip


def not_iso(*path: str | int) -> Issue:
    return {
        "origin": "string", "code": "invalid_format", "format": "datetime", "pattern": ISO_DATETIME_PATTERN,
        "path": list(path), "message": "Invalid ISO datetime",
    }  # fmt: skip


def not_an_option(values: tuple[str, ...], *path: str | int) -> Issue:
    options = "|".join(f'"{value}"' for value in values)
    return {
        "code": "invalid_value", "values": list(values), "path": list(path),
        "message": f"Invalid option: expected one of {options}",
    }  # fmt: skip


def unknown_key(key: str) -> Issue:
    return {
        "code": "unrecognized_keys", "keys": [key], "path": [], "message": f'Unrecognized key: "{key}"',
    }  # fmt: skip


def javascript_type(value: object) -> str:
    """What zod calls the type of a parsed JSON value."""
    if value is None:
        return "null"
    for kinds, name in ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "array")):
        if isinstance(value, kinds):
            return name
    return "object"
