"""The map in a browser: panning, hovering, selecting, filtering, comparing spaces, by mouse, touch and keys.

What a canvas shows is tested by its pixels before and after, by the text beside it, and by the app's own
modules, run in the page for the boxes that they draw.
"""

import re
import urllib.parse
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import PROJECTIONS
from qualia_assets_tests.web.conftest import HOSTILE, Client, Tab, check_accessible
from qualia_assets_tests.web.conftest import opened as opened_tab
from qualia_assets_tests.web.lakes import item_id, spec_of, write, write_user

POINTS = """async ([space, base]) => {
  const { decode } = await import("/static/map-points.js");
  const points = decode(await (await fetch(base + "map/points")).arrayBuffer());
  const { x, y } = points.views.get(space);
  return points.ids.map((id, i) => [id, x[i], y[i], points.modality[i]]);
}"""
LABELS = """async ([space, zooms, base]) => {
  const { decode } = await import("/static/map-points.js");
  const { Layout } = await import("/static/map-layout.js");
  const { Camera } = await import("/static/map-camera.js");
  const { Plate } = await import("/static/map-plate.js");
  const { Thumbs } = await import("/static/map-thumbs.js");
  const { paint, paletteOf } = await import("/static/map-paint.js");
  const points = decode(await (await fetch(base + "map/points")).arrayBuffer());
  const layout = new Layout(points, space);
  layout.show(new Uint8Array(points.n).fill(1));
  const camera = new Camera(layout.box);
  const context = new OffscreenCanvas(1000, 700).getContext("2d");
  const thumbs = new Thumbs(async () => null, () => {});
  const palette = paletteOf(document.querySelector("#atlas"));
  const scene = { points, palette, thumbs, selected: -1, pointed: -1, bright: null };
  const centres = points.order.slice(0, 20);
  const cases = zooms.flatMap((zoom) => Array.from(centres, (centre) => [zoom, centre]));
  return cases.map(([zoom, centre]) => {
    camera.home();
    // A phone, where many labels are pushed in from the edges.
    [camera.width, camera.height] = zoom > 1 ? [360, 480] : [1000, 700];
    if (zoom > 1) camera.lookAt(layout.x[centre], layout.y[centre], zoom);
    const look = { camera, plate: new Plate(), xs: layout.x, ys: layout.y, moving: 1, ratio: 1, type: 15 };
    const { names } = paint(context, layout, look, scene);
    const all = layout.labels(() => 0, 15);
    return { zoom, names, shown: all.filter((label) => camera.scale >= label.from).length };
  });
}"""
THUMBS = """async () => {
  const { Thumbs, MOST } = await import("/static/map-thumbs.js");
  let loading = 0, most = 0;
  const canvas = new OffscreenCanvas(2, 2);
  canvas.getContext("2d").fillRect(0, 0, 1, 1);
  const picture = await canvas.convertToBlob();
  const load = async (i) => {
    most = Math.max(most, ++loading);
    await Promise.resolve(); loading--;
    if (i === 3) throw new Error("broken");
    return picture;
  };
  const thumbs = new Thumbs(load, () => {});
  const want = async (items) => {
    thumbs.want(items);
    while (thumbs.queue.length || thumbs.underWay.size) await new Promise((done) => setTimeout(done, 5));
  };
  await want(Array.from({ length: MOST }, (_, i) => i));
  const first = thumbs.kept.size;
  await want(Array.from({ length: 50 }, (_, i) => MOST + i));
  await want([3]);
  return { first, now: thumbs.kept.size, most, broken: thumbs.get(3), last: thumbs.get(MOST + 49) !== null };
}"""
BASE = "/u/ann/"
CARD = "#about:not([hidden])"


