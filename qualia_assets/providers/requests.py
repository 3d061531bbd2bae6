"""The one loop around every provider, local ones too: no item is requested twice, and answers are kept.

An item's answer is either kept already; or another process is requesting it, and this one waits for it; or
this process claims the item and requests it in a batch. Several batches run in threads, and a new one is made
only when another has ended, so that memory does not grow with the number of items. A batch that is refused
because of its content is split in halves until the item at fault is alone.

Belongs here: that order of events. What an item is and how its answer is encoded is for ``annotate`` and
``embed``, claims for ``state.claims``, rate limits and retries for ``pace``.
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
from qualia_assets.providers.base import FatalError, PartialAnswer, RejectedInput
from qualia_assets.state import claims
from qualia_assets.state.database import State

_CLAIM_SECONDS = 60.0
_POLL_SECONDS = 0.25
_MOST_FAILURES = 20
"""Where the first so many items all fail, the provider is taken to be unusable."""


class Item(Protocol):
    """What a provider is asked about, identified by the hash of what the provider sees."""

    @property
    def sha256(self) -> str: ...


T = TypeVar("T", bound=Item)
A = TypeVar("A")


@dataclass(frozen=True)
class Provider(Generic[T, A]):
    """What this loop needs to know about a provider.

    Args:
        kind: of its answers in the state database: ``annotation`` or ``embedding``.
        name: provider and model.
        key: the key of an item's answer.
        batches: splits items into requests, each item in one of them; consumed lazily.
        request: the answers to one batch, in order; None for an item without one. Called in threads where
            ``concurrency`` is more than 1.
        failed: the answer of an item that is refused on its own, given the reason.
        encode: an answer as it is stored; None for one that is not stored, so that it is requested again.
        decode: a stored answer.
        concurrency: batches at once.
    """

    kind: str
    name: str
    key: Callable[[T], str]
    batches: Callable[[Sequence[T]], Iterable[list[T]]]
    request: Callable[[list[T]], Sequence[A | None]]
    failed: Callable[[str], A | None]
    encode: Callable[[A], bytes | None]
    decode: Callable[[bytes], A]
    concurrency: int = 1


@dataclass(frozen=True)
class Outcome(Generic[A]):
    """The result of :func:`request_all`.

    ``answers``: by the item's hash, stored ones included; without items that wait or have no answer.
    ``requested``: items requested now, answered or failed. ``waiting``: items not requested, because of
    ``reason``, which is None where nothing waits.
    """

    answers: dict[str, A]
    requested: int = 0
    waiting: int = 0
    reason: Deferred | BudgetSpent | None = None


def request_all(
    items: Sequence[T],
    provider: Provider[T, A],
    state: State,
    progress: Progress,
    what: str,
    claim_seconds: float = _CLAIM_SECONDS,
) -> Outcome[A]:
    """Return the answer of each item, requesting only what nobody has requested before.

    Answers are stored whenever a batch has ended, so a killed run loses only the batches in progress.

    Args:
        items: those with the same hash are one.
        provider: that answers.
        state: where answers are stored, for its user.
        progress: counts all items, those with a stored answer as done.
        what: is being done, for ``progress``.
        claim_seconds: until other processes may request what this one had claimed, if it was killed.

    Raises:
        FatalError: no request can succeed. Earlier answers are stored, as with every exception.
    """
    requests = _Requests(items, provider, state, progress, what)
    if requests.missing:
        requests.report()
        with _claiming(state, claim_seconds) as holder:
            requests.finish(holder, claim_seconds)
    return Outcome(requests.answers, requests.requested, len(requests.missing), requests.reason)


class _Requests(Generic[T, A]):
    """One call of :func:`request_all`. ``missing``: by key, in order, items neither answered nor failed."""

    def __init__(
        self, items: Sequence[T], provider: Provider[T, A], state: State, progress: Progress, what: str
    ) -> None:
        self.provider, self.state = provider, state
        unique = {item.sha256: item for item in items}
        self.missing = {provider.key(item): item for item in unique.values()}
        self.answers: dict[str, A] = {}
        self.requested = 0
        self.reason: Deferred | BudgetSpent | None = None
        self._progress, self._what, self._total = progress, what, len(self.missing)
        self._usable = 0
        self._halves: deque[list[T]] = deque()
        self._unsaved: dict[str, bytes] = {}
        self._load(list(self.missing))

    def report(self) -> None:
        """Report progress."""
        self._progress(self._what, self._total - len(self.missing), self._total)

    def finish(self, holder: str, seconds: float) -> None:
        """Request what is missing, and wait for what other processes request, until nothing is left."""
        while self.missing and self.reason is None:
            mine = claims.claim(self.state, self.missing, holder, seconds)
            if mine:
                # The last holder of a claim may have stored its answer since we looked.
                self._load([key for key in self.missing if key in mine])
                self._request([item for key, item in self.missing.items() if key in mine])
                if self.reason is None and mine & self.missing.keys():
                    raise RuntimeError(f"{self.provider.name} leaves items out of its batches")
                # Waiting with claims in hand could deadlock: others may wait for ours.
                claims.release(self.state, holder)
            else:
                time.sleep(_POLL_SECONDS)
            if self._load(list(self.missing)):
                self.report()

    def _load(self, keys: list[str]) -> int:
        """Load stored answers. Return how many there were."""
        stored = self.state.answers(keys)
        for key, payload in stored.items():
            self.answers[self.missing.pop(key).sha256] = self.provider.decode(payload)
        self._usable += len(stored)
        return len(stored)

    def _request(self, items: list[T]) -> None:
        batches = iter(self.provider.batches(items))
        if self.provider.concurrency == 1:
            while (batch := self._next(batches)) is not None:
                try:
                    self._receive(batch, partial(self.provider.request, batch))
                finally:
                    self._save()
            return
        running: dict[Future[Sequence[A | None]], list[T]] = {}
        with ThreadPoolExecutor(self.provider.concurrency) as pool:
            try:
                while True:
                    while len(running) < self.provider.concurrency:
                        if (batch := self._next(batches)) is None:
                            break
                        running[pool.submit(self.provider.request, batch)] = batch
                    if not running:
                        return
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        self._receive(running.pop(done), done.result)
                    self._save()
            finally:
                # Requests in progress are waited for after an error too: they are paid for.
                for future, batch in running.items():
                    with suppress(Exception):
                        self._receive(batch, future.result)
                self._save()

    def _next(self, batches: Iterator[list[T]]) -> list[T] | None:
        """The next batch; halves of a refused one first."""
        if self.reason is None:
            try:
                return self._halves.popleft() if self._halves else next(batches, None)
            except (Deferred, BudgetSpent) as reason:
                # Making a batch may take a request too.
                self.reason = reason
        return None

    def _receive(self, batch: list[T], result: Callable[[], Sequence[A | None]]) -> None:
        """Take the result of a batch."""
        try:
            answers = result()
            if len(answers) != len(batch):
                raise RejectedInput(
                    f"{self.provider.name} gave {len(answers)} answers to {len(batch)} items."
                )
        except (Deferred, BudgetSpent) as reason:
            self.reason = self.reason or reason
        except PartialAnswer as partly:
            self.reason = self.reason or partly.reason
            for item, answer in zip(batch, partly.answers, strict=True):
                if answer is not None:
                    self._answered(item, answer)
        except RejectedInput as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                self._halves.extendleft((batch[middle:], batch[:middle]))
                return
            self._answered(batch[0], self.provider.failed(str(error)))
            if not self._usable and self.requested >= _MOST_FAILURES:
                raise FatalError(
                    f"{self.provider.name} could use none of the first {self.requested} items. {error}"
                ) from None
        else:
            for item, answer in zip(batch, answers, strict=True):
                self._answered(item, answer)

    def _answered(self, item: T, answer: A | None) -> None:
        key = self.provider.key(item)
        del self.missing[key]
        self.requested += 1
        if answer is None:
            return
        self.answers[item.sha256] = answer
        payload = self.provider.encode(answer)
        if payload is not None:
            self._usable += 1
            self._unsaved[key] = payload

    def _save(self) -> None:
        """Store the answers that came since the last call."""
        self.state.keep_answers(self.provider.kind, self.provider.name, self._unsaved)
        self._unsaved = {}
        self.report()


@contextmanager
def _claiming(state: State, seconds: float) -> Iterator[str]:
    """Yield a holder of claims; renew them meanwhile, and release them at the end."""
    holder = uuid.uuid4().hex
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(seconds / 3):
            # Two renewals may be missed while the database is busy.
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
