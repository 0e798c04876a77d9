"""Faults on the way: answers replaced, slowed down, refused for their size, or cut in the middle."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tracemart.standin.auth import project_of
from tracemart.standin.faults.answers import failed_answer, rate_limited
from tracemart.standin.faults.run import FaultRun
from tracemart.standin.faults.schedule import PAGE_KINDS, Fault
from tracemart.standin.problems import ApiError

_API = "/api/public/"


class FaultMiddleware:
    """Stands before the routes; requests without valid keys, to /health and to other paths pass untouched.

    As on the real server keys are looked at before limits, and limits before the query.
    """

    def __init__(self, app: ASGIApp, run: FaultRun) -> None:
        self._app = app
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_API) or not _is_known(scope):
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(_API)
        limited = self._run.limited(scope["method"], path)
        if limited is not None:
            await limited(scope, receive, send)
            return
        faults = self._run.faults_of(path) if scope["method"] == "GET" else []
        scope.setdefault("state", {})["page_faults"] = [fault for fault in faults if fault.kind in PAGE_KINDS]
        for fault in faults:
            if fault.kind in PAGE_KINDS or fault.kind == "cut":
                continue
            await self._wait(fault)
            if fault.kind == "slow":
                continue
            if fault.kind == "rate_limited":
                now = self._run.clock()
                answer = rate_limited(fault.limit, now, now + fault.seconds)
            else:
                answer = failed_answer(fault.kind)
            await answer(scope, receive, send)
            return
        await self._answer(scope, receive, send, next((fault for fault in faults if fault.kind == "cut"), None))

    async def _wait(self, fault: Fault) -> None:
        if fault.kind in ("slow", "timed_out") and fault.seconds:
            await asyncio.sleep(fault.seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, cut: Fault | None) -> None:
        bound = self._run.payload_bound()
        if cut is None and bound is None:
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self._app(scope, receive, keep)
        if bound is not None and len(body) > bound:
            self._run.shown["payload_bytes"] += 1
            await failed_answer("too_large")(scope, receive, send)
            return
        await send(start)
        if cut is None:
            await send({"type": "http.response.body", "body": bytes(body)})
            return
        # An answer that never says it is over: the server closes the connection within the promised length.
        part = bytes(body[: int(len(body) * min(cut.share, 0.99))])
        await send({"type": "http.response.body", "body": part, "more_body": True})


def _is_known(scope: Scope) -> bool:
    try:
        project_of(Request(scope))
    except ApiError:
        return False
    return True
