"""What the lists of the v3 API share: numbered pages over rows that move, and a cloud's notes of removal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from tracemart.standin.endpoints.answers import json_answer, page_meta
from tracemart.standin.parameters import whole_number
from tracemart.standin.problems import Issue

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 100

_DOCS = "https://langfuse.com/docs/api-and-data-platform/features/"
_REMOVED = "On Langfuse Cloud, Langfuse v3 is deprecated and this endpoint will be removed on November 16, 2026."
_OBSERVATIONS = "GET /api/public/v2/observations?fromStartTime=<from>&toStartTime=<to>"
_OF_SESSION = (
    "GET /api/public/v2/observations?filter=<urlencoded sessionId filter>&fromStartTime=<from>&toStartTime=<to>"
)
_SCORES = "GET /api/public/v3/scores"
# What to do instead, the endpoint that replaces this one, and the page of the docs about it.
_NOTES = {
    "traces": (f"In Langfuse v4, read span and trace data via {_OBSERVATIONS}.", _OBSERVATIONS, "observations-api"),
    "observations": (f"Use {_OBSERVATIONS} instead.", _OBSERVATIONS, "observations-api"),
    "sessions": (f"In Langfuse v4, read session data via {_OF_SESSION}.", _OF_SESSION, "observations-api"),
    "scores": (f"Use {_SCORES} instead.", _SCORES, "scores-api"),
}


class Page(NamedTuple):
    """A page by number, from 1."""

    number: int
    limit: int

    def of(self, rows: list[Any]) -> list[Any]:
        """Rows by position at this moment: what was written or deleted since the last page shifts them."""
        return rows[(self.number - 1) * self.limit : self.number * self.limit]


def asked_page(params: QueryParams, issues: list[Issue]) -> Page:
    number = whole_number(params, "page", 1, issues, minimum=1, above=0)
    limit = whole_number(params, "limit", DEFAULT_LIMIT, issues, minimum=1, maximum=MAXIMUM_LIMIT)
    return Page(int(number), int(limit))


def list_answer(request: Request, kind: str | None, data: list[dict[str, Any]], page: Page, total: int) -> Response:
    """A page of `data`; `kind` is a key of the cloud's notes, None if it has none."""
    body: dict[str, Any] = {"data": data, "meta": page_meta(page.number, page.limit, total)}
    if kind is not None and request.app.state.store.is_cloud:
        advice, replacement, page_name = _NOTES[kind]
        body["_deprecation"] = {
            "message": f"{_REMOVED} {advice}",
            "replacement": replacement,
            "docsUrl": _DOCS + page_name,
            "sunsetAt": "2026-11-16",
        }
    return json_answer(body)


def repeated(params: QueryParams, name: str) -> list[str]:
    """Values of a parameter that may be given several times; a comma is part of a value."""
    return [value for value in params.getlist(name) if value]


def matching(rows: Iterable[Any], conditions: list[Callable[[Any], bool]]) -> list[Any]:
    if not conditions:
        return rows if isinstance(rows, list) else list(rows)
    return [row for row in rows if all(holds(row) for holds in conditions)]
