"""A whole project from the stand-in into a real warehouse."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tracemart.errors import (
    BadInputError,
    LangfuseAuthError,
    SettingsError,
    WarehouseUnreachableError,
)
from tracemart.extract.step import ExtractResult, extract, extract_project, project_names
from tracemart.settings import Settings
from tracemart.standin.rows import Score
from tracemart.standin.workloads.truth import truth_of

from .conftest import AS_OF, Served

Query = Callable[..., list[tuple[Any, ...]]]
Hashes = Callable[[], dict[str, str]]


def entity(result: ExtractResult, name: str) -> Any:
    return next(entity for entity in result.entities if entity.entity == name)


def test_totals_equal_the_truth_exactly(settings: Settings, served: Served, query: Query) -> None:
    for project in served.projects:
        extract(settings, project)
    truth = truth_of(served.workload)

    for project_id, expected in truth["projects"].items():
        assert query(
            "select name, (select count(*) from raw.observations where project_id = p.project_id),"
            " (select count(*) from raw.scores where project_id = p.project_id) from raw.projects p"
            " where project_id = %s and instance = 'demo'",
            project_id,
        ) == [(expected["name"], expected["observations"], expected["scores"])]
    is_call = "(model is not null or usage_details <> '{}' or cost_details <> '{}')"
    cells = query(
        "select project_id, coalesce(model, ''), (start_time at time zone 'UTC')::date::text, count(*),"
        " count(*) filter (where level = 'ERROR'), sum(total_cost)"
        f" from raw.observations where {is_call} group by 1, 2, 3"
    )
    assert {cell[:3]: cell[3:] for cell in cells} == {
        (cell["project"], cell["model"], cell["date"]): (cell["calls"], cell["errors"], Decimal(cell["cost_usd"]))
        for cell in truth["cells"]
    }
    tokens = query(
        "select project_id, coalesce(model, ''), (start_time at time zone 'UTC')::date::text, key, sum(value::numeric)"
        f" from raw.observations, jsonb_each_text(usage_details) where {is_call} group by 1, 2, 3, 4"
    )
    assert {token[:4]: int(token[4]) for token in tokens} == {
        (cell["project"], cell["model"], cell["date"], usage_type): units
        for cell in truth["cells"]
        for usage_type, units in cell["tokens"].items()
    }
    assert query("select count(*) from raw.rejected_rows") == [(0,)]


def test_second_run_changes_no_row(settings: Settings, served: Served, table_hashes: Hashes, query: Query) -> None:
    project = served.projects[0]
    first = extract(settings, project)
    before = table_hashes()

    again = extract(settings, project)
    whole = extract(settings, project, window_from=AS_OF - timedelta(days=400), window_to=AS_OF)

    assert table_hashes() == before
    assert first.changed
    assert not again.changed
    assert not whole.changed
    assert entity(whole, "observations").read == entity(first, "observations").inserted
    assert query("select count(*) from raw.loads where finished_at is null") == [(0,)]
    assert query(
        "select sum(rows_read - rows_inserted - rows_updated - rows_unchanged - rows_rejected + rows_vanished)"
        " from raw.loads where entity in ('observations', 'scores')"
    ) == [(0,)]


def test_edited_observation_supersedes_its_version(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    extract(settings, project)
    rows = served.rows(project.name or "")
    known = next(row for row in reversed(rows.observations()) if row.cost_keys and row.level == "DEFAULT")
    edited = replace(known, level="ERROR", created_ms=known.created_ms + 60_000)
    rows.add_observations([edited])

    both = extract(settings, project)
    unmerged = extract(settings, project)
    rows.merge_versions()
    merged = extract(settings, project)

    assert (entity(both, "observations").inserted, entity(both, "observations").updated) == (0, 1)
    assert not unmerged.changed
    assert not merged.changed
    key = (known.context.trace_id, known.id)
    batch = "(select max(batch_id) from raw.loads where entity = 'observations' and rows_updated = 1)"
    assert query(f"select level, batch_id = {batch} from raw.observations where trace_id = %s and id = %s", *key) == [
        ("ERROR", True)
    ]
    assert query(
        f"select level, batch_id < superseded_by_batch_id, superseded_by_batch_id = {batch}"
        " from raw.superseded_observations where trace_id = %s and id = %s",
        *key,
    ) == [("DEFAULT", True, True)]
    assert query("select count(*) from raw.superseded_observations") == [(1,)]


def test_observation_that_moved_in_time_is_counted_once(
    settings: Settings, served: Served, query: Query, table_hashes: Hashes
) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    count = len(rows.observations())
    known = next(row for row in reversed(rows.observations()) if row.cost_keys)
    # Langfuse keeps both versions for good when the start differs (langfuse.md, 0b.1).
    rows.add_observations([replace(known, start_ms=known.start_ms - 3_600_000, created_ms=known.created_ms + 1000)])

    extract(settings, project)
    before = table_hashes()
    extract(settings, project)

    assert table_hashes() == before
    assert query("select count(*) from raw.observations") == [(count,)]
    moved = datetime.fromtimestamp((known.start_ms - 3_600_000) / 1000, UTC)
    assert query("select start_time from raw.observations where id = %s", known.id) == [(moved,)]
    assert query("select start_time from raw.superseded_observations where id = %s", known.id) == [
        (datetime.fromtimestamp(known.start_ms / 1000, UTC),)
    ]


def test_score_overwritten_in_place_is_found(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    extract(settings, project)
    rows = served.rows(project.name or "")
    known = next(score for score in reversed(rows.scores()) if score.data_type == "NUMERIC")
    before = known.value
    rows.add_scores([replace(known, value=0.123456789, updated_ms=known.updated_ms + 5000)])

    result = extract(settings, project)

    assert (entity(result, "scores").inserted, entity(result, "scores").updated) == (0, 1)
    assert query("select numeric_value from raw.scores where id = %s", known.id) == [(Decimal("0.123456789"),)]
    assert query("select numeric_value from raw.superseded_scores where id = %s", known.id) == [
        (Decimal(repr(before)),)
    ]


def test_late_observation_within_the_overlap_is_found(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    extract(settings, project)
    rows = served.rows(project.name or "")
    known = rows.observations()[-1]
    late = int((AS_OF - timedelta(hours=47)).timestamp() * 1000)
    rows.add_observations([replace(known, id="late", start_ms=late, end_ms=late + 5)])

    hourly = extract(settings, project)
    later = extract(settings.model_copy(update={"as_of": AS_OF + timedelta(hours=6)}), project)

    assert entity(hourly, "observations").inserted == 0
    assert (entity(later, "observations").inserted, entity(later, "observations").updated) == (1, 0)
    assert query("select rows_inserted from raw.loads where batch_id ="
                 " (select batch_id from raw.observations where id = 'late')") == [(1,)]  # fmt: skip


def test_watermark_follows_runs_but_not_backfills(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    watermarks = (
        "select entity, loaded_through_at from raw.watermarks where entity in ('observations', 'scores') order by 1"
    )
    middle = AS_OF - timedelta(days=3)

    backfill = extract(settings, project, window_from=middle, window_to=middle + timedelta(days=1))
    assert query(watermarks) == []
    assert 0 < entity(backfill, "observations").read < len(served.rows(project.name or "").observations())
    assert query("select min(start_time) >= %s, max(start_time) < %s from raw.observations",
                 middle, middle + timedelta(days=1)) == [(True, True)]  # fmt: skip

    earlier = settings.model_copy(update={"as_of": AS_OF - timedelta(days=1)})
    extract(earlier, project)
    assert query(watermarks) == [("observations", earlier.as_of), ("scores", earlier.as_of)]
    extract(settings, project)
    assert query(watermarks) == [("observations", AS_OF), ("scores", AS_OF)]
    extract(earlier, project)
    assert query(watermarks) == [("observations", AS_OF), ("scores", AS_OF)]
    assert query("select count(*) from raw.observations") == [(len(served.rows(project.name or "").observations()),)]


def test_empty_project_leaves_no_watermark_and_is_looked_through_again(
    settings: Settings, served: Served, query: Query
) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    scores, observations = list(rows.scores()), list(rows.observations())
    for trace_id in {row.context.trace_id for row in observations}:
        rows.delete_trace(trace_id)
    for score in list(rows.scores()):
        rows.delete_score(score.id)

    assert entity(extract(settings, project), "observations").read == 0
    assert query("select count(*) from raw.watermarks where entity in ('observations', 'scores')") == [(0,)]

    rows.add_observations(observations)
    rows.add_scores(scores)
    assert entity(extract(settings, project), "observations").inserted == len(observations)


def test_every_kind_of_score_arrives(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    moment = int(AS_OF.timestamp() * 1000) - 1000

    def score(name: str, data_type: str, value: Any, **subject: Any) -> Score:
        return Score(name, name, moment, moment, moment, data_type, value, **subject)

    rows.add_scores([
        score("numeric", "NUMERIC", 1e-7, trace_id="t"),
        score("boolean", "BOOLEAN", 1, trace_id="t", observation_id="o"),
        score("categorical", "CATEGORICAL", "good", session_id="s"),
        score("text", "TEXT", "a\tlong\nremark \\ with signs", run_id="r"),
    ])  # fmt: skip

    extract(settings, project)

    found = query(
        "select name, numeric_value, string_value, subject_kind, trace_id, observation_id, session_id, experiment_id"
        " from raw.scores where scored_at = %s and id in ('numeric', 'boolean', 'categorical', 'text') order by id",
        AS_OF - timedelta(seconds=1),
    )
    assert found == [
        ("boolean", Decimal(1), "True", "observation", "t", "o", None, None),
        ("categorical", None, "good", "session", None, None, "s", None),
        ("numeric", Decimal("1e-7"), None, "trace", "t", None, None, None),
        ("text", None, "a\tlong\nremark \\ with signs", "experiment", None, None, None, "r"),
    ]


def test_projects_load_side_by_side_without_mixing(settings: Settings, served: Served, query: Query) -> None:
    first, second = served.projects[:2]
    extract(settings, first)
    before = query("select count(*), max(batch_id) from raw.observations where project_id = %s", first.name)

    extract(settings, second)

    assert query("select count(*), max(batch_id) from raw.observations where project_id = %s", first.name) == before
    assert query("select count(*) from raw.watermarks where entity in ('observations', 'scores')") == [(4,)]


def test_wrong_key_changes_nothing(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0].model_copy(update={"secret_key": SecretStr("sk-lf-wrong-one")})

    with pytest.raises(LangfuseAuthError) as caught:
        extract(settings, project)

    assert "wrong-one" not in str(caught.value)
    assert query("select count(*) from raw.loads") == [(0,)]


def test_unreachable_warehouse_is_one_sentence(settings: Settings, served: Served) -> None:
    lost = settings.model_copy(update={"database_url": SecretStr("postgresql://owner:hidden@127.0.0.1:1/tracemart")})

    with pytest.raises(WarehouseUnreachableError) as caught:
        extract(lost, served.projects[0])

    assert "127.0.0.1:1/tracemart" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_interval_that_ends_before_it_starts_is_refused(settings: Settings, served: Served) -> None:
    with pytest.raises(BadInputError, match="--from must be before --to"):
        extract(settings, served.projects[0], window_from=AS_OF, window_to=AS_OF - timedelta(days=1))


def test_prompts_and_answers_are_not_asked_for_unless_they_are_redacted(
    settings: Settings, served: Served, query: Query
) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    said = replace(rows.observations()[-1], id="said", input="write to jane.doe@example.com", output='{"a": "b"}')
    rows.add_observations([said])
    texts = "select input, output from raw.observations where input is not null or output is not null"

    extract(settings, project)
    assert query(texts) == []

    again = {"window_from": AS_OF - timedelta(days=30), "window_to": AS_OF}
    extract(settings.model_copy(update={"store_io": "redacted"}), project, **again)
    assert ("write to [EMAIL]", '{"a": "b"}') in query(texts)


def test_projects_are_named_without_their_keys(
    settings: Settings, served: Served, tmp_path: Path, query: Query
) -> None:
    file = tmp_path / "projects.yml"
    lines = ["projects:"]
    for project in served.projects[:2]:
        lines += [
            f"  - instance: {project.instance}", f"    host: {project.host}", f"    name: {project.name}",
            f"    public_key: {project.public_key}", f"    secret_key: {project.secret_key.get_secret_value()}",
        ]  # fmt: skip
    file.write_text("\n".join(lines))
    listed = settings.model_copy(update={"projects_file": file})

    names = project_names(listed)
    result = extract_project(listed, names[1], run_id="manual__1")

    assert names == [f"demo/{project.name}" for project in served.projects[:2]]
    assert result.project_id == served.projects[1].name
    assert query("select distinct run_id from raw.loads") == [("manual__1",)]
    with pytest.raises(SettingsError, match="There is no project demo/none; there are: demo/"):
        extract_project(listed, "demo/none")


def test_two_projects_of_one_name_are_refused(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "projects.yml"
    entry = "  - {instance: demo, host: 'http://x', name: same, public_key: a, secret_key: b}\n"
    file.write_text("projects:\n" + entry + entry)

    with pytest.raises(SettingsError, match="demo/same twice"):
        project_names(settings.model_copy(update={"projects_file": file}))


def test_progress_tells_rows_of_each_entity(settings: Settings, served: Served) -> None:
    told: dict[str, int] = {}

    result = extract(settings, served.projects[0], progress=lambda what, done, total: told.update({what: done}))

    assert told == {name: entity(result, name).read for name in told}
    assert {"models", "prompts", "observations", "scores"} <= set(told)
