"""Each way in which a server can fail ends in one sentence of the right kind, without a key in it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from tracemart.errors import (
    LangfuseAuthError,
    LangfuseError,
    LangfuseOverloadedError,
    LangfuseRateLimitedError,
    LangfuseResponseError,
    LangfuseUnreachableError,
    NotLangfuseError,
)
from tracemart.extract.answers import retry_after
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.settings import LangfuseProject

RECORDINGS = Path(__file__).parents[2] / "recordings"
HOST = "http://langfuse.test:3000"
PROJECT = LangfuseProject(
    instance="demo", host=HOST, public_key="pk-lf-secret1", secret_key=SecretStr("sk-lf-secret2"), name="support"
)
QUICK = Patience(attempts=3, first_pause=timedelta(0), longest_pause=timedelta(seconds=1))


def recorded(file: str, **wanted: Any) -> dict[str, Any]:
    """The first entry of a recording whose status, path or note starts with what is wanted."""
    for entry in json.loads((RECORDINGS / f"{file}.json").read_text()):
        found = {"status": entry.get("status"), "path": entry.get("request", {}).get("path"), "note": entry.get("note")}
        if all(str(found[name]).startswith(str(value)) for name, value in wanted.items()):
            return dict(entry)
    raise LookupError(f"{file} has no entry with {wanted}")


def answer(entry: dict[str, Any]) -> httpx.Response:
    return httpx.Response(entry["status"], headers=entry.get("headers"), json=entry["body"])


def message_of(caught: pytest.ExceptionInfo[LangfuseError]) -> str:
    """The message, after checking what all of them promise."""
    message = str(caught.value)
    assert "langfuse.test:3000" in message
    assert "support" in message
    assert "secret" not in message
    assert message.endswith(".")
    assert "\n" not in message
    return message


@pytest.fixture
def client() -> LangfuseClient:
    return LangfuseClient(PROJECT, QUICK)


@respx.mock
def test_identity_of_a_recorded_server(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/api/public/health").mock(answer(recorded("01_health_projects", note="no auth needed")))
    projects = respx.get(f"{HOST}/api/public/projects").mock(answer(recorded("01_health_projects", note="projects")))

    identity = client.identify()

    assert (identity.project_id, identity.name) == ("proj-rec", "RecordingProject")
    assert (identity.organization_id, identity.organization_name) == ("org-rec", "RecordingOrg")
    assert projects.calls[0].request.headers["authorization"].startswith("Basic ")


@respx.mock
def test_wrong_key(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/api/public/health").mock(answer(recorded("01_health_projects", note="no auth needed")))
    respx.get(f"{HOST}/api/public/projects").mock(answer(recorded("02_auth_and_method_failures", status=401)))

    with pytest.raises(LangfuseAuthError) as caught:
        client.identify()

    assert "LANGFUSE_SECRET_KEY" in message_of(caught)


@respx.mock
def test_key_of_an_organisation(client: LangfuseClient) -> None:
    entry = recorded("17_org_key", status=403)
    respx.get(f"{HOST}/api/public/v3/scores").mock(answer(entry))

    with pytest.raises(LangfuseAuthError) as caught:
        client.get("/api/public/v3/scores")

    assert "403" in message_of(caught)


@respx.mock
def test_no_connection(client: LangfuseClient) -> None:
    route = respx.get(f"{HOST}/api/public/health").mock(side_effect=httpx.ConnectError("Connection refused"))

    with pytest.raises(LangfuseUnreachableError) as caught:
        client.identify()

    assert "Connection refused" in message_of(caught)
    assert route.call_count == QUICK.attempts


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, html="<html><title>Welcome to nginx</title></html>"),
        httpx.Response(404, html="<html>not here</html>"),
        httpx.Response(200, json={"status": "ok"}),
        httpx.Response(200, json=["a", "list"]),
        httpx.Response(401, json={"message": "another service"}),
        httpx.Response(200, content=b"\x00\x01"),
    ],
)
@respx.mock
def test_another_server_is_no_langfuse(client: LangfuseClient, response: httpx.Response) -> None:
    respx.get(f"{HOST}/api/public/health").mock(response)

    with pytest.raises(NotLangfuseError) as caught:
        client.identify()

    assert "no Langfuse" in message_of(caught)


@respx.mock
def test_health_alone_does_not_make_a_langfuse(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/api/public/health").mock(httpx.Response(200, json={"status": "OK", "version": "1"}))
    respx.get(f"{HOST}/api/public/projects").mock(httpx.Response(200, json={"projects": []}))

    with pytest.raises(NotLangfuseError):
        client.identify()


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(429, headers={"retry-after": "0"}, json={"message": "Rate limit exceeded"}),
        httpx.Response(408),
        httpx.Response(500, json={"message": "Internal Server Error"}),
        httpx.Response(502, html="<html>Bad Gateway</html>"),
        httpx.Response(524, html="<html>A timeout occurred</html>"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("Server disconnected"),
        httpx.ReadError("reset"),
        httpx.DecodingError("incorrect header check"),
        httpx.Response(200, html="<html>log in</html>"),
        httpx.Response(200, content=b'{"data": [{"id": "a"'),
        httpx.Response(200, content=b""),
    ],
)
@respx.mock
def test_passing_failures_are_tried_again(client: LangfuseClient, failure: Any) -> None:
    route = respx.get(f"{HOST}/x").mock(side_effect=[failure, failure, httpx.Response(200, json={"data": []})])

    assert client.get("/x") == {"data": []}
    assert route.call_count == 3


@respx.mock
def test_body_comes_as_it_was_sent(client: LangfuseClient) -> None:
    body = b'{"data":[{"totalCost":1e-7}],"meta":{}}\n'
    route = respx.get(f"{HOST}/x").mock(
        side_effect=[httpx.Response(200, content=body[:20]), httpx.Response(200, content=body)]
    )

    assert client.get_bytes("/x", {"limit": 5}) == body
    assert route.calls.last.request.url.params["limit"] == "5"
    assert route.call_count == 2


@respx.mock
def test_body_that_stays_broken_is_named(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/x").mock(httpx.Response(200, content=b'{"data":[{]}', headers={"content-type": "text/json"}))

    def parse(_: bytes) -> None:
        raise ValueError("expected a value")

    with pytest.raises(LangfuseResponseError) as caught:
        client.read("/x", None, parse)

    assert "text/json" in message_of(caught)


@pytest.mark.parametrize("status", [502, 504, 524])
@respx.mock
def test_what_a_proxy_gave_up_is_asked_for_only_a_few_times(status: int) -> None:
    route = respx.get(f"{HOST}/x").mock(httpx.Response(status, html="<html>gave up</html>"))
    patience = Patience(attempts=9, slow_attempts=2, first_pause=timedelta(0))

    with pytest.raises(LangfuseOverloadedError):
        LangfuseClient(PROJECT, patience).get("/x")

    assert route.call_count == 2


@respx.mock
def test_answer_too_large_for_the_server_is_not_repeated(client: LangfuseClient) -> None:
    body = {"message": "Response payload is too large", "error": "PayloadTooLargeError"}
    route = respx.get(f"{HOST}/x").mock(httpx.Response(422, json=body))

    with pytest.raises(LangfuseOverloadedError) as caught:
        client.get_bytes("/x")

    assert "too large" in message_of(caught)
    assert route.call_count == 1


@respx.mock
def test_redirect_without_end(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/x").mock(httpx.Response(302, headers={"location": "/x"}))

    with pytest.raises(NotLangfuseError) as caught:
        client.get("/x")

    message_of(caught)


@respx.mock
def test_wait_is_read_from_the_date_of_the_reset_where_nothing_else_is_said(client: LangfuseClient) -> None:
    headers = {"x-ratelimit-reset": "Sun Nov 22 2126 14:18:27 GMT+0000 (Coordinated Universal Time)"}
    respx.get(f"{HOST}/x").mock(httpx.Response(429, headers=headers, json={"message": "Rate limit exceeded"}))

    with pytest.raises(LangfuseRateLimitedError) as caught:
        client.get("/x")

    assert f"{caught.value.resume_after:%Y-%m-%d %H:%M}" == "2126-11-22 14:18"


class Gate:
    """A pace that keeps account."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def open(self) -> None:
        self.said.append("open")

    def close(self) -> None:
        self.said.append("close")

    def belongs_to(self, organization: str) -> None:
        self.said.append(organization)

    def await_turn(self, path: str) -> None:
        self.said.append(path)

    def refused(self, path: str, limit: int | None, pause: timedelta | None) -> None:
        self.said.append((path, limit, pause))


