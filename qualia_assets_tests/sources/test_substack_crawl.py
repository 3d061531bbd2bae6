"""The walk through Substack, against a Substack on this machine."""

import contextlib
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qualia_assets.lake.tables import SUBSTACK_POSTS, SUBSTACK_PUBLICATIONS
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import Settings
from qualia_assets.sources.crawling import Report
from qualia_assets.sources.substack.crawl import Seeds, crawl, post_rows, publication_rows
from qualia_assets.state.consent import consent
from qualia_assets.state.crawl import Crawl, interests_of
from qualia_assets.state.database import State
from qualia_assets.state.tables import crawl_rows, interests
from qualia_assets_tests.emulators.substack import (
    BEGAN,
    COOKIE,
    HOME,
    SECRETS,
    SIGNATURE,
    Asked,
    Publication,
    SubstackServer,
    cover_of,
)
from qualia_assets_tests.places import PROJECT_ROOT

AT_ONCE = 1e-9
USER = "ann"
READS = Seeds(handles=("reads",))
Row = dict[str, Any]


@pytest.fixture
def server() -> Iterator[SubstackServer]:
    with SubstackServer() as running:
        yield running


class Place:
    """A state database beside a Substack, and walks for users who have agreed to them."""

    def __init__(self, state: State, server: SubstackServer) -> None:
        self.state, self.server = state, server

    def settings(self, **chosen: Any) -> Settings:
        crawling = {"contact": "me@example.org", "gap": 0, "send_to": {"*": self.server.url}}
        return Settings(crawling=crawling, substack=chosen)

    def walk(
        self,
        seeds: Seeds = READS,
        user: str = USER,
        due: float = AT_ONCE,
        budget: int = 1000,
        **chosen: Any,
    ) -> Report:
        self.state.add_user(user)
        consent(self.state, user, "substack")
        settings = self.settings(**chosen)
        with Client("substack", self.state, settings, budget=budget) as client:
            return crawl(user, seeds, self.state, client, settings.substack, due, silent)

    def rows(self, user: str = USER, **chosen: Any) -> list[Row]:
        """A user's table of posts, which is as its spec says."""
        rows = post_rows(self.state, user, self.settings(**chosen).substack)
        table = SUBSTACK_POSTS.conform(SUBSTACK_POSTS.table(rows))
        assert not SUBSTACK_POSTS.violations(table)
        return rows

    def posts(self, publication: Publication | None = None, **chosen: Any) -> dict[str, Row]:
        """The posts of one publication, the first that there is, by slug."""
        key = str(publication.id if publication else min(self.server.publications))
        rows = [row for row in self.rows(**chosen) if row["publication_id"] == key]
        by_slug = {row["slug"]: row for row in rows}
        assert len(by_slug) == len(rows)
        return by_slug

    def publications(self, user: str = USER, **chosen: Any) -> dict[str, Row]:
        """A user's table of publications by id, which is as its spec says."""
        rows = publication_rows(self.state, user, self.settings(**chosen).substack)
        table = SUBSTACK_PUBLICATIONS.conform(SUBSTACK_PUBLICATIONS.table(rows))
        assert not SUBSTACK_PUBLICATIONS.violations(table)
        return {row["publication_id"]: row for row in rows}

    def stored(self) -> list[tuple[Any, ...]]:
        """Every row of the crawl, with when it was changed."""
        with self.state.engine.connect() as connection:
            return [
                tuple(row) for row in connection.execute(sa.select(crawl_rows).order_by(crawl_rows.c.key))
            ]


@pytest.fixture
def place(state: State, server: SubstackServer) -> Place:
    return Place(state, server)


def pages(server: SubstackServer, publication: Publication, since: int = 0) -> list[str]:
    """The queries of its archive that were asked."""
    return [path for path in server.paths(publication.host, since) if path.startswith("/api/v1/archive")]


def test_without_consent_nothing_is_asked(place: Place) -> None:
    place.server.reader("reads", [place.server.publication("alpha", posts=2)])
    place.state.add_user("bob")
    settings = place.settings()
    with Client("substack", place.state, settings, budget=9) as client:
        report = crawl("bob", READS, place.state, client, settings.substack, 24, silent)

    assert report.status == "blocked"
    assert "has not agreed" in report.notes[0]
    assert place.server.asked == []


