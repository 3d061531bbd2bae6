"""Rate limits and retries.

One :class:`RateLimiter` is shared by the threads of one loop. Belongs here: waiting. What an error of a
provider's client means is decided by the module that calls it, which raises ``TransientError`` for a retry.
"""

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from qualia_assets.net.base import Deferred
from qualia_assets.providers.base import TransientError

R = TypeVar("R")

_FIRST_WAIT = 0.5
_LONGEST_PAUSE = 30.0
_LATER = 600.0
"""Seconds until the next run may ask a provider that did not say how long to wait."""


class RateLimiter:
    """Evenly spaced requests, for all threads that share it.

    Args:
        requests_per_minute: 0 for no limit.
    """

    def __init__(self, requests_per_minute: float) -> None:
        self._gap = 60 / requests_per_minute if requests_per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0
        self._paused_until = 0.0

    def acquire(self, longest_wait: float) -> None:
        """Wait for this request's turn.

        Raises:
            Deferred: requests are paused for longer than ``longest_wait`` seconds.
        """
        while True:
            with self._lock:
                now = time.monotonic()
                if self._paused_until - now > longest_wait:
                    raise _deferred("The provider wants to be left alone", self._paused_until - now)
                turn = max(now, self._next, self._paused_until)
                self._next = turn + self._gap
            time.sleep(turn - now)
            # Another thread may have paused requests in the meantime.
            if self._paused_until <= turn:
                return

    def pause(self, seconds: float) -> None:
        """Let no thread make a request for so many seconds, because the provider said so."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)


def with_retries(call: Callable[[], R], provider: str, limiter: RateLimiter, longest_wait: float) -> R:
    """Make a call, and repeat it while it raises ``TransientError``.

    Waits for as long as the provider says, and at least 0.5 s. Where it does not say: 0.5 s, 1 s, 2 s and so
    on up to 30 s. Waits of our own are shortened at random, by up to a half.

    Args:
        call: one request.
        provider: its name for the user.
        limiter: acquired before each attempt.
        longest_wait: seconds to keep trying after the first failure.

    Raises:
        Deferred: it did not succeed in that time, or would have to wait for longer.
        ProviderError: the call raised another error.
    """
    give_up: float | None = None
    pause = _FIRST_WAIT
    while True:
        limiter.acquire(longest_wait)
        try:
            return call()
        except TransientError as error:
            now = time.monotonic()
            give_up = now + longest_wait if give_up is None else give_up
            if error.retry_after is None:
                wait = pause * random.uniform(0.5, 1)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                # Not longer on each attempt: all threads pause, and then take turns.
                wait = max(error.retry_after, _FIRST_WAIT * random.uniform(0.5, 1))
                limiter.pause(wait)
            if now + wait > give_up:
                later = _LATER if error.retry_after is None else max(error.retry_after, longest_wait)
                raise _deferred(f"{provider}: {error}", later) from None
        time.sleep(wait)


def is_transient(status: int) -> bool:
    """Whether a retry may help after this HTTP status: too many requests, overloaded, temporarily broken."""
    return status in (408, 409, 425, 429) or status >= 500


def _deferred(reason: str, seconds: float) -> Deferred:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    # Kept in the state database with the run's visit.
    return Deferred(f"{reason}. It is asked no more before {at:%Y-%m-%d %H:%M:%S} UTC.", at)
