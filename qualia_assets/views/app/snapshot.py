"""One user's tables as they were at one moment, for as long as a page needs them.

A run replaces tables one by one. Every footer says what its table was made from, so tables that do not belong
together are known: while a run is under way, requests are answered from the tables before it, and where there
are none, what is out of date is left out. Files are opened once and stay readable when they are replaced.

Belongs here: which tables belong together, reading them, and keeping what was worked out from them. What a
page makes of them is in ``pages``.
"""

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from qualia_assets.lake import specs
from qualia_assets.lake.store import USER_KEY, Lake, LakeError, TableInfo, table_info
from qualia_assets.method.neighbours import Floats

T = TypeVar("T")
MOST_USERS = 8
"""Users whose tables are held open at once."""
_TRIES = 5


class NotThere(Exception):
    """What an address names is not in the lake; the message says what, and what to do."""


@dataclass(frozen=True)
class Space:
    """The items of one space: ids in order, modalities, and unit vectors of shape (n, d) in a mapped file."""

    ids: list[str]
    modality: NDArray[np.str_]
    vectors: Floats

    @cached_property
    def row(self) -> dict[str, int]:
        """Where each item is."""
        return {name: i for i, name in enumerate(self.ids)}


class Snapshot:
    """The tables of one user that belong together. Safe to use from several threads."""

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
    def whole(self) -> bool:
        """Whether all tables that there are belong together."""
        return not self._stale

    @cached_property
    def tag(self) -> str:
        """Changes when anything that a page may show has changed."""
        said = sorted((name, info.content_sha256) for name, info in self._infos.items())
        return hashlib.sha256(repr((self.user, said, sorted(self._stale))).encode()).hexdigest()[:16]

    @property
    def made_at(self) -> datetime | None:
        """When the newest of the tables was written."""
        return max((info.written_at for info in self._infos.values()), default=None)

    @property
    def infos(self) -> Mapping[str, TableInfo]:
        """Of every table that can be shown."""
        return self._infos

    def has(self, *tables: str) -> bool:
        return all(table in self._infos for table in tables)

    def why_not(self, *tables: str) -> list[str]:
        """For each of these tables that cannot be shown, a sentence that says why and what to do."""
        mend = f"`qualia run --user {self.user}` makes it."
        return [
            f"The stage {table} {self._stale.get(table, 'was not made yet')}. {mend}"
            for table in tables
            if table not in self._infos
        ]

    def table(self, name: str) -> pa.Table:
        """A whole table, read at the first call.

        Raises:
            NotThere: it cannot be shown.
        """
        with self._lock:
            if name not in self._infos:
                raise NotThere(" ".join(self.why_not(name)))
            if name not in self._tables:
                self._tables[name] = self._read(name)
            return self._tables[name]

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table as dictionaries; none where it cannot be shown."""
        return specs.rows_of(self.table(name)) if self.has(name) else []

    def space(self, table: str) -> Space:
        """The vectors of an embedding table, mapped from an unnamed file: once, whoever asks.

        Raises:
            NotThere: it cannot be shown.
        """
        return self.once(_space_of(table))

    def once(self, make: Callable[["Snapshot"], T]) -> T:
        """What ``make`` makes of this snapshot, made at the first call and kept with it."""
        with self._lock:
            if make not in self._made:
                self._made[make] = make(self)
            return cast(T, self._made[make])

    def _read(self, name: str) -> pa.Table:
        try:
            self._files[name].seek(0)
            return pq.ParquetFile(self._files[name]).read()
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            raise NotThere(
                f"The stage {name} is damaged. Make it again: "
                f"`qualia run --user {self.user} --from {name} --force`."
            ) from error


_SPACES: dict[str, Callable[[Snapshot], Space]] = {}


def _space_of(table: str) -> Callable[[Snapshot], Space]:
    """The same function for the same table, so that its result is kept under it."""

    def read(snapshot: Snapshot) -> Space:
        found = snapshot.table(table)
        ids = found["artefact_id"].to_pylist()
        modality = np.array(found["modality"].to_pylist(), dtype=np.str_)
        return Space(ids, modality, _mapped(specs.vectors(found)))

    return _SPACES.setdefault(table, read)


def _mapped(matrix: Floats) -> Floats:
    """The same numbers in a file without a name, which the system may drop from memory and read again."""
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
    """The newest snapshot of each user that belongs together; looked for again at every request."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._kept: OrderedDict[str, tuple[object, Snapshot]] = OrderedDict()
        self._newest: dict[str, object] = {}
        self._lock = threading.Lock()

    def users(self) -> list[str]:
        """Everyone of whom there is any table."""
        found = self.lake.root.glob("*/user=*/part-0.parquet")
        names = {path.parent.name.removeprefix("user=") for path in found}
        return sorted(name for name in names if USER_KEY.fullmatch(name))

    def of(self, user: str) -> Snapshot:
        """The user's tables as they are now, or as they last were whole.

        Raises:
            NotThere: there is no such user, or that is no key.
        """
        try:
            key = _key(self.lake, user)
        except LakeError as error:
            raise NotThere(str(error)) from None
        if not key:
            with self._lock:
                self._kept.pop(user, None)
            raise NotThere(_no_user(user, self.users()))
        with self._lock:
            kept = self._kept.get(user)
            if kept is None or self._newest.get(user) != key:
                key, snapshot = _taken(self.lake, user)
                self._newest[user] = key
                if kept is None or snapshot.whole or not kept[1].whole:
                    kept = (key, snapshot)
                    self._kept[user] = kept
            self._kept.move_to_end(user)
            while len(self._kept) > MOST_USERS:
                gone, _ = self._kept.popitem(last=False)
                self._newest.pop(gone, None)
            return kept[1]

    def behind(self, user: str) -> bool:
        """Whether the last answer was from tables that a run is replacing."""
        with self._lock:
            kept = self._kept.get(user)
            return kept is not None and self._newest.get(user) != kept[0]


