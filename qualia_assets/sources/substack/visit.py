"""The crawl of one publication.

Belongs here: which requests are made, and when they end. What is kept of an answer is in ``wire``, ``feed``
and ``posts``.

The first visit reads the archive for posts, then the feed for their bodies, then the own addresses of free
posts that the feed does not reach. Later ones request the feed alone, conditionally; if none of its posts is
known, the archive is read until one is.

Its cursors: ``feed:{id}`` (etag, last_modified, checked_at, status), ``archive:{id}`` (how far it was read,
whether that is all, whether bodies were requested, and the gap that is being filled),
``recommendations:{id}`` and ``settings:{id}`` (checked_at).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from qualia_assets import settings
from qualia_assets.net.base import (
    Answer,
    Blocked,
    Disallowed,
    Gone,
    Kind,
    NoAnswer,
    Rejected,
    Unauthorised,
    Unusable,
)
from qualia_assets.net.client import Client
from qualia_assets.sources.substack import posts
from qualia_assets.sources.substack.feed import Feed, read_feed
from qualia_assets.sources.substack.wire import Post, Reader, Recommendation, crawler_choices, load, rows_of
from qualia_assets.state.crawl import Changes, Crawl, Payload, Row
from qualia_assets.state.database import State

SOURCE = "substack"
REFUSALS = (Blocked, Disallowed, Unauthorised)
_ARCHIVE = "/api/v1/archive"
_PAGE = 25
_MOST_RECOMMENDATIONS = 200
_RECOMMENDATIONS_HOURS = 7 * 24.0
_SETTINGS_HOURS = 30 * 24.0
_CURSORS = ("feed", "archive", "recommendations", "settings")
_UNREAD: Payload = {"offset": 0, "posts": 0, "end": False, "complete": False, "bodies": False, "gap": None}


@dataclass
class CrawlContext:
    """What all visits of one crawl share: state, client, settings, and the results collected."""

    state: State
    client: Client
    chosen: settings.Substack
    due_hours: float
    # One time for all requests, so that all of them are due for the next crawl, a day later.
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    reader: Reader = field(default_factory=Reader)
    notes: list[str] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    settings_refused: bool = False

    def __post_init__(self) -> None:
        self.shared = Crawl(self.state, SOURCE)

    def due(self, cursor: Payload | None, hours: float) -> bool:
        """Whether what was checked at the cursor's time is to be requested again."""
        if cursor is None:
            return True
        return self.now - datetime.fromisoformat(cursor["checked_at"]) >= timedelta(hours=hours)

    def checked(self) -> Payload:
        """The part of a cursor that says when it was checked: now."""
        return {"checked_at": self.now.isoformat()}

    def note(self, what: str, why: NoAnswer) -> None:
        self.notes.append(f"{what}: {why}")

    def get_archive(self, base: str, offset: int) -> Answer:
        return self.client.get(f"{base}{_ARCHIVE}", "json", params=_archive_query(offset))


@dataclass(frozen=True)
class Page:
    """A page of an archive: its origin, its number of records, the posts that could be read, and which
    publications decline crawlers of AI."""

    origin: str
    size: int
    posts: list[Post]
    choices: dict[str, bool]


def archive_page(answer: Answer, offset: int, reader: Reader) -> Page:
    """Validate a page of an archive.

    Raises:
        Unusable: none of its records is valid.
    """
    data = load(answer.body, answer.url)
    # More than was requested is left for the next page.
    records = rows_of(data, answer.url)[:_PAGE]
    read = [reader.validated(Post, r, f"{answer.url}#{offset + place}") for place, r in enumerate(records)]
    found = [post for post in read if post is not None]
    if records and not found:
        raise Unusable(f"{answer.url}: not one of its posts could be read.")
    return Page(_origin(answer.url), len(records), found, crawler_choices(data))


def publication_row(payload: Payload) -> Row:
    key = payload["publication_id"]
    return Row("publication", key, payload, parent=key)