def test_a_first_walk_brings_posts_with_their_bodies_and_what_their_publications_recommend(
    place: Place,
) -> None:
    server = place.server
    own, other = server.publication("alpha", posts=3), server.publication("beta", posts=4)
    own.recommends = [other.id]
    server.reader("reads", [own])

    report = place.walk()

    assert (report.status, report.new, report.changed, report.rejects) == ("complete", 7, 0, ())
    publications = place.publications()
    assert {key: (row["hop"], row["pointed_by"], row["posts"]) for key, row in publications.items()} == {
        str(own.id): (0, 0, 3),
        str(other.id): (1, 1, 4),
    }
    post = place.posts()["post-2"]
    assert post["item_id"] == post["post_id"] == str(own.posts[1].id)
    assert post["title"] == "Title of post-2"
    assert post["text"] == "What it is about.\n\nAll of The alpha letter, post-2."
    assert (post["audience"], post["body_status"], post["kind"]) == ("everyone", "full", "newsletter")
    assert (post["author"], post["collection"]) == ("Author of alpha", "The alpha letter")
    assert post["url"] == "https://alpha.substack.com/p/post-2"
    assert post["image_url"] == cover_of("post-2")
    assert post["created_at"] == own.posts[1].date
    assert post["tags"] == ["essays"]


def test_a_second_walk_with_nothing_new_asks_conditionally_and_writes_nothing(place: Place) -> None:
    server = place.server
    own, other = server.publication("alpha", posts=30), server.publication("beta", posts=2)
    own.recommends = [other.id]
    server.reader("reads", [own])
    place.walk()
    before, since = place.stored(), len(server.asked)

    report = place.walk()

    asked = server.answered(since)
    assert [a.url for a in asked] == [
        "substack.com/api/v1/user/reads/public_profile",
        "alpha.substack.com/feed",
        "beta.substack.com/feed",
    ]
    assert all("if-none-match" in a.headers and a.status == 304 for a in asked)
    assert (report.status, report.requests, report.new, report.changed) == ("complete", 3, 0, 0)
    assert place.stored() == before


def test_what_was_asked_a_short_time_ago_is_not_asked_again_whoever_comes(place: Place) -> None:
    server = place.server
    shared, further = server.publication("alpha", posts=3), server.publication("beta", posts=3)
    shared.recommends = [further.id]
    server.reader("reads", [shared])
    server.reader("too", [shared])
    place.walk(due=24)
    since = len(server.asked)

    again = place.walk(due=24)
    second = place.walk(Seeds(handles=("too",)), user="bob", due=24)

    assert again.requests == 0
    assert server.urls(since) == ["substack.com/api/v1/user/too/public_profile"]
    assert second.new == 0
    assert place.rows("bob") == place.rows()


def test_a_new_post_costs_one_request_and_comes_from_the_feed_alone(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=30)
    server.reader("reads", [own])
    place.walk()
    since = len(server.asked)
    server.publish(own, "brand-new")

    report = place.walk()

    assert server.paths(own.host, since) == ["/feed"]
    assert (report.new, report.changed) == (1, 0)
    post = place.posts()["brand-new"]
    assert (post["item_id"], post["post_id"]) == (f"{own.id}-brand-new", None)
    assert (post["audience"], post["body_status"]) == ("unknown", "full")


WALK = """
import sys
from qualia_assets.net.client import Client
from qualia_assets.progress import silent
from qualia_assets.settings import load_settings
from qualia_assets.sources.substack.crawl import Seeds, crawl
from qualia_assets.state.database import State
settings = load_settings()
state = State(settings.state_url)
with Client("substack", state, settings, budget=1000) as client:
    crawl(sys.argv[1], Seeds(handles=("reads",)), state, client, settings.substack, 24, silent)
"""


