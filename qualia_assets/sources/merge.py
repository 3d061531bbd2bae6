"""Merges rows of one item that came by more than one way: from the service's export and by crawling.

Belongs here: which rows are the same item, and which of them takes precedence. Pure functions on rows.
"""

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]

_BODIES = ("none", "preview", "full")


def merged_posts(exported: Iterable[Row], scraped: Iterable[Row]) -> list[Row]:
    """Posts of a user's Substack export and of the crawl, each once.

    Two are the same if they have the same ``post_id`` or, while the crawl does not know it, the same slug and
    title. The more complete body takes precedence, among equals the crawl's, which sees edits. The id is the
    export's (the service's own), the hop the nearest; missing fields are filled from the other row.
    """
    own = list(exported)
    by_id = {row["post_id"]: row for row in own if row["post_id"]}
    by_name = {(row["slug"], row["title"]): row for row in own}
    taken: set[str] = set()
    out = []
    for row in scraped:
        twin = by_id.get(row["post_id"]) if row["post_id"] else by_name.get((row["slug"], row["title"]))
        if twin is not None and twin["item_id"] not in taken:
            taken.add(twin["item_id"])
            ranked = sorted((row, twin), key=lambda r: -_BODIES.index(r["body_status"]))
            out.append({**_filled(ranked), "item_id": twin["item_id"]})
        else:
            out.append(row)
    return out + [row for row in own if row["item_id"] not in taken]


def merged_pins(exported: Iterable[Row], scraped: Iterable[Row]) -> list[Row]:
    """Pins of a user's data download and of the API, each once; the API's newer fields take precedence.

    A pin that the API no longer has is left out, whatever the older download says.
    """
    own = {row["item_id"]: row for row in exported}
    out = []
    for row in scraped:
        twin = own.pop(row["item_id"], None)
        if row["gone_at"] is None:
            out.append(_filled((row, twin)) if twin else row)
    return out + list(own.values())


def _filled(rows: Sequence[Row]) -> Row:
    """The first row with its empty fields filled from the second, and the nearest hop."""
    first, second = rows
    merged = {**second, **{key: value for key, value in first.items() if value not in (None, [], "")}}
    return {**merged, "hop": min(first["hop"], second["hop"])}
