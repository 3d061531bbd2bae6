"""The report in the app: the page, the downloaded file, and incomplete lakes."""

import html
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.lake.store import Lake
from qualia_assets_tests.places import USER
from qualia_assets_tests.web.conftest import HOSTILE, Client, Tab, check_accessible, opened

PAGE = f"/u/{USER}/report"


def test_every_table_compares_with_doing_nothing_and_has_intervals(client: Client) -> None:
    page = client.get(PAGE)
    tables = page.all("table.figures")
    assert len(tables) >= 3
    for table in tables:
        (nothing,) = page.all("tbody tr.is-nothing", table)
        assert len(page.all("svg.whisker .interval", nothing)) == 2
        assert len(page.all("tfoot tr", table)) == 1
    assert page.all("tr.is-selected")
    assert "doing nothing" in page.text("section.short").lower()


def test_all_five_figures_are_drawn_visibly_and_described(tab: Tab) -> None:
    page = tab.go(PAGE)
    charts = page.locator("figure svg.chart[role=img]")
    assert page.locator("figure").count() == 5
    assert charts.count() == 7
    assert all(len(chart.get_attribute("aria-label") or "") > 20 for chart in charts.all())
    for number, kind in ((1, "text"), (2, "image")):
        box = page.locator(f".figure-{number} .dots.of-{kind}").bounding_box()
        assert box
        assert min(box["width"], box["height"]) > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dots_and_words_contrast_with_their_background(tab: Tab, scheme: str) -> None:
    page = tab.go(PAGE, scheme=scheme)
    dots, word, ground = page.evaluate(
        "[getComputedStyle(document.querySelector('.figure-2 .dots.of-image')).stroke,"
        " getComputedStyle(document.querySelector('.figure-3 .name')).fill,"
        " getComputedStyle(document.querySelector('.figure-2 svg')).backgroundColor]"
    )
    assert contrast(dots, ground) >= 3
    assert contrast(word, ground) >= 4.5


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours by WCAG, from rgb(r, g, b)."""

    def luminance(colour: str) -> float:
        parts = [int(p) / 255 for p in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_folded_tables_open_by_keyboard(tab: Tab) -> None:
    page = tab.go(PAGE)
    more = page.locator("details").first
    assert not more.locator("table").is_visible()
    more.locator("summary").focus()
    page.keyboard.press("Enter")
    assert more.locator("table").is_visible()
    check_accessible(page)


_SCROLLED = """element => new Promise(done => {
    let frames = 0;
    const look = () => element.scrollLeft > 0 || frames++ > 120
        ? done(element.scrollLeft > 0) : requestAnimationFrame(look);
    look();
})"""


def test_on_a_phone_wide_tables_scroll_by_themselves(tab: Tab) -> None:
    page = tab.go(PAGE, width=400)
    first = page.locator(".scroll").first
    assert first.evaluate("e => e.scrollWidth > e.clientWidth")
    first.focus()
    page.keyboard.press("ArrowRight")
    assert first.evaluate(_SCROLLED)
    # The heading of a row stays visible.
    assert page.locator(".scroll tbody th").first.bounding_box()["x"] < 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize(("button", "named"), [("Download to share", False), ("Download with names", True)])
def test_the_downloaded_file_opens_from_disk_without_console_messages(
    tab: Tab, chromium: Any, lake: Lake, tmp_path: Path, button: str, named: bool
) -> None:
    page = tab.go(PAGE)
    with page.expect_download() as download:
        page.click(f"text={button}")
    assert download.value.suggested_filename == "qualia-report.html"
    file = tmp_path / "shared.html"
    download.value.save_as(file)
    assert file.stat().st_size < 500_000

    with opened(chromium, "file://") as other:
        shared = other.go(str(file))
        words = shared.inner_text("body")
        titles = [t for t in lake.read("artefacts", USER)["title"].to_pylist() if t]
        assert any(title in words for title in titles) == named
        assert (f"Report on {USER}" in words) == named
        assert shared.locator("figure svg.chart[role=img]").count() == 7
        # The policy admits its style by hash.
        fill = "getComputedStyle(document.querySelector('.figure-1 .dots.of-text')).fill"
        assert shared.evaluate(fill) == "none"


@pytest.mark.parametrize("address", ["report", "report.html?names=1"])
def test_a_report_has_titles_of_its_own_user_only(client: Client, lake: Lake, address: str) -> None:
    titles = {u: {t for t in lake.read("artefacts", u)["title"].to_pylist() if t} for u in (USER, "ann")}
    for user, other in ((USER, "ann"), ("ann", USER)):
        page = client.http.get(f"/u/{user}/{address}").text
        assert any(html.escape(title) in page for title in titles[user])
        # Short titles may occur for other reasons.
        foreign = [title for title in titles[other] - titles[user] if len(title) > 12]
        assert [title for title in foreign if html.escape(title) in page] == []


def test_without_metrics_the_report_says_what_to_do_and_hostile_titles_stay_text(client: Client) -> None:
    page = client.get("/u/ann/report")
    assert "qualia run --user ann" in page.texts("main code")
    assert HOSTILE[0] in page.text("table.matches")
    assert page.all("img") == []
