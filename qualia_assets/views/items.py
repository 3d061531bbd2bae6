"""What a user's items are, by id: what any page tells of one.

Belongs here: looking items up, and short forms of what is said of them. What lies near an item
is in ``nearby``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from qualia_assets.lake.rows import Rows
from qualia_assets.lake.snapshot import Snapshot

EXCERPT = 180
"""Characters of an excerpt in a list."""
_BRIEF = ("artefact_id", "modality", "title", "text", "author", "collection", "image_sha256")


@dataclass(frozen=True)
class Item:
    """An item in a list. ``title`` is never empty: what has none is called by what is said of it."""

    artefact_id: str
    modality: str
    title: str
    collection: str | None
    author: str | None
    excerpt: str
    image_sha256: str | None


class Items:
    """A user's artefacts and what was said of them, by id."""

    def __init__(self, artefacts: pa.Table | None, annotations: pa.Table | None) -> None:
        self._artefacts, self._annotations = Rows(artefacts), Rows(annotations)

    def __contains__(self, artefact_id: str) -> bool:
        return artefact_id in self._artefacts

    def artefact(self, artefact_id: str) -> dict[str, Any] | None:
        """The item's row in ``artefacts``."""
        return self._artefacts.one(artefact_id)

    def annotation(self, artefact_id: str) -> dict[str, Any] | None:
        """The item's row in ``annotations``, whatever its status."""
        return self._annotations.one(artefact_id)

    def titles(self) -> dict[str, str]:
        """The title of every item that has one."""
        table = self._artefacts.table
        if table is None:
            return {}
        both = zip(table["artefact_id"].to_pylist(), table["title"].to_pylist(), strict=True)
        return {item: title for item, title in both if title}

    def brief(self, artefact_ids: Iterable[str]) -> list[Item]:
        """These items in short, in the given order; what is not there is left out."""
        ids = list(artefact_ids)
        told = {row["artefact_id"]: row["summary"] for row in self._annotations.of(ids, ("summary",))}
        return [_brief(row, told.get(row["artefact_id"])) for row in self._artefacts.of(ids, _BRIEF)]


def items_of(snapshot: Snapshot) -> Items:
    """The items of a snapshot, looked over once."""
    return snapshot.once(_items)


def _items(snapshot: Snapshot) -> Items:
    artefacts, annotations = (
        snapshot.table(name) if snapshot.has(name) else None for name in ("artefacts", "annotations")
    )
    return Items(artefacts, annotations)


def shortened(text: str | None, most: int) -> str:
    """The text on one line, cut after a word where it is longer than ``most`` characters."""
    words = " ".join((text or "")[: 2 * most + 200].split())
    if len(words) <= most:
        return words
    return words[: most + 1].rsplit(" ", 1)[0][:most].rstrip(",;:.-– ") + " …"


def _after_title(text: str, title: str) -> str:
    """The text without the title that it begins with, as what the local annotator says does."""
    rest = text.removeprefix(title)
    return rest[1:] if title and rest != text and rest[:1] in (".", "\n") else text


def _brief(row: dict[str, Any], summary: str | None) -> Item:
    excerpt = shortened(_after_title(summary or row["text"] or "", row["title"] or ""), EXCERPT)
    unnamed = "A pin without a title" if row["modality"] == "image" else "A post without a title"
    return Item(
        artefact_id=row["artefact_id"],
        modality=row["modality"],
        title=shortened(row["title"], EXCERPT) or shortened(excerpt, 70) or unnamed,
        collection=row["collection"],
        author=row["author"],
        excerpt=excerpt,
        image_sha256=row["image_sha256"],
    )
