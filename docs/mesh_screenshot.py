"""A picture of an exported GLB in somebody else's viewer, Google's <model-viewer> from npm, in a browser:
`python docs/mesh_screenshot.py NAME MESH.glb` writes docs/images/mesh-NAME-browser.png. Needs npm, a network and a
Chromium (`make install-browser`)."""

import http.server
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from functools import partial
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
VIEWER = "@google/model-viewer@4.4.0"
SIZE = {"width": 1000, "height": 640}
PATIENCE = 300_000  # milliseconds
SOFTWARE = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
PAGE = """<!DOCTYPE html><script type="module" src="model-viewer.js"></script>
<style>body { margin: 0 } model-viewer { width: 100vw; height: 100vh; background: #fff }</style>
<model-viewer src="mesh.glb" camera-controls interaction-prompt="none" camera-orbit="35deg 65deg 100%">
</model-viewer>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        del format, args


def main(name: str, mesh: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        subprocess.run(["npm", "pack", "--silent", VIEWER], cwd=site, check=True)
        with tarfile.open(next(site.glob("*.tgz"))) as package:
            program = package.extractfile("package/dist/model-viewer.min.js")
            assert program is not None
            (site / "model-viewer.js").write_bytes(program.read())
        (site / "index.html").write_text(PAGE)
        shutil.copy(mesh, site / "mesh.glb")
        handler = partial(Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            screenshot(f"http://127.0.0.1:{server.server_port}/", IMAGES / f"mesh-{name}-browser.png")
            server.shutdown()


def screenshot(address: str, file: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SOFTWARE)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: print(message.text, file=sys.stderr))
        page.goto(address)
        page.wait_for_function("document.querySelector('model-viewer').loaded")
        page.wait_for_timeout(3000)  # it fades in
        page.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