@pytest.fixture(scope="module", autouse=True)
def users(lake: Lake) -> None:
    """Users with unusual maps."""
    write_user(lake, "hostile", items=40, titles=HOSTILE, pictures=3)
    cards = lake.read("cluster_cards", "hostile").to_pylist()
    for row, words in zip(cards, HOSTILE * 2, strict=False):
        row.update(label=words, keywords=[words])
    write(lake, "hostile", "cluster_cards", spec_of("cluster_cards").table(cards))
    write_user(lake, "essays", items=12, modalities=["text"])
    write_user(lake, "loose", items=12, tables=("image_blobs", "artefacts", "annotations", "projections"))
    write_user(lake, "adrift", items=12)
    placed = lake.read("projections", "adrift")
    nowhere = pa.array(np.full(placed.num_rows, np.nan, "f4"))
    write(lake, "adrift", "projections", placed.set_column(placed.column_names.index("x"), "x", nowhere))
    write_user(lake, "partly", items=12)
    placed = lake.read("projections", "partly")
    write(lake, "partly", "projections", placed.filter(pc.not_equal(placed["view"], "adapted")))


def opened(tab: Tab, path: str) -> Any:
    tab.page.goto(tab.url + path)
    tab.page.wait_for_selector("#atlas[data-ready]")
    settled(tab.page)
    return tab.page


def settled(page: Any) -> None:
    """The list and the address follow once nothing has moved for a moment."""
    page.wait_for_selector("aside[aria-busy=false]")


def pixels(page: Any, canvas: int = 0) -> str:
    return str(page.evaluate("n => document.querySelectorAll('canvas')[n].toDataURL()", canvas))


def query(page: Any) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def zoom(page: Any, times: int = 1, pane: int = 0) -> None:
    for _ in range(times):
        page.locator("[data-zoom='1.6']").nth(pane).click()
    settled(page)


def isolated(page: Any, space: str, kind: int) -> tuple[str, float, float]:
    """The item of a kind that is farthest from all others: its id and coordinates."""
    points = page.evaluate(POINTS, [space, BASE])
    xy = np.array([[x, y] for _, x, y, _ in points])
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.eye(len(xy)) * 9
    best = max((n for n, point in enumerate(points) if point[3] == kind), key=lambda n: float(apart[n].min()))
    name, x, y, _ = points[best]
    return name, x, y


def centre(page: Any) -> tuple[float, float]:
    box = page.locator("canvas").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_hovering_names_an_item_and_a_click_shows_its_card(tab: Tab, lake: Lake) -> None:
    name, x, y = isolated(opened(tab, "/u/ann/map"), "annotation", kind=1)
    item = next(r for r in lake.read("artefacts", "ann").to_pylist() if r["artefact_id"] == name)
    annotation = next(r for r in lake.read("annotations", "ann").to_pylist() if r["artefact_id"] == name)
    page = opened(tab, f"/u/ann/map?space=annotation&at.annotation={x},{y},30")

    page.mouse.move(*centre(page))
    page.wait_for_selector("#tip:not([hidden])")
    assert page.inner_text("#tip") == item["title"]
    page.mouse.click(*centre(page))

    page.wait_for_selector(CARD)
    card = page.inner_text("#about")
    assert item["title"] in card
    assert item["collection"] in card
    for field in ("summary", "aesthetic", "mood", "lifestyle", "moment"):
        assert annotation[field] in card
    assert ", ".join(annotation["themes"]) in card
    assert page.locator("#about img").get_attribute("src").startswith("/u/ann/thumb/")
    page.locator("#about img").evaluate("image => image.decode()")
    links = page.eval_on_selector_all(
        "#about a", "all => all.map(a => [a.textContent, [a.getAttribute('href'), a.rel]])"
    )
    own, rel = dict(links)["Open page"]
    assert (urllib.parse.unquote(own), rel) == (f"/u/ann/item/{name}", "")
    assert dict(links).get("Source") == ([item["url"], "noopener noreferrer"] if item["url"] else None)
    settled(page)
    assert query(page)["item"] == name
    page.keyboard.press("Escape")
    assert page.locator("#about").is_hidden()


