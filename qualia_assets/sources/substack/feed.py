"""A publication's feed: the newest posts with their bodies, in one document.

Belongs here: parsing it from untrusted bytes. It has neither a post's id nor its audience; a body that is
only a preview ends with a link to the post itself.
"""

import html
import io
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import feedparser

from qualia_assets.net.base import Unusable
from qualia_assets.sources.base import clean_line
from qualia_assets.sources.substack.address import canonical_image_url
from qualia_assets.sources.substack.html import first_image, plain_text
from qualia_assets.sources.substack.wire import SLUG, Reader
from qualia_assets.state.crawl import digest

BodyStatus = Literal["full", "preview", "none"]
_MOST_ITEMS = 100
_LONGEST_LINK = 2_000
_LONGEST_LINE = 10_000
# What the parser raises for lone surrogates, invalid character references and false encodings.
_PARSER_FAILS = (ValueError, OverflowError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class FeedPost:
    """One item of a feed. ``body`` is plain text, ``image_url`` the enclosure's canonical address."""

    slug: str
    title: str | None
    subtitle: str | None
    author: str | None
    date: datetime
    body: str | None
    body_status: BodyStatus
    image_url: str | None
    pictured: str | None
    """The first picture in the body."""

    @property
    def sha256(self) -> str:
        """A digest of the fields that the feed has of the post."""
        return digest([self.title, self.subtitle, self.body, self.body_status, self.image_url])


@dataclass(frozen=True)
class Feed:
    """The title of a feed and its posts, in the order sent."""

    title: str | None
    posts: tuple[FeedPost, ...]


def read_feed(body: bytes, record: str, reader: Reader) -> Feed:
    """Parse a feed; items without a usable link or time become rejects of the reader.

    Args:
        body: the document.
        record: where it came from, for rejects.
        reader: collects rejects.

    Raises:
        Unusable: it is no feed, or incomplete.
    """
    try:
        # A stream, as bytes could be taken for a file name; the HTML in it is cleaned by ``html``.
        parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except _PARSER_FAILS:
        raise Unusable("What came is not a feed that can be read.") from None
    complete = not parsed.bozo or body.rstrip().endswith(b"</rss>")
    if not parsed.get("version", "").startswith("rss") or not complete:
        raise Unusable("What came is not a complete feed.")
    posts: dict[str, FeedPost] = {}
    for place, entry in enumerate(parsed.entries[:_MOST_ITEMS]):
        post = _post(entry)
        if post is None:
            reader.reject(f"{record}#{place}", "has no link to a post, or no time", "Nothing to do here.")
        else:
            posts.setdefault(post.slug, post)
    return Feed(_line(parsed.feed.get("title")), tuple(posts.values()))


def body_of(markup: str, slug: str) -> tuple[str | None, BodyStatus]:
    """The plain text of a body, and whether it is complete.

    A body that ends with a link ``Read more`` to the post itself is a preview; the link is left out.
    """
    start = markup.rfind("<a ")
    ending = markup[start:] if start >= 0 else ""
    preview = len(ending) <= _LONGEST_LINK and _is_read_more(ending, slug)
    text = plain_text(markup[:start] if preview else markup) or None
    return text, ("preview" if preview else "full") if text else "none"


def _is_read_more(ending: str, slug: str) -> bool:
    if plain_text(ending).casefold() != "read more":
        return False
    address = ending.partition('href="')[2].partition('"')[0]
    return _slug(html.unescape(address)) == slug


def _slug(link: Any) -> str | None:
    """The slug in the address of a post on any domain."""
    try:
        path = urlsplit(link if isinstance(link, str) else "").path
    except ValueError:
        return None
    head, _, slug = path.rstrip("/").rpartition("/p/")
    return slug if not head and SLUG.fullmatch(slug) else None


def _post(entry: Any) -> FeedPost | None:
    slug, date = _slug(entry.get("link")), _time(entry.get("published_parsed"))
    if slug is None or date is None:
        return None
    markup = next((c.value for c in entry.get("content", ()) if c.get("value")), "")
    body, status = body_of(markup, slug)
    # For an item without a description, the parser returns its content instead.
    subtitle = entry.get("summary")
    pictures = (link.get("href") for link in entry.get("links", ()) if _is_picture(link))
    return FeedPost(
        slug=slug,
        title=_line(entry.get("title")),
        subtitle=_line(subtitle) if subtitle != markup else None,
        author=_line(entry.get("author")),
        date=date,
        body=body,
        body_status=status,
        image_url=next(filter(None, (canonical_image_url(p) for p in pictures if p)), None),
        pictured=first_image(markup),
    )


def _is_picture(link: Any) -> bool:
    return link.get("rel") == "enclosure" and str(link.get("type")).startswith("image/")


def _line(value: Any) -> str | None:
    return clean_line(value[:_LONGEST_LINE]) if isinstance(value, str) else None


def _time(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None
