"""Users' consents and OAuth tokens, and the tombstones of erased users.

Nothing is fetched for a user without a consent for that source.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import SecretStr

from qualia_assets.state.database import State, tombstone_of, utc
from qualia_assets.state.tables import consents, tokens, tombstones

SOURCES = ("substack", "pinterest", "images")
"""What users can consent to: Substack's public pages, Pinterest's API, pictures from either's CDN."""


@dataclass(frozen=True)
class Token:
    """An OAuth token for one user's account."""

    access: SecretStr
    refresh: SecretStr | None = None
    expires_at: datetime | None = None


def consent(state: State, user: str, source: str) -> None:
    """Record that a user consents to fetching their items from a source."""
    row = {"user": user, "source": source, "given_at": datetime.now(UTC)}
    with state.engine.begin() as connection:
        connection.execute(state.insert_missing(consents), [row])


def withdraw(state: State, user: str, source: str) -> None:
    """Withdraw a consent, and delete its token."""
    with state.engine.begin() as connection:
        for table in (consents, tokens):
            connection.execute(sa.delete(table).where(table.c.user == user, table.c.source == source))


def consented(state: State, user: str) -> dict[str, datetime]:
    """When the user consented to each source."""
    query = sa.select(consents.c.source, consents.c.given_at).where(consents.c.user == user)
    with state.engine.connect() as connection:
        return {row.source: utc(row.given_at) for row in connection.execute(query)}


def keep_token(state: State, user: str, source: str, token: Token) -> None:
    """Store a token, replacing the previous one."""
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
    """The stored token, or None."""
    query = sa.select(tokens).where(tokens.c.user == user, tokens.c.source == source)
    with state.engine.connect() as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Token(
        SecretStr(row.access),
        SecretStr(row.refresh) if row.refresh else None,
        utc(row.expires_at) if row.expires_at else None,
    )


def bury(state: State, user: str) -> None:
    """Record that a user was erased, without their key. Adding a user with that key undoes it."""
    row = {"user_sha256": tombstone_of(user), "erased_at": datetime.now(UTC)}
    with state.engine.begin() as connection:
        connection.execute(state.insert_missing(tombstones), [row])


def erased_at(state: State, user: str) -> datetime | None:
    """When a user with this key was erased, or None."""
    query = sa.select(tombstones.c.erased_at).where(tombstones.c.user_sha256 == tombstone_of(user))
    with state.engine.connect() as connection:
        at = connection.scalar(query)
    return utc(at) if at else None