@respx.mock
def test_pace_is_asked_before_every_try_and_told_of_every_refusal() -> None:
    limited = httpx.Response(429, headers={"retry-after": "0", "x-ratelimit-limit": "30"}, json={})
    respx.get(f"{HOST}/x").mock(side_effect=[limited, httpx.Response(200, json={})])
    gate = Gate()

    with LangfuseClient(PROJECT, QUICK, pace=gate) as client:
        client.get("/x")

    assert gate.said == ["open", "/x", ("/x", 30, timedelta(0)), "/x", "close"]


@respx.mock
def test_pace_learns_the_organisation() -> None:
    respx.get(f"{HOST}/api/public/health").mock(answer(recorded("01_health_projects", note="no auth needed")))
    respx.get(f"{HOST}/api/public/projects").mock(answer(recorded("01_health_projects", note="projects")))
    gate = Gate()

    LangfuseClient(PROJECT, QUICK, pace=gate).identify()

    assert "org-rec" in gate.said


@pytest.mark.parametrize("status", [500, 503, 524])
@respx.mock
def test_lasting_failure_asks_for_a_smaller_query(client: LangfuseClient, status: int) -> None:
    respx.get(f"{HOST}/x").mock(httpx.Response(status, html="<html><body>long page</body></html>"))

    with pytest.raises(LangfuseOverloadedError) as caught:
        client.get("/x")

    assert str(status) in message_of(caught)
    assert "<" not in str(caught.value)


