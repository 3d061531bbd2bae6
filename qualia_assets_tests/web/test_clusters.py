"""The clusters page: which essays go with which pictures, in what order, and what is apart."""

from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest

from qualia_assets.lake.snapshot import Snapshot, Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.views.clusters import clusters_of
from qualia_assets.web.pages.clusters import ITEMS_A_PAGE, Leaf
from qualia_assets_tests.web.conftest import Visit, serious_findings
from qualia_assets_tests.web.lakes import ORDER, THEMES, item_id, write_user

HOSTILE = (
    "<script>document.title='taken'</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} &amp; <b>",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users whose clusters are known; of some a part of the stages is missing."""
    place = tmp_path_factory.mktemp("place")
    lake = Lake(place / "lake")
    write_user(lake, "ann", items=80, titles=HOSTILE)
    write_user(lake, "writer", items=700, modalities=["text"])
    write_user(lake, "unmatched", tables=ORDER[: ORDER.index("cluster_matches")])
    write_user(lake, "new", tables=ORDER[:2])
    return place


def text(url: str) -> str:
    with urlopen(url) as answer:
        return str(answer.read().decode())


def names(page: Any) -> list[str]:
    return [str(name) for name in page.locator(".pair .of-text h3").all_inner_texts()]


def taken(place: Path, user: str) -> Snapshot:
    return Snapshots(Lake(place / "lake")).of(user)


@pytest.mark.parametrize("user", ["demo", "demo-2"])
def test_every_match_is_shown_with_both_names_the_most_alike_first(
    visit: Visit, demos: Path, user: str
) -> None:
    rows = Lake(demos / "lake").read("cluster_pairs", user).to_pylist()
    accepted = sorted((r for r in rows if r["accepted"]), key=lambda r: (-r["similarity"], r["match"]))

    page = visit.go(f"/u/{user}/clusters")

    assert accepted
    assert names(page) == [r["text_label"] for r in accepted][:20]
    assert page.locator(".pair .of-image h3").all_inner_texts() == [r["image_label"] for r in accepted][:20]
    first = page.locator(".pair").first.inner_text()
    assert f"{accepted[0]['similarity']:.2f}" in first
    assert f"{accepted[0]['texts']} posts" in first
    assert f"{accepted[0]['images']} pins" in first


@pytest.mark.parametrize("user", ["demo", "demo-2"])
def test_held_out_coherence_is_that_of_the_table_of_metrics_match_by_match(demos: Path, user: str) -> None:
    snapshot = taken(demos, user)
    selected = next(r["config_id"] for r in snapshot.rows("adapters") if r["selected"])
    told = {
        row["space"]: row
        for row in snapshot.rows("metrics")
        if (row["metric"], row["split"], row["gallery"], row["query_modality"], row["k"])
        == ("coherence", "test", "full", "all", 10)
        and not row["calibrated"]
        and row["config_id"] in (None, selected if row["space"] == "adapted" else None)
    }

    held = [pair for pair in clusters_of(snapshot).pairs if pair.coherence]

    assert held
    assert all(pair.split == "test" for pair in held)
    for space in ("annotation", "adapted"):
        shares = [pair.coherence.by_space[space] for pair in held if pair.coherence]
        assert np.mean(shares) == pytest.approx(told[space]["value"], abs=1e-6)
    chance = np.mean([pair.coherence.chance for pair in held if pair.coherence])
    assert chance == pytest.approx(told["annotation"]["chance"], abs=1e-6)


def test_what_stands_for_a_cluster_comes_first_then_what_surely_belongs(demos: Path) -> None:
    snapshot = taken(demos, "demo")
    surely = {row["artefact_id"]: row["probability"] for row in snapshot.rows("clusters")}
    for card in snapshot.rows("cluster_cards"):
        cluster = clusters_of(snapshot).by_key[card["modality"], card["cluster"]]
        first = len(card["exemplars"])
        assert list(cluster.members[:first]) == card["exemplars"]
        rest = [surely[item] for item in cluster.members[first:]]
        assert rest == sorted(rest, reverse=True)
        assert len(cluster.members) == cluster.size == card["size"]


def test_pictures_come_only_as_one_scrolls_to_them_and_say_what_they_are(visit: Visit) -> None:
    page = visit.go("/u/demo/clusters")
    pictures = page.locator(".mosaic img")
    loaded = "found => found.map(i => i.complete && i.naturalWidth > 0)"

    assert pictures.count() > 100
    assert not pictures.last.evaluate("i => i.complete && i.naturalWidth > 0")
    assert pictures.evaluate_all(loaded)[0]
    pictures.last.scroll_into_view_if_needed()
    pictures.last.evaluate("i => i.decode()")
    assert all(pictures.evaluate_all("found => found.map(i => i.alt)"))


def test_what_was_held_out_says_so_and_shows_how_it_holds(there: Visit) -> None:
    page = there.go("/u/ann/clusters?show=test")

    assert names(page) == [f"{THEMES[2]}, written"]
    said = page.locator(".pair").inner_text()
    assert "held out" in said
    assert "by chance" in said
    assert "adapted" in said
    assert page.locator(".coherence .share").count() == 2


def test_what_the_adapter_learned_from_is_called_not_held_out(there: Visit) -> None:
    page = there.go("/u/ann/clusters?show=train")

    assert set(names(page)) == {f"{THEMES[0]}, written", f"{THEMES[3]}, written"}
    assert page.locator(".coherence").count() == 0
    assert page.get_by_text("Not held out: the adapter learned from it").count() == 2
    there.go("/u/ann/clusters?show=val")
    assert page.get_by_text("Not held out: the adapter was chosen by it").count() == 1


def test_forced_pairs_and_noise_are_apart_with_their_counts(there: Visit) -> None:
    page = there.go("/u/ann/clusters")

    assert f"{THEMES[4]}, written" not in names(page)
    forced = page.get_by_role("region", name="Too far apart")
    assert f"{THEMES[4]}, written" in forced.inner_text()
    noise = page.get_by_role("region", name="In no cluster").inner_text()
    assert "4 posts" in noise
    assert "4 pins" in noise
    there.go("/u/ann/clusters?show=forced")
    assert names(page) == [f"{THEMES[4]}, written"]
    assert "not used" in page.locator(".pair .facts").inner_text()


def test_choosing_works_without_scripts_by_keyboard_and_stays_in_the_address(
    chromium: Any, known: str
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{known}/u/ann/clusters")

    page.get_by_label("Order").select_option("name")
    page.get_by_label("Words").fill("Written")
    page.get_by_label("Words").press("Enter")

    by_name = sorted(f"{theme}, written" for theme in THEMES[:4])
    assert names(page) == by_name
    assert "sort=name" in page.url
    assert "words=Written" in page.url
    page.reload()
    assert names(page) == by_name
    assert page.get_by_label("Words").input_value() == "Written"
    context.close()


def test_words_are_looked_for_in_names_and_titles_of_either_side(there: Visit) -> None:
    page = there.go("/u/ann/clusters?words=TRAINS+seen")
    assert names(page) == [f"{THEMES[3]}, written"]
    # A title of one item, which stands in no name.
    there.go("/u/ann/clusters?words=onerror%3Dalert")
    assert names(page) == [f"{THEMES[0]}, written"]
    there.go("/u/ann/clusters?words=nowhere-at-all")
    assert names(page) == []
    assert page.get_by_role("heading", name="No match has these words").is_visible()


def test_an_order_that_is_not_known_is_the_usual_one(there: Visit) -> None:
    page = there.go("/u/ann/clusters")
    usual = names(page)
    there.go("/u/ann/clusters?sort=%3Cb%3E&show=x&page=9999999999")
    assert names(page) == usual


def test_each_order_is_that_order(place: Path, there: Visit) -> None:
    pairs = clusters_of(taken(place, "ann")).accepted
    page = there.go("/u/ann/clusters?sort=size")
    sizes = {pair.a.label: pair.size for pair in pairs}
    shown = [sizes[name] for name in names(page)]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) > 1
    there.go("/u/ann/clusters?sort=coherence")
    assert names(page)[0] == f"{THEMES[2]}, written"


def test_a_long_cluster_goes_over_pages_and_every_item_is_on_one(there: Visit) -> None:
    page = there.go("/u/writer/clusters?cluster=text:0")
    first = page.locator(".essays a").all_inner_texts()
    assert len(first) == ITEMS_A_PAGE
    page.get_by_role("link", name="More").click()
    page.wait_for_url("**page=2")
    second = page.locator(".essays a").all_inner_texts()
    size = int(page.locator(".lede .size").inner_text().split()[0])
    assert len({*first, *second}) == len(first) + len(second) == size
    assert page.get_by_role("link", name="More").count() == 0


@pytest.mark.parametrize(
    ("total", "asked", "part"),
    [
        (0, "", slice(0, 0)),
        (5, "", slice(0, 5)),
        (45, "2", slice(20, 40)),
        (45, "3", slice(40, 45)),
        (45, "99", slice(40, 45)),
        (45, "0", slice(0, 20)),
        (45, "-1", slice(0, 20)),
        (45, "²", slice(0, 20)),
    ],
)
def test_a_page_that_there_is_not_is_the_nearest_one(total: int, asked: str, part: slice) -> None:
    assert Leaf.of(total, asked, 20).part == part


def test_a_cluster_leads_to_its_match_and_to_its_items(there: Visit) -> None:
    page = there.go("/u/ann/clusters?show=test")
    page.locator(".pair .of-text h3 a").click()
    page.wait_for_url("**cluster=text*")
    assert page.get_by_role("heading", level=1).inner_text() == f"{THEMES[2]}, written"
    page.locator(".goes a").click()
    page.wait_for_url("**cluster=image*")
    assert page.get_by_role("heading", level=1).inner_text() == f"{THEMES[2]}, seen"
    alt = page.locator(".mosaic img").first.get_attribute("alt")
    page.locator(".mosaic a").first.click()
    page.wait_for_url("**/item/**")
    assert page.get_by_role("heading", level=1).inner_text() == alt


def test_an_unknown_cluster_is_said_to_be_none(visit: Visit) -> None:
    page = visit.go("/u/demo/clusters?cluster=text%3A999")
    assert "no cluster 'text:999'" in page.inner_text("main")
    visit.errors.clear()  # a 404 is written to the console, as it should be


def test_hostile_titles_stay_text(there: Visit) -> None:
    page = there.go("/u/ann/clusters")
    shown = page.locator(".essays .title").all_inner_texts()
    alts = page.locator(".mosaic img").evaluate_all("found => found.map(i => i.alt)")
    assert HOSTILE[0] in shown
    assert HOSTILE[2] in shown
    assert HOSTILE[1] in alts
    assert page.title().startswith("Clusters")


def test_without_matches_the_clusters_are_shown_and_why(there: Visit) -> None:
    page = there.go("/u/unmatched/clusters")
    assert "cluster_matches was not made yet" in page.locator(".notice").inner_text()
    assert "qualia run --user unmatched" in page.locator(".notice").inner_text()
    assert f"{THEMES[0]}, written" in page.get_by_role("region", name="Posts").inner_text()


def test_one_modality_is_said_to_have_nothing_to_match(there: Visit) -> None:
    page = there.go("/u/writer/clusters")
    assert "It takes clusters of both" in page.locator(".notice").inner_text()
    assert page.locator(".names li").count() == len(THEMES)


def test_without_clusters_it_is_said_what_makes_them(known: str) -> None:
    said = text(f"{known}/u/new/clusters")
    assert "The stage clusters was not made yet" in said
    assert "qualia run --user new" in said


@pytest.mark.parametrize(("scheme", "cluster"), [("light", "text:4"), ("dark", "image:-1")])
def test_a_cluster_is_accessible_and_fits_a_phone(visit: Visit, scheme: str, cluster: str) -> None:
    visit.page.set_viewport_size({"width": 400, "height": 800})
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.go(f"/u/demo/clusters?cluster={cluster}")
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_items_keep_their_own_users_names(place: Path) -> None:
    shown = {i for c in clusters_of(taken(place, "ann")).by_key.values() for i in c.members}
    assert shown == {item_id("ann", n) for n in range(80)}
