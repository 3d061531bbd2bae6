"""How far a crawl is: rows and cursors together or not at all, and when it is time to ask again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from qualia_assets.state.crawl import (
    Changes,
    Crawl,
    Interest,
    Row,
    Visit,
    interests_of,
    last_visit,
    note_visit,
    set_interests,
)
from qualia_assets.state.database import State

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State(f"sqlite:///{tmp_path / 'state.sqlite'}")
    opened.add_user("ann")
    yield opened
    opened.close()


def post(key: str, title: str, parent: str = "7") -> Row:
    return Row("post", key, {"title": title}, parent)


def test_rows_come_back_by_key_and_by_what_they_hang_on(state: State) -> None:
    crawl = Crawl(state, "substack")
    crawl.account([post("b", "B"), post("a", "A"), post("c", "C", parent="8")])

    assert list(crawl.rows("post")) == ["a", "b", "c"]
    assert crawl.rows("post", ["8"]) == {"c": {"title": "C"}}
    assert crawl.rows("post", []) == {}
    assert crawl.rows("publication") == {}


def test_what_did_not_change_is_not_written(state: State) -> None:
    crawl = Crawl(state, "substack")
    first = crawl.account([post("a", "A"), post("b", "B")])
    again = crawl.account([post("a", "A"), post("b", "B, edited")])

    assert (first, again) == (Changes(new=2), Changes(changed=1))
    assert crawl.rows("post")["b"] == {"title": "B, edited"}


def test_a_digest_of_ones_own_decides_what_a_change_is(state: State) -> None:
    crawl = Crawl(state, "substack")
    crawl.account([Row("post", "a", {"title": "A", "likes": 1}, sha256="editorial")])

    assert crawl.account([Row("post", "a", {"title": "A", "likes": 2}, sha256="editorial")]) == Changes()
    assert crawl.rows("post")["a"]["likes"] == 1


def test_a_row_that_is_gone_is_told_only_when_asked_for_and_can_come_back(state: State) -> None:
    crawl = Crawl(state, "pinterest", "ann")
    crawl.account([Row("pin", "1", {"title": "x"})])
    crawl.account(gone=[("pin", "1")])

    assert crawl.rows("pin") == {}
    assert crawl.rows("pin", gone=True)["1"]["gone_at"]
    assert crawl.account([Row("pin", "1", {"title": "x"})]) == Changes(changed=1)
    assert crawl.rows("pin") == {"1": {"title": "x"}}


def test_scopes_and_sources_do_not_see_one_another(state: State) -> None:
    Crawl(state, "substack").account([post("a", "A")], {"walk": {"offset": 25}})

    for other in (Crawl(state, "substack", "ann"), Crawl(state, "pinterest")):
        assert other.rows("post") == {}
        assert other.cursor("walk") is None


def test_a_cursor_moves_with_its_rows_or_not_at_all(state: State) -> None:
    crawl = Crawl(state, "substack")
    crawl.account([post("a", "A")], {"walk": {"offset": 1}})

    with pytest.raises(sa.exc.StatementError):
        crawl.account([post("b", "B")], {"walk": {"offset": object()}})

    assert (crawl.cursor("walk"), list(crawl.rows("post"))) == ({"offset": 1}, ["a"])


def test_a_cursor_can_be_forgotten(state: State) -> None:
    crawl = Crawl(state, "substack")
    crawl.account(cursors={"walk": {"offset": 1}, "feed": {"etag": "x"}})
    crawl.account(cursors={"walk": None})

    assert crawl.cursors() == {"feed": {"etag": "x"}}


def test_interests_are_replaced_whole(state: State) -> None:
    set_interests(state, "ann", "substack", [Interest("1", 0), Interest("2", 1, 3)])
    set_interests(state, "ann", "substack", [Interest("2", 0)])

    assert interests_of(state, "ann", "substack") == {"2": Interest("2", 0, 1)}


@pytest.mark.parametrize(
    ("visit", "due"),
    [
        (Visit(NOW - timedelta(hours=23), "complete", 5), False),
        (Visit(NOW - timedelta(hours=24), "complete", 5), True),
        (Visit(NOW, "budget", 500), True),
        (Visit(NOW, "budget", 500, until=NOW + timedelta(hours=6)), False),
        (Visit(NOW - timedelta(hours=2), "deferred", 5, until=NOW), True),
        (Visit(NOW - timedelta(days=9), "deferred", 5, until=NOW + timedelta(hours=1)), False),
        (Visit(NOW - timedelta(hours=1), "blocked", 1), False),
    ],
)
def test_a_source_is_due_again_when_its_time_has_come(visit: Visit, due: bool) -> None:
    assert visit.due(24, NOW) is due


def test_the_last_visit_is_noted_whole(state: State) -> None:
    visit = Visit(NOW, "deferred", 12, NOW + timedelta(hours=1), ("Two subscriptions are hidden.",))
    note_visit(state, "ann", "substack", Visit(NOW, "complete", 1))
    note_visit(state, "ann", "substack", visit)

    assert last_visit(state, "ann", "substack") == visit
    assert last_visit(state, "ann", "pinterest") is None
