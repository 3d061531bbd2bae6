"""The page of one item: what is said of it, what lies near it, where it came from."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.views.items import shortened
from qualia_assets_tests.web import lakes
from qualia_assets_tests.web.conftest import Visit, serious_findings
from qualia_assets_tests.web.lakes import ORDER, THEMES, item_id, write, write_user

HOSTILE = "<img src=x onerror=alert(1)>{{ 7 * 7 }}"
ODD_ID = "folder:a b/c?d=e#f%20&é.png"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two users; some of ann's items have what other people's items may have, and new has few stages."""
    place = tmp_path_factory.mktemp("place")
    lake = Lake(place / "lake")
    for user in ("ann", "bob"):
        write_user(lake, user, items=60, titles=[HOSTILE])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lakes, "item_id", lambda user, number, seed: f"{number:02d} {ODD_ID}")
        write_user(lake, "odd", items=20)
    write_user(lake, "new", tables=ORDER[:2])
    rows = lake.read("artefacts", "new").to_pylist()
    rows[0] |= {"artefact_id": ODD_ID, "title": None, "text": None, "hop": 2}
    rows[2]["url"] = "javascript:alert(1)"
    rows[4]["url"] = "https://[broken"
    write(lake, "new", "artefacts", rows)
    return place


def address(user: str, item: str) -> str:
    return f"/u/{user}/item/{quote(item)}"


@pytest.mark.parametrize("modality", ["text", "image"])
def test_an_item_is_told_with_its_source_and_its_six_fields(visit: Visit, demos: Path, modality: str) -> None:
    rows = Lake(demos / "lake").read("item_overview", "demo").to_pylist()
    row = next(r for r in rows if r["modality"] == modality and r["match"] is not None and r["moment"])

    page = visit.go(address("demo", row["artefact_id"]))

    said = page.inner_text("main")
    assert page.get_by_role("heading", level=1).inner_text() == row["title"]
    for field in ("aesthetic", "mood", "lifestyle", "moment", "collection", "source", "cluster_label"):
        assert row[field] is None or row[field] in said
    assert ", ".join(row["themes"]) in said
    assert " ".join(row["summary"].split()) in " ".join(said.split())
    out = page.get_by_role("link", name="Where it was")
    assert out.get_attribute("href") == row["url"]
    assert out.get_attribute("rel") == "noopener noreferrer"
    assert page.locator("figure img").count() == (modality == "image")


def test_its_neighbours_are_the_nearest_of_each_modality_in_each_space(visit: Visit, demos: Path) -> None:
    lake = Lake(demos / "lake")
    own = lake.read("cluster_cards", "demo").to_pylist()[0]["exemplars"][0]

    page = visit.go(address("demo", own))

    for space in ("raw", "annotation", "adapted"):
        table = lake.read(f"{space}_embeddings", "demo")
        ids = np.array(table["artefact_id"].to_pylist())
        modality = np.array(table["modality"].to_pylist())
        alike = vectors(table) @ vectors(table)[ids == own][0]
        part = page.get_by_role("region", name=space.capitalize(), exact=True)
        for kind in ("text", "image"):
            others = (modality == kind) & (ids != own)
            wanted = np.sort(alike[others])[::-1][:6]
            links = part.locator(f".near.{kind} a")
            shown = links.evaluate_all("f => f.map(a => decodeURIComponent(a.pathname.split('/item/')[1]))")
            told = part.locator(f".near.{kind} .alike").all_inner_texts()
            assert [alike[ids == item][0] for item in shown] == pytest.approx(wanted, abs=1e-5)
            assert set(shown) <= set(ids[others])
            assert told == [f"{value:.2f}" for value in wanted]


def test_it_leads_to_the_map_to_search_to_its_match_and_into_dagster(there: Visit) -> None:
    item = item_id("ann", 0)
    page = there.go(address("ann", item))

    def leads(name: str) -> str:
        return str(page.get_by_role("link", name=name).first.get_attribute("href"))

    assert leads("On the map") == f"/u/ann/map?item={quote(item)}"
    assert leads("More like this") == f"/u/ann/search?item={quote(item)}"
    assert leads("adapted_embeddings") == "http://127.0.0.1:3000/assets/adapted_embeddings?partition=ann"
    page.get_by_role("link", name=f"{THEMES[0]}, seen").click()
    page.wait_for_url("**/clusters?cluster=image*")
    assert page.get_by_role("heading", level=1).inner_text() == f"{THEMES[0]}, seen"


