"""The crawl of Substack, against a Substack on this machine."""

import contextlib
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
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


class Place:
    """A state database beside a Substack, and crawls for users who have agreed to them."""

    def __init__(self, state: State, server: SubstackServer) -> None:
        self.state, self.server = state, server
        self.posts_wanted = 20

    def read(self, **posts: int) -> list[Publication]:
        """New publications of so many posts, which the user reads."""
        made = [self.server.publication(name, count) for name, count in posts.items()]
        self.server.reader("reads", made)
        return made

    def settings(self, **chosen: Any) -> Settings:
        crawling = {"contact": "me@example.org", "gap": 0, "send_to": {"*": self.server.url}}
        return Settings(crawling=crawling, substack={"posts": self.posts_wanted, **chosen})

    def crawl(
        self,
        seeds: Seeds = READS,
        user: str = USER,
        due: float = AT_ONCE,
        budget: int = 1000,
        agrees: bool = True,
        **chosen: Any,
    ) -> Report:
        self.state.add_user(user)
        if agrees:
            consent(self.state, user, "substack")
        settings = self.settings(**chosen)
        with Client("substack", self.state, settings, budget=budget) as client:
            return crawl(user, seeds, self.state, client, settings.substack, due, silent)

    def again(self, **options: Any) -> tuple[Report, list[str]]:
        """Crawl, and say what was requested meanwhile."""
        since = len(self.server.asked)
        return self.crawl(**options), self.server.urls(since)

    def rows(self, user: str = USER) -> list[Row]:
        """A user's posts, as the table holds them."""
        rows = post_rows(self.state, user, self.settings().substack)
        assert not SUBSTACK_POSTS.violations(SUBSTACK_POSTS.conform(SUBSTACK_POSTS.table(rows)))
        return rows

    def posts(self, publication: Publication | None = None) -> dict[str, Row]:
        """The posts of one publication, by default the first there is, by slug."""
        key = str(publication.id if publication else min(self.server.publications))
        rows = [row for row in self.rows() if row["publication_id"] == key]
        by_slug = {row["slug"]: row for row in rows}
        assert len(by_slug) == len(rows)
        return by_slug

    def publications(self, user: str = USER, **chosen: Any) -> dict[str, Row]:
        """A user's publications by id, as the table holds them."""
        rows = publication_rows(self.state, user, self.settings(**chosen).substack)
        table = SUBSTACK_PUBLICATIONS.conform(SUBSTACK_PUBLICATIONS.table(rows))
        assert not SUBSTACK_PUBLICATIONS.violations(table)
        return {row["publication_id"]: row for row in rows}

    def status(self, publication: Publication) -> str:
        return str(self.publications()[str(publication.id)]["status"])

    def stored(self) -> list[tuple[Any, ...]]:
        """Every row of the crawl, with when it was changed."""
        query = sa.select(crawl_rows).order_by(crawl_rows.c.key)
        with self.state.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]


@pytest.fixture
def place(state: State) -> Iterator[Place]:
    with SubstackServer() as server:
        yield Place(state, server)


def pages(server: SubstackServer, publication: Publication, since: int = 0) -> list[int]:
    """The offsets at which its archive was requested."""
    paths = server.paths(publication.host, since)
    return [int(offset) for path in paths for offset in re.findall(r"^/api/v1/archive.*offset=(\d+)", path)]


def slugs(*numbers: int) -> set[str]:
    return {f"post-{number}" for number in range(*numbers)}


# What is crawled


def test_without_consent_nothing_is_requested(place: Place) -> None:
    place.read(alpha=2)
    report = place.crawl(agrees=False)
    assert report.status == "blocked"
    assert "has not agreed" in report.notes[0]
    assert place.server.asked == []


