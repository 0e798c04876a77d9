"""The answers of a server, or of the proxies before it, that fail; texts as recorded where they were."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import Any

from starlette.responses import Response

from tracemart.standin.endpoints.answers import json_answer

TIMED_OUT = {
    "message": "Your query could not be completed. Please narrow your request by adding more specific filters "
    "(e.g., a shorter date range).\nSee https://langfuse.com/docs/api-and-data-platform/features/public-api for more "
    "details.",
    "error": "Request timed out",
}
TOO_LARGE = {"message": "Response payload is too large", "error": "PayloadTooLargeError"}
_FAILED = {
    "message": "Internal Server Error",
    "error": "Too many simultaneous queries. Maximum: 100. ",
}
_PAGES = {
    "bad_gateway": (502, "502 Bad Gateway"),
    "gateway_timeout": (504, "504 Gateway Time-out"),
    "cloudflare_timeout": (524, "524: A timeout occurred"),
}
_BODIES: dict[str, tuple[int, dict[str, Any]]] = {
    "server_error": (500, _FAILED),
    "unavailable": (503, {"message": "Service Unavailable"}),
    "timed_out": (422, TIMED_OUT),
    "too_large": (422, TOO_LARGE),
}


def failed_answer(kind: str) -> Response:
    """The answer of a kind of fault that replaces the real one."""
    if kind in _PAGES:
        status, title = _PAGES[kind]
        page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        return Response(page, status, media_type="text/html; charset=UTF-8")
    status, body = _BODIES[kind]
    return json_answer(body, status)


def rate_limited(limit: int, now: float, reset: float, upgrade: str = "") -> Response:
    """429 as the cloud answers it; `now` and `reset` are seconds since 1970.

    `X-RateLimit-Reset` is the text of a JavaScript Date, not a number. `upgrade` is the hint of legacy routes.
    """
    seconds = ceil(reset - now)
    moment = datetime.fromtimestamp(reset, UTC)
    body = {
        "message": f"Rate limit exceeded{upgrade}",
        "code": "rate_limited",
        "details": {
            "retryAfterSeconds": seconds,
            "limit": limit,
            "remaining": 0,
            "resetAt": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
    }
    answer = json_answer(body, 429)
    answer.headers.update({
        "Retry-After": str(seconds),
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": moment.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"),
    })  # fmt: skip
    return answer
