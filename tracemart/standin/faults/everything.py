"""All faults at once, each as often as a run that repeats its failed requests can bear."""

from __future__ import annotations

from tracemart.standin.faults.schedule import Change, Fault, FaultSchedule, RowFault


def all_faults(seed: int = 0, *, window_rows: int | None = None, payload_bytes: int | None = None) -> FaultSchedule:
    """Every kind of fault, once each within 45 requests, then in about one request of five; a wait is a second at most.

    The limit that a 429 names is high, lest a reader that paces itself by it takes long. Left out are the plan's
    rate limits and waits of a day, which end a run instead of delaying it.
    `window_rows` and `payload_bytes` must leave room for the narrowest request that the reader makes.
    """
    return FaultSchedule(
        seed=seed,
        faults=(
            Fault(kind="rate_limited", at=(2,), probability=0.01, seconds=0.05, limit=60_000),
            Fault(kind="server_error", at=(5,), probability=0.03),
            Fault(kind="unavailable", at=(8,), probability=0.02),
            Fault(kind="bad_gateway", at=(11,), probability=0.02),
            Fault(kind="gateway_timeout", at=(14,), probability=0.02),
            Fault(kind="cloudflare_timeout", at=(17,), probability=0.02),
            Fault(kind="timed_out", at=(20,), probability=0.02),
            Fault(kind="too_large", at=(23,), probability=0.02),
            Fault(kind="cut", at=(26,), probability=0.02, share=0.7),
            Fault(kind="cut", at=(29,), probability=0.01, share=0.0),
            Fault(kind="slow", at=(32,), probability=0.02, seconds=0.05),
            Fault(kind="empty_page", at=(35,), probability=0.1),
            Fault(kind="short_page", at=(38,), probability=0.1),
            Fault(kind="repeated_row", at=(41,), probability=0.1),
        ),
        rows=(
            RowFault(kind="unknown_type", share=0.02),
            RowFault(kind="unknown_level", share=0.02),
            RowFault(kind="negative_latency", share=0.02),
            RowFault(kind="null_total_cost", share=0.5),
            RowFault(kind="number_prices", share=0.3),
            RowFault(kind="absent_keys", share=0.3, keys=("bookmarked", "public", "release", "promptVersion")),
            RowFault(kind="unknown_type", entity="scores", share=0.02),
            RowFault(kind="bad", share=0.002),
            RowFault(kind="bad", entity="scores", share=0.005),
        ),
        changes=(
            Change(kind="long_metadata", share=0.05),
            Change(kind="late", share=0.05, after_requests=15),
            Change(kind="same_start", share=0.03),
            Change(kind="moved_start", share=0.03),
            Change(kind="overwrite_scores", share=0.1, after_requests=60),
            Change(kind="delete_traces", share=0.02, after_requests=150),
            Change(kind="delete_scores", share=0.02, after_requests=150),
            Change(kind="merge", after_requests=200),
        ),
        window_rows=window_rows,
        payload_bytes=payload_bytes,
        string_counts=True,
    )
