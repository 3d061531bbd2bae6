"""A consistent snapshot of one user's tables, for readers that run beside a pipeline run.

A run replaces tables one by one. Footers record what each table was made from, which shows which tables
belong together: during a run, requests are answered from the tables before it; where there are none, tables
that are out of date or damaged are left out. Files are opened once and stay readable when they are replaced
or removed; those of users who are no longer in the lake are closed at the next request.

Belongs here: which tables belong together, reading them, and caching what is computed from them.
"""

import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qualia_assets.errors import QualiaError
from qualia_assets.lake import specs
from qualia_assets.lake.provenance import TableInfo, out_of_date, table_info
from qualia_assets.lake.store import Lake
from qualia_assets.lake.tables import TABLES
from qualia_assets.method.neighbours import Floats
from qualia_assets.users import USER_KEY, InvalidUserKey

T = TypeVar("T")
Key = tuple[tuple[str, int, int, int], ...]
"""Identifies a user's files: name, inode, modification time and size of each."""
Standing = Literal["fresh", "out of date", "missing", "damaged"]
MOST_USERS = 4
"""Users whose tables are held open at once: about 40 files each, and macOS allows 256 per process."""
ON_DEMAND = frozenset({"experiment_trials", "experiment_results", "cluster_agreement"})
"""Tables that ``qualia run`` does not make, so that they may stay out of date."""
_TRIES = 5
_FEW = 10
"""Users named in one message."""
_NOT_MADE = "was not made yet"
_DAMAGED = "is damaged"
_OTHER_VERSION = "is of another version of this project"
_UNREADABLE = (_DAMAGED, _OTHER_VERSION)


class NotThere(QualiaError):
    """What a URL refers to is not in the lake; the message says what to do."""


class Damaged(NotThere):
    """A table turned out to be damaged while it was read; its snapshot no longer has it."""


@dataclass(frozen=True)
class Space:
    """The items of one space: ids, modalities, and unit vectors of shape (n, d) in a memory-mapped file."""

    ids: list[str]
    modality: NDArray[np.str_]
    vectors: Floats

    @cached_property
    def row(self) -> dict[str, int]:
        """Row number by item id."""
        return {name: i for i, name in enumerate(self.ids)}


