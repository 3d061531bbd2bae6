"""How long work tells how far it is: a line in Dagster's log, or a bar on a terminal.

Belongs here: the one protocol and its plainest implementations. Bars are drawn in ``cli``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Told what is being done and how much of it is done."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


watcher: ContextVar[Progress | None] = ContextVar("watcher", default=None)
"""Who watches this process's work, where it is not only logged: the bars of the command line."""


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def logged(log: Callable[[str], None], every: float = 0.25) -> Progress:
    """Progress as log lines: at the start, whenever another ``every`` share is done, at the end."""
    told: dict[str, float] = {}

    def report(what: str, done: int, total: int) -> None:
        share = done / total if total else 1.0
        if what not in told or share - told[what] >= every or (done == total and told[what] < 1):
            told[what] = share
            log(f"{what}: {done:,} of {total:,}")

    return report


def batched(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of ``size``, the last of what is left. (Python 3.12 has it in itertools.)"""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def chunks(
    items: list[T], size: int, progress: Progress, what: str, total: int | None = None
) -> Iterator[list[T]]:
    """The items in chunks of ``size``, telling ``progress`` after each."""
    everything = len(items) if total is None else total
    already = everything - len(items)
    progress(what, already, everything)
    for start in range(0, len(items), size):
        part = items[start : start + size]
        yield part
        progress(what, already + start + len(part), everything)


def tracked(items: Iterable[T], progress: Progress, what: str, total: int) -> Iterator[T]:
    """The items one by one, telling ``progress`` after each."""
    progress(what, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        progress(what, done, total)
