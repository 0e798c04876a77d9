"""Superset's REST API, as far as importing dashboards and running their charts needs it."""

import json
import time
from types import TracebackType
from typing import Any, Self

import httpx

from tracemart.errors import SupersetError

PAGE = 100


class SupersetClient:
    """A signed-in session. Every failure is a SupersetError of one sentence that names what was asked."""

    def __init__(self, base_url: str, username: str, password: str, *, timeout: float = 60.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(base_url=self.base_url, timeout=timeout, trust_env=False)
        self._username = username
        self._password = password

    def __enter__(self) -> Self:
        try:
            self.sign_in()
        except BaseException:
            self._http.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def sign_in(self) -> None:
        answer = self._request(
            "POST",
            "/api/v1/security/login",
            json={"username": self._username, "password": self._password, "provider": "db", "refresh": False},
        )
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"
        token = self._request("GET", "/api/v1/security/csrf_token/")["result"]
        self._http.headers["X-CSRFToken"] = token
        self._http.headers["Referer"] = self.base_url

    def import_assets(self, bundle: bytes, passwords: dict[str, str]) -> None:
        """Import a bundle in one transaction; `passwords` by the file of the database in the bundle."""
        self._request(
            "POST",
            "/api/v1/assets/import/",
            files={"bundle": ("tracemart.zip", bundle, "application/zip")},
            data={"passwords": json.dumps(passwords)},
        )

    def dashboards(self) -> list[dict[str, Any]]:
        """id, slug, dashboard_title, … of every dashboard."""
        return self._pages("/api/v1/dashboard/")

    def charts(self) -> list[dict[str, Any]]:
        """id, slice_name, viz_type, … of every chart."""
        return self._pages("/api/v1/chart/")

    def dashboard(self, slug: str) -> dict[str, Any]:
        """One dashboard: id, slug, position_json, json_metadata, css, …"""
        found: dict[str, Any] = self._request("GET", f"/api/v1/dashboard/{slug}")["result"]
        return found

    def chart_data(self, chart_id: int) -> list[dict[str, Any]]:
        """One entry per query of the chart: data (rows), rowcount, query (SQL), error."""
        results: list[dict[str, Any]] = self._request("GET", f"/api/v1/chart/{chart_id}/data/?force=true")["result"]
        return results

    def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._request("GET", f"{path}?q=(page:{len(found) // PAGE},page_size:{PAGE})")
            found += page["result"]
            if len(found) >= page["count"] or not page["result"]:
                return found

    def _request(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise SupersetError(
                f"Superset at {self.base_url} does not answer ({type(error).__name__}): see whether it runs"
                " (./run status)."
            ) from None
        if response.status_code == httpx.codes.UNAUTHORIZED and path.endswith("/login"):
            raise SupersetError(f"Superset at {self.base_url} refuses the log-in of {self._username}.")
        if response.is_error:
            raise SupersetError(f"Superset refuses {method} {path}: {reason(response)}")
        answer: dict[str, Any] = response.json()
        return answer


def reason(response: httpx.Response) -> str:
    """What Superset says of a refusal, short and on one line."""
    try:
        content = response.json()
    except ValueError:
        return f"status {response.status_code}."
    errors = content.get("errors") or []
    parts = [str(error.get("message", "")) for error in errors]
    parts += [json.dumps(error["extra"]) for error in errors if error.get("extra")]
    text = " ".join(" ".join(parts).split()) or str(content.get("message") or content)
    return f"status {response.status_code}, {text[:600]}"


def wait_until_healthy(base_url: str, *, seconds: float = 120.0) -> None:
    """Return once Superset answers. Raises SupersetError after that many seconds."""
    deadline = time.monotonic() + seconds
    with httpx.Client(base_url=base_url, timeout=5.0, trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                # /health says OK before the application's own pages work; the log-in page needs all of it.
                if http.get("/health").is_success and http.get("/login/").is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.3)
    raise SupersetError(f"Superset at {base_url} did not come up within {seconds:.0f} seconds: see its log.")
