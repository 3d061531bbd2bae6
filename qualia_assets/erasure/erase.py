"""Erasing a user: all that is theirs alone, in the lake, in the state, and in Dagster's records.

First it is all looked up, so that a dry run tells what would go; then it goes part by part, in an order in
which a crash leaves nothing that a second call would not find. The first step, one transaction, takes the
user out of the state, so that no schedule, sensor or stage takes them up again; what follows is found by
their key in the lake and in Dagster. What other users have, too, stays.

Nothing is written of what went but a hash of the key in ``tombstones``: the receipt is for who asked for it.
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import sqlalchemy as sa

from qualia_assets.defs.catalogue import stages
from qualia_assets.defs.execution import rebuild
from qualia_assets.defs.resources import Run
from qualia_assets.erasure import dagster_records
from qualia_assets.erasure.receipt import EraseError, Line, Part, Receipt
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.settings import Settings
from qualia_assets.state.consent import bury
from qualia_assets.state.database import State
from qualia_assets.state.tables import (
    answer_uses,
    answers,
    batches,
    consents,
    crawl_cursors,
    crawl_rows,
    interests,
    ledger,
    tokens,
    user_sources,
    users,
)
from qualia_assets.users import check_user_key

_CHUNK = 400
_SETTLED = timedelta(hours=1)
"""What nobody refers to and is younger may belong to a run that is about to refer to it."""
_UNSHARED = ("images", "robots")
"""Sources whose shared rows hang on no user's interest."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def erase(
    user: str, settings: Settings, state: State, instance: dg.DagsterInstance | None, dry_run: bool
) -> Receipt:
    """Erase a user, or say what would go.

    May be called again after it was interrupted, and goes on then. A user of the same key can be added
    again by hand (``State.add_user``), which takes the tombstone back.

    Args:
        user: whose key.
        settings: where the lake is.
        state: where the user is known.
        instance: whose records of the user go, too; None where there is no Dagster.
        dry_run: change nothing.

    Raises:
        EraseError: a run of theirs is under way; or all is gone, but a database is held open by another
            process, so that its old pages could not be cleaned.
        LakeError: the key is none; or another user's table is damaged, so that it cannot be told what is
            theirs. Nothing is gone then.
    """
    check_user_key(user)
    if instance is not None:
        dagster_records.refuse_while_running(instance, user)
    lake = Lake(settings.lake)
    parts = [
        _state_rows(state, user),
        *_pictures(lake, state, user),
        _answers(state, user),
        _tables(lake, user),
        _marts(lake, settings, state, user),
        *(dagster_records.parts(instance, user) if instance is not None else ()),
    ]
    lines = tuple(line for part in parts for line in part.lines)
    if not dry_run:
        bury(state, user)
        for part in parts:
            part.remove()
        _clean(state, instance)
    return Receipt(lines)


def _state_rows(state: State, user: str) -> Part:
    """What the state knows of the user, and the shared rows of crawls that only they had an interest in."""
    tables = (users, user_sources, consents, tokens, interests, batches, ledger)
    own = [(t, t.c.user == user) for t in tables]
    scoped = [(t, t.c.scope == user) for t in (crawl_rows, crawl_cursors)]
    with state.engine.connect() as connection:
        theirs = [_number(connection, table, where) for table, where in own]
        crawled = sum(_number(connection, table, where) for table, where in scoped)
        shared = list(_left_alone(connection, user))
        rows = sum(_number(connection, table, where) for table, where in shared)

    def remove() -> None:
        with state.engine.begin() as connection:
            for table, where in (*shared, *scoped, *reversed(own)):
                connection.execute(sa.delete(table).where(where))

    return Part(
        (
            Line("rows about the user: sources, consents, tokens, interests, costs", sum(theirs)),
            Line("rows of their own crawls", crawled),
            Line("rows of shared crawls that nobody else has an interest in", rows),
        ),
        remove,
    )


