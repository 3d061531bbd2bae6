"""The card of one item beside a map: its own words and its annotation, shortened.

Labels of clusters come with the map's points (``points``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from qualia_assets.views.items import Items
from qualia_assets.views.points import plain

MAX_TITLE = 300
MAX_EXCERPT = 420
MAX_FIELD = 1_200
FIELDS = ("summary", "aesthetic", "themes", "mood", "lifestyle", "moment")


def card(items: Items, item: str) -> dict[str, Any] | None:
    """The card of an item as plain text, for a script; None where there is no such item."""
    row = items.artefact(item)
    if row is None:
        return None
    annotation = items.annotation(item) or {}
    title = plain(row["title"] or "", MAX_TITLE)
    excerpt = plain(row["text"] or "", MAX_EXCERPT)
    url = row["url"] or ""
    return {
        "id": item,
        "modality": row["modality"],
        "title": title or plain(row["text"] or "", 60) or "Without a title",
        "excerpt": excerpt,
        "url": url if url.startswith(("https://", "http://")) else None,
        "source": row["source"],
        "collection": plain(row["collection"] or ""),
        "author": plain(row["author"] or ""),
        "hop": row["hop"],
        "day": row["created_at"].date().isoformat() if row["created_at"] else None,
        "fields": {name: _text(annotation[name]) for name in FIELDS if annotation.get(name)},
        "why_not": _why_not(annotation),
    }


def _text(value: str | Sequence[str] | None) -> str:
    return plain(value if isinstance(value, str) else ", ".join(value or ()), MAX_FIELD)


def _why_not(annotation: Mapping[str, Any]) -> str | None:
    """Why the item has no annotation; None where it has one."""
    if not annotation:
        return "It has not been annotated yet."
    if annotation["status"] == "ok":
        return None
    return f"It has no annotation ({annotation['status']})."
