"""The read API of Langfuse v4: cursor chains over observations and scores, numbered pages over the catalogues."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tracemart.errors import LangfuseResponseError
from tracemart.extract.client import LangfuseClient, parse_json
from tracemart.extract.slices import Slice, as_parameter

SOURCE = "v4"
MODELS = "/api/public/models"
PROMPTS = "/api/public/v2/prompts"

CATALOGUE_ENTRIES_A_PAGE = 100
CATALOGUE_READS = 3


@dataclass(frozen=True)
class TimedEndpoint:
    """An endpoint that lists newest first between two times."""

    path: str
    from_parameter: str
    to_parameter: str
    limit: int
    fields: str


# All field groups but `io`: prompts and answers stay in Langfuse.
OBSERVATIONS = TimedEndpoint(
    path="/api/public/v2/observations",
    from_parameter="fromStartTime",
    to_parameter="toStartTime",
    limit=1000,
    fields="core,basic,time,metadata,model,usage,prompt,metrics,trace_context",
)
SCORES = TimedEndpoint(
    path="/api/public/v3/scores",
    from_parameter="fromTimestamp",
    to_parameter="toTimestamp",
    limit=100,
    fields="core,details,subject,annotation",
)


def pages(client: LangfuseClient, endpoint: TimedEndpoint, cut: Slice) -> Iterator[list[Any]]:
    """Pages of one slice until the cursor ends; a short or empty page with a cursor is not the end (fact 7)."""
    parameters: dict[str, str | int] = {
        endpoint.from_parameter: as_parameter(cut.start),
        endpoint.to_parameter: as_parameter(cut.end),
        "fields": endpoint.fields,
        "limit": endpoint.limit,
    }
    while True:
        rows, cursor = _page(client, endpoint.path, parameters)
        yield rows
        if not cursor:
            return
        if cursor == parameters.get("cursor"):
            raise LangfuseResponseError(
                f"{client.where} gives the same cursor again for {endpoint.path}, which would never end;"
                " look at the server's log."
            )
        # The cursor carries no filters: the same parameters go with it.
        parameters["cursor"] = cursor


def is_empty_before(client: LangfuseClient, endpoint: TimedEndpoint, moment: datetime) -> bool:
    """Whether nothing at all happened before that moment."""
    parameters: dict[str, str | int] = {endpoint.to_parameter: as_parameter(moment), "fields": "core", "limit": 1}
    while True:
        rows, cursor = _page(client, endpoint.path, parameters)
        if rows:
            return False
        if not cursor or cursor == parameters.get("cursor"):
            return True
        parameters["cursor"] = cursor


def look_back(client: LangfuseClient, endpoint: TimedEndpoint, end: datetime) -> datetime | None:
    """A moment that all rows before `end` come after, at most about twice as far back as the oldest; None without rows.

    No endpoint tells the oldest row. So one row older than 1, 2, 4, 8… days is asked for until none is: the open
    lower bound makes the answer exact however long the gaps are, and a hundred years take 16 requests.
    """
    if is_empty_before(client, endpoint, end):
        return None
    days = 1
    while True:
        moment = end - timedelta(days=days)
        if is_empty_before(client, endpoint, moment):
            return moment
        days *= 2


def catalogue(client: LangfuseClient, path: str) -> tuple[list[Any], bool]:
    """All entries of a numbered listing, and whether it stood still: none was skipped because another went away."""
    entries: list[Any] = []
    for _ in range(CATALOGUE_READS):
        entries, total = _numbered_pages(client, path)
        if total is None or len(entries) == total:
            return entries, True
    return entries, False


def check_speaks_v4(client: LangfuseClient) -> None:
    """Raise LangfuseResponseError unless the server fills the tables that the v4 API reads.

    Only a server in write mode `events_only` answers 404 on the old endpoints before it looks at the key, which costs
    nothing of a rate limit. Any other mode is told by /v2/metrics: in mode `legacy` it is 404, while /v2/observations
    may answer 200 from a table that nobody fills (langfuse.md, facts 1 and 0b.19).
    """
    old_endpoint = client.request("/api/public/traces", {"limit": 1}, with_key=False)
    if old_endpoint.status_code == 404 and parse_json(old_endpoint.content) is not None:
        return
    query = (
        '{"view":"observations","dimensions":[],"metrics":[{"measure":"count","aggregation":"count"}],"filters":[],'
        '"timeDimension":null,"fromTimestamp":"2026-01-01T00:00:00.000Z","toTimestamp":"2026-01-01T00:00:00.001Z",'
        '"orderBy":null}'
    )
    if client.request("/api/public/v2/metrics", {"query": query}).status_code == 404:
        raise LangfuseResponseError(
            f"{client.where} speaks only the v3 API, which Tracemart cannot read yet: upgrade it to Langfuse 4 in write"
            " mode events_only or dual."
        )


def _numbered_pages(client: LangfuseClient, path: str) -> tuple[list[Any], int | None]:
    entries: list[Any] = []
    page = 1
    while True:
        answer = client.get(path, {"page": page, "limit": CATALOGUE_ENTRIES_A_PAGE})
        rows = _rows(client, path, answer)
        meta = answer.get("meta")
        entries += rows
        total_pages = meta.get("totalPages") if isinstance(meta, dict) else None
        if not rows or not isinstance(total_pages, int) or page >= total_pages:
            total = meta.get("totalItems") if isinstance(meta, dict) else None
            return entries, total if isinstance(total, int) else None
        page += 1


def _page(client: LangfuseClient, path: str, parameters: Mapping[str, str | int]) -> tuple[list[Any], str | None]:
    answer = client.get(path, parameters)
    meta = answer.get("meta")
    cursor = meta.get("cursor") if isinstance(meta, dict) else None
    return _rows(client, path, answer), cursor if isinstance(cursor, str) else None


def _rows(client: LangfuseClient, path: str, answer: Mapping[str, Any]) -> list[Any]:
    rows = answer.get("data")
    if not isinstance(rows, list):
        raise LangfuseResponseError(
            f"{client.where} answered {path} without a list of rows; this version of Langfuse may be one that Tracemart"
            " does not know."
        )
    return rows