def test_a_first_crawl_brings_posts_with_bodies_and_what_their_publications_recommend(place: Place) -> None:
    (own,), other = place.read(alpha=3), place.server.publication("beta", posts=4)
    own.recommends = [other.id]
    own.posts[0].sent = {"post_date": "2026-01-02T05:00:00+05:00"}
    report = place.crawl()

    assert (report.status, report.new, report.changed, report.rejects) == ("complete", 7, 0, ())
    found = {key: (row["hop"], row["pointed_by"], row["posts"]) for key, row in place.publications().items()}
    assert found == {str(own.id): (0, 0, 3), str(other.id): (1, 1, 4)}
    post = place.posts()["post-2"]
    assert post["item_id"] == post["post_id"] == str(own.posts[1].id)
    assert post["title"] == "Title of post-2"
    assert post["text"] == "What it is about.\n\nAll of The alpha letter, post-2."
    assert (post["audience"], post["body_status"], post["kind"]) == ("everyone", "full", "newsletter")
    assert (post["author"], post["collection"]) == ("Author of alpha", "The alpha letter")
    assert (post["url"], post["image_url"]) == ("https://alpha.substack.com/p/post-2", cover_of("post-2"))
    assert (post["created_at"], post["tags"]) == (own.posts[1].date, ["essays"])
    assert place.posts()["post-1"]["created_at"] == BEGAN + timedelta(days=1), "dates are in UTC"


def test_a_second_crawl_with_nothing_new_requests_conditionally_and_writes_nothing(place: Place) -> None:
    (own,), other = place.read(alpha=30), place.server.publication("beta", posts=2)
    own.recommends = [other.id]
    place.crawl()
    before, since = place.stored(), len(place.server.asked)
    report, urls = place.again()

    assert urls == [
        "substack.com/api/v1/user/reads/public_profile",
        "alpha.substack.com/feed",
        "beta.substack.com/feed",
    ]
    asked = place.server.answered(since)
    assert all("if-none-match" in a.headers and a.status == 304 for a in asked)
    assert (report.status, report.requests, report.new, report.changed) == ("complete", 3, 0, 0)
    assert place.stored() == before


def test_what_was_requested_recently_is_not_requested_again_for_anybody(place: Place) -> None:
    (shared,), further = place.read(alpha=3), place.server.publication("beta", posts=3)
    shared.recommends = [further.id]
    place.server.reader("too", [shared])
    place.crawl(due=24)
    again, urls = place.again(due=24)
    assert (again.requests, urls) == (0, [])
    second, urls = place.again(seeds=Seeds(handles=("too",)), user="bob", due=24)
    assert (second.new, urls) == (0, ["substack.com/api/v1/user/too/public_profile"])
    assert place.rows("bob") == place.rows()


def test_a_new_post_costs_one_request_and_comes_from_the_feed_alone(place: Place) -> None:
    (own,) = place.read(alpha=30)
    place.crawl()
    place.server.publish(own, "brand-new")
    report, urls = place.again()

    assert urls[1:] == [f"{own.host}/feed"]
    assert (report.new, report.changed) == (1, 0)
    post = place.posts()["brand-new"]
    assert (post["item_id"], post["post_id"]) == (f"{own.id}-brand-new", None)
    assert (post["audience"], post["body_status"]) == ("unknown", "full")


def test_only_the_newest_posts_of_recommended_publications_count(place: Place) -> None:
    (own,), further = place.read(alpha=9), place.server.publication("beta", posts=9)
    own.recommends = [further.id]
    place.posts_wanted = 4
    place.crawl()
    rows = place.rows()
    assert sum(row["hop"] == 0 for row in rows) == 9
    assert [row["slug"] for row in rows if row["hop"] == 1] == ["post-9", "post-8", "post-7", "post-6"]


def test_what_a_user_no_longer_reads_is_no_longer_theirs(place: Place) -> None:
    stays, goes = place.read(alpha=1, beta=1)
    place.crawl()
    place.server.readers[0].reads.remove(goes.id)
    place.crawl()
    assert list(place.publications()) == [str(stays.id)]
    with place.state.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(interests)) == 1