def _number(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0


def _left_alone(connection: sa.Connection, user: str) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """Which shared rows and cursors of crawls are nobody's, once the user is gone.

    A row hangs on its parent, or is the parent itself (a publication, say); a cursor is named
    ``<what>:<parent>``. Rows go with their cursors, or whoever came to the parent next would find a walk
    that is said to be done and nothing of it there.
    """
    r, i = crawl_rows.c, interests.c
    held: dict[str, set[str]] = {}
    theirs: dict[str, set[str]] = {}
    for row in connection.execute(sa.select(i.user, i.source, i.parent)):
        (theirs if row.user == user else held).setdefault(row.source, set()).add(row.parent)
    moved = sa.select(r.source, r.parent, sa.func.max(r.changed_at).label("at")).where(
        r.scope == "", r.parent != "", r.source.not_in(_UNSHARED)
    )
    for row in connection.execute(moved.group_by(r.source, r.parent)):
        if _is_settled(row.at):
            theirs.setdefault(row.source, set()).add(row.parent)
    for source, parents in theirs.items():
        alone = sorted(parents - held.get(source, set()))
        names = [
            name
            for name in connection.scalars(
                sa.select(crawl_cursors.c.name).where(
                    crawl_cursors.c.source == source, crawl_cursors.c.scope == ""
                )
            )
            if name.partition(":")[2] in set(alone)
        ]
        shared = sa.and_(r.source == source, r.scope == "")
        for chunk in _chunks(alone):
            hangs = sa.or_(r.parent.in_(chunk), sa.and_(r.parent == "", r.key.in_(chunk)))
            yield crawl_rows, sa.and_(shared, hangs)
        for chunk in _chunks(names):
            c = crawl_cursors.c
            yield crawl_cursors, sa.and_(c.source == source, c.scope == "", c.name.in_(chunk))


def _is_settled(at: datetime) -> bool:
    return datetime.now(UTC) - (at if at.tzinfo else at.replace(tzinfo=UTC)) > _SETTLED


def _pictures(lake: Lake, state: State, user: str) -> list[Part]:
    """Pictures, their thumbnails and what is known of their addresses, where no other user has them.

    Addresses go before bytes: one without its bytes would be taken for a picture that is there.
    """
    mine, others = _Pictures.of(lake, user, theirs=True), _Pictures.of(lake, user, theirs=False)
    addresses, kept = [], set(others.blobs)
    r = crawl_rows.c
    with state.engine.connect() as connection:
        query = sa.select(r.key, r.payload, r.changed_at).where(r.source == "images", r.scope == "")
        for row in connection.execute(query):
            if row.key not in others.urls and (row.key in mine.urls or _is_settled(row.changed_at)):
                addresses.append(row.key)
            else:
                kept.add(row.payload["sha256"])
    blobs = list(_files(lake.root / "blobs", kept, mine.blobs))
    small = list(_files(lake.root / "thumbnails", kept, mine.blobs))

    def forget() -> None:
        with state.engine.begin() as connection:
            for chunk in _chunks(addresses):
                where = sa.and_(r.source == "images", r.scope == "", r.key.in_(chunk))
                connection.execute(sa.delete(crawl_rows).where(where))

    return [
        Part((Line("addresses of pictures", len(addresses)),), forget),
        Part((_of_files("pictures", blobs),), lambda: _unlink(blobs)),
        Part((_of_files("thumbnails", small),), lambda: _unlink(small)),
    ]


@dataclass(frozen=True)
class _Pictures:
    """Which pictures tables refer to, by hash and by address."""

    blobs: frozenset[str]
    urls: frozenset[str]

    @classmethod
    def of(cls, lake: Lake, user: str, theirs: bool) -> "_Pictures":
        """Those of the user's tables, or of all others'."""
        blobs: set[str] = set()
        urls: set[str] = set()
        for path in lake.root.glob("*/user=*/part-0.parquet"):
            table, owner = path.parent.parent.name, path.parent.name.removeprefix("user=")
            if (owner == user) is not theirs:
                continue
            try:
                columns = set(pq.read_schema(path).names)
            except Exception as error:
                if theirs:
                    continue
                raise LakeError(
                    f"{path} is damaged, so it cannot be told which pictures are only {user!r}'s. "
                    f"Make it with `qualia run --user {owner} --force`."
                ) from error
            named = {"image_sha256": blobs, "image_url": urls}
            if table in ("image_blobs", "image_refs"):
                named |= {"sha256": blobs, "url": urls}
            for column in columns & set(named):
                found = lake.read(table, owner, [column])[column].drop_null()
                named[column].update(found.to_pylist())
        return cls(frozenset(blobs), frozenset(urls))


def _files(root: Path, kept: set[str], mine: frozenset[str]) -> Iterator[Path]:
    """Files named by a hash that is not kept; those that nobody refers to only where they are settled."""
    for path in sorted(root.glob("*/*")):
        sha256 = path.name[:64]
        if _SHA256.fullmatch(sha256) and sha256 in kept:
            continue
        written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        if sha256 in mine or _is_settled(written):
            yield path


def _answers(state: State, user: str) -> Part:
    """Answers of providers that are about nobody else's items, the user's former ones too.

    Who asked is noted with every answer: computed from the tables of today, the keys would miss what an
    item said before it was edited, and answers of a provider or of rules that have changed since.
    """
    u = answer_uses.c
    used = sa.exists().where(u.key == answers.c.key, u.user != user)
    with state.engine.connect() as connection:
        size = sa.func.coalesce(sa.func.sum(sa.func.length(answers.c.payload)), 0)
        number, length = connection.execute(sa.select(sa.func.count(), size).where(~used)).one()

    def remove() -> None:
        with state.engine.begin() as connection:
            connection.execute(sa.delete(answer_uses).where(u.user == user))
            # Asked again: a user who came to an answer since keeps it.
            still_used = sa.exists().where(u.key == answers.c.key)
            connection.execute(sa.delete(answers).where(~still_used))

    return Part((Line("answers of providers", int(number), int(length)),), remove)


def _tables(lake: Lake, user: str) -> Part:
    """The user's folders: tables, pictures drawn of them, weights."""
    folders = sorted(lake.root.glob(f"*/user={user}"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    def remove() -> None:
        for folder in folders:
            shutil.rmtree(folder)

    return Part((Line("tables", len(folders)), _of_files("files of tables", files)), remove)


def _marts(lake: Lake, settings: Settings, state: State, user: str) -> Part:
    """The tables over all users, made again without the user, and published."""
    steps = [step for step in stages() if not step.per_user]
    names = [spec.name for step in steps for spec in step.specs]
    there = [name for name in names if lake.exists(name, None)]
    rows = sum(_rows_of(lake, name, user) for name in there)
    published = lake.root / "qualia.duckdb"

    def remove() -> None:
        # Half a mart, from a writer that was killed or is at work on what the user still was in.
        _unlink(lake.root.glob(".qualia.duckdb.*"))
        _unlink(path for name in names for path in lake.folder(name, None).glob(".part-0.parquet.*"))
        run = Run("", settings, lake, state)
        try:
            for step in steps if there else ():
                rebuild(step, run)
        except (LakeError, duckdb.Error):
            # Another user's table cannot be read. The next run makes the marts; this user is not in them.
            for name in names:
                shutil.rmtree(lake.folder(name, None), ignore_errors=True)
            published.unlink(missing_ok=True)

    return Part((Line("rows of tables over all users", rows),), remove)


def _rows_of(lake: Lake, mart: str, user: str) -> int:
    try:
        table = lake.read(mart, None)
    except LakeError:
        return 0
    return table["user"].to_pylist().count(user) if "user" in table.column_names else 0


def _of_files(what: str, files: Iterable[Path]) -> Line:
    sizes = [path.stat().st_size for path in files]
    return Line(what, len(sizes), sum(sizes))


def _unlink(files: Iterable[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


def _chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def _clean(state: State, instance: dg.DagsterInstance | None) -> None:
    """Write the databases anew, for what was deleted from them lies in their free pages until then."""
    files = dagster_records.databases(instance) if instance is not None else []
    url = state.engine.url
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            files.append(Path(url.database))
    else:
        with state.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
    held = [path for path in files if not _vacuumed(path)]
    if held:
        names = ", ".join(str(path) for path in held)
        raise EraseError(
            f"All is gone, but its traces are still in the free pages of {names}, which another process "
            "holds open. End `qualia ui` and runs, and erase once more."
        )


def _vacuumed(path: Path) -> bool:
    """Write a SQLite file anew and empty its log; False where another process is in the way."""
    try:
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
    except sqlite3.OperationalError:
        return not os.path.exists(path)
