"""Who is asking: HTTP Basic with a project's key pair, and the recorded ways to be refused."""

from __future__ import annotations

import base64
import binascii

from starlette.requests import Request

from tracemart.standin.problems import ApiError
from tracemart.standin.store import ProjectStore, Store

_HOST_HINT = " Confirm that you've configured the correct host."


def project_of(request: Request, *, named_error: bool = False) -> ProjectStore:
    """The project whose keys the request carries; raises 401 or 403. Prompts name the error's class."""
    store: Store = request.app.state.store
    header = request.headers.get("authorization")
    if header is None:
        raise _unauthorized("No authorization header", named_error)
    scheme, _, credentials = header.partition(" ")
    if scheme == "Basic":
        project = store.project_of(*_decoded(credentials, named_error))
        if project is None:
            raise _unauthorized("Invalid credentials." + _HOST_HINT, named_error)
        return project
    if scheme == "Bearer" and store.project_of_public_key(credentials) is not None:
        raise ApiError(403, {"message": "Access denied - insufficient permissions for this endpoint"})
    if scheme == "Bearer":
        raise _unauthorized("Invalid credentials." + _HOST_HINT, named_error)
    raise _unauthorized("Invalid authorization header", named_error)


def _decoded(credentials: str, named_error: bool) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        raise _unauthorized("Invalid character." + _HOST_HINT, named_error) from None
    public_key, _, secret_key = text.partition(":")
    return public_key, secret_key


def _unauthorized(message: str, named_error: bool) -> ApiError:
    return ApiError(401, {"message": message} | ({"error": "UnauthorizedError"} if named_error else {}))
