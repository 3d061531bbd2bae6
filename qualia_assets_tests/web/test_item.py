"""The page of one item: its annotation, its neighbours, its origin."""

from urllib.parse import quote, unquote

import numpy as np
import pytest

from qualia_assets.lake.specs import vectors
from qualia_assets.lake.store import Lake
from qualia_assets.views.items import shortened
from qualia_assets_tests.places import USER
from qualia_assets_tests.web import lakes
from qualia_assets_tests.web.conftest import HOSTILE, Client, Tab, check_accessible
from qualia_assets_tests.web.html import Html, text_of
from qualia_assets_tests.web.lakes import ORDER, THEMES, item_id, write, write_user
from qualia_assets_tests.web.running import ask

ODD_ID = "folder:a b/c?d=e#f%20&é.png"


@pytest.fixture(scope="module", autouse=True)
def users(lake: Lake) -> None:
    """odd has ids that addresses must quote; bare has few stages and incomplete items."""
    write_user(lake, "bob", items=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lakes, "item_id", lambda user, number, seed: f"{number:02d} {ODD_ID}")
        write_user(lake, "odd", items=20)
    write_user(lake, "bare", tables=ORDER[:2])
    rows = lake.read("artefacts", "bare").to_pylist()
    rows[0] |= {"artefact_id": ODD_ID, "title": None, "text": None, "hop": 2}
    rows[2]["url"] = "javascript:alert(1)"
    rows[4]["url"] = "https://[broken"
    write(lake, "bare", "artefacts", rows)


def address(user: str, item: str) -> str:
    return f"/u/{user}/item/{quote(item)}"


def test_a_picture_shows_those_that_look_like_it_and_a_post_does_not(client: Client, lake: Lake) -> None:
    features = lake.read("picture_features", USER)
    rooted = np.sqrt(vectors(features))
    rooted /= np.linalg.norm(rooted, axis=1, keepdims=True)
    centred = rooted - rooted.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    ids = features["artefact_id"].to_pylist()
    nearest = [ids[i] for i in np.argsort(-(centred @ centred[5])) if i != 5][:3]

    html = client.get(address(USER, ids[5]))

    shown = [a.attrib["href"] for a in html.all("section.look a.picture")]
    assert shown[:3] == [address(USER, item) for item in nearest]
    assert client.get(address(USER, "folder:post1")).texts("section.look") == []
    assert "picture_features" in client.get(address("bob", item_id("bob", 1, 0))).texts("section.look")[0]


def links(html: Html, selector: str = "main a") -> dict[str, str]:
    return {text_of(a): a.attrib["href"] for a in html.all(selector)}


@pytest.mark.parametrize("modality", ["text", "image"])
def test_an_item_is_shown_with_its_origin_and_its_annotation(
    client: Client, lake: Lake, modality: str
) -> None:
    rows = lake.read("item_overview", USER).to_pylist()
    row = next(r for r in rows if r["modality"] == modality and r["match"] is not None and r["mood"])

    html = client.get(address(USER, row["artefact_id"]))

    assert html.texts("h1") == [row["title"]]
    for field in (
        "summary",
        "aesthetic",
        "mood",
        "lifestyle",
        "moment",
        "collection",
        "source",
        "cluster_label",
    ):
        value = ", ".join(row[field]) if field == "themes" else row[field] or ""
        assert " ".join(value.split()) in html.text()
    assert len(html.all("figure img")) == (modality == "image")


def test_its_neighbours_are_the_nearest_of_each_modality_in_each_space(client: Client, lake: Lake) -> None:
    own = lake.read("cluster_cards", USER).to_pylist()[0]["exemplars"][0]

    html = client.get(address(USER, own))

    sections = dict(zip(("raw", "annotation", "adapted"), html.all("div.spaces section"), strict=True))
    for space, section in sections.items():
        table = lake.read(f"{space}_embeddings", USER)
        ids = np.array(table["artefact_id"].to_pylist())
        modality = np.array(table["modality"].to_pylist())
        cosine = vectors(table) @ vectors(table)[ids == own][0]
        for kind in ("text", "image"):
            others = (modality == kind) & (ids != own)
            expected = np.sort(cosine[others])[::-1][:6]
            entries = html.all(f"ol.{kind} li", section)
            shown = [unquote(html.all("a", li)[0].attrib["href"].split("/item/")[1]) for li in entries]
            similarities = [float(text_of(html.all(".alike", li)[0])) for li in entries]
            assert set(shown) <= set(ids[others])
            assert [cosine[ids == item][0] for item in shown] == pytest.approx(expected, abs=1e-5)
            assert similarities == pytest.approx(expected, abs=0.0051)


