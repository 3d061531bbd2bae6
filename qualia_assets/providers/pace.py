"""How fast a provider is asked, and asking again after what will pass.

One :class:`Pace` is shared by the threads of one asking. Belongs here: waiting. What an error of a provider's
client means is for the module that calls it: it raises ``TryAgain`` for what will pass.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from qualia_assets.net.base import Deferred
from qualia_assets.providers.base import TryAgain

R = TypeVar("R")

_FIRST_WAIT = 0.5
_LONGEST_PAUSE = 30.0
_LATER = 600.0
"""Seconds until a provider is asked again that did not say how long to wait."""


class Pace:
    """So many requests a minute, evenly, for all threads that share it.

    Args:
        requests_per_minute: 0 for as many as come.
    """

    def __init__(self, requests_per_minute: float) -> None:
        self._gap = 60 / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        self._rests_until = 0.0

    def take(self, longest_wait: float) -> None:
        """Wait for this request's turn.

        Raises:
            Deferred: the provider is to be left alone for longer than ``longest_wait`` seconds.
        """
        while True:
            with self._lock:
                now = time.monotonic()
                if self._rests_until - now > longest_wait:
                    raise _deferred("The provider wants to be left alone", self._rests_until - now)
                turn = max(now, self._next, self._rests_until)
                self._next = turn + self._gap
            time.sleep(turn - now)
            # Somebody may have been told to wait while this one slept.
            if self._rests_until <= turn:
                return

    def rest(self, seconds: float) -> None:
        """The provider said how long it wants to be left alone; that holds for all threads."""
        with self._lock:
            self._rests_until = max(self._rests_until, time.monotonic() + seconds)


def patiently(call: Callable[[], R], who: str, pace: Pace, longest_wait: float) -> R:
    """Make a call, and make it again while it raises ``TryAgain``.

    Waits as long as the provider says, and at least 0.5 s. Where it does not say, 0.5 s, 1 s, 2 s and so on,
    at most 30 s. All but what it says is less a random part of up to a half.

    Args:
        call: one request.
        who: the provider, as the user knows it.
        pace: taken before each try.
        longest_wait: seconds from the first failure on.

    Raises:
        Deferred: it has not gone well by then, or would have to wait for longer.
        ProviderError: what the call raises otherwise.
    """
    give_up: float | None = None
    pause = _FIRST_WAIT
    while True:
        pace.take(longest_wait)
        try:
            return call()
        except TryAgain as error:
            now = time.monotonic()
            give_up = now + longest_wait if give_up is None else give_up
            if error.after is None:
                wait = pause * random.uniform(0.5, 1)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                # No longer than it says, however often: all who share the pace rest, and come in turn.
                wait = max(error.after, _FIRST_WAIT * random.uniform(0.5, 1))
                pace.rest(wait)
            if now + wait > give_up:
                later = _LATER if error.after is None else max(error.after, longest_wait)
                raise _deferred(f"{who}: {error}", later) from None
        time.sleep(wait)


def passes(status: int) -> bool:
    """Whether what an HTTP status says will pass: too many, too busy, broken just now."""
    return status in (408, 409, 425, 429) or status >= 500


def _deferred(why: str, seconds: float) -> Deferred:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return Deferred(f"{why}. It is asked no more before {at:%Y-%m-%d %H:%M:%S} UTC.", at)
