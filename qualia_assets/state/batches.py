"""Batches that were handed to a provider, so that a run that was killed finds its own and submits none
twice.

A row is written before a batch is submitted, under a name of ours, and gets the provider's id with its
answer: whatever happens between the two, what was on its way is known. Knows no provider, and no results.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from qualia_assets.state.database import State
from qualia_assets.state.tables import batches

_INTENDED = "intended-"
_CHUNK = 400


@dataclass(frozen=True)
class Pending:
    """A batch whose results have not been brought home. ``keys``: of the answers, by custom_id."""

    batch_id: str
    user: str
    keys: Mapping[str, str]
    submitted_at: datetime

    @property
    def arrived(self) -> bool:
        """Whether the provider is known to have it; else ``batch_id`` is our own name for it."""
        return not self.batch_id.startswith(_INTENDED)


def intend(state: State, name: str, provider: str, keys: Mapping[str, str]) -> Pending:
    """Note that a batch is about to be submitted for the user that the state is asked for.

    Args:
        state: and whose items they are.
        name: of ours, another for each batch, at most 100 characters.
        provider: and model.
        keys: of the answers that it will bring, by custom_id.
    """
    row = Pending(f"{_INTENDED}{name}", state.user, dict(keys), datetime.now(UTC))
    with state.engine.begin() as connection:
        connection.execute(sa.insert(batches), [{"provider": provider, **asdict(row)}])
    return row


def arrived(state: State, intended: Pending, batch_id: str) -> None:
    """Note the provider's id of a batch that was intended; nothing where another process has done so."""
    with state.engine.begin() as connection:
        connection.execute(
            sa.update(batches).where(batches.c.batch_id == intended.batch_id).values(batch_id=batch_id)
        )


def drop(state: State, intended: Pending) -> None:
    """Forget a batch that never reached the provider."""
    with state.engine.begin() as connection:
        connection.execute(sa.delete(batches).where(batches.c.batch_id == intended.batch_id))


def pending(state: State, provider: str, but: Collection[str] = ()) -> list[Pending]:
    """The batches of a provider that have not been brought home, whosever they are, the oldest first.

    Args:
        state: where they are noted.
        provider: and model.
        but: ids of batches that are known already.
    """
    b = batches.c
    query = sa.select(b.batch_id).where(b.provider == provider, b.ended_at.is_(None))
    with state.engine.connect() as connection:
        # Ids first: the keys of a batch may be megabytes.
        ids = [i for i in connection.scalars(query.order_by(b.submitted_at)) if i not in but]
        whole = sa.select(b.batch_id, b.user, b["keys"], b.submitted_at)
        rows = [connection.execute(whole.where(b.batch_id == i)).first() for i in ids]
    return [
        # SQLite gives times back without their zone.
        Pending(row[0], row[1], row[2], row[3].replace(tzinfo=row[3].tzinfo or UTC))
        for row in rows
        if row is not None
    ]


def known(state: State, ids: Collection[str]) -> set[str]:
    """Those of a provider's ids that are noted, brought home or not."""
    b, wanted, found = batches.c, sorted(ids), set[str]()
    with state.engine.connect() as connection:
        for start in range(0, len(wanted), _CHUNK):
            query = sa.select(b.batch_id).where(b.batch_id.in_(wanted[start : start + _CHUNK]))
            found.update(connection.scalars(query))
    return found


def ended(state: State, batch_id: str) -> bool:
    """Note that a batch was brought home; False where that was noted before, or its user was erased.

    The row stays, without its keys, so that the id remains known.
    """
    b = batches.c
    with state.engine.begin() as connection:
        done = connection.execute(
            sa.update(batches)
            .where(b.batch_id == batch_id, b.ended_at.is_(None))
            .values({b.ended_at: datetime.now(UTC), b["keys"]: {}})
        )
    return bool(done.rowcount)
