"""The state database: users, the sources of their items, and cached answers of providers.

SQLite (WAL) by default, Postgres by URL; several processes may use it at once. Belongs here: opening it, and
the queries on those tables; each other table has a module of its own. Nothing here calls a provider or reads
the lake.
"""

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from qualia_assets.errors import QualiaError
from qualia_assets.progress import batched
from qualia_assets.state.tables import answer_uses, answers, metadata, tombstones, user_sources, users
from qualia_assets.users import check_user_key

CHUNK = 400
"""Values in one query: databases limit its parameters."""
T = TypeVar("T")


class StateError(QualiaError):
    """The state database cannot be used; the message says how to fix it."""


@dataclass(frozen=True)
class UserSource:
    """The location of one user's items of one source."""

    user: str
    source: str
    location: str


def answer_key(kind: str, provider: str, version: str, parameters: Mapping[str, Any], content: str) -> str:
    """The key of an answer: sha256 of everything that determines it.

    Args:
        kind: ``annotation`` or ``embedding``.
        provider: provider and model.
        version: of the prompt, or of the preprocessing.
        parameters: of the model call.
        content: hash of the provider's input.
    """
    parts = [kind, provider, version, parameters, content]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def chunks(values: Sequence[T]) -> Iterator[list[T]]:
    """Split values into runs that one query takes as parameters."""
    return batched(values, CHUNK)


def utc(value: datetime) -> datetime:
    """Add the time zone that SQLite drops."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def tombstone_of(user: str) -> str:
    """The hash by which an erased user is recorded, so that the record does not contain the key."""
    return hashlib.sha256(f"qualia user {user}".encode()).hexdigest()


class State:
    """The operations on one state database. Answers are requested for the items of ``user``."""

    user = ""

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url)
            if parsed.drivername.startswith("sqlite") and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = sa.create_engine(url)
            if self.engine.dialect.name == "sqlite":
                sa.event.listen(self.engine, "connect", _set_up_sqlite)
            with self.engine.begin() as connection:
                # Not create_all(), which checks before it creates: two processes may open a new file at once.
                for table in metadata.sorted_tables:
                    connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
        except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
            # Neither the URL nor the driver's message, here or as the cause: either may contain a password.
            raise StateError(
                f"The state database cannot be opened ({type(error).__name__}). Set `state` in qualia.toml, "
                "or QUALIA_STATE, to the path of a SQLite file, or to a Postgres URL whose driver is "
                "installed, for example postgresql+psycopg://localhost/qualia after "
                "`pip install 'psycopg[binary]'`."
            ) from None

    def close(self) -> None:
        self.engine.dispose()

    def of(self, user: str) -> "State":
        """The same database bound to a user: answers are recorded as used by them, and erased when nobody
        uses them any longer. ``""`` is for answers that belong to nobody."""
        bound = copy.copy(self)
        bound.user = user
        return bound

    def add_user(self, user: str) -> bool:
        """Add a user; False where the key exists. An erased user may be added again."""
        row = {"user": check_user_key(user), "added_at": datetime.now(UTC)}
        with self.engine.begin() as connection:
            new = bool(connection.execute(self.insert_missing(users), [row]).rowcount)
            if new:
                erased = tombstones.c.user_sha256 == tombstone_of(user)
                connection.execute(sa.delete(tombstones).where(erased))
        return new

    def users(self) -> list[str]:
        """All user keys, sorted."""
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.select(users.c.user).order_by(users.c.user)))

    def set_source(self, user: str, source: str, location: str) -> None:
        """Set the location of a user's items of a source."""
        self.add_user(user)
        row = {"user": user, "source": source, "location": location, "added_at": datetime.now(UTC)}
        with self.engine.begin() as connection:
            connection.execute(
                sa.delete(user_sources).where(user_sources.c.user == user, user_sources.c.source == source)
            )
            connection.execute(sa.insert(user_sources), [row])

    def source(self, user: str, source: str) -> UserSource | None:
        """The location of a user's items of a source, or None."""
        query = sa.select(user_sources.c.location).where(
            user_sources.c.user == user, user_sources.c.source == source
        )
        with self.engine.connect() as connection:
            location = connection.scalar(query)
        return UserSource(user, source, location) if location is not None else None

    def answers(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The cached answers among these keys."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        with self.engine.connect() as connection:
            for chunk in chunks(wanted):
                query = sa.select(answers.c.key, answers.c.payload).where(answers.c.key.in_(chunk))
                found.update((row.key, row.payload) for row in connection.execute(query))
        self._note_use(list(found))
        return found

    def keep_answers(self, kind: str, provider: str, payloads: Mapping[str, bytes]) -> None:
        """Store answers by key, in one transaction; existing ones are not changed."""
        now = datetime.now(UTC)
        rows = [
            {"key": key, "kind": kind, "provider": provider, "payload": payload, "answered_at": now}
            for key, payload in payloads.items()
        ]
        if rows:
            with self.engine.begin() as connection:
                connection.execute(self.insert_missing(answers), rows)
                uses = [{"key": key, "user": self.user} for key in payloads]
                connection.execute(self.insert_missing(answer_uses), uses)

    def _note_use(self, keys: list[str]) -> None:
        """Record that the user's items need these answers. Read first: most are recorded already, and a
        reader waits for nobody."""
        u = answer_uses.c
        for chunk in chunks(keys):
            mine = sa.select(u.key).where(u.user == self.user, u.key.in_(chunk))
            with self.engine.connect() as connection:
                missing = set(chunk) - set(connection.scalars(mine))
            if missing:
                # Only existing answers: another process may be erasing some.
                there = sa.select(answers.c.key, sa.literal(self.user)).where(answers.c.key.in_(missing))
                with self.engine.begin() as connection:
                    insert = self.insert_missing(answer_uses)
                    connection.execute(insert.from_select(["key", "user"], there))

    def insert_missing(self, table: sa.Table) -> sa.Insert:
        """An insert that skips existing keys, so that two processes may do the same."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()


def _set_up_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
