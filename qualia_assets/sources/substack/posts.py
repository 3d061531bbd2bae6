"""One post, combined from the archive, the feed and its own address.

Belongs here: which of them takes precedence, and the row of a post. No requests are made here. Counts of
likes and comments are left out, so that only an edit changes a row.

The archive has ids, audience and tags, but no body; the feed has bodies, but neither id nor audience. A field
that both have keeps its first value until the feed changes: then the writer has edited.
"""

from qualia_assets.sources.base import clean_line
from qualia_assets.sources.substack.address import canonical_image_url
from qualia_assets.sources.substack.feed import FeedPost, body_of
from qualia_assets.sources.substack.html import editorial_sha256, first_image
from qualia_assets.sources.substack.wire import Audience, Post, Reader, Type, utc
from qualia_assets.state.crawl import Payload, Row

_UNKNOWN: Payload = {
    "post_id": None,
    "title": None,
    "subtitle": None,
    "body": None,
    "body_status": "none",
    "audience": "unknown",
    "kind": None,
    "tags": [],
    "author": None,
    "date": None,
    "cover": None,
    "pictured": None,
    "feed_sha256": None,
    "feed_status": None,
    "asked": False,
}


def from_archive(post: Post, old: Payload | None, reader: Reader) -> Payload:
    """The known fields of a post, updated from the archive or from its own address."""
    known = _begin(old, str(post.publication_id), post.slug, str(post.id))
    audience = reader.word("audience", post.audience, Audience)
    if audience != "everyone" and known["body_status"] == "full":
        # A body from the feed is public; one fetched while the post was free no longer is.
        if known["audience"] == "everyone":
            known |= {"body": None, "body_status": "none"}
        else:
            known |= {"body_status": "preview"}
    return known | {
        "post_id": str(post.id),
        "title": clean_line(post.title),
        "subtitle": clean_line(post.subtitle),
        "audience": audience,
        "kind": reader.word("type", post.type, Type),
        "tags": post.tags,
        "author": post.author or known["author"],
        "date": utc(post.post_date),
        "cover": (canonical_image_url(post.cover_image) if post.cover_image else None) or known["cover"],
    }


def from_own_page(post: Post, old: Payload, reader: Reader) -> Payload:
    """The known fields of a post, updated from its own address, including the body, if any."""
    known = from_archive(post, old, reader) | {"asked": True}
    body, status = body_of(post.body_html or "", post.slug)
    if body is None:
        return known
    if known["audience"] != "everyone":
        status = "preview"
    return known | {"body": body, "body_status": status, "pictured": first_image(post.body_html or "")}


def from_feed(item: FeedPost, publication_id: str, old: Payload | None) -> Payload:
    """The known fields of a post, updated from the feed."""
    known = _begin(old, publication_id, item.slug, None)
    if known["feed_sha256"] == item.sha256:
        return known
    edited = known["feed_sha256"] is not None
    sent = {
        "title": item.title,
        "subtitle": item.subtitle,
        "author": item.author,
        "date": utc(item.date),
        "cover": item.image_url,
    }
    if edited:
        known |= {key: value for key, value in sent.items() if value or key == "subtitle"}
    else:
        known |= {key: value for key, value in sent.items() if known[key] is None}
    if item.body_status != "none" and _takes_body(known, item, edited):
        status = item.body_status if known["audience"] in ("everyone", "unknown") else "preview"
        known |= {"body": item.body, "body_status": status, "pictured": item.pictured}
    return known | {"feed_sha256": item.sha256, "feed_status": item.body_status}


def _takes_body(known: Payload, item: FeedPost, edited: bool) -> bool:
    if known["body_status"] != "full":
        return True
    # If the feed had the complete body and now has a preview, the post has gone behind the paywall; if it
    # never had more than a preview, the body from the post's own address stays.
    return edited and (item.body_status == "full" or known["feed_status"] == "full")


def _begin(old: Payload | None, publication_id: str, slug: str, post_id: str | None) -> Payload:
    """The fields known so far; the id is fixed when the post is first seen."""
    first = {"item_id": post_id or f"{publication_id}-{slug}"}
    known = {**_UNKNOWN, **first, **(old or {}), "publication_id": publication_id, "slug": slug}
    known.pop("gone_at", None)
    return known


def key_of(publication_id: str, slug: str) -> str:
    return f"{publication_id}/{slug}"


def row_of(known: Payload) -> Row:
    """The row of a post."""
    image = known["cover"] or known["pictured"]
    written = editorial_sha256(known["title"], known["subtitle"], known["body"], known["audience"], image)
    payload = {**known, "image_url": image, "editorial_sha256": written}
    return Row("post", key_of(known["publication_id"], known["slug"]), payload, known["publication_id"])


def emptied(known: Payload) -> Row:
    """What is left of a post that must not be stored: its name, for the same id if it comes back."""
    payload = {name: known[name] for name in ("item_id", "post_id", "publication_id", "slug")}
    return Row("post", key_of(known["publication_id"], known["slug"]), payload, known["publication_id"])
