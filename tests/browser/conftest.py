"""A browser that has logged in to the demo's Superset; skipped where no Chromium can be had."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tracemart.services.stack import Stack

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--no-proxy-server",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium: TRACEMART_CHROMIUM, or the first that is installed."""
    found = os.environ.get("TRACEMART_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if found is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium), so no dashboard was opened")
    return found


@pytest.fixture(scope="session")
def signed_in(chromium: str, running_demo: "Stack") -> Iterator["Page"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1560, "height": 2600})
        page.set_default_timeout(120_000)
        page.goto(f"{running_demo.superset_url}/login/")
        page.locator("input#username").fill(running_demo.superset_user)
        page.locator("input#password").fill(running_demo.superset_password)
        page.locator("[data-test='login-button']").click()
        page.wait_for_url(lambda address: "/login" not in address)
        yield page
        browser.close()