def test_a_walk_killed_wherever_it_is_asks_for_nothing_twice_and_ends_as_if_it_had_not_been(
    place: Place, tmp_path: Path
) -> None:
    server = place.server
    own, written = server.publication("alpha", posts=60), server.publication("beta", posts=6)
    further = server.publication("gamma", posts=30)
    own.recommends, written.recommends = [further.id, written.id], [own.id, further.id]
    server.publish(own, "paid", audience="only_paid")
    server.reader("reads", [own], writes=[written])
    undisturbed = Place(State(f"sqlite:///{tmp_path}/undisturbed.sqlite"), server)
    undisturbed.walk(posts=30, due=24)
    expected, asked = undisturbed.rows(posts=30), sorted(server.urls())
    server.asked.clear()
    place.state.add_user(USER)
    consent(place.state, USER, "substack")
    environment = os.environ | {
        "QUALIA_CRAWLING": f'{{"contact": "me@example.org", "gap": 0, "send_to": {{"*": "{server.url}"}}}}',
        "QUALIA_SUBSTACK__POSTS": "30",
    }

    def started() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WALK, USER]
        return subprocess.Popen(command, env=environment, cwd=PROJECT_ROOT, stderr=subprocess.PIPE)

    # Amid the archive; at the first of the bodies; where more is recommended.
    for left_unanswered in (4, 4, 12):
        server.stall_at = len(server.asked) + left_unanswered
        process = started()
        while len(server.asked) <= server.stall_at and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode == -9, errors.decode()
        assert place.rows(posts=30) != expected
    server.stall_at = None
    process = started()
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors.decode()
    assert sorted(server.urls()) == asked
    assert max(server.counts().values()) == 1
    assert place.rows(posts=30) == expected
    assert {k: {**row, "checked_at": None} for k, row in place.publications(posts=30).items()} == {
        k: {**row, "checked_at": None} for k, row in undisturbed.publications(posts=30).items()
    }


def test_a_walk_that_ends_after_each_thing_it_writes_asks_for_nothing_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = place.server
    own, further = server.publication("alpha", posts=26), server.publication("beta", posts=2)
    own.recommends = [further.id]
    server.reader("reads", [own])
    listed = server.publication("gamma", posts=3, custom_domain="gamma.example")
    seeds = Seeds(("reads",), ("https://gamma.substack.com",))
    account = Crawl.account

    class Ended(BaseException):
        pass

    def account_and_end(crawl: Crawl, rows: Any = (), cursors: Any = None, gone: Any = ()) -> Any:
        rows, gone = list(rows), list(gone)
        changes = account(crawl, rows, cursors, gone)
        if crawl.source == "substack" and (rows or cursors or gone):
            raise Ended
        return changes

    monkeypatch.setattr(Crawl, "account", account_and_end)
    runs = 0
    while runs < 100:
        runs += 1
        with contextlib.suppress(Ended):
            place.walk(seeds, due=24, posts=26)
            break

    assert 20 < runs < 40
    assert set(server.counts().values()) == {1}
    assert len(place.rows(posts=26)) == 31
    assert place.publications(posts=26)[str(listed.id)]["url"] == "https://gamma.example"
    assert {row["body_status"] for row in place.rows(posts=26)} == {"full"}


def test_a_post_published_while_the_archive_is_paged_is_there_and_none_is_lost_or_doubled(
    place: Place,
) -> None:
    server = place.server
    own = server.publication("alpha", posts=70)
    server.reader("reads", [own])

    def publish(asked: Asked) -> None:
        if "offset=25" in asked.query:
            server.publish(own, "amid")

    server.on_request = publish
    place.walk(posts=100)

    assert place.posts(posts=100).keys() == {post.slug for post in own.posts}
    assert "amid" in place.posts(posts=100)


def test_a_page_of_23_where_25_were_asked_for_is_not_the_end(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=60)
    server.reader("reads", [own])
    server.short_pages = [23, 1]

    place.walk(posts=200)

    offsets = [int(re.findall(r"offset=(\d+)", page)[0]) for page in pages(server, own)]
    assert offsets == [0, 23, 24, 49, 60]
    assert len(place.posts(posts=200)) == 60


def test_an_archive_that_sends_the_same_page_for_every_offset_ends(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=10)
    server.reader("reads", [own])
    server.ignores_offset = True

    place.walk(posts=100)

    assert len(pages(server, own)) == 2
    assert len(place.posts(posts=100)) == 10


def test_no_more_pages_are_asked_than_posts_are_wanted_and_more_later_where_more_are(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=90)
    server.reader("reads", [own])

    place.walk(posts=20)
    assert len(pages(server, own)) == 1
    for number in range(3):
        server.publish(own, f"newer-{number}")
    place.walk(posts=20)
    assert len(pages(server, own)) == 1
    place.walk(posts=80)

    assert len(place.posts(posts=80)) >= 80
    newest = {post.slug for post in own.newest[:80]}
    assert newest <= place.posts(posts=80).keys()


def test_more_new_posts_than_a_feed_holds_are_filled_in_from_the_archive(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=30)
    server.reader("reads", [own])
    place.walk()
    since = len(server.asked)
    for number in range(57):
        server.publish(own, f"new-{number}")

    report = place.walk()

    posts = place.posts()
    assert report.new == 57
    assert {f"new-{number}" for number in range(57)} <= posts.keys()
    assert len(pages(server, own, since)) == 3
    # The newest that the feed does not reach are asked for; as many as are wanted have bodies.
    assert all(posts[f"new-{number}"]["body_status"] == "full" for number in range(37, 57))
    since = len(server.asked)
    place.walk()
    assert server.paths(own.host, since) == ["/feed"]


