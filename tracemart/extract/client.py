"""One Langfuse project over HTTP: keep-alive, retries, and errors that say what to do."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import httpx
import orjson
import tenacity

from tracemart.errors import (
    LangfuseAuthError,
    LangfuseNotFoundError,
    LangfuseOverloadedError,
    LangfuseRateLimitedError,
    LangfuseResponseError,
    LangfuseUnreachableError,
    NotLangfuseError,
)
from tracemart.extract.answers import error_message, parse_json, parse_object, pause_asked, whole_object
from tracemart.settings import LangfuseProject

__all__ = ["LangfuseClient", "Pace", "Patience", "ProjectIdentity", "address_of", "parse_json"]

USER_AGENT = "tracemart"
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 520, 522, 524, 529})
# What comes after a minute or two of waiting: a smaller query then helps more than many tries.
SLOW_STATUSES = frozenset({408, 502, 504, 522, 524})
TOO_MUCH_STATUSES = frozenset({408, 413, 422})

Parsed = TypeVar("Parsed")

logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Patience:
    """How long a request is tried again: pauses double from `first_pause`; a longer Retry-After ends the step.

    `slow_attempts` holds for what took the server long to fail: time-outs and what proxies say of them.
    """

    attempts: int = 5
    slow_attempts: int = 3
    first_pause: timedelta = timedelta(seconds=0.5)
    longest_pause: timedelta = timedelta(seconds=60)
    connect_timeout: timedelta = timedelta(seconds=10)
    # ClickHouse gives up after 30 s and the server answers 422 then: langfuse.md, 0b.19.
    read_timeout: timedelta = timedelta(seconds=60)


@dataclass(frozen=True)
class ProjectIdentity:
    """What the server says that the key belongs to."""

    project_id: str
    name: str | None
    organization_id: str | None
    organization_name: str | None
    metadata: Any
    retention_days: int | None


class Pace(Protocol):
    """What keeps a client from asking too often; tracemart.extract.pacing has the real one."""

    def open(self) -> None:
        """Wait until this client may begin. Raises LangfuseBusyError."""

    def close(self) -> None: ...

    def belongs_to(self, organization: str) -> None:
        """The organisation that limits count for."""

    def await_turn(self, path: str) -> None:
        """Wait until a request may go. Raises LangfuseRateLimitedError if that is too long."""

    def refused(self, path: str, limit: int | None, pause: timedelta | None) -> None:
        """The server answered 429: it takes `limit` requests a window, and again after `pause`."""


class _TryAgainError(Exception):
    def __init__(self, response: httpx.Response, pause: timedelta | None) -> None:
        super().__init__()
        self.response = response
        self.pause = pause

    @property
    def was_slow(self) -> bool:
        return self.response.status_code in SLOW_STATUSES


class LangfuseClient:
    """Reads JSON answers of one project's public API. A client is used by one thread at a time.

    With a pace it waits for its turn before each request, and on entering for its turn at the server; what a pace
    raises comes through.
    """

    def __init__(self, project: LangfuseProject, patience: Patience | None = None, *, pace: Pace | None = None) -> None:
        self.project = project
        self.patience = patience or Patience()
        self.pace = pace
        self.address = address_of(project)
        named = f", project {project.name}" if project.name else ""
        self.where = f"Langfuse at {self.address} (instance {project.instance}{named})"
        self._http = httpx.Client(
            base_url=project.host.rstrip("/"),
            auth=httpx.BasicAuth(project.public_key, project.secret_key.get_secret_value()),
            headers={"accept": "application/json", "accept-encoding": "gzip, deflate", "user-agent": USER_AGENT},
            timeout=httpx.Timeout(
                self.patience.read_timeout.total_seconds(), connect=self.patience.connect_timeout.total_seconds()
            ),
            follow_redirects=True,
        )

    def __enter__(self) -> Self:
        if self.pace is not None:
            try:
                self.pace.open()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()
        if self.pace is not None:
            self.pace.close()

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """The JSON object that the server answers with 200. Raises what `read` raises."""
        return self.read(path, parameters, parse_object)

    def get_bytes(self, path: str, parameters: Mapping[str, str | int] | None = None) -> bytes:
        """The text of the JSON object that the server answers with 200, from brace to brace but not parsed.

        Raises what `read` raises.
        """
        return self.read(path, parameters, whole_object)

    def read(self, path: str, parameters: Mapping[str, str | int] | None, parse: Callable[[bytes], Parsed]) -> Parsed:
        """What `parse` makes of the body of a 200; a body on which it raises ValueError is asked for again.

        Raises LangfuseUnreachableError, LangfuseAuthError, LangfuseRateLimitedError, LangfuseNotFoundError,
        LangfuseOverloadedError (a smaller query may work) and LangfuseResponseError.
        """
        for left in reversed(range(self.patience.slow_attempts)):
            response = self.request(path, parameters)
            if response.status_code != 200:
                raise self._error_of(path, response)
            try:
                return parse(response.content)
            except ValueError:
                if left:
                    time.sleep(self.patience.first_pause.total_seconds())
        kind = response.headers.get("content-type", "something without a type")
        raise LangfuseResponseError(
            f"{self.where} answered {path} with {kind} instead of a JSON object, {self.patience.slow_attempts} times;"
            " look for a proxy or a log-in page between Tracemart and Langfuse."
        )

    def request(
        self, path: str, parameters: Mapping[str, str | int] | None = None, *, with_key: bool = True
    ) -> httpx.Response:
        """The answer after retries, whatever its status."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((_TryAgainError, httpx.TransportError, httpx.DecodingError)),
            stop=self._is_enough,
            wait=self._pause,
            reraise=True,
        )
        try:
            response: httpx.Response = retrying(self._request_once, path, parameters, with_key)
        except _TryAgainError as error:
            return error.response
        except httpx.TimeoutException as error:
            if isinstance(error, httpx.ConnectTimeout):
                raise self._unreachable("no connection in time") from None
            raise LangfuseOverloadedError(
                f"{self.where} did not answer {path} within {self.patience.read_timeout.total_seconds():g} s,"
                f" {self.patience.slow_attempts} times. Run it again later, or with a shorter --from/--to."
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._unreachable(_reason(error)) from None
        except httpx.TooManyRedirects:
            raise NotLangfuseError(
                f"{self.where} sends from one address to the next without an end; check LANGFUSE_HOST (scheme, name)."
            ) from None
        return response

    def identify(self) -> ProjectIdentity:
        """The project that the key belongs to. Raises NotLangfuseError, LangfuseAuthError and what `get` raises."""
        self._expect_langfuse()
        answer = self.get("/api/public/projects")
        projects = answer.get("data")
        if not isinstance(projects, list) or not all(isinstance(entry, dict) for entry in projects):
            raise NotLangfuseError(
                f"{self.where} answers, but not as Langfuse does: /api/public/projects has no list of projects."
                " Check LANGFUSE_HOST (scheme, name, port, no path)."
            )
        if len(projects) != 1 or not isinstance(projects[0].get("id"), str):
            raise LangfuseAuthError(
                f"The key for {self.where} opens {len(projects)} projects instead of one;"
                " use a project's own key (Langfuse: project settings, API keys)."
            )
        project = projects[0]
        organization = project.get("organization") or {}
        if self.pace is not None:
            self.pace.belongs_to(organization.get("id") or project["id"])
        return ProjectIdentity(
            project_id=project["id"],
            name=project.get("name") or None,
            organization_id=organization.get("id"),
            organization_name=organization.get("name"),
            metadata=project.get("metadata"),
            retention_days=project.get("retentionDays"),
        )

    def _expect_langfuse(self) -> None:
        response = self.request("/api/public/health", with_key=False)
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            answer = None
        if isinstance(answer, dict) and "version" in answer and "status" in answer:
            return
        if response.status_code >= 500 or response.status_code == 429:
            raise self._error_of("/api/public/health", response)
        raise NotLangfuseError(
            f"{self.where} answers, but it is no Langfuse: /api/public/health gave {response.status_code}"
            f" {response.headers.get('content-type', 'without a type')} instead of a status and a version."
            " Check LANGFUSE_HOST (scheme, name, port, no path)."
        )

    def _request_once(self, path: str, parameters: Mapping[str, str | int] | None, with_key: bool) -> httpx.Response:
        if self.pace is not None:
            self.pace.await_turn(path)
        response = self._http.get(path, params=parameters, auth=httpx.USE_CLIENT_DEFAULT if with_key else None)
        if response.status_code in RETRIED_STATUSES:
            pause = pause_asked(response)
            if response.status_code == 429 and self.pace is not None:
                limit = response.headers.get("x-ratelimit-limit", "")
                self.pace.refused(path, int(limit) if limit.isdecimal() else None, pause)
            if pause is not None and pause > self.patience.longest_pause:
                raise self._rate_limited(pause)
            raise _TryAgainError(response, pause)
        return response

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, _TryAgainError) and error.pause is not None:
            return error.pause.total_seconds()
        doubled: timedelta = self.patience.first_pause * 2 ** (state.attempt_number - 1)
        return min(doubled, self.patience.longest_pause).total_seconds()

    def _is_enough(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        was_slow = (
            error.was_slow
            if isinstance(error, _TryAgainError)
            else isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)
        )
        most = self.patience.slow_attempts if was_slow else self.patience.attempts
        return state.attempt_number >= most

    def _error_of(self, path: str, response: httpx.Response) -> Exception:
        status = response.status_code
        said = error_message(response)
        if status in (401, 403):
            hint = (
                "this looks like an organisation's key; use a project's own"
                if "organization" in said.lower()
                else "check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, and that they belong to this host"
            )
            return LangfuseAuthError(f"{self.where} refuses the key ({status}): {hint}.")
        if status == 429:
            return self._rate_limited(pause_asked(response) or self.patience.longest_pause)
        if status in TOO_MUCH_STATUSES or status >= 500:
            return LangfuseOverloadedError(
                f"{self.where} could not answer {path} ({status}{': ' + said if said else ''})."
                " Run it again later, or with a shorter --from/--to."
            )
        if status == 404:
            return LangfuseNotFoundError(f"{self.where} has no {path}{': ' + said if said else ''}.")
        return LangfuseResponseError(
            f"{self.where} refused {path} ({status}{': ' + said if said else ''});"
            " this version of Langfuse may be one that Tracemart does not know."
        )

    def _rate_limited(self, pause: timedelta) -> LangfuseRateLimitedError:
        resume_after = datetime.now(UTC) + pause
        return LangfuseRateLimitedError(
            f"{self.where} limits the rate of requests and answers again at {resume_after:%Y-%m-%d %H:%M:%S} UTC;"
            " run it again after that.",
            resume_after,
        )

    def _unreachable(self, reason: str) -> LangfuseUnreachableError:
        return LangfuseUnreachableError(
            f"{self.where} does not answer: {reason}. Check LANGFUSE_HOST and that the server runs."
        )


def _reason(error: httpx.RequestError) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__


def address_of(project: LangfuseProject) -> str:
    """Scheme, host and port, without what else a URL may hold (user and password)."""
    url = httpx.URL(project.host)
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")
