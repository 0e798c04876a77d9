import httpx
import pytest
import respx

from tracemart.errors import SupersetError
from tracemart.superset.client import SupersetClient, wait_until_healthy

URL = "http://127.0.0.1:8088"
PASSWORD = "never-to-be-shown"


def signed_in(mock: respx.MockRouter) -> None:
    mock.post("/api/v1/security/login").respond(json={"access_token": "token"})
    mock.get("/api/v1/security/csrf_token/").respond(json={"result": "csrf"})


@respx.mock(base_url=URL)
def test_an_import_sends_the_token_and_the_password_beside_the_bundle(respx_mock: respx.MockRouter) -> None:
    signed_in(respx_mock)
    route = respx_mock.post("/api/v1/assets/import/").respond(json={"message": "OK"})
    with SupersetClient(URL, "admin", PASSWORD) as client:
        client.import_assets(b"zip", {"databases/tracemart.yaml": "secret"})
    request = route.calls.last.request
    assert request.headers["Authorization"] == "Bearer token"
    assert request.headers["X-CSRFToken"] == "csrf"
    assert b'{"databases/tracemart.yaml": "secret"}' in request.content


@respx.mock(base_url=URL)
def test_pages_are_read_to_the_last(respx_mock: respx.MockRouter) -> None:
    signed_in(respx_mock)
    pages = [[{"id": number} for number in range(100)], [{"id": 100}]]
    respx_mock.get(url__startswith=f"{URL}/api/v1/chart/").mock(
        side_effect=[httpx.Response(200, json={"count": 101, "result": page}) for page in pages]
    )
    with SupersetClient(URL, "admin", PASSWORD) as client:
        assert [chart["id"] for chart in client.charts()] == list(range(101))


@respx.mock(base_url=URL)
def test_a_wrong_password_is_one_sentence_without_it(respx_mock: respx.MockRouter) -> None:
    respx_mock.post("/api/v1/security/login").respond(401, json={"message": "Not authorized"})
    with (
        pytest.raises(SupersetError, match="refuses the log-in of admin") as error,
        SupersetClient(URL, "admin", PASSWORD),
    ):
        pass
    assert PASSWORD not in str(error.value)


@respx.mock(base_url=URL)
def test_a_superset_that_does_not_answer_is_named(respx_mock: respx.MockRouter) -> None:
    respx_mock.post("/api/v1/security/login").mock(side_effect=httpx.ConnectError("refused"))
    with (
        pytest.raises(SupersetError, match=r"127\.0\.0\.1:8088 does not answer"),
        SupersetClient(URL, "admin", PASSWORD),
    ):
        pass


@respx.mock(base_url=URL)
def test_a_refused_import_says_why(respx_mock: respx.MockRouter) -> None:
    signed_in(respx_mock)
    respx_mock.post("/api/v1/assets/import/").respond(
        422, json={"errors": [{"message": "Error importing assets", "extra": {"charts/x.yaml": "bad"}}]}
    )
    with SupersetClient(URL, "admin", PASSWORD) as client, pytest.raises(SupersetError, match=r"charts/x\.yaml"):
        client.import_assets(b"zip", {})


@respx.mock(base_url=URL)
def test_a_server_that_never_comes_up_is_reported(respx_mock: respx.MockRouter) -> None:
    respx_mock.get("/health").respond(503)
    with pytest.raises(SupersetError, match="did not come up within 1 seconds"):
        wait_until_healthy(URL, seconds=1)
