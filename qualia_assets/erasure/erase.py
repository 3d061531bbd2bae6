"""Erasing a user: everything that is theirs alone, in the lake, the state and Dagster's records.

Everything is looked up first, so that a dry run can list it, and then removed step by step, in an order that
a second call can complete after a crash. The first step, one transaction, removes the user from the state, so
that no schedule, sensor or stage picks them up again; the rest is found by their key in the lake and in
Dagster. What other users have as well stays.

The only record of the erasure is a hash of the key in ``tombstones``; the receipt is for the caller.
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
from qualia_assets.erasure.receipt import EraseError, Receipt, ReceiptLine, Removal
from qualia_assets.lake.store import Lake, LakeError
from qualia_assets.settings import Settings
from qualia_assets.state.consent import bury
from qualia_assets.state.database import State, chunks, utc
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

_SETTLED = timedelta(hours=1)
"""Younger data that nobody refers to may belong to a run that is about to refer to it."""
_UNSHARED = ("images", "robots")
"""Sources whose shared rows do not depend on users' interests."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def erase(
    user: str, settings: Settings, state: State, instance: dg.DagsterInstance | None, dry_run: bool
) -> Receipt:
    """Erase a user, or list what would be erased.

    An interrupted erasure is completed by calling this again. A user with the same key can be added again
    (``State.add_user``), which removes the tombstone.

    Args:
        user: the user's key.
        settings: say where the lake is.
        state: the state database.
        instance: the Dagster instance with records of the user, or None.
        dry_run: change nothing.

    Raises:
        EraseError: a run of the user is under way; or everything is erased, but another process holds a
            database open, so that its free pages could not be cleaned.
        InvalidUserKey: ``user`` is not a user key.
        LakeError: a damaged table of another user hides what is theirs. Nothing is erased then.
    """
    check_user_key(user)
    if instance is not None:
        dagster_records.refuse_while_running(instance, user)
    lake = Lake(settings.lake)
    removals = [
        _state_rows(state, user),
        *_pictures(lake, state, user),
        _answers(state, user),
        _tables(lake, user),
        _marts(lake, settings, state, user),
        *(dagster_records.removals(instance, user) if instance is not None else ()),
    ]
    lines = tuple(line for removal in removals for line in removal.lines)
    if not dry_run:
        bury(state, user)
        for removal in removals:
            removal.remove()
        _clean(state, instance)
    return Receipt(lines)


def _state_rows(state: State, user: str) -> Removal:
    """The user's rows in the state, and shared crawl rows that only they had an interest in."""
    tables = (users, user_sources, consents, tokens, interests, batches, ledger)
    own = [(t, t.c.user == user) for t in tables]
    scoped = [(t, t.c.scope == user) for t in (crawl_rows, crawl_cursors)]
    with state.engine.connect() as connection:
        theirs = [_number(connection, table, where) for table, where in own]
        crawled = sum(_number(connection, table, where) for table, where in scoped)
        shared = list(_unneeded_crawl_rows(connection, user))
        rows = sum(_number(connection, table, where) for table, where in shared)

    def remove() -> None:
        with state.engine.begin() as connection:
            for table, where in (*shared, *scoped, *reversed(own)):
                connection.execute(sa.delete(table).where(where))

    return Removal(
        (
            ReceiptLine("rows about the user: sources, consents, tokens, interests, costs", sum(theirs)),
            ReceiptLine("rows of their own crawls", crawled),
            ReceiptLine("rows of shared crawls that nobody else has an interest in", rows),
        ),
        remove,
    )


def _number(connection: sa.Connection, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0


def _unneeded_crawl_rows(
    connection: sa.Connection, user: str
) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """Conditions for the shared crawl rows and cursors that nobody needs without the user.

    A row belongs to its parent, or is the parent itself (a publication, say); a cursor is named
    ``<what>:<parent>``. Rows and cursors are removed together: a cursor without its rows would make the next
    crawl of that parent believe that it is complete.
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
        for chunk in chunks(alone):
            hangs = sa.or_(r.parent.in_(chunk), sa.and_(r.parent == "", r.key.in_(chunk)))
            yield crawl_rows, sa.and_(shared, hangs)
        for chunk in chunks(names):
            c = crawl_cursors.c
            yield crawl_cursors, sa.and_(c.source == source, c.scope == "", c.name.in_(chunk))


def _is_settled(at: datetime) -> bool:
    return datetime.now(UTC) - utc(at) > _SETTLED


def _pictures(lake: Lake, state: State, user: str) -> list[Removal]:
    """Pictures, thumbnails and the records of their URLs, where no other user has them.

    URLs are removed before files: a URL whose file is missing would pass for a fetched picture.
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
            for chunk in chunks(addresses):
                where = sa.and_(r.source == "images", r.scope == "", r.key.in_(chunk))
                connection.execute(sa.delete(crawl_rows).where(where))

    return [
        Removal((ReceiptLine("addresses of pictures", len(addresses)),), forget),
        Removal((_of_files("pictures", blobs),), lambda: _unlink(blobs)),
        Removal((_of_files("thumbnails", small),), lambda: _unlink(small)),
    ]


@dataclass(frozen=True)
class _Pictures:
    """The pictures that tables refer to, by hash and by URL."""

    blobs: frozenset[str]
    urls: frozenset[str]

    @classmethod
    def of(cls, lake: Lake, user: str, theirs: bool) -> "_Pictures":
        """Those in the user's tables, or in all other users' tables."""
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
                    f"{path} is damaged, so it is unknown which pictures only {user!r} has. "
                    f"Make it again with `qualia run --user {owner} --force`."
                ) from error
            named = {"image_sha256": blobs, "image_url": urls}
            if table in ("image_blobs", "image_refs"):
                named |= {"sha256": blobs, "url": urls}
            for column in columns & set(named):
                found = lake.read(table, owner, [column])[column].drop_null()
                named[column].update(found.to_pylist())
        return cls(frozenset(blobs), frozenset(urls))


