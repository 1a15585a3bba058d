"""Pictures of the viewer for the documentation: `python docs/screenshots.py NAME RUN [RUN ...]` writes
docs/images/viewer-NAME.png. Needs a Chromium (`make install-browser`)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
SECONDS = 120  # for a picture to come to full sharpness, at most
SIZE = {"width": 1280, "height": 760}
SOFTWARE = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
CLEAN = ".mantine-Notifications-root { display: none }"  # that the browser has no GPU is nobody's news
VIEW = [sys.executable, "-c", "from omnifield.scripts.cli import main; main()", "view", "--port", "0"]
ALONE = os.environ | {"OMP_NUM_THREADS": "1"}  # the browser draws on the same cores


def main(name: str, *runs: str) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        subprocess.Popen([*VIEW, *runs], stderr=subprocess.PIPE, text=True, env=ALONE) as viewer,
        sync_playwright() as playwright,
    ):
        assert viewer.stderr is not None
        url = next(found[0] for line in viewer.stderr if (found := re.search(r"http://\S+", line)))
        browser = playwright.chromium.launch(executable_path=chromium, args=SOFTWARE)
        page = browser.new_page(viewport=SIZE)
        page.goto(f"{url}/?fixedDpr=1")  # viser makes pictures smaller in a browser without a GPU
        page.add_style_tag(content=CLEAN)
        page.get_by_text("Background").wait_for()
        turn(page, 150, 60)
        if len(runs) > 1:
            page.get_by_label("With", exact=True).click()
            page.get_by_role("option").nth(2).click()
        finish(page)
        page.screenshot(path=IMAGES / f"viewer-{name}.png")
        browser.close()
        viewer.terminate()


def turn(page: Any, across: int, down: int) -> None:
    page.mouse.move(400, 400)
    page.mouse.down()
    page.mouse.move(400 + across, 400 + down, steps=6)
    page.mouse.up()


def finish(page: Any) -> None:
    """Until all pixels are there, which the page says by making their number bold, and has nothing more to say."""
    size, before = page.locator("strong").filter(has_text=re.compile(r"^\d+×\d+$")), b""
    while True:
        page.wait_for_timeout(1000)
        size.wait_for(timeout=SECONDS * 1000)
        if (now := page.screenshot()) == before:
            return
        before = now


if __name__ == "__main__":
    main(*sys.argv[1:])
