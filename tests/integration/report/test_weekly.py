import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import yaml

from tracemart.errors import ReportError
from tracemart.report import Week, render_weekly
from tracemart.report.queries import OTHERS
from tracemart.settings import PROJECT_ROOT, Settings

Execute = Callable[..., list[tuple[object, ...]]]
IN_WEEK = "usage_date between '2026-09-28' and '2026-10-04'"


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_totals_are_those_of_the_marts(settings: Settings, execute: Execute) -> None:
    report = render_weekly(settings)
    [(cost, calls, tokens, errors)] = execute(
        f"select sum(cost_usd), sum(calls), sum(total_tokens), sum(errors) from marts.fct_usage_daily where {IN_WEEK}"
    )
    totals = report.figures.totals
    assert (totals.cost_usd, totals.calls, totals.tokens, totals.errors) == (cost, calls, tokens, errors)
    assert report.week.name == "2026-W40"
    assert f"${cost:,.2f}" in report.html
    assert f"${cost:,.2f}" in report.text
    assert f"${cost:,.2f}" in report.subject


def test_the_csv_has_every_cell_with_exact_decimals(settings: Settings, execute: Execute) -> None:
    rows = csv_rows(render_weekly(settings).csv)
    [(cost, calls, tokens, cells)] = execute(
        f"select sum(cost_usd), sum(calls), sum(total_tokens), count(*) from marts.fct_usage_daily where {IN_WEEK}"
    )
    assert sum(Decimal(row["cost_usd"]) for row in rows) == cost
    assert (sum(int(row["calls"]) for row in rows), sum(int(row["total_tokens"]) for row in rows)) == (calls, tokens)
    assert len(rows) == cells
    assert not any("E" in row["cost_usd"] for row in rows)


@pytest.mark.parametrize("ranking", ["departments", "agents", "models"])
def test_every_ranking_sums_to_the_total_of_both_weeks(settings: Settings, execute: Execute, ranking: str) -> None:
    execute(
        "insert into marts.fct_usage_daily select usage_date, instance, project_id, project_name, environment,"
        " 'department ' || n, team, 'agent ' || n, 'model ' || n, 'model ' || n, provider, dimension_1, dimension_2,"
        " calls, errors, input_tokens, cached_input_tokens, cache_write_tokens, total_input_tokens, output_tokens,"
        " total_tokens, cost_usd from marts.fct_usage_daily cross join generate_series(1, 12) as n"
        " where agent = 'triage-agent' and (n < 12 or usage_date < '2026-09-28')"
    )
    figures = render_weekly(settings).figures
    lines = getattr(figures, ranking)
    assert len(lines) == 9
    assert lines[-1].name == OTHERS
    assert sum(line.cost_usd for line in lines) == figures.totals.cost_usd
    assert sum(line.calls for line in lines) == figures.totals.calls
    assert figures.before is not None
    assert sum(line.before_usd for line in lines) == figures.before.cost_usd


def test_the_text_tells_the_same_story_as_the_html(settings: Settings) -> None:
    report = render_weekly(settings)
    words = " ".join(report.text.split())
    for sentence in (
        "agent summary-agent was $27.90, 3.2 times the expected $8.60",
        "October 2026 should end at about",
    ):
        assert sentence in words
        assert sentence in report.html
    assert max(len(line) for line in report.text.splitlines()) <= 80


def test_charts_have_words_for_those_who_do_not_see_them(settings: Settings) -> None:
    report = render_weekly(settings)
    assert [chart.cid for chart in report.charts] == ["daily-cost", "departments", "models"]
    for chart in report.charts:
        assert chart.png.startswith(b"\x89PNG")
        assert f'src="cid:{chart.cid}"' in report.html
        assert len(chart.alt) > 60
    assert "anomalies marked on Wed 30 Sep" in report.charts[0].alt


def test_names_from_traces_are_text_and_never_markup_or_formulas(settings: Settings, execute: Execute) -> None:
    execute("update marts.fct_usage_daily set agent = '<script>alert(1)</script>$x$' where agent = 'answer-agent'")
    execute("update marts.fct_usage_daily set department = '=1+1' where department = 'Finance'")
    report = render_weekly(settings)
    assert "<script>" not in report.html
    assert "&lt;script&gt;" in report.html
    assert {row["department"] for row in csv_rows(report.csv)} >= {"'=1+1", "Research"}


