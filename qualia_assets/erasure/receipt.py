"""The types that ``erase`` and ``dagster_records`` share."""

from collections.abc import Callable
from dataclasses import dataclass

from qualia_assets.errors import QualiaError


class EraseError(QualiaError):
    """A user cannot be erased now, or not completely; the message says why and what to do."""


@dataclass(frozen=True)
class ReceiptLine:
    """How much of one kind of data is removed. Contains no key, name or content."""

    what: str
    count: int
    bytes: int = 0


@dataclass(frozen=True)
class Removal:
    """One step of an erasure. ``remove`` may be repeated after it was interrupted."""

    lines: tuple[ReceiptLine, ...]
    remove: Callable[[], None]


@dataclass(frozen=True)
class Receipt:
    """What was removed, or would be."""

    lines: tuple[ReceiptLine, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the user was there."""
        return not any(line.count for line in self.lines)