def test_it_links_to_the_map_search_its_match_its_source_and_dagster(client: Client) -> None:
    item = item_id("ann", 10)
    html = client.get(address("ann", item))
    found = links(html)
    assert found["On the map"] == f"/u/ann/map?item={quote(item)}"
    assert found["More like this"] == f"/u/ann/search?item={quote(item)}"
    stage = found["adapted_embeddings (opens a new tab)"]
    assert stage == "http://127.0.0.1:3000/assets/adapted_embeddings?partition=ann"
    assert client.get(found[f"{THEMES[0]}, seen"]).texts("h1") == [f"{THEMES[0]}, seen"]
    (source,) = (a for a in html.all("main a") if text_of(a).startswith("Source"))
    assert source.attrib["href"] == "https://ann.example/10"
    assert source.attrib["rel"] == "noopener noreferrer"


def test_the_providers_and_times_of_its_stages_are_shown(client: Client, lake: Lake) -> None:
    html = client.get(address("ann", item_id("ann", 10)))
    providers, stages = html.all(".records table")
    assert "Annotation local test" in text_of(providers)
    assert "adapter identity" in text_of(providers)
    info = lake.info("annotations", "ann")
    assert info
    assert info.written_at.isoformat() in [t.attrib["datetime"] for t in html.all("time", stages)]


@pytest.mark.parametrize("item", [item_id("bob", 0), "nothing", "../../bob/item", "<script>"])
def test_what_is_not_an_item_of_this_user_is_not_found(client: Client, item: str) -> None:
    text = client.get("/u/ann/item/" + quote(item, safe=""), 404).text()
    assert f"ann has no item '{item}'" in text
    assert THEMES[0] not in text


def test_an_item_without_title_text_and_annotation_has_a_page(port: int) -> None:
    html = Html(ask(port, address("bare", ODD_ID), headers={"accept": "text/html"}).text)
    assert html.texts("h1") == ["A post without a title"]
    assert ODD_ID in html.text()
    assert "2 steps from your own" in html.text()
    assert links(html)["On the map"] == f"/u/bare/map?item={quote(ODD_ID)}"


@pytest.mark.parametrize("path", ["/u/odd/clusters", address("odd", f"02 {ODD_ID}")])
def test_every_link_to_an_item_leads_there_whatever_its_id(tab: Tab, path: str) -> None:
    for kind in (".essays .title, .near.text .title", ".mosaic a, .near.image a"):
        link = tab.go(path).locator(kind).first
        title = link.get_attribute("title") or link.inner_text()
        link.click()
        tab.page.wait_for_url("**/item/**")
        assert tab.page.inner_text("h1") == title


def test_what_was_not_made_yet_is_said_with_what_makes_it(client: Client) -> None:
    text = client.get(address("bare", item_id("bare", 6))).text()
    assert "The stage annotations was not made yet. qualia run --user bare" in text
    for space in ("raw", "annotation", "adapted"):
        assert f"The stage {space}_embeddings was not made yet" in text


@pytest.mark.parametrize(("number", "url"), [(2, "javascript:alert(1)"), (4, "https://[broken")])
def test_an_address_that_is_not_of_the_web_is_text(client: Client, number: int, url: str) -> None:
    html = client.get(address("bare", item_id("bare", number)))
    assert url in html.texts("dd")
    assert not [href for href in links(html).values() if href.startswith(("javascript:", "https:"))]


def test_hostile_titles_stay_text(client: Client) -> None:
    for number, title in enumerate(HOSTILE[:3]):
        html = client.get(address("ann", item_id("ann", number)))
        assert html.texts("h1") == [title]
        assert html.all("h1 script") == html.all("h1 img") == html.all("h1 svg") == []


@pytest.mark.parametrize(("scheme", "number"), [("light", 10), ("dark", 11)])
def test_the_page_is_accessible_fits_a_phone_and_works_by_keyboard(
    tab: Tab, scheme: str, number: int
) -> None:
    page = tab.go(address("ann", item_id("ann", number)), width=400, scheme=scheme)
    check_accessible(page)
    expected = page.locator("a[href], button, [tabindex='0']").count()
    seen = set()
    for _ in range(expected + 3):
        page.keyboard.press("Tab")
        index = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
        seen.add(page.evaluate(f"document.activeElement === document.body ? null : {index}"))
    assert len(seen - {None}) == expected


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