def test_a_small_cost_is_not_shown_as_nothing(settings: Settings, execute: Execute) -> None:
    execute("update marts.fct_usage_daily set cost_usd = cost_usd / 100000")
    report = render_weekly(settings)
    assert "$0.00128" in report.subject
    assert ">$0.00<" not in report.html


def test_calls_stand_in_where_nothing_has_a_cost(settings: Settings, execute: Execute) -> None:
    execute("update marts.fct_usage_daily set cost_usd = 0")
    report = render_weekly(settings)
    assert "calls" in report.subject
    assert "give their models a price in Langfuse" in " ".join(report.text.split())
    assert "Calls by agent" in report.html


def test_data_of_one_hour_gives_a_report_of_its_week(settings: Settings, execute: Execute) -> None:
    for mart, day in (
        ("fct_usage_daily", "usage_date"),
        ("fct_usage_hourly", "usage_date"),
        ("fct_traces", "trace_date"),
    ):
        execute(f"delete from marts.{mart} where {day} <> '2026-09-30'")
    execute("delete from marts.fct_forecasts")
    execute("delete from marts.fct_anomalies")
    then = settings.model_copy(update={"as_of": datetime(2026, 9, 30, 10, tzinfo=UTC)})
    report = render_weekly(then)
    assert report.week == Week(date(2026, 9, 28))
    assert report.figures.before is None
    for sentence in (
        "The data of this week is of one day, 30 September 2026.",
        "There is no full week before to compare with.",
        "There is no forecast yet",
        "No day of this week has been judged yet",
    ):
        assert sentence in " ".join(report.text.split())
    assert report.charts[0].title == "Cost an hour, Wed 30 Sep"


def test_a_week_without_usage_is_refused(settings: Settings, execute: Execute) -> None:
    later = settings.model_copy(update={"as_of": datetime(2026, 10, 20, tzinfo=UTC)})
    with pytest.raises(ReportError, match=r"2026-W42 .* has no usage, the newest is of 4 October 2026"):
        render_weekly(later)
    execute("delete from marts.fct_usage_daily")
    with pytest.raises(ReportError, match="hold no usage yet"):
        render_weekly(settings)


def test_a_warehouse_without_marts_is_refused(warehouse_settings: Settings) -> None:
    with pytest.raises(ReportError, match=r"run \./run build"):
        render_weekly(warehouse_settings)


def test_another_week_can_be_asked_for(settings: Settings, execute: Execute) -> None:
    report = render_weekly(settings, Week.containing(date(2026, 9, 10)))
    [(cost,)] = execute(
        "select sum(cost_usd) from marts.fct_usage_daily where usage_date between '2026-09-07' and '2026-09-13'"
    )
    assert (report.week.name, report.figures.totals.cost_usd) == ("2026-W37", cost)
    assert report.figures.anomalies == ()


def test_checks_and_freshness_are_told(settings: Settings, execute: Execute) -> None:
    execute(
        "insert into operations.validation_results"
        " (run_id, stage, suite, expectation, severity, is_success, checked_at)"
        " select run_id, stage, 's', 'expect_x: it holds', 'warning', run_id <> 'bad', moment::timestamptz"
        " from (values ('old', 'raw', '2026-10-01Z'), ('good', 'raw', '2026-10-05Z'), ('bad', 'marts', '2026-10-05Z'))"
        " as runs (run_id, stage, moment)"
    )
    execute(
        "insert into operations.builds (slot, status, is_full_refresh, project_version, data_through_at, published_at)"
        " values ('a', 'published', false, '1', '2026-10-05 01:30Z', now())"
    )
    text = render_weekly(settings).text
    assert "Figures through 5 October 2026, 01:30 UTC." in text
    assert "1 of 2 checks passed. Did not hold: it holds." in text


def test_the_made_marts_have_no_column_that_the_models_lack(execute: Execute) -> None:
    found = execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'marts'"
        " and table_name not in ('fct_builds', 'fct_data_quality')"
    )
    models = PROJECT_ROOT / "dbt_project" / "models" / "marts"
    contracts = {
        str(table): {
            column["name"] for column in yaml.safe_load((models / f"{table}.yml").read_text())["models"][0]["columns"]
        }
        for table in {table for table, _ in found}
    }
    assert [(table, column) for table, column in found if column not in contracts[str(table)]] == []
