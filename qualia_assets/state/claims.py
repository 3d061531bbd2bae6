"""Who is asking for an answer right now, so that nobody else asks for it too.

A claim is good for some seconds and is renewed while its holder lives; that of a process which was killed
ends by itself. Claims say who asks, not what was answered: after claiming, look once more whether the answer
has come. Machines that share a database in Postgres need clocks that agree.
"""

import time
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from qualia_assets.state.database import State
from qualia_assets.state.tables import claims

_CHUNK = 400


def claim(state: State, keys: Iterable[str], holder: str, seconds: float) -> set[str]:
    """Claim keys that nobody claims, or whose claim has run out, all in one transaction.

    Args:
        state: where claims are.
        keys: of answers.
        holder: who claims, another for each asking.
        seconds: for how long, unless renewed.

    Returns:
        Those of the keys that are now, or were already, the holder's.
    """
    c = claims.c
    wanted = sorted(set(keys))
    # Looked up first: who waits for another's claims asks often, and a reader holds nobody up.
    free = sorted(set(wanted) - _held_by_others(state, wanted, holder))
    if not free:
        return set()
    now = time.time()
    rows = [{"key": key, "holder": holder, "until": now + seconds} for key in free]
    mine: set[str] = set()
    with state.engine.begin() as connection:
        for chunk in _chunks(free):
            connection.execute(sa.delete(claims).where(c.key.in_(chunk), c.until < now))
        # In order of key, so that two who claim the same in Postgres wait for one another in one direction.
        connection.execute(state.insert_missing(claims), rows)
        for chunk in _chunks(free):
            mine.update(connection.scalars(sa.select(c.key).where(c.key.in_(chunk), c.holder == holder)))
    return mine


def renew(state: State, holder: str, seconds: float) -> None:
    """Make all claims of a holder good for so many seconds from now."""
    with state.engine.begin() as connection:
        connection.execute(
            sa.update(claims).where(claims.c.holder == holder).values(until=time.time() + seconds)
        )


def release(state: State, holder: str, keys: Iterable[str] | None = None) -> None:
    """Give claims of a holder back: those of some keys, or all."""
    c = claims.c
    with state.engine.begin() as connection:
        if keys is None:
            connection.execute(sa.delete(claims).where(c.holder == holder))
            return
        for chunk in _chunks(sorted(set(keys))):
            connection.execute(sa.delete(claims).where(c.key.in_(chunk), c.holder == holder))


def _held_by_others(state: State, keys: Sequence[str], holder: str) -> set[str]:
    c = claims.c
    held: set[str] = set()
    with state.engine.connect() as connection:
        for chunk in _chunks(keys):
            live = sa.select(c.key).where(c.key.in_(chunk), c.holder != holder, c.until >= time.time())
            held.update(connection.scalars(live))
    return held


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _CHUNK):
        yield keys[start : start + _CHUNK]
