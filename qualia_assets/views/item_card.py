"""What is shown of one item beside a map: its words, and what was said of it.

Belongs here: picking that from the tables, cut to what a card can hold. Names of clusters are in ``points``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from qualia_assets.views.items import Items
from qualia_assets.views.points import plain

LONGEST_TITLE = 300
LONGEST_EXCERPT = 420
LONGEST_FIELD = 1_200
FIELDS = ("summary", "aesthetic", "themes", "mood", "lifestyle", "moment")


def card(items: Items, item: str) -> dict[str, Any] | None:
    """The card of an item, for a script; None where there is no such item. Its texts are plain text."""
    found = items.artefact(item)
    if found is None:
        return None
    said = items.annotation(item) or {}
    title = plain(found["title"] or "", LONGEST_TITLE)
    excerpt = plain(found["text"] or "", LONGEST_EXCERPT)
    url = found["url"] or ""
    return {
        "id": item,
        "modality": found["modality"],
        "title": title or plain(found["text"] or "", 60) or "Without a title",
        "excerpt": excerpt,
        "url": url if url.startswith(("https://", "http://")) else None,
        "source": found["source"],
        "collection": plain(found["collection"] or ""),
        "author": plain(found["author"] or ""),
        "hop": found["hop"],
        "day": found["created_at"].date().isoformat() if found["created_at"] else None,
        "fields": {name: _text(said.get(name)) for name in FIELDS if said.get(name)},
        "why_not": _why_not(said),
    }


def _text(value: str | Sequence[str] | None) -> str:
    return plain(value if isinstance(value, str) else ", ".join(value or ()), LONGEST_FIELD)


def _why_not(said: Mapping[str, Any]) -> str | None:
    """Why nothing is said of the item, where that is so."""
    if not said:
        return "It was not annotated yet."
    if said["status"] == "ok":
        return None
    return f"It has no annotation ({said['status']})."
