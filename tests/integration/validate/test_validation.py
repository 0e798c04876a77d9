from collections.abc import Callable

import psycopg
import pytest

from tracemart.errors import ValidationFailedError
from tracemart.settings import Settings
from tracemart.validate import validate_marts, validate_raw
from tracemart.warehouse import Role, Warehouse

Execute = Callable[..., None]


def fetch(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with Warehouse(settings).connect(Role.OWNER) as connection:
        return connection.execute(query.encode()).fetchall()


def everything_but_results(settings: Settings) -> list[tuple[object, ...]]:
    """Rows of every table but the checks' own, as one text a table."""
    tables = fetch(
        settings,
        "select table_schema || '.' || table_name from information_schema.tables where table_type = 'BASE TABLE'"
        " and table_schema in ('raw', 'marts', 'marts_next', 'operations', 'forecasts')"
        " and table_name <> 'validation_results' order by 1",
    )
    return [
        (name, *fetch(settings, f"select count(*), md5(string_agg(t::text, '' order by t::text)) from {name} as t")[0])
        for (name,) in tables
    ]


def assert_stops(settings: Settings, check: Callable[..., object], *words: str) -> None:
    """The check raises one sentence with these words, its result is stored, and nothing else has changed."""
    before = everything_but_results(settings)
    with pytest.raises(ValidationFailedError) as caught:
        check(settings, run_id="planted")
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    stored = fetch(
        settings,
        "select suite, expectation, observed_value from operations.validation_results"
        " where run_id = 'planted' and not is_success and severity = 'error' order by validation_id",
    )
    assert stored
    assert str(stored[0][0]) in str(caught.value)
    assert str(stored[0][2]) in str(caught.value)
    assert everything_but_results(settings) == before


def test_a_healthy_load_passes_and_every_check_is_stored(loaded: Settings) -> None:
    result = validate_raw(loaded, build_id=7, run_id="healthy")
    assert result.errors == []
    assert result.warnings == []
    stored = fetch(loaded, "select run_id, stage, build_id, is_success from operations.validation_results")
    assert len(stored) == len(result.checks) > 20
    assert set(stored) == {("healthy", "raw", 7, True)}


def test_an_empty_warehouse_is_named(settings: Settings) -> None:
    assert_stops(settings, validate_raw, "raw/projects", "at least one Langfuse project", "./run extract")


def test_one_hour_of_a_log_years_ago_without_models_scores_or_users_passes(loaded: Settings, execute: Execute) -> None:
    execute("delete from raw.observations where start_time < '2026-10-04 08:00+00'")
    execute(
        "update raw.observations set model = null, total_cost = null, cost_details = '{}', end_time = null,"
        " start_time = start_time - interval '1053 days', start_month = '2023-11-01'"
    )
    execute("update raw.watermarks set loaded_through_at = '2023-11-16 19:20+00'")
    then = loaded.model_copy(update={"as_of": loaded.now().replace(year=2023, month=11, day=16, hour=19, minute=30)})
    result = validate_raw(then)
    assert result.errors == []
    assert [check.expectation.column for check in result.warnings] == ["share_without_model"]


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        ("update raw.observations set total_cost = -0.5 where id = 'o1' and trace_id = 't0-1'",
         ("raw/observations", "total_cost", "-0.5", "demo/p1/t0-1/o1", "costs less than nothing")),
        ("update raw.observations set usage_details = '{\"input\": -7}' where id = 'o1' and trace_id = 't0-1'",
         ("raw/observations", "least_tokens", "-7")),
        ("update raw.observations set start_time = '2027-03-01Z', start_month = '2027-03-01'"
         " where id = 'o1' and trace_id = 't0-1'",
         ("raw/observations", "hours_in_future", "in the future")),
        ("delete from raw.observations where start_time >= '2026-10-04Z' and id not in ('o1', 'o2')",
         ("raw/observations", "share_of_usual", "0.01", "last complete day")),
        ("update raw.loads set rows_rejected = 5000",
         ("raw/loads", "rejected_share_of_many", "0.5952", "raw.rejected_rows")),
        ("update raw.loads set finished_at = '2026-09-28Z'",
         ("raw/loads", "hours_since_newest_load", "170", "./run extract")),
    ],
)  # fmt: skip
def test_a_planted_violation_in_raw_stops(
    loaded: Settings, execute: Execute, violation: str, words: tuple[str, ...]
) -> None:
    execute(violation)
    assert_stops(loaded, validate_raw, *words)


