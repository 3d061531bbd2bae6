"""Leases on answers being requested, so that no two processes request the same one.

A claim expires after some seconds unless its holder renews it, so that of a killed process ends by itself.
Claims do not say what was answered: after claiming, check again whether the answer exists. Machines that
share a Postgres database need synchronised clocks.
"""

import time
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from qualia_assets.state.database import State, chunks
from qualia_assets.state.tables import claims


def claim(state: State, keys: Iterable[str], holder: str, seconds: float) -> set[str]:
    """Claim the keys that are free or whose claim has expired, in one transaction.

    Args:
        state: of any user.
        keys: of answers.
        holder: unique for each request.
        seconds: until the claim expires.

    Returns:
        Those of the keys that are now, or were already, the holder's.
    """
    c = claims.c
    wanted = sorted(set(keys))
    # Read first: a process that waits for another's claims polls, and readers block nobody.
    free = sorted(set(wanted) - _held_by_others(state, wanted, holder))
    if not free:
        return set()
    now = time.time()
    rows = [{"key": key, "holder": holder, "until": now + seconds} for key in free]
    mine: set[str] = set()
    with state.engine.begin() as connection:
        for chunk in chunks(free):
            connection.execute(sa.delete(claims).where(c.key.in_(chunk), c.until < now))
        # Sorted by key, so that two processes cannot deadlock in Postgres.
        connection.execute(state.insert_missing(claims), rows)
        for chunk in chunks(free):
            mine.update(connection.scalars(sa.select(c.key).where(c.key.in_(chunk), c.holder == holder)))
    return mine


def renew(state: State, holder: str, seconds: float) -> None:
    """Extend all claims of a holder to ``seconds`` from now."""
    with state.engine.begin() as connection:
        connection.execute(
            sa.update(claims).where(claims.c.holder == holder).values(until=time.time() + seconds)
        )


def release(state: State, holder: str, keys: Iterable[str] | None = None) -> None:
    """Release a holder's claims on these keys, or all of them."""
    c = claims.c
    with state.engine.begin() as connection:
        if keys is None:
            connection.execute(sa.delete(claims).where(c.holder == holder))
            return
        for chunk in chunks(sorted(set(keys))):
            connection.execute(sa.delete(claims).where(c.key.in_(chunk), c.holder == holder))


def _held_by_others(state: State, keys: Sequence[str], holder: str) -> set[str]:
    c = claims.c
    held: set[str] = set()
    with state.engine.connect() as connection:
        for chunk in chunks(keys):
            live = sa.select(c.key).where(c.key.in_(chunk), c.holder != holder, c.until >= time.time())
            held.update(connection.scalars(live))
    return held
