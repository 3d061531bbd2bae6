"""One post, put together from what the archive, the feed and its own address say of it.

Belongs here: which of them is believed, and what is kept of a post as a row of the crawl. Nothing here asks
for anything. Counts of likes and comments are in none of it, so that only an edit changes a row.

The archive knows ids, audience and tags, but no body; the feed knows bodies, but neither id nor audience.
Where both tell a thing, the first word stands until the feed says something new: then the writer has edited.
"""

from qualia_assets.sources.base import clean_line
from qualia_assets.sources.substack.address import canonical_image_url
from qualia_assets.sources.substack.feed import FeedPost, body_of
from qualia_assets.sources.substack.html import editorial_sha256, first_image
from qualia_assets.sources.substack.wire import Audience, Post, Reader, Type, utc
from qualia_assets.state.crawl import Payload, Row

_KNOWN_OF_NONE: Payload = {
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
    """What is known of a post once the archive, or its own address, has told of it."""
    known = _begin(old, str(post.publication_id), post.slug, str(post.id))
    audience = reader.word("audience", post.audience, Audience)
    if audience != "everyone" and known["body_status"] == "full":
        # What the feed gave away is public; what was fetched while it was free is so no longer.
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
    """What is known of a post once its own address has told of it: its body, too, or that there is none."""
    known = from_archive(post, old, reader) | {"asked": True}
    body, status = body_of(post.body_html or "", post.slug)
    if body is None:
        return known
    if known["audience"] != "everyone":
        status = "preview"
    return known | {"body": body, "body_status": status, "pictured": first_image(post.body_html or "")}


def from_feed(item: FeedPost, publication_id: str, old: Payload | None) -> Payload:
    """What is known of a post once the feed has told of it."""
    known = _begin(old, publication_id, item.slug, None)
    if known["feed_sha256"] == item.sha256:
        return known
    edited = known["feed_sha256"] is not None
    told = {
        "title": item.title,
        "subtitle": item.subtitle,
        "author": item.author,
        "date": utc(item.date),
        "cover": item.image_url,
    }
    if edited:
        known |= {key: value for key, value in told.items() if value or key == "subtitle"}
    else:
        known |= {key: value for key, value in told.items() if known[key] is None}
    if item.body_status != "none" and _takes_body(known, item, edited):
        status = item.body_status if known["audience"] in ("everyone", "unknown") else "preview"
        known |= {"body": item.body, "body_status": status, "pictured": item.pictured}
    return known | {"feed_sha256": item.sha256, "feed_status": item.body_status}


def _takes_body(known: Payload, item: FeedPost, edited: bool) -> bool:
    if known["body_status"] != "full":
        return True
    # A feed that gave all of it and now gives a preview tells that the post has gone behind the paywall;
    # one that never gave more than a preview tells nothing of the body that its own address gave.
    return edited and (item.body_status == "full" or known["feed_status"] == "full")


def _begin(old: Payload | None, publication_id: str, slug: str, post_id: str | None) -> Payload:
    """What was known, or nothing; the id is fixed at first sight."""
    first = {"item_id": post_id or f"{publication_id}-{slug}"}
    known = {**_KNOWN_OF_NONE, **first, **(old or {}), "publication_id": publication_id, "slug": slug}
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
    """What stays of a post that must not be kept: its name, so that it has the same id if it comes back."""
    payload = {name: known[name] for name in ("item_id", "post_id", "publication_id", "slug")}
    return Row("post", key_of(known["publication_id"], known["slug"]), payload, known["publication_id"])