def test_what_readers_already_see_is_not_checked_again(loaded: Settings, execute: Execute) -> None:
    execute("update raw.observations set total_cost = -0.5 where id = 'o1' and trace_id = 't9-1'")
    execute("insert into operations.slot_loads select 'a', batch_id from raw.loads")
    assert validate_raw(loaded).errors == []


def test_odd_details_of_one_row_do_not_stop_the_rest(loaded: Settings, execute: Execute) -> None:
    execute('update raw.observations set usage_details = \'{"input": "many", "output": null}\' where id = \'o1\'')
    execute("update raw.observations set usage_details = '[1]', cost_details = '3' where id = 'o2'")
    assert validate_raw(loaded).errors == []


def test_an_unknown_type_is_a_warning_that_does_not_stop(loaded: Settings, execute: Execute) -> None:
    execute("update raw.observations set type = 'DREAM' where id = 'o1'")
    [warning] = validate_raw(loaded).warnings
    assert (warning.expectation.column, warning.unexpected_count) == ("type", 42)
    assert fetch(loaded, "select severity from operations.validation_results where not is_success") == [("warning",)]


def test_what_vanished_and_what_waits_for_its_reason_to_go_is_told(loaded: Settings, execute: Execute) -> None:
    execute("update raw.observations set vanished_at = now() where id in ('o1', 'o2') and trace_id like 't3-%'")
    for number, resolved in enumerate(("null", "null", "now()")):
        execute(
            "insert into raw.rejected_rows"
            " (instance, project_id, entity, source, reason, payload, payload_hash, batch_id, resolved_at)"
            f" values ('demo', 'p1', 'scores', 'v4', 'no name', '{{}}', '{number}', 1, {resolved})"
        )
    warnings = {check.expectation.column: check.observed for check in validate_raw(loaded).warnings}
    assert warnings == {
        "vanished_observations": "vanished_observations 2 for demo/p1/2026-10-01",
        "open_rows": "open_rows 2 for demo/p1/scores/no name",
    }


def test_the_first_build_has_nothing_to_compare_with(both_builds: Settings, execute: Execute) -> None:
    execute("drop schema marts cascade")
    execute("create schema marts authorization tracemart_transformer")
    result = validate_marts(both_builds)
    assert result.errors == []
    assert any("published build" in batch for batch in result.left_out)


def test_an_unchanged_build_passes(both_builds: Settings) -> None:
    result = validate_marts(both_builds)
    assert (result.errors, result.warnings, result.left_out) == ([], [], ())


@pytest.mark.parametrize(
    ("violation", "words"),
    [
        ("update marts_next.fct_usage_daily set cost_usd = -1 where usage_date = '2026-10-01'",
         ("marts/fct_usage_daily", "cost_usd", "-1")),
        ("update marts_next.fct_usage_daily set cost_usd = cost_usd + 0.0000000001"
         " where usage_date = '2026-08-10' and agent = 'triage-agent'",
         ("marts/fct_usage_daily", "cost_change_usd", "1E-10", "2026-08-10", "--full-refresh")),
        ("delete from marts_next.fct_usage_daily where usage_date > '2026-09-25'",
         ("marts/fct_usage_daily", "share_of_published", "0.85")),
        ("delete from marts_next.fct_generations where usage_date = '2026-10-04'",
         ("marts/fct_generations", "share_of_published")),
        ("update marts_next.fct_traces set quality = 3 where trace_date = '2026-10-04'",
         ("marts/fct_traces", "quality", "quality_scores")),
        ("drop table marts_next.fct_scores",
         ("marts/fct_scores", "no such table", "./run build")),
        ("alter table marts_next.fct_agent_daily rename column quality to grade",
         ("marts/fct_agent_daily", "mend the query")),
    ],
)  # fmt: skip
def test_a_planted_violation_in_marts_stops(
    both_builds: Settings, execute: Execute, violation: str, words: tuple[str, ...]
) -> None:
    execute(violation)
    assert_stops(both_builds, validate_marts, *words)


