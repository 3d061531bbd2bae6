"""A user's items by id, for any page.

Belongs here: looking items up, and their short forms for lists. Their neighbours are in ``search.index``.
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
    """An item in a list. ``title`` is never empty: without one the excerpt stands in."""

    artefact_id: str
    modality: str
    title: str
    collection: str | None
    author: str | None
    excerpt: str
    image_sha256: str | None


class Items:
    """A user's artefacts and their annotations, by id."""

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
        """The short forms of these items, in the given order; missing items are skipped."""
        ids = list(artefact_ids)
        summaries = {row["artefact_id"]: row["summary"] for row in self._annotations.of(ids, ("summary",))}
        return [_brief(row, summaries.get(row["artefact_id"])) for row in self._artefacts.of(ids, _BRIEF)]


def items_of(snapshot: Snapshot) -> Items:
    """The items of a snapshot, indexed once."""
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
    """The text without a leading title, which the local annotator's summaries have."""
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