def test_a_gap_that_is_not_filled_when_a_run_ends_is_filled_by_the_next(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=30)
    server.reader("reads", [own])
    place.walk()
    for number in range(90):
        server.publish(own, f"new-{number}")

    # The profile, the feed, and one page.
    first = place.walk(budget=3)
    since = len(server.asked)
    second = place.walk(due=24)

    assert first.status == "budget"
    assert second.status == "complete"
    assert "/feed" not in server.paths(own.host, since)
    assert "offset=25" in pages(server, own, since)[0]
    assert {post.slug for post in own.newest[:90]} <= place.posts().keys()


def test_a_budget_that_is_spent_again_and_again_still_gets_round_and_asks_for_nothing_twice(
    place: Place,
) -> None:
    server = place.server
    own = [server.publication(f"letter{number}", posts=2) for number in range(4)]
    server.reader("reads", own)
    statuses = []
    while "complete" not in statuses:
        report = place.walk(due=24, budget=7)
        assert report.requests <= 7
        assert report.goes_on == (report.status == "budget")
        statuses.append(report.status)

    assert len(statuses) > 2
    assert len(place.rows()) == 8
    assert set(server.counts().values()) == {1}


def test_a_publication_that_refuses_leaves_the_others_alone_and_is_asked_again_when_due(place: Place) -> None:
    server = place.server
    refusing, fine = server.publication("alpha", posts=2), server.publication("beta", posts=2)
    server.reader("reads", [refusing, fine])
    server.challenge(refusing.host)

    report = place.walk(due=24)
    place.walk(due=24)

    assert report.status == "complete"
    assert any("export" in note for note in report.notes)
    publications = place.publications()
    assert [publications[str(p.id)]["status"] for p in (refusing, fine)] == ["blocked", "ok"]
    assert len(server.paths(refusing.host)) == 1
    server.faults.clear()
    place.walk()
    assert place.publications()[str(refusing.id)]["status"] == "ok"


def test_a_user_whose_profile_is_refused_is_told_and_other_users_are_left_alone(place: Place) -> None:
    server = place.server
    server.reader("reads", [server.publication("alpha", posts=2)])
    server.reader("refused", [])
    server.challenge(HOME, "/api/v1/user/refused")

    refused = place.walk(Seeds(handles=("refused",)), user="bob")
    fine = place.walk()

    assert (refused.status, refused.requests) == ("blocked", 2)
    assert "export" in " ".join(refused.notes)
    assert (fine.status, fine.new) == ("complete", 2)


@pytest.mark.parametrize("path", ["/feed", "/api/v1/archive", "/api/v1/recommendations", "/api/v1/posts"])
def test_a_refusal_that_says_it_is_an_answer_is_never_stored_and_leaves_the_others_alone(
    place: Place, path: str
) -> None:
    server = place.server
    poisoned, fine = server.publication("alpha", posts=25), server.publication("beta", posts=2)
    server.reader("reads", [poisoned, fine])
    server.poison(poisoned.host, path)

    report = place.walk(posts=25)

    assert report.status == "complete"
    assert any("a refusal came as if it were the answer" in note for note in report.notes)
    assert b"Too many requests" not in b"".join(str(row).encode() for row in place.stored())
    assert place.publications(posts=25)[str(fine.id)]["posts"] == 2
    server.faults.clear()
    place.walk(posts=25, due=24)
    assert [row["body_status"] for row in place.rows(posts=25)] == ["full"] * 27


def test_being_told_to_wait_for_long_ends_the_walk_and_what_came_is_kept(place: Place) -> None:
    server = place.server
    first, second = server.publication("alpha", posts=2), server.publication("beta", posts=2)
    server.reader("reads", [first, second])
    server.too_many("3600", second.host)

    report = place.walk()

    assert report.status == "deferred"
    assert report.until is not None
    assert place.publications()[str(first.id)]["posts"] == 2
    assert place.publications()[str(second.id)]["status"] == "waiting"


