"""The cloud's rate limits: buckets per organisation, fixed windows that begin with their first request.

Sizes: Langfuse's RateLimitService (version 4.16.0). The N-th request of N is refused already.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from tracemart.standin.faults.answers import rate_limited
from tracemart.standin.faults.schedule import DAY_SECONDS, RateLimits

_MINUTE, _HOUR = 60, 3600
_SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "hobby": {
        "public-api": (30, _MINUTE), "public-api-legacy": (15, _MINUTE), "public-api-v2-metrics": (100, DAY_SECONDS),
        "public-api-metrics": (100, DAY_SECONDS), "public-api-daily-metrics-legacy": (10, DAY_SECONDS),
        "datasets": (100, _MINUTE), "ingestion": (1000, _MINUTE),
    },
    "core": {
        "public-api": (1000, _MINUTE), "public-api-legacy": (30, _MINUTE), "public-api-v2-metrics": (100, _HOUR),
        "public-api-metrics": (2000, DAY_SECONDS), "public-api-daily-metrics-legacy": (200, DAY_SECONDS),
        "datasets": (1000, _MINUTE), "ingestion": (20_000, _MINUTE),
    },
    "pro": {
        "public-api": (1000, _MINUTE), "public-api-legacy": (100, _MINUTE), "public-api-v2-metrics": (500, _HOUR),
        "public-api-metrics": (2000, DAY_SECONDS), "public-api-daily-metrics-legacy": (200, DAY_SECONDS),
        "datasets": (1000, _MINUTE), "ingestion": (20_000, _MINUTE),
    },
}  # fmt: skip
_BUCKETS = (
    ("v2/metrics", "public-api-v2-metrics"),
    ("metrics/daily", "public-api-daily-metrics-legacy"),
    ("metrics", "public-api-metrics"),
    ("traces", "public-api-legacy"),
    ("observations", "public-api-legacy"),
    ("sessions", "public-api-legacy"),
    ("v2/datasets", "datasets"),
    ("datasets", "datasets"),
    ("dataset-items", "datasets"),
    ("ingestion", "ingestion"),
    ("otel", "ingestion"),
)
_UNLIMITED = ("projects", "health", "ready", "v2/prompts")


@dataclass(slots=True)
class _Window:
    reset: float
    requests: int = 0


class Buckets:
    """How much of each bucket is used; one instance is one organisation."""

    def __init__(self, limits: RateLimits) -> None:
        self._sizes = dict(_SIZES[limits.plan])
        self._minute = limits.minute_seconds
        for bucket, limit in limits.limits.items():
            self._sizes[bucket] = (limit, self._sizes[bucket][1])
        self._windows: dict[str, _Window] = {}

    def take(self, method: str, path: str, now: float) -> Response | None:
        """Count a request to `path` (after /api/public/); the 429 if its bucket is used up."""
        bucket = bucket_of(path)
        if bucket is None:
            return None
        limit, seconds = self._sizes[bucket]
        window = self._windows.get(bucket)
        if window is None or now >= window.reset:
            window = self._windows[bucket] = _Window(now + (self._minute if seconds == _MINUTE else seconds))
        window.requests += 1
        if window.requests < limit:
            return None
        upgrade = ""
        if bucket == "public-api-legacy":
            upgrade = (
                f" for {method} /api/public/{path}. Use GET /api/public/v2/observations?fromStartTime=<from>"
                "&toStartTime=<to> for high-volume reads."
            )
        return rate_limited(limit, now, window.reset, upgrade)


def bucket_of(path: str) -> str | None:
    """The bucket of a path after /api/public/, None if it is not limited."""
    if any(path == known or path.startswith(known + "/") for known in _UNLIMITED):
        return None
    return next((bucket for known, bucket in _BUCKETS if path == known or path.startswith(known + "/")), "public-api")
