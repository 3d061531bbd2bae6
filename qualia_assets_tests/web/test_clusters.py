"""The clusters page: which clusters match, in which order, and which are apart."""

from xml.etree.ElementTree import Element

import numpy as np
import pytest

from qualia_assets.lake.snapshot import Snapshots
from qualia_assets.lake.store import Lake
from qualia_assets.views.clusters import Clusters, clusters_of
from qualia_assets.web.pages.clusters import ITEMS_PER_PAGE
from qualia_assets.web.paging import Page
from qualia_assets_tests.places import USER
from qualia_assets_tests.web.conftest import HOSTILE, Client, Tab, check_accessible
from qualia_assets_tests.web.html import Html, text_of
from qualia_assets_tests.web.lakes import ORDER, THEMES, item_id, write_user

WRITTEN = [f"{theme}, written" for theme in THEMES]


@pytest.fixture(scope="module", autouse=True)
def users(lake: Lake) -> None:
    write_user(lake, "writer", items=700, modalities=["text"])
    write_user(lake, "unmatched", tables=ORDER[: ORDER.index("cluster_matches")])


def labels(html: Html, modality: str = "text") -> list[str]:
    return html.texts(f".pair .of-{modality} h3")


def clusters(lake: Lake, user: str) -> Clusters:
    return clusters_of(Snapshots(lake).of(user))


def section(html: Html, heading: str) -> Element:
    (found,) = (s for s in html.all("main section") if heading in [text_of(h) for h in html.all("h2", s)])
    return found


def test_every_match_is_shown_with_both_labels_the_most_similar_first(client: Client, lake: Lake) -> None:
    rows = lake.read("cluster_pairs", USER).to_pylist()
    accepted = sorted((r for r in rows if r["accepted"]), key=lambda r: (-r["similarity"], r["match"]))

    html = client.get(f"/u/{USER}/clusters")

    assert accepted
    assert labels(html) == [r["text_label"] for r in accepted]
    assert labels(html, "image") == [r["image_label"] for r in accepted]
    first = text_of(html.all(".pair")[0])
    for said in (
        f"{accepted[0]['similarity']:.2f}",
        f"{accepted[0]['texts']} posts",
        f"{accepted[0]['images']} pins",
    ):
        assert said in first


def test_held_out_coherence_is_that_of_the_table_of_metrics(lake: Lake) -> None:
    snapshot = Snapshots(lake).of(USER)
    selected = next(r["config_id"] for r in snapshot.rows("adapters") if r["selected"])
    metrics = {
        row["space"]: row
        for row in snapshot.rows("metrics")
        if (row["metric"], row["split"], row["gallery"], row["query_modality"], row["k"])
        == ("coherence", "test", "full", "all", 10)
        and not row["calibrated"]
        and row["config_id"] in (None, selected if row["space"] == "adapted" else None)
    }

    held_out = [match for match in clusters_of(snapshot).matches if match.coherence]

    assert held_out
    assert all(match.split == "test" for match in held_out)
    for space in ("annotation", "adapted"):
        shares = [match.coherence.by_space[space] for match in held_out if match.coherence]
        assert np.mean(shares) == pytest.approx(metrics[space]["value"], abs=1e-6)
    chance = np.mean([match.coherence.chance for match in held_out if match.coherence])
    assert chance == pytest.approx(metrics["annotation"]["chance"], abs=1e-6)


def test_members_are_exemplars_first_then_by_probability(lake: Lake) -> None:
    snapshot = Snapshots(lake).of(USER)
    probability = {row["artefact_id"]: row["probability"] for row in snapshot.rows("clusters")}
    for card in snapshot.rows("cluster_cards"):
        cluster = clusters_of(snapshot).by_key[card["modality"], card["cluster"]]
        first = len(card["exemplars"])
        assert list(cluster.members[:first]) == card["exemplars"]
        rest = [probability[item] for item in cluster.members[first:]]
        assert rest == sorted(rest, reverse=True)
        assert len(cluster.members) == cluster.size == card["size"]


def test_pictures_load_only_when_scrolled_to_and_are_described(tab: Tab) -> None:
    page = tab.go("/u/ann/clusters")
    pictures = page.locator(".mosaic img")
    loaded = "i => i.complete && i.naturalWidth > 0"

    assert pictures.first.evaluate(loaded)
    assert not pictures.last.evaluate(loaded)
    pictures.last.scroll_into_view_if_needed()
    pictures.last.evaluate("i => i.decode()")
    assert all(pictures.evaluate_all("all => all.map(i => i.alt)"))


def test_held_out_matches_show_their_coherence_and_others_say_what_they_were_used_for(client: Client) -> None:
    held_out = client.get("/u/ann/clusters?show=test")
    assert labels(held_out) == [WRITTEN[2]]
    for said in ("held out", "by chance", "annotation", "adapted"):
        assert said in held_out.text(".pair")
    assert len(held_out.all(".coherence .share")) == 2

    trained = client.get("/u/ann/clusters?show=train")
    assert set(labels(trained)) == {WRITTEN[0], WRITTEN[3]}
    assert trained.all(".coherence") == []
    assert trained.texts(".unheld") == ["Not held out: used to train the adapter."] * 2
    assert client.get("/u/ann/clusters?show=val").texts(".unheld") == [
        "Not held out: used to select the adapter."
    ]