def test_of_a_paid_post_only_what_is_public_is_kept_and_no_more_is_tried(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=1)
    server.publish(own, "paid", audience="only_paid", html="<p>Behind the wall.</p>")
    server.publish(own, "for-founders", audience="founding", preview="", html="<p>Behind the wall.</p>")
    for number in range(20):
        server.publish(own, f"later-{number}")
    server.publish(own, "paid-and-new", audience="only_paid", html="<p>Behind the wall.</p>")
    server.reader("reads", [own])

    place.walk(posts=25)
    server.publish(own, "paid-by-feed", audience="only_paid", html="<p>Behind the wall.</p>")
    place.walk(posts=25)

    posts = place.posts(posts=25)
    told = {slug: (row["audience"], row["body_status"]) for slug, row in posts.items()}
    assert told["paid"] == ("only_paid", "none")  # older than the feed
    assert told["for-founders"] == ("founding", "none")
    assert told["paid-and-new"] == ("only_paid", "preview")
    assert told["paid-by-feed"] == ("unknown", "preview")
    assert told["later-0"] == ("everyone", "full")
    assert posts["paid-and-new"]["text"] == "What it is about.\n\nThe beginning."
    assert "Behind the wall" not in str(place.stored())
    slugs = [path for path in server.paths(own.host) if path.startswith("/api/v1/posts/")]
    assert slugs == ["/api/v1/posts/later-0", "/api/v1/posts/post-1"]


def test_a_post_that_goes_behind_the_paywall_leaves_only_its_preview(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=2)
    server.reader("reads", [own])
    place.walk()
    own.posts[0].audience = "only_paid"

    report = place.walk()

    post = place.posts()["post-1"]
    assert report.changed == 1
    assert (post["body_status"], post["text"]) == ("preview", "What it is about.\n\nThe beginning.")
    assert "All of The alpha letter, post-1" not in str(place.stored())


def test_a_renamed_handle_is_the_same_person(place: Place) -> None:
    server = place.server
    reader = server.reader("reads", [server.publication("alpha", posts=2)])
    place.walk()
    before = interests_of(place.state, USER, "substack")
    server.rename(reader, "reads-anew")

    by_old = place.walk()
    by_new = place.walk(Seeds(handles=("reads-anew",)))

    assert (by_old.new, by_new.new) == (0, 0)
    assert interests_of(place.state, USER, "substack") == before
    profiles = Crawl(place.state, "substack", USER).rows("profile")
    assert [(key, row["handle"]) for key, row in profiles.items()] == [(str(reader.id), "reads-anew")]


def test_a_publication_that_moved_to_a_domain_of_its_own_is_the_same_and_is_asked_there(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=3)
    server.reader("reads", [own])
    place.walk()
    before = place.posts()
    server.move(own, "letters.example")
    server.publish(own, "after")

    # The profile is not due: only a redirect tells.
    server.readers[0].sent = {"subscriptions": ...}
    moved = place.walk()
    since = len(server.asked)
    place.walk()

    assert moved.new == 1
    assert server.paths("alpha.substack.com", since) == []
    assert server.paths("letters.example", since) == ["/feed"]
    publications = place.publications()
    assert list(publications) == [str(own.id)]
    assert publications[str(own.id)]["url"] == "https://letters.example"
    after = place.posts()
    assert {slug: after[slug]["item_id"] for slug in before} == {s: p["item_id"] for s, p in before.items()}
    assert after["post-1"]["url"] == "https://letters.example/p/post-1"


def test_a_publication_whose_domain_has_nothing_is_asked_at_substack(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=2)
    own.sent = {"custom_domain": "given-up.example"}
    server.reader("reads", [own])

    place.walk()
    since = len(server.asked)
    place.walk()

    assert len(place.posts()) == 2
    assert server.paths("given-up.example", since) == []
    assert place.publications()[str(own.id)]["url"] == "https://alpha.substack.com"


def test_a_publication_whose_domain_now_belongs_to_another_takes_nothing_from_there(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=2)
    stranger = server.publication("stranger", posts=2, custom_domain="stranger.example")
    server.reader("reads", [own])
    place.walk()
    # The address leads to the stranger's now, and the profile has not heard of it.
    server.readers[0].sent = {"subscriptions": ...}
    del server.publications[own.id]
    stranger.former.add("alpha.substack.com")

    report = place.walk()

    assert any("another publication is there now" in note for note in report.notes)
    assert place.publications()[str(own.id)]["status"] == "gone"
    assert {row["collection"] for row in place.rows()} == {"The alpha letter"}


