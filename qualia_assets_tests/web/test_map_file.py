"""The map in a file: it opens without a network, and holds no more than was asked for."""

import base64
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.lake import blobs
from qualia_assets.lake.snapshot import Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.views.points import MapTables, tables_of
from qualia_assets.web import map_file
from qualia_assets.web.map_file import map_page, script_of
from qualia_assets_tests.web.conftest import check_accessible, opened
from qualia_assets_tests.web.lakes import spec_of, write, write_user

HARM = '</script><script>window.hacked = 1</script><!-- <script> "quoted" \u2028 & more'


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with ann, whose titles and labels are hostile."""
    lake = Lake(tmp_path_factory.mktemp("file") / "lake")
    write_user(lake, "ann", items=40, titles=[HARM] * 40)
    cards = lake.read("cluster_cards", "ann").to_pylist()
    for row in cards:
        row["label"] = f"{HARM} {row['cluster']}"
    write(lake, "ann", "cluster_cards", spec_of("cluster_cards").table(cards))
    return lake


@pytest.fixture(scope="module")
def ann(own: Lake) -> MapTables:
    return tables_of(Snapshots(own).of("ann"))


@pytest.fixture(scope="module")
def full(own: Lake, ann: MapTables) -> bytes:
    """The file with everything that it can hold."""

    def thumbnail(sha: str) -> bytes:
        return blobs.thumbnail(own, sha, 64).read_bytes()

    body = map_page(ann, own.read("annotations", "ann"), titles=True, thumbnail=thumbnail)
    assert body == map_page(ann, own.read("annotations", "ann"), titles=True, thumbnail=thumbnail)
    return body


@pytest.fixture
def open_file(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a file in a tab without a network."""
    with opened(chromium, "file://", offline=True) as tab:

        def open_file(body: bytes, fragment: str = "") -> Any:
            path = tmp_path / "map.html"
            path.write_bytes(body)
            tab.page.goto(f"{path.as_uri()}{fragment}")
            tab.page.wait_for_selector("#atlas[data-ready]")
            tab.page.wait_for_selector("aside[aria-busy=false]")
            return tab.page

        yield open_file


def test_it_opens_without_a_network_and_is_the_map(open_file: Callable[..., Any], full: bytes) -> None:
    page = open_file(full)

    assert page.inner_text("#status") == "40 items in view."
    assert page.locator("#clusters li").count() > 5
    page.locator("#items button").first.click()
    page.wait_for_selector("#about:not([hidden])")
    card = page.inner_text("#about")
    assert HARM.split("\u2028", maxsplit=1)[0].rstrip() in card
    assert "the mood of" in card
    check_accessible(page)
    for _ in range(3):
        page.locator("[data-zoom='1.6']").first.click()
    page.click("[data-space=all]")
    page.wait_for_selector("aside[aria-busy=false]")
    assert page.evaluate("window.hacked") is None
    assert page.locator("body > script").count() == 4
    assert "space=all" in page.url
    assert page.url.partition("?")[1] == ""


def test_an_address_after_the_file_restores_the_view(open_file: Callable[..., Any], ann: MapTables) -> None:
    page = open_file(map_page(ann), "#space=raw&kind=text&item=4")

    assert page.locator("[data-space=raw]").get_attribute("aria-pressed") == "true"
    assert page.inner_text("#number") == "20 of 40 items shown"
    page.wait_for_selector("#about:not([hidden])")
    assert page.inner_text("#about h2") == "Post 5"
    assert "left out of this file" in page.inner_text("#about")


def test_by_default_it_holds_nothing_that_identifies_an_item(ann: MapTables, full: bytes) -> None:
    plain = map_page(ann)
    packed = [base64.b64decode(re.search(rb'held-points">([^<]*)', f)[1]) for f in (plain, full)]  # type: ignore[index]

    for words in (b"ann.example", b"A. N. Author", b"mood of", b"Letters 1", b"folder:ann"):
        assert words not in plain + packed[0]
    assert b"ann.example" in full
    assert b"mood of" in full
    assert b"Letters 1" in packed[1]
    assert b"folder:ann" not in full + packed[1]
    for picture in set(ann.artefacts["image_sha256"].drop_null().to_pylist()):
        assert bytes.fromhex(picture) not in packed[0] + packed[1]
        assert picture.encode() not in full
    assert base64.b64encode(b"RIFF")[:4] in full


def test_the_policy_admits_its_own_script_and_style_and_nothing_else(full: bytes) -> None:
    body = full.decode()

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', body)
    assert policy is not None
    rules = policy[1].replace("&#39;", "'")
    for element, name in (("script", "script-src"), ("style", "style-src")):
        content = re.search(rf"<{element}(?: type=\"module\")?>(.*?)</{element}>", body, re.DOTALL)
        assert content is not None
        digest = base64.b64encode(sha256(content[1].encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in rules
    assert rules.startswith("default-src 'none';")
    assert "http" not in rules
    assert not re.search(r"<(link|img|iframe|base)\b", body.split("<body>")[0])


def test_a_picture_that_cannot_be_shown_is_left_out(open_file: Callable[..., Any], ann: MapTables) -> None:
    page = open_file(map_page(ann, titles=True, thumbnail=lambda sha: None))

    for _ in range(4):
        page.locator("[data-zoom='1.6']").first.click()
    page.wait_for_selector("aside[aria-busy=false]")
    assert "in view" in page.inner_text("#status")


def test_every_module_is_bundled_once_after_its_dependencies() -> None:
    script = script_of("map-file.js")

    made = re.findall(r"^const (\$\w+) = ", script, re.MULTILINE)
    assert len(made) == len(set(made)) > 8
    for used in re.finditer(r"^const \{[^}]*\} = (\$\w+);", script, re.MULTILINE):
        assert script.index(f"const {used[1]} = ") < used.start()
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./b.js";',
        'import { a } from "https://b.example/b.js";',
        "export default 1;",
        "await 1;",
    ],
)
def test_unsupported_module_syntax_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / "a.js").write_text(f"{line}\n")
    monkeypatch.setattr(map_file, "STATIC", tmp_path)

    with pytest.raises(ValueError, match=r"a\.js"):
        script_of("a.js")
