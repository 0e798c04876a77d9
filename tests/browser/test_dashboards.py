"""What a reader sees: every dashboard drawn without an error, with the numbers that the warehouse holds."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tracemart.services.stack import Stack
from tracemart.superset.assets import read_assets
from tracemart.superset.client import SupersetClient
from tracemart.superset.layout import charts_of
from tracemart.warehouse import Role, Warehouse

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response

ASSETS = read_assets()


@pytest.fixture(scope="module")
def superset(running_demo: Stack) -> Iterator[SupersetClient]:
    with SupersetClient(
        running_demo.superset_url, running_demo.superset_user, running_demo.superset_password
    ) as client:
        yield client


def test_every_chart_answers_through_the_api_with_rows(superset: SupersetClient) -> None:
    known = {chart["slice_name"]: chart["id"] for chart in superset.charts()}
    assert set(known) == {chart.title for chart in ASSETS.charts.values()}
    without_rows = []
    for chart in ASSETS.charts.values():
        answers = superset.chart_data(known[chart.title])
        assert [answer["error"] for answer in answers if answer.get("error")] == [], chart.title
        if not answers[0]["rowcount"] and not chart.may_be_empty:
            without_rows.append(chart.title)
    assert without_rows == []


def test_importing_again_makes_no_second_dashboard_or_chart(running_demo: Stack, superset: SupersetClient) -> None:
    from tracemart.superset.importing import import_dashboards

    before = ids(superset)
    import_dashboards(
        running_demo.instance.settings,
        running_demo.superset_url,
        running_demo.superset_user,
        running_demo.superset_password,
    )
    assert ids(superset) == before
    assert {slug for _, slug in before[0]} == set(ASSETS.dashboards)


def ids(superset: SupersetClient) -> tuple[list[tuple[int, str]], list[int]]:
    dashboards = sorted((entry["id"], entry["slug"]) for entry in superset.dashboards())
    return dashboards, sorted(entry["id"] for entry in superset.charts())


@pytest.mark.parametrize("slug", sorted(ASSETS.dashboards))
def test_a_dashboard_is_drawn_whole_and_asks_no_other_host(running_demo: Stack, signed_in: "Page", slug: str) -> None:
    failed: list[str] = []
    asked: set[str] = set()

    def on_response(response: "Response") -> None:
        if "/chart/data" in response.url and response.status >= 400:
            failed.append(response.text()[:300])

    def on_request_finished(request: "Request") -> None:
        # Only what reached a host: the policy stops a tracking picture before it leaves the browser.
        asked.add(urlsplit(request.url).hostname or urlsplit(request.url).scheme)

    signed_in.on("response", on_response)
    signed_in.on("requestfinished", on_request_finished)
    try:
        shown = open_dashboard(signed_in, running_demo, slug)
    finally:
        signed_in.remove_listener("response", on_response)
        signed_in.remove_listener("requestfinished", on_request_finished)
    assert failed == []
    assert set(shown) == {ASSETS.charts[name].title for name in charts_of(ASSETS.dashboards[slug])}
    broken = signed_in.locator("[data-test-chart-id] [role='alert']").all_inner_texts()
    assert broken == []
    assert asked <= {"127.0.0.1", "data", "blob"}


def open_dashboard(page: "Page", stack: Stack, slug: str) -> list[str]:
    """Open it, wait until every chart is drawn, say which charts it shows."""
    page.goto(f"{stack.superset_url}/superset/dashboard/{slug}/")
    page.locator("[data-test-chart-id]").first.wait_for()
    expected = len(charts_of(ASSETS.dashboards[slug]))
    page.wait_for_function(
        "expected => document.querySelectorAll('[data-test-chart-id]').length === expected"
        ' && document.querySelectorAll(\'[data-test-chart-id] [data-test="slice-container"],'
        ' [data-test-chart-id] [role="alert"]\').length >= expected'
        " && !document.querySelector('[data-test=\"loading-indicator\"], .loading')",
        arg=expected,
    )
    titles = page.locator("[data-test-chart-name]")
    return list(titles.evaluate_all("all => all.map(e => e.dataset.testChartName)"))


def shown_number(page: "Page", title: str) -> str:
    chart = page.locator(f"[data-test-chart-name='{title}']")
    text = chart.locator(".pop_kpi, .big_number_total").inner_text()
    match = re.search(r"\$?[\d,]+(\.\d+)?%?", text)
    assert match is not None, text
    return match.group()


def default_days(superset: SupersetClient) -> tuple[str, str]:
    """First day and the day after the last one of the period that the dashboards show first."""
    metadata = superset.dashboard("overview")["json_metadata"]
    match = re.search(r"(\d{4}-\d\d-\d\d) : (\d{4}-\d\d-\d\d)", metadata)
    assert match is not None
    return match[1], match[2]


def test_the_big_numbers_are_the_warehouses(running_demo: Stack, superset: SupersetClient, signed_in: "Page") -> None:
    first, end = default_days(superset)
    with Warehouse(running_demo.instance.settings).connect(Role.ANALYST) as connection:
        row: Any = connection.execute(
            """
            select sum(cost_usd), sum(calls), sum(errors)::numeric / sum(calls)
            from marts.fct_usage_daily where usage_date >= %s and usage_date < %s
            """,
            (first, end),
        ).fetchone()
        users: Any = connection.execute(
            """
            select count(distinct user_id) from marts.fct_user_activity_daily
            where usage_date >= %s and usage_date < %s and user_id <> 'unknown'
            """,
            (first, end),
        ).fetchone()
    cost, calls, error_rate = row
    open_dashboard(signed_in, running_demo, "overview")
    assert shown_number(signed_in, "Cost") == f"${Decimal(cost):,.2f}"
    assert shown_number(signed_in, "Calls") == f"{calls:,}"
    assert shown_number(signed_in, "Error rate") == f"{error_rate:.1%}"
    assert shown_number(signed_in, "Active users") == f"{users[0]:,}"