def test_an_address_in_a_list_becomes_the_publication_that_is_there(place: Place) -> None:
    server = place.server
    moved = server.publication("alpha", posts=30, custom_domain="letters.example")
    empty = server.publication("empty")
    seeds = Seeds(publications=("https://alpha.substack.com", "https://empty.substack.com"))

    report = place.walk(seeds, due=24)
    place.walk(seeds, due=24)

    publications = place.publications()
    assert list(publications) == [str(moved.id)]
    assert publications[str(moved.id)]["name"] == "The alpha letter"
    assert publications[str(moved.id)]["url"] == "https://letters.example"
    assert len(place.posts(moved)) == 25
    assert set(server.counts().values()) == {1}
    assert any(f"https://{empty.host}" in note for note in report.notes)


def test_recommendations_that_go_in_circles_and_fan_out_stay_within_the_caps(place: Place) -> None:
    server = place.server
    own = [server.publication(f"own{number}") for number in range(50)]
    further = [server.publication(f"further{number}") for number in range(60)]
    for place_of, publication in enumerate(own):
        # Each recommends up to 50, itself and another of the user's among them. The last nine all do.
        publication.recommends = [publication.id, own[place_of - 1].id]
        publication.recommends += [p.id for p in further[::-1][: 48 - place_of % 40]]
    for publication in further:
        publication.recommends = [p.id for p in further]
    server.reader("reads", own)

    report = place.walk(publications=5, posts=1)

    assert report.status == "complete"
    wanted = interests_of(place.state, USER, "substack").values()
    assert [interest.parent for interest in wanted if interest.hop == 1] == [
        str(p.id) for p in further[51:56]
    ]
    assert {interest.pointed_by for interest in wanted if interest.hop == 1} == {50}
    asked = {url.split("/")[0] for url in server.urls()}
    assert asked == {HOME, *(p.host for p in own), *(p.host for p in further[51:56])}
    assert not any("/recommendations/" in path for p in further for path in server.paths(p.host))
    assert len(place.publications(publications=5, posts=1)) == 55


@pytest.mark.parametrize(
    ("hides", "truncated", "said"), [(True, False, "hides some"), (False, True, "lists only some")]
)
def test_that_a_profile_does_not_tell_all_subscriptions_is_said(
    place: Place, hides: bool, truncated: bool, said: str
) -> None:
    place.server.reader("reads", [place.server.publication("a", posts=1)], hides=hides, truncated=truncated)

    first, second = place.walk(due=24), place.walk(due=24)

    assert said in " ".join(first.notes)
    assert said in " ".join(second.notes)


def test_a_profile_that_tells_all_says_nothing(place: Place) -> None:
    place.server.reader("reads", [place.server.publication("alpha", posts=1)])

    assert place.walk().notes == ()


def test_an_edit_changes_the_hash_of_what_was_written_and_a_like_does_not(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=3)
    server.reader("reads", [own])
    place.walk()
    before, rows = place.posts(), place.stored()
    server.like(own)

    liked = place.walk()
    assert (liked.new, liked.changed) == (0, 0)
    assert place.stored() == rows

    own.posts[1].html = "<p>Said better.</p>"
    own.posts[2].title = "A better title"
    edited = place.walk()

    after = place.posts()
    assert (edited.new, edited.changed) == (0, 2)
    changed = {slug for slug in after if after[slug]["editorial_sha256"] != before[slug]["editorial_sha256"]}
    assert changed == {"post-2", "post-3"}
    assert after["post-2"]["text"] == "What it is about.\n\nSaid better."
    assert after["post-3"]["title"] == "A better title"
    assert {row["item_id"] for row in after.values()} == {row["item_id"] for row in before.values()}


def test_likes_that_change_every_answer_of_the_archive_change_no_row(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=30)
    server.reader("reads", [own])
    place.walk(posts=25)
    rows = place.stored()
    server.like(own)

    # More are wanted: the archive is read again, with every like in it.
    place.walk(posts=26)

    assert [row for row in place.stored() if row in rows] == rows