def _no_user(user: str, others: list[str]) -> str:
    known = ", ".join(others) if others else "none yet"
    return (
        f"There is no user {user!r} in this lake (users: {known}). `qualia demo` makes the demo user, "
        f"`qualia import folder PATH --user {user}` and `qualia run --user {user}` one of your own."
    )


def _paths(lake: Lake, user: str) -> dict[str, Path]:
    lake.folder("artefacts", user)  # refuses what is no key
    found = lake.root.glob(f"*/user={user}/part-0.parquet")
    return {path.parent.parent.name: path for path in sorted(found)}


def _key(lake: Lake, user: str) -> object:
    """Which files there are: another file is another key, whatever lies in it."""
    return tuple((name, *_file_key(path)) for name, path in _paths(lake, user).items())


def _file_key(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def _taken(lake: Lake, user: str) -> tuple[object, Snapshot]:
    """All tables opened while none of them was replaced, where that can be had."""
    for left in reversed(range(_TRIES)):
        before = _key(lake, user)
        with ExitStack() as opened:
            files: dict[str, BinaryIO] = {}
            for name, path in _paths(lake, user).items():
                try:
                    files[name] = opened.enter_context(path.open("rb"))
                except OSError:
                    continue
            if _key(lake, user) == before or not left:
                opened.pop_all()
                break
    infos = {name: info for name, file in files.items() if (info := table_info(file)) is not None}
    stale = _stale(files, infos)
    return before, Snapshot(user, files, {n: i for n, i in infos.items() if n not in stale}, stale)


def _stale(files: Mapping[str, BinaryIO], infos: Mapping[str, TableInfo]) -> dict[str, str]:
    """The tables that cannot be shown beside the others, each with why, as the rest of a sentence."""
    stale = {name: "is damaged" for name in files if name not in infos}

    def behind(name: str, above: frozenset[str]) -> bool:
        if name in stale:
            return True
        for table, content in infos[name].inputs.items():
            if table in above or table not in files:
                continue
            if behind(table, above | {name}) or infos[table].content_sha256 != content:
                stale[name] = (
                    f"is older than {table}, of which it is made: a run is under way, or was stopped"
                )
                return True
        return False

    for name in infos:
        behind(name, frozenset())
    return stale
