"""The report in a browser: the page of both demo users, the file that is sent, and half-made lakes."""

import html
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.lake.store import Lake
from qualia_assets_tests.web import lakes
from qualia_assets_tests.web.conftest import Visit, serious_findings, serving

HOSTILE = '<img src="x" onerror="alert(1)">'


@pytest.mark.parametrize("user", ["demo", "demo-2"])
def test_every_table_has_doing_nothing_and_its_whiskers(visit: Visit, user: str) -> None:
    page = visit.go(f"/u/{user}/report")
    tables = page.locator("table.figures")
    assert tables.count() >= 3
    for table in tables.all():
        rows = table.locator("tbody tr.is-nothing")
        assert rows.count() == 1
        assert rows.locator("svg.whisker .interval").count() == 2
        assert table.locator("tfoot tr").count() == 1
    assert page.locator("tr.is-selected").count() >= 1
    assert "doing nothing" in page.inner_text("section.short").lower()


def test_all_five_figures_are_drawn_and_told_to_those_who_listen(visit: Visit, demos: Path) -> None:
    page = visit.go("/u/demo/report")
    charts = page.locator("figure svg.chart[role=img]")
    assert page.locator("figure").count() == 5
    assert charts.count() == 7
    assert all(len(chart.get_attribute("aria-label") or "") > 20 for chart in charts.all())
    dots = page.locator(".figure-1 .dots.of-text")
    posts = Lake(demos / "lake").read("artefacts", "demo")["modality"].to_pylist().count("text")
    assert (dots.get_attribute("d") or "").count("h0") == posts
    box = dots.bounding_box()
    assert box
    assert min(box["width"], box["height"]) > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dots_and_words_stand_out_from_their_ground(visit: Visit, scheme: str) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.go("/u/demo/report")
    ink, ground = page.evaluate(
        "[getComputedStyle(document.querySelector('.figure-2 .dots.of-image')).stroke,"
        " getComputedStyle(document.querySelector('.figure-2 svg')).backgroundColor]"
    )
    assert contrast(ink, ground) >= 3
    word = page.evaluate("getComputedStyle(document.querySelector('.figure-3 .name')).fill")
    assert contrast(word, ground) >= 4.5


def contrast(one: str, other: str) -> float:
    """The ratio of two colours as WCAG has it, from rgb(r, g, b)."""

    def light(colour: str) -> float:
        parts = [int(p) / 255 for p in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_what_is_folded_away_opens_by_keyboard(visit: Visit) -> None:
    page = visit.go("/u/demo/report")
    more = page.locator("details").first
    assert not more.locator("table").is_visible()
    more.locator("summary").focus()
    page.keyboard.press("Enter")
    assert more.locator("table").is_visible()
    assert serious_findings(page) == []


_MOVED = """element => new Promise(done => {
    let frames = 0;
    const look = () => element.scrollLeft > 0 || frames++ > 120
        ? done(element.scrollLeft > 0) : requestAnimationFrame(look);
    look();
})"""


def test_on_a_phone_tables_are_scrolled_by_themselves(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 400, "height": 800})
    page = visit.go("/u/demo/report")
    first = page.locator(".scroll").first
    assert first.evaluate("e => e.scrollWidth > e.clientWidth")
    first.focus()
    page.keyboard.press("ArrowRight")
    assert first.evaluate(_MOVED)
    # What a row is about stays in sight.
    assert page.locator(".scroll tbody th").first.bounding_box()["x"] < 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(("button", "named"), [("Download to send", False), ("Download with names", True)])
def test_the_file_opens_from_disk_without_a_word_on_the_console(
    visit: Visit, chromium: Any, demos: Path, tmp_path: Path, button: str, named: bool
) -> None:
    page = visit.go("/u/demo/report")
    with page.expect_download() as download:
        page.click(f"text={button}")
    assert download.value.suggested_filename == "qualia-report.html"
    file = tmp_path / "sent.html"
    download.value.save_as(file)
    assert file.stat().st_size < 500_000

    context = chromium.new_context()
    opened = Visit(context.new_page(), "file://")
    sent = opened.go(str(file))
    words = sent.inner_text("body")
    titles = [t for t in Lake(demos / "lake").read("artefacts", "demo")["title"].to_pylist() if t]
    assert any(title in words for title in titles) == named
    assert ("Report on demo" in words) == named
    assert sent.locator("figure svg.chart[role=img]").count() == 7
    # Its style is there: the policy lets it in by its hash.
    assert sent.evaluate("getComputedStyle(document.querySelector('.figure-1 .dots.of-text')).fill") == "none"
    opened.is_clean()
    context.close()


@pytest.mark.parametrize(("user", "other"), [("demo", "demo-2"), ("demo-2", "demo")])
@pytest.mark.parametrize("address", ["report", "report.html?names=1"])
def test_a_report_holds_titles_of_its_own_user_and_of_no_other(
    app: str, demos: Path, address: str, user: str, other: str
) -> None:
    with urllib.request.urlopen(f"{app}/u/{user}/{address}") as answer:
        page = answer.read().decode()
    lake = Lake(demos / "lake")
    titles = {u: {t for t in lake.read("artefacts", u)["title"].to_pylist() if t} for u in (user, other)}
    assert any(html.escape(title) in page for title in titles[user])
    # A title as short as a word may stand in a page for another reason.
    foreign = [title for title in titles[other] - titles[user] if len(title) > 12]
    assert [title for title in foreign if html.escape(title) in page] == []


@pytest.fixture(scope="module")
def half_made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app over users of whom not everything is there yet."""
    place = tmp_path_factory.mktemp("half")
    lake = Lake(place / "lake")
    lakes.write_user(lake, "no-metrics", items=40, titles=(HOSTILE,) * 8)
    lakes.write_user(lake, "items", items=20, tables=("image_blobs", "artefacts"))
    (place / "qualia.toml").write_text("", encoding="utf-8")
    with serving(place) as url:
        yield url


@pytest.mark.parametrize("user", ["no-metrics", "items"])
def test_a_half_made_lake_gives_a_page_that_says_what_to_do(chromium: Any, half_made: str, user: str) -> None:
    context = chromium.new_context(viewport={"width": 400, "height": 800})
    visit = Visit(context.new_page(), half_made)
    page = visit.go(f"/u/{user}/report")
    assert f"qualia run --user {user}" in page.inner_text("section:has(#tables)")
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    if user == "no-metrics":
        assert HOSTILE in page.inner_text("table.matches")
        assert page.locator("img").count() == 0
    context.close()
    visit.is_clean()
