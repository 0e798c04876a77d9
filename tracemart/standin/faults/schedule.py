"""Which faults a stand-in shows, and when: plain values that can be drawn, compared, and read from JSON.

Faults        answers that fail on the way or pages that are cut oddly, at chosen requests
RowFaults     rows that are answered oddly, the same rows each time
Changes       what happens to the rows themselves: late ones, newer versions, deletions, overwritten scores
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from tracemart.errors import BadInputError

AnswerKind = Literal[
    "rate_limited", "server_error", "unavailable", "bad_gateway", "gateway_timeout", "cloudflare_timeout",
    "timed_out", "too_large", "cut", "slow",
]  # fmt: skip
PageKind = Literal["empty_page", "short_page", "repeated_row"]
RowKind = Literal[
    "bad", "unknown_type", "unknown_level", "negative_latency", "null_total_cost", "number_prices", "absent_keys",
]  # fmt: skip
ChangeKind = Literal[
    "late", "same_start", "moved_start", "merge", "delete_traces", "delete_scores", "overwrite_scores", "long_metadata",
]  # fmt: skip
Plan = Literal["hobby", "core", "pro"]

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]

PAGE_KINDS: tuple[str, ...] = get_args(PageKind)
CURSOR_PATHS = ("v2/observations", "v3/scores")

# The longest wait of a rate limit: the whole day of a daily bucket.
DAY_SECONDS = 86_400


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault of some answers to GET requests; it comes where any of `at`, `every`, `probability` says so.

    kind         rate_limited (429), server_error (500), unavailable (503), bad_gateway (502, HTML),
                 gateway_timeout (504, HTML), cloudflare_timeout (524, HTML), timed_out (422),
                 too_large (422), cut (the connection closes within the body), slow;
                 empty_page, short_page (both with a cursor that goes on) and repeated_row (the next page
                 begins with the last row again), of observations and scores only
    path         the request's path after /api/public/ starts so
    at           numbers of matching requests, from 1
    every        each n-th matching request
    probability  of each matching request, drawn from the schedule's seed and the request's number
    times        at most so often
    seconds      Retry-After of rate_limited; how long slow and timed_out take
    share        of the body sent before a cut; of the rows given in a short page
    limit        requests a minute that rate_limited names
    """

    kind: AnswerKind | PageKind
    path: str = ""
    at: tuple[Count, ...] = ()
    every: Count | None = None
    probability: Share = 0.0
    times: Count | None = None
    seconds: Annotated[float, Meta(ge=0, le=DAY_SECONDS)] = 0.0
    share: Share = 0.5
    limit: Count = 30


class RowFault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows answered oddly; `share` of them, chosen by their ids and the seed, so always the same ones.

    kind           bad (a value of the wrong kind: no extractor can store the row), unknown_type,
                   unknown_level, negative_latency (it ends before it starts), null_total_cost (of rows
                   without a cost), number_prices (v2 sends text), absent_keys
    entity         bad and unknown_type (source and dataType) are for scores too
    keys           of absent_keys
    until_request  the fault is gone from this request on
    """

    kind: RowKind
    entity: Literal["observations", "scores"] = "observations"
    share: Share = 0.05
    keys: tuple[str, ...] = ()
    until_request: Count | None = None


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of `share` of the rows (traces for delete_traces) once so many requests were answered.

    kind  late (not to be seen before, though their start is old), same_start and moved_start (a newer
          version of a row arrives: both stay, of same_start until merge), merge, delete_traces,
          delete_scores, overwrite_scores (in place, timestamp kept), long_metadata (a value that lists cut)
    after_requests  0: at once; late rows then wait for `FaultRun.finish`
    """

    kind: ChangeKind
    share: Share = 0.05
    after_requests: Annotated[int, Meta(ge=0)] = 0


class RateLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cloud's limits per organisation; `minute_seconds` shortens its minutes, `limits` replaces buckets' sizes."""

    plan: Plan = "hobby"
    minute_seconds: Annotated[float, Meta(gt=0)] = 60.0
    limits: dict[str, Count] = msgspec.field(default_factory=dict)


class FaultSchedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that goes wrong on a server; nothing by default.

    payload_bytes  an answer longer than that is 422 PayloadTooLargeError (the cloud's: 5,000,000)
    window_rows    an observations or scores request whose whole window has more rows is 422 "Request timed out",
                   unless it asks for one row only
    string_counts  metrics answer counts as text, as some servers do
    """

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    rows: tuple[RowFault, ...] = ()
    changes: tuple[Change, ...] = ()
    rate_limits: RateLimits | None = None
    payload_bytes: Count | None = None
    window_rows: Count | None = None
    string_counts: bool = False


def read_schedule(file: Path) -> FaultSchedule:
    """A schedule from JSON; raises BadInputError for a file that is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=FaultSchedule)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadInputError(f"{file} is no schedule of faults: {error}.") from None
