"""JSON answers."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

_CONTENT_TYPE = "application/json; charset=utf-8"


def json_answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type=_CONTENT_TYPE)


def raw_answer(body: bytes) -> Response:
    """JSON that is bytes already."""
    return Response(body, media_type=_CONTENT_TYPE)


def page_meta(page: int, limit: int, total: int) -> dict[str, int]:
    return {"page": page, "limit": limit, "totalItems": total, "totalPages": -(-total // limit)}
