"""Long lists split into numbered pages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One page of a list. ``first`` and ``last`` are positions from 1; ``last`` is 0 if the list is empty."""

    number: int
    pages: int
    first: int
    last: int
    total: int

    @classmethod
    def of(cls, total: int, requested: str, size: int) -> "Page":
        """The requested page, or the nearest that exists."""
        pages = max(1, -(-total // size))
        wanted = int(requested) if requested.isascii() and requested.isdigit() and len(requested) < 9 else 1
        number = min(max(wanted, 1), pages)
        return cls(number, pages, min((number - 1) * size + 1, total), min(number * size, total), total)

    @property
    def indices(self) -> slice:
        return slice(max(self.first - 1, 0), self.last)
