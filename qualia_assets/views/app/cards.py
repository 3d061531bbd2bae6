"""What is shown of one item beside a map: its words, and what was said of it.

Belongs here: picking that from the tables, cut to what a card can hold. Names of clusters are in ``points``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from qualia_assets.views.app.points import plain
from qualia_assets.views.app.snapshot import Snapshot

LONGEST_TITLE = 300
LONGEST_EXCERPT = 420
LONGEST_FIELD = 1_200
FIELDS = ("summary", "aesthetic", "themes", "mood", "lifestyle", "moment")


@dataclass(frozen=True)
class CardTables:
    """Artefacts and annotations, and where in them each item is."""

    artefacts: pa.Table
    annotations: pa.Table | None
    place: Mapping[str, int]
    annotated: Mapping[str, int]


def card_tables(artefacts: pa.Table, annotations: pa.Table | None) -> CardTables:
    """Tables made ready to find items in."""

    def places(table: pa.Table) -> dict[str, int]:
        return {name: i for i, name in enumerate(table["artefact_id"].to_pylist())}

    return CardTables(
        artefacts, annotations, places(artefacts), places(annotations) if annotations is not None else {}
    )


def cards_of(snapshot: Snapshot) -> CardTables:
    """The tables of a snapshot. To be called through ``snapshot.once``.

    Raises:
        NotThere: there are no items.
    """
    annotations = snapshot.table("annotations") if snapshot.has("annotations") else None
    return card_tables(snapshot.table("artefacts"), annotations)


def card(tables: CardTables, item: str) -> dict[str, Any] | None:
    """The card of an item, for a script; None where there is no such item. Its texts are plain text."""
    if item not in tables.place:
        return None
    found = _row(tables.artefacts, tables.place[item])
    said = (
        _row(tables.annotations, tables.annotated[item])
        if tables.annotations is not None and item in tables.annotated
        else {}
    )
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


def _row(table: pa.Table, place: int) -> dict[str, Any]:
    row: dict[str, Any] = table.slice(place, 1).to_pylist()[0]
    return row


def _text(value: str | Sequence[str] | None) -> str:
    return plain(value if isinstance(value, str) else ", ".join(value or ()), LONGEST_FIELD)


def _why_not(said: Mapping[str, Any]) -> str | None:
    """Why nothing is said of the item, where that is so."""
    if not said:
        return "It was not annotated yet."
    if said["status"] == "ok":
        return None
    return f"It has no annotation ({said['status']})."
