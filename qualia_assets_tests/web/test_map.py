"""The map in a browser: looking about, pointing, choosing, filtering, three spaces side by side, by hand and
by keys.

What is drawn on a canvas is known in three ways: by its pixels before and after, by what the page says beside
it, and by the app's own modules, asked in the page for the boxes that they draw.
"""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import PROJECTIONS
from qualia_assets_tests.web.conftest import Visit, serious_findings, serving
from qualia_assets_tests.web.lakes import item_id, spec_of, write, write_user

READY = "#atlas[data-ready]"
HOSTILE = [
    "<script>window.hacked = 1</script>",
    '<img src=x onerror="window.hacked = 1">',
    "</script><svg onload=window.hacked=1>",
    "\u202egnp.exe\u202c mirrored \u200f\u05e2\u05d1\u05e8\u05d9\u05ea",
    "nothing\x00ness",
    "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{RAINBOW} {{ 7 * 7 }} ${7 * 7}",
    "word " * 2_000,
]
BOXES = """async ([space, zooms, base]) => {
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
  const middles = points.order.slice(0, 20);
  const cases = zooms.flatMap((zoom) => Array.from(middles, (middle) => [zoom, middle]));
  return cases.map(([zoom, middle]) => {
    camera.home();
    // A phone, where many names are pushed in from the edges.
    [camera.width, camera.height] = zoom > 1 ? [360, 480] : [1000, 700];
    if (zoom > 1) camera.lookAt(layout.x[middle], layout.y[middle], zoom);
    const look = { camera, plate: new Plate(), xs: layout.x, ys: layout.y, moving: 1, ratio: 1, type: 15 };
    const { names } = paint(context, layout, look, scene);
    const all = layout.labels(() => 0, 15);
    return { zoom, names, shown: all.filter((label) => camera.scale >= label.from).length };
  });
}"""
AWAY = """async ([space, base, x, y, zoom]) => {
  const { decode } = await import("/static/map-points.js");
  const { Camera, boxOf } = await import("/static/map-camera.js");
  const points = decode(await (await fetch(base + "map/points")).arrayBuffer());
  const camera = new Camera(boxOf(points.views.get(space)));
  const { clientWidth, clientHeight } = document.querySelector("canvas");
  [camera.width, camera.height] = [clientWidth, clientHeight];
  camera.lookAt(camera.x, camera.y, zoom);
  return [x * camera.scale, y * camera.scale];
}"""
PLACES = """async ([space, base]) => {
  const { decode } = await import("/static/map-points.js");
  const points = decode(await (await fetch(base + "map/points")).arrayBuffer());
  const { x, y } = points.views.get(space);
  return points.ids.map((id, i) => [id, x[i], y[i], points.modality[i]]);
}"""


def opened(visit: Visit, path: str) -> Any:
    visit.page.goto(visit.url + path)
    visit.page.wait_for_selector(READY)
    settled(visit.page)
    return visit.page


def settled(page: Any) -> None:
    """The list and the address follow when nothing has moved for a moment."""
    page.wait_for_selector("aside[aria-busy=false]")


def pixels(page: Any, canvas: int = 0) -> str:
    """What is on a canvas."""
    return str(page.evaluate("n => document.querySelectorAll('canvas')[n].toDataURL()", canvas))


def query(page: Any) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))


def alone(page: Any, user: str, space: str, kind: int) -> tuple[str, float, float]:
    """The item of a kind that lies farthest from all others: its id and place."""
    places = page.evaluate(PLACES, [space, f"/u/{user}/"])
    xy = np.array([[x, y] for _, x, y, _ in places])
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2) + np.eye(len(xy)) * 9
    candidates = [n for n, place in enumerate(places) if place[3] == kind]
    best = max(candidates, key=lambda n: float(apart[n].min()))
    name, x, y, _ = places[best]
    return name, x, y


