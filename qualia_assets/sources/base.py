"""The common protocol of sources: items in one shape, and rejects with their reason.

Belongs here: the protocol and the cleaning of text that all sources share. A source only reads; storing its
items is for ``defs``.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from qualia_assets.errors import QualiaError
from qualia_assets.progress import Progress

Modality = Literal["text", "image"]


class SourceError(QualiaError):
    """A source cannot be read at all; the message says what is wrong, where, and how to fix it."""


@dataclass(frozen=True)
class SourceItem:
    """One thing that a user read or saved."""

    item_id: str
    modality: Modality
    record: str
    title: str | None = None
    text: str | None = None
    tags: tuple[str, ...] = ()
    url: str | None = None
    author: str | None = None
    collection: str | None = None
    created_at: datetime | None = None
    image: bytes | None = field(default=None, repr=False)
    hop: int = 0


@dataclass(frozen=True)
class Reject:
    """A record that could not be used: where it is, what is wrong, and how to fix it."""

    record: str
    reason: str
    mend: str


class Source(Protocol):
    """A place that a user's items come from."""

    name: str

    def fingerprint(self) -> str:
        """A digest that changes whenever the result of :meth:`read` may have changed."""
        ...

    def read(self, progress: Progress) -> Iterator[SourceItem | Reject]:
        """Every item and every reject, in a stable order, with unique item ids.

        Raises:
            SourceError: nothing can be read at all.
        """
        ...


def clean_line(text: str | None) -> str | None:
    """One line of plain text, entities resolved, control characters removed; None where nothing is left."""
    cleaned = clean_text(text)
    return re.sub(r"\s+", " ", cleaned) if cleaned else None


def clean_text(text: str | None) -> str | None:
    """Plain text, entities resolved, control characters removed; None where nothing is left."""
    if not text:
        return None
    # Twice, as exports often escape entities a second time (&amp;quot;).
    plain = html.unescape(html.unescape(text))
    plain = "".join(c for c in plain if c in "\n\t" or unicodedata.category(c)[0] != "C")
    return plain.strip() or None
