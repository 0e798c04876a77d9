"""Catalogues that change between loads end as the server has them, with their past, and cost few requests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from psycopg import sql
from pydantic import SecretStr

from tracemart.errors import LangfuseUnreachableError
from tracemart.extract.catalogue import CATALOGUES, PROMPT_VERSIONS, PROMPTS, CatalogueLoad, CatalogueRun
from tracemart.extract.catalogue import load_catalogues as load_all
from tracemart.extract.catalogue_lines import experiment_item_line
from tracemart.extract.client import LangfuseClient, Patience
from tracemart.extract.fields import RowError
from tracemart.extract.listings import EXPERIMENT_ITEMS, EXPERIMENTS, SESSIONS
from tracemart.extract.windows import AskedInterval
from tracemart.privacy.forgotten import digest_of
from tracemart.settings import LangfuseProject
from tracemart.standin.evaluation import Dataset, Experiment, ExperimentItem, ScoreConfig
from tracemart.standin.faults import Fault, FaultSchedule
from tracemart.standin.modes import WriteMode
from tracemart.standin.rows import PromptVersion
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.timestamps import DAY_MS, from_datetime
from tracemart.standin.v3.tables import Session
from tracemart.warehouse import Role, Warehouse

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOW_MS = from_datetime(NOW)
HOUR_MS = 3_600_000

Query = Callable[..., list[tuple[Any, ...]]]


@dataclass
class Loader:
    """Loads the catalogues of a served project and remembers what was asked for."""

    host: str
    rows: ProjectStore
    warehouse: Warehouse
    asked: list[str] = field(default_factory=list)
    fails_after: int | None = None

    def load(self, *catalogues: Any, until: datetime = NOW, **more: Any) -> dict[str, CatalogueLoad]:
        project = LangfuseProject(instance="demo", host=self.host, public_key="pk", secret_key=SecretStr("sk"))
        self.asked.clear()
        with (
            LangfuseClient(
                project, Patience(attempts=6, slow_attempts=6, first_pause=timedelta(milliseconds=1))
            ) as client,
            self.warehouse.connect(Role.LOADER, autocommit=True) as connection,
        ):
            client._http.event_hooks = {"request": [self._remember]}
            run = CatalogueRun(client, connection, "demo", self.rows.id, "v4", until, **more)
            return {load.name: load for load in load_all(run, catalogues or CATALOGUES)}

    def changes(self, *catalogues: Any, **more: Any) -> dict[str, tuple[int, int]]:
        """(inserted, updated) of those that changed anything."""
        loads = self.load(*catalogues, **more)
        return {
            name: (load.counts.inserted, load.counts.updated + load.counts.vanished)
            for name, load in loads.items()
            if load.counts.changed
        }

    def _remember(self, request: httpx.Request) -> None:
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise LangfuseUnreachableError("the network is cut")
        path = request.url.raw_path.decode().removeprefix("/api/public/")
        self.asked.append(path)


Serving = Callable[..., AbstractContextManager[Loader]]


@pytest.fixture
def served(warehouse: Warehouse) -> Serving:
    @contextmanager
    def serve(mode: WriteMode = "events_only", faults: FaultSchedule | None = None) -> Iterator[Loader]:
        rows = ProjectStore("proj", "Project")
        with serving(Store({"proj": rows}, {"proj": KeyPair("pk", "sk")}), faults, mode) as host:
            yield Loader(host, rows, warehouse)

    return serve


@pytest.fixture
def loader(served: Serving) -> Iterator[Loader]:
    with served() as loader:
        yield loader


def item(experiment: Experiment, number: int, start_ms: int) -> ExperimentItem:
    return ExperimentItem(experiment, f"s{number}", f"t{number}", f"item-{number}", start_ms, start_ms + 500)


def prompt(name: str, version: int, updated_ms: int = NOW_MS, **more: Any) -> PromptVersion:
    return PromptVersion(f"{name}-{version}", name, version, "text", f"secret {version}", NOW_MS, updated_ms, **more)


RUN = Experiment("e1", "run 1", "the first", "d1", {"model": "gpt"})


def test_items_are_read_from_the_first_one_on_and_then_only_what_follows(loader: Loader, query: Query) -> None:
    starts = [NOW_MS - days * DAY_MS for days in (400, 90, 20, 1)]
    loader.rows.experiment_items += [item(RUN, number, start) for number, start in enumerate(starts)]

    assert loader.changes(EXPERIMENTS, EXPERIMENT_ITEMS)["experiment_items"] == (4, 0)

    assert query("select start_time, end_time, metadata from raw.experiments") == [
        (NOW - timedelta(days=400), NOW - timedelta(days=1) + timedelta(milliseconds=500), {"model": "gpt"})
    ]
    assert query("select trace_id, id, experiment_item_id, start_time from raw.experiment_items order by id") == [
        (f"t{number}", f"s{number}", f"item-{number}", NOW - timedelta(days=days))
        for number, days in enumerate((400, 90, 20, 1))
    ]
    later = NOW + timedelta(hours=6)
    loader.rows.experiment_items.append(item(RUN, 4, NOW_MS - 2 * DAY_MS))
    assert loader.changes(EXPERIMENTS, EXPERIMENT_ITEMS, until=later) == {"experiment_items": (1, 0)}
    assert query("select distinct loaded_through_at from raw.watermarks") == [(later,)]
    assert [path.split("?")[0] for path in loader.asked] == ["experiments", "experiment-items"]


def test_an_experiment_that_is_seen_in_part_keeps_its_first_start(loader: Loader, query: Query) -> None:
    loader.rows.experiment_items += [item(RUN, 0, NOW_MS - 30 * DAY_MS), item(RUN, 1, NOW_MS - HOUR_MS)]
    loader.load(EXPERIMENTS)
    loader.rows.experiment_items.append(item(RUN, 2, NOW_MS + HOUR_MS))

    assert loader.changes(EXPERIMENTS, until=NOW + timedelta(hours=2)) == {"experiments": (0, 1)}
    assert query("select start_time, end_time from raw.experiments") == [
        (NOW - timedelta(days=30), NOW + timedelta(hours=1, milliseconds=500))
    ]


def test_items_that_vanish_are_flagged_and_those_that_come_back_are_not(loader: Loader, query: Query) -> None:
    items = [item(RUN, number, NOW_MS - number * DAY_MS - HOUR_MS) for number in range(20)]
    loader.rows.experiment_items += items
    loader.load(EXPERIMENT_ITEMS)

    loader.rows.experiment_items[:] = [items[0], *items[2:]]
    assert loader.changes(EXPERIMENT_ITEMS) == {"experiment_items": (0, 1)}
    assert query("select id from raw.experiment_items where vanished_at is not null") == [("s1",)]
    assert loader.changes(EXPERIMENT_ITEMS) == {}
    loader.rows.experiment_items[:] = items
    assert loader.changes(EXPERIMENT_ITEMS) == {"experiment_items": (0, 1)}
    assert query("select count(vanished_at) from raw.experiment_items") == [(0,)]


def test_an_interval_that_is_asked_for_is_read_alone_and_moves_no_watermark(loader: Loader, query: Query) -> None:
    loader.rows.experiment_items += [item(RUN, number, NOW_MS - number * DAY_MS) for number in range(1, 5)]
    asked = AskedInterval(NOW - timedelta(days=3), NOW - timedelta(days=1))

    loader.load(EXPERIMENT_ITEMS, asked=asked)

    assert query("select id from raw.experiment_items order by id") == [("s2",), ("s3",)]
    assert query("select count(*) from raw.watermarks") == [(0,)]


def test_a_run_that_is_cut_off_goes_on_at_the_next_slice(loader: Loader, query: Query) -> None:
    loader.rows.experiment_items += [item(RUN, number, NOW_MS - number * 50 * DAY_MS) for number in range(1, 9)]
    undisturbed = {(f"s{number}", NOW - timedelta(days=50 * number)) for number in range(1, 9)}
    loader.fails_after = 16

    with pytest.raises(LangfuseUnreachableError):
        loader.load(EXPERIMENT_ITEMS)

    ((kept, watermark),) = query(
        "select (select count(*) from raw.experiment_items), (select max(loaded_through_at) from raw.watermarks)"
    )
    assert 0 < kept < 8
    assert watermark < NOW
    loader.fails_after = None
    loader.load(EXPERIMENT_ITEMS)
    assert set(query("select id, start_time from raw.experiment_items")) == undisturbed
    assert "1970" not in str(loader.asked)


def test_an_item_that_was_rejected_is_loaded_once_it_can_be(loader: Loader, query: Query) -> None:
    loader.rows.experiment_items += [item(RUN, 1, NOW_MS - 100 * DAY_MS), item(RUN, 2, NOW_MS - HOUR_MS)]

    def refuses(row: Any) -> str:
        if row["id"] == "s1":
            raise RowError("level is strange")
        return experiment_item_line(row)

    older = replace(EXPERIMENT_ITEMS, make_line=refuses)
    assert loader.load(older)["experiment_items"].counts.rejected == 1
    assert loader.changes(older) == {}
    assert query("select row_id, reason, resolved_at from raw.rejected_rows") == [("s1", "level is strange", None)]

    assert loader.changes(EXPERIMENT_ITEMS) == {"experiment_items": (1, 0)}
    assert query("select id, start_time from raw.experiment_items where id = 's1'") == [
        ("s1", NOW - timedelta(days=100))
    ]
    assert query("select count(resolved_at) from raw.rejected_rows") == [(1,)]


def test_many_items_of_one_moment(loader: Loader, query: Query) -> None:
    loader.rows.experiment_items += [item(RUN, number, NOW_MS - HOUR_MS) for number in range(350)]

    assert loader.changes(EXPERIMENT_ITEMS) == {"experiment_items": (350, 0)}


def test_only_versions_of_prompts_that_changed_are_read(loader: Loader, query: Query) -> None:
    loader.rows.prompts += [prompt("a/b c?", version, NOW_MS + version * HOUR_MS) for version in range(1, 6)]
    loader.rows.prompts += [prompt("other", version, labels=("production",)) for version in (1,)]

    assert loader.changes(PROMPTS, PROMPT_VERSIONS) == {"prompts": (2, 0), "prompt_versions": (6, 0)}
    assert "v2/prompts/a%2Fb%20c%3F?version=5&resolve=false" in loader.asked
    assert loader.changes(PROMPTS, PROMPT_VERSIONS) == {}
    assert len(loader.asked) == 1

    # A label comes to version 2; version 5 loses `latest`, which the stand-in does not note as a change.
    moved_ms = NOW_MS + 9 * HOUR_MS
    loader.rows.prompts[1] = replace(loader.rows.prompts[1], labels=("production",), updated_ms=moved_ms)
    loader.rows.prompts.append(prompt("a/b c?", 6, moved_ms, tags=("new",)))
    assert loader.changes(PROMPTS, PROMPT_VERSIONS) == {"prompts": (0, 1), "prompt_versions": (1, 2)}
    read = sorted(path for path in loader.asked if "resolve" in path)
    assert [path.split("version=")[1][0] for path in read] == ["2", "5", "6"]
    assert query(
        "select version, labels from raw.prompt_versions where name = 'a/b c?' and known_to is null and labels <> '{}'"
        " order by version"
    ) == [(2, ["production"]), (6, ["latest"])]


def test_deleted_versions_are_closed_and_the_others_stand(loader: Loader, query: Query) -> None:
    loader.rows.prompts += [prompt("a", version, NOW_MS + version * HOUR_MS) for version in (1, 2, 3)]
    loader.load(PROMPTS, PROMPT_VERSIONS)

    del loader.rows.prompts[2]
    loader.load(PROMPTS, PROMPT_VERSIONS)
    assert query("select version, labels from raw.prompt_versions where known_to is null order by 1") == [
        (1, []), (2, ["latest"]),
    ]  # fmt: skip
    loader.rows.prompts.clear()
    loader.load(PROMPTS, PROMPT_VERSIONS)
    assert query("select count(*), count(known_to) from raw.prompt_versions") == [(4, 4)]


def test_versions_that_were_read_are_kept_when_the_next_cannot_be(loader: Loader, query: Query) -> None:
    loader.rows.prompts += [prompt(f"p{n:03}", version) for n in range(300) for version in (1, 2)]
    loader.fails_after = 3 + 450 + 1

    with pytest.raises(LangfuseUnreachableError):
        loader.load(PROMPTS, PROMPT_VERSIONS)

    assert query("select count(*), max(name) from raw.prompt_versions") == [(450, "p224")]
    assert query("select count(*) from raw.loads where entity = 'prompt_versions'") == [(3,)]
    loader.fails_after = None
    assert loader.changes(PROMPTS, PROMPT_VERSIONS) == {"prompt_versions": (150, 0)}
    assert query("select count(*), count(known_to) from raw.prompt_versions") == [(600, 0)]


def test_changes_in_place_keep_their_past(loader: Loader, query: Query) -> None:
    loader.rows.score_configs.append(ScoreConfig("c", "quality", "NUMERIC", NOW_MS, NOW_MS, None, 0, 1))
    loader.rows.datasets.append(Dataset("d", "questions", None, NOW_MS, NOW_MS, {"owner": "ada"}))
    loader.load()

    loader.rows.score_configs[0] = replace(loader.rows.score_configs[0], is_archived=True)
    loader.rows.datasets[0] = replace(loader.rows.datasets[0], name="answers")
    assert loader.changes() == {"score_configs": (0, 1), "datasets": (0, 1)}

    assert query("select is_archived, known_to is null from raw.score_configs order by known_from") == [
        (False, False), (True, True),
    ]  # fmt: skip
    assert query("select name, metadata, known_to is null from raw.datasets order by known_from") == [
        ("questions", {"owner": "ada"}, False), ("answers", {"owner": "ada"}, True),
    ]  # fmt: skip


def test_catalogues_come_whole_through_faults(served: Serving, query: Query) -> None:
    faults = FaultSchedule(
        faults=(
            Fault(kind="server_error", every=5),
            Fault(kind="rate_limited", every=7),
            Fault(kind="bad_gateway", every=11),
            Fault(kind="cut", every=13),
            Fault(kind="cloudflare_timeout", every=17),
            Fault(kind="timed_out", path="experiment", every=4),
        )
    )
    with served(faults=faults) as loader:
        runs = [Experiment(f"e{number}", f"run {number}", "", None) for number in range(3)]
        loader.rows.experiment_items += [item(runs[n % 3], n, NOW_MS - n * DAY_MS) for n in range(1, 260)]
        loader.rows.prompts += [prompt(f"p{n}", version, NOW_MS) for n in range(120) for version in (1, 2)]
        loader.rows.datasets += [Dataset(f"d{n}", f"d{n}", None, NOW_MS, NOW_MS) for n in range(205)]

        loader.load()

        assert query("select id, start_time from raw.experiment_items order by start_time desc") == [
            (f"s{n}", NOW - timedelta(days=n)) for n in range(1, 260)
        ]
        assert query("select count(*), sum(version) from raw.prompt_versions where known_to is null") == [(240, 360)]
        assert query("select count(*), count(known_to) from raw.datasets") == [(205, 0)]
        assert query("select count(*) from raw.experiments") == [(3,)]
        assert query("select count(*) from raw.rejected_rows") == [(0,)]


def test_sessions_are_skipped_where_there_is_no_v3_api(loader: Loader) -> None:
    assert loader.load(SESSIONS)["sessions"].skipped == "this server does not list sessions"


def test_sessions_of_a_server_that_has_a_v3_api(served: Serving, query: Query) -> None:
    with served("dual") as loader:
        sessions = loader.rows.legacy.sessions
        for number in range(250):
            sessions[f"s{number}"] = Session(f"s{number}", NOW_MS - number * HOUR_MS // 2 - 1000, "prod")

        assert loader.changes(SESSIONS) == {"sessions": (250, 0)}
        assert query("select environment, created_at from raw.sessions where id = 's2'") == [
            ("prod", NOW - timedelta(hours=1, seconds=1))
        ]
        del sessions["s3"]
        loader.rows.revision += 1
        sessions["s250"] = Session("s250", NOW_MS + HOUR_MS, "prod")
        assert loader.changes(SESSIONS, until=NOW + timedelta(hours=2)) == {"sessions": (1, 1)}
        assert query("select id from raw.sessions where vanished_at is not null") == [("s3",)]


def test_a_session_of_a_forgotten_person_does_not_come_back(
    served: Serving, warehouse: Warehouse, query: Query
) -> None:
    with served("dual") as loader:
        loader.rows.legacy.sessions |= {name: Session(name, NOW_MS - 1000, "prod") for name in ("ada", "bob")}
        with warehouse.connect(Role.OWNER) as connection:
            for table, column in (("forgotten_users", "user_digest"), ("forgotten_sessions", "session_digest")):
                connection.execute(
                    sql.SQL("insert into raw.{} (instance, project_id, {}) values ('demo', 'proj', {})").format(
                        sql.Identifier(table), sql.Identifier(column), digest_of("'ada'")
                    )
                )

        loader.load(SESSIONS)

        assert query("select id from raw.sessions") == [("bob",)]