def in_the_middle(page: Any) -> tuple[float, float]:
    box = page.locator("canvas").first.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def artefact(lake: Path, user: str, name: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = Lake(lake).read("artefacts", user).to_pylist()
    return next(row for row in rows if row["artefact_id"] == name)


def test_pointing_at_an_item_names_it_and_a_click_tells_all_of_it(visit: Visit, demos: Path) -> None:
    page = opened(visit, "/u/demo/map?space=annotation")
    name, x, y = alone(page, "demo", "annotation", kind=1)
    item = artefact(demos / "lake", "demo", name)
    said = {r["artefact_id"]: r for r in Lake(demos / "lake").read("annotations", "demo").to_pylist()}[name]
    opened(visit, f"/u/demo/map?space=annotation&at.annotation={x},{y},30")

    page.mouse.move(*in_the_middle(page))
    page.wait_for_selector("#tip:not([hidden])")
    assert page.inner_text("#tip") == item["title"]
    page.mouse.click(*in_the_middle(page))

    page.wait_for_selector("#about:not([hidden])")
    card = page.inner_text("#about")
    assert item["title"] in card
    assert item["collection"] in card
    assert item["created_at"].date().isoformat() in card
    for field in ("summary", "aesthetic", "mood", "lifestyle", "moment"):
        assert said[field] in card
    assert ", ".join(said["themes"]) in card
    source = page.locator("#about a", has_text="Source")
    assert source.get_attribute("href") == item["url"]
    assert source.get_attribute("rel") == "noopener noreferrer"
    assert page.locator("#about img").get_attribute("src").startswith("/u/demo/thumb/")
    assert page.evaluate("document.querySelector('#about img').naturalWidth") > 0
    own = page.locator("#about a", has_text="Its page").get_attribute("href")
    assert urllib.parse.unquote(own) == f"/u/demo/item/{name}"
    settled(page)
    assert query(page)["item"] == name
    page.keyboard.press("Escape")
    assert page.locator("#about").is_hidden()


def test_what_is_seen_is_in_the_address_and_comes_back_from_it(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map")
    x, y = in_the_middle(page)
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

    kept = query(page)
    assert set(kept) == {"at.adapted", "kind", "cluster"}
    assert kept["kind"] == "text"
    words = page.inner_text("#number"), page.inner_text("#status"), page.inner_text("#clusters")
    drawn = pixels(page)
    page.reload()
    page.wait_for_selector(READY)
    page.mouse.move(2, 2)
    settled(page)

    assert (page.inner_text("#number"), page.inner_text("#status"), page.inner_text("#clusters")) == words
    assert pixels(page) == drawn
    assert query(page) == kept
    page.click("#clear")
    page.locator("[data-zoom='0']").first.click()
    settled(page)
    assert query(page) == {}


def test_the_wheel_brings_nearer_what_lies_under_the_pointer(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map?space=annotation")
    name, x, y = alone(page, "demo", "annotation", kind=0)
    opened(visit, f"/u/demo/map?space=annotation&at.annotation={x + 0.02},{y - 0.01},8")
    left, up = page.evaluate(AWAY, ["annotation", "/u/demo/", 0.02, 0.01, 8])
    middle = in_the_middle(page)
    at = (middle[0] - left, middle[1] - up)

    page.mouse.move(*at)
    for _ in range(3):
        page.mouse.wheel(0, -300)
    settled(page)
    page.mouse.click(*at)
    settled(page)

    assert query(page)["item"] == name
    assert float(query(page)["at.annotation"].split(",")[2]) > 20


@pytest.mark.parametrize("user", ["demo", "demo-2"])
def test_names_never_overlap_and_more_of_them_appear_on_going_nearer(visit: Visit, user: str) -> None:
    page = opened(visit, f"/u/{user}/map")

    for space in ("raw", "annotation", "adapted"):
        found = page.evaluate(BOXES, [space, [1, 2, 4, 8, 16, 32, 64], f"/u/{user}/"])
        for boxes in (step["names"] for step in found):
            for i, a in enumerate(boxes):
                assert not [b for b in boxes[:i] if overlap(a, b)]
        shown = [step["shown"] for step in found if step["zoom"] > 1]
        assert shown == sorted(shown)
        assert len(found[0]["names"]) >= 3
        assert shown[0] < shown[-1]


def overlap(a: dict[str, float], b: dict[str, float]) -> bool:
    across = a["left"] < b["left"] + b["width"] and b["left"] < a["left"] + a["width"]
    return across and a["top"] < b["top"] + b["height"] and b["top"] < a["top"] + a["height"]


def test_pictures_come_near_by_only_those_that_are_seen(visit: Visit) -> None:
    asked: list[str] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    page = opened(visit, "/u/demo/map?space=annotation")
    assert not [url for url in asked if "/thumb/" in url]

    for _ in range(3):
        page.locator("[data-zoom='1.6']").first.click()
    settled(page)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)

    seen = [url for url in asked if "/thumb/" in url]
    assert 10 < len(seen) <= 304
    assert len(set(seen)) == len(seen)
    assert all(re.fullmatch(rf"{visit.url}/u/demo/thumb/[0-9a-f]{{64}}\?side=64", url) for url in seen)
    before = pixels(page)
    page.locator("[data-zoom='0']").first.click()
    settled(page)
    assert pixels(page) != before


def test_of_pictures_six_hundred_are_kept_and_a_broken_one_stays_a_point(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map")

    kept = page.evaluate("""async () => {
      const { Thumbs, MOST } = await import("/static/map-thumbs.js");
      let under = 0, most = 0;
      const canvas = new OffscreenCanvas(2, 2);
      canvas.getContext("2d").fillRect(0, 0, 1, 1);
      const picture = await canvas.convertToBlob();
      const load = async (i) => {
        most = Math.max(most, ++under);
        await Promise.resolve(); under--;
        if (i === 3) throw new Error("broken");
        return picture;
      };
      const thumbs = new Thumbs(load, () => {});
      const wait = () => new Promise((done) => setTimeout(done, 50));
      const want = async (items) => {
        thumbs.want(items);
        while (thumbs.queue.length || thumbs.underWay.size) await wait();
      };
      await want(Array.from({ length: MOST }, (_, i) => i));
      const first = thumbs.kept.size;
      await want(Array.from({ length: 50 }, (_, i) => MOST + i));
      await want([3]);
      const last = thumbs.get(MOST + 49) !== null;
      return { first, now: thumbs.kept.size, most, broken: thumbs.get(3), last };
    }""")

    assert kept["first"] == kept["now"] == 600
    assert kept["most"] <= 6
    assert kept["broken"] is None
    assert kept["last"]


def test_side_by_side_what_is_chosen_in_one_space_is_marked_in_all(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map?space=all")
    assert page.locator("canvas:visible").count() == 3
    assert page.locator(".pane h2").all_inner_texts() == ["Raw", "Annotation", "Adapted"]
    settled(page)
    before = [pixels(page, n) for n in range(3)]

    page.locator("#items button").first.click()
    page.wait_for_selector("#about:not([hidden])")
    settled(page)
    assert all(pixels(page, n) != before[n] for n in range(3))
    page.keyboard.press("Escape")
    settled(page)
    assert [pixels(page, n) for n in range(3)] == before

    page.locator("[data-zoom='1.6']").nth(1).click()
    settled(page)
    now = [pixels(page, n) for n in range(3)]
    assert (now[0], now[2]) == (before[0], before[2])
    assert now[1] != before[1]
    assert set(query(page)) == {"space", "at.annotation"}


def test_the_gap_between_posts_and_pins_is_seen_to_close(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map")

    def apart(space: str) -> float:
        places = [p for p in page.evaluate(PLACES, [space, "/u/demo/"]) if p[1] is not None]
        of = [np.array([p[1:3] for p in places if p[3] == kind]) for kind in (0, 1)]
        both = np.concatenate(of)
        return float(np.linalg.norm(of[0].mean(axis=0) - of[1].mean(axis=0)) / both.std(axis=0).sum())

    assert apart("raw") > 3 * apart("annotation")


def test_points_travel_to_their_places_in_another_space_unless_motion_is_unwelcome(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map?space=raw")
    for motion in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=motion)
        drawn = []
        for space in ("annotation", "raw"):
            page.click(f"[data-space={space}]")
            page.wait_for_timeout(120)
            drawn.append(pixels(page))
            settled(page)
            drawn.append(pixels(page))
        assert (drawn[0] != drawn[1]) is (motion == "no-preference")
        assert (drawn[2] != drawn[3]) is (motion == "no-preference")
        assert drawn[1] != drawn[3]


def test_the_map_is_used_with_keys_alone(visit: Visit) -> None:
    page = opened(visit, "/u/demo/map?space=annotation")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("+")
    page.keyboard.press("+")
    settled(page)
    x, y, zoom = map(float, query(page)["at.annotation"].split(","))
    assert zoom == pytest.approx(2.25)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    settled(page)
    now_x, now_y, same = map(float, query(page)["at.annotation"].split(","))
    assert (now_x > x, now_y > y, same) == (True, True, zoom)
    page.wait_for_selector("#tip:not([hidden])")
    pointed = page.inner_text("#tip")
    page.keyboard.press("Enter")
    page.wait_for_selector("#about:not([hidden])")
    assert page.evaluate("document.activeElement.id") == "about"
    assert pointed in page.inner_text("#about h2")
    assert page.locator("#about").bounding_box()["y"] > 60
    assert page.evaluate("document.documentElement.scrollHeight") == 800
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    page.keyboard.press("0")
    settled(page)
    assert "at.annotation" not in query(page)

    page.locator("#clusters button").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#about:not([hidden])")
    assert page.inner_text("#about .chip").startswith("Cluster of")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('#clusters') !== null")


def test_the_list_holds_what_is_in_view(visit: Visit, demos: Path) -> None:
    page = opened(visit, "/u/demo/map?space=annotation")
    items = Lake(demos / "lake").read("artefacts", "demo").num_rows
    assert page.inner_text("#status") == f"{items} items in view."
    everything = page.locator("#clusters li").count()
    for _ in range(4):
        page.locator("[data-zoom='1.6']").first.click()
    settled(page)

    number = int(page.inner_text("#status").split()[0])
    assert 0 < number < 300
    assert page.locator("#clusters li").count() <= everything
    assert page.locator("#items li").count() == min(12, number)
    titles = [
        artefact["title"]
        for artefact in _cards(visit.url, "demo", page.evaluate(PLACES, ["annotation", "/u/demo/"]))
    ]
    assert {t.split(": ", 1)[1] for t in page.locator("#items li").all_text_contents()} <= set(titles)


def _cards(url: str, user: str, places: list[list[Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for start in range(0, len(places), 24):
        asked = urllib.parse.urlencode([("item", place[0]) for place in places[start : start + 24]])
        with urllib.request.urlopen(f"{url}/u/{user}/map/cards?{asked}") as answer:
            found += json.load(answer)
    return found


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 400)])
def test_everything_open_it_is_accessible_and_fits(visit: Visit, scheme: str, width: int) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    visit.page.set_viewport_size({"width": width, "height": 800})
    page = opened(visit, "/u/demo/map?space=all")
    page.click("summary")
    page.locator("#clusters button").first.click()
    page.wait_for_selector("#about:not([hidden])")

    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_points_are_sent_once_and_cards_a_few_at_a_time(app: str) -> None:
    with urllib.request.urlopen(f"{app}/u/demo/map/points") as first:
        tag = first.headers["etag"]
    again = urllib.request.Request(f"{app}/u/demo/map/points", headers={"if-none-match": tag})
    with pytest.raises(urllib.error.HTTPError) as unchanged:
        urllib.request.urlopen(again)
    assert unchanged.value.code == 304

    with urllib.request.urlopen(f"{app}/u/demo-2/map/points") as other:
        body = other.read()
    theirs = re.search(rb"demo:p[a-z]+:\w+", body[body.index(b'["demo:') :])
    assert theirs is not None
    known = {r["id"] for r in _cards(app, "demo-2", [[theirs[0].decode()]])}
    assert known == {theirs[0].decode()}
    assert _cards(app, "demo", [["demo:post:nothing"], ["../../etc/passwd"]]) == []
    many = "&".join(["item=" + theirs[0].decode()] * 100)
    with urllib.request.urlopen(f"{app}/u/demo-2/map/cards?{many}") as answer:
        assert len(json.load(answer)) == 24


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An app over users that are not as one would wish."""
    place = tmp_path_factory.mktemp("odd")
    lake = Lake(place / "lake")
    write_user(lake, "hostile", items=40, titles=HOSTILE, pictures=3)
    cards = lake.read("cluster_cards", "hostile").to_pylist()
    for row, words in zip(cards, HOSTILE * 2, strict=False):
        row.update(label=words, keywords=[words])
    write(lake, "hostile", "cluster_cards", spec_of("cluster_cards").table(cards))
    write_user(lake, "posts", items=12, modalities=["text"])
    write_user(
        lake, "unclustered", items=12, tables=("image_blobs", "artefacts", "annotations", "projections")
    )
    write_user(lake, "unplaced", items=12, tables=("image_blobs", "artefacts"))
    write_user(lake, "adrift", items=12)
    placed = lake.read("projections", "adrift")
    nowhere = pa.array(np.full(placed.num_rows, np.nan, "f4"))
    write(lake, "adrift", "projections", placed.set_column(placed.column_names.index("x"), "x", nowhere))
    write_user(lake, "halfway", items=12)
    placed = lake.read("projections", "halfway")
    write(lake, "halfway", "projections", placed.filter(pa.compute.not_equal(placed["view"], "adapted")))
    _write_many(lake, "many", 20_000)
    with serving(place) as url:
        yield url


def _write_many(lake: Lake, user: str, items: int) -> None:
    """So many items of both kinds, strewn over all three spaces."""
    write_user(lake, user, items=2, tables=("artefacts",))
    one = lake.read("artefacts", user).slice(0, 1)
    ids = [item_id(user, n) for n in range(items)]
    kinds = [("text", "image")[n % 2] for n in range(items)]
    rows = one.take(pa.array(np.zeros(items, np.int64)))
    for column, values in (("artefact_id", ids), ("modality", kinds)):
        rows = rows.set_column(rows.column_names.index(column), column, pa.array(values))
    write(lake, user, "artefacts", rows)
    rng = np.random.default_rng(0)
    parts = [
        pa.Table.from_arrays(
            [
                pa.array(c)
                for c in (
                    ids,
                    kinds,
                    [v] * items,
                    ["umap"] * items,
                    *rng.normal(size=(2, items)).astype("f4"),
                )
            ],
            schema=PROJECTIONS.schema(),
        )
        for v in ("raw", "annotation", "adapted")
    ]
    write(lake, user, "projections", pa.concat_tables(parts))
    cluster = np.arange(items) // 2 % 30
    clusters = {
        "artefact_id": ids,
        "modality": kinds,
        "cluster": cluster,
        "probability": np.ones(items, "f4"),
    }
    write(lake, user, "clusters", pa.table(clusters))


@pytest.fixture
def odd_visit(chromium: Any, odd: str) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    tab = Visit(context.new_page(), odd)
    yield tab
    context.close()
    tab.is_clean()


def test_hostile_titles_stay_text_in_cards_lists_and_names(odd_visit: Visit) -> None:
    page = opened(odd_visit, "/u/hostile/map")
    for n, title in enumerate(HOSTILE):
        opened(odd_visit, f"/u/hostile/map?item={item_id('hostile', n)}")
        page.wait_for_selector("#about:not([hidden])")
        shown = page.inner_text("#about h2")
        expected = " ".join(re.sub("[\x00-\x1f\u200e\u200f\u202a-\u202e]+", " ", title).split())
        assert shown == (expected if len(expected) <= 300 else expected[:299].rstrip() + "…")
        assert page.locator("#about h2 *").count() == 1
        assert page.locator("#about h2 bdi").count() == 1
    for cluster in range(min(4, page.locator("#clusters button").count())):
        page.locator("#clusters button").nth(cluster).click()
        page.wait_for_timeout(100)
    page.click("summary")
    assert page.evaluate("window.hacked") is None
    assert page.locator("main script, main svg, main iframe").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert "[[" not in page.inner_text("main")


def test_one_kind_alone_and_items_without_clusters_are_maps(odd_visit: Visit) -> None:
    page = opened(odd_visit, "/u/posts/map")
    assert page.locator("#clusters li").count() > 0
    assert "0 pins" in page.inner_text(".bar")

    page = opened(odd_visit, "/u/unclustered/map")
    assert page.inner_text("#status") == "12 items in view."
    assert "The stage clusters was not made yet" in page.inner_text("aside")
    page.locator("#items button").first.click()
    page.wait_for_selector("#about:not([hidden])")


def test_a_space_that_is_missing_says_so_where_it_would_be(odd_visit: Visit) -> None:
    page = opened(odd_visit, "/u/halfway/map")
    assert page.locator("[data-space=annotation]").get_attribute("aria-pressed") == "true"
    page.click("[data-space=all]")
    assert page.locator("canvas:visible").count() == 2
    assert "Nothing has a place in this space yet" in page.locator(".pane").nth(2).inner_text()
    page.click("[data-space=adapted]")
    assert page.locator("canvas:visible").count() == 0
    page.click("[data-space=raw]")
    assert page.locator("canvas:visible").count() == 1


def test_without_places_the_page_says_what_to_do(odd_visit: Visit) -> None:
    for user in ("unplaced", "adrift"):
        page = odd_visit.go(f"/u/{user}/map")
        assert "There is no map yet" in page.inner_text("main")
        assert f"qualia run --user {user}" in page.inner_text("main")


def test_an_address_that_names_what_is_not_there_shows_the_map(odd_visit: Visit) -> None:
    page = opened(
        odd_visit,
        "/u/posts/map?space=nowhere&kind=x&cluster=text:999&hop=a&from=never&item=gone&about=x:1&at.raw=1,2,NaN&at.adapted=9,9,1e9",
    )
    settled(page)
    assert "12 of 12" not in page.inner_text("#number")
    page.locator("[data-zoom='0']").first.click()
    settled(page)
    assert page.inner_text("#status") == "12 items in view."


def test_filters_leave_what_was_asked_for(odd_visit: Visit) -> None:
    page = opened(odd_visit, "/u/hostile/map")
    page.click("summary")

    def left(**chosen: str) -> int:
        for name, value in chosen.items():
            field = page.locator(f"[name='{name}']")
            if name in ("from", "to"):
                field.fill(value)
            else:
                field.select_option(value)
        page.wait_for_timeout(50)
        words = page.inner_text("#number")
        if page.locator("#clear").is_visible():
            page.click("#clear")
        return int(words.split()[0]) if words else 40

    assert left(cluster="none") == len([n for n in range(40) if n % 9 == 8])
    assert left(cluster="text:0") == len([n for n in range(0, 40, 2) if n // 2 % 5 == 0 and n % 9 != 8])
    assert left(cluster="match:0") == len([n for n in range(40) if n // 2 % 5 == 0 and n % 9 != 8])
    assert left(hop="1") == len([n for n in range(40) if n % 3 == 2])
    assert left(collection="Board 1") == len([n for n in range(1, 40, 2) if n % 3 == 1])
    known = [n for n in range(40) if n % 7]
    assert left(**{"from": "2024-01-11", "to": "2024-01-20"}) == len([n for n in known if 10 <= n <= 19])
    assert left(to="2024-01-10") == len([n for n in known if n <= 9])
    page.click("[data-kind=image]")
    assert page.inner_text("#number").startswith("20 of 40")
    page.click("[data-kind=image]")
    assert page.inner_text("#number") == ""


def test_twenty_thousand_items_are_a_map_of_less_than_three_megabytes(odd_visit: Visit) -> None:
    network = odd_visit.page.context.new_cdp_session(odd_visit.page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page = opened(odd_visit, "/u/many/map?space=all")

    assert sum(sizes) < 3_000_000
    assert "10,000 posts" in page.inner_text(".bar")
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 150, steps=6)
    page.mouse.up()
    page.mouse.wheel(0, -600)
    settled(page)
    assert "at.raw" in query(page)


def test_two_fingers_apart_bring_it_nearer_and_one_moves_it(chromium: Any, app: str) -> None:
    context = chromium.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    tab = Visit(context.new_page(), app)
    page = opened(tab, "/u/demo/map")
    touch = context.new_cdp_session(page)
    x, y = in_the_middle(page)

    def fingers(kind: str, *at: float) -> None:
        points = [{"x": x + dx, "y": y, "id": n} for n, dx in enumerate(at)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", -20, 20)
    for apart in (30, 40, 50, 60):
        fingers("touchMove", -apart, apart)
    fingers("touchEnd")
    settled(page)
    middle, _, zoom = map(float, query(page)["at.adapted"].split(","))
    assert zoom == pytest.approx(3, rel=0.15)

    fingers("touchStart", 0)
    for far in (10, 30, 60):
        fingers("touchMove", far)
    fingers("touchEnd")
    settled(page)
    moved, _, same = map(float, query(page)["at.adapted"].split(","))
    assert moved < middle
    assert same == zoom

    name, a, b = alone(page, "demo", "adapted", kind=0)
    opened(tab, f"/u/demo/map?at.adapted={a},{b},60")
    fingers("touchStart", 0)
    fingers("touchEnd")
    page.wait_for_selector("#tip:not([hidden])")
    page.wait_for_selector("#about:not([hidden])")
    settled(page)
    assert query(page)["item"] == name
    context.close()
    tab.is_clean()
