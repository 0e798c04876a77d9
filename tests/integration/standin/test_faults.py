"""Each fault that a schedule names is shown as a server or a proxy would, and is over when it should be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tracemart.standin.faults import Fault, FaultRun, FaultSchedule, RateLimits, RowFault
from tracemart.standin.faults.schedule import AnswerKind, PageKind
from tracemart.standin.process import serving_process
from tracemart.standin.store import Store
from tracemart.standin.workloads import Workload

from .conftest import keys_for, running
from .patient_reader import ALL_FIELDS, Reader

PROJECT = "sales-copilot"
OBSERVATIONS, SCORES = "/api/public/v2/observations", "/api/public/v3/scores"


@pytest.fixture
def store(made: Workload) -> Store:
    return made.store(keys_for(list(made.rows)))


@contextmanager
def misbehaving(store: Store, schedule: FaultSchedule | FaultRun) -> Iterator[httpx.Client]:
    with running(store, schedule) as server, server.client(PROJECT) as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "text"),
    [
        ("server_error", 500, "application/json", "Internal Server Error"),
        ("unavailable", 503, "application/json", "Service Unavailable"),
        ("timed_out", 422, "application/json", "Request timed out"),
        ("too_large", 422, "application/json", "PayloadTooLargeError"),
        ("bad_gateway", 502, "text/html", "<!DOCTYPE html>"),
        ("gateway_timeout", 504, "text/html", "<!DOCTYPE html>"),
        ("cloudflare_timeout", 524, "text/html", "<!DOCTYPE html>"),
    ],
)
def test_an_answer_fails_at_the_named_requests_only(
    store: Store, kind: AnswerKind, status: int, content_type: str, text: str
) -> None:
    fault = Fault(kind=kind, at=(2, 3), path="v2/observations")
    with misbehaving(store, FaultSchedule(faults=(fault,))) as client:
        answers = [client.get(OBSERVATIONS) for _ in range(4)]
        elsewhere = client.get(SCORES)

    assert [answer.status_code for answer in answers] == [200, status, status, 200]
    assert answers[1].headers["content-type"].startswith(content_type)
    assert text in answers[1].text
    assert elsewhere.status_code == 200


def test_a_day_long_wait_is_told_as_the_cloud_tells_it(store: Store) -> None:
    run = FaultRun(FaultSchedule(faults=(Fault(kind="rate_limited", at=(1,), seconds=86_400),)), store, lambda: 1e9)
    with misbehaving(store, run) as client:
        answer = client.get(OBSERVATIONS)

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "86400"
    assert answer.headers["x-ratelimit-reset"] == "Mon Sep 10 2001 01:46:40 GMT+0000 (Coordinated Universal Time)"
    assert answer.json()["details"] == {
        "retryAfterSeconds": 86_400, "limit": 30, "remaining": 0, "resetAt": "2001-09-10T01:46:40.000Z",
    }  # fmt: skip


def test_all_but_the_last_request_of_a_minute_pass_for_all_projects_together(store: Store) -> None:
    now = [1_700_000_000.0]
    run = FaultRun(FaultSchedule(rate_limits=RateLimits(plan="hobby")), store, lambda: now[0])
    with running(store, run) as server, server.client(PROJECT) as one, server.client("support-assistant") as other:
        statuses = [client.get(OBSERVATIONS, params={"limit": 1}).status_code for client in [one, other] * 15]
        assert statuses == [200] * 29 + [429]
        now[0] += 30.5
        limited = one.get(SCORES, params={"limit": 1000})
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "30")
        assert limited.headers["x-ratelimit-remaining"] == "0"
        assert one.get("/api/public/projects").status_code == 200
        assert one.get("/api/public/v2/prompts").status_code == 200
        assert httpx.get(server.address + "/api/public/health").status_code == 200
        assert httpx.get(server.address + OBSERVATIONS, auth=("pk-lf-no", "sk-lf-no")).status_code == 401
        now[0] += 29.5
        assert one.get(SCORES, params={"limit": 1000}).status_code == 400


def test_legacy_routes_have_a_bucket_of_their_own_and_say_what_to_use_instead(store: Store) -> None:
    limits = RateLimits(limits={"public-api-legacy": 3, "public-api-v2-metrics": 2})
    with misbehaving(store, FaultSchedule(rate_limits=limits)) as client:
        legacy = [client.get("/api/public/traces") for _ in range(3)]
        metrics = [client.get("/api/public/v2/metrics") for _ in range(2)]
        free = client.get(OBSERVATIONS)

    assert [answer.status_code for answer in legacy] == [404, 404, 429]
    assert "for GET /api/public/traces. Use GET /api/public/v2/observations?" in legacy[-1].json()["message"]
    assert [answer.status_code for answer in metrics] == [400, 429]
    assert int(metrics[-1].headers["retry-after"]) > 86_000
    assert free.status_code == 200


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_cut_answer_ends_before_its_promised_length(store: Store, share: float) -> None:
    with misbehaving(store, FaultSchedule(faults=(Fault(kind="cut", at=(1,), share=share),))) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(OBSERVATIONS)
        assert client.get(OBSERVATIONS).status_code == 200


def test_a_slow_answer_comes_after_the_clients_patience(store: Store) -> None:
    with misbehaving(store, FaultSchedule(faults=(Fault(kind="slow", at=(1,), seconds=0.8),))) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get(OBSERVATIONS, timeout=0.2)
        assert client.get(OBSERVATIONS).status_code == 200


def test_an_answer_over_the_bound_is_too_large_until_less_is_asked(store: Store) -> None:
    with misbehaving(store, FaultSchedule(payload_bytes=20_000)) as client:
        large = client.get(OBSERVATIONS, params={"limit": 100, "fields": ALL_FIELDS})
        small = client.get(OBSERVATIONS, params={"limit": 10, "fields": ALL_FIELDS})

    assert (large.status_code, large.json()["error"]) == (422, "PayloadTooLargeError")
    assert small.status_code == 200


def test_a_wide_window_times_out_until_it_is_narrowed_on_every_page(store: Store) -> None:
    starts = [row.start_ms for row in store.projects[PROJECT].observations()]
    noon = "2026-11-10T12:00:00Z"
    half = sum(start < 1_000 * datetime.fromisoformat(noon).timestamp() for start in starts)
    with misbehaving(store, FaultSchedule(window_rows=max(half, len(starts) - half))) as client:
        wide = client.get(OBSERVATIONS, params={"limit": 2})
        single = client.get(OBSERVATIONS, params={"limit": 1})
        halves = [Reader(client).every_row(OBSERVATIONS, limit=200, **{bound: noon})
                  for bound in ("fromStartTime", "toStartTime")]  # fmt: skip

    assert (wide.status_code, wide.json()["error"]) == (422, "Request timed out")
    assert len(single.json()["data"]) == 1
    assert [len(rows) for rows in halves] == [len(starts) - half, half]


@pytest.mark.parametrize("path", [OBSERVATIONS, SCORES])
@pytest.mark.parametrize(
    ("kind", "share"), [("empty_page", 0.5), ("short_page", 0.0), ("short_page", 0.6), ("repeated_row", 0.5)]
)
def test_a_chain_of_odd_pages_still_holds_each_row(store: Store, path: str, kind: PageKind, share: float) -> None:
    rows = store.projects[PROJECT].observations() if path == OBSERVATIONS else store.projects[PROJECT].scores()
    fault = Fault(kind=kind, at=(1,), every=3, share=share)
    run = FaultRun(FaultSchedule(faults=(fault,)), store)
    with misbehaving(store, run) as client:
        read = Reader(client).every_row(path, limit=37 if path == OBSERVATIONS else 7)

    ids = [row["id"] for row in read]
    assert list(dict.fromkeys(ids)) == [row.id for row in reversed(rows)]
    assert (len(ids) > len(rows)) == (kind == "repeated_row")
    assert run.shown[kind] > 3


def test_an_odd_first_page_of_a_window_goes_on_within_it(store: Store) -> None:
    window = {"fromStartTime": "2026-11-01T00:00:00Z", "toStartTime": "2026-11-08T00:00:00Z"}
    with misbehaving(store, FaultSchedule(faults=(Fault(kind="empty_page", at=(2,)),))) as client:
        plain = Reader(client).every_row(OBSERVATIONS, limit=1000, **window)
        first = client.get(OBSERVATIONS, params={"limit": 1000, **window}).json()
        odd = Reader(client).every_row(OBSERVATIONS, limit=1000, cursor=first["meta"]["cursor"], **window)

    assert first["data"] == []
    assert odd == plain


@pytest.mark.parametrize(
    ("fault", "is_odd"),
    [
        (RowFault(kind="unknown_type", share=0.2), lambda row: row["type"] == "HYPERVISOR"),
        (RowFault(kind="unknown_level", share=0.2), lambda row: row["level"] == "CRITICAL"),
        (RowFault(kind="negative_latency", share=0.2), lambda row: row["endTime"] < row["startTime"]),
        (RowFault(kind="null_total_cost", share=1.0), lambda row: row["totalCost"] is None),
        (RowFault(kind="number_prices", share=0.5), lambda row: isinstance(row["inputPrice"], float)),
        (RowFault(kind="absent_keys", share=0.5, keys=("release", "tags")), lambda row: "tags" not in row),
        (RowFault(kind="bad", share=0.2),
         lambda row: not all(isinstance(row.get(key), str) for key in ("id", "traceId", "startTime"))
         or row["startTime"] == "yesterday" or row["usageDetails"] == {"input": "many"}),
    ],
    ids=lambda value: value.kind if isinstance(value, RowFault) else "",
)  # fmt: skip
def test_the_same_share_of_rows_is_odd_each_time_until_the_fault_is_over(
    store: Store, fault: RowFault, is_odd: Callable[[dict[str, Any]], bool]
) -> None:
    run = FaultRun(FaultSchedule(rows=(fault,), seed=3), store)
    with misbehaving(store, run) as client:
        reader = Reader(client)
        first = reader.every_row(OBSERVATIONS, limit=1000, fields=ALL_FIELDS)
        again = reader.every_row(OBSERVATIONS, limit=111, fields=ALL_FIELDS)
        run.finish()
        after = reader.every_row(OBSERVATIONS, limit=1000, fields=ALL_FIELDS)

    odd = [row for row in first if is_odd(row)]
    assert first == again
    assert 0 < len(odd) <= len(first)
    assert len(odd) < len(first) or fault.share == 1
    assert not [row for row in after if is_odd(row)]
    assert len(after) == len(first)


def test_a_row_fault_is_over_from_the_request_it_names(store: Store) -> None:
    fault = RowFault(kind="bad", entity="scores", share=1.0, until_request=3)
    with misbehaving(store, FaultSchedule(rows=(fault,))) as client:
        pages = [client.get(SCORES).json()["data"] for _ in range(3)]
    assert [{row["timestamp"] == "yesterday" for row in page} for page in pages] == [{True}, {True}, {False}]


def test_counts_may_come_as_text(store: Store) -> None:
    query = {
        "view": "observations", "dimensions": [{"field": "type"}],
        "metrics": [{"measure": "count", "aggregation": "count"}, {"measure": "totalCost", "aggregation": "sum"}],
        "fromTimestamp": "2026-10-01T00:00:00Z", "toTimestamp": "2026-11-22T00:00:00Z",
    }  # fmt: skip
    rows = store.projects[PROJECT].observations()
    with misbehaving(store, FaultSchedule(string_counts=True)) as client:
        found = client.get("/api/public/v2/metrics", params={"query": json.dumps(query)}).json()["data"]
    assert {row["type"]: row["count_count"] for row in found} == {
        kind: str(sum(row.type == kind for row in rows)) for kind in {row.type for row in rows}
    }
    assert all(not isinstance(row["sum_totalCost"], str) for row in found)


def test_a_process_misbehaves_by_a_file_and_ends_it_when_told(made: Workload, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('{"faults": [{"kind": "server_error", "every": 1}], "changes": [{"kind": "late", "share": 0.5}]}')
    keys = keys_for(list(made.rows))
    arguments = ["--faults", str(faults), "--observations", "300", "--days", "3", "--end", "2026-11-22"]
    pair = keys[PROJECT]
    with (
        serving_process(arguments, keys) as address,
        httpx.Client(base_url=address, auth=(pair.public_key, pair.secret_key), timeout=30) as client,
    ):
        assert client.get(OBSERVATIONS).status_code == 500
        before = client.get("/standin/faults").json()
        after = client.post("/standin/faults/finish").json()
        assert client.get(OBSERVATIONS).status_code == 200
    assert before["shown"] == {"server_error": 1}
    assert before["late"] > 0
    assert after["late"] == 0


def test_a_file_that_is_no_schedule_is_refused_with_what_is_wrong_in_it(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('{"faults": [{"kind": "earthquake"}]}')
    command = [sys.executable, "-m", "tracemart.standin", "serve", "--port", "0", "--keys", "none", "--faults"]
    done = subprocess.run([*command, str(faults)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is no schedule of faults" in done.stderr
    assert "earthquake" in done.stderr


def test_requests_that_no_key_opens_are_not_counted(store: Store) -> None:
    run = FaultRun(FaultSchedule(faults=(Fault(kind="server_error", at=(1,)),)), store)
    with running(store, run) as server:
        assert httpx.get(server.address + OBSERVATIONS).status_code == 401
        with server.client(PROJECT) as client:
            assert client.get(OBSERVATIONS).status_code == 500
    assert run.requests == 1
