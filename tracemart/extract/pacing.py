"""Good manners to a Langfuse server: few readers at a time, requests spread over its limits, pauses kept.

Limits count per organisation and per kind of endpoint, of N requests N - 1 pass, and a window begins with its first
request: langfuse.md, 1.3 and 0b.19. What was learned stands in raw.request_pacing, where all processes take turns; a
process that knows of no limit asks the warehouse nothing.
"""

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, LiteralString, Self

import psycopg

from tracemart.errors import LangfuseBusyError, LangfuseRateLimitedError, ProjectBusyError
from tracemart.extract.client import address_of
from tracemart.settings import LangfuseProject, Settings
from tracemart.warehouse import Role, Warehouse, warehouse_error

_log = logging.getLogger(__name__)

CONFIGURED = "configured"
WINDOWS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))
# A window is taken to last longer than it does, for requests do not all travel equally fast.
GRACE = timedelta(seconds=1)
# Plans change: what was learned long ago is learned again, by one refused request.
LEARNED_FOR = timedelta(days=7)
SEAT_POLL_SECONDS = 0.25


def bucket_of(path: str) -> str | None:
    """The limit that a path counts for; None where Langfuse counts none."""
    route = path.removeprefix("/api/public/")
    for start, bucket in _BUCKETS:
        if route == start or route.startswith(f"{start}/"):
            return bucket
    return "public-api"


_BUCKETS = (
    ("health", None),
    ("projects", None),
    ("v2/prompts", "prompts"),
    ("v2/metrics", "public-api-v2-metrics"),
    ("metrics/daily", "public-api-daily-metrics-legacy"),
    ("metrics", "public-api-metrics"),
    ("traces", "public-api-legacy"),
    ("observations", "public-api-legacy"),
    ("sessions", "public-api-legacy"),
    ("datasets", "datasets"),
    ("v2/datasets", "datasets"),
    ("dataset-items", "datasets"),
    ("dataset-run-items", "datasets"),
)


