"""Substack on this machine: profiles, archives, feeds, posts and recommendations.

Hosts are told apart by the Host header. Tests may change publications between requests, or on one. Every
object sent carries secrets, as the real ones do, and counts that readers change.
"""

import hashlib
import html
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import RedirectResponse, Response

from qualia_assets_tests.emulators import base
from qualia_assets_tests.emulators.base import Emulator, Fault, Faults, retrying

HOME = "substack.com"
SECRETS = {
    "stripe_user_id": "planted-stripe-user",
    "stripe_publishable_key": "planted-stripe-key",
    "subscribe_auth_token": "planted-subscribe-token",
    "podcast_rss_token": "planted-podcast-token",
    "email_from_name": "planted-email",
}
COOKIE = "planted-cookie"
SIGNATURE = "planted-signature"
ROBOTS = "User-agent: *\nDisallow: /action/\nDisallow: /subscribe\nDisallow: /embed\n"
CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_OF_FEED = 20


class JSONResponse(Response):
    """JSON in ASCII, which can hold what UTF-8 cannot."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


@dataclass
class Post:
    """A post of a publication."""

    id: int
    slug: str
    title: str
    date: datetime
    subtitle: str = "What it is about."
    html: str = "<p>All of it.</p>"
    preview: str = "<p>The beginning.</p>"
    audience: str = "everyone"
    type: str = "newsletter"
    likes: int = 3
    sent: dict[str, Any] = field(default_factory=dict)
    """Fields of its JSON that are sent instead; one that is Ellipsis is left out."""


@dataclass
class Publication:
    """A publication and its posts."""

    id: int
    subdomain: str
    name: str
    author: str
    custom_domain: str | None = None
    former: set[str] = field(default_factory=set)
    """Hosts that still redirect here."""
    posts: list[Post] = field(default_factory=list)
    recommends: list[int] = field(default_factory=list)
    declines: bool = False
    sent: dict[str, Any] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.custom_domain or f"{self.subdomain}.substack.com"

    @property
    def newest(self) -> list[Post]:
        return sorted(self.posts, key=lambda post: post.date, reverse=True)


@dataclass
class Reader:
    """A person with a public profile, the ids of what they read and write."""

    id: int
    handle: str
    reads: list[int]
    writes: list[int]
    former: set[str] = field(default_factory=set)
    hides: bool = False
    truncated: bool = False
    sent: dict[str, Any] = field(default_factory=dict)


class Asked(base.Asked):
    """One request, and the status of its answer: None while there is none."""

    @property
    def url(self) -> str:
        return f"{self.host}{self.path}" + (f"?{self.query}" if self.query else "")


class SubstackServer(Emulator):
    """The service, and the publications and readers that it knows."""

    asked_as = Asked

    def __init__(self) -> None:
        self.publications: dict[int, Publication] = {}
        self.readers: list[Reader] = []
        self.asked: list[Asked] = []
        self.faults: Faults[Callable[[], Response]] = Faults()
        self.robots: dict[str, str] = {}
        self.short_pages: list[int] = []
        """Sizes of the next pages of archives, instead of the limit requested."""
        self.ignores_offset = False
        """Whether archives send their first page for every offset."""
        self.on_request: Callable[[Asked], None] = lambda asked: None
        self._ids = iter(range(1001, 10**9))
        self._lock = threading.RLock()

    # Changes

    def publication(self, subdomain: str, posts: int = 0, **more: Any) -> Publication:
        """A new publication, with so many free posts, one a day."""
        made = Publication(
            next(self._ids), subdomain, f"The {subdomain} letter", f"Author of {subdomain}", **more
        )
        self.publications[made.id] = made
        for _ in range(posts):
            self.publish(made)
        return made

    def publish(self, publication: Publication, slug: str | None = None, **more: Any) -> Post:
        """A post, newer than all others of its publication."""
        with self._lock:
            number = len(publication.posts) + 1
            slug = slug or f"post-{number}"
            date = more.pop("date", BEGAN + timedelta(days=number))
            words = f"{publication.name}, {slug}"
            usual = {"title": f"Title of {slug}", "html": f"<p>All of {words}.</p>"}
            post = Post(next(self._ids), slug, date=date, **usual | more)
            publication.posts.append(post)
            return post

    def reader(self, handle: str, reads: list[Publication], **more: Any) -> Reader:
        """A person who reads these publications."""
        writes = [publication.id for publication in more.pop("writes", [])]
        made = Reader(next(self._ids), handle, [p.id for p in reads], writes, **more)
        self.readers.append(made)
        return made

    def like(self, publication: Publication) -> None:
        """Like every post of it once more."""
        with self._lock:
            for post in publication.posts:
                post.likes += 1

    def move(self, publication: Publication, domain: str) -> None:
        """Give it a new domain; the old one redirects."""
        with self._lock:
            publication.former.add(publication.host)
            publication.custom_domain = domain

    def rename(self, reader: Reader, handle: str) -> None:
        with self._lock:
            reader.former.add(reader.handle)
            reader.handle = handle

    # Faults

    def fail(
        self,
        answer: Callable[[], Response],
        host: str | None = None,
        path: str = "",
        times: int | None = None,
    ) -> None:
        """Answer in this way where the host and the beginning of the path match."""

        def here(asked: base.Asked) -> bool:
            matches = host in (None, asked.host) and asked.path.startswith(path)
            return matches and asked.path != "/robots.txt"

        self.faults.append(Fault(answer, times, here))

    def challenge(self, host: str | None = None, path: str = "") -> None:
        self.fail(lambda: Response(CHALLENGE, 403, media_type="text/html"), host, path)

    def too_many(self, retry_after: str | None, host: str | None = None, times: int | None = 1) -> None:
        self.fail(lambda: Response("Too many requests", 429, retrying(retry_after)), host, times=times)

    def poison(self, host: str | None = None, path: str = "/", times: int | None = None) -> None:
        """A refusal with the status of an answer."""
        self.fail(lambda: Response("Too many requests", 200, media_type="text/html"), host, path, times)

    # What was requested

    def urls(self, since: int = 0) -> list[str]:
        """What was requested and answered, robots.txt left out, in order."""
        return [asked.url for asked in self.answered(since)]

    def answered(self, since: int = 0) -> list[Asked]:
        with self._lock:
            requests = self.asked[since:]
        return [asked for asked in requests if asked.status is not None and asked.path != "/robots.txt"]

    def paths(self, host: str, since: int = 0) -> list[str]:
        return [url.removeprefix(host) for url in self.urls(since) if url.split("/")[0] == host]

    def counts(self) -> Counter[str]:
        return Counter(self.urls())

    # Answers

    async def respond(self, asked: base.Asked) -> Response:
        assert isinstance(asked, Asked)
        with self._lock:
            self.asked.append(asked)
            self.on_request(asked)
        with self._lock:
            fault = self.faults.take(asked)
            response = fault() if fault else self._answer(asked)
        response.set_cookie("substack.sid", COOKIE)
        return response

    def _answer(self, asked: Asked) -> Response:
        if asked.path == "/robots.txt":
            return Response(self.robots.get(asked.host, ROBOTS), media_type="text/plain")
        if asked.host == HOME:
            return self._at_home(asked)
        for publication in self.publications.values():
            if asked.host == publication.host:
                return self._at(publication, asked)
            if asked.host in (f"{publication.subdomain}.substack.com", *publication.former):
                query = f"?{asked.query}" if asked.query else ""
                return RedirectResponse(f"https://{publication.host}{asked.path}{query}", 301)
        return Response("Not found", 404)

    def _at_home(self, asked: Asked) -> Response:
        match asked.path.strip("/").split("/"):
            case ["api", "v1", "user", handle, "public_profile"]:
                for reader in self.readers:
                    if handle == reader.handle:
                        return _tagged(JSONResponse(self._profile(reader)), asked)
                    if handle in reader.former:
                        return RedirectResponse(f"https://{HOME}/api/v1/user/{reader.handle}/public_profile")
            case ["api", "v1", "posts", "by-id", post_id]:
                for publication in self.publications.values():
                    for post in publication.posts:
                        if str(post.id) == post_id:
                            sent = {
                                "post": self._post(publication, post, body=True),
                                "publication": self._publication(publication),
                                "publicationSettings": {"block_ai_crawlers": publication.declines},
                            }
                            return JSONResponse(sent)
        return JSONResponse({"error": "Not found"}, 404)

    def _at(self, publication: Publication, asked: Asked) -> Response:
        match asked.path.strip("/").split("/"):
            case ["feed"]:
                return self._feed(publication, asked)
            case ["api", "v1", "archive"]:
                query = parse_qs(asked.query)
                offset, limit = (int(query.get(name, ["0"])[0]) for name in ("offset", "limit"))
                offset = 0 if self.ignores_offset else offset
                size = self.short_pages.pop(0) if self.short_pages else limit
                page = publication.newest[offset : offset + min(limit, size)]
                return JSONResponse([self._post(publication, post, body=False) for post in page])
            case ["api", "v1", "posts", slug]:
                for post in publication.posts:
                    if post.slug == slug:
                        return JSONResponse(self._post(publication, post, body=True))
            case ["api", "v1", "recommendations", "from", key] if key == str(publication.id):
                return JSONResponse([self._recommendation(publication, to) for to in publication.recommends])
        return JSONResponse({"error": "Not found"}, 404)

    def _profile(self, reader: Reader) -> dict[str, Any]:
        def listed(key: int) -> dict[str, Any]:
            publication = self._publication(self.publications[key])
            return {
                "id": key + 5,
                "publication_id": key,
                "publication": publication,
                "role": "admin",
                **SECRETS,
            }

        return _as_sent(
            {
                "id": reader.id,
                "name": "A reader",
                "handle": reader.handle,
                "bio": "Reads.",
                "publicationUsers": [listed(key) for key in reader.writes],
                "subscriptions": [
                    {"membership_state": "free_signup", "visibility": "public", **listed(key)}
                    for key in reader.reads
                ],
                "subscriptionsTruncated": reader.truncated,
                "hasHiddenSubscriptions": reader.hides,
                "subscriberCountNumber": 88,
                **SECRETS,
            },
            reader.sent,
        )

    def _publication(self, publication: Publication) -> dict[str, Any]:
        return _as_sent(
            {
                "id": publication.id,
                "name": publication.name,
                "subdomain": publication.subdomain,
                "custom_domain": publication.custom_domain,
                "hero_text": f"What {publication.name} is about.",
                "logo_url": f"https://substack-post-media.s3.amazonaws.com/logo.png?token={SIGNATURE}",
                "language": None,
                "author": {"id": publication.id + 7, "name": publication.author, "handle": "author"},
                **SECRETS,
            },
            publication.sent,
        )

    def _recommendation(self, publication: Publication, to: int) -> dict[str, Any]:
        return {
            "id": to + publication.id,
            "recommending_publication_id": publication.id,
            "recommended_publication_id": to,
            "description": None,
            "recommendedPublication": self._publication(self.publications[to]),
        }

    def _post(self, publication: Publication, post: Post, body: bool) -> dict[str, Any]:
        written = post.html if post.audience == "everyone" else post.preview
        return _as_sent(
            {
                "id": post.id,
                "publication_id": publication.id,
                "title": post.title,
                "type": post.type,
                "slug": post.slug,
                "post_date": post.date.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "audience": post.audience,
                "canonical_url": f"https://{publication.host}/p/{post.slug}",
                "reactions": {"❤": post.likes},
                "restacks": post.likes,
                "subtitle": post.subtitle,
                "cover_image": _cover(post),
                "body_html": written if body else None,
                "truncated_body_text": "The beginning.",
                "wordcount": 100 + post.likes,
                "postTags": [{"id": "t", "publication_id": publication.id, "name": "essays"}],
                "publishedBylines": [{"id": publication.id + 7, "name": publication.author}],
                "reaction_count": post.likes,
                "comment_count": post.likes,
                **SECRETS,
            },
            post.sent,
        )

    def _feed(self, publication: Publication, asked: Asked) -> Response:
        shown = publication.newest[:_OF_FEED]
        return _tagged(Response(_feed(publication, shown), media_type="application/xml"), asked)


def _tagged(response: Response, asked: Asked) -> Response:
    """The response with an ETag, or a 304 where the request has the same."""
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    if asked.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


def cover_of(slug: str) -> str:
    """The canonical address of a post's picture."""
    return f"https://substack-post-media.s3.amazonaws.com/public/images/{slug}-1456x816.png"


