"""The progress of crawls and the rows fetched by them, both updated in one transaction.

Fetched rows stay here until a stage writes them to the lake, so that an interrupted crawl resumes where it
was and requests nothing twice. Rows of scope ``""`` are shared by all users. Knows no service and no page
format.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from qualia_assets.state.database import State, chunks
from qualia_assets.state.tables import crawl_cursors, crawl_rows, interests

_VISIT = "visit"
Payload = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One fetched record as JSON, and the parent it belongs to.

    ``sha256`` decides whether a row has changed; by default it is the hash of the payload.
    """

    kind: str
    key: str
    payload: Payload
    parent: str = ""
    sha256: str = ""

    @property
    def digest(self) -> str:
        return self.sha256 or digest(self.payload)


@dataclass(frozen=True)
class Interest:
    """A parent whose rows belong to a user's collection: its distance, and how many items point to it."""

    parent: str
    hop: int
    pointed_by: int = 1


@dataclass(frozen=True)
class Changes:
    """How many rows one step added and changed."""

    new: int = 0
    changed: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.new + other.new, self.changed + other.changed)


def digest(payload: Any) -> str:
    """The sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()


class Crawl:
    """The rows and cursors of one source, of one user or shared."""

    def __init__(self, state: State, source: str, scope: str = "") -> None:
        self.state, self.source, self.scope = state, source, scope

    def rows(self, kind: str, parents: Sequence[str] | None = None, gone: bool = False) -> dict[str, Payload]:
        """Payloads by key, sorted by key.

        Args:
            kind: of the rows.
            parents: only rows of these; None for all.
            gone: include removed rows, their payloads with ``gone_at`` (ISO 8601) added.
        """
        c = crawl_rows.c
        mine = [c.source == self.source, c.scope == self.scope, c.kind == kind]
        if not gone:
            mine.append(c.gone_at.is_(None))
        result: dict[str, Payload] = {}
        with self.state.engine.connect() as connection:
            for chunk in [None] if parents is None else chunks(parents):
                query = sa.select(c.key, c.payload, c.gone_at).where(*mine)
                if chunk is not None:
                    query = query.where(c.parent.in_(chunk))
                for row in connection.execute(query):
                    extra = {"gone_at": row.gone_at.isoformat()} if row.gone_at else {}
                    result[row.key] = {**row.payload, **extra}
        return dict(sorted(result.items()))

    def cursor(self, name: str) -> Payload | None:
        """The value of a cursor, or None."""
        return self.cursors([name]).get(name)

    def cursors(self, names: Sequence[str] | None = None) -> dict[str, Payload]:
        """The values of these cursors that exist, by name; of all where no names are given."""
        c = crawl_cursors.c
        query = sa.select(c.name, c.value).where(c.source == self.source, c.scope == self.scope)
        result: dict[str, Payload] = {}
        with self.state.engine.connect() as connection:
            for chunk in [None] if names is None else chunks(names):
                part = query if chunk is None else query.where(c.name.in_(chunk))
                result.update((row.name, row.value) for row in connection.execute(part))
        return result

    def account(
        self,
        rows: Iterable[Row] = (),
        cursors: Mapping[str, Payload | None] | None = None,
        gone: Iterable[tuple[str, str]] = (),
    ) -> Changes:
        """Write rows, set cursors and mark rows as gone, in one transaction.

        A row with an unchanged digest is not touched; one that was gone is restored.

        Args:
            rows: of two with the same kind and key, the last counts.
            cursors: values by name; None deletes a cursor.
            gone: (kind, key) of rows that no longer exist at the source.
        """
        now = datetime.now(UTC)
        wanted = {(row.kind, row.key): row for row in rows}
        new = changed = 0
        with self.state.engine.begin() as connection:
            there = self._digests(connection, wanted)
            for (kind, key), row in wanted.items():
                values = {"payload": row.payload, "sha256": row.digest, "parent": row.parent, "gone_at": None}
                if (kind, key) not in there:
                    new += 1
                    connection.execute(
                        self.state.insert_missing(crawl_rows),
                        {
                            **self._mine,
                            "kind": kind,
                            "key": key,
                            "first_seen": now,
                            "changed_at": now,
                            **values,
                        },
                    )
                elif there[kind, key] != row.digest:
                    changed += 1
                    connection.execute(
                        sa.update(crawl_rows).where(*self._is(kind, key)).values(changed_at=now, **values)
                    )
            for kind, key in gone:
                connection.execute(
                    sa.update(crawl_rows)
                    .where(*self._is(kind, key), crawl_rows.c.gone_at.is_(None))
                    .values(gone_at=now)
                )
            for name, value in (cursors or {}).items():
                c = crawl_cursors.c
                connection.execute(
                    sa.delete(crawl_cursors).where(
                        c.source == self.source, c.scope == self.scope, c.name == name
                    )
                )
                if value is not None:
                    connection.execute(
                        sa.insert(crawl_cursors),
                        {**self._mine, "name": name, "value": value, "moved_at": now},
                    )
        return Changes(new, changed)

    @property
    def _mine(self) -> dict[str, str]:
        return {"source": self.source, "scope": self.scope}

    def _is(self, kind: str, key: str) -> list[sa.ColumnElement[bool]]:
        c = crawl_rows.c
        return [c.source == self.source, c.scope == self.scope, c.kind == kind, c.key == key]

    def _digests(
        self, connection: sa.Connection, wanted: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Digests of the rows that exist; empty for one that is gone, so that it counts as changed."""
        c = crawl_rows.c
        keys = sorted({key for _, key in wanted})
        found = {}
        for chunk in chunks(keys):
            query = sa.select(c.kind, c.key, c.sha256, c.gone_at).where(
                c.source == self.source, c.scope == self.scope, c.key.in_(chunk)
            )
            for row in connection.execute(query):
                found[row.kind, row.key] = "" if row.gone_at else row.sha256
        return found


