"""The progress of a crawl: rows and cursors are written together or not at all; when to crawl again."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from qualia_assets.state import crawl as crawls
from qualia_assets.state.crawl import Changes, Crawl, Interest, Row, Visit
from qualia_assets.state.database import State

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def crawl(state: State) -> Crawl:
    return Crawl(state, "substack")


def post(key: str, title: str, parent: str = "7") -> Row:
    return Row("post", key, {"title": title}, parent)


def test_rows_are_returned_by_kind_and_parent_sorted_by_key(crawl: Crawl) -> None:
    crawl.account([post("b", "B"), post("a", "A"), post("c", "C", parent="8")])
    assert list(crawl.rows("post")) == ["a", "b", "c"]
    assert crawl.rows("post", ["8"]) == {"c": {"title": "C"}}
    assert crawl.rows("post", []) == {}
    assert crawl.rows("publication") == {}


def test_only_rows_that_changed_are_written(crawl: Crawl) -> None:
    assert crawl.account([post("a", "A"), post("b", "B")]) == Changes(new=2)
    assert crawl.account([post("a", "A"), post("b", "B, edited")]) == Changes(changed=1)
    assert crawl.rows("post")["b"] == {"title": "B, edited"}


def test_a_row_with_a_digest_of_its_own_is_unchanged_as_long_as_that_is(crawl: Crawl) -> None:
    crawl.account([Row("post", "a", {"title": "A", "likes": 1}, sha256="editorial")])
    assert crawl.account([Row("post", "a", {"title": "A", "likes": 2}, sha256="editorial")]) == Changes()
    assert crawl.rows("post")["a"]["likes"] == 1


def test_a_row_that_is_gone_is_returned_only_on_request_and_can_come_back(crawl: Crawl) -> None:
    crawl.account([post("a", "A")])
    crawl.account(gone=[("post", "a")])
    assert crawl.rows("post") == {}
    assert crawl.rows("post", gone=True)["a"]["gone_at"]
    assert crawl.account([post("a", "A")]) == Changes(changed=1)
    assert crawl.rows("post") == {"a": {"title": "A"}}


def test_sources_and_users_have_their_own_rows_and_cursors(state: State, crawl: Crawl) -> None:
    crawl.account([post("a", "A")], {"walk": {"offset": 25}})
    for other in (Crawl(state, "substack", "ann"), Crawl(state, "pinterest")):
        assert other.rows("post") == {}
        assert other.cursor("walk") is None


def test_a_cursor_and_its_rows_are_written_together_or_not_at_all(crawl: Crawl) -> None:
    crawl.account([post("a", "A")], {"walk": {"offset": 1}})
    with pytest.raises(sa.exc.StatementError):
        crawl.account([post("b", "B")], {"walk": {"offset": object()}})
    assert (crawl.cursor("walk"), list(crawl.rows("post"))) == ({"offset": 1}, ["a"])


def test_a_cursor_set_to_none_is_deleted(crawl: Crawl) -> None:
    crawl.account(cursors={"walk": {"offset": 1}, "feed": {"etag": "x"}})
    crawl.account(cursors={"walk": None})
    assert crawl.cursors() == {"feed": {"etag": "x"}}


def test_new_interests_replace_all_former_ones(state: State) -> None:
    state.add_user("ann")
    crawls.set_interests(state, "ann", "substack", [Interest("1", 0), Interest("2", 1, 3)])
    crawls.set_interests(state, "ann", "substack", [Interest("2", 0)])
    assert crawls.interests_of(state, "ann", "substack") == {"2": Interest("2", 0, 1)}


@pytest.mark.parametrize(
    ("visit", "due"),
    [
        (Visit(NOW - 23 * HOUR, "complete", 5), False),
        (Visit(NOW - 24 * HOUR, "complete", 5), True),
        (Visit(NOW, "budget", 500), True),
        (Visit(NOW, "budget", 500, until=NOW + 6 * HOUR), False),
        (Visit(NOW - 2 * HOUR, "deferred", 5, until=NOW), True),
        (Visit(NOW - 216 * HOUR, "deferred", 5, until=NOW + HOUR), False),
        (Visit(NOW - HOUR, "blocked", 1), False),
    ],
)
def test_when_a_source_is_to_be_crawled_again(visit: Visit, due: bool) -> None:
    assert visit.due(24, NOW) is due


def test_the_last_visit_replaces_the_one_before(state: State) -> None:
    visit = Visit(NOW, "deferred", 12, NOW + HOUR, ("Two subscriptions are hidden.",))
    crawls.note_visit(state, "ann", "substack", Visit(NOW, "complete", 1))
    crawls.note_visit(state, "ann", "substack", visit)
    assert crawls.last_visit(state, "ann", "substack") == visit
    assert crawls.last_visit(state, "ann", "pinterest") is None
