"""A server that limits an organisation's requests: paced, or left alone until it answers again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracemart import cli
from tracemart.errors import LangfuseAuthError, LangfuseRateLimitedError
from tracemart.extract import pacing
from tracemart.extract.client import LangfuseClient
from tracemart.extract.pacing import Pacer
from tracemart.extract.step import extract
from tracemart.settings import Settings
from tracemart.standin.faults import Fault, FaultRun, FaultSchedule, RateLimits
from tracemart.standin.serve import serving
from tracemart.standin.store import KeyPair
from tracemart.standin.workloads import WorkloadSpec, load

from .conftest import AS_OF, Served
from .test_extract import Hashes, Query

DAY = 86_400
DATA = ("observations", "superseded_observations", "scores", "superseded_scores")


@contextmanager
def misbehaving(schedule: FaultSchedule) -> Iterator[tuple[Served, FaultRun]]:
    workload = load(WorkloadSpec(observations=1500, days=3, seed=7, end=AS_OF))
    store = workload.store({p.id: KeyPair(f"pk-lf-{p.id}", f"sk-lf-{p.id}") for p in workload.projects})
    run = FaultRun(schedule, store)
    with serving(store, run) as host:
        yield Served(workload, store, host), run


def test_readers_of_one_organisation_are_refused_only_until_its_limit_is_known(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "WINDOWS", (timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)))
    monkeypatch.setattr(pacing, "GRACE", timedelta(seconds=0.3))
    limits = RateLimits(minute_seconds=1, limits={"public-api": 11})
    with misbehaving(FaultSchedule(rate_limits=limits)) as (served, run):

        def read(project: Any) -> None:
            with LangfuseClient(project, pace=Pacer.of(settings, project)) as client:
                client.identify()
                for _ in range(15):
                    client.get("/api/public/v2/observations", {"limit": 1})
                    answered.append(project.name)

        answered: list[str] = []
        readers = [threading.Thread(target=read, args=(project,)) for project in served.projects[:2]]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    assert len(answered) == 30
    assert 1 <= run.shown["rate_limits"] <= 2


def test_limit_of_a_day_ends_the_run_and_later_ones_ask_nothing(
    settings: Settings, query: Query, table_hashes: Hashes
) -> None:
    limited = Fault(kind="rate_limited", path="score-configs", at=(1,), seconds=DAY)
    with misbehaving(FaultSchedule(faults=(limited,))) as (served, run):
        project, other = served.projects[:2]
        extract(settings.model_copy(update={"as_of": AS_OF - timedelta(days=1)}), project, catalogues=False)
        loads = query("select count(*) from raw.loads")

        with pytest.raises(LangfuseRateLimitedError) as caught:
            extract(settings, project)

        assert timedelta(hours=23) < caught.value.resume_after - datetime.now(UTC) < timedelta(hours=25)
        assert query("select distinct resume_after from raw.watermarks") == [(caught.value.resume_after,)]
        assert query("select count(*) from raw.loads") > loads
        for known in (project, other):
            asked = run.requests
            with pytest.raises(LangfuseRateLimitedError) as again:
                extract(settings, known)
            assert run.requests - asked <= 1, "more than whose key it is, which is never limited"
            assert abs(again.value.resume_after - caught.value.resume_after) < timedelta(minutes=1)

        # A day later.
        query("update raw.request_pacing set spacing = '0', next_request_at = now() returning 1")
        query("update raw.watermarks set resume_after = now() returning 1")
        extract(settings, project)
        once = table_hashes()
        run.finish()
        extract(settings, project, window_from=AS_OF - timedelta(days=9), window_to=AS_OF)
    assert {table: table_hashes()[table] for table in DATA} == {table: once[table] for table in DATA}


def test_catalogues_are_read_once_a_day_where_asked_so(settings: Settings, served: Served) -> None:
    def read(now: datetime, **more: Any) -> set[str]:
        result = extract(settings.model_copy(update={"as_of": now}), served.projects[0], catalogues=None, **more)
        return {entity.entity for entity in result.entities}

    timed = {"projects", "observations", "scores"}
    assert read(AS_OF, window_from=AS_OF - timedelta(hours=1), window_to=AS_OF) == timed
    assert {"models", "prompts"} <= read(AS_OF)
    assert read(AS_OF + timedelta(hours=23)) == timed
    assert {"models", "prompts"} <= read(AS_OF + timedelta(hours=24))


def test_project_that_fails_keeps_no_other_from_being_read(
    settings: Settings, served: Served, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = served.projects[0].model_dump(include={"instance", "host", "public_key", "name"})
    keys = {"public_key": "pk-lf-wrong", "secret_key": "sk-lf-wrong"}
    wrong = [{**good, **keys, "name": name} for name in ("first", "last")]
    good["secret_key"] = served.projects[0].secret_key.get_secret_value()
    file = tmp_path / "projects.yml"
    file.write_text(yaml.safe_dump({"projects": [wrong[0], good, wrong[1]]}))
    monkeypatch.setattr(Settings, "load", lambda: settings.model_copy(update={"projects_file": file}))

    with pytest.raises(LangfuseAuthError, match="last"):
        cli.extract()

    assert query("select project_id from raw.projects") == [(good["name"],)]