@dataclass(frozen=True)
class Allowance:
    """A limit as the server states it: `requests` a window, of which the last is refused."""

    requests: int
    window: timedelta

    @property
    def passing(self) -> int:
        return max(1, self.requests - 1)

    @property
    def burst(self) -> timedelta:
        """How far ahead of an even pace requests may run.

        None in a window of a minute. In longer ones half of the requests may go at once, for an even pace there would
        be one request in a quarter of an hour.
        """
        return timedelta(0) if self.window <= WINDOWS[0] else self.spacing * (max(1, self.passing // 2) - 1)

    @property
    def spacing(self) -> timedelta:
        """Between requests at an even pace; with the burst no window sees more than pass."""
        spread = self.passing if self.window <= WINDOWS[0] else max(1, self.passing // 2)
        return (self.window + GRACE) / spread


def window_of(bucket: str, pause: timedelta) -> timedelta:
    """A minute; for metrics, where it depends on the plan, the shortest window that such a pause can be left of."""
    if "metrics" not in bucket:
        return WINDOWS[0]
    return next((window for window in WINDOWS if pause <= window), pause)


class Pacer:
    """Takes turns with all other processes at one server, for one organisation. Implements client.Pace.

    `seats`: clients open at a server at the same time, one of them of one project. They are advisory locks: a killed
    process leaves none behind, hosts do not block each other as in a pool of Airflow, and the command line counts too.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        host: str,
        *,
        project: str | None = None,
        requests_per_minute: int | None = None,
        seats: int = 2,
        seat_wait: timedelta | None = None,
        longest_wait: timedelta = timedelta(minutes=5),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.host = host
        self.project = project
        self.seats = seats
        self.seat_wait = seat_wait
        self.longest_wait = longest_wait
        self.organization: str | None = None
        self._configured = Allowance(requests_per_minute, WINDOWS[0]) if requests_per_minute else None
        self._connect = connect
        self._connection: psycopg.Connection | None = None
        self._paced: set[str] = set()
        self._sleep = sleep

    @classmethod
    def of(cls, settings: Settings, project: LangfuseProject) -> Self:
        """A pacer with a connection of its own, opened when it is first needed."""
        wait = settings.langfuse_wait_seconds
        return cls(
            lambda: Warehouse(settings).connect(Role.LOADER, autocommit=True),
            address_of(project).lower(),
            project=project.public_key,
            requests_per_minute=project.requests_per_minute,
            seats=settings.langfuse_concurrency,
            seat_wait=None if wait is None else timedelta(seconds=wait),
        )

    def open(self) -> None:
        """Take the project's seat and one at the server.

        Raises ProjectBusyError or LangfuseBusyError after `seat_wait`, WarehouseError.
        """
        deadline = None if self.seat_wait is None else time.monotonic() + self.seat_wait.total_seconds()
        # A machine that went away must not keep its seats for hours.
        self._ask(
            "select set_config(name, value, false) from (values ('tcp_keepalives_idle', '60'),"
            " ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '6')) as kept (name, value)",
            (),
        )
        reason = f"Another load reads this project of Langfuse at {self.host}"
        if self.project is not None and not self._is_ready(self._take_project, deadline, reason):
            raise ProjectBusyError(f"{reason}; run it again when that has ended.")
        reason = f"As many loads as may ({self.seats}, TRACEMART_LANGFUSE_CONCURRENCY) read Langfuse at {self.host}"
        if not self._is_ready(self._take_seat, deadline, reason):
            raise LangfuseBusyError(f"{reason}; run it again when one of them has ended.")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def belongs_to(self, organization: str) -> None:
        """Say whose limits count, and find out what others learned of them. Raises WarehouseError."""
        self.organization = organization
        rows = self._ask(
            "select bucket from raw.request_pacing where host = %s and organization_id = %s and bucket <> %s"
            " and (learned_at > clock_timestamp() - %s or next_request_at > clock_timestamp())",
            (self.host, organization, CONFIGURED, LEARNED_FOR),
        )
        self._paced = {row[0] for row in rows}
        if self._configured is not None:
            self._learn(CONFIGURED, self._configured, None)

    def await_turn(self, path: str) -> None:
        """Wait until the request may go, at most `longest_wait`. Raises LangfuseRateLimitedError, WarehouseError."""
        bucket = bucket_of(path)
        if bucket is None or self.organization is None:
            return
        for paced in (CONFIGURED, bucket):
            if paced in self._paced:
                self._await_slot(paced)

    def refused(self, path: str, limit: int | None, pause: timedelta | None) -> None:
        """Learn a limit from an answer 429, for all processes; without a number there is nothing to learn."""
        bucket = bucket_of(path)
        if bucket is None or self.organization is None or not limit or pause is None:
            return
        self._learn(bucket, Allowance(limit, window_of(bucket, pause)), pause)

    def _is_ready(self, take: Callable[[], bool], deadline: float | None, reason: str) -> bool:
        for tries in itertools.count():
            if take():
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            if tries == 0:
                _log.warning("%s; waiting.", reason)
            self._sleep(SEAT_POLL_SECONDS)
        raise AssertionError

    def _take_project(self) -> bool:
        return self._lock(f"tracemart project {self.project} at {self.host}")

    def _take_seat(self) -> bool:
        return any(self._lock(f"tracemart seat {number} at {self.host}") for number in range(self.seats))

    def _lock(self, name: str) -> bool:
        return bool(self._ask("select pg_try_advisory_lock(hashtextextended(%s, 0))", (name,))[0][0])

    def _learn(self, bucket: str, allowance: Allowance, pause: timedelta | None) -> None:
        known = self._ask(
            "select requests, window_length from raw.request_pacing"
            " where host = %s and organization_id = %s and bucket = %s",
            (self.host, self.organization, bucket),
        )
        if known and known[0][0] == allowance.requests:
            # The rest of a long window looks like a short one.
            allowance = Allowance(allowance.requests, max(allowance.window, known[0][1]))
        self._ask(
            "insert into raw.request_pacing as known (host, organization_id, bucket, requests, window_length, spacing,"
            " burst, next_request_at) values (%(host)s, %(organization)s, %(bucket)s, %(requests)s, %(window)s,"
            " %(spacing)s, %(burst)s, clock_timestamp() + %(pause)s)"
            " on conflict (host, organization_id, bucket) do update set requests = excluded.requests,"
            " window_length = excluded.window_length, spacing = excluded.spacing, burst = excluded.burst,"
            " next_request_at = greatest(known.next_request_at, excluded.next_request_at),"
            " learned_at = excluded.learned_at returning 1",
            {
                "host": self.host,
                "organization": self.organization,
                "bucket": bucket,
                "requests": allowance.requests,
                "window": allowance.window,
                "spacing": allowance.spacing,
                "burst": allowance.burst,
                "pause": timedelta(0) if pause is None else pause + allowance.burst,
            },
        )
        self._paced.add(bucket)

    def _await_slot(self, bucket: str) -> None:
        """Reserve the next slot and sleep until it is there; a slot too far ahead is left to others."""
        where = (self.host, self.organization, bucket)
        slot = self._ask(
            "update raw.request_pacing set next_request_at = greatest(next_request_at, clock_timestamp()) + spacing"
            " where host = %s and organization_id = %s and bucket = %s"
            " and next_request_at - burst <= clock_timestamp() + %s"
            " returning extract(epoch from next_request_at - spacing - burst - clock_timestamp())::float",
            (*where, self.longest_wait),
        )
        if slot:
            wait = float(slot[0][0])
            if wait > 0:
                self._sleep(wait)
            return
        taken = self._ask(
            "select next_request_at - burst from raw.request_pacing"
            " where host = %s and organization_id = %s and bucket = %s",
            where,
        )
        if taken:
            resume_after = taken[0][0].astimezone(UTC)
            raise LangfuseRateLimitedError(
                f"Langfuse at {self.host} limits the rate of requests ({bucket}) and answers again at"
                f" {resume_after:%Y-%m-%d %H:%M:%S} UTC; run it again after that.",
                resume_after,
            )

    def _ask(self, query: LiteralString, parameters: Any) -> list[Any]:
        """Rows of one statement, committed; once more on a new connection where the old one was lost."""
        for is_last in (False, True):
            if self._connection is None:
                self._connection = self._connect()
            try:
                return self._connection.execute(query, parameters).fetchall()
            except psycopg.Error as error:
                was_lost = self._connection.broken
                self.close()
                if is_last or not was_lost:
                    raise warehouse_error(error, f"taking turns at {self.host}") from None
        raise AssertionError
