"""Long lists in pages of so many rows, by a number in the address."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Leaf:
    """One page of a long list: ``first`` and ``last`` count from 1; ``last`` is 0 where there is nothing."""

    number: int
    pages: int
    first: int
    last: int
    total: int

    @classmethod
    def of(cls, total: int, asked: str, most: int) -> "Leaf":
        """The page that was asked for, or the nearest that there is."""
        pages = max(1, -(-total // most))
        wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
        number = min(max(wanted, 1), pages)
        return cls(number, pages, min((number - 1) * most + 1, total), min(number * most, total), total)

    @property
    def part(self) -> slice:
        return slice(max(self.first - 1, 0), self.last)
