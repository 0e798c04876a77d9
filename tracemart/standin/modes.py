"""What differs between a server's write modes: the routes that come before those of `app`."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.problems import NOT_IN_EVENTS_ONLY

WriteMode = Literal["legacy", "dual", "events_only"]

_V3_ONLY = (
    "traces", "observations", "sessions", "scores", "v2/scores", "metrics", "metrics/daily", "dataset-run-items",
)  # fmt: skip


async def _not_in_events_only(_: Request) -> Response:
    return json_answer({"message": NOT_IN_EVENTS_ONLY}, 404)


def mode_routes(mode: WriteMode, api: str) -> list[Route]:
    """Routes under `api` that are particular to `mode`; they take precedence over the common ones."""
    if mode != "events_only":
        return []
    paths = [f"{api}/{path}{rest}" for path in _V3_ONLY for rest in ("", "/{rest}")]
    return [Route(path, _not_in_events_only, methods=["GET"]) for path in paths]
