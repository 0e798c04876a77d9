"""The `filter` parameter of `/traces`, `/scores` and `/v2/scores`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tracemart.standin.evaluation import ScoreConfig
from tracemart.standin.filters import Columns, parse_filter_on
from tracemart.standin.rows import Metadata, Score
from tracemart.standin.v3.render import numeric_value
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


def parse_score_filter(text: str, configs: Iterable[ScoreConfig]) -> list[Callable[[Score], bool]]:
    """Conditions on scores, whose categories have the values that `configs` give them; raises the server's errors."""
    columns: Columns[Score] = Columns(
        single={
            "id": lambda score: score.id,
            "timestamp": lambda score: score.timestamp_ms,
            "name": lambda score: score.name,
            "source": lambda score: score.source,
            "dataType": lambda score: score.data_type,
            "environment": lambda score: score.environment,
            "value": lambda score: numeric_value(score, configs),
            "stringValue": lambda score: score.value if isinstance(score.value, str) else None,
            "traceId": lambda score: score.trace_id,
            "observationId": lambda score: score.observation_id,
            "sessionId": lambda score: score.session_id,
            "configId": lambda score: score.config_id,
            "queueId": lambda score: score.queue_id,
            "authorUserId": lambda score: score.author_user_id,
        },
        lists={},
        metadata=lambda score: Metadata.of(score.metadata),
    )
    return parse_filter_on(columns, text)
