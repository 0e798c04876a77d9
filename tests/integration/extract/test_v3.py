"""A server's v3 API ends in the rows that its v4 API gives, so that an upgrade changes no key and doubles nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg.rows import dict_row
from pydantic import SecretStr

from tests.integration.extract.conftest import AS_OF
from tests.integration.standin.recorded_v3 import dual_store
from tracemart.extract.client import LangfuseClient
from tracemart.extract.rows import OBSERVATION_COLUMNS, OBSERVATION_COLUMNS_WITH_IO, SCORE_COLUMNS
from tracemart.extract.speaks import ConfiguredApi as Api
from tracemart.extract.step import extract
from tracemart.extract.v3 import TRACES
from tracemart.settings import LangfuseProject, Settings
from tracemart.standin.faults import Change, Fault, FaultRun, FaultSchedule
from tracemart.standin.modes import WriteMode
from tracemart.standin.rows import TraceContext
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.v3.tables import MergedObservation
from tracemart.standin.v3.view import view_of
from tracemart.standin.workloads import Workload, make_workload
from tracemart.warehouse import Role, Warehouse

RECORDINGS = Path(__file__).parents[2] / "recordings"

Row = dict[str, Any]
Query = Callable[..., list[tuple[Any, ...]]]
Table = Callable[[str, str], dict[Any, Row]]


@dataclass(frozen=True)
class Server:
    """A stand-in in one write mode, whose rows a test may change."""

    address: str
    store: Store

    @property
    def rows(self) -> ProjectStore:
        return next(iter(self.store.projects.values()))

    def project(self, api: Api, instance: str | None = None) -> LangfuseProject:
        pair = self.store.keys[self.rows.id]
        return LangfuseProject(
            instance=instance or api,
            host=self.address,
            public_key=pair.public_key,
            secret_key=SecretStr(pair.secret_key),
            api=api,
        )


def keys_of(workload: Workload) -> dict[str, KeyPair]:
    return {name: KeyPair(f"pk-lf-{name}", f"sk-lf-{name}") for name in workload.rows}


@contextmanager
def running(workload: Workload, mode: WriteMode) -> Iterator[Server]:
    store = workload.store(keys_of(workload))
    with serving(store, mode=mode) as address:
        yield Server(address, store)


@pytest.fixture(scope="module")
def made() -> Workload:
    return make_workload(observations=1500, days=5, seed=11, end=AS_OF)


@pytest.fixture
def dual(made: Workload) -> Iterator[Server]:
    with running(made, "dual") as server:
        yield server


@pytest.fixture
def legacy(made: Workload) -> Iterator[Server]:
    with running(made, "legacy") as server:
        yield server


@pytest.fixture
def table(warehouse: Warehouse) -> Table:
    """Rows of one instance in a raw table by key."""

    def read(name: str, instance: str) -> dict[Any, Row]:
        with warehouse.connect(Role.OWNER) as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(f"select * from raw.{name} where instance = %s".encode(), (instance,))
            return {(row["trace_id"], row["id"]) if name == "observations" else row["id"]: row for row in cursor}

    return read


Pairs = dict[str, list[tuple[Any, Any]]]


def differing(of_v3: dict[Any, Row], of_v4: dict[Any, Row], columns: tuple[str, ...]) -> Pairs:
    """Column → the pairs of values, (v3's, v4's), of rows that differ in it."""
    found: Pairs = {}
    for key, row in of_v3.items():
        for column in columns:
            if row[column] != of_v4[key][column]:
                found.setdefault(column, []).append((row[column], of_v4[key][column]))
    return found


def only_of_v4(pairs: list[tuple[Any, Any]]) -> bool:
    return all(of_v3 is None and of_v4 is not None for of_v3, of_v4 in pairs)


def is_root(row: Row) -> bool:
    return bool(row["id"] == f"t-{row['trace_id']}")


def test_v3_and_v4_end_in_the_same_rows(settings: Settings, dual: Server, table: Table) -> None:
    extract(settings, dual.project("v3"))
    extract(settings, dual.project("v4"))

    of_v3, of_v4 = table("observations", "v3"), table("observations", "v4")
    assert of_v3.keys() == of_v4.keys()
    assert len(of_v3) > len(dual.rows.observations()) > 300
    found = differing(of_v3, of_v4, OBSERVATION_COLUMNS)
    # v4 has no trace_name but on the root; v3 lists no tier.
    assert found.keys() == {"trace_name", "usage_pricing_tier_id", "usage_pricing_tier_name"}
    assert {of_v4 for _, of_v4 in found["trace_name"]} == {None}
    assert only_of_v4(found["usage_pricing_tier_id"])
    assert only_of_v4(found["usage_pricing_tier_name"])
    assert {row["source"] for row in of_v3.values()} == {"v3"}
    assert {row["input"] for row in of_v3.values()} == {None}

    scores_of_v3, scores_of_v4 = table("scores", "v3"), table("scores", "v4")
    assert scores_of_v3.keys() == scores_of_v4.keys()
    assert len(scores_of_v3) > 30
    assert differing(scores_of_v3, scores_of_v4, SCORE_COLUMNS) == {}


def test_recorded_rows_differ_only_in_what_v4_lost(settings: Settings, table: Table) -> None:
    """The data of recordings 20 to 26: sent days late, so that v4 does not know whose they are (langfuse.md, 0b.17)."""
    store = dual_store()
    with serving(store, mode="dual") as address:
        server = Server(address, store)
        # Scores were given on the day of the recording.
        until = settings.model_copy(update={"as_of": AS_OF + timedelta(days=1)})
        extract(until, server.project("v3"))
        extract(until, server.project("v4"))

    of_v3, of_v4 = table("observations", "v3"), table("observations", "v4")
    assert of_v3.keys() == of_v4.keys()
    assert (len(of_v3), sum(map(is_root, of_v3.values()))) == (81, 23)
    found = differing(of_v3, of_v4, OBSERVATION_COLUMNS)
    lost = {"user_id", "session_id", "tags", "release", "trace_name"}
    assert found.keys() == lost | {"usage_pricing_tier_id", "usage_pricing_tier_name", "latency_seconds"}
    for column in lost:
        assert {None if of_v4 == [] else of_v4 for _, of_v4 in found[column]} == {None}
    assert found["latency_seconds"] == [(0, None)] * 3
    assert only_of_v4(found["usage_pricing_tier_id"])

    scores_of_v3, scores_of_v4 = table("scores", "v3"), table("scores", "v4")
    assert scores_of_v3.keys() == scores_of_v4.keys()
    assert len(scores_of_v3) == 38
    assert differing(scores_of_v3, scores_of_v4, SCORE_COLUMNS) == {}


def test_privacy_rules_leave_the_same_rows(settings: Settings, dual: Server, table: Table) -> None:
    careful = settings.model_copy(
        update={"store_io": "redacted", "user_ids": "hmac", "user_id_key": SecretStr("a long key of the team" * 2)}
    )
    extract(careful, dual.project("v3"))
    extract(careful, dual.project("v4"))

    of_v3, of_v4 = table("observations", "v3"), table("observations", "v4")
    found = differing(of_v3, of_v4, OBSERVATION_COLUMNS_WITH_IO)
    assert found.keys() == {"trace_name", "usage_pricing_tier_id", "usage_pricing_tier_name"}
    users = {row["user_id"] for row in of_v3.values() if row["user_id"]}
    assert users
    assert not users & {trace.user_id for trace in view_of(dual.rows).traces}


def test_observation_that_was_completed_later_is_brought_up_to_date(
    settings: Settings, table: Table, query: Query
) -> None:
    """Recording 20: the events of an old SDK, the last ones sent after the first were read."""
    entries = json.loads((RECORDINGS / "20_dual_ingestion_and_merge.json").read_text())
    created, updated = (entry["request"] for entry in entries if entry["request"]["method"] == "POST")
    store = Store({"old": ProjectStore("old", "Old")}, {"old": KeyPair("pk-lf-old", "sk-lf-old")})
    with serving(store, mode="legacy") as address, httpx.Client(auth=("pk-lf-old", "sk-lf-old")) as sdk:
        server = Server(address, store)
        for request in (created, updated):
            answer = sdk.post(f"{address}{request['path']}", json=request["body"])
            assert answer.status_code == 207
            extract(
                settings,
                server.project("v3"),
                window_from=AS_OF - timedelta(days=7),
                window_to=AS_OF + timedelta(days=1),
            )

    loaded = table("observations", "v3")
    assert {key[1] for key in loaded} == {"t-legacy-trace-1", "legacy-span-1", "legacy-gen-1", "legacy-ev-1"}
    assert {row["user_id"] for row in loaded.values()} == {"u-legacy"}
    assert {tuple(row["tags"]) for row in loaded.values()} == {("a",)}
    generation = loaded["legacy-trace-1", "legacy-gen-1"]
    assert generation["usage_details"] == {"input": 50, "output": 60, "total": 110}
    assert generation["end_time"] == datetime(2026, 11, 18, 9, 0, 3, 500_000, UTC)
    assert query("select id, user_id, total_usage from raw.superseded_observations where id = 'legacy-gen-1'") == [
        ("legacy-gen-1", "u-legacy", 11)
    ]
    assert list(table("scores", "v3")) == ["legacy-score-1"]


def test_upgrade_of_the_server_doubles_nothing(settings: Settings, dual: Server, query: Query) -> None:
    extract(settings, dual.project("v3", "one"))
    before = query("select count(*), sum(total_cost), count(distinct (trace_id, id)) from raw.observations")

    extract(settings, dual.project("v4", "one"), window_from=AS_OF - timedelta(days=30), window_to=AS_OF)

    assert query("select count(*), sum(total_cost), count(distinct (trace_id, id)) from raw.observations") == before
    assert query("select count(*) from raw.superseded_observations where source = 'v3'") > [(0,)]


def test_way_back_to_v3_knows_whose_new_rows_are(settings: Settings, dual: Server, table: Table) -> None:
    extract(settings, dual.project("v4", "one"))
    trace = max(view_of(dual.rows).traces, key=lambda trace: (bool(trace.user_id), trace.timestamp_ms))
    newest = view_of(dual.rows).rows_of[trace.id][-1]
    dual.rows.add_observations([replace(newest, id="added")])

    extract(settings, dual.project("v3", "one"), window_from=AS_OF - timedelta(days=30), window_to=AS_OF)

    added = table("observations", "one")[trace.id, "added"]
    assert (added["source"], added["user_id"]) == ("v3", trace.user_id)
    assert trace.user_id


def test_reading_again_changes_nothing(settings: Settings, legacy: Server, table: Table) -> None:
    extract(settings, legacy.project("auto", "one"))
    before = table("observations", "one"), table("scores", "one")

    result = extract(settings, legacy.project("auto", "one"), window_from=AS_OF - timedelta(days=30), window_to=AS_OF)

    assert not result.changed
    assert (table("observations", "one"), table("scores", "one")) == before


def test_trace_that_changed_later_changes_its_observations(
    settings: Settings, legacy: Server, table: Table, query: Query
) -> None:
    extract(settings, legacy.project("v3"))
    before = table("observations", "v3")
    trace = max(view_of(legacy.rows).traces, key=lambda trace: len(view_of(legacy.rows).rows_of[trace.id]))
    legacy.rows.legacy.traces[trace.id] = replace(
        trace, user_id="someone-else", bookmarked=True, updated_ms=trace.updated_ms + 1
    )
    legacy.rows.revision += 1

    extract(settings, legacy.project("v3"), window_from=AS_OF - timedelta(days=30), window_to=AS_OF)

    after = table("observations", "v3")
    of_trace = [row for row in after.values() if row["trace_id"] == trace.id]
    assert len(of_trace) > 2
    assert {row["user_id"] for row in of_trace} == {"someone-else"}
    below_root = {f"t-{trace.id}", None}
    assert {row["bookmarked"] for row in of_trace if row["parent_observation_id"] in below_root} == {True}
    assert {row["bookmarked"] for row in of_trace if row["parent_observation_id"] not in below_root} <= {False}
    [(batch_id, updated)] = query(
        "select batch_id, rows_updated from raw.loads where entity = 'observations' and rows_updated > 0"
    )
    assert updated == len(of_trace)
    assert {row["batch_id"] for row in of_trace} == {batch_id}
    for key, row in after.items():
        if row["trace_id"] != trace.id:
            assert row == before[key]


def test_trace_that_began_before_the_slice_is_fetched_once(
    settings: Settings, legacy: Server, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = view_of(legacy.rows)
    trace = max(view.traces, key=lambda trace: view.rows_of[trace.id][-1].start_ms - trace.timestamp_ms)
    last = view.rows_of[trace.id][-1]
    assert last.start_ms > trace.timestamp_ms
    start = datetime.fromtimestamp(last.start_ms / 1000, UTC)
    asked: list[str] = []
    get = LangfuseClient.get

    def noting(client: LangfuseClient, path: str, parameters: Any = None) -> Any:
        asked.append(path)
        return get(client, path, parameters)

    monkeypatch.setattr(LangfuseClient, "get", noting)

    for _ in range(2):
        extract(settings, legacy.project("v3"), window_from=start, window_to=start + timedelta(milliseconds=1))

    loaded = table("observations", "v3")
    assert loaded[trace.id, f"t-{trace.id}"]["start_time"] < start
    assert loaded[trace.id, last.id]["user_id"] == trace.user_id
    assert loaded[trace.id, last.id]["session_id"] == (trace.session_id or None)
    assert [path for path in asked if path.startswith(f"{TRACES.path}/")] == [f"{TRACES.path}/{trace.id}"]


def test_observation_of_a_trace_that_never_came_is_kept(settings: Settings, legacy: Server, table: Table) -> None:
    start_ms = int((AS_OF - timedelta(hours=1)).timestamp() * 1000)
    legacy.rows.add_observations(
        [
            MergedObservation(
                context=TraceContext("no such/trace"), id="alone", parent_id=None, type="SPAN", name="alone",
                start_ms=start_ms, end_ms=start_ms, created_ms=start_ms, updated_ms=start_ms,
            )
        ]
    )  # fmt: skip

    extract(settings, legacy.project("v3"))

    loaded = table("observations", "v3")
    assert loaded["no such/trace", "alone"]["parent_observation_id"] == "t-no such/trace"
    assert loaded["no such/trace", "alone"]["user_id"] is None
    assert ("no such/trace", "t-no such/trace") not in loaded


def test_faults_and_changes_while_it_reads_leave_the_truth(settings: Settings, made: Workload, table: Table) -> None:
    schedule = FaultSchedule(
        seed=3,
        faults=(
            Fault(kind="unavailable", path="traces", at=(2,)),
            Fault(kind="server_error", path="observations", at=(3,)),
            Fault(kind="cloudflare_timeout", path="v2/scores", at=(1,)),
            Fault(kind="bad_gateway", path="traces", at=(4,)),
            Fault(kind="cut", path="observations", at=(5,)),
        ),
        changes=(
            Change(kind="late", share=0.1, after_requests=4),
            Change(kind="delete_traces", share=0.05, after_requests=6),
            Change(kind="delete_scores", share=0.1, after_requests=9),
        ),
    )
    store = made.store(keys_of(made))
    faults = FaultRun(schedule, store)
    with serving(store, faults, mode="legacy") as address:
        server = Server(address, store)
        extract(settings, server.project("v3", "faulty"))
        faults.finish()
        extract(settings, server.project("v3", "faulty"), window_from=AS_OF - timedelta(days=30), window_to=AS_OF)
        extract(settings, server.project("v3", "clean"))

    for name, columns in (("observations", OBSERVATION_COLUMNS), ("scores", SCORE_COLUMNS)):
        here = {key: row for key, row in table(name, "faulty").items() if row["vanished_at"] is None}
        clean = table(name, "clean")
        assert here.keys() == clean.keys()
        assert differing(here, clean, columns) == {}