def _files(root: Path, kept: set[str], mine: frozenset[str]) -> Iterator[Path]:
    """Files whose hash is not in ``kept``; those that nobody refers to only where they are old enough."""
    for path in sorted(root.glob("*/*")):
        sha256 = path.name[:64]
        if _SHA256.fullmatch(sha256) and sha256 in kept:
            continue
        written = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        if sha256 in mine or _is_settled(written):
            yield path


def _answers(state: State, user: str) -> Removal:
    """Answers of providers that no other user needs, including those on former versions of items.

    Found by the recorded uses: keys computed from the current tables would miss items that were edited, and
    providers or prompts that have changed since.
    """
    u = answer_uses.c
    used = sa.exists().where(u.key == answers.c.key, u.user != user)
    with state.engine.connect() as connection:
        size = sa.func.coalesce(sa.func.sum(sa.func.length(answers.c.payload)), 0)
        number, length = connection.execute(sa.select(sa.func.count(), size).where(~used)).one()

    def remove() -> None:
        with state.engine.begin() as connection:
            connection.execute(sa.delete(answer_uses).where(u.user == user))
            # Checked again: another user may have come to need an answer since.
            still_used = sa.exists().where(u.key == answers.c.key)
            connection.execute(sa.delete(answers).where(~still_used))

    return Removal((ReceiptLine("answers of providers", int(number), int(length)),), remove)


def _tables(lake: Lake, user: str) -> Removal:
    """The user's folders: tables, figures, weights."""
    folders = sorted(lake.root.glob(f"*/user={user}"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]

    def remove() -> None:
        for folder in folders:
            shutil.rmtree(folder)

    return Removal((ReceiptLine("tables", len(folders)), _of_files("files of tables", files)), remove)


def _marts(lake: Lake, settings: Settings, state: State, user: str) -> Removal:
    """The tables over all users, rebuilt without the user and published."""
    steps = [step for step in stages() if not step.per_user]
    names = [spec.name for step in steps for spec in step.specs]
    there = [name for name in names if lake.exists(name, None)]
    rows = sum(_rows_of(lake, name, user) for name in there)
    published = lake.root / "qualia.duckdb"

    def remove() -> None:
        # Temporary files of writers that were killed, or that are working on tables with the user in them.
        _unlink(lake.root.glob(".qualia.duckdb.*"))
        _unlink(path for name in names for path in lake.folder(name, None).glob(".part-0.parquet.*"))
        run = Run("", settings, lake, state)
        try:
            for step in steps if there else ():
                rebuild(step, run)
        except (LakeError, duckdb.Error):
            # Another user's table cannot be read. The next run makes the marts, without this user.
            for name in names:
                shutil.rmtree(lake.folder(name, None), ignore_errors=True)
            published.unlink(missing_ok=True)

    return Removal((ReceiptLine("rows of tables over all users", rows),), remove)


def _rows_of(lake: Lake, mart: str, user: str) -> int:
    try:
        table = lake.read(mart, None)
    except LakeError:
        return 0
    return table["user"].to_pylist().count(user) if "user" in table.column_names else 0


def _of_files(what: str, files: Iterable[Path]) -> ReceiptLine:
    sizes = [path.stat().st_size for path in files]
    return ReceiptLine(what, len(sizes), sum(sizes))


def _unlink(files: Iterable[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)


def _clean(state: State, instance: dg.DagsterInstance | None) -> None:
    """Vacuum the databases: until then, deleted rows remain in their free pages."""
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
            f"Everything is erased, but traces remain in the free pages of {names}, which another process "
            "holds open. End `qualia ui` and all runs, and erase again."
        )


def _vacuumed(path: Path) -> bool:
    """Vacuum a SQLite file and empty its log; False where another process prevents it."""
    try:
        with closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
    except sqlite3.OperationalError:
        return not os.path.exists(path)
