"""Takes the pictures of the app's pages in docs/pages, of the demo user, light and dark.

    qualia demo && python docs/screenshots.py

Needs what `pip install -e '.[dev]'` brings and a Chromium.
"""

import io
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

WHERE = Path(__file__).parent / "pages"
USER = "/u/demo"
PAGES = {
    "map": f"{USER}/map",
    "spaces": f"{USER}/map?space=all",
    "clusters": f"{USER}/clusters?show=test",
    "search": f"{USER}/search?q=a+slow+morning+by+the+sea",
    "item": f"{USER}/item/demo:pin:v8ed2f5000a3",
    "report": f"{USER}/report",
    "users": "/",
}
WIDTH, HEIGHT = 1280, 860


def main() -> None:
    WHERE.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = subprocess.Popen([sys.executable, "-m", "qualia_assets.web", "--port", str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/alive")
        with sync_playwright() as play:
            chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                page = chromium.new_page(
                    viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce"
                )
                for name, path in PAGES.items():
                    page.goto(url + path, wait_until="networkidle")
                    page.wait_for_timeout(1500)
                    taken = Image.open(io.BytesIO(page.screenshot()))
                    taken.save(WHERE / f"{name}-{scheme}.webp", quality=80, method=6)
            chromium.close()
    finally:
        app.terminate()
        app.wait()


def _wait(address: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The app did not start; the lines above say why.")


if __name__ == "__main__":
    main()
