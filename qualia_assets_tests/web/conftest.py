"""One lake for all pages, the app over it in this process and in one of its own, and a headless Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from qualia_assets.lake.store import Lake
from qualia_assets.settings import load_settings
from qualia_assets.web.server import make_app
from qualia_assets_tests.web.html import Html
from qualia_assets_tests.web.lakes import write_user
from qualia_assets_tests.web.running import CHROMIUM, Process, app_over, environment

WITHOUT = "there is no Chromium (Debian: apt-get install chromium), so no page was opened"
HOSTILE = (
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "</script><svg onload=window.hacked=1>",
    "\u202egnp.exe\u202c mirrored \u200f\u05e2\u05d1\u05e8\u05d9\u05ea",
    "nothing\x00ness",
    "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{RAINBOW} {{ 7 * 7 }} ${7 * 7}",
    "word " * 2_000,
)
"""The titles of the first items of ann."""


@pytest.fixture(scope="session")
def site(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with u-1, who went through the whole graph, and ann, 80 items. Tests may add users."""
    place = tmp_path_factory.mktemp("site")
    shutil.copytree(finished / "lake", place / "lake")
    for name in ("state.sqlite", "qualia.toml"):
        shutil.copyfile(finished / name, place / name)
    write_user(Lake(place / "lake"), "ann", items=80, titles=HOSTILE)
    return place


@pytest.fixture(scope="session")
def lake(site: Path) -> Lake:
    return Lake(site / "lake")


def client_over(place: Path, **environ: str) -> TestClient:
    """A client of the app over a place's lake, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**environment(place), **environ}.items():
            patch.setenv(name, value)
        app = make_app(load_settings())
    return TestClient(app, base_url="http://127.0.0.1", headers={"accept": "text/html"})


class Client:
    """Pages of the app over the site, without a browser."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def get(self, path: str, status: int = 200) -> Html:
        """A page, which has to have that status."""
        response = self.http.get(path)
        assert response.status_code == status, f"{path}: {response.status_code} {response.text[:200]}"
        return Html(response.text)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.getbasetemp().parent / "models")


@pytest.fixture(scope="session")
def client(site: Path, models: str) -> Client:
    return Client(client_over(site, QUALIA_MODELS=models))


@pytest.fixture(scope="session")
def process(site: Path, models: str) -> Iterator[tuple[int, Process]]:
    """The port of the app over the site, and its process."""
    with app_over(site, QUALIA_MODELS=models) as (url, running):
        yield int(url.rpartition(":")[2]), running


@pytest.fixture(scope="session")
def port(process: tuple[int, Process]) -> int:
    return process[0]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium. Without one, tests are skipped, or fail where that is not allowed."""
    if CHROMIUM is None:
        if os.environ.get("QUALIA_NEEDS_CHROMIUM"):
            pytest.fail(WITHOUT)
        pytest.skip(WITHOUT)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        # Root has no sandbox for pages, and needs none for pages of our own.
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Tab:
    """A tab, and what went wrong in it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._printed)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", self._failed)

    def _printed(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _failed(self, request: Any) -> None:
        # Requests of a page that is left are aborted.
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"{request.url}: {request.failure}")

    def go(self, path: str, width: int | None = None, scheme: str | None = None) -> Any:
        """Open a page of the app and wait until its scripts are idle."""
        if width is not None:
            self.page.set_viewport_size({"width": width, "height": 800})
        if scheme is not None:
            self.page.emulate_media(color_scheme=scheme)
        self.page.goto(self.url + path, wait_until="networkidle")
        return self.page

    def check(self) -> None:
        """Nothing was written to the console, and nothing was requested from elsewhere."""
        assert self.errors == []
        own = (self.url, "data:", "blob:", "file:")
        assert [url for url in self.requests if not url.startswith(own)] == []


@contextmanager
def opened(chromium: Any, url: str, **context: Any) -> Iterator[Tab]:
    """A tab that has to end clean, in a browser context of its own."""
    made = chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
    tab = Tab(made.new_page(), url)
    yield tab
    made.close()
    tab.check()


@pytest.fixture
def tab(chromium: Any, port: int) -> Iterator[Tab]:
    """A tab on the app over the site."""
    with opened(chromium, f"http://127.0.0.1:{port}") as tab:
        yield tab


def check_accessible(page: Any) -> None:
    """Axe-core finds nothing serious or critical, and the page fits its window."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