def test_secrets_that_are_sent_are_found_nowhere(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = place.server
    own, other = server.publication("alpha", posts=30), server.publication("beta", posts=1)
    own.recommends = [other.id]
    server.reader("reads", [own])
    # What cannot be read must not be told, either.
    own.posts[-1].sent = {"audience": {"nested": SECRETS["stripe_user_id"]}}
    other.posts[-1].sent = {"slug": f"../{SECRETS['podcast_rss_token']}"}
    with caplog.at_level(logging.DEBUG):
        report = place.walk(posts=30)

    assert len(report.rejects) == 2
    place.state.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
    told = caplog.text + repr(report) + repr(report.rejects)
    assert b"post-7" in kept
    for secret in (*SECRETS.values(), COOKIE, SIGNATURE):
        assert secret.encode() not in kept
        assert secret not in told
    assert "offset=" not in caplog.text


def test_unknown_words_are_kept_as_other_and_counted_and_what_lacks_a_field_is_put_aside(
    place: Place,
) -> None:
    server = place.server
    own = server.publication("alpha", posts=5)
    server.reader("reads", [own])
    own.posts[0].sent = {"audience": "only_moon", "type": "hologram"}
    own.posts[1].sent = {"type": "hologram"}
    own.posts[2].sent = {"audience": ...}
    own.posts[3].sent = {"title": ["a", "list"]}

    report = place.walk()

    posts = place.posts()
    assert (posts["post-1"]["audience"], posts["post-1"]["kind"]) == ("other", "other")
    assert posts["post-2"]["kind"] == "other"
    assert "1 values of audience are new" in " ".join(report.notes)
    assert "2 values of type are new" in " ".join(report.notes)
    reasons = sorted(reject.reason for reject in report.rejects)
    assert [reason.split(":")[0] for reason in reasons] == ["audience", "title"]
    assert len({reject.record for reject in report.rejects}) == 2
    # The feed tells of them, without what could not be read.
    assert posts["post-3"]["audience"] == "unknown"


def test_an_archive_of_which_nothing_can_be_read_is_read_again_when_it_can(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=3)
    server.reader("reads", [own])
    for post in own.posts:
        post.sent = {"slug": ..., "name": post.slug}

    drifted = place.walk(due=24)
    for post in own.posts:
        post.sent = {}
    mended = place.walk(due=24)

    assert len(drifted.rejects) == 3
    assert drifted.new == 0
    assert mended.new == 3


def test_a_publication_in_a_profile_that_cannot_be_read_is_put_aside_until_it_can(place: Place) -> None:
    server = place.server
    strange, fine = server.publication("alpha", posts=1), server.publication("beta", posts=1)
    server.reader("reads", [strange, fine])
    strange.sent = {"custom_domain": "127.0.0.1"}

    for _ in range(2):
        drifted = place.walk()
        assert [reject.reason.split(":")[0] for reject in drifted.rejects] == ["custom_domain"]
    assert list(place.publications()) == [str(fine.id)]
    strange.sent = {}
    place.walk()
    assert len(place.publications()) == 2


def test_a_publication_that_declines_crawlers_of_ai_is_left_alone_until_it_no_longer_does(
    place: Place,
) -> None:
    server = place.server
    declining, fine = server.publication("alpha", posts=60), server.publication("beta", posts=1)
    server.reader("reads", [declining, fine])
    declining.declines = True

    place.walk(posts=60)

    row = place.publications(posts=60)[str(declining.id)]
    assert (row["status"], row["posts"]) == ("declined", 0)
    # One page, from which it is known whom to ask whether it declines.
    assert len(server.paths(declining.host)) == 1
    assert "Title of post-60" not in str(place.stored())
    declining.sent = {"block_ai_crawlers": False}
    place.walk(posts=60)
    row = place.publications(posts=60)[str(declining.id)]
    assert (row["status"], row["posts"]) == ("ok", 60)


def test_posts_are_removed_once_a_publication_says_that_it_declines(place: Place) -> None:
    server = place.server
    own, further = server.publication("alpha", posts=3), server.publication("beta", posts=3)
    own.recommends = [further.id]
    server.reader("reads", [own])
    place.walk()
    ids = {row["item_id"] for row in place.rows()}
    own.sent = {"block_ai_crawlers": True}
    since = len(server.asked)

    report = place.walk()

    assert "declines" in " ".join(report.notes)
    assert server.paths(own.host, since) == []
    assert {row["publication_id"] for row in place.rows()} == {str(further.id)}
    assert "All of The alpha letter" not in str(place.stored())
    own.sent = {"block_ai_crawlers": False}
    place.walk()
    assert {row["item_id"] for row in place.rows()} == ids


def test_a_post_with_a_new_slug_is_the_same_post_where_the_archive_tells(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=5)
    server.reader("reads", [own])
    place.walk()
    before = place.posts()["post-5"]
    own.posts[4].slug = "renamed"
    for number in range(22):
        server.publish(own, f"new-{number}")

    place.walk()

    after = place.posts()
    assert "post-5" not in after
    assert (after["renamed"]["item_id"], after["renamed"]["text"]) == (before["item_id"], before["text"])
    assert len(after) == 27


def test_a_post_that_is_gone_when_its_body_is_asked_for_goes(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=25)
    server.reader("reads", [own])

    def delete(asked: Asked) -> None:
        own.posts = [p for p in own.posts if asked.path != f"/api/v1/posts/{p.slug}" or p.slug != "post-2"]

    server.on_request = delete
    place.walk(posts=25)

    assert place.posts(posts=25).keys() == {f"post-{number}" for number in range(1, 26)} - {"post-2"}


def test_two_publications_that_claim_one_id_have_two_items(place: Place) -> None:
    server = place.server
    first, second = server.publication("alpha", posts=1), server.publication("beta", posts=1)
    server.reader("reads", [first, second])
    second.posts[0].sent = {"id": first.posts[0].id}

    place.walk()

    assert {row["item_id"] for row in place.rows()} == {str(first.posts[0].id), f"{second.id}-post-1"}


def test_of_recommended_publications_only_the_newest_posts_count(place: Place) -> None:
    server = place.server
    own, further = server.publication("alpha", posts=9), server.publication("beta", posts=9)
    own.recommends = [further.id]
    server.reader("reads", [own])

    place.walk(posts=4)

    rows = place.rows(posts=4)
    assert sum(row["hop"] == 0 for row in rows) == 9
    newest = [row["slug"] for row in rows if row["hop"] == 1]
    assert newest == ["post-9", "post-8", "post-7", "post-6"]


def test_what_a_user_no_longer_reads_is_no_longer_theirs(place: Place) -> None:
    server = place.server
    stays, goes = server.publication("alpha", posts=1), server.publication("beta", posts=1)
    reader = server.reader("reads", [stays, goes])
    place.walk()
    reader.reads.remove(goes.id)

    place.walk()

    assert list(place.publications()) == [str(stays.id)]
    with place.state.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(interests)) == 1