def test_the_address_keeps_the_view_and_restores_it(tab: Tab) -> None:
    page = opened(tab, "/u/ann/map")
    x, y = centre(page)
    page.mouse.move(x - 40, y + 30)
    page.mouse.wheel(0, -500)
    page.mouse.down()
    page.mouse.move(x + 10, y + 60, steps=4)
    page.mouse.up()
    page.click("[data-kind=text]")
    page.click("summary")
    page.select_option("[name=cluster]", index=3)
    page.mouse.move(2, 2)
    settled(page)

    def shown() -> list[str]:
        return [page.inner_text(selector) for selector in ("#number", "#status", "#clusters")] + [
            pixels(page)
        ]

    kept, before = query(page), shown()
    assert set(kept) == {"at.adapted", "kind", "cluster"}
    assert kept["kind"] == "text"
    page.reload()
    page.wait_for_selector("#atlas[data-ready]")
    page.mouse.move(2, 2)
    settled(page)

    assert shown() == before
    assert query(page) == kept
    page.click("#clear")
    page.locator("[data-zoom='0']").first.click()
    settled(page)
    assert query(page) == {}


def test_the_wheel_zooms_around_the_pointer(tab: Tab) -> None:
    page = opened(tab, "/u/ann/map?space=annotation&at.annotation=0.5,0.5,2")
    x, y = centre(page)
    page.mouse.move(x + 120, y - 60)
    views = [np.array([0.5, 0.5, 2])]
    for _ in range(2):
        page.mouse.wheel(0, -300)
        settled(page)
        views.append(np.array(query(page)["at.annotation"].split(","), dtype=float))

    # The point under the pointer must not move: the centre moves by its distance to the pointer (120 right,
    # 60 up) times the change of 1 / zoom.
    assert views[0][2] < views[1][2] < views[2][2]
    distance = [(b - a)[:2] / (1 / a[2] - 1 / b[2]) for a, b in pairwise(views)]
    assert distance[0] == pytest.approx(distance[1], rel=1e-3)
    assert distance[0][0] == pytest.approx(2 * distance[0][1], rel=1e-3)
    assert distance[0][1] > 0


def test_labels_never_overlap_and_zooming_in_only_adds_labels(tab: Tab) -> None:
    page = opened(tab, "/u/ann/map")

    for space in ("raw", "annotation", "adapted"):
        found = page.evaluate(LABELS, [space, [1, 2, 4, 8, 16, 32, 64], BASE])
        for boxes in (step["names"] for step in found):
            for i, a in enumerate(boxes):
                assert not [b for b in boxes[:i] if overlap(a, b)]
        shown = [step["shown"] for step in found if step["zoom"] > 1]
        assert shown == sorted(shown)
        assert shown[-1] == 10, "close enough, every cluster has its label"
        assert found[0]["names"]


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    across = a["left"] < b["left"] + b["width"] and b["left"] < a["left"] + a["width"]
    return across and a["top"] < b["top"] + b["height"] and b["top"] < a["top"] + a["height"]


def test_thumbnails_load_on_zooming_in_each_once_and_small(tab: Tab) -> None:
    page = opened(tab, "/u/ann/map?space=annotation")
    assert not [url for url in tab.requests if "/thumb/" in url]
    before = pixels(page)

    zoom(page, 3)
    page.wait_for_load_state("networkidle")

    seen = [url for url in tab.requests if "/thumb/" in url]
    assert seen
    assert len(set(seen)) == len(seen)
    assert all(re.fullmatch(rf"{tab.url}/u/ann/thumb/[0-9a-f]{{64}}\?side=64", url) for url in seen)
    assert pixels(page) != before


def test_six_hundred_thumbnails_are_kept_and_a_broken_one_stays_a_point(tab: Tab) -> None:
    kept = opened(tab, "/u/ann/map").evaluate(THUMBS)

    assert kept["first"] == kept["now"] == 600
    assert kept["most"] <= 6
    assert kept["broken"] is None
    assert kept["last"]


