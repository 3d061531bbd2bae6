"""What erasing consists of: parts, each with what it takes away.

Belongs here: the words that ``erase`` and ``dagster_records`` share.
"""

from collections.abc import Callable
from dataclasses import dataclass

from qualia_assets.errors import QualiaError


class EraseError(QualiaError):
    """A user cannot be erased now, or not wholly; the message says why and how to mend it."""


@dataclass(frozen=True)
class Line:
    """How much of one thing goes. No key, no name, no content."""

    what: str
    count: int
    bytes: int = 0


@dataclass(frozen=True)
class Part:
    """What goes in one step. ``remove`` may be called again after it was interrupted."""

    lines: tuple[Line, ...]
    remove: Callable[[], None]


@dataclass(frozen=True)
class Receipt:
    """What went, or would go."""

    lines: tuple[Line, ...]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing of the user."""
        return not any(line.count for line in self.lines)