HOSTILE = [
    "../../feed",
    "a/../../b",
    "x?y=z",
    "x#y",
    "..",
    "%2e%2e",
    "a%2fb",
    "a\n",
    "ＡＢ",
    "",
    " ",
    "a" * 300,
    "\ud800",
]


def test_hostile_handles_are_not_asked_for(place: Place) -> None:
    report = place.walk(Seeds(handles=tuple(HOSTILE)))

    assert place.server.asked == []
    assert "signs that no handle has" in " ".join(report.notes)


def test_posts_with_hostile_slugs_are_put_aside_and_not_asked_for(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=len(HOSTILE) + 2)
    server.reader("reads", [own])
    for post, slug in zip(own.posts, HOSTILE, strict=False):
        post.sent = {"slug": slug}
        post.slug = f"../{post.slug}"

    report = place.walk()

    assert place.posts().keys() == {post.slug for post in own.posts[-2:]}
    assert sum("/api/v1/archive#" in reject.record for reject in report.rejects) == len(HOSTILE)
    assert [path.partition("?")[0] for path in server.paths(own.host)] == [
        "/api/v1/archive",
        "/api/v1/archive",
        "/feed",
        f"/api/v1/recommendations/from/{own.id}",
    ]
    assert not any(slug in repr(report.rejects) for slug in HOSTILE if len(slug) > 2)


def test_publications_with_hostile_names_of_hosts_are_put_aside(place: Place) -> None:
    server = place.server
    hosts = [
        "127.0.0.1",
        "localhost",
        "a.example:8080",
        "me@a.example",
        "a.example/../x",
        "[::1]",
        "2130706433",
    ]
    own = [server.publication(f"letter{number}") for number in range(len(hosts) + 2)]
    for publication, host in zip(own, hosts, strict=False):
        publication.sent = {"custom_domain": host}
    own[-2].sent = {"custom_domain": None, "subdomain": "a.b/c"}
    server.reader("reads", own)

    report = place.walk()

    assert {url.split("/")[0] for url in server.urls()} == {HOME, own[-1].host}
    assert len(report.rejects) == len(hosts) + 1


def test_dates_are_in_utc(place: Place) -> None:
    server = place.server
    own = server.publication("alpha", posts=1)
    server.reader("reads", [own])
    own.posts[0].sent = {"post_date": "2026-01-02T05:00:00+05:00"}

    place.walk()

    assert place.posts()["post-1"]["created_at"] == BEGAN + timedelta(days=1)
