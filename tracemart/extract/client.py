"""One Langfuse project over HTTP: keep-alive, retries, and errors that say what to do."""

import email.utils
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

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
from tracemart.settings import LangfuseProject

USER_AGENT = "tracemart"
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 520, 522, 524, 529})
TOO_MUCH_STATUSES = frozenset({408, 413, 422})

_HALF_PAIR = re.compile("[\ud800-\udfff]")

logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Patience:
    """How long a request is tried again: pauses double from `first_pause`; a longer Retry-After ends the step."""

    attempts: int = 5
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


class _TryAgainError(Exception):
    def __init__(self, response: httpx.Response, pause: timedelta | None) -> None:
        super().__init__()
        self.response = response
        self.pause = pause


class LangfuseClient:
    """Reads JSON answers of one project's public API. A client is used by one thread at a time."""

    def __init__(self, project: LangfuseProject, patience: Patience | None = None) -> None:
        self.project = project
        self.patience = patience or Patience()
        self.address = _address(project)
        named = f", project {project.name}" if project.name else ""
        self.where = f"Langfuse at {self.address} (instance {project.instance}{named})"
        self._http = httpx.Client(
            base_url=project.host.rstrip("/"),
            auth=httpx.BasicAuth(project.public_key, project.secret_key.get_secret_value()),
            headers={"accept": "application/json", "user-agent": USER_AGENT},
            timeout=httpx.Timeout(
                self.patience.read_timeout.total_seconds(), connect=self.patience.connect_timeout.total_seconds()
            ),
            follow_redirects=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """The JSON object that the server answers with 200.

        Raises LangfuseUnreachableError, LangfuseAuthError, LangfuseRateLimitedError, NotLangfuseError,
        LangfuseOverloadedError (a smaller query may work) and LangfuseResponseError.
        """
        response = self.request(path, parameters)
        if response.status_code == 200:
            return self._json_object(path, response)
        raise self._error_of(path, response)

    def request(
        self, path: str, parameters: Mapping[str, str | int] | None = None, *, with_key: bool = True
    ) -> httpx.Response:
        """The answer after retries, whatever its status."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((_TryAgainError, httpx.TransportError)),
            stop=tenacity.stop_after_attempt(self.patience.attempts),
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
                f" {self.patience.attempts} times. Run it again later, or with a shorter --from/--to."
            ) from None
        except httpx.TransportError as error:
            raise self._unreachable(_reason(error)) from None
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
        response = self._http.get(path, params=parameters, auth=httpx.USE_CLIENT_DEFAULT if with_key else None)
        if response.status_code in RETRIED_STATUSES:
            pause = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
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

    def _json_object(self, path: str, response: httpx.Response) -> dict[str, Any]:
        answer = parse_json(response.content)
        if isinstance(answer, dict):
            return answer
        kind = response.headers.get("content-type", "something without a type")
        raise LangfuseResponseError(
            f"{self.where} answered {path} with {kind} instead of a JSON object; look for a proxy or a log-in page"
            " between Tracemart and Langfuse."
        )

    def _error_of(self, path: str, response: httpx.Response) -> Exception:
        status = response.status_code
        said = _message(response)
        if status in (401, 403):
            hint = (
                "this looks like an organisation's key; use a project's own"
                if "organization" in said.lower()
                else "check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, and that they belong to this host"
            )
            return LangfuseAuthError(f"{self.where} refuses the key ({status}): {hint}.")
        if status == 429:
            pause = retry_after(response.headers.get("retry-after"), datetime.now(UTC)) or self.patience.longest_pause
            return self._rate_limited(pause)
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


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for, given in seconds or as a date; None where it says nothing."""
    if not header:
        return None
    try:
        return timedelta(seconds=max(0.0, float(header)))
    except (ValueError, OverflowError):
        pass
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(timedelta(0), moment - now)


def parse_json(content: bytes) -> Any:
    """The value of a JSON text; None if it is none.

    Numbers with a fraction arrive as floats, and nothing is lost by it: the server writes the shortest text that
    names its double, and `repr(float)` gives just that text back, so `Decimal(repr(x))` is the number as sent.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        # JavaScript may send half a surrogate pair, which orjson refuses; it becomes U+FFFD.
        text = json.dumps(json.loads(content), ensure_ascii=False)
        return orjson.loads(_HALF_PAIR.sub("\ufffd", text))
    except (ValueError, RecursionError):
        return None


def _message(response: httpx.Response) -> str:
    """What the server says about its error, in one short line without markup."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return ""
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, str) or not message.strip():
        return ""
    return message.strip().splitlines()[0][:200].rstrip(".")


def _reason(error: httpx.TransportError) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__


def _address(project: LangfuseProject) -> str:
    """Scheme, host and port, without what else a URL may hold (user and password)."""
    url = httpx.URL(project.host)
    return f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")
