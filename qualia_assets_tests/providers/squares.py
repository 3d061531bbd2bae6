"""A provider for tests: the answer to a number is its square."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qualia_assets.providers.requests import Provider
from qualia_assets.state.database import answer_key


@dataclass(frozen=True)
class Number:
    sha256: str


Ask = Callable[[list[Number]], Sequence[int | None]]


def squares(batch: list[Number]) -> list[int | None]:
    return [int(number.sha256) ** 2 for number in batch]


def number_provider(ask: Ask = squares, size: int = 10, concurrency: int = 1) -> Provider[Number, int]:
    """Batches of ``size``; -1 is an item that failed, and is not kept."""

    def batches(numbers: Sequence[Number]) -> Iterator[list[Number]]:
        for start in range(0, len(numbers), size):
            yield list(numbers[start : start + size])

    return Provider(
        kind="embedding",
        name="squares",
        key=lambda number: answer_key("embedding", "squares", "1", {}, number.sha256),
        batches=batches,
        ask=ask,
        failed=lambda why: -1,
        written=lambda answer: str(answer).encode() if answer >= 0 else None,
        read=int,
        concurrency=concurrency,
    )
