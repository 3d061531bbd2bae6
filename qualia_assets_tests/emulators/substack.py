"""A Substack on this machine: a small world that answers over a real socket as the service does.

Hosts are told apart by the Host header. The world may change between requests, or at one; it notes every
request. Every object that it sends carries secrets, as the real ones do, and numbers that readers change.
"""

import asyncio
import hashlib
import html
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

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
    """JSON in ASCII, as it can also hold what no UTF-8 can."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode()


@dataclass
class Post:
    """What a publication has published."""

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
    """Fields of its JSON that are sent in place of those here; one that is Ellipsis is left out."""


@dataclass
class Publication:
    """Who publishes, and where."""

    id: int
    subdomain: str
    name: str
    author: str
    custom_domain: str | None = None
    former: set[str] = field(default_factory=set)
    """Hosts that still lead here."""
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
    """A person with a public profile."""

    id: int
    handle: str
    reads: list[int]
    writes: list[int]
    former: set[str] = field(default_factory=set)
    hides: bool = False
    truncated: bool = False
    sent: dict[str, Any] = field(default_factory=dict)


@dataclass
class Asked:
    """One request, and the status that it was answered with: None while it waits."""

    at: float
    host: str
    path: str
    query: str
    headers: dict[str, str]
    status: int | None = None

    @property
    def url(self) -> str:
        return f"{self.host}{self.path}" + (f"?{self.query}" if self.query else "")


@dataclass
class Fault:
    """What comes in place of an answer, so many times (None: always)."""

    answer: Callable[[], Response]
    host: str | None
    path: str
    left: int | None


class SubstackServer:
    """The world and the server in front of it. Use it as a context; its ``url`` is where to send requests."""

    def __init__(self) -> None:
        self.publications: dict[int, Publication] = {}
        self.readers: list[Reader] = []
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.robots: dict[str, str] = {}
        self.short_pages: list[int] = []
        """Sizes of the next pages of archives, instead of the limit asked for."""
        self.ignores_offset = False
        """Whether archives send their first page whatever was asked for."""
        self.on_request: Callable[[Asked], None] = lambda asked: None
        self.stall_at: int | None = None
        """The place in ``asked`` from which on requests are not answered."""
        self._ids = iter(range(1001, 10**9))
        self._feeds: dict[tuple[Any, ...], bytes] = {}
        self._lock = threading.RLock()

    # Changing the world

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
            told = {"title": f"Title of {slug}", "html": f"<p>All of {words}.</p>", **more}
            post = Post(next(self._ids), slug, date=date, **told)
            publication.posts.append(post)
            return post

    def reader(self, handle: str, reads: list[Publication], **more: Any) -> Reader:
        """A person who reads these publications."""
        writes = [publication.id for publication in more.pop("writes", [])]
        made = Reader(next(self._ids), handle, [p.id for p in reads], writes, **more)
        self.readers.append(made)
        return made

    def like(self, publication: Publication) -> None:
        """Every post of it is liked once more."""
        with self._lock:
            for post in publication.posts:
                post.likes += 1

    def move(self, publication: Publication, domain: str) -> None:
        """Its new domain; what led to it before, still does."""
        with self._lock:
            publication.former.add(publication.host)
            publication.custom_domain = domain

    def rename(self, reader: Reader, handle: str) -> None:
        with self._lock:
            reader.former.add(reader.handle)
            reader.handle = handle

    # Being unwell

    def fail(
        self,
        answer: Callable[[], Response],
        host: str | None = None,
        path: str = "",
        times: int | None = None,
    ) -> None:
        """Answer in this way, where host and beginning of the path are such."""
        self.faults.append(Fault(answer, host, path, times))

    def challenge(self, host: str | None = None, path: str = "") -> None:
        self.fail(lambda: Response(CHALLENGE, 403, media_type="text/html"), host, path)

    def too_many(self, retry_after: str | None, host: str | None = None, times: int | None = 1) -> None:
        headers = {"Retry-After": retry_after} if retry_after is not None else {}
        self.fail(lambda: Response("Too many requests", 429, headers), host, times=times)

    def poison(self, host: str | None = None, path: str = "/", times: int | None = None) -> None:
        """A refusal that says it is an answer."""
        self.fail(lambda: Response("Too many requests", 200, media_type="text/html"), host, path, times)

    # What was asked

    def urls(self, since: int = 0) -> list[str]:
        """What was asked and answered, robots.txt left out, in order."""
        return [asked.url for asked in self.answered(since)]

    def answered(self, since: int = 0) -> list[Asked]:
        with self._lock:
            told = self.asked[since:]
        return [asked for asked in told if asked.status is not None and asked.path != "/robots.txt"]

    def paths(self, host: str, since: int = 0) -> list[str]:
        return [url.removeprefix(host) for url in self.urls(since) if url.split("/")[0] == host]

    def counts(self) -> Counter[str]:
        return Counter(self.urls())

    # Serving

    def __enter__(self) -> "SubstackServer":
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", self._serve)])
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", http="h11")
        self._server = uvicorn.Server(config)
        self._server.force_exit = True
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(5)

    async def _serve(self, request: Request) -> Response:
        headers = dict(request.headers)
        asked = Asked(time.monotonic(), headers["host"], request.url.path, request.url.query, headers)
        with self._lock:
            place = len(self.asked)
            self.asked.append(asked)
            self.on_request(asked)
        if self.stall_at is not None and place >= self.stall_at:
            await asyncio.sleep(3600)
        with self._lock:
            response = self._fault(asked) or self._answer(asked, request)
            asked.status = response.status_code
        response.set_cookie("substack.sid", COOKIE)
        return response

    def _fault(self, asked: Asked) -> Response | None:
        for fault in self.faults:
            here = fault.host in (None, asked.host) and asked.path.startswith(fault.path)
            if here and asked.path != "/robots.txt" and fault.left != 0:
                fault.left = None if fault.left is None else fault.left - 1
                return fault.answer()
        return None

    def _answer(self, asked: Asked, request: Request) -> Response:
        if asked.path == "/robots.txt":
            return Response(self.robots.get(asked.host, ROBOTS), media_type="text/plain")
        if asked.host == HOME:
            return self._at_home(asked)
        for publication in self.publications.values():
            if asked.host == publication.host:
                return self._at(publication, asked, request)
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
                            settings = {
                                "block_ai_crawlers": publication.declines,
                                "custom_tos_and_privacy": False,
                            }
                            return JSONResponse(
                                {
                                    "post": self._post(publication, post, body=True),
                                    "publication": self._publication(publication),
                                    "publicationSettings": settings,
                                }
                            )
        return JSONResponse({"error": "Not found"}, 404)

    def _at(self, publication: Publication, asked: Asked, request: Request) -> Response:
        match asked.path.strip("/").split("/"):
            case ["feed"]:
                return self._feed(publication, asked)
            case ["api", "v1", "archive"]:
                offset, limit = (int(request.query_params.get(name, 0)) for name in ("offset", "limit"))
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
                "custom_domain_optional": False,
                "hero_text": f"What {publication.name} is about.",
                "logo_url": f"https://substack-post-media.s3.amazonaws.com/logo.png?token={SIGNATURE}",
                "language": None,
                "payments_state": "enabled",
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
                "podcast_url": None,
                "description": post.subtitle,
                "body_json": None,
                "body_html": written if body else None,
                "truncated_body_text": "The beginning.",
                "wordcount": 100 + post.likes,
                "postTags": [
                    {"id": "t", "publication_id": publication.id, "name": "essays", "hidden": False}
                ],
                "publishedBylines": [
                    {
                        "id": publication.id + 7,
                        "name": publication.author,
                        "handle": "author",
                        "publicationUsers": [
                            {
                                "publication_id": publication.id,
                                "publication": {"id": publication.id, "subdomain": publication.subdomain},
                            }
                        ],
                    }
                ],
                "reaction_count": post.likes,
                "comment_count": post.likes,
                **SECRETS,
            },
            post.sent,
        )

    def _feed(self, publication: Publication, asked: Asked) -> Response:
        shown = publication.newest[:_OF_FEED]
        told = [(p.slug, p.title, p.subtitle, p.html, p.preview, p.audience, p.date) for p in shown]
        key = (publication.host, publication.name, publication.author, tuple(told))
        if key not in self._feeds:
            self._feeds[key] = _feed(publication, shown)
        return _tagged(Response(self._feeds[key], media_type="application/xml"), asked)


def _tagged(response: Response, asked: Asked) -> Response:
    """The response with an ETag, or a 304 where that is what was asked with."""
    tag = f'W/"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    if asked.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


def cover_of(slug: str) -> str:
    """The address of a post's picture, without what does not matter."""
    return f"https://substack-post-media.s3.amazonaws.com/public/images/{slug}-1456x816.png"


def _cover(post: Post) -> str:
    origin = cover_of(post.slug).replace(":", "%3A").replace("/", "%2F")
    return f"https://substackcdn.com/image/fetch/f_auto,q_auto:good/{origin}?token={SIGNATURE}"


def _as_sent(told: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**told, **sent}.items() if value is not ...}


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