def test_rejected_pairs_and_noise_are_apart(client: Client) -> None:
    html = client.get("/u/ann/clusters")
    assert set(labels(html)) == set(WRITTEN[:4])
    assert WRITTEN[4] in text_of(section(html, "Too dissimilar"))
    assert "4 posts and 4 pins" in text_of(section(html, "In no cluster"))
    forced = client.get("/u/ann/clusters?show=forced")
    assert labels(forced) == [WRITTEN[4]]
    assert "not used" in forced.text(".pair .facts")


def test_filtering_works_without_scripts_by_keyboard_and_stays_in_the_address(
    chromium: object, tab: Tab
) -> None:
    context = tab.page.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{tab.url}/u/ann/clusters")

    page.get_by_label("Order").select_option("name")
    page.get_by_label("Words").fill("Written")
    page.get_by_label("Words").press("Enter")

    assert page.locator(".pair .of-text h3").all_inner_texts() == sorted(WRITTEN[:4])
    assert "sort=name" in page.url
    assert "words=Written" in page.url
    page.reload()
    assert page.get_by_label("Words").input_value() == "Written"
    context.close()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("words=TRAINS+seen", [WRITTEN[3]]),
        # The title of one item, which no label contains.
        ("words=onload%3Dwindow", [WRITTEN[1]]),
        ("words=nowhere-at-all", []),
        ("sort=name", sorted(WRITTEN[:4])),
    ],
)
def test_matches_are_filtered_by_labels_and_titles_of_either_side(
    client: Client, query: str, expected: list[str]
) -> None:
    html = client.get(f"/u/ann/clusters?{query}")
    assert labels(html) == expected
    assert ("No match contains these words" in html.texts("h2")) == (not expected)


def test_unknown_options_fall_back_to_the_default(client: Client) -> None:
    default = labels(client.get("/u/ann/clusters"))
    assert labels(client.get("/u/ann/clusters?sort=%3Cb%3E&show=x&page=9999999999")) == default


def test_matches_are_ordered_by_size_or_coherence(client: Client, lake: Lake) -> None:
    sizes = {match.posts.label: match.size for match in clusters(lake, "ann").accepted}
    shown = [sizes[name] for name in labels(client.get("/u/ann/clusters?sort=size"))]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) > 1
    assert labels(client.get("/u/ann/clusters?sort=coherence"))[0] == WRITTEN[2]


def test_a_long_cluster_is_split_into_pages_and_every_item_is_on_one(client: Client) -> None:
    first = client.get("/u/writer/clusters?cluster=text:0")
    shown = first.texts(".essays a.title")
    assert len(shown) == ITEMS_PER_PAGE
    (more,) = first.all("nav.pages a")
    assert text_of(more) == "Next"
    second = client.get("/u/writer/clusters" + more.attrib["href"])
    size = int(first.text(".lede .size").split()[0])
    assert len({*shown, *second.texts(".essays a.title")}) == size
    assert second.texts("nav.pages a") == ["Previous"]


@pytest.mark.parametrize(
    ("total", "requested", "indices"),
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
def test_a_page_that_does_not_exist_is_the_nearest_one(total: int, requested: str, indices: slice) -> None:
    assert Page.of(total, requested, 20).indices == indices


def test_a_cluster_links_to_its_match_and_to_its_items(client: Client) -> None:
    posts = client.get("/u/ann/clusters?cluster=text:2")
    assert posts.texts("h1") == [WRITTEN[2]]
    pins = client.get(posts.all(".matched a")[0].attrib["href"])
    assert pins.texts("h1") == [f"{THEMES[2]}, seen"]
    first = pins.all(".mosaic a")[0]
    assert client.get(first.attrib["href"]).texts("h1") == [first.attrib["title"]]


def test_an_unknown_cluster_is_not_found(client: Client) -> None:
    assert "ann has no cluster 'text:999'" in client.get("/u/ann/clusters?cluster=text%3A999", 404).text()


def test_hostile_titles_stay_text(client: Client) -> None:
    html = client.get("/u/ann/clusters")
    assert {HOSTILE[0], HOSTILE[2]} <= set(html.texts(".essays .title"))
    assert HOSTILE[1] in [image.attrib["alt"] for image in html.all(".mosaic img")]
    assert html.all("main script") == []


def test_without_matches_the_clusters_are_shown_with_the_reason(client: Client) -> None:
    unmatched = client.get("/u/unmatched/clusters")
    assert "cluster_matches was not made yet. qualia run --user unmatched" in unmatched.text(".notice")
    assert WRITTEN[0] in text_of(section(unmatched, "Posts"))
    writer = client.get("/u/writer/clusters")
    assert "they need clusters of posts and clusters of pins" in writer.text(".notice")
    assert len(writer.all(".names li")) == len(THEMES)


@pytest.mark.parametrize(("scheme", "cluster"), [("light", "text:4"), ("dark", "image:-1")])
def test_a_cluster_is_accessible_and_fits_a_phone(tab: Tab, scheme: str, cluster: str) -> None:
    check_accessible(tab.go(f"/u/ann/clusters?cluster={cluster}", width=400, scheme=scheme))


def test_every_item_is_in_one_of_its_own_users_clusters(lake: Lake) -> None:
    shown = {item for c in clusters(lake, "ann").by_key.values() for item in c.members}
    assert shown == {item_id("ann", n) for n in range(80)}
