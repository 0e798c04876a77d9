"""`/standin/faults`: what was shown so far, and the end of all faults, for tests beside another process."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.faults.run import FaultRun


def control_routes(run: FaultRun) -> list[Route]:
    """GET answers `{requests, shown, late}`, POST `…/finish` ends the faults and answers the same."""

    async def show(_: Request) -> Response:
        late = sum(len(rows) for rows in run.late.values())
        return json_answer({"requests": run.requests, "shown": dict(run.shown), "late": late})

    async def finish(request: Request) -> Response:
        run.finish()
        return await show(request)

    return [
        Route("/standin/faults", show, methods=["GET"]),
        Route("/standin/faults/finish", finish, methods=["POST"]),
    ]