def test_side_by_side_a_selection_is_marked_in_all_spaces_and_each_zooms_alone(tab: Tab) -> None:
    page = opened(tab, "/u/ann/map?space=all")
    assert page.locator("canvas:visible").count() == 3
    assert page.locator(".pane h2").all_inner_texts() == ["Raw", "Annotation", "Adapted"]
    before = [pixels(page, n) for n in range(3)]

    page.locator("#items button").first.click()
    page.wait_for_selector(CARD)
    settled(page)
    assert all(pixels(page, n) != before[n] for n in range(3))
    page.keyboard.press("Escape")
    settled(page)
    assert [pixels(page, n) for n in range(3)] == before

    zoom(page, pane=1)
    now = [pixels(page, n) for n in range(3)]
    assert (now[0], now[2]) == (before[0], before[2])
    assert now[1] != before[1]
    assert set(query(page)) == {"space", "at.annotation"}


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_points_move_to_another_space_unless_reduced_motion_is_preferred(tab: Tab, motion: str) -> None:
    page = opened(tab, "/u/ann/map?space=raw")
    page.emulate_media(reduced_motion=motion)
    page.click("[data-space=annotation]")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    first = pixels(page)
    settled(page)
    assert (first != pixels(page)) is (motion == "no-preference")


def test_the_map_works_by_keyboard_alone(tab: Tab) -> None:
    _, x, y = isolated(opened(tab, "/u/ann/map"), "annotation", kind=0)
    page = opened(tab, f"/u/ann/map?space=annotation&at.annotation={x},{y},1")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("+")
    page.keyboard.press("+")
    settled(page)
    x, y, level = map(float, query(page)["at.annotation"].split(","))
    assert level == pytest.approx(2.25)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    settled(page)
    now_x, now_y, same = map(float, query(page)["at.annotation"].split(","))
    assert (now_x > x, now_y > y, same) == (True, True, level)
    page.wait_for_selector("#tip:not([hidden])")
    hovered = page.inner_text("#tip")
    page.keyboard.press("Enter")
    page.wait_for_selector(CARD)
    assert page.evaluate("document.activeElement.id") == "about"
    assert hovered in page.inner_text("#about h2")
    assert page.locator("#about").bounding_box()["y"] > 60
    assert page.evaluate("document.documentElement.scrollHeight") == 800
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("0")
    settled(page)
    assert "at.annotation" not in query(page)

    page.locator("#clusters button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(CARD)
    assert page.inner_text("#about .chip").startswith("Cluster of")
    settled(page)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('#clusters') !== null")


def test_the_list_shows_what_is_in_view(tab: Tab, client: Client) -> None:
    page = opened(tab, "/u/ann/map?space=annotation")
    assert page.inner_text("#status") == "80 items in view."
    all_clusters = page.locator("#clusters li").count()
    _, x, y = isolated(page, "annotation", kind=0)
    opened(tab, f"/u/ann/map?space=annotation&at.annotation={x},{y},6")

    number = int(page.inner_text("#status").split()[0])
    assert 0 < number < 80
    assert page.locator("#clusters li").count() <= all_clusters
    assert page.locator("#items li").count() == min(12, number)
    ids = [point[0] for point in page.evaluate(POINTS, ["annotation", BASE])]
    titles = {c["title"] for start in range(0, 80, 24) for c in cards(client, "ann", ids[start : start + 24])}
    assert {t.split(": ", 1)[1] for t in page.locator("#items li").all_text_contents()} <= titles


def cards(client: Client, user: str, ids: list[str]) -> Any:
    return client.http.get(f"/u/{user}/map/cards", params=[("item", item) for item in ids]).json()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_with_everything_open_it_is_accessible_and_fits(tab: Tab, scheme: str, width: int) -> None:
    page = tab.go("/u/ann/map?space=all", width=width, scheme=scheme)
    settled(page)
    page.click("summary")
    page.locator("#clusters button").first.click()
    page.wait_for_selector(CARD)
    check_accessible(page)


def test_points_are_cached_by_tag_and_cards_come_a_few_at_a_time(client: Client) -> None:
    tag = client.http.get("/u/ann/map/points").headers["etag"]
    assert client.http.get("/u/ann/map/points", headers={"if-none-match": tag}).status_code == 304

    own = item_id("ann", 10)
    assert [card["id"] for card in cards(client, "ann", [own])] == [own]
    assert cards(client, "essays", [own, "../../etc/passwd"]) == []
    assert len(cards(client, "ann", [own] * 100)) == 24


def test_hostile_titles_stay_text_in_cards_lists_and_labels(tab: Tab) -> None:
    from playwright.sync_api import expect

    page = tab.page
    for n, title in enumerate(HOSTILE):
        opened(tab, f"/u/hostile/map?item={item_id('hostile', n)}")
        page.wait_for_selector(CARD)
        shown = page.inner_text("#about h2")
        expected = " ".join(re.sub("[\x00-\x1f\u200e\u200f\u202a-\u202e]+", " ", title).split())
        assert shown == (expected if len(expected) <= 300 else expected[:299].rstrip() + "…")
        assert page.locator("#about h2 *").count() == 1
        assert page.locator("#about h2 bdi").count() == 1
    opened(tab, "/u/hostile/map")
    for cluster in range(4):
        button = page.locator("#clusters button").nth(cluster)
        label = button.locator("bdi").inner_text()
        button.click()
        expect(page.locator("#about h2")).to_have_text(label)
    page.click("summary")
    assert page.evaluate("window.hacked") is None
    assert page.locator("main script, main svg, main iframe").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_one_kind_alone_and_items_without_clusters_are_maps(tab: Tab) -> None:
    page = opened(tab, "/u/essays/map")
    assert page.locator("#clusters li").count() > 0
    assert "0 pins" in page.inner_text(".bar")

    page = opened(tab, "/u/loose/map")
    assert page.inner_text("#status") == "12 items in view."
    assert "The stage clusters was not made yet" in page.inner_text("aside")
    page.locator("#items button").first.click()
    page.wait_for_selector(CARD)


def test_a_missing_space_says_so_in_its_pane(tab: Tab) -> None:
    page = opened(tab, "/u/partly/map")
    assert page.locator("[data-space=annotation]").get_attribute("aria-pressed") == "true"
    for space, canvases in (("all", 2), ("adapted", 0), ("raw", 1)):
        page.click(f"[data-space={space}]")
        assert page.locator("canvas:visible").count() == canvases
        if space == "all":
            assert "This space has not been laid out yet" in page.locator(".pane").nth(2).inner_text()


def test_without_coordinates_the_page_says_what_to_do(client: Client) -> None:
    text = client.get("/u/adrift/map").text()
    assert "There is no map yet" in text
    assert "qualia run --user adrift" in text


def test_an_address_with_unknown_values_shows_the_map(tab: Tab) -> None:
    unknown = "space=nowhere&kind=x&cluster=text:999&hop=a&from=never&item=gone&about=x:1"
    page = opened(tab, f"/u/essays/map?{unknown}&at.raw=1,2,NaN&at.adapted=9,9,1e9")
    assert page.inner_text("#number") == ""
    page.locator("[data-zoom='0']").first.click()
    settled(page)
    assert page.inner_text("#status") == "12 items in view."


def test_filters_leave_exactly_what_they_ask_for(tab: Tab) -> None:
    page = opened(tab, "/u/hostile/map")
    page.click("summary")
    numbers = range(40)
    dated = [n for n in numbers if n % 7]
    cases: list[tuple[dict[str, str], list[int]]] = [
        ({"cluster": "none"}, [n for n in numbers if n % 9 == 8]),
        ({"cluster": "text:0"}, [n for n in numbers if n % 2 == 0 and n // 2 % 5 == 0 and n % 9 != 8]),
        ({"cluster": "match:0"}, [n for n in numbers if n // 2 % 5 == 0 and n % 9 != 8]),
        ({"hop": "1"}, [n for n in numbers if n % 3 == 2]),
        ({"collection": "Board 1"}, [n for n in numbers if n % 2 and n % 3 == 1]),
        ({"from": "2024-01-11", "to": "2024-01-20"}, [n for n in dated if 10 <= n <= 19]),
        ({"to": "2024-01-10"}, [n for n in dated if n <= 9]),
    ]
    for chosen, left in cases:
        for name, value in chosen.items():
            field = page.locator(f"[name='{name}']")
            if name in ("from", "to"):
                field.fill(value)
            else:
                field.select_option(value)
        assert page.inner_text("#number") == f"{len(left)} of 40 items shown", chosen
        page.click("#clear")
    page.click("[data-kind=image]")
    assert page.inner_text("#number").startswith("20 of 40")
    page.click("[data-kind=image]")
    assert page.inner_text("#number") == ""


def test_twenty_thousand_items_are_a_map_of_less_than_three_megabytes(tab: Tab, lake: Lake) -> None:
    _write_many(lake, "many", 20_000)
    network = tab.page.context.new_cdp_session(tab.page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page = opened(tab, "/u/many/map?space=all")

    assert sum(sizes) < 3_000_000
    assert "10,000 posts" in page.inner_text(".bar")
    page.mouse.move(*centre(page))
    page.mouse.wheel(0, -600)
    settled(page)
    assert "at.raw" in query(page)


def _write_many(lake: Lake, user: str, items: int) -> None:
    """A user with many items of both kinds, spread over all three spaces."""
    write_user(lake, user, items=2, tables=("artefacts",))
    ids = [item_id(user, n) for n in range(items)]
    kinds = [("text", "image")[n % 2] for n in range(items)]
    rows = lake.read("artefacts", user).slice(0, 1).take(pa.array(np.zeros(items, np.int64)))
    for column, values in (("artefact_id", ids), ("modality", kinds)):
        rows = rows.set_column(rows.column_names.index(column), column, pa.array(values))
    write(lake, user, "artefacts", rows)
    rng = np.random.default_rng(0)
    parts = []
    for view in ("raw", "annotation", "adapted"):
        columns = (ids, kinds, [view] * items, ["umap"] * items, *rng.normal(size=(2, items)).astype("f4"))
        parts.append(pa.Table.from_arrays(list(map(pa.array, columns)), schema=PROJECTIONS.schema()))
    write(lake, user, "projections", pa.concat_tables(parts))
    cluster, probability = np.arange(items) // 2 % 30, np.ones(items, "f4")
    columns = {"artefact_id": ids, "modality": kinds, "cluster": cluster, "probability": probability}
    write(lake, user, "clusters", pa.table(columns))


def test_two_fingers_zoom_one_pans_and_a_tap_selects(chromium: Any, tab: Tab) -> None:
    phone = {"width": 400, "height": 800}
    with opened_tab(chromium, tab.url, viewport=phone, has_touch=True) as touched:
        page = opened(touched, "/u/ann/map")
        touch = page.context.new_cdp_session(page)
        x, y = centre(page)

        def fingers(kind: str, *at: float) -> None:
            points = [{"x": x + dx, "y": y, "id": n} for n, dx in enumerate(at)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", -20, 20)
        for apart in (30, 40, 50, 60):
            fingers("touchMove", -apart, apart)
        fingers("touchEnd")
        settled(page)
        middle, _, level = map(float, query(page)["at.adapted"].split(","))
        assert level == pytest.approx(3, rel=0.15)

        fingers("touchStart", 0)
        for far in (10, 30, 60):
            fingers("touchMove", far)
        fingers("touchEnd")
        settled(page)
        moved, _, same = map(float, query(page)["at.adapted"].split(","))
        assert moved < middle
        assert same == level

        name, a, b = isolated(page, "adapted", kind=0)
        opened(touched, f"/u/ann/map?at.adapted={a},{b},60")
        fingers("touchStart", 0)
        fingers("touchEnd")
        page.wait_for_selector("#tip:not([hidden])")
        page.wait_for_selector(CARD)
        settled(page)
        assert query(page)["item"] == name
