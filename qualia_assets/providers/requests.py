"""The one loop around every provider, local ones too: each thing is asked for once, and what is done is kept.

The way of an item: its answer is kept already; or another process is asking for it, and its answer is waited
for; or it is claimed, and asked for in a batch. Several batches are asked for at once, in threads, each only
when another has ended, so that what is under way stays small however much there is to ask. A batch that is
refused because of what is in it is asked for again in halves, until the item alone is left.

Belongs here: that order of things. What an item is and how its answer is written down is for ``annotate`` and
``embed``, who claims what for ``state.claims``, waiting for a provider for ``pace``.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

import sqlalchemy as sa

from qualia_assets.net.base import BudgetSpent, Deferred
from qualia_assets.progress import Progress
from qualia_assets.providers.base import Fatal, Partly, Poison
from qualia_assets.state import claims
from qualia_assets.state.database import State

_CLAIM_SECONDS = 60.0
_LOOK_AGAIN = 0.25
_HOPELESS = 20


class Item(Protocol):
    """What can be asked about: it is known by the hash of what the provider sees."""

    @property
    def sha256(self) -> str: ...


T = TypeVar("T", bound=Item)
A = TypeVar("A")


@dataclass(frozen=True)
class Provider(Generic[T, A]):
    """What this loop needs to know of a provider.

    Args:
        kind: of its answers, as they are kept: ``annotation`` or ``embedding``.
        name: provider and model.
        key: under which the answer about an item is kept.
        batches: items as requests, each item in one of them; made one by one, as they are asked.
        ask: the answers to one request, in order; None, or one that ``failed``, where there is none.
            Called in threads where ``concurrency`` is more than 1.
        failed: what an item comes to that is refused although it is asked for alone, of the reason why.
        written: an answer as it is kept; None for one that is not kept, so that it is asked for again.
        read: the answer that was kept.
        concurrency: requests at once.
    """

    kind: str
    name: str
    key: Callable[[T], str]
    batches: Callable[[Sequence[T]], Iterable[list[T]]]
    ask: Callable[[list[T]], Sequence[A | None]]
    failed: Callable[[str], A | None]
    written: Callable[[A], bytes | None]
    read: Callable[[bytes], A]
    concurrency: int = 1


@dataclass(frozen=True)
class Asked(Generic[A]):
    """What came of an asking.

    ``found``: answers by the hash of the item, those kept before too; an item is missing that waits, or of
    which there is no answer. ``asked``: items asked for now, answered or failed. ``waiting``: items not asked
    for, because of ``why``; None where all was asked.
    """

    found: dict[str, A]
    asked: int = 0
    waiting: int = 0
    why: Deferred | BudgetSpent | None = None


def ask_all(
    items: Sequence[T],
    provider: Provider[T, A],
    state: State,
    progress: Progress,
    what: str,
    claim_seconds: float = _CLAIM_SECONDS,
) -> Asked[A]:
    """The answer about each item, asking only for what nobody has asked for before.

    Answers are kept whenever a batch has ended, so a run that dies loses no more than what was under way.

    Args:
        items: those of the same hash are one.
        provider: how it is asked.
        state: where answers are kept, for its user.
        progress: told of all items, kept ones as done.
        what: is being done, for ``progress``.
        claim_seconds: after which others may ask for what this process had begun with, if it was killed.

    Raises:
        Fatal: no request can go well. What was answered before is kept, as with every exception.
    """
    asking = _Asking(items, provider, state, progress, what)
    if asking.missing:
        asking.told()
        with _claiming(state, claim_seconds) as holder:
            asking.finish(holder, claim_seconds)
    return Asked(asking.found, asking.asked, len(asking.missing), asking.why)


class _Asking(Generic[T, A]):
    """One asking on its way. ``missing``: by key, in order, what has neither an answer nor failed."""

    def __init__(
        self, items: Sequence[T], provider: Provider[T, A], state: State, progress: Progress, what: str
    ) -> None:
        self.provider, self.state = provider, state
        unique = {item.sha256: item for item in items}
        self.missing = {provider.key(item): item for item in unique.values()}
        self.found: dict[str, A] = {}
        self.asked = 0
        self.why: Deferred | BudgetSpent | None = None
        self._progress, self._what, self._total = progress, what, len(self.missing)
        self._good = 0
        self._split: deque[list[T]] = deque()
        self._fresh: dict[str, bytes] = {}
        self._take_kept(list(self.missing))

    def told(self) -> None:
        """Tell how far this is."""
        self._progress(self._what, self._total - len(self.missing), self._total)

    def finish(self, holder: str, seconds: float) -> None:
        """Ask for what is missing, and wait for what others are asking for, until nothing is left to do."""
        while self.missing and self.why is None:
            mine = claims.claim(self.state, self.missing, holder, seconds)
            if mine:
                # Between the last look and the claim, whoever had it may have got its answer.
                self._take_kept([key for key in self.missing if key in mine])
                self._ask([item for key, item in self.missing.items() if key in mine])
                if self.why is None and mine & self.missing.keys():
                    raise RuntimeError(f"{self.provider.name} leaves items out of its batches")
                # Never waiting for others with claims in hand: they may wait for these.
                claims.release(self.state, holder)
            else:
                time.sleep(_LOOK_AGAIN)
            if self._take_kept(list(self.missing)):
                self.told()

    def _take_kept(self, keys: list[str]) -> int:
        """Take those answers that are kept; how many."""
        kept = self.state.answers(keys)
        for key, payload in kept.items():
            self.found[self.missing.pop(key).sha256] = self.provider.read(payload)
        self._good += len(kept)
        return len(kept)

    def _ask(self, items: list[T]) -> None:
        batches = iter(self.provider.batches(items))
        if self.provider.concurrency == 1:
            while (batch := self._next(batches)) is not None:
                try:
                    self._settle(batch, partial(self.provider.ask, batch))
                finally:
                    self._keep()
            return
        running: dict[Future[Sequence[A | None]], list[T]] = {}
        with ThreadPoolExecutor(self.provider.concurrency) as pool:
            try:
                while True:
                    while len(running) < self.provider.concurrency:
                        if (batch := self._next(batches)) is None:
                            break
                        running[pool.submit(self.provider.ask, batch)] = batch
                    if not running:
                        return
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        self._settle(running.pop(done), done.result)
                    self._keep()
            finally:
                # After an error too, what is under way is waited for: it is paid for.
                for future, batch in running.items():
                    with suppress(Exception):
                        self._settle(batch, future.result)
                self._keep()

    def _next(self, batches: Iterator[list[T]]) -> list[T] | None:
        """The next batch to ask for, halves of one that was refused before others."""
        if self.why is None:
            try:
                return self._split.popleft() if self._split else next(batches, None)
            except (Deferred, BudgetSpent) as why:
                # Making a batch may take a question too.
                self.why = why
        return None

    def _settle(self, batch: list[T], answers: Callable[[], Sequence[A | None]]) -> None:
        """Note what came of a batch."""
        try:
            got = answers()
            if len(got) != len(batch):
                raise Poison(f"{self.provider.name} gave {len(got)} answers to {len(batch)} items.")
        except (Deferred, BudgetSpent) as why:
            self.why = self.why or why
        except Partly as part:
            self.why = self.why or part.why
            answered = [(i, a) for i, a in zip(batch, part.answers, strict=True) if a is not None]
            for item, answer in answered:
                self._answered(item, answer)
        except Poison as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                self._split.extendleft((batch[middle:], batch[:middle]))
                return
            self._answered(batch[0], self.provider.failed(str(error)))
            if not self._good and self.asked >= _HOPELESS:
                raise Fatal(
                    f"{self.provider.name} could use none of the first {self.asked} items. {error}"
                ) from None
        else:
            for item, answer in zip(batch, got, strict=True):
                self._answered(item, answer)

    def _answered(self, item: T, answer: A | None) -> None:
        key = self.provider.key(item)
        del self.missing[key]
        self.asked += 1
        if answer is None:
            return
        self.found[item.sha256] = answer
        written = self.provider.written(answer)
        if written is not None:
            self._good += 1
            self._fresh[key] = written

    def _keep(self) -> None:
        """Keep what has been answered since the last time."""
        self.state.keep_answers(self.provider.kind, self.provider.name, self._fresh)
        self._fresh = {}
        self.told()


@contextmanager
def _claiming(state: State, seconds: float) -> Iterator[str]:
    """A holder of claims, which are renewed until they are given back at the end."""
    holder = uuid.uuid4().hex
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(seconds / 3):
            # A database that is busy for long is tried again: two renewals may be missed.
            with suppress(sa.exc.OperationalError):
                claims.renew(state, holder, seconds)

    renewing = threading.Thread(target=renew, name="claims", daemon=True)
    renewing.start()
    try:
        yield holder
    finally:
        ended.set()
        renewing.join()
        claims.release(state, holder)
