"""The stand-in as an ASGI application over a `Store`."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tracemart.standin.endpoints import catalogue, evaluation
from tracemart.standin.endpoints.answers import json_answer
from tracemart.standin.endpoints.ingestion import take_batch, take_scores, take_spans
from tracemart.standin.endpoints.metrics import query_metrics
from tracemart.standin.endpoints.observations import list_observations
from tracemart.standin.endpoints.scores import list_scores
from tracemart.standin.faults import FaultRun, FaultSchedule
from tracemart.standin.faults.control import control_routes
from tracemart.standin.faults.middleware import FaultMiddleware
from tracemart.standin.modes import WriteMode, mode_routes
from tracemart.standin.problems import HTML_NOT_FOUND, ApiError
from tracemart.standin.store import Store


async def _page_not_found(_request: Request, _error: Exception) -> Response:
    return Response(HTML_NOT_FOUND, 404, media_type="text/html; charset=utf-8")


async def _failed(_request: Request, error: Exception) -> Response:
    return json_answer({"message": "Internal Server Error", "error": str(error)}, 500)


def make_app(
    store: Store, faults: FaultSchedule | FaultRun | None = None, mode: WriteMode = "events_only"
) -> Starlette:
    """The application; requests see `store`, and what they write is kept in it.

    A `FaultRun` must be one over `store`; it lets whoever made it see and end the faults.
    """
    run = FaultRun(faults, store) if isinstance(faults, FaultSchedule) else faults
    api = "/api/public"
    routes = [
        *mode_routes(mode, api),
        Route(f"{api}/health", catalogue.health, methods=["GET"]),
        Route(f"{api}/ready", catalogue.health, methods=["GET"]),
        Route(f"{api}/projects", catalogue.get_projects, methods=["GET"]),
        Route(f"{api}/models", catalogue.list_models, methods=["GET"]),
        Route(f"{api}/models/{{model_id}}", catalogue.get_model, methods=["GET"]),
        Route(f"{api}/v2/prompts", catalogue.list_prompts, methods=["GET"]),
        Route(f"{api}/v2/prompts/{{name:path}}", catalogue.get_prompt, methods=["GET"]),
        Route(f"{api}/v2/observations", list_observations, methods=["GET"]),
        Route(f"{api}/v3/scores", list_scores, methods=["GET"]),
        Route(f"{api}/score-configs", evaluation.list_score_configs, methods=["GET"]),
        Route(f"{api}/score-configs/{{config_id}}", evaluation.get_score_config, methods=["GET"]),
        Route(f"{api}/v2/datasets", evaluation.list_datasets, methods=["GET"]),
        Route(f"{api}/experiments", evaluation.list_experiments, methods=["GET"]),
        Route(f"{api}/experiment-items", evaluation.list_experiment_items, methods=["GET"]),
        Route(f"{api}/v2/metrics", query_metrics, methods=["GET"]),
        Route(f"{api}/otel/v1/traces", take_spans, methods=["POST"]),
        Route(f"{api}/scores", take_scores, methods=["POST"]),
        Route(f"{api}/ingestion", take_batch, methods=["POST"]),
        Route(f"{api}/traces/{{rest}}", catalogue.delete_trace, methods=["DELETE"]),
        Route(f"{api}/scores/{{rest}}", catalogue.delete_score, methods=["DELETE"]),
    ]
    app = Starlette(
        routes=routes + (control_routes(run) if run else []),
        middleware=[Middleware(FaultMiddleware, run=run)] if run else [],
        exception_handlers={
            ApiError: catalogue.api_error,
            404: _page_not_found,
            405: catalogue.method_not_allowed,
            Exception: _failed,
        },
    )
    app.state.store, app.state.mode, app.state.faults = store, mode, run
    return app
