"""The crawl of Substack: what a user reads and writes, and what that recommends.

Belongs here: which publications are a user's, in which order they are crawled, and the rows of the tables.
The crawl of one publication is in ``visit``, polite requests are in ``net``.

Publications, posts and recommendations are shared by all users; whose they are is in ``interests``. The rows
of an answer and its cursor are written in one transaction, so that a killed crawl resumes where it was. A
publication is identified by its id, whatever its address and name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qualia_assets import settings
from qualia_assets.net.base import BudgetSpent, Deferred, Gone, Unusable
from qualia_assets.net.client import Client
from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.crawling import Report, Status
from qualia_assets.sources.substack.address import is_handle
from qualia_assets.sources.substack.visit import (
    REFUSALS,
    SOURCE,
    CrawlContext,
    Visit,
    archive_page,
    newest_first,
    publication_row,
    renewed,
)
from qualia_assets.sources.substack.wire import Profile, Publication, load, rows_of
from qualia_assets.state.consent import consented
from qualia_assets.state.crawl import Crawl, Interest, Payload, Row, interests_of, set_interests
from qualia_assets.state.database import State


@dataclass(frozen=True)
class Seeds:
    """Where the crawl of a user's collection starts.

    ``handles``: people whose public profiles list what they read and write. ``publications``: origins, as
    ``https://host``.
    """

    handles: tuple[str, ...] = ()
    publications: tuple[str, ...] = ()


def crawl(
    user: str,
    seeds: Seeds,
    state: State,
    client: Client,
    chosen: settings.Substack,
    due_hours: float,
    progress: Progress,
) -> Report:
    """Fetch what is new in a user's publications and in those that they recommend.

    Args:
        user: without their consent nothing is requested.
        seeds: what the user reads.
        state: holds rows and cursors.
        client: for the platform ``substack``.
        chosen: addresses and caps.
        due_hours: hours between requests for a publication, for whichever user.
        progress: reports on publications.
    """
    if SOURCE not in consented(state, user):
        note = f"Nothing was requested: {user} has not agreed to it (`qualia user consent`)."
        return Report("blocked", 0, notes=(note,))
    before = client.requests
    crawl = CrawlContext(state, client, chosen, due_hours)
    user_crawl = _UserCrawl(user, crawl, progress)
    status: Status = "complete"
    until = None
    try:
        user_crawl.run(seeds)
        if user_crawl.refused and not interests_of(state, user, SOURCE):
            status = "blocked"
    except Deferred as error:
        status, until = "deferred", error.until
        crawl.notes.append(str(error))
    except BudgetSpent as error:
        status = "budget"
        crawl.notes.append(str(error))
    return Report(
        status,
        client.requests - before,
        crawl.changes.new,
        crawl.changes.changed,
        until,
        (*dict.fromkeys(crawl.notes), *crawl.reader.notes()),
        tuple(crawl.reader.rejects.values()),
    )


def publication_rows(state: State, user: str, chosen: settings.Substack) -> list[dict[str, Any]]:
    """A user's publications, as rows of the table ``substack_publications``."""
    shared = Crawl(state, SOURCE)
    wanted = interests_of(state, user, SOURCE)
    there = shared.rows("publication", list(wanted))
    feeds = shared.cursors([f"feed:{key}" for key in wanted])
    counts = Counter(row["publication_id"] for row in post_rows(state, user, chosen))
    out = []
    for key, payload in there.items():
        feed = feeds.get(f"feed:{key}", {})
        out.append(
            {
                "publication_id": key,
                "hop": wanted[key].hop,
                "pointed_by": wanted[key].pointed_by,
                **{name: payload[name] for name in ("name", "author", "description", "language")},
                "url": payload["base"],
                "status": "declined" if payload["declined"] else feed.get("status", "waiting"),
                "posts": counts[key],
                "checked_at": _time(feed["checked_at"]) if feed else None,
            }
        )
    return out


def post_rows(state: State, user: str, chosen: settings.Substack) -> list[dict[str, Any]]:
    """A user's posts, as rows of the table ``substack_posts``: all stored ones of their own publications, the
    newest ``chosen.posts`` of each recommended one."""
    shared = Crawl(state, SOURCE)
    wanted = interests_of(state, user, SOURCE)
    publications = shared.rows("publication", list(wanted))
    taken: set[str] = set()
    out = []
    for key, publication in publications.items():
        there = newest_first(shared.rows("post", [key]).values())
        for post in there if wanted[key].hop == 0 else there[: chosen.posts]:
            row = _post_row(post, publication, wanted[key].hop)
            if row["item_id"] in taken:
                # Two publications claim one id: the first one keeps it.
                row["item_id"] = f"{key}-{post['slug']}"
            taken.add(row["item_id"])
            if row["title"] or row["text"]:
                out.append(row)
    return out