def test_a_touched_day_may_change(both_builds: Settings, execute: Execute) -> None:
    change = "update marts_next.fct_usage_daily set cost_usd = cost_usd * 1.01 where usage_date = '2026-10-04'"
    execute(change)
    assert validate_marts(both_builds).errors == []
    execute("delete from intermediate.int_days_touched where reporting_day = '2026-10-04'")
    assert_stops(both_builds, validate_marts, "cost_change_usd", "2026-10-04")


@pytest.mark.parametrize(
    ("change", "column", "observed"),
    [
        ("update marts_next.fct_priced_coverage_daily set unpriced_calls = calls / 10 where project_id = 'p1'",
         "unpriced_call_share", "for demo/p1"),
        ("update marts_next.fct_priced_coverage_daily set priced_tokens = total_tokens / 3 where project_id = 'p2'",
         "priced_token_share", "0.3333 for demo/p2"),
        ("update marts_next.fct_reconciliation_daily set unexplained_calls = -1"
         " where utc_date = '2026-10-02' and model = 'gpt-4o-mini'",
         "unexplained_calls", "1 for 2026-10-02/demo/p1"),
        ("update marts_next.fct_reconciliation_daily set unexplained_cost_usd = server_cost_usd / 100"
         " where utc_date = '2026-10-02' and project_id = 'p1'",
         "unexplained_cost_share", "0.01 for 2026-10-02/demo/p1"),
        ("insert into marts_next.fct_duplicate_calls select usage_date, instance, project_id, 'replayed_cache_hit'"
         " from marts_next.fct_generations where usage_date > '2026-09-27'",
         "found_share", "for demo/p1/replayed_cache_hit"),
        ("update marts_next.fct_cost_restatements set restated_cost_usd = -0.9 * before_cost_usd",
         "restated_share", "0.9 for price"),
    ],
)  # fmt: skip
def test_what_costs_trust_is_told(
    both_builds: Settings, execute: Execute, change: str, column: str, observed: str
) -> None:
    execute(change)
    warnings = {check.expectation.column: check.observed for check in validate_marts(both_builds, build_id=1).warnings}
    assert list(warnings) == [column]
    assert observed in warnings[column]


def test_a_full_refresh_may_change_every_day(both_builds: Settings, execute: Execute) -> None:
    execute("delete from intermediate.int_days_touched")
    execute("update marts_next.fct_usage_daily set cost_usd = cost_usd * 1.01")
    execute(
        "insert into operations.builds (slot, status, is_full_refresh, project_version)"
        " values ('b', 'running', true, '2')"
    )
    [(build_id,)] = fetch(both_builds, "select build_id from operations.builds")
    assert isinstance(build_id, int)
    assert validate_marts(both_builds, build_id=build_id).errors == []
    with pytest.raises(ValidationFailedError, match="cost_change_usd"):
        validate_marts(both_builds)


def test_checks_cannot_write(loaded: Settings) -> None:
    from tracemart.validate.engine import ExpectationEngine

    with Warehouse(loaded).connect(Role.TRANSFORMER, autocommit=True) as session:
        engine = ExpectationEngine(session, {"now": "2026-10-05T00:00:00+00:00"})
        with engine.source.get_engine().connect() as connection, pytest.raises(Exception, match="read-only") as caught:
            connection.exec_driver_sql("delete from operations.validation_results")
    assert isinstance(caught.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)
