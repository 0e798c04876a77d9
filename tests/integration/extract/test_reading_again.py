"""What is read again: vanished rows are marked and counted on, bad ones tried anew, each overlap at its own pace."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tracemart.errors import TooManyRejectedError
from tracemart.extract import rows as row_makers
from tracemart.extract.result import EntityResult, ExtractResult
from tracemart.extract.step import extract
from tracemart.settings import Settings

from .conftest import AS_OF, Served

Query = Callable[..., list[tuple[Any, ...]]]
WHOLE = {"window_from": AS_OF - timedelta(days=30), "window_to": AS_OF}


def entity(result: ExtractResult, name: str = "observations") -> EntityResult:
    return next(each for each in result.entities if each.entity == name)


def test_what_is_gone_in_langfuse_is_marked_not_deleted_and_the_mark_goes_when_it_is_back(
    settings: Settings, served: Served, query: Query
) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    extract(settings, project)
    trace_id = rows.observations()[-1].context.trace_id
    gone = [row for row in rows.observations() if row.context.trace_id == trace_id]
    gone_scores = [score for score in rows.scores() if score.trace_id == trace_id]
    total = "select count(*), sum(total_cost) from raw.observations"
    before = query(total)
    rows.delete_trace(trace_id)

    hourly = extract(settings, project)
    again = extract(settings, project)

    assert (entity(hourly).vanished, entity(hourly, "scores").vanished) == (len(gone), len(gone_scores))
    assert (entity(again).vanished, entity(again).changed) == (0, False)
    assert query(total) == before
    assert query("select distinct trace_id from raw.observations where vanished_at is not null") == [(trace_id,)]
    batch = query("select distinct batch_id from raw.observations where vanished_at is not null")
    assert query("select rows_updated, rows_vanished from raw.loads where batch_id = %s", batch[0][0]) == [
        (len(gone), len(gone))
    ]

    rows.add_observations(gone)
    back = extract(settings, project)
    assert entity(back).updated == len(gone)
    assert query("select count(*) from raw.observations where vanished_at is not null") == [(0,)]


def test_only_what_a_slice_covers_can_vanish_in_it(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    rows = served.rows(project.name or "")
    extract(settings, project)
    old = rows.observations()[0]
    rows.delete_trace(old.context.trace_id)

    assert entity(extract(settings, project)).vanished == 0
    assert entity(extract(settings, project, **WHOLE)).vanished > 0


def test_longer_overlaps_are_read_at_their_own_pace(settings: Settings, served: Served) -> None:
    project = served.projects[0]

    def hours_read_again(after: timedelta) -> float:
        now = AS_OF + after
        result = extract(settings.model_copy(update={"as_of": now}), project, catalogues=False)
        window = entity(result).window
        assert window is not None
        assert window.watermark is not None
        return (window.watermark - window.start) / timedelta(hours=1)

    extract(settings, project)

    assert [hours_read_again(timedelta(hours=hour)) for hour in (1, 5, 6, 7, 12, 23, 24, 25)] == [
        2, 2, 48, 2, 48, 48, 30 * 24, 2,
    ]  # fmt: skip


def test_row_that_could_not_be_kept_is_tried_again_when_the_reason_is_gone(
    settings: Settings, served: Served, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = served.projects[0]
    original = row_makers.fields.required_text

    def stricter(value: Any, name: str) -> str:
        if value == "CHAIN":
            raise row_makers.RowError("type is not known")
        return original(value, name)

    rows = served.rows(project.name or "")
    odd = [replace(row, id=f"odd{place}", type="CHAIN") for place, row in enumerate(rows.observations()[-3:])]
    rows.add_observations(odd)
    known = sum(row.type == "CHAIN" for row in rows.observations())
    with monkeypatch.context() as patch:
        patch.setattr(row_makers.fields, "required_text", stricter)
        patch.setattr("tracemart.extract.v4.fast_observation_line", _by_the_exact_way)
        first = extract(settings, project)
    kept = "select count(*) from raw.observations where type = 'CHAIN'"
    assert entity(first).rejected == known
    assert query(kept) == [(0,)]
    assert query("select count(*), count(resolved_at) from raw.rejected_rows") == [(known, 0)]

    extract(settings, project)

    assert query(kept) == [(known,)]
    assert query("select count(*), count(resolved_at) from raw.rejected_rows") == [(known, known)]


def _by_the_exact_way(entry: Any) -> str:
    from tracemart.extract.fast_rows import entry_value

    return row_makers.observation_line(entry_value(entry))


def test_load_of_mostly_bad_rows_fails_and_leaves_examples(
    settings: Settings, served: Served, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Any) -> str:
        raise row_makers.RowError("nothing is right")

    monkeypatch.setattr("tracemart.extract.v4.fast_observation_line", refuse)
    monkeypatch.setattr("tracemart.extract.v4.observation_line", refuse)

    with pytest.raises(TooManyRejectedError, match=r"cannot be kept \(first of all: nothing is right\)"):
        extract(settings, served.projects[0])

    assert query("select count(*) from raw.observations") == [(0,)]
    assert query("select count(*) > 0, count(resolved_at) from raw.rejected_rows") == [(True, 0)]
    assert query("select count(*) from raw.watermarks where entity = 'observations' and loaded_through_at >= (select"
                 " min(window_from) from raw.loads where rows_rejected > 0)") in ([(0,)], [(1,)])  # fmt: skip