class Snapshot:
    """The tables of one user that belong together. Thread-safe."""

    def __init__(
        self,
        user: str,
        files: Mapping[str, BinaryIO],
        infos: Mapping[str, TableInfo],
        stale: Mapping[str, str],
    ) -> None:
        self.user = user
        self._files, self._infos, self._stale = files, infos, stale
        self._tables: dict[str, pa.Table] = {}
        self._made: dict[Callable[[Snapshot], Any], Any] = {}
        self._lock = threading.RLock()

    @property
    def complete(self) -> bool:
        """Whether all existing tables belong together, except for those made on demand."""
        return not self._stale.keys() - ON_DEMAND

    @property
    def tag(self) -> str:
        """Changes whenever anything that a page may show changes."""
        said = sorted((name, info.content_sha256) for name, info in self._infos.items())
        return hashlib.sha256(repr((self.user, said, sorted(self._stale))).encode()).hexdigest()[:16]

    @property
    def made_at(self) -> datetime | None:
        """When the newest of the tables was written."""
        return max((info.written_at for info in self._infos.values()), default=None)

    @property
    def infos(self) -> Mapping[str, TableInfo]:
        """The footer of every table that can be shown."""
        return self._infos

    def has(self, *tables: str) -> bool:
        return all(table in self._infos for table in tables)

    def standing(self, table: str) -> Standing:
        """The state of a table."""
        if table in self._infos:
            return "fresh"
        why = self._stale.get(table, _NOT_MADE)
        return "damaged" if why in _UNREADABLE else "missing" if why == _NOT_MADE else "out of date"

    def why_not(self, *tables: str) -> list[str]:
        """For each of these tables that cannot be shown, say why and what to do."""
        missing = [table for table in tables if table not in self._infos]
        return [
            f"The stage {table} {self._stale.get(table, _NOT_MADE)}. {self.fix(table)}" for table in missing
        ]

    def fix(self, table: str) -> str:
        """Say which command makes a table that cannot be shown."""
        if table in ON_DEMAND:
            return f"`qualia experiment --user {self.user}` makes it."
        again = f" --from {table} --force" if self._stale.get(table) in _UNREADABLE else ""
        return f"`qualia run --user {self.user}{again}` makes it."

    def table(self, name: str) -> pa.Table:
        """Return a table; it is read once.

        Raises:
            NotThere: it cannot be shown.
        """
        with self._lock:
            if name not in self._tables:
                self._tables[name] = self.part(name)
            return self._tables[name]

    def part(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table, or some of its columns; read at every call.

        Raises:
            NotThere: it cannot be shown.
        """
        with self._lock:
            if name not in self._infos:
                raise NotThere(" ".join(self.why_not(name)))
            try:
                if _written_over(self._files[name], self._infos[name]):
                    raise OSError("written over since it was opened")
                self._files[name].seek(0)
                file = pq.ParquetFile(self._files[name])
                if name in TABLES and not {c.name for c in TABLES[name].columns} <= set(
                    file.schema_arrow.names
                ):
                    raise self._without(name, _OTHER_VERSION)
                return file.read(list(columns) if columns else None)
            except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
                raise self._without(name, _DAMAGED) from error

    def _without(self, name: str, why: str) -> Damaged:
        """Drop a table whose footer was readable. What was computed from it before remains valid."""
        self._stale = {**self._stale, name: why}
        self._infos = {other: info for other, info in self._infos.items() if other != name}
        return Damaged(" ".join(self.why_not(name)))

    def written_over(self) -> bool:
        """Whether a file was changed in place, which no run does: its old and new parts could be mixed."""
        return any(_written_over(self._files[name], info) for name, info in self._infos.items())

    def close(self) -> None:
        """Close the files. What was read stays available."""
        for file in self._files.values():
            file.close()

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table as dictionaries; none where it cannot be shown."""
        return specs.rows_of(self.table(name)) if self.has(name) else []

    def space(self, table: str) -> Space:
        """Return the vectors of an embedding table, memory-mapped once for all callers.

        Raises:
            NotThere: it cannot be shown.
        """
        return self.once(_space_of(table))

    def once(self, make: Callable[["Snapshot"], T]) -> T:
        """Return ``make(self)``, computed once and cached with this snapshot."""
        with self._lock:
            if make not in self._made:
                self._made[make] = make(self)
            return cast(T, self._made[make])


_SPACES: dict[str, Callable[[Snapshot], Space]] = {}


def _space_of(table: str) -> Callable[[Snapshot], Space]:
    """The same function object for the same table, as :meth:`Snapshot.once` caches by function."""

    def read(snapshot: Snapshot) -> Space:
        # Not cached as a table as well: the vectors are in the mapped file.
        found = snapshot.part(table)
        ids = found["artefact_id"].to_pylist()
        modality = np.array(found["modality"].to_pylist(), dtype=np.str_)
        return Space(ids, modality, _mapped(specs.vectors(found)))

    return _SPACES.setdefault(table, read)


def _mapped(matrix: Floats) -> Floats:
    """Copy the matrix to an unnamed memory-mapped file, whose pages the system may evict."""
    if not matrix.size:
        return matrix
    with tempfile.TemporaryFile(prefix="qualia-") as file:
        file.truncate(matrix.nbytes)
        mapped = np.memmap(file, dtype=np.float32, mode="r+", shape=matrix.shape)
    mapped[:] = matrix
    mapped.flush()
    mapped.flags.writeable = False
    return mapped


class Snapshots:
    """The newest complete snapshot of each user; checked for changes at every request."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._kept: OrderedDict[str, tuple[Key, Snapshot]] = OrderedDict()
        self._newest: dict[str, Key] = {}
        self._computed: dict[tuple[str, Callable[[Snapshot], Any]], tuple[Key, Any]] = {}
        self._lock = threading.Lock()

    def users(self) -> list[str]:
        """All users that have any table."""
        found: set[str] = set()
        for table in _folders(self.lake.root):
            for folder in _folders(table.path):
                name = folder.name.removeprefix("user=")
                if name == folder.name or name in found or not USER_KEY.fullmatch(name):
                    continue
                if os.path.exists(os.path.join(folder.path, "part-0.parquet")):
                    found.add(name)
        with self._lock:
            self._drop_erased()
        return sorted(found)

    def of(self, user: str) -> Snapshot:
        """The user's tables as they are now, or as they were when last complete.

        Raises:
            NotThere: there is no such user, or the key is invalid.
        """
        with self._lock:
            self._drop_erased()
        key = self._key(user)
        with self._lock:
            kept = self._kept.get(user)
            if kept is None or self._newest.get(user) != key:
                key, snapshot = _taken(self.lake, user)
                self._newest[user] = key
                if kept is None or snapshot.complete or not _still_good(kept, key):
                    kept = (key, snapshot)
                    self._kept[user] = kept
            self._kept.move_to_end(user)
            while len(self._kept) > MOST_USERS:
                gone, _ = self._kept.popitem(last=False)
                self._newest.pop(gone, None)
            return kept[1]

    def compute(self, user: str, make: Callable[[Snapshot], T]) -> T:
        """Return ``make`` of the user's current tables, complete or not, cached until one is replaced.

        The tables are not held open, so this works for any number of users.

        Raises:
            NotThere: there is no such user, or the key is invalid.
        """
        key = self._key(user)
        with self._lock:
            kept = self._computed.get((user, make))
        if kept is not None and kept[0] == key:
            return cast(T, kept[1])
        key, snapshot = _taken(self.lake, user)
        with closing(snapshot):
            made = make(snapshot)
        with self._lock:
            self._computed[user, make] = (key, made)
        return made

    def behind(self, user: str) -> bool:
        """Whether the last snapshot returned is older than the tables, which a run is replacing."""
        with self._lock:
            kept = self._kept.get(user)
            return kept is not None and self._newest.get(user) != kept[0]

    def _key(self, user: str) -> Key:
        """The key of the user's current files.

        Raises:
            NotThere: there are none, or the user key is invalid.
        """
        try:
            key = _key(self.lake, user)
        except InvalidUserKey as error:
            raise NotThere(str(error)) from None
        if not key:
            raise NotThere(_no_user(user, self.users()))
        return key

    def _drop_erased(self) -> None:
        """Drop everything about users without any table left, as after they were erased."""
        for user in [user for user, (key, _) in self._kept.items() if not _lies(self.lake, user, key)]:
            del self._kept[user]
            self._newest.pop(user, None)
        for entry in [
            entry for entry, (key, _) in self._computed.items() if not _lies(self.lake, entry[0], key)
        ]:
            del self._computed[entry]


def _folders(path: Path | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if entry.is_dir()]
    except OSError:
        return []


def _no_user(user: str, others: list[str]) -> str:
    more = f" and {len(others) - _FEW} more" if len(others) > _FEW else ""
    known = ", ".join(others[:_FEW]) + more if others else "none yet"
    return (
        f"There is no user {user!r} in this lake (users: {known}). `qualia demo` makes the demo user, "
        f"`qualia import folder PATH --user {user}` and `qualia run --user {user}` one of your own."
    )


def _still_good(kept: tuple[Key, Snapshot], key: Key) -> bool:
    """Whether the cached snapshot may still be shown while the tables of ``key`` are not complete.

    Not where none of its files is left, as then the lake was replaced by another.
    """
    return kept[1].complete and bool(set(kept[0]) & set(key)) and not kept[1].written_over()


def _lies(lake: Lake, user: str, key: Key) -> bool:
    """Whether the lake still has any of these tables."""
    return any(lake.path(name, user).exists() for name, *_ in key)


def _key(lake: Lake, user: str) -> Key:
    # Built once, as this runs at every request: the path is the same in every table's folder.
    below = lake.path("artefacts", user).relative_to(lake.root / "artefacts")
    found = []
    for folder in _folders(lake.root):
        try:
            stat = os.stat(f"{folder.path}/{below}")
        except OSError:
            continue
        found.append((folder.name, stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))


def _taken(lake: Lake, user: str) -> tuple[Key, Snapshot]:
    """Open all tables; tried again where one was replaced meanwhile."""
    for left in reversed(range(_TRIES)):
        before = _key(lake, user)
        with ExitStack() as opened:
            files: dict[str, BinaryIO] = {}
            for name, *_ in before:
                try:
                    files[name] = opened.enter_context(lake.path(name, user).open("rb"))
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
                    continue
            if _key(lake, user) == before or not left:
                opened.pop_all()
                break
    infos = {name: info for name, file in files.items() if (info := table_info(file)) is not None}
    stale = _stale([name for name, *_ in before], infos)
    return before, Snapshot(user, files, {n: i for n, i in infos.items() if n not in stale}, stale)


def _written_over(file: BinaryIO, info: TableInfo) -> bool:
    stat = os.fstat(file.fileno())
    return stat.st_size != info.bytes or datetime.fromtimestamp(stat.st_mtime, tz=UTC) != info.written_at


def _stale(names: Iterable[str], infos: Mapping[str, TableInfo]) -> dict[str, str]:
    """The tables that cannot be shown beside the others, each with the reason as the rest of a sentence."""
    run = "a run is under way, or was stopped"
    reasons = {
        name: f"is older than {cause.table}, of which it is made: {run}"
        if cause.changed
        else f"is made of {cause.table}, which is out of date: {run}"
        for name, cause in out_of_date(infos).items()
    }
    return reasons | {name: _DAMAGED for name in names if name not in infos}