@respx.mock
def test_query_that_clickhouse_gave_up_is_not_repeated(client: LangfuseClient) -> None:
    route = respx.get(f"{HOST}/x").mock(answer(recorded("14_clickhouse_errors_injected", status=422)))

    with pytest.raises(LangfuseOverloadedError) as caught:
        client.get("/x")

    assert "could not be completed" in message_of(caught)
    assert route.call_count == 1


@respx.mock
def test_time_out_asks_for_a_smaller_query(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/x").mock(side_effect=httpx.ReadTimeout("slow"))

    with pytest.raises(LangfuseOverloadedError) as caught:
        client.get("/x")

    assert "60 s" in message_of(caught)


@respx.mock
def test_rate_limit_of_a_day_ends_the_step_and_says_until_when(client: LangfuseClient) -> None:
    entry = recorded("30_rate_limits_cloud_region", status=429, path="/api/public/v2/metrics")
    route = respx.get(f"{HOST}/x").mock(answer(entry))

    before = datetime.now(UTC)
    with pytest.raises(LangfuseRateLimitedError) as caught:
        client.get("/x")

    seconds = int(entry["headers"]["retry-after"])
    assert timedelta(0) <= caught.value.resume_after - before - timedelta(seconds=seconds) < timedelta(seconds=30)
    assert f"{caught.value.resume_after:%Y-%m-%d %H:%M}" in message_of(caught)
    assert route.call_count == 1


@respx.mock
def test_rate_limit_that_does_not_end(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/x").mock(httpx.Response(429, headers={"retry-after": "0"}, json={"message": "limited"}))

    with pytest.raises(LangfuseRateLimitedError) as caught:
        client.get("/x")

    message_of(caught)


@respx.mock
def test_log_in_page_instead_of_json(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/x").mock(httpx.Response(200, html="<html>log in</html>"))

    with pytest.raises(LangfuseResponseError) as caught:
        client.get("/x")

    assert "text/html" in message_of(caught)


@respx.mock
def test_refused_query_says_what_the_server_says(client: LangfuseClient) -> None:
    respx.get(f"{HOST}/x").mock(answer(recorded("05_observations_v2_limits_and_cursors", status=400)))

    with pytest.raises(LangfuseResponseError) as caught:
        client.get("/x")

    assert "400: Invalid request data" in message_of(caught)


def test_password_in_the_host_is_not_shown() -> None:
    project = PROJECT.model_copy(update={"host": "http://user:secret@langfuse.test:3000"})

    assert "secret" not in LangfuseClient(project).where


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("59", 59),
        ("0", 0),
        ("-5", 0),
        ("1.5", 1.5),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun Nov 22 2026 14:18:27 GMT+0000 (Coordinated Universal Time)", 8307),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    pause = retry_after(header, datetime(2026, 11, 22, 12, tzinfo=UTC))

    assert pause == (None if seconds is None else timedelta(seconds=seconds))
