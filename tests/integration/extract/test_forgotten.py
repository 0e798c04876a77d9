"""Who was forgotten does not come back by reading Langfuse again, nor by what they do afterwards."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.integration.extract.conftest import AS_OF, Served
from tracemart.extract.step import extract
from tracemart.forget import forget
from tracemart.settings import Settings

Query = Callable[..., list[tuple[Any, ...]]]


def test_a_forgotten_user_does_not_come_back(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    whole = {"window_from": AS_OF - timedelta(days=30), "window_to": AS_OF}
    extract(settings, project, catalogues=False)
    user, rows = query(
        "select user_id, count(*) from raw.observations where user_id is not null group by 1 order by 2 desc limit 1"
    )[0]
    totals = "select count(*), sum(total_cost), sum(total_usage) from raw.observations"
    before = query(totals)
    result = forget(settings, user)
    assert result.cleared["raw.observations"] >= rows

    again = extract(settings, project, catalogues=False, **whole)

    named = "select count(*) from raw.observations where user_id = %s"
    assert query(named, user) == [(0,)]
    assert query("select count(*) from raw.superseded_observations where user_id = %s", user) == [(0,)]
    assert query(totals) == before
    assert [(entity.inserted, entity.updated) for entity in again.entities if entity.window] == [(0, 0)] * 2

    # Afterwards the person goes on using the application.
    store = served.rows(project.name or "")
    last = [row for row in store.observations() if row.context.user_id == user][-1]
    context = replace(last.context, trace_id="a-trace-after-forgetting")
    moved = replace(last, context=context, id="after", start_ms=last.start_ms + 1, end_ms=last.end_ms + 1)
    store.add_observations([moved])
    extract(settings, project, catalogues=False, **whole)
    assert query(named, user) == [(0,)]
    kept = "select user_id, session_id, metadata, total_cost from raw.observations where trace_id = %s"
    assert [row[:3] for row in query(kept, context.trace_id)] == [(None, None, None)]


def test_a_first_load_after_forgetting_brings_nobody_back(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    user = next(row.context.user_id for row in served.rows(project.name or "").observations() if row.context.user_id)
    forget(settings, user)
    result = extract(settings, project, catalogues=False)
    assert query("select count(*) from raw.observations where user_id = %s", user) == [(0,)]
    assert query("select count(*) from raw.observations where metadata is not null")[0][0] > 0
    assert (
        sum(entity.inserted for entity in result.entities if entity.entity == "observations")
        == query("select count(*) from raw.observations")[0][0]
    )
