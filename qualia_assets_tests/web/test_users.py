"""The list of users: counts, freshness and what restores it, rejections, costs."""

import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qualia_assets.defs.catalogue import stages
from qualia_assets.lake.store import Lake
from qualia_assets.web.pages.users import GROUPS, USERS_PER_PAGE, ago, cost
from qualia_assets_tests.web.conftest import Client, Tab, check_accessible, client_over, opened
from qualia_assets_tests.web.html import text_of
from qualia_assets_tests.web.lakes import ORDER, write, write_user
from qualia_assets_tests.web.running import app_over

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Path:
    """Users of every standing; u-1 is complete."""
    place = tmp_path_factory.mktemp("users")
    shutil.copytree(finished / "lake", place / "lake")
    lake = Lake(place / "lake")
    write_user(lake, "ann", items=24)
    this_month = datetime.now(UTC).strftime("%Y-%m-%d")
    write(lake, "ann", "provider_costs", [_paid("2020-01-02", 1.5), _paid(this_month, 0.25)])
    reasons = ["its picture is gone"] * 3 + ["<b>no text</b>"] * 2 + ["once"]
    write(lake, "ann", "quarantine", [_rejected(n, reason) for n, reason in enumerate(reasons)])
    write_user(lake, "half", tables=ORDER[:6])
    write_user(lake, "half", tables=["artefacts"], seed=1)
    write_user(lake, "new", items=1, tables=["artefacts"])
    write_user(lake, "torn", modalities=["text"])
    lake.path("clusters", "torn").write_bytes(b"no table")
    return place


def _paid(day: str, usd: float) -> dict[str, Any]:
    numbers = dict.fromkeys(("requests", "items", "input_tokens", "output_tokens", "pixels"), 1)
    return {"stage": "annotations", "provider": "anthropic/x", "day": day, "usd": usd, **numbers}


def _rejected(number: int, reason: str) -> dict[str, str]:
    return {"source": "folder", "record": str(number), "reason": reason, "mend": "Fix it."}


@pytest.fixture(scope="module")
def users(place: Path) -> Client:
    return Client(client_over(place))


def _cards(client: Client, path: str = "/") -> dict[str, str]:
    """What is shown of each user."""
    return {
        card.attrib["aria-labelledby"].removeprefix("user-"): text_of(card)
        for card in client.get(path).all("article.person")
    }


def test_the_groups_are_those_of_the_graph() -> None:
    of_a_user = [step for step in stages() if step.per_user and not step.on_demand]
    assert {name for tables in GROUPS.values() for name in tables} == {
        spec.name for step in of_a_user for spec in step.specs
    }
    for name, tables in GROUPS.items():
        made = {spec.name for step in of_a_user if step.group == name for spec in step.specs}
        assert set(tables) == made, name


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("ann", ["posts 12", "pins 12", "clusters 10", "matches 4", "Map Clusters Search Report"]),
        ("ann", ["Costs in total: US$ 1.75; this month: US$ 0.25."]),
        ("ann", ["6 rejected, mostly because its picture is gone (3), <b>no text</b> (2), once (1)."]),
        (
            "new",
            ["post 1", "pins 0", "clusters –", "Not made yet: sources, annotations, embeddings, clusters"],
        ),
        ("half", ["Out of date: annotations, raw_embeddings, annotation_embeddings, neighbours."]),
        ("half", ["A run is in progress or was interrupted; qualia run --user half makes what is missing."]),
        ("half", ["annotations out of date"]),
        (
            "torn",
            ["clusters damaged", "The table clusters cannot be read. qualia run --user torn --from clusters"],
        ),
        ("u-1", ["Up to date, last run", "No costs so far.", "No records were rejected."]),
    ],
)
def test_each_user_is_listed_with(users: Client, user: str, expected: list[str]) -> None:
    cards = _cards(users)
    assert list(cards) == ["ann", "half", "new", "torn", "u-1"]
    assert [said for said in expected if said not in cards[user]] == []
    assert ("Not made yet" in cards[user]) == (user != "u-1")
    assert "Costs" not in cards["new"], "unknown costs are not shown"


def test_a_new_table_is_seen_at_the_next_request(users: Client, place: Path) -> None:
    lake = Lake(place / "lake")
    for items, said in ((4, "posts 2"), (8, "posts 4")):
        write_user(lake, "later", items=items, tables=["artefacts"])
        assert said in _cards(users)["later"]
    shutil.rmtree(lake.folder("artefacts", "later"))
    assert "later" not in _cards(users)


def test_the_page_is_accessible_shows_each_users_own_pictures_and_works_by_keyboard(tab: Tab) -> None:
    page = tab.go("/")
    page.locator("summary").first.click()
    check_accessible(page)
    sources = page.eval_on_selector_all(
        "article img", "all => all.map(i => [i.closest('article').querySelector('h2').innerText, i.src])"
    )
    assert sources
    assert all(f"/u/{user}/thumb/" in source for user, source in sources)
    loaded = page.eval_on_selector_all("article:first-of-type img", "all => all.map(i => i.naturalWidth)")
    assert all(width > 0 for width in loaded)
    first = page.locator("h2 a").first.inner_text()
    tab.go("/")
    for _ in range(3):  # after the skip link and the name of the app
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == first
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/u/{first}/map")


def test_an_empty_lake_says_what_to_do(tmp_path: Path, chromium: Any) -> None:
    with app_over(tmp_path) as (url, _), opened(chromium, url) as tab:
        page = tab.go("/")
        text = page.inner_text("main")
        assert "There are no users yet" in text
        assert "make demo" in text
        assert "qualia import folder PATH --user me" in text
        check_accessible(page)
        assert not (tmp_path / "lake").exists(), "looking makes nothing"


def test_two_hundred_users_are_listed_a_few_at_a_time_and_soon(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write_user(lake, "u000", items=40, tables=ORDER[:3])
    for path in list(lake.root.glob("*/user=u000")):
        for n in range(1, 200):
            shutil.copytree(path, path.with_name(f"user=u{n:03d}"), copy_function=shutil.copyfile)
    client = Client(client_over(tmp_path))
    started = time.monotonic()
    first = _cards(client)
    assert time.monotonic() - started < 5
    assert list(first) == [f"u{n:03d}" for n in range(USERS_PER_PAGE)]
    assert list(_cards(client, "/?page=10"))[-1] == "u199"
    assert list(_cards(client, "/?page=-1")) == list(first)
    started = time.monotonic()
    _cards(client)
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
def test_ages_are_given_in_the_largest_unit(before: timedelta, said: str) -> None:
    assert ago(NOW - before, NOW) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        ({}, "No costs so far."),
        ({"2026-03": 0.0}, "No costs so far."),
        ({"2026-02": 1234.5}, "Costs in total: US$ 1,234.50; this month: nothing."),
        ({"2026-03": 0.002}, "Costs in total: less than US$ 0.01; this month: less than US$ 0.01."),
    ],
)
def test_costs_are_written_as_people_write_them(usd: dict[str, float], said: str) -> None:
    assert cost(usd, "2026-03") == said
