"""What a real server lists of its catalogues is loaded as it was sent, and what it does not list is skipped."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr

from tracemart.errors import LangfuseOverloadedError
from tracemart.extract.catalogue import (
    CATALOGUES,
    DATASETS,
    PROMPT_VERSIONS,
    SCORE_CONFIGS,
    Catalogue,
    CatalogueLoad,
    CatalogueRun,
    load_catalogues,
)
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.fields import COPY_OPTIONS
from tracemart.extract.listings import EXPERIMENT_ITEMS, EXPERIMENTS, SESSIONS, Listing
from tracemart.settings import LangfuseProject
from tracemart.warehouse import Role, Warehouse

RECORDINGS = Path(__file__).parents[2] / "recordings"
HOST = "http://langfuse.test"
UNTIL = datetime(2026, 11, 22, 15, tzinfo=UTC)

Query = Callable[..., list[tuple[Any, ...]]]
Answers = dict[str, httpx.Response]


def recorded(file: str, path: str, **parameters: Any) -> httpx.Response:
    """What the server answered to that path with just those parameters."""
    for entry in json.loads((RECORDINGS / f"{file}.json").read_text()):
        request = entry.get("request") or {}
        if (request.get("path"), request.get("params")) == (path, parameters):
            return httpx.Response(entry["status"], json=entry["body"])
    raise LookupError(f"{file} has no {path} {parameters}")


PROMPT = "/api/public/v2/prompts/[^/]+"
SINCE = {"fromStartTime": "2026-11-22T00:00:00Z"}
SINCE_NOVEMBER = {"fromStartTime": "2026-11-01T00:00:00Z"}


def everything() -> Answers:
    return {
        "/api/public/models": recorded("18_model_prices_and_repricing", "/api/public/models", limit=8),
        "/api/public/v2/prompts": recorded("09_prompts_v2", "/api/public/v2/prompts"),
        "/api/public/score-configs": recorded("11_v3_endpoints_in_events_only", "/api/public/score-configs"),
        "/api/public/v2/datasets": recorded("19_experiments_and_datasets", "/api/public/v2/datasets"),
        "/api/public/dataset-items": recorded(
            "19_experiments_and_datasets", "/api/public/dataset-items", datasetName="qa-set"
        ),
        "/api/public/experiments": recorded("19_experiments_and_datasets", "/api/public/experiments", **SINCE),
        "/api/public/experiment-items": recorded(
            "19_experiments_and_datasets", "/api/public/experiment-items", **SINCE
        ),
        "/api/public/sessions": recorded("23_dual_sessions", "/api/public/sessions"),
    }


def prompt_version(request: httpx.Request) -> httpx.Response:
    answers = {
        ("support%2Fanswer", "1"): ({"version": 1}, "support%2Fanswer"),
        ("support%2Fanswer", "2"): ({"label": "latest"}, "support%2Fanswer"),
        ("chat-summary", "1"): ({"label": "staging"}, "chat-summary"),
    }
    name = request.url.raw_path.decode().split("?")[0].rsplit("/", 1)[1]
    parameters, path = answers[name, request.url.params["version"]]
    return recorded("09_prompts_v2", f"/api/public/v2/prompts/{path}", **parameters)


@pytest.fixture
def server() -> Iterator[respx.Router]:
    """Answers each path of `everything` with what was recorded, but listings by time only for their own time."""
    with respx.mock(assert_all_called=False) as router:
        serve(router, everything())
        route(router, PROMPT).mock(side_effect=prompt_version)
        yield router


def serve(router: respx.Router, answers: Answers) -> None:
    for path, answer in answers.items():

        def side_effect(request: httpx.Request, answer: httpx.Response = answer) -> httpx.Response:
            parameters = request.url.params
            end = parameters.get("toStartTime") or parameters.get("toTimestamp")
            if answer.status_code == 200 and end and datetime.fromisoformat(end) < datetime(2026, 11, 22, tzinfo=UTC):
                return httpx.Response(200, json={"data": [], "meta": {"totalItems": 0, "totalPages": 0}})
            return answer

        route(router, path).mock(side_effect=side_effect)


def route(router: respx.Router, path: str) -> respx.Route:
    """The one route of a path: asked for again it is answered anew."""
    return router.get(url__regex=rf"{HOST}{path}(\?.*)?$")


@pytest.fixture
def load(warehouse: Warehouse) -> Callable[..., dict[str, CatalogueLoad]]:
    def run(**more: Any) -> dict[str, CatalogueLoad]:
        project = LangfuseProject(instance="demo", host=HOST, public_key="pk", secret_key=SecretStr("sk"))
        patience = Patience(attempts=1, first_pause=timedelta(0))
        with (
            LangfuseClient(project, patience) as client,
            warehouse.connect(Role.LOADER, autocommit=True) as connection,
        ):
            arguments = {"client": client, "connection": connection, "until": UNTIL} | more
            loads = load_catalogues(CatalogueRun(instance="demo", project_id="proj-rec", source="v4", **arguments))
        return {load.name: load for load in loads}

    return run


def test_everything_that_a_server_listed_is_kept(
    server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query
) -> None:
    loads = load()

    assert {name: load.counts.inserted for name, load in loads.items()} == {
        "models": 8, "prompts": 2, "prompt_versions": 3, "score_configs": 3, "datasets": 1, "experiments": 1,
        "experiment_items": 3, "sessions": 7,
    }  # fmt: skip
    assert {load.counts.rejected for load in loads.values()} == {0}
    assert query(
        "select name, version, type, labels, tags, config, commit_message, id is not null, updated_at > created_at"
        " from raw.prompt_versions order by name, version"
    ) == [
        ("chat-summary", 1, "chat", ["latest", "staging"], [], {}, None, True, False),
        ("support/answer", 1, "text", [], ["support"], {"temperature": 0.2}, None, True, True),
        ("support/answer", 2, "text", ["latest", "production"], ["support"], {"temperature": 0.1, "model": "gpt-4o"},
         None, True, False),
    ]  # fmt: skip
    assert query(
        "select name, data_type, is_archived, min_value, max_value, categories -> 1 ->> 'label',"
        " updated_at = created_at from raw.score_configs order by name"
    ) == [
        ("helpfulness", "NUMERIC", False, Decimal(0), Decimal(1), None, True),
        ("resolved", "BOOLEAN", False, None, None, "False", True),
        ("sentiment", "CATEGORICAL", False, None, None, "nötr", True),
    ]
    assert query("select name, description, metadata, item_count from raw.datasets") == [("qa-set", "d", {"k": 1}, 3)]
    assert query("select id, name, description, dataset_id, metadata, end_time - start_time from raw.experiments") == [
        ("96c85286f1e2c7e7", "exp one - run 1", None, "cmwrxk0n8000mpy7d5tr39ph0", None, timedelta(milliseconds=3))
    ]
    assert query(
        "select experiment_item_id, trace_id, id, experiment_dataset_id, start_time, level, environment"
        " from raw.experiment_items order by start_time limit 1"
    ) == [
        ("qa-2", "86cedcd0c565113e94aab839215ee1d8", "56d0c65727dbf96e", "cmwrxk0n8000mpy7d5tr39ph0",
         datetime(2026, 11, 22, 14, 26, 33, 52_000, tzinfo=UTC), "DEFAULT", "sdk-experiment"),
    ]  # fmt: skip
    assert query("select id, environment, created_at from raw.sessions order by created_at limit 1") == [
        ("ds-2026-11-15-1", "default", datetime(2026, 11, 22, 14, 12, 46, 145_000, tzinfo=UTC))
    ]


def test_no_text_of_a_prompt_and_no_item_reaches_the_disk(
    server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query
) -> None:
    items = everything()["/api/public/experiment-items"].json()["data"]
    items[0] |= {"input": "private-question", "startTime": None}

    def without_labels(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=prompt_version(request).json() | {"labels": "none"})

    route(server, PROMPT).mock(side_effect=without_labels)
    serve(server, {"/api/public/experiment-items": httpx.Response(200, json={"data": items, "meta": {}})})

    loads = load()

    assert {name for name, load in loads.items() if load.counts.rejected} == {"experiment_items", "prompt_versions"}
    dumped = str(query("select payload from raw.rejected_rows"))
    assert "private-question" not in dumped
    assert "Özetle" not in dumped
    assert "chat-summary" in dumped


def test_metadata_passes_the_privacy_rules_before_anything_is_kept(
    server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query
) -> None:
    load(keep_metadata=lambda metadata: {"kept": len(metadata)})

    assert query("select metadata from raw.datasets") == [({"kept": 1},)]


def test_the_same_again_changes_nothing(
    server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query
) -> None:
    load()
    read_before = len(server.calls)
    loads = load(until=UNTIL + timedelta(days=1))

    assert {name for name, load in loads.items() if load.counts.changed} == set()
    versions_read = [
        call.request.url.path for call in list(server.calls)[read_before:] if "v2/prompts/" in call.request.url.path
    ]
    assert versions_read == []
    assert query("select count(*) from raw.prompt_versions") == [(3,)]


@pytest.mark.parametrize("mode", ["events_only", "legacy_no_preview"])
def test_what_a_server_does_not_list_is_skipped(
    mode: str, server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    probes = f"40_mode_probe_{mode}"
    serve(
        server,
        {
            "/api/public/sessions": recorded(probes, "/api/public/sessions", limit=1),
            "/api/public/experiments": recorded(probes, "/api/public/experiments", **SINCE_NOVEMBER),
            "/api/public/experiment-items": recorded(probes, "/api/public/experiment-items", **SINCE_NOVEMBER),
            "/api/public/score-configs": httpx.Response(404, html="<h1>404</h1>"),
        },
    )
    lacking = {
        "events_only": {"sessions", "score_configs"},
        "legacy_no_preview": {"experiments", "experiment_items", "score_configs"},
    }[mode]

    with caplog.at_level("INFO", "tracemart"):
        loads = load()

    assert {name for name, load in loads.items() if load.skipped} == lacking
    assert len(loads) == len(CATALOGUES)
    for name in lacking:
        assert f"demo/proj-rec: {name}: skipped" in caplog.text
        assert query("select count(*) from raw.loads where entity = %s", name) == [(0,)]


def test_a_catalogue_that_fails_stops_no_other_and_is_told_at_the_end(
    server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query
) -> None:
    broken = httpx.Response(500, json={"message": "Internal Server Error", "error": "An unknown error occurred"})
    serve(server, {"/api/public/models": broken})

    with pytest.raises(LangfuseOverloadedError, match="/api/public/models"):
        load()

    assert query("select count(*) from raw.models") == [(0,)]
    assert query("select count(*) from raw.experiment_items") == [(3,)]


def test_a_slice_that_is_too_much_is_read_in_halves(
    server: respx.Router, load: Callable[..., dict[str, CatalogueLoad]], query: Query
) -> None:
    load()
    items = everything()["/api/public/experiment-items"].json()["data"]

    def too_much(request: httpx.Request) -> httpx.Response:
        start, end = (datetime.fromisoformat(request.url.params[name]) for name in ("fromStartTime", "toStartTime"))
        if end - start > timedelta(hours=18):
            return recorded(
                "14_clickhouse_errors_injected", "/api/public/v2/observations", userId="__timeout__", limit=1
            )
        within = [item for item in items if start <= datetime.fromisoformat(item["startTime"]) < end]
        return httpx.Response(200, json={"data": within, "meta": {}})

    route(server, "/api/public/experiment-items").mock(side_effect=too_much)

    loads = load(until=UNTIL + timedelta(minutes=5))

    assert loads["experiment_items"].counts.changed is False
    assert query("select count(*), count(vanished_at) from raw.experiment_items") == [(3, 0)]
    assert query("select loaded_through_at from raw.watermarks where entity = 'experiment_items'") == [
        (UNTIL + timedelta(minutes=5),)
    ]


# A project reads its own rows; counts and times of an experiment are those within the asked time; prompts, items and
# their schemas stay in Langfuse, as do the members who made them.
NOT_KEPT = {
    "projectId", "prompt", "isActive", "resolutionGraph", "createdBy", "inputSchema", "expectedOutputSchema",
    "itemCount",
}  # fmt: skip
EMPTY = (None, "", {}, [])


@pytest.mark.parametrize(
    ("path", "catalogue", "at_least"),
    [
        ("/api/public/v2/prompts/", PROMPT_VERSIONS, 3),
        ("/api/public/score-configs", SCORE_CONFIGS, 3),
        ("/api/public/v2/datasets", DATASETS, 1),
        ("/api/public/experiments", EXPERIMENTS, 1),
        ("/api/public/experiment-items", EXPERIMENT_ITEMS, 4),
        ("/api/public/sessions", SESSIONS, 19),
    ],
)
def test_every_recorded_entry_comes_back_from_the_table_as_it_was_sent(
    path: str, catalogue: Catalogue | Listing, at_least: int, warehouse: Warehouse
) -> None:
    entries = list(recorded_entries(path))
    assert len(entries) >= at_least
    columns = ", ".join(catalogue.columns)
    with warehouse.connect(Role.LOADER) as connection, connection.cursor() as cursor:
        cursor.execute(f"create temporary table back as select {columns} from raw.{catalogue.table} limit 0".encode())
        cursor.execute("alter table back add place bigint generated always as identity")
        with cursor.copy(f"copy back ({columns}) from stdin {COPY_OPTIONS}".encode()) as stream:
            for entry in entries:
                stream.write(catalogue.make_line(entry).encode())
        rows = cursor.execute(f"select {columns} from back order by place".encode()).fetchall()

    for entry, row in zip(entries, rows, strict=True):
        found = dict(zip(catalogue.columns, row, strict=True))
        for name, sent in entry.items():
            if name in NOT_KEPT:
                continue
            kept = found[re.sub("([A-Z])", r"_\1", name).lower()]
            if isinstance(kept, datetime):
                assert kept == datetime.fromisoformat(sent), name
            elif isinstance(kept, list) and name in ("labels", "tags"):
                assert kept == sorted(sent), name
            else:
                assert kept == sent or (kept in EMPTY and sent in EMPTY), name


def recorded_entries(path: str) -> Iterator[dict[str, Any]]:
    """Entries of all recorded listings of that path; below one that ends in a slash, the answers themselves."""
    for file in sorted(RECORDINGS.glob("*.json")):
        answers = json.loads(file.read_text())
        for answer in answers if isinstance(answers, list) else []:
            request = answer.get("request") or {}
            asked = request.get("path") or ""
            if request.get("method") != "GET" or answer.get("status") != 200:
                continue
            if asked == path:
                yield from answer["body"]["data"]
            elif path.endswith("/") and asked.startswith(path):
                yield answer["body"]
