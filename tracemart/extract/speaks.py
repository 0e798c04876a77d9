"""Which of Langfuse's APIs to read: the one whose tables the server fills."""

from typing import Literal

from tracemart.errors import (
    LangfuseNotFoundError,
    LangfuseOverloadedError,
    LangfuseRateLimitedError,
    SettingsError,
)
from tracemart.extract.answers import parse_json
from tracemart.extract.catalogue_pages import cursor_chain, rows_of
from tracemart.extract.client import LangfuseClient
from tracemart.extract.slices import as_parameter
from tracemart.extract.v3_listing import EARLIEST

Api = Literal["v4", "v3"]
ConfiguredApi = Literal["auto", "v4", "v3"]

OLD_TRACES = "/api/public/traces"
NEW_OBSERVATIONS = "/api/public/v2/observations"
NEW_METRICS = "/api/public/v2/metrics"
# Langfuse Cloud takes the old endpoints away for good (langfuse.md, fact 2), whichever of the two it then says.
GONE = frozenset({404, 410})
COUNT_OF_NOTHING = (
    '{"view":"observations","dimensions":[],"metrics":[{"measure":"count","aggregation":"count"}],"filters":[],'
    '"timeDimension":null,"fromTimestamp":"2026-01-01T00:00:00.000Z","toTimestamp":"2026-01-01T00:00:00.001Z",'
    '"orderBy":null}'
)


def api_of(client: LangfuseClient, configured: ConfiguredApi) -> Api:
    """The API to read this project by; what is configured is only checked.

    events_only  the old endpoints answer 404 before they look at the key, which costs nothing of a rate limit: v4.
    legacy, v3   /v2/metrics answers 404: v3. /v2/observations says nothing, for it may answer 200 from a table that
                 nobody fills (langfuse.md, facts 1 and 0b.19).
    dual         both answer; what was written before the upgrade stands in v3 alone until the server has copied it. So
                 v4 is read once it has the oldest trace that v3 has.

    Raises SettingsError where the configured API is not served, and what `client.get` raises.
    """
    has_v3 = not _has_old_endpoints_closed(client)
    has_v4 = not has_v3 or _has_new_metrics(client)
    if configured == "v3" and not has_v3:
        raise SettingsError(
            f"{client.where} is set to be read by the v3 API (api: v3), which this server has switched off: set api to"
            " auto."
        )
    if configured == "v4" and not has_v4:
        raise SettingsError(
            f"{client.where} is set to be read by the v4 API (api: v4), but it fills only the tables of v3: set api to"
            " auto, or the server's write mode to dual or events_only."
        )
    if configured != "auto":
        return configured
    if has_v3 and has_v4:
        return "v4" if _has_oldest_trace_of_v3(client) else "v3"
    return "v4" if has_v4 else "v3"


def _has_old_endpoints_closed(client: LangfuseClient) -> bool:
    answer = client.request(OLD_TRACES, {"limit": 1}, with_key=False)
    # A proxy's error is a page; the server's is JSON.
    return answer.status_code in GONE and parse_json(answer.content) is not None


def _has_new_metrics(client: LangfuseClient) -> bool:
    try:
        client.get(NEW_METRICS, {"query": COUNT_OF_NOTHING})
    except LangfuseNotFoundError:
        return False
    except LangfuseRateLimitedError:
        # Its limit of a day may be used up by others; an endpoint that is not there has none.
        return True
    return True


def _has_oldest_trace_of_v3(client: LangfuseClient) -> bool:
    """Whether v4 holds the trace with which v3 begins; without any there is nothing to miss."""
    try:
        oldest = _oldest_trace_id_of_v3(client)
        return oldest is None or _has_trace_in_v4(client, oldest)
    except LangfuseOverloadedError:
        raise SettingsError(
            f"{client.where} serves both the v3 and the v4 API and could not tell in time which holds all data: set api"
            " to v4 for this project if its history was copied, else to v3."
        ) from None


def _oldest_trace_id_of_v3(client: LangfuseClient) -> str | None:
    oldest_first: dict[str, str | int] = {
        "fields": "core",
        "orderBy": "timestamp.asc",
        "fromTimestamp": as_parameter(EARLIEST),
        "page": 1,
        "limit": 1,
    }
    response = client.request(OLD_TRACES, oldest_first)
    if response.status_code in GONE:
        return None
    answer = parse_json(response.content) if response.status_code == 200 else None
    rows = rows_of(client, OLD_TRACES, answer if isinstance(answer, dict) else client.get(OLD_TRACES, oldest_first))
    trace_id = rows[0].get("id") if rows and isinstance(rows[0], dict) else None
    return trace_id if isinstance(trace_id, str) and trace_id else None


def _has_trace_in_v4(client: LangfuseClient, trace_id: str) -> bool:
    parameters: dict[str, str | int] = {"traceId": trace_id, "fields": "core", "limit": 1}
    return any(cursor_chain(client, NEW_OBSERVATIONS, parameters))
