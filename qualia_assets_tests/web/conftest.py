"""The app as its own process over both demo users, and a headless Chromium to look at it with."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.progress import Progress
from qualia_assets.sources.base import SourceItem
from qualia_assets.sources.demo import DemoSource
from qualia_assets_tests.places import made_once, qualia
from qualia_assets_tests.web.running import CHROMIUM, app_over

WITHOUT = "there is no Chromium (Debian: apt-get install chromium), so no page was looked at"


@pytest.fixture(scope="session")
def demos(finished: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A place where both demo users went through the whole graph. Not to be changed.

    Half of the first one's items and a smaller grid spare minutes. The processes that run tests make a user
    each, at the same time.
    """
    with made_once(tmp_path_factory, worker_id, "demos", "state") as (place, missing):
        if missing:
            # Vocabularies and common words have been embedded there before.
            shutil.copyfile(finished / "state.sqlite", place / "state.sqlite")
    users = ["demo", "demo-2"]
    for user in reversed(users) if worker_id == "gw1" else users:
        with (
            made_once(tmp_path_factory, worker_id, "demos", user) as (_, missing),
            pytest.MonkeyPatch.context() as patch,
        ):
            if missing:
                patch.setattr(DemoSource, "read", _half)
                made = qualia("demo", "--user", user)
                assert made.exit_code == 0, made.output
    return place


_read = DemoSource.read


def _half(source: DemoSource, progress: Progress) -> Iterator[SourceItem]:
    """Ten of the 19 posts and 19 pins of each theme, which follow each other, for the first user."""
    for _, run in itertools.groupby(_read(source, progress), lambda item: item.modality):
        yield from itertools.islice(run, 9 if source.user == "demo" else 0, None)


@contextmanager
def serving(place: Path, **environment: str) -> Iterator[str]:
    """The app over a place's lake, in a process of its own; gives its address."""
    with app_over(place, **environment) as (url, _):
        yield url


@pytest.fixture(scope="session")
def app(demos: Path) -> Iterator[str]:
    """The address of the app over both demo users."""
    with serving(demos) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium. Where there is none, tests are skipped, and fail where that is not allowed."""
    if CHROMIUM is None:
        if os.environ.get("QUALIA_NEEDS_CHROMIUM"):
            pytest.fail(WITHOUT)
        pytest.skip(WITHOUT)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        # Root has no sandbox to put its pages in, and needs none for pages of our own.
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Visit:
    """One tab, and what went wrong in it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        self.abroad: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _failed(self, request: Any) -> None:
        # A page that is left is sent no more of what it asked for.
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"{request.url}: {request.failure}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.url, "data:", "blob:", "file:")):
            self.abroad.append(request.url)

    def go(self, path: str) -> Any:
        """Open a page of the app and wait until its scripts have come to rest."""
        self.page.goto(self.url + path, wait_until="networkidle")
        return self.page

    def is_clean(self) -> None:
        """Nothing was written to the console, and nothing was asked for beyond the app."""
        assert self.errors == []
        assert self.abroad == []


@pytest.fixture
def visit(chromium: Any, app: str) -> Iterator[Visit]:
    """A tab on the app; every test that uses it ends with a clean console and no request abroad."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    tab = Visit(context.new_page(), app)
    yield tab
    context.close()
    tab.is_clean()


@pytest.fixture(scope="module")
def known(place: Path) -> Iterator[str]:
    """The address of an app over the users of a module's own ``place``."""
    with serving(place) as url:
        yield url


@pytest.fixture
def there(visit: Visit, known: str) -> Visit:
    """The tab on those users."""
    visit.url = known
    return visit


def serious_findings(page: Any) -> list[str]:
    """What axe-core finds to be serious or critical on the page, as "rule: element"."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
