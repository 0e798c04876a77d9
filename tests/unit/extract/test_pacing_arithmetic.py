"""At our pace a server that counts as Langfuse does refuses nothing."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracemart.extract.pacing import WINDOWS, Allowance, bucket_of, window_of


class Server:
    """A fixed window that begins with its first request; of N requests N - 1 pass."""

    def __init__(self, limit: int, window: timedelta) -> None:
        self.limit = limit
        self.window = window.total_seconds()
        self.begun: float | None = None
        self.count = 0

    def takes(self, moment: float) -> bool:
        if self.begun is None or moment >= self.begun + self.window:
            self.begun, self.count = moment, 0
        self.count += 1
        return self.count < self.limit


def slots(allowance: Allowance, count: int) -> list[float]:
    """When requests go that are all wanted at once, as raw.request_pacing hands them out."""
    spacing, burst = allowance.spacing.total_seconds(), allowance.burst.total_seconds()
    times, next_request_at, now = [], 0.0, 0.0
    for _ in range(count):
        slot = max(next_request_at, now) - burst
        next_request_at = max(next_request_at, now) + spacing
        now = max(now, slot)
        times.append(now)
    return times


@given(
    limit=st.integers(min_value=2, max_value=1000),
    window=st.sampled_from(WINDOWS),
    delays=st.lists(st.floats(min_value=0, max_value=0.9), min_size=1, max_size=60),
)
def test_no_window_sees_more_requests_than_pass(limit: int, window: timedelta, delays: list[float]) -> None:
    server = Server(limit, window)
    sent = slots(Allowance(limit, window), min(3 * limit, 1500))
    arrived = sorted(moment + delays[number % len(delays)] for number, moment in enumerate(sent))

    assert all(server.takes(moment) for moment in arrived)


def test_a_minute_is_used_evenly_and_almost_wholly() -> None:
    times = slots(Allowance(30, timedelta(minutes=1)), 29)

    gaps = {round(later - earlier, 6) for earlier, later in itertools.pairwise(times)}
    assert len(gaps) == 1
    assert 57 < times[-1] < 60


def test_half_of_a_day_may_be_asked_at_once() -> None:
    times = slots(Allowance(100, timedelta(days=1)), 60)

    assert times[48] == 0
    assert times[59] > 3600


@pytest.mark.parametrize(
    ("seconds", "window"), [(0, 60), (59, 60), (60, 60), (61, 3600), (3600, 3600), (86_398, 86_400), (90_000, 90_000)]
)
def test_window_is_the_shortest_that_a_pause_fits_in(seconds: int, window: int) -> None:
    assert window_of("public-api-v2-metrics", timedelta(seconds=seconds)) == timedelta(seconds=window)


def test_window_of_reading_is_a_minute_however_long_the_pause() -> None:
    assert window_of("public-api", timedelta(days=1)) == window_of("public-api-legacy", timedelta(0)) == WINDOWS[0]


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        ("/api/public/health", None),
        ("/api/public/projects", None),
        ("/api/public/v2/observations", "public-api"),
        ("/api/public/v3/scores", "public-api"),
        ("/api/public/v2/scores", "public-api"),
        ("/api/public/models", "public-api"),
        ("/api/public/observations", "public-api-legacy"),
        ("/api/public/observations/abc", "public-api-legacy"),
        ("/api/public/traces", "public-api-legacy"),
        ("/api/public/sessions", "public-api-legacy"),
        ("/api/public/v2/metrics", "public-api-v2-metrics"),
        ("/api/public/metrics", "public-api-metrics"),
        ("/api/public/metrics/daily", "public-api-daily-metrics-legacy"),
        ("/api/public/v2/prompts", "prompts"),
        ("/api/public/v2/prompts/name", "prompts"),
        ("/api/public/v2/datasets", "datasets"),
    ],
)
def test_paths_fall_into_the_buckets_of_langfuse(path: str, bucket: str | None) -> None:
    assert bucket_of(path) == bucket
