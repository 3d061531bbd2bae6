"""What a user agreed to, the tokens they gave for it, and that a user was erased.

Belongs here: asking and noting. Nothing is fetched for a user without a consent for that source.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import SecretStr

from qualia_assets.state.database import State, tombstone_of
from qualia_assets.state.tables import consents, tokens, tombstones

SOURCES = ("substack", "pinterest", "images")
"""What can be agreed to: Substack's public pages, Pinterest's API, pictures from either's CDN."""


@dataclass(frozen=True)
class Token:
    """What lets this project read one user's account, as OAuth gives it."""

    access: SecretStr
    refresh: SecretStr | None = None
    expires_at: datetime | None = None


def consent(state: State, user: str, source: str) -> None:
    """Note that a user agrees to a source being asked for their items."""
    row = {"user": user, "source": source, "given_at": datetime.now(UTC)}
    with state.engine.begin() as connection:
        connection.execute(state.insert_missing(consents), [row])


def withdraw(state: State, user: str, source: str) -> None:
    """Take a consent back, and forget the token that came with it."""
    with state.engine.begin() as connection:
        for table in (consents, tokens):
            connection.execute(sa.delete(table).where(table.c.user == user, table.c.source == source))


def consented(state: State, user: str) -> dict[str, datetime]:
    """The sources that a user agreed to, and when."""
    query = sa.select(consents.c.source, consents.c.given_at).where(consents.c.user == user)
    with state.engine.connect() as connection:
        return {row.source: _utc(row.given_at) for row in connection.execute(query)}


def keep_token(state: State, user: str, source: str, token: Token) -> None:
    """Keep a token in place of the one before."""
    row = {
        "user": user,
        "source": source,
        "access": token.access.get_secret_value(),
        "refresh": token.refresh.get_secret_value() if token.refresh else None,
        "expires_at": token.expires_at,
    }
    with state.engine.begin() as connection:
        connection.execute(sa.delete(tokens).where(tokens.c.user == user, tokens.c.source == source))
        connection.execute(sa.insert(tokens), [row])


def token(state: State, user: str, source: str) -> Token | None:
    """The token that was kept last, or None."""
    query = sa.select(tokens).where(tokens.c.user == user, tokens.c.source == source)
    with state.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Token(
        SecretStr(row.access),
        SecretStr(row.refresh) if row.refresh else None,
        _utc(row.expires_at) if row.expires_at else None,
    )


def bury(state: State, user: str) -> None:
    """Note that a user was erased, without their key. Adding a user of that key again takes it back."""
    row = {"user_sha256": tombstone_of(user), "erased_at": datetime.now(UTC)}
    with state.engine.begin() as connection:
        connection.execute(state.insert_missing(tombstones), [row])


def erased_at(state: State, user: str) -> datetime | None:
    """When a user of this key was erased, or None."""
    query = sa.select(tombstones.c.erased_at).where(tombstones.c.user_sha256 == tombstone_of(user))
    with state.engine.connect() as connection:
        found = connection.scalar(query)
    return _utc(found) if found else None


def _utc(value: datetime) -> datetime:
    """SQLite gives times back without their zone."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)
