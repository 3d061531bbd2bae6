"""Everyone in the lake: counts, freshness and what mends it, what was left out, what it cost."""

import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.defs.catalogue import stages
from qualia_assets.lake.store import Lake
from qualia_assets.web.pages.users import GROUPS, USERS_A_PAGE, ago, cost
from qualia_assets_tests.web.conftest import Visit, serious_findings, serving
from qualia_assets_tests.web.lakes import ORDER, write, write_user
from qualia_assets_tests.web.running import ask

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users of every standing."""
    place = tmp_path_factory.mktemp("everyone")
    lake = Lake(place / "lake")
    write_user(lake, "ann", items=24)
    this_month = datetime.now(UTC).strftime("%Y-%m-%d")
    write(lake, "ann", "provider_costs", [_paid("2020-01-02", 1.5), _paid(this_month, 0.25)])
    reasons = ["its picture is gone"] * 3 + ["<b>no text</b>"] * 2 + ["once"]
    write(lake, "ann", "quarantine", [_left_out(n, reason) for n, reason in enumerate(reasons)])
    write_user(lake, "half", tables=ORDER[:6])
    write_user(lake, "half", tables=["artefacts"], seed=1)
    write_user(lake, "new", items=1, tables=["artefacts"])
    write_user(lake, "torn", modalities=["text"])
    lake.path("clusters", "torn").write_bytes(b"no table")
    return place


@pytest.fixture(scope="module")
def everyone(place: Path) -> Iterator[str]:
    with serving(place) as url:
        yield url


def _paid(day: str, usd: float) -> dict[str, Any]:
    numbers = dict.fromkeys(("requests", "items", "input_tokens", "output_tokens", "pixels"), 1)
    return {"stage": "annotations", "provider": "anthropic/x", "day": day, "usd": usd, **numbers}


def _left_out(number: int, reason: str) -> dict[str, str]:
    return {"source": "folder", "record": str(number), "reason": reason, "mend": "Mend it."}


def _cards(url: str, path: str = "/") -> dict[str, str]:
    """What is said of each user, as plain text."""
    html = ask(int(url.rpartition(":")[2]), path).text
    cards = re.findall(
        r'<article class="card person" aria-labelledby="user-(.*?)">(.*?)</article>', html, re.DOTALL
    )
    return {user: " ".join(unescape(re.sub(r"<[^>]*>", " ", card)).split()) for user, card in cards}


def test_the_groups_are_those_of_the_graph() -> None:
    of_a_user = [step for step in stages() if step.per_user and not step.on_demand]
    assert {name for tables in GROUPS.values() for name in tables} == {
        spec.name for step in of_a_user for spec in step.specs
    }
    for name, tables in GROUPS.items():
        made = {spec.name for step in of_a_user if step.group == name for spec in step.specs}
        assert set(tables) == made, name


def test_everyone_is_told_of_with_counts_and_links(everyone: str) -> None:
    cards = _cards(everyone)
    assert list(cards) == ["ann", "half", "new", "torn"]
    for said in ("posts 12", "pins 12", "clusters 10", "matches 4", "Map Clusters Search Report"):
        assert said in cards["ann"], said
    assert "post 1" in cards["new"]
    assert "pins 0" in cards["new"]
    assert "clusters –" in cards["new"]


def test_what_was_paid_and_left_out_is_said(everyone: str) -> None:
    cards = _cards(everyone)
    assert "Paid in all: US$ 1.75; this month: US$ 0.25." in cards["ann"]
    assert "6 left out, mostly because its picture is gone (3), <b>no text</b> (2), once (1)." in cards["ann"]
    assert "paid" not in cards["new"].lower(), "where it is not known, nothing is said"


def test_what_is_not_fresh_is_named_with_the_command_that_mends_it(everyone: str) -> None:
    cards = _cards(everyone)
    assert "Out of date: annotations, raw_embeddings, annotation_embeddings, neighbours." in cards["half"]
    assert (
        "A run is under way, or was stopped; qualia run --user half makes what is missing." in cards["half"]
    )
    assert (
        "The table clusters cannot be read. qualia run --user torn --from clusters --force makes it again."
        in cards["torn"]
    )
    assert "Not made yet: sources, annotations, embeddings, clusters" in cards["new"]
    assert "annotations out of date" in cards["half"]
    assert "clusters damaged" in cards["torn"]


def test_a_finished_user_is_fresh_and_nothing_was_paid(app: str) -> None:
    for user, said in _cards(app).items():
        assert user in ("demo", "demo-2")
        assert "All is fresh, last made" in said
        assert "Not made yet" not in said
        assert "Nothing was paid." in said
        assert "Nothing was left out." in said


def test_a_table_that_comes_is_seen_at_the_next_look(everyone: str, place: Path) -> None:
    lake = Lake(place / "lake")
    write_user(lake, "later", items=4, tables=["artefacts"])
    assert "posts 2" in _cards(everyone)["later"]
    write_user(lake, "later", items=8, tables=["artefacts"])
    assert "posts 4" in _cards(everyone)["later"]
    shutil.rmtree(lake.folder("artefacts", "later"))
    assert "later" not in _cards(everyone)


def test_the_page_is_accessible_shows_only_ones_own_pictures_and_leads_on(visit: Visit) -> None:
    page = visit.go("/")
    page.locator("summary").first.click()
    assert serious_findings(page) == []
    assert page.locator("h1").inner_text() == "Everyone in this lake"
    sources = page.eval_on_selector_all(
        "article img", "all => all.map(i => [i.closest('article').querySelector('h2').innerText, i.src])"
    )
    assert len(sources) == 14
    assert all(f"/u/{user}/thumb/" in source for user, source in sources)
    loaded = page.eval_on_selector_all("article:first-of-type img", "all => all.map(i => i.naturalWidth)")
    assert all(width > 0 for width in loaded)
    visit.go("/")
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "demo", "after the skip link and the name"
    page.keyboard.press("Enter")
    page.wait_for_url("**/u/demo/map")


def test_an_empty_lake_says_what_to_do(tmp_path: Path, chromium: Any) -> None:
    with serving(tmp_path) as url:
        context = chromium.new_context()
        tab = Visit(context.new_page(), url)
        page = tab.go("/")
        said = page.inner_text("main")
        assert "nobody here yet" in said
        assert "make demo" in said
        assert "qualia import folder PATH --user me" in said
        assert serious_findings(page) == []
        context.close()
        tab.is_clean()


def test_two_hundred_users_are_shown_a_few_at_a_time_and_soon(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write_user(lake, "u000", items=40, tables=ORDER[:3])
    for path in list(lake.root.glob("*/user=u000")):
        for n in range(1, 200):
            shutil.copytree(path, path.with_name(f"user=u{n:03d}"), copy_function=shutil.copyfile)
    with serving(tmp_path) as url:
        started = time.monotonic()
        first = _cards(url)
        took = time.monotonic() - started
        assert list(first) == [f"u{n:03d}" for n in range(USERS_A_PAGE)]
        assert took < 5, f"{took:.1f} s"
        assert list(_cards(url, "/?page=10"))[-1] == "u199"
        assert list(_cards(url, "/?page=-1")) == list(first)
        started = time.monotonic()
        _cards(url)
        assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=45), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_ages_are_said_in_the_largest_unit(before: timedelta, said: str) -> None:
    assert ago(NOW - before, NOW) == said


def test_costs_are_said_as_people_write_them() -> None:
    assert cost({}, "2026-03") == "Nothing was paid."
    assert cost({"2026-03": 0.0}, "2026-03") == "Nothing was paid."
    assert cost({"2026-02": 1234.5}, "2026-03") == "Paid in all: US$ 1,234.50; this month: nothing."
    assert cost({"2026-03": 0.002}, "2026-03") == (
        "Paid in all: less than US$ 0.01; this month: less than US$ 0.01."
    )