def test_recommendations_that_fan_out_in_circles_stay_within_the_caps(place: Place) -> None:
    own = place.read(**{f"own{number}": 0 for number in range(50)})
    further = [place.server.publication(f"further{number}") for number in range(60)]
    for index, publication in enumerate(own):
        # Each recommends up to 50, itself and another of the user's among them. The last nine all do.
        publication.recommends = [publication.id, own[index - 1].id]
        publication.recommends += [p.id for p in further[::-1][: 48 - index % 40]]
    for publication in further:
        publication.recommends = [p.id for p in further]
    report = place.crawl(publications=5, posts=1)

    assert report.status == "complete"
    wanted = [i for i in interests_of(place.state, USER, "substack").values() if i.hop == 1]
    assert [interest.parent for interest in wanted] == [str(p.id) for p in further[51:56]]
    assert {interest.pointed_by for interest in wanted} == {50}
    hosts = {url.split("/")[0] for url in place.server.urls()}
    assert hosts == {HOME, *(p.host for p in own), *(p.host for p in further[51:56])}
    assert not any("/recommendations/" in path for p in further for path in place.server.paths(p.host))
    assert len(place.publications(publications=5, posts=1)) == 55


@pytest.mark.parametrize(
    ("profile", "note"),
    [({"hides": True}, "hides some"), ({"truncated": True}, "lists only some"), ({}, None)],
)
def test_a_note_says_where_a_profile_does_not_list_all_subscriptions(
    place: Place, profile: dict[str, bool], note: str | None
) -> None:
    place.server.reader("reads", [place.server.publication("alpha", posts=1)], **profile)
    for _ in range(2):
        notes = place.crawl(due=24).notes
        assert note in " ".join(notes) if note else notes == ()


# Crashes