def newest_first(there: Iterable[Payload]) -> list[Payload]:
    return sorted(sorted(there, key=lambda p: p["slug"]), key=lambda p: p["date"], reverse=True)


def renewed(old: Payload | None, declared: Payload) -> Payload:
    """A publication, updated from a new declaration. The address that it answered from stays until another is
    declared; without a word on crawlers nothing changes there."""
    if old is None:
        return {**declared, "base": declared["declared"], "declined": bool(declared["declined"])}
    new = {key: value for key, value in declared.items() if value is not None or key == "custom_domain"}
    moved = declared["declared"] != old["declared"]
    return {**old, **new, "base": declared["declared"] if moved else old["base"]}


def _renamed(old: Payload, declared: Payload) -> Payload:
    """A publication, updated from another one's recommendation: its name, and that it declines crawlers, but
    neither its address nor that it allows them."""
    place = {key: old[key] for key in ("subdomain", "custom_domain", "declared")}
    return renewed(old, {**declared, **place, "declined": old["declined"] or declared["declined"]})


class Visit:
    """One publication, and how far it was read. Its row exists, or comes with the first page."""

    def __init__(self, crawl: CrawlContext, key: str, hop: int, publication: Payload | None = None) -> None:
        self.crawl, self.key, self.hop = crawl, key, hop
        self.shared, self.chosen = crawl.shared, crawl.chosen
        self.publication = publication or self.shared.rows("publication", [key])[key]
        self._cursors = self.shared.cursors([f"{name}:{key}" for name in _CURSORS])

    @property
    def feed(self) -> Payload | None:
        return self._cursors.get(f"feed:{self.key}")

    @property
    def archive(self) -> Payload | None:
        return self._cursors.get(f"archive:{self.key}")

    def run(self) -> None:
        """Make the requests that are due; a publication that refuses, fails or is gone stops no other."""
        try:
            self._run()
        except REFUSALS as error:
            self._close("blocked", error)
        except Gone as error:
            self._close("gone", error)
        except Unusable as error:
            self.crawl.note(self._host, error)

    def take_page(self, page: Page) -> None:
        """Store the next page of the archive.

        Raises:
            Gone: all its posts belong to another publication.
        """
        rows = self._with(base=page.origin)
        if page.choices.get(self.key):
            self._decline()
            return
        there, gone = self._posts()
        own = self._own(page)
        slugs = {payload["post_id"]: slug for slug, payload in there.items() if payload["post_id"]}
        renamed: list[tuple[str, str]] = []
        known: set[str] = set()
        for post in own:
            before = slugs.get(str(post.id), post.slug)
            if before != post.slug:
                renamed.append(("post", posts.key_of(self.key, before)))
            old = there.get(post.slug) or there.get(before)
            if old is not None:
                known |= {post.slug, old["slug"]}
            updated = posts.from_archive(post, old or gone.get(post.slug), self.crawl.reader)
            rows.append(posts.row_of(updated))
        new = {post.slug for post in own} - known
        archive = self._advanced(page.size, known, new, set(there))
        self._count(self._account(rows, {"archive": archive}, renamed), edits=False)

    def _run(self) -> None:
        if self.publication["declined"] and self._still_declines():
            return
        due = self.crawl.due(self.feed, self.crawl.due_hours)
        if not due and self.feed and self.feed["status"] != "ok":
            return
        self._read_archive()
        if due:
            self._check_settings()
        if due and not self.publication["declined"]:
            self._read_feed()
            self._read_archive()
        if not self.publication["declined"]:
            self._read_bodies()
            self._read_recommendations()

    @property
    def _host(self) -> str:
        return urlsplit(self.publication["base"]).netloc

    def _close(self, status: str, why: NoAnswer) -> None:
        self.crawl.note(self._host, why)
        self._account(cursors={"feed": {**(self.feed or {}), **self.crawl.checked(), "status": status}})

    def _account(
        self,
        rows: Iterable[Row] = (),
        cursors: Mapping[str, Payload | None] | None = None,
        gone: Iterable[tuple[str, str]] = (),
    ) -> Changes:
        """Store an answer's rows and cursors, and update the cursors held here."""
        named = {f"{name}:{self.key}": value for name, value in (cursors or {}).items()}
        changes = self.shared.account(rows, named, gone)
        self._cursors |= {name: value for name, value in named.items() if value is not None}
        for name in [name for name, value in named.items() if value is None]:
            self._cursors.pop(name, None)
        return changes

    def _count(self, changes: Changes, edits: bool) -> None:
        """Count changes; a row that was only completed is no edit."""
        self.crawl.changes += changes if edits else Changes(new=changes.new)

    def _posts(self) -> tuple[dict[str, Payload], dict[str, Payload]]:
        """Posts by slug: the stored ones, and what is left of those gone."""
        there: dict[str, Payload] = {}
        gone: dict[str, Payload] = {}
        for payload in self.shared.rows("post", [self.key], gone=True).values():
            (gone if "gone_at" in payload else there)[payload["slug"]] = payload
        return there, gone

    # Where it is

    def _get(self, path: str, kind: Kind, **options: Any) -> Answer:
        """Request a path of the publication, a second time at Substack's domain if its own has nothing."""
        base, subdomain = self.publication["base"], self.publication["subdomain"]
        home = self.chosen.publication_url.format(subdomain=subdomain) if subdomain else base
        try:
            return self.crawl.client.get(base + path, kind, **options)
        except Gone:
            if home == base:
                raise
            return self.crawl.client.get(home + path, kind, **options)

    def _with(self, **fields: Any) -> list[Row]:
        """The publication's row, if these fields change it."""
        new = {**self.publication, **fields}
        if new == self.publication:
            return []
        self.publication = new
        return [publication_row(new)]

    def _own(self, page: Page) -> list[Post]:
        """The page's posts that belong to this publication.

        Raises:
            Gone: there are posts, but none does.
        """
        own = [post for post in page.posts if str(post.publication_id) == self.key]
        if page.posts and not own:
            raise Gone(f"{page.origin}: another publication is there now.")
        if len(own) < len(page.posts):
            left_out = len(page.posts) - len(own)
            self.crawl.notes.append(f"{page.origin}: {left_out} posts of other publications were left out.")
        return own

    # The archive

    def _read_archive(self) -> None:
        """Read the archive as far as wanted, and fill the gap if there is one."""
        while not self.publication["declined"] and not self._read_enough():
            archive = self.archive or _UNREAD
            offset = (archive["gap"] or archive)["offset"]
            answer = self._get(_ARCHIVE, "json", params=_archive_query(offset))
            self.take_page(archive_page(answer, offset, self.crawl.reader))
            self._check_settings()

    def _read_enough(self) -> bool:
        archive = self.archive
        if archive is None or not archive["complete"]:
            return False
        # More posts may be wanted now than when it was read.
        return bool(archive["end"]) or archive["posts"] >= self.chosen.posts

    def _advanced(self, came: int, known: set[str], new: set[str], there: set[str]) -> Payload:
        """The archive's cursor after a page.

        A short page is not the last one. An empty page is, and one without new posts once the offset has
        passed all known ones.

        Args:
            came: number of records in the page.
            known: slugs, old or new, of its posts that were stored before.
            new: slugs of its other posts.
            there: all slugs stored before.
        """
        archive = self.archive or _UNREAD
        gap = archive["gap"]
        if gap:
            fresh = {*gap["fresh"]}
            repeated = not new and gap["offset"] >= len(fresh)
            filled = came == 0 or repeated or bool(known - fresh)
            left = None if filled else {"offset": gap["offset"] + came, "fresh": sorted(fresh | new)}
            return {**archive, "gap": left, "complete": filled, "bodies": False}
        end = came == 0 or (not new and archive["offset"] >= len(there))
        return {
            "offset": archive["offset"] + came,
            "posts": self.chosen.posts,
            "end": end,
            "complete": end or len(there | new) >= self.chosen.posts,
            "bodies": False,
            "gap": None,
        }

    # Whether it wants to be read

    def _check_settings(self) -> None:
        """Request whether the publication declines crawlers of AI, which only a post's record by id says."""
        last = self._cursors.get(f"settings:{self.key}")
        if self.crawl.settings_refused or not self.crawl.due(last, _SETTINGS_HOURS):
            return
        ids = (payload["post_id"] for payload in newest_first(self._posts()[0].values()))
        post_id = last["post_id"] if last else next(filter(None, ids), None)
        if post_id is None:
            return
        where = f"{self.chosen.url}/api/v1/posts/by-id/{post_id}"
        choices: dict[str, bool] = {}
        try:
            choices = crawler_choices(load(self.crawl.client.get(where, "json").body, where))
        except REFUSALS as error:
            self.crawl.settings_refused = True
            self.crawl.note("Whether publications decline crawlers of AI could not be checked", error)
            return
        except (Gone, Unusable) as error:
            if _is_temporary(error):
                raise
            self.crawl.note(f"Whether {self._host} declines crawlers of AI could not be checked", error)
        cursor = {"settings": {**self.crawl.checked(), "post_id": post_id}}
        if choices.get(self.key):
            self._decline(cursor)
        else:
            allowed = {"declined": False} if self.key in choices else {}
            self._account(self._with(**allowed), cursor)

    def _still_declines(self) -> bool:
        if self._posts()[0]:
            self._decline()
        self._check_settings()
        return bool(self.publication["declined"])

    def _decline(self, cursors: Mapping[str, Payload] | None = None) -> None:
        """Remove everything that the publication's writers wrote."""
        there = self._posts()[0].values()
        rows = [*self._with(declined=True), *map(posts.emptied, there)]
        gone = [("post", posts.key_of(self.key, payload["slug"])) for payload in there]
        feed = {**self.crawl.checked(), "status": "declined"}
        self._account(rows, {"archive": None, "feed": feed, **(cursors or {})}, gone)
        self.crawl.notes.append(f"{self._host} declines crawlers of AI: none of its posts is stored.")

    # The feed

    def _read_feed(self) -> None:
        last = self.feed or {}
        etag, last_modified = last.get("etag"), last.get("last_modified")
        answer = self._get("/feed", "feed", etag=etag, last_modified=last_modified)
        rows = self._moved_to(_origin(answer.url))
        if answer.unchanged:
            feed = {**last, **self.crawl.checked(), "status": "ok"}
            self._account(rows, {"feed": feed})
            return
        feed = {
            **self.crawl.checked(),
            "status": "ok",
            "etag": answer.headers.get("etag"),
            "last_modified": answer.headers.get("last-modified"),
        }
        self._take_feed(read_feed(answer.body, answer.url, self.crawl.reader), rows, feed)

    def _take_feed(self, sent: Feed, rows: list[Row], feed: Payload) -> None:
        there, gone = self._posts()
        if self.publication["name"] is None and sent.title:
            rows = self._with(name=sent.title) or rows
        for item in sent.posts:
            old = there.get(item.slug) or gone.get(item.slug)
            rows.append(posts.row_of(posts.from_feed(item, self.key, old)))
        cursors: dict[str, Payload] = {"feed": feed}
        slugs = [item.slug for item in sent.posts]
        if there and slugs and not there.keys() & set(slugs):
            # The feed's cursor and the gap are stored together, so that the next crawl can fill the gap, too.
            gap = {"offset": 0, "fresh": sorted(slugs)}
            cursors["archive"] = {**(self.archive or _UNREAD), "gap": gap, "complete": False, "bodies": False}
        read_before = self.feed is not None and "etag" in self.feed
        self._count(self._account(rows, cursors), edits=read_before)

    def _moved_to(self, origin: str) -> list[Row]:
        """The publication's row if its feed came from another address, once that proves to be its own."""
        if origin != self.publication["base"]:
            self._own(archive_page(self.crawl.get_archive(origin, 0), 0, self.crawl.reader))
        return self._with(base=origin)

    # Bodies that the feed does not reach

    def _read_bodies(self) -> None:
        """Request the newest free posts without a body, each once."""
        archive = self.archive
        if archive is None or archive["bodies"]:
            return
        for post in newest_first(self._posts()[0].values())[: self.chosen.posts]:
            if post["audience"] == "everyone" and post["body_status"] != "full" and not post["asked"]:
                self._read_body(post)
                if self.publication["declined"]:
                    return
        self._account(cursors={"archive": {**archive, "bodies": True}})

    def _read_body(self, post: Payload) -> None:
        where = f"{self.publication['base']}/api/v1/posts/{post['slug']}"
        try:
            data = load(self.crawl.client.get(where, "json").body, where)
        except Gone:
            self._account([posts.emptied(post)], gone=[("post", posts.key_of(self.key, post["slug"]))])
            return
        except Unusable as error:
            if _is_temporary(error):
                raise
            self.crawl.note("A post has no body", error)
            self._account([posts.row_of({**post, "asked": True})])
            return
        if crawler_choices(data).get(self.key):
            self._decline()
            return
        sent = self.crawl.reader.validated(Post, data, where)
        if sent and (str(sent.publication_id), sent.slug) == (self.key, post["slug"]):
            row = posts.row_of(posts.from_own_page(sent, post, self.crawl.reader))
        else:
            row = posts.row_of({**post, "asked": True})
        self._account([row])

    # What it recommends

    def _read_recommendations(self) -> None:
        last = self._cursors.get(f"recommendations:{self.key}")
        if self.hop > 0 or not self.crawl.due(last, _RECOMMENDATIONS_HOURS):
            return
        where = f"{self.publication['base']}/api/v1/recommendations/from/{self.key}"
        try:
            recommended = self._recommended(load(self.crawl.client.get(where, "json").body, where), where)
        except (*REFUSALS, Gone, Unusable) as error:
            if not isinstance(error, Gone):
                self.crawl.note(f"What {self._host} recommends could not be read", error)
            if not _is_temporary(error):
                self._account(cursors={"recommendations": self.crawl.checked()})
            return
        before = self.shared.rows("recommendation", [self.key])
        rows = [
            Row("recommendation", f"{self.key}/{to}", {"to": to, "publication": payload}, parent=self.key)
            for to, payload in recommended.items()
        ]
        gone = [("recommendation", key) for key in before.keys() - {row.key for row in rows}]
        known = self.shared.rows("publication", list(recommended))
        rows += [publication_row(_renamed(old, recommended[to])) for to, old in known.items()]
        self._account(rows, {"recommendations": self.crawl.checked()}, gone)

    def _recommended(self, data: Any, where: str) -> dict[str, Payload]:
        recommended: dict[str, Payload] = {}
        for place, record in enumerate(rows_of(data, where)[:_MOST_RECOMMENDATIONS]):
            found = self.crawl.reader.validated(Recommendation, record, f"{where}#{place}")
            if found and str(found.publication.id) != self.key:
                recommended[str(found.publication.id)] = found.publication.payload(
                    self.chosen.publication_url
                )
        return recommended


def _is_temporary(error: NoAnswer) -> bool:
    """Whether the same request may succeed another time: a broken connection, or a refusal."""
    return isinstance(error, Unusable) and error.status == "failed" and not isinstance(error, Rejected)


def _archive_query(offset: int) -> dict[str, str | int]:
    return {"sort": "new", "offset": offset, "limit": _PAGE}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