def _post_row(post: Payload, publication: Payload, hop: int) -> dict[str, Any]:
    same = (
        *("item_id", "post_id", "publication_id", "slug", "title", "tags", "audience", "body_status"),
        *("kind", "image_url", "editorial_sha256"),
    )
    url = f"{publication['base']}/p/{post['slug']}"
    return {
        **{name: post[name] for name in same},
        "modality": "text",
        "hop": hop,
        "text": "\n\n".join(filter(None, (post["subtitle"], post["body"]))) or None,
        "url": url,
        "author": post["author"] or publication["author"],
        "collection": publication["name"],
        "created_at": _time(post["date"]),
        "record": url,
    }


class _UserCrawl:
    """One crawl for one user."""

    def __init__(self, user: str, crawl: CrawlContext, progress: Progress) -> None:
        self.user, self.crawl, self.progress = user, crawl, progress
        self.chosen, self.shared = crawl.chosen, crawl.shared
        self.mine = Crawl(crawl.state, SOURCE, user)
        self.refused = False
        self.declared: dict[str, Payload] = {}

    def run(self, seeds: Seeds) -> None:
        own = self._own(seeds)
        if not own:
            self.crawl.notes.append("No publication of the user's is known: give a handle or a list.")
        self._note_interests(own)
        for key in tracked(self._in_turn(own), self.progress, "crawling the user's publications", len(own)):
            Visit(self.crawl, key, hop=0).run()
        further = self._note_interests(own)
        what = "crawling what these recommend"
        for key in tracked(self._in_turn(further), self.progress, what, len(further)):
            Visit(self.crawl, key, hop=1).run()

    def _own(self, seeds: Seeds) -> list[str]:
        """Ids of the publications that the user reads or writes, each once."""
        own: list[str] = []
        for handle in seeds.handles:
            own += self._profile(handle)
        for origin in seeds.publications:
            own += self._of_origin(origin)
        return list(dict.fromkeys(own))

    def _profile(self, handle: str) -> list[str]:
        """Ids of what a person reads and writes, by their profile now or at the last request."""
        if not is_handle(handle):
            self.crawl.notes.append(
                "A handle in the user's list has characters that no handle has; it was left out."
            )
            return []
        name = f"profile:{handle}"
        last = self.mine.cursor(name)
        if self.crawl.due(last, self.crawl.due_hours):
            try:
                last = self._fetch_profile(handle, name, last)
            except (*REFUSALS, Gone, Unusable) as error:
                self.refused |= isinstance(error, REFUSALS)
                self.crawl.settings_refused |= isinstance(error, REFUSALS)
                self.crawl.note(f"The profile of {handle}", error)
        profile = self.mine.rows("profile").get(last["id"]) if last else None
        if profile is None:
            return []
        if profile["hidden"] or profile["truncated"]:
            left_out = (
                "hides some of its subscriptions" if profile["hidden"] else "lists only some subscriptions"
            )
            self.crawl.notes.append(
                f"The profile of {handle} {left_out}: what is not listed there is not crawled. "
                "Add the publications that are missing as a list."
            )
        for publication in profile["publications"]:
            self.declared.setdefault(publication["publication_id"], publication)
        return [publication["publication_id"] for publication in profile["publications"]]

    def _fetch_profile(self, handle: str, name: str, last: Payload | None) -> Payload:
        """Request and store what a person reads and writes.

        Raises:
            NoAnswer: there was no usable profile.
        """
        url = f"{self.chosen.url}/api/v1/user/{handle}/public_profile"
        where = f"the profile of {handle}"
        answer = self.crawl.client.get(url, "json", etag=last["etag"] if last else None)
        if last and answer.unchanged:
            self.mine.account(cursors={name: {**last, **self.crawl.checked()}})
            return last
        data = load(answer.body, where)
        profile = self.crawl.reader.validated(Profile, data, where)
        if profile is None:
            raise Unusable("What came is not a profile.")
        publications: dict[str, Payload] = {}
        complete = True
        for field in ("subscriptions", "publicationUsers"):
            for place, record in enumerate(rows_of(data.get(field), f"{where}, {field}")):
                publication = self._publication(record, "publication", f"{where}, {field}#{place}")
                if publication:
                    publications[publication["publication_id"]] = publication
                complete &= publication is not None
        payload = {
            "handle": profile.handle,
            "hidden": profile.hasHiddenSubscriptions,
            "truncated": profile.subscriptionsTruncated,
            "publications": list(publications.values()),
        }
        # A profile that could not be read completely is read again, changed or not.
        etag = answer.headers.get("etag") if complete else None
        cursor = {**self.crawl.checked(), "id": str(profile.id), "etag": etag}
        self.mine.account([Row("profile", str(profile.id), payload)], {name: cursor})
        self._redeclare(publications)
        return cursor

    def _publication(self, record: Any, field: str, where: str) -> Payload | None:
        value = record.get(field) if isinstance(record, dict) else None
        publication = self.crawl.reader.validated(Publication, value, where)
        return publication.payload(self.chosen.publication_url) if publication else None

    def _of_origin(self, origin: str) -> list[str]:
        """The id of the publication at an address, requested once."""
        name = f"origin:{origin}"
        last = self.mine.cursor(name)
        if last and self.shared.rows("publication", [str(last["publication_id"])]):
            return [last["publication_id"]]
        key = self._known_at(origin)
        if key is None and self.crawl.due(last, self.crawl.due_hours):
            try:
                key = self._identify(origin)
            except (*REFUSALS, Gone, Unusable) as error:
                self.refused |= isinstance(error, REFUSALS)
                self.crawl.note(origin, error)
            self.mine.account(cursors={name: {**self.crawl.checked(), "publication_id": key}})
        return [key] if key else []

    def _known_at(self, origin: str) -> str | None:
        """The id of the publication that has an address, by its declaration or by an earlier answer."""
        for publication in (*self.declared.values(), *self.shared.rows("publication").values()):
            if origin in (publication["declared"], publication.get("base")):
                return str(publication["publication_id"])
        return None

    def _identify(self, origin: str) -> str:
        """The id of the publication at an address, from its archive; the page counts as its first one."""
        page = archive_page(self.crawl.get_archive(origin, 0), 0, self.crawl.reader)
        if not page.posts:
            raise Unusable("There are no posts there that would identify the publication.")
        key = str(page.posts[0].publication_id)
        # Posts of a known publication are read from its known address.
        if not self.shared.rows("publication", [key]):
            Visit(self.crawl, key, hop=0, publication=_unnamed(key, origin)).take_page(page)
        return key

    def _redeclare(self, publications: Mapping[str, Payload]) -> None:
        """Update the names and declared addresses in the rows of known publications."""
        there = self.shared.rows("publication", list(publications))
        self.shared.account(publication_row(renewed(old, publications[key])) for key, old in there.items())

    def _recommended(self, own: list[str]) -> list[tuple[str, int]]:
        """What the user's own publications recommend, with the number of them that do, the largest first."""
        recommendations = self.shared.rows("recommendation", own).values()
        for row in recommendations:
            self.declared.setdefault(row["to"], row["publication"])
        counts = Counter(row["to"] for row in recommendations)
        return sorted(counts.items(), key=lambda item: (-item[1], int(item[0])))

    def _note_interests(self, own: list[str]) -> list[str]:
        """Store which publications the user's collection holds, as far as known.

        Returns:
            ids of recommended publications. One that declines crawlers takes no place of another.
        """
        ranked = self._recommended(own)
        counts = dict(ranked)
        wanted = {key: Interest(key, 0, counts.get(key, 0)) for key in own}
        there = self.shared.rows("publication", [*own, *counts])
        left = self.chosen.publications
        further = []
        for key, count in ranked:
            if left == 0:
                break
            if key not in wanted:
                further.append(key)
                wanted[key] = Interest(key, 1, count)
                left -= 0 if there.get(key, self.declared[key])["declined"] else 1
        missing = [self.declared[key] for key in wanted if key not in there and key in self.declared]
        self.shared.account(publication_row(renewed(None, payload)) for payload in missing)
        if wanted != interests_of(self.crawl.state, self.user, SOURCE):
            set_interests(self.crawl.state, self.user, SOURCE, wanted.values())
        return further

    def _in_turn(self, keys: Iterable[str]) -> list[str]:
        """Those never crawled first, then by time of the last crawl, so that a small budget reaches all."""
        keys = list(keys)
        feeds = self.shared.cursors([f"feed:{key}" for key in keys])
        return sorted(keys, key=lambda key: feeds.get(f"feed:{key}", {}).get("checked_at", ""))


def _unnamed(key: str, origin: str) -> Payload:
    """A publication of which only the address is known; its feed has its name."""
    unknown = dict.fromkeys(("subdomain", "custom_domain", "name", "description", "language", "author"))
    return {"publication_id": key, **unknown, "declared": origin, "base": None, "declined": False}


def _time(iso: str) -> datetime:
    return datetime.fromisoformat(iso)
