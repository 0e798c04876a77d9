"""The Metrics API's figures in raw: for the days that need it, in few requests, whatever ends the run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.extract.conftest import AS_OF, Served
from tracemart.errors import LangfuseResponseError
from tracemart.extract.client import LangfuseClient
from tracemart.extract.slices import Slice
from tracemart.extract.step import extract
from tracemart.reconcile import metrics, server_totals
from tracemart.reconcile.server_totals import read_project_totals
from tracemart.settings import Settings

Query = Callable[..., list[tuple[Any, ...]]]
OWN = """
    select (start_time at time zone 'UTC')::date, coalesce(model, ''), count(*), sum(coalesce(total_usage, 0))::bigint,
        sum(coalesce(total_cost, 0))
    from raw.observations group by 1, 2 order by 1, 2
"""
SERVERS = "select utc_date, model, calls, total_tokens, total_cost_usd from raw.server_totals order by utc_date, model"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Slice]:
    """The time of each request that is made."""
    made: list[Slice] = []
    query_of = metrics.query_of

    def noted(cut: Slice) -> str:
        made.append(cut)
        return query_of(cut)

    monkeypatch.setattr(metrics, "query_of", noted)
    return made


def test_each_day_is_asked_for_once_and_again_after_a_change(
    settings: Settings, served: Served, query: Query, asked: list[Slice]
) -> None:
    project = served.projects[0]
    extract(settings, project)

    first = read_project_totals(settings, project)

    assert query(SERVERS) == query(OWN)
    assert first.days == settings.reconciled_days
    assert len(asked) == 2
    assert [row[0] for row in query("select count(*) from raw.server_days where batch_id is null")] == [0]

    assert not read_project_totals(settings, project).changed
    assert len(asked) == 2

    rows = served.rows(project.name or "")
    call = next(row for row in rows.observations() if row.model)
    late = replace(call, id="late", start_ms=call.start_ms - 3 * 86_400_000, created_ms=call.created_ms + 1000)
    rows.add_observations([late])
    extract(settings, project, window_from=AS_OF - timedelta(days=30), window_to=AS_OF)
    again = read_project_totals(settings, project)
    day = datetime.fromtimestamp(late.start_ms / 1000, UTC).date()
    assert (again.days, [(cut.start.date(), cut.end.date()) for cut in asked[2:]]) == (
        1, [(day, day + timedelta(days=1))],
    )  # fmt: skip
    assert query(SERVERS) == query(OWN)


def test_a_killed_run_goes_on_where_it_was(
    settings: Settings, served: Served, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = served.projects[0]
    extract(settings, project)
    store = server_totals._store

    def dies(*arguments: Any) -> Any:
        if date(2026, 11, 21) in arguments[3]:
            store(*arguments)
            raise KeyboardInterrupt
        return store(*arguments)

    monkeypatch.setattr(server_totals, "_store", dies)
    with pytest.raises(KeyboardInterrupt):
        read_project_totals(settings, project)
    left = query("select count(*) from raw.server_days where batch_id is null")[0][0]
    assert 0 < left < settings.reconciled_days

    monkeypatch.setattr(server_totals, "_store", store)
    assert read_project_totals(settings, project).days == left
    assert query(SERVERS) == query(OWN)


def test_an_answer_that_is_cut_is_asked_for_in_parts(
    settings: Settings, served: Served, query: Query, asked: list[Slice], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = served.projects[0]
    extract(settings, project)
    most = query(
        "select max(models) from (select count(distinct model) + 2 as models from raw.observations) as counted"
    )
    monkeypatch.setattr(metrics, "ROW_LIMIT", most[0][0])

    read_project_totals(settings, project)

    assert query(SERVERS) == query(OWN)
    assert len(asked) > 7

    monkeypatch.setattr(metrics, "ROW_LIMIT", 1)
    with (
        LangfuseClient(project) as client,
        pytest.raises(LangfuseResponseError, match="in the hour from 2026-11-20 00"),
    ):
        metrics.read_totals(
            client, "v4", Slice(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 1, tzinfo=UTC))
        )


def test_a_day_that_became_empty_has_no_figures(settings: Settings, served: Served, query: Query) -> None:
    project = served.projects[0]
    extract(settings, project)
    read_project_totals(settings, project)
    rows = served.rows(project.name or "")
    day = date(2026, 11, 20)
    traces = {
        row.context.trace_id
        for row in rows.observations()
        if datetime.fromtimestamp(row.start_ms / 1000, UTC).date() == day
    }
    for trace in traces:
        rows.delete_trace(trace)
    extract(settings, project, window_from=AS_OF - timedelta(days=30), window_to=AS_OF)

    read_project_totals(settings, project)

    assert query("select count(*) from raw.server_totals where utc_date = '2026-11-20'") == [(0,)]
    assert query("select asked_at is not null from raw.server_days where utc_date = '2026-11-20'") == [(True,)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"count_count": "12", "sum_totalTokens": "34", "sum_totalCost": 1.28e-06}, (12, 34, Decimal("0.00000128"))),
        ({"count_count": 1, "sum_totalTokens": None, "sum_totalCost": None}, (1, 0, Decimal(0))),
        ({"count_count": 0, "sum_totalTokens": 0, "sum_totalCost": 0}, None),
    ],
)
def test_counts_may_be_text_and_sums_null(row: dict[str, Any], expected: tuple[int, int, Decimal] | None) -> None:
    found = metrics._parsed(None, row | {"time_dimension": "2026-11-20", "providedModelName": None})  # type: ignore[arg-type]
    assert (found and (found[2].calls, found[2].tokens, found[2].cost_usd)) == expected
    if found:
        assert found[:2] == (date(2026, 11, 20), "")
