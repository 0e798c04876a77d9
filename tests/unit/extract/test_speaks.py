"""The API whose tables the server fills is read: as recorded in each write mode, and where both are served."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from tracemart.errors import LangfuseAuthError, LangfuseResponseError, SettingsError
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.speaks import NEW_METRICS, NEW_OBSERVATIONS, OLD_TRACES, api_of
from tracemart.settings import LangfuseProject

RECORDINGS = Path(__file__).parents[2] / "recordings"
HOST = "http://langfuse.test"
MODES = ("events_only", "dual", "legacy", "legacy_no_preview")

Answers = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def client() -> LangfuseClient:
    project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
    return LangfuseClient(project, Patience(attempts=2, first_pause=timedelta(0)))


@pytest.fixture
def server() -> Iterator[respx.Router]:
    with respx.mock as router:
        yield router


def recorded(mode: str) -> Answers:
    """Answers as the server gave them in that write mode, with the key or without it."""
    entries = json.loads((RECORDINGS / f"40_mode_probe_{mode}.json").read_text())
    known = {(e["request"]["path"], e["note"].endswith("without auth")): e for e in entries}

    def answer(request: httpx.Request) -> httpx.Response:
        entry = known[request.url.path, "authorization" not in request.headers]
        return httpx.Response(entry["status"], json=entry["body"])

    return answer


@pytest.mark.parametrize(
    ("mode", "api"), [("events_only", "v4"), ("dual", "v4"), ("legacy", "v3"), ("legacy_no_preview", "v3")]
)
def test_recorded_servers_are_read_by_what_they_fill(
    server: respx.Router, client: LangfuseClient, mode: str, api: str
) -> None:
    """In mode `legacy` /v2/observations answers 200 from a table that nobody fills."""
    server.get(url__startswith=HOST).mock(side_effect=recorded(mode))

    assert api_of(client, "auto") == api


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("configured", ["v3", "v4"])
def test_configured_api_is_taken_where_it_is_served(
    server: respx.Router, client: LangfuseClient, mode: str, configured: Any
) -> None:
    server.get(url__startswith=HOST).mock(side_effect=recorded(mode))
    served = {"events_only": {"v4"}, "dual": {"v3", "v4"}, "legacy": {"v3"}, "legacy_no_preview": {"v3"}}[mode]

    if configured in served:
        assert api_of(client, configured) == configured
    else:
        with pytest.raises(SettingsError, match=rf"by the {configured} API \(api: {configured}\)"):
            api_of(client, configured)


def test_events_only_server_is_known_without_its_key(server: respx.Router, client: LangfuseClient) -> None:
    server.get(url__startswith=HOST).mock(side_effect=recorded("events_only"))

    assert api_of(client, "auto") == "v4"
    assert [call.request.url.path for call in server.calls] == [OLD_TRACES]


def in_dual(server: respx.Router, trace_ids: list[str], of_v4: list[httpx.Response]) -> None:
    def traces(request: httpx.Request) -> httpx.Response:
        if "authorization" not in request.headers:
            return httpx.Response(401, json={"message": "No authorization header"})
        assert request.url.params["orderBy"] == "timestamp.asc"
        rows = [{"id": trace_id} for trace_id in trace_ids]
        return httpx.Response(200, json={"data": rows, "meta": {"totalItems": len(rows), "totalPages": len(rows)}})

    server.get(f"{HOST}{OLD_TRACES}").mock(side_effect=traces)
    server.get(f"{HOST}{NEW_METRICS}").mock(return_value=httpx.Response(200, json={"data": [{"count_count": "1"}]}))
    server.get(f"{HOST}{NEW_OBSERVATIONS}").mock(side_effect=of_v4)


def found(rows: list[Any], cursor: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"data": rows, "meta": {"cursor": cursor} if cursor else {}})


@pytest.mark.parametrize(
    ("of_v4", "api"),
    [
        ([found([{"id": "t-oldest"}])], "v4"),
        ([found([], "more"), found([{"id": "t-oldest"}])], "v4"),
        ([found([])], "v3"),
        ([found([], "more"), found([])], "v3"),
    ],
)
def test_dual_server_is_read_by_v4_once_that_holds_the_oldest_trace(
    server: respx.Router, client: LangfuseClient, of_v4: list[httpx.Response], api: str
) -> None:
    in_dual(server, ["oldest"], of_v4)

    assert api_of(client, "auto") == api
    assert server.calls.last.request.url.params["traceId"] == "oldest"


def test_dual_server_that_cannot_tell_asks_for_a_setting(server: respx.Router, client: LangfuseClient) -> None:
    in_dual(server, ["oldest"], [httpx.Response(422, json={"message": "Your query could not be completed."})])

    with pytest.raises(SettingsError, match="set api to v4 for this project if its history was copied, else to v3"):
        api_of(client, "auto")


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("asks_for_the_key_first", [True, False])
def test_server_that_took_the_old_endpoints_away_is_read_by_v4(
    server: respx.Router, client: LangfuseClient, status: int, asks_for_the_key_first: bool
) -> None:
    def traces(request: httpx.Request) -> httpx.Response:
        is_first = asks_for_the_key_first and "authorization" not in request.headers
        return httpx.Response(401 if is_first else status, json={"message": "no more"})

    server.get(f"{HOST}{OLD_TRACES}").mock(side_effect=traces)
    server.get(f"{HOST}{NEW_METRICS}").mock(return_value=httpx.Response(200, json={"data": []}))

    assert api_of(client, "auto") == "v4"


def test_404_of_a_proxy_is_no_answer_of_langfuse(server: respx.Router, client: LangfuseClient) -> None:
    server.get(f"{HOST}{OLD_TRACES}").mock(return_value=httpx.Response(404, html="<h1>not found</h1>"))
    server.get(f"{HOST}{NEW_METRICS}").mock(return_value=httpx.Response(404, html="<h1>not found</h1>"))

    assert api_of(client, "auto") == "v3"


@pytest.mark.parametrize(("status", "error"), [(401, LangfuseAuthError), (400, LangfuseResponseError)])
def test_other_errors_are_not_taken_for_an_api(
    server: respx.Router, client: LangfuseClient, status: int, error: type[Exception]
) -> None:
    server.get(f"{HOST}{OLD_TRACES}").mock(return_value=httpx.Response(401, json={"message": "No authorization"}))
    server.get(f"{HOST}{NEW_METRICS}").mock(return_value=httpx.Response(status, json={"message": "no"}))

    with pytest.raises(error):
        api_of(client, "auto")
