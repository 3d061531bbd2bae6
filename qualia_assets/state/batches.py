"""Batches submitted to a provider, so that a run after a crash finds them and submits none twice.

A row is written before a batch is submitted, under a name of ours, and gets the provider's id afterwards; a
crash in between leaves a row that says what was being submitted. Knows neither providers nor results.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from qualia_assets.state.database import State, chunks, utc
from qualia_assets.state.tables import batches

_INTENDED = "intended-"


@dataclass(frozen=True)
class Pending:
    """A batch whose results have not been fetched. ``keys``: answer keys by custom_id."""

    batch_id: str
    user: str
    keys: Mapping[str, str]
    submitted_at: datetime

    @property
    def arrived(self) -> bool:
        """Whether the provider is known to have it; if not, ``batch_id`` is our own name for it."""
        return not self.batch_id.startswith(_INTENDED)


def intend(state: State, name: str, provider: str, keys: Mapping[str, str]) -> Pending:
    """Record that a batch is about to be submitted for the state's user.

    Args:
        state: bound to the user whose items they are.
        name: unique, at most 100 characters.
        provider: and model.
        keys: of the expected answers, by custom_id.
    """
    row = Pending(f"{_INTENDED}{name}", state.user, dict(keys), datetime.now(UTC))
    with state.engine.begin() as connection:
        connection.execute(sa.insert(batches), [{"provider": provider, **asdict(row)}])
    return row


def arrived(state: State, intended: Pending, batch_id: str) -> None:
    """Record the provider's id of an intended batch; does nothing where another process has."""
    with state.engine.begin() as connection:
        connection.execute(
            sa.update(batches).where(batches.c.batch_id == intended.batch_id).values(batch_id=batch_id)
        )


def drop(state: State, intended: Pending) -> None:
    """Delete a batch that never reached the provider."""
    with state.engine.begin() as connection:
        connection.execute(sa.delete(batches).where(batches.c.batch_id == intended.batch_id))


def pending(state: State, provider: str, but: Collection[str] = ()) -> list[Pending]:
    """The batches of a provider, of all users, whose results have not been fetched, oldest first.

    Args:
        state: of any user.
        provider: and model.
        but: ids to leave out.
    """
    b = batches.c
    query = sa.select(b.batch_id).where(b.provider == provider, b.ended_at.is_(None))
    with state.engine.connect() as connection:
        # Ids first: the keys of a batch may be megabytes.
        ids = [i for i in connection.scalars(query.order_by(b.submitted_at)) if i not in but]
        row_of = sa.select(b.batch_id, b.user, b["keys"], b.submitted_at)
        rows = [connection.execute(row_of.where(b.batch_id == i)).first() for i in ids]
    return [Pending(row[0], row[1], row[2], utc(row[3])) for row in rows if row is not None]


def known(state: State, ids: Collection[str]) -> set[str]:
    """Those of the ids that are recorded, fetched or not."""
    b, wanted, found = batches.c, sorted(ids), set[str]()
    with state.engine.connect() as connection:
        for chunk in chunks(wanted):
            found.update(connection.scalars(sa.select(b.batch_id).where(b.batch_id.in_(chunk))))
    return found


def ended(state: State, batch_id: str) -> bool:
    """Record that a batch's results were fetched; False where they had been, or its user was erased.

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
