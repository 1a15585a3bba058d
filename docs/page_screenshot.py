"""A picture of an exported page for the documentation: `python docs/page_screenshot.py PAGE.html NAME` writes
docs/images/page-NAME.png. Needs a Chromium (`make install-browser`)."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1000, "height": 640}
PATIENCE = 600_000  # milliseconds
SOFTWARE = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]


def main(file: str, name: str) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SOFTWARE)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE)
        page.goto(Path(file).resolve().as_uri())
        page.wait_for_selector("#bar", state="visible")
        page.evaluate("async () => { globalThis.shownPage = await page }")
        page.mouse.move(400, 300)
        page.mouse.down()
        page.mouse.move(460, 340, steps=3)
        page.mouse.up()
        page.wait_for_function("shownPage.display.complete")
        page.screenshot(path=IMAGES / f"page-{name}.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
