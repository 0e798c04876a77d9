"""The `filter` parameter of `/traces`."""

from __future__ import annotations

from collections.abc import Callable

from tracemart.standin.filters import Columns, parse_filter_on
from tracemart.standin.v3.tables import Trace

TRACE_COLUMNS: Columns[Trace] = Columns(
    single={
        "id": lambda trace: trace.id,
        "timestamp": lambda trace: trace.timestamp_ms,
        "name": lambda trace: trace.name,
        "userId": lambda trace: trace.user_id,
        "sessionId": lambda trace: trace.session_id,
        "environment": lambda trace: trace.environment,
        "version": lambda trace: trace.version,
        "release": lambda trace: trace.release,
        "bookmarked": lambda trace: trace.bookmarked,
    },
    lists={"tags": lambda trace: trace.tags},
    metadata=lambda trace: trace.metadata,
)


def parse_trace_filter(text: str) -> list[Callable[[Trace], bool]]:
    """Conditions on traces; raises the server's errors."""
    return parse_filter_on(TRACE_COLUMNS, text)
