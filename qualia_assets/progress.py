"""How long-running work reports progress: a line in Dagster's log, or a bar on a terminal.

Belongs here: the protocol and its simplest implementations. Bars are drawn in ``cli``.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Called with what is being done, and how much of it is done."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


watcher: ContextVar[Progress | None] = ContextVar("watcher", default=None)
"""What shows this process's progress where it is not only logged: the bars of the command line."""


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def logged(log: Callable[[str], None], every: float = 0.25) -> Progress:
    """Report progress as log lines: at the start, at each further share ``every``, and at the end."""
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
    """Yield the items in chunks of ``size``, reporting after each."""
    everything = len(items) if total is None else total
    already = everything - len(items)
    progress(what, already, everything)
    done = already
    for part in batched(items, size):
        yield part
        done += len(part)
        progress(what, done, everything)


def tracked(items: Iterable[T], progress: Progress, what: str, total: int) -> Iterator[T]:
    """Yield the items one by one, reporting after each."""
    progress(what, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        progress(what, done, total)
