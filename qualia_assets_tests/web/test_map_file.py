"""The map in a file of its own: it asks for nothing, and tells no more than it was asked to."""

import base64
import re
from collections.abc import Iterator
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
from qualia_assets_tests.web.conftest import Visit, serious_findings
from qualia_assets_tests.web.lakes import spec_of, write, write_user

HARM = '</script><script>window.hacked = 1</script><!-- <script> "quoted" \u2028 & more'


@pytest.fixture
def ann(lake: Lake) -> MapTables:
    write_user(lake, "ann", items=40, titles=[HARM] * 40)
    cards = lake.read("cluster_cards", "ann").to_pylist()
    for row in cards:
        row["label"] = f"{HARM} {row['cluster']}"
    write(lake, "ann", "cluster_cards", spec_of("cluster_cards").table(cards))
    return tables_of(Snapshots(lake).of("ann"))


def whole(lake: Lake, tables: MapTables) -> bytes:
    """The file with all that can be in it."""
    return map_page(
        tables,
        lake.read("annotations", "ann"),
        titles=True,
        thumbnail=lambda sha: blobs.thumbnail(lake, sha, 64).read_bytes(),
    )


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Opens a file in a tab that has no network; the console has to be empty in the end."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    tab = Visit(context.new_page(), "file://")

    def open_file(body: bytes, more: str = "") -> Any:
        path = tmp_path / "map.html"
        path.write_bytes(body)
        tab.page.goto(f"{path.as_uri()}{more}")
        tab.page.wait_for_selector("#atlas[data-ready]")
        tab.page.wait_for_selector("aside[aria-busy=false]")
        return tab.page

    yield open_file
    context.close()
    tab.is_clean()


def test_it_opens_without_a_network_and_is_the_map(opened: Any, lake: Lake, ann: MapTables) -> None:
    page = opened(whole(lake, ann))

    assert page.inner_text("#status") == "40 items in view."
    assert page.locator("#clusters li").count() > 5
    page.locator("#items button").first.click()
    page.wait_for_selector("#about:not([hidden])")
    said = page.inner_text("#about")
    assert HARM.split("\u2028", maxsplit=1)[0].rstrip() in said
    assert "the mood of" in said
    assert serious_findings(page) == []
    for _ in range(3):
        page.locator("[data-zoom='1.6']").first.click()
    page.click("[data-space=all]")
    page.wait_for_selector("aside[aria-busy=false]")
    assert page.evaluate("window.hacked") is None
    assert page.locator("body > script").count() == 4
    assert "space=all" in page.url
    assert page.url.partition("?")[1] == ""


def test_an_address_after_the_file_shows_the_same_again(opened: Any, lake: Lake, ann: MapTables) -> None:
    page = opened(map_page(ann), "#space=raw&kind=text&item=4")

    assert page.locator("[data-space=raw]").get_attribute("aria-pressed") == "true"
    assert page.inner_text("#number") == "20 of 40 items shown"
    page.wait_for_selector("#about:not([hidden])")
    assert page.inner_text("#about h2") == "Post 5"
    assert "left out of this file" in page.inner_text("#about")


def test_unless_asked_for_nothing_that_an_item_is_called_is_in_it(lake: Lake, ann: MapTables) -> None:
    plain_file, full = map_page(ann), whole(lake, ann)
    packed = [base64.b64decode(re.search(rb'held-points">([^<]*)', f)[1]) for f in (plain_file, full)]  # type: ignore[index]

    for words in (b"ann.example", b"A. N. Author", b"mood of", b"Letters 1", b"folder:ann"):
        assert words not in plain_file + packed[0]
    assert b"ann.example" in full
    assert b"mood of" in full
    assert b"Letters 1" in packed[1]
    assert b"folder:ann" not in full + packed[1]
    for picture in set(ann.artefacts["image_sha256"].drop_null().to_pylist()):
        assert bytes.fromhex(picture) not in packed[0] + packed[1]
        assert picture.encode() not in full
    assert b"RIFF" not in plain_file
    assert base64.b64encode(b"RIFF")[:4] in full


def test_the_policy_allows_its_own_script_and_style_and_nothing_else(lake: Lake, ann: MapTables) -> None:
    body = whole(lake, ann).decode()

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', body)
    assert policy is not None
    said = policy[1].replace("&#39;", "'")
    for element, name in (("script", "script-src"), ("style", "style-src")):
        inside = re.search(rf"<{element}(?: type=\"module\")?>(.*?)</{element}>", body, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(sha256(inside[1].encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in said
    assert said.startswith("default-src 'none';")
    assert "http" not in said
    assert not re.search(r"<(link|img|iframe|base)\b", body.split("<body>")[0])


def test_the_same_tables_give_the_same_bytes(lake: Lake, ann: MapTables) -> None:
    assert whole(lake, ann) == whole(lake, ann)


def test_a_picture_that_cannot_be_shown_is_left_out(opened: Any, ann: MapTables) -> None:
    page = opened(map_page(ann, titles=True, thumbnail=lambda sha: None))

    for _ in range(4):
        page.locator("[data-zoom='1.6']").first.click()
    page.wait_for_selector("aside[aria-busy=false]")
    assert "in view" in page.inner_text("#status")


def test_every_module_is_in_it_once_after_those_that_it_needs() -> None:
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
def test_a_module_that_cannot_be_put_into_a_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / "a.js").write_text(f"{line}\n")
    monkeypatch.setattr(map_file, "STATIC", tmp_path)

    with pytest.raises(ValueError, match=r"a\.js"):
        script_of("a.js")
