"""One gate for each platform, through which every request of every process goes, one after another.

A request holds the gate from before it is sent until the head of its answer has come, and only then does the
gap begin: so the gap holds by the service's clock, however long connecting took. The gate is a row of the
state database. Machines that share one in Postgres need synchronised clocks.

Belongs here: how long to wait. What an answer means is in ``client``.
"""

import math
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import sqlalchemy as sa

from qualia_assets.net.base import Deferred
from qualia_assets.state.database import State
from qualia_assets.state.tables import gates

_WIDEST_GAP = 60.0
_RECOVERY = 0.9
_LONGEST_RETRY_AFTER = 86_400.0
_LOOK_AGAIN = 0.2


class Gate:
    """The gate of one platform, as one process sees it. Not thread-safe.

    Args:
        platform: whose gate.
        state: holds it.
        gap: minimum seconds between requests; the maximum is half as much again.
        longest_wait: seconds; a request that would wait longer is deferred.
        hold: seconds after which a request that never ended (its process was killed) no longer counts.
    """

    def __init__(self, platform: str, state: State, *, gap: float, longest_wait: float, hold: float) -> None:
        self._platform, self._state = platform, state
        self._gap, self._longest_wait, self._hold = gap, longest_wait, hold
        self._held: float | None = None
        row = {"platform": platform, "free_at": 0.0, "gap": gap, "held_until": 0.0}
        with state.engine.begin() as connection:
            connection.execute(state.insert_missing(gates), [row])

    def take(self) -> None:
        """Wait for the gate and take it, until ``release``.

        Raises:
            Deferred: the wait would be too long; the gate was not taken.
        """
        give_up = time.monotonic() + self._longest_wait
        while True:
            now = time.time()
            row = self._row()
            if row.free_at - now > self._longest_wait:
                raise self._deferred(row.free_at)
            if max(row.free_at, row.held_until) <= now:
                # Without a gap there is nothing to keep others out for.
                if max(row.gap, self._gap) == 0 or self._taken(now):
                    return
            elif time.monotonic() > give_up:
                raise self._deferred(max(row.free_at, now + self._longest_wait))
            elif row.free_at > now:
                time.sleep(row.free_at - now)
            else:
                # When the other request ends is unknown.
                time.sleep(min(max(row.gap, 0.02), _LOOK_AGAIN) * random.uniform(0.5, 1))

    def release(self, healthy: bool) -> None:
        """The request ended: the gap begins now, a little smaller if the service was healthy."""
        if self._held is None:
            return
        gap = _larger(gates.c.gap * _RECOVERY if healthy else gates.c.gap, self._gap)
        # Where the hold ran out, another process may have the gate.
        mine = gates.c.held_until == self._held
        self._set(
            gap=gap,
            free_at=_larger(gates.c.free_at, time.time() + gap * random.uniform(1, 1.5)),
            held_until=sa.case((mine, 0.0), else_=gates.c.held_until),
        )
        self._held = None

    def penalise(self, wait: float | None = None) -> None:
        """The service gets too many requests: double the gap, and wait for as long as it asks."""
        doubled = _larger(gates.c.gap, self._gap) * 2
        widest = max(_WIDEST_GAP, self._gap)
        gap = sa.case((doubled > widest, widest), else_=doubled)
        self._set(gap=gap, free_at=_larger(gates.c.free_at, time.time() + _larger(gap, wait or 0.0)))

    def _row(self) -> Any:
        query = sa.select(gates).where(gates.c.platform == self._platform)
        with self._state.engine.connect() as connection:
            return connection.execute(query).one()

    def _taken(self, now: float) -> bool:
        """Compare and set in one statement: of several processes, one gets the gate."""
        free = (
            gates.c.platform == self._platform,
            gates.c.free_at <= now,
            gates.c.held_until <= now,
        )
        until = now + self._hold
        with self._state.engine.begin() as connection:
            taken = connection.execute(sa.update(gates).where(*free).values(held_until=until)).rowcount == 1
        self._held = until if taken else None
        return taken

    def _set(self, **values: Any) -> None:
        mine = gates.c.platform == self._platform
        with self._state.engine.begin() as connection:
            connection.execute(sa.update(gates).where(mine).values(**values))

    def _deferred(self, until: float) -> Deferred:
        at = datetime.fromtimestamp(until, UTC)
        return Deferred(f"{self._platform} must not be requested before {at:%Y-%m-%d %H:%M:%S} UTC.", at)


def retry_after(value: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, at most a day; None where it is not usable.

    Args:
        value: seconds, or an HTTP date (0 where it has passed).
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
            seconds = max(at.replace(tzinfo=at.tzinfo or UTC).timestamp() - time.time(), 0.0)
        except (ValueError, OverflowError):
            return None
    return min(seconds, _LONGEST_RETRY_AFTER) if math.isfinite(seconds) and seconds >= 0 else None


def _larger(a: Any, b: Any) -> sa.ColumnElement[float]:
    """The larger of two numbers; SQLite and Postgres have no common function for it."""
    a, b = (sa.literal(x, sa.Float) if isinstance(x, int | float) else x for x in (a, b))
    return sa.case((a > b, a), else_=b)
