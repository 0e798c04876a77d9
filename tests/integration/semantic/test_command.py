"""`./run mf`: MetricFlow's own command on the published marts."""

import os

import pytest

from tracemart.semantic.command import metricflow_project, run_metricflow
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

pytestmark = pytest.mark.slow


def test_mf_query_answers_as_the_analyst(published: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    before = dict(os.environ)
    run_metricflow(published, ["query", "--metrics", "calls", "--group-by", "metric_time__month", "--quiet"])
    with Warehouse(published).connect(Role.ANALYST) as connection:
        rows = connection.execute(
            "select date_trunc('month', usage_date)::date, sum(calls) from marts.fct_usage_daily group by 1"
        ).fetchall()
    printed = capfd.readouterr().out
    assert len(rows) == 2
    for month, calls in rows:
        assert any(str(month) in line and str(calls) in line for line in printed.splitlines())
    assert dict(os.environ) == before


def test_a_saved_query_runs_by_its_name(published: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    run_metricflow(published, ["query", "--saved-query", "cost_by_department_last_month", "--quiet"])
    printed = capfd.readouterr().out
    assert "legal" in printed
    assert "sales" in printed


def test_an_unknown_metric_is_refused_with_those_that_are_near(
    published: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        run_metricflow(published, ["query", "--metrics", "cost_used", "--quiet"])
    assert refusal.value.code == 1
    assert "cost_usd" in "".join(capfd.readouterr())


def test_no_password_stands_in_its_files(published: Settings) -> None:
    password = str(Warehouse(published).conninfo(Role.ANALYST)["password"])
    files = [file for file in metricflow_project(published).rglob("*") if file.is_file()]
    assert len(files) >= 3
    assert [file for file in files if password in file.read_text(errors="replace")] == []