def _cover(post: Post) -> str:
    origin = cover_of(post.slug).replace(":", "%3A").replace("/", "%2F")
    return f"https://substackcdn.com/image/fetch/f_auto,q_auto:good/{origin}?token={SIGNATURE}"


def _as_sent(usual: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (usual | sent).items() if value is not ...}


def _feed(publication: Publication, shown: list[Post]) -> bytes:
    items = "".join(_item(publication, post) for post in shown)
    link = f"https://{publication.host}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" version="2.0"><channel>'
        f"<title><![CDATA[{publication.name}]]></title><description><![CDATA[About.]]></description>"
        f"<link>{link}</link><generator>Substack</generator>{items}</channel></rss>"
    ).encode()


def _item(publication: Publication, post: Post) -> str:
    link = f"https://{publication.host}/p/{post.slug}"
    body = post.html
    if post.audience != "everyone":
        body = f'{post.preview}\n<p>\n  <a href="{link}">\n    Read more\n  </a>\n</p>\n'
    return (
        f"<item><title><![CDATA[{post.title}]]></title>"
        f"<description><![CDATA[{post.subtitle}]]></description><link>{link}</link>"
        f'<guid isPermaLink="false">{link}</guid><dc:creator><![CDATA[{publication.author}]]></dc:creator>'
        f"<pubDate>{format_datetime(post.date, usegmt=True)}</pubDate>"
        f'<enclosure url="{html.escape(_cover(post))}" length="0" type="image/png"/>'
        f"<content:encoded><![CDATA[{body}]]></content:encoded></item>"
    )