def set_interests(state: State, user: str, source: str, wanted: Iterable[Interest]) -> None:
    """Replace the interests of a user in a source."""
    rows = [
        {"user": user, "source": source, "parent": w.parent, "hop": w.hop, "pointed_by": w.pointed_by}
        for w in {w.parent: w for w in wanted}.values()
    ]
    with state.engine.begin() as connection:
        connection.execute(sa.delete(interests).where(interests.c.user == user, interests.c.source == source))
        if rows:
            connection.execute(sa.insert(interests), rows)


def interests_of(state: State, user: str, source: str) -> dict[str, Interest]:
    """The interests of a user in a source, by parent."""
    query = sa.select(interests).where(interests.c.user == user, interests.c.source == source)
    with state.engine.connect() as connection:
        return {
            row.parent: Interest(row.parent, row.hop, row.pointed_by)
            for row in connection.execute(query.order_by(interests.c.parent))
        }


@dataclass(frozen=True)
class Visit:
    """When a user's source was last crawled, and with what result."""

    at: datetime
    status: str
    requests: int
    until: datetime | None = None
    notes: tuple[str, ...] = ()
    asked_for: str = ""
    """Digest of the user's starting points."""

    @property
    def waits(self) -> bool:
        """Whether there is more to fetch."""
        return self.status in ("deferred", "budget")

    def due(self, hours: float, now: datetime) -> bool:
        """Whether to crawl again: a deferred crawl at ``until``, one out of budget at once, others after
        ``hours``."""
        if self.status == "budget" and self.until is None:
            return True
        return now >= (self.until or self.at + timedelta(hours=hours))


def note_visit(state: State, user: str, source: str, visit: Visit) -> None:
    """Record a visit, replacing the previous one."""
    value = {
        "at": visit.at.isoformat(),
        "status": visit.status,
        "requests": visit.requests,
        "until": visit.until.isoformat() if visit.until else None,
        "notes": list(visit.notes),
        "asked_for": visit.asked_for,
    }
    Crawl(state, source, user).account(cursors={_VISIT: value})


def last_visit(state: State, user: str, source: str) -> Visit | None:
    """The last visit, or None."""
    value = Crawl(state, source, user).cursor(_VISIT)
    if value is None:
        return None
    until = datetime.fromisoformat(value["until"]) if value["until"] else None
    at, notes = datetime.fromisoformat(value["at"]), tuple(value["notes"])
    return Visit(at, value["status"], value["requests"], until, notes, value["asked_for"])
