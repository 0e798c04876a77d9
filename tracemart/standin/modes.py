"""What differs between a server's write modes: the routes that come before those of `app`.

`events_only` is a v4 server: the v3 endpoints are gone, and say so before they ask who is there. `dual` writes
both ways and answers both APIs. `legacy` has only v3 data, yet answers `/v2/observations` from an events table
that nobody fills; `legacy_no_preview` has switched that off.
"""

from __future__ import annotations

from typing import Literal, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracemart.standin.auth import project_of
from tracemart.standin.endpoints import v3_ingestion, v3_metrics, v3_observations, v3_scores, v3_traces
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.problems import NOT_IN_EVENTS_ONLY, not_found

WriteMode = Literal["legacy", "legacy_no_preview", "dual", "events_only"]
WRITE_MODES: tuple[WriteMode, ...] = get_args(WriteMode)

_V3_ONLY = (
    "traces", "observations", "sessions", "scores", "v2/scores", "metrics", "metrics/daily", "dataset-run-items",
)  # fmt: skip
_NOT_IN_LEGACY = {"v2/metrics": "metrics v2"}
_PREVIEWS = {
    "v2/observations": "observations v2", "experiments": "experiments", "experiment-items": "experiment items",
}  # fmt: skip


def mode_routes(mode: WriteMode, api: str) -> list[Route]:
    """Routes under `api` that are particular to `mode`; they take precedence over the common ones."""
    if mode == "events_only":
        paths = [f"{api}/{path}{rest}" for path in _V3_ONLY for rest in ("", "/{rest}")]
        return [Route(path, _not_in_events_only, methods=["GET"]) for path in paths]
    missing: dict[str, str] = {}
    if mode != "dual":
        missing |= _NOT_IN_LEGACY
    if mode == "legacy_no_preview":
        missing |= _PREVIEWS
    return [
        *(_missing(f"{api}/{path}", name) for path, name in missing.items()),
        Route(f"{api}/traces", v3_traces.list_traces, methods=["GET"]),
        Route(f"{api}/traces/{{trace_id}}", v3_traces.get_trace, methods=["GET"]),
        Route(f"{api}/sessions", v3_traces.list_sessions, methods=["GET"]),
        Route(f"{api}/sessions/{{session_id}}", v3_traces.get_session, methods=["GET"]),
        Route(f"{api}/observations", v3_observations.list_observations, methods=["GET"]),
        Route(f"{api}/observations/{{observation_id}}", v3_observations.get_observation, methods=["GET"]),
        Route(f"{api}/scores", v3_scores.list_scores_v1, methods=["GET"]),
        Route(f"{api}/scores/{{score_id}}", v3_scores.get_score_v1, methods=["GET"]),
        Route(f"{api}/v2/scores", v3_scores.list_scores_v2, methods=["GET"]),
        Route(f"{api}/v2/scores/{{score_id}}", v3_scores.get_score_v2, methods=["GET"]),
        Route(f"{api}/metrics/daily", v3_metrics.daily_metrics, methods=["GET"]),
        Route(f"{api}/metrics", v3_metrics.query_metrics_v1, methods=["GET"]),
        Route(f"{api}/ingestion", v3_ingestion.take_batch, methods=["POST"]),
        Route(f"{api}/otel/v1/traces", v3_ingestion.take_spans, methods=["POST"]),
        Route(f"{api}/dataset-run-items", _no_dataset_run, methods=["GET"]),
    ]


async def _not_in_events_only(_: Request) -> Response:
    return json_answer({"message": NOT_IN_EVENTS_ONLY}, 404)


def _missing(path: str, name: str) -> Route:
    message = (
        f"The {name} API is only available in a Langfuse v4 write mode. Learn more at: https://langfuse.com/docs/v4"
    )

    async def refuse(request: Request) -> Response:
        project_of(request)
        raise not_found(message)

    return Route(path, refuse, methods=["GET"])


async def _no_dataset_run(request: Request) -> Response:
    project_of(request)
    raise not_found("Dataset run not found for the given project and dataset id")
