"""How far a crawl is, and the rows that it accounts for: both moved in one transaction.

What was fetched lies here until a stage writes it to the lake, so that a crawl that is killed goes on where
it was and asks for nothing twice. Rows of scope ``""`` are shared by all users. Knows no service, no page.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from qualia_assets.state.database import State
from qualia_assets.state.tables import crawl_cursors, crawl_rows, interests

_CHUNK = 400
_VISIT = "visit"
Payload = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One thing that was fetched, as JSON can say it, and what it hangs on.

    ``sha256`` decides whether a row has changed; by default it is the hash of the whole payload.
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
    """That a user's collection holds what hangs on a parent: how far away, and how many point to it."""

    parent: str
    hop: int
    pointed_by: int = 1


@dataclass(frozen=True)
class Changes:
    """What came of one step."""

    new: int = 0
    changed: int = 0

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.new + other.new, self.changed + other.changed)


def digest(payload: Any) -> str:
    """sha256 of a value that JSON can say."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()


class Crawl:
    """The rows and cursors of one source: one user's, or the shared ones."""

    def __init__(self, state: State, source: str, scope: str = "") -> None:
        self.state, self.source, self.scope = state, source, scope

    def rows(self, kind: str, parents: Sequence[str] | None = None, gone: bool = False) -> dict[str, Payload]:
        """Payloads by key, in order of key.

        Args:
            kind: of the rows.
            parents: only what hangs on one of these; None for all.
            gone: also those that are gone, their payloads with ``gone_at`` (ISO) added.
        """
        c = crawl_rows.c
        mine = [c.source == self.source, c.scope == self.scope, c.kind == kind]
        if not gone:
            mine.append(c.gone_at.is_(None))
        chunks = (
            [None]
            if parents is None
            else [parents[start : start + _CHUNK] for start in range(0, len(parents), _CHUNK)]
        )
        found: dict[str, Payload] = {}
        with self.state.engine.connect() as connection:
            for chunk in chunks:
                query = sa.select(c.key, c.payload, c.gone_at).where(*mine)
                if chunk is not None:
                    query = query.where(c.parent.in_(chunk))
                for row in connection.execute(query):
                    left = {"gone_at": row.gone_at.isoformat()} if row.gone_at else {}
                    found[row.key] = {**row.payload, **left}
        return dict(sorted(found.items()))

    def cursor(self, name: str) -> Payload | None:
        """Where a walk stands, or None where it never began."""
        return self.cursors([name]).get(name)

    def cursors(self, names: Sequence[str] | None = None) -> dict[str, Payload]:
        """Those of the cursors that are there, by name; all of them where no names are given."""
        c = crawl_cursors.c
        query = sa.select(c.name, c.value).where(c.source == self.source, c.scope == self.scope)
        chunks = (
            [None]
            if names is None
            else [names[start : start + _CHUNK] for start in range(0, len(names), _CHUNK)]
        )
        found: dict[str, Payload] = {}
        with self.state.engine.connect() as connection:
            for chunk in chunks:
                asked = query if chunk is None else query.where(c.name.in_(chunk))
                found.update((row.name, row.value) for row in connection.execute(asked))
        return found

    def account(
        self,
        rows: Iterable[Row] = (),
        cursors: Mapping[str, Payload | None] | None = None,
        gone: Iterable[tuple[str, str]] = (),
    ) -> Changes:
        """Write rows, move cursors (None forgets one) and mark rows gone, all of it or nothing.

        A row whose digest is as before stays untouched; one that was gone comes back.

        Args:
            rows: the last of a kind and key counts.
            cursors: by name.
            gone: (kind, key) of rows that are no longer there.
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
        """Digests of those rows that are there; a gone one's is empty, so that it counts as changed."""
        c = crawl_rows.c
        keys = sorted({key for _, key in wanted})
        found = {}
        for start in range(0, len(keys), _CHUNK):
            query = sa.select(c.kind, c.key, c.sha256, c.gone_at).where(
                c.source == self.source, c.scope == self.scope, c.key.in_(keys[start : start + _CHUNK])
            )
            for row in connection.execute(query):
                found[row.kind, row.key] = "" if row.gone_at else row.sha256
        return found


def set_interests(state: State, user: str, source: str, wanted: Iterable[Interest]) -> None:
    """Note what a user's collection of a source holds, in place of what was noted before."""
    rows = [
        {"user": user, "source": source, "parent": w.parent, "hop": w.hop, "pointed_by": w.pointed_by}
        for w in {w.parent: w for w in wanted}.values()
    ]
    with state.engine.begin() as connection:
        connection.execute(sa.delete(interests).where(interests.c.user == user, interests.c.source == source))
        if rows:
            connection.execute(sa.insert(interests), rows)


def interests_of(state: State, user: str, source: str) -> dict[str, Interest]:
    """What a user's collection of a source holds, by parent."""
    query = sa.select(interests).where(interests.c.user == user, interests.c.source == source)
    with state.engine.connect() as connection:
        return {
            row.parent: Interest(row.parent, row.hop, row.pointed_by)
            for row in connection.execute(query.order_by(interests.c.parent))
        }


@dataclass(frozen=True)
class Visit:
    """When a user's source was last asked, and how that ended."""

    at: datetime
    status: str
    requests: int
    until: datetime | None = None
    notes: tuple[str, ...] = ()
    asked_for: str = ""
    """Digest of what the user named to begin with."""

    @property
    def waits(self) -> bool:
        """Whether there is more to ask for."""
        return self.status in ("deferred", "budget")

    def due(self, hours: float, now: datetime) -> bool:
        """Whether it is time to ask again: what was put off is due when its time has come, what ran out of
        its budget at once, all else after ``hours``."""
        if self.status == "budget" and self.until is None:
            return True
        return now >= (self.until or self.at + timedelta(hours=hours))


def note_visit(state: State, user: str, source: str, visit: Visit) -> None:
    """Note how the last visit ended."""
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
    """How the last visit ended, or None where there was none."""
    value = Crawl(state, source, user).cursor(_VISIT)
    if value is None:
        return None
    until = datetime.fromisoformat(value["until"]) if value["until"] else None
    at, notes = datetime.fromisoformat(value["at"]), tuple(value["notes"])
    return Visit(at, value["status"], value["requests"], until, notes, value["asked_for"])