CRAWL = """
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


def test_a_killed_crawl_repeats_no_request_and_ends_as_if_it_had_not_been(
    place: Place, tmp_path: Path
) -> None:
    server = place.server
    own, written = server.publication("alpha", posts=60), server.publication("beta", posts=6)
    further = server.publication("gamma", posts=30)
    own.recommends, written.recommends = [further.id, written.id], [own.id, further.id]
    server.publish(own, "paid", audience="only_paid")
    server.reader("reads", [own], writes=[written])
    undisturbed = Place(State(f"sqlite:///{tmp_path}/undisturbed.sqlite"), server)
    undisturbed.posts_wanted = place.posts_wanted = 30
    undisturbed.crawl(due=24)
    expected, requests = undisturbed.rows(), sorted(server.urls())
    server.asked.clear()
    place.state.add_user(USER)
    consent(place.state, USER, "substack")
    environment = os.environ | {
        "QUALIA_CRAWLING": f'{{"contact": "me@example.org", "gap": 0, "send_to": {{"*": "{server.url}"}}}}',
        "QUALIA_SUBSTACK__POSTS": "30",
    }

    def started() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", CRAWL, USER]
        return subprocess.Popen(command, env=environment, cwd=PROJECT_ROOT, stderr=subprocess.PIPE)

    # Amid the archive; at the first of the bodies; where more is recommended.
    for after in (4, 4, 12):
        halted = server.halt(after)
        process = started()
        assert halted.wait(60)
        process.kill()
        _, errors = process.communicate()
        assert process.returncode == -9, errors.decode()
        assert place.rows() != expected
    server.resume()
    process = started()
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 0, errors.decode()
    assert sorted(server.urls()) == requests
    assert max(server.counts().values()) == 1
    assert place.rows() == expected
    for key, row in undisturbed.publications().items():
        assert place.publications()[key] | {"checked_at": None} == row | {"checked_at": None}


def test_a_crawl_that_ends_after_each_write_repeats_no_request(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own,), further = place.read(alpha=26), place.server.publication("beta", posts=2)
    own.recommends = [further.id]
    listed = place.server.publication("gamma", posts=3, custom_domain="gamma.example")
    seeds = Seeds(("reads",), ("https://gamma.substack.com",))
    place.posts_wanted = 26
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
            place.crawl(seeds, due=24)
            break

    assert 20 < runs < 40
    assert set(place.server.counts().values()) == {1}
    assert len(place.rows()) == 31
    assert place.publications()[str(listed.id)]["url"] == "https://gamma.example"
    assert {row["body_status"] for row in place.rows()} == {"full"}


def test_a_budget_that_is_spent_again_and_again_suffices_and_repeats_no_request(place: Place) -> None:
    place.read(**{f"letter{number}": 2 for number in range(4)})
    statuses = []
    while "complete" not in statuses:
        report = place.crawl(due=24, budget=7)
        assert report.requests <= 7
        statuses.append(report.status)
    assert len(statuses) > 2
    assert len(place.rows()) == 8
    assert set(place.server.counts().values()) == {1}


# Archives


def short_pages(server: SubstackServer, own: Publication) -> None:
    server.short_pages = [23, 1]


def same_page(server: SubstackServer, own: Publication) -> None:
    server.ignores_offset = True


def newer_post(server: SubstackServer, own: Publication) -> None:
    def publish(asked: Asked) -> None:
        if "offset=25" in asked.query:
            server.publish(own, "amid")

    server.on_request = publish


@pytest.mark.parametrize(
    ("happens", "posts", "offsets"),
    [(short_pages, 60, [0, 23, 24, 49, 60]), (same_page, 10, [0, 10]), (newer_post, 70, [0, 25, 50, 71])],
)
def test_an_archive_is_read_to_its_end_and_no_post_is_lost_or_doubled(
    place: Place, happens: Callable[..., None], posts: int, offsets: list[int]
) -> None:
    (own,) = place.read(alpha=posts)
    happens(place.server, own)
    place.posts_wanted = 200
    place.crawl()
    assert pages(place.server, own) == offsets
    assert place.posts().keys() == {post.slug for post in own.posts}


def test_no_more_pages_are_requested_than_wanted_and_more_once_more_are(place: Place) -> None:
    (own,) = place.read(alpha=90)
    place.crawl()
    assert len(pages(place.server, own)) == 1
    for number in range(3):
        place.server.publish(own, f"newer-{number}")
    place.crawl()
    assert len(pages(place.server, own)) == 1
    place.posts_wanted = 80
    place.crawl()
    assert {post.slug for post in own.newest[:80]} <= place.posts().keys()


def test_more_new_posts_than_a_feed_holds_are_filled_in_from_the_archive(place: Place) -> None:
    (own,) = place.read(alpha=30)
    place.crawl()
    since = len(place.server.asked)
    for number in range(57):
        place.server.publish(own, f"new-{number}")
    report = place.crawl()

    posts = place.posts()
    assert report.new == 57
    assert {f"new-{number}" for number in range(57)} <= posts.keys()
    assert len(pages(place.server, own, since)) == 3
    # As many as are wanted have bodies, those too that the feed does not reach.
    assert all(posts[f"new-{number}"]["body_status"] == "full" for number in range(37, 57))
    assert place.again()[1][1:] == [f"{own.host}/feed"]


def test_a_gap_that_is_not_filled_when_a_run_ends_is_filled_by_the_next(place: Place) -> None:
    (own,) = place.read(alpha=30)
    place.crawl()
    for number in range(90):
        place.server.publish(own, f"new-{number}")
    assert place.crawl(budget=3).status == "budget"  # the profile, the feed, and one page
    since = len(place.server.asked)
    second, urls = place.again(due=24)
    assert second.status == "complete"
    assert f"{own.host}/feed" not in urls
    assert pages(place.server, own, since)[0] == 25
    assert {post.slug for post in own.newest[:90]} <= place.posts().keys()


def test_a_post_with_a_new_slug_is_the_same_post_where_the_archive_says_so(place: Place) -> None:
    (own,) = place.read(alpha=5)
    place.crawl()
    before = place.posts()["post-5"]
    own.posts[4].slug = "renamed"
    for number in range(22):
        place.server.publish(own, f"new-{number}")
    place.crawl()
    after = place.posts()
    assert "post-5" not in after
    assert (after["renamed"]["item_id"], after["renamed"]["text"]) == (before["item_id"], before["text"])
    assert len(after) == 27


def test_a_post_that_is_gone_when_its_body_is_requested_is_removed(place: Place) -> None:
    (own,) = place.read(alpha=25)

    def delete(asked: Asked) -> None:
        own.posts = [p for p in own.posts if asked.path != f"/api/v1/posts/{p.slug}" or p.slug != "post-2"]

    place.server.on_request = delete
    place.posts_wanted = 25
    place.crawl()
    assert place.posts().keys() == slugs(1, 26) - {"post-2"}


def test_two_publications_that_claim_one_id_have_two_items(place: Place) -> None:
    first, second = place.read(alpha=1, beta=1)
    second.posts[0].sent = {"id": first.posts[0].id}
    place.crawl()
    assert {row["item_id"] for row in place.rows()} == {str(first.posts[0].id), f"{second.id}-post-1"}


# Refusals


def test_a_publication_that_refuses_leaves_the_others_alone_and_is_requested_again_when_due(
    place: Place,
) -> None:
    refusing, fine = place.read(alpha=2, beta=2)
    place.server.challenge(refusing.host)
    report = place.crawl(due=24)
    place.crawl(due=24)

    assert report.status == "complete"
    assert any("export" in note for note in report.notes)
    assert (place.status(refusing), place.status(fine)) == ("blocked", "ok")
    assert len(place.server.paths(refusing.host)) == 1
    place.server.faults.clear()
    place.crawl()
    assert place.status(refusing) == "ok"


def test_a_refused_profile_is_reported_to_its_user_and_leaves_other_users_alone(place: Place) -> None:
    place.read(alpha=2)
    place.server.reader("refused", [])
    place.server.challenge(HOME, "/api/v1/user/refused")
    refused = place.crawl(Seeds(handles=("refused",)), user="bob")
    fine = place.crawl()
    assert (refused.status, refused.requests) == ("blocked", 2)
    assert "export" in " ".join(refused.notes)
    assert (fine.status, fine.new) == ("complete", 2)


@pytest.mark.parametrize("path", ["/feed", "/api/v1/archive", "/api/v1/recommendations", "/api/v1/posts"])
def test_a_refusal_with_the_status_of_an_answer_is_never_stored_and_leaves_the_others_alone(
    place: Place, path: str
) -> None:
    poisoned, fine = place.read(alpha=25, beta=2)
    place.server.poison(poisoned.host, path)
    place.posts_wanted = 25
    report = place.crawl()

    assert report.status == "complete"
    assert any("a refusal came with the status of an answer" in note for note in report.notes)
    assert "Too many requests" not in str(place.stored())
    assert place.publications()[str(fine.id)]["posts"] == 2
    place.server.faults.clear()
    place.crawl(due=24)
    assert [row["body_status"] for row in place.rows()] == ["full"] * 27


def test_a_long_wait_that_a_service_asks_for_ends_the_crawl_and_keeps_what_came(place: Place) -> None:
    first, second = place.read(alpha=2, beta=2)
    place.server.too_many("3600", second.host)
    report = place.crawl()
    assert report.status == "deferred"
    assert report.until is not None
    assert place.publications()[str(first.id)]["posts"] == 2
    assert place.status(second) == "waiting"


# Paid posts


def test_only_the_public_part_of_a_paid_post_is_stored_and_no_more_is_tried(place: Place) -> None:
    server, (own,) = place.server, place.read(alpha=1)
    wall = {"audience": "only_paid", "html": "<p>Behind the wall.</p>"}
    server.publish(own, "paid", **wall)
    server.publish(own, "for-founders", preview="", **wall | {"audience": "founding"})
    for number in range(20):
        server.publish(own, f"later-{number}")
    server.publish(own, "paid-and-new", **wall)
    place.posts_wanted = 25
    place.crawl()
    server.publish(own, "paid-by-feed", **wall)
    place.crawl()

    posts = place.posts()
    statuses = {slug: (row["audience"], row["body_status"]) for slug, row in posts.items()}
    assert statuses["paid"] == ("only_paid", "none")  # older than the feed
    assert statuses["for-founders"] == ("founding", "none")
    assert statuses["paid-and-new"] == ("only_paid", "preview")
    assert statuses["paid-by-feed"] == ("unknown", "preview")
    assert statuses["later-0"] == ("everyone", "full")
    assert posts["paid-and-new"]["text"] == "What it is about.\n\nThe beginning."
    assert "Behind the wall" not in str(place.stored())
    bodies = [path for path in server.paths(own.host) if path.startswith("/api/v1/posts/")]
    assert bodies == ["/api/v1/posts/later-0", "/api/v1/posts/post-1"]


def test_a_post_that_goes_behind_the_paywall_leaves_only_its_preview(place: Place) -> None:
    (own,) = place.read(alpha=2)
    place.crawl()
    own.posts[0].audience = "only_paid"
    assert place.crawl().changed == 1
    post = place.posts()["post-1"]
    assert (post["body_status"], post["text"]) == ("preview", "What it is about.\n\nThe beginning.")
    assert "All of The alpha letter, post-1" not in str(place.stored())


# New names and addresses


def test_a_renamed_handle_is_the_same_person(place: Place) -> None:
    place.read(alpha=2)
    (reader,) = place.server.readers
    place.crawl()
    before = interests_of(place.state, USER, "substack")
    place.server.rename(reader, "reads-anew")
    by_old, by_new = place.crawl(), place.crawl(Seeds(handles=("reads-anew",)))

    assert (by_old.new, by_new.new) == (0, 0)
    assert interests_of(place.state, USER, "substack") == before
    profiles = Crawl(place.state, "substack", USER).rows("profile")
    assert [(key, row["handle"]) for key, row in profiles.items()] == [(str(reader.id), "reads-anew")]


def test_a_publication_that_moved_to_its_own_domain_is_the_same_and_is_requested_there(place: Place) -> None:
    (own,) = place.read(alpha=3)
    place.crawl()
    before = place.posts()
    place.server.move(own, "letters.example")
    place.server.publish(own, "after")
    place.server.readers[0].sent = {"subscriptions": ...}  # only a redirect tells
    moved = place.crawl()
    assert moved.new == 1
    assert place.again()[1][1:] == ["letters.example/feed"]
    assert {key: row["url"] for key, row in place.publications().items()} == {
        str(own.id): "https://letters.example"
    }
    after = place.posts()
    assert {slug: after[slug]["item_id"] for slug in before} == {s: p["item_id"] for s, p in before.items()}
    assert after["post-1"]["url"] == "https://letters.example/p/post-1"


def test_a_publication_whose_domain_has_nothing_is_requested_at_substack(place: Place) -> None:
    (own,) = place.read(alpha=2)
    own.sent = {"custom_domain": "given-up.example"}
    place.crawl()
    assert not any("given-up" in url for url in place.again()[1])
    assert len(place.posts()) == 2
    assert place.publications()[str(own.id)]["url"] == "https://alpha.substack.com"


def test_a_publication_whose_domain_now_belongs_to_another_takes_nothing_from_there(place: Place) -> None:
    (own,) = place.read(alpha=2)
    stranger = place.server.publication("stranger", posts=2, custom_domain="stranger.example")
    place.crawl()
    # The address leads to the stranger's now, and the profile has not heard of it.
    place.server.readers[0].sent = {"subscriptions": ...}
    del place.server.publications[own.id]
    stranger.former.add("alpha.substack.com")
    report = place.crawl()
    assert any("another publication is there now" in note for note in report.notes)
    assert place.status(own) == "gone"
    assert {row["collection"] for row in place.rows()} == {"The alpha letter"}


def test_an_address_in_a_list_becomes_the_publication_that_is_there(place: Place) -> None:
    moved = place.server.publication("alpha", posts=30, custom_domain="letters.example")
    empty = place.server.publication("empty")
    seeds = Seeds(publications=("https://alpha.substack.com", "https://empty.substack.com"))
    report = place.crawl(seeds, due=24)
    place.crawl(seeds, due=24)

    assert [(row["publication_id"], row["name"], row["url"]) for row in place.publications().values()] == [
        (str(moved.id), "The alpha letter", "https://letters.example")
    ]
    assert len(place.posts(moved)) == 25
    assert set(place.server.counts().values()) == {1}
    assert any(f"https://{empty.host}" in note for note in report.notes)


# Edits and likes


def test_an_edit_changes_the_hash_of_what_was_written_and_a_like_does_not(place: Place) -> None:
    (own,) = place.read(alpha=3)
    place.crawl()
    before, rows = place.posts(), place.stored()
    place.server.like(own)
    liked = place.crawl()
    assert (liked.new, liked.changed, place.stored()) == (0, 0, rows)

    own.posts[1].html = "<p>Said better.</p>"
    own.posts[2].title = "A better title"
    edited = place.crawl()
    after = place.posts()
    assert (edited.new, edited.changed) == (0, 2)
    changed = {slug for slug in after if after[slug]["editorial_sha256"] != before[slug]["editorial_sha256"]}
    assert changed == {"post-2", "post-3"}
    assert after["post-2"]["text"] == "What it is about.\n\nSaid better."
    assert after["post-3"]["title"] == "A better title"
    assert {row["item_id"] for row in after.values()} == {row["item_id"] for row in before.values()}


def test_likes_in_an_archive_that_is_read_again_change_no_row(place: Place) -> None:
    (own,) = place.read(alpha=30)
    place.posts_wanted = 25
    place.crawl()
    rows = place.stored()
    place.server.like(own)
    place.posts_wanted = 26
    place.crawl()
    assert [row for row in place.stored() if row in rows] == rows


# What declines


def test_a_publication_that_declines_crawlers_of_ai_is_left_alone_until_it_no_longer_does(
    place: Place,
) -> None:
    declining, _ = place.read(alpha=60, beta=1)
    declining.declines = True
    place.posts_wanted = 60
    place.crawl()
    row = place.publications()[str(declining.id)]
    assert (row["status"], row["posts"]) == ("declined", 0)
    # One page, which names a post whose settings can be requested.
    assert len(place.server.paths(declining.host)) == 1
    assert "Title of post-60" not in str(place.stored())
    declining.sent = {"block_ai_crawlers": False}
    place.crawl()
    row = place.publications()[str(declining.id)]
    assert (row["status"], row["posts"]) == ("ok", 60)


def test_posts_are_removed_once_a_publication_declines_and_come_back_under_the_same_ids(
    place: Place,
) -> None:
    (own,), further = place.read(alpha=3), place.server.publication("beta", posts=3)
    own.recommends = [further.id]
    place.crawl()
    ids = {row["item_id"] for row in place.rows()}
    own.sent = {"block_ai_crawlers": True}
    report, urls = place.again()

    assert "declines" in " ".join(report.notes)
    assert not any(url.startswith(own.host) for url in urls)
    assert {row["publication_id"] for row in place.rows()} == {str(further.id)}
    assert "All of The alpha letter" not in str(place.stored())
    own.sent = {"block_ai_crawlers": False}
    place.crawl()
    assert {row["item_id"] for row in place.rows()} == ids


# What cannot be read


def test_secrets_that_are_sent_are_stored_and_logged_nowhere(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (own,), other = place.read(alpha=30), place.server.publication("beta", posts=1)
    own.recommends = [other.id]
    # Nor may what cannot be read be repeated.
    own.posts[-1].sent = {"audience": {"nested": SECRETS["stripe_user_id"]}}
    other.posts[-1].sent = {"slug": f"../{SECRETS['podcast_rss_token']}"}
    with caplog.at_level(logging.DEBUG):
        report = place.crawl(posts=30)

    assert len(report.rejects) == 2
    place.state.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("state.sqlite*"))
    texts = caplog.text + repr(report) + repr(report.rejects)
    assert b"post-7" in stored
    for secret in (*SECRETS.values(), COOKIE, SIGNATURE):
        assert secret.encode() not in stored
        assert secret not in texts
    assert "offset=" not in caplog.text


def test_unknown_words_are_stored_as_other_and_counted_and_records_without_a_field_are_rejects(
    place: Place,
) -> None:
    (own,) = place.read(alpha=5)
    own.posts[0].sent = {"audience": "only_moon", "type": "hologram"}
    own.posts[1].sent = {"type": "hologram"}
    own.posts[2].sent = {"audience": ...}
    own.posts[3].sent = {"title": ["a", "list"]}
    report = place.crawl()

    posts = place.posts()
    assert (posts["post-1"]["audience"], posts["post-1"]["kind"]) == ("other", "other")
    assert posts["post-2"]["kind"] == "other"
    assert "1 values of audience are new" in " ".join(report.notes)
    assert "2 values of type are new" in " ".join(report.notes)
    assert sorted(r.reason.split(":")[0] for r in report.rejects) == ["audience", "title"]
    assert len({reject.record for reject in report.rejects}) == 2
    # The feed has them, without what could not be read.
    assert posts["post-3"]["audience"] == "unknown"


def test_an_archive_of_which_nothing_can_be_read_is_read_again_when_it_can(place: Place) -> None:
    (own,) = place.read(alpha=3)
    for post in own.posts:
        post.sent = {"slug": ..., "name": post.slug}
    drifted = place.crawl(due=24)
    for post in own.posts:
        post.sent = {}
    assert (len(drifted.rejects), drifted.new, place.crawl(due=24).new) == (3, 0, 3)


def test_a_publication_in_a_profile_that_cannot_be_read_is_a_reject_until_it_can(place: Place) -> None:
    strange, fine = place.read(alpha=1, beta=1)
    strange.sent = {"custom_domain": "127.0.0.1"}
    for _ in range(2):
        assert [r.reason.split(":")[0] for r in place.crawl().rejects] == ["custom_domain"]
    assert list(place.publications()) == [str(fine.id)]
    strange.sent = {}
    place.crawl()
    assert len(place.publications()) == 2


HOSTILE = ["../../feed", "a/../../b", "x?y=z", "x#y", "..", "%2e%2e", "a%2fb", "a\n", "ＡＢ", "", " "]
HOSTILE += ["a" * 300, "\ud800"]
HOSTS = ["127.0.0.1", "localhost", "a.example:8080", "me@a.example", "a.example/../x", "[::1]", "2130706433"]


def test_hostile_handles_are_not_requested(place: Place) -> None:
    report = place.crawl(Seeds(handles=tuple(HOSTILE)))
    assert place.server.asked == []
    assert "characters that no handle has" in " ".join(report.notes)


def test_posts_with_hostile_slugs_are_rejects_and_not_requested(place: Place) -> None:
    (own,) = place.read(alpha=len(HOSTILE) + 2)
    for post, slug in zip(own.posts, HOSTILE, strict=False):
        post.sent = {"slug": slug}
        post.slug = f"../{post.slug}"
    report = place.crawl()

    assert place.posts().keys() == {post.slug for post in own.posts[-2:]}
    assert sum("/api/v1/archive#" in reject.record for reject in report.rejects) == len(HOSTILE)
    assert [path.partition("?")[0] for path in place.server.paths(own.host)] == [
        "/api/v1/archive",
        "/api/v1/archive",
        "/feed",
        f"/api/v1/recommendations/from/{own.id}",
    ]
    assert not any(slug in repr(report.rejects) for slug in HOSTILE if len(slug) > 2)


def test_publications_with_hostile_hosts_are_rejects_and_not_requested(place: Place) -> None:
    own = place.read(**{f"letter{number}": 0 for number in range(len(HOSTS) + 2)})
    for publication, host in zip(own, HOSTS, strict=False):
        publication.sent = {"custom_domain": host}
    own[-2].sent = {"custom_domain": None, "subdomain": "a.b/c"}
    report = place.crawl()
    assert {url.split("/")[0] for url in place.server.urls()} == {HOME, own[-1].host}
    assert len(report.rejects) == len(HOSTS) + 1
