"""Pictures of the dashboards, as the README shows them.

    TRACEMART_SUPERSET_PASSWORD=… python docs/take_screenshots.py http://127.0.0.1:8088 admin docs/images [slug …]

Needs playwright and Pillow (development dependencies) and a Chromium.
"""

import os
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--no-proxy-server",
]  # fmt: skip
WIDTH = 1560
# Charts take the width of this sign for the height of a line; without a font that has it, lines fall on one another.
LINE_HEIGHT = """
const measure = CanvasRenderingContext2D.prototype.measureText;
CanvasRenderingContext2D.prototype.measureText = function (text) {
  const found = measure.call(this, text);
  const size = parseFloat(/([0-9.]+)px/.exec(this.font)?.[1] ?? "12");
  return text === "\\u56fd" && found.width < size ? { ...found, width: size } : found;
};
"""
SLUGS = ("overview", "cost", "models", "agents", "trust")


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    page.goto(f"{url}/login/")
    page.locator("input#username").fill(user)
    page.locator("input#password").fill(password)
    page.locator("[data-test='login-button']").click()
    page.wait_for_url(lambda address: "/login" not in address)


def open_dashboard(page: Page, url: str, slug: str) -> None:
    """Open a dashboard and wait until every chart is drawn."""
    page.goto(f"{url}/superset/dashboard/{slug}/?standalone=0")
    page.locator("[data-test='dashboard-content-wrapper'], .grid-container").first.wait_for(timeout=60_000)
    page.locator("[data-test-chart-id]").first.wait_for(timeout=60_000)
    page.wait_for_function(
        "() => { const all = document.querySelectorAll('[data-test-chart-id]');"
        " return all.length > 0 && !document.querySelector('[data-test=\"loading-indicator\"], .loading'); }",
        timeout=120_000,
    )
    page.wait_for_timeout(1500)


def shrink(file: Path) -> None:
    """Keep 256 colours: a third of the size, and nobody sees the difference."""
    with Image.open(file) as picture:
        few = picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2)
    few.save(file, optimize=True)


def take(url: str, user: str, password: str, folder: Path, slugs: tuple[str, ...] = SLUGS) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 1000})
        page.add_init_script(LINE_HEIGHT)
        sign_in(page, url, user, password)
        for slug in slugs:
            page.set_viewport_size({"width": WIDTH, "height": 1000})
            open_dashboard(page, url, slug)
            height = page.evaluate("document.querySelector('.grid-container')?.getBoundingClientRect().height ?? 1400")
            page.set_viewport_size({"width": WIDTH, "height": int(height) + 190})
            page.wait_for_timeout(2500)
            file = folder / f"{slug}.png"
            page.screenshot(path=str(file))
            shrink(file)
            made.append(file)
        browser.close()
    return made


if __name__ == "__main__":
    address, name, target, *wanted = sys.argv[1:]
    for picture in take(address, name, os.environ["TRACEMART_SUPERSET_PASSWORD"], Path(target), tuple(wanted) or SLUGS):
        print(picture)