def test_who_made_what_and_when_is_told(there: Visit, place: Path) -> None:
    page = there.go(address("ann", item_id("ann", 0)))
    made = page.get_by_role("region", name="What was made of it").inner_text()
    assert "local" in made
    assert "adapter identity" in made
    info = Lake(place / "lake").info("annotations", "ann")
    assert info
    when = page.get_by_role("row").filter(has_text="annotations").get_by_role("time")
    assert when.get_attribute("datetime") == info.written_at.isoformat()


@pytest.mark.parametrize("item", [item_id("bob", 0), "nothing", "../../bob/item", "<script>"])
def test_what_is_no_item_of_this_user_is_not_shown(there: Visit, item: str) -> None:
    page = there.go("/u/ann/item/" + quote(item, safe=""))
    said = page.inner_text("main")
    assert "ann has no item" in said
    assert item in said
    assert THEMES[0] not in said
    there.errors.clear()  # a 404 is written to the console, as it should be


def test_an_item_is_found_whatever_its_id_and_however_little_is_known_of_it(there: Visit) -> None:
    page = there.go("/u/new/item/" + quote(ODD_ID))
    assert page.get_by_role("heading", level=1).inner_text() == "A post without a title"
    said = page.inner_text("main")
    assert ODD_ID in said
    assert "2 steps from what is yours" in said
    page.get_by_role("link", name="On the map").click()
    page.wait_for_url("**/map?item=**")
    assert page.evaluate("new URLSearchParams(location.search).get('item')") == ODD_ID


@pytest.mark.parametrize("path", ["/u/odd/clusters", "/u/odd/item/" + quote(f"02 {ODD_ID}")])
def test_every_link_to_an_item_leads_there_whatever_its_id(there: Visit, path: str) -> None:
    page = there.go(path)
    for kind in (".essays .title, .near.text .title", ".mosaic a, .near.image a"):
        link = page.locator(kind).first
        title = link.get_attribute("title") or link.inner_text()
        link.click()
        page.wait_for_url("**/item/**")
        assert page.get_by_role("heading", level=1).inner_text() == title
        there.go(path)


def test_what_is_not_made_yet_is_said_with_what_makes_it(there: Visit) -> None:
    page = there.go(address("new", item_id("new", 6)))
    assert "qualia run --user new" in page.get_by_role("region", name="What is said of it").inner_text()
    near = page.get_by_role("region", name="What lies near it").inner_text()
    for space in ("raw", "annotation", "adapted"):
        assert f"The stage {space}_embeddings was not made yet" in near


@pytest.mark.parametrize("number", [2, 4])
def test_an_address_that_does_not_lead_to_the_web_is_text(there: Visit, number: int) -> None:
    page = there.go(address("new", item_id("new", number)))
    assert page.get_by_role("link", name="Where it was").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert page.get_by_text(("javascript:alert(1)", "https://[broken")[number // 2 - 1]).count() == 1


def test_a_hostile_title_stays_text(there: Visit) -> None:
    page = there.go(address("ann", item_id("ann", 0)))
    assert page.get_by_role("heading", level=1).inner_text() == HOSTILE
    there.go(address("ann", item_id("ann", 10)))
    assert page.locator(".near .title").get_by_text(HOSTILE, exact=True).count() > 0


@pytest.mark.parametrize(("scheme", "modality"), [("light", "text"), ("dark", "image")])
def test_the_page_is_accessible_and_fits_a_phone(
    visit: Visit, demos: Path, scheme: str, modality: str
) -> None:
    cards = Lake(demos / "lake").read("cluster_cards", "demo").to_pylist()
    item = next(card["exemplars"][0] for card in cards if card["modality"] == modality)
    visit.page.set_viewport_size({"width": 400, "height": 800})
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.go(address("demo", item))
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_every_link_and_button_is_reached_by_keyboard(there: Visit) -> None:
    page = there.go(address("ann", item_id("ann", 0)))
    wanted = page.locator("a[href], button, [tabindex='0']").count()
    seen: set[Any] = set()
    for _ in range(wanted + 3):
        page.keyboard.press("Tab")
        at = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
        seen.add(page.evaluate(f"document.activeElement === document.body ? null : {at}"))
    assert len(seen - {None}) == wanted


@pytest.mark.parametrize(
    ("text", "most", "short"),
    [
        (None, 10, ""),
        ("  a\n b ", 10, "a b"),
        ("one two three", 13, "one two three"),
        ("one two, three", 9, "one two …"),
        ("x" * 30, 10, "x" * 10 + " …"),
    ],
)
def test_an_excerpt_ends_after_a_word(text: str | None, most: int, short: str) -> None:
    assert shortened(text, most) == short
