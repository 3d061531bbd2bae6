"""Reading and writing the lake's tables: one Parquet file per table and user, replaced whole.

A reader sees the old file or the new one, never half of either, also when the writer is killed.
The footer carries ``qualia.fingerprint`` (of what the table was made from), ``qualia.inputs`` (the tables
among that, and what they said) and ``qualia.content_sha256`` (of what it says, whatever wrote it). Nothing
here knows what a table means.
"""

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from qualia_assets.errors import QualiaError
from qualia_assets.lake.specs import TableSpec

USER_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_STALE_SECONDS = 3600


class LakeError(QualiaError):
    """Something in the lake is missing, unreadable or badly named; the message says how to mend it."""


@dataclass(frozen=True)
class TableInfo:
    """What a table's file says of itself. ``inputs``: content hashes of the tables it was made from."""

    rows: int
    fingerprint: str
    content_sha256: str
    bytes: int
    written_at: datetime
    inputs: Mapping[str, str]


def check_user_key(user: str) -> str:
    """Return ``user`` where it is a valid key.

    Raises:
        LakeError: it is not; keys become folder names, so the form is strict.
    """
    if not USER_KEY.fullmatch(user):
        raise LakeError(
            f"{user!r} is not a user key. Use 1 to 63 of a-z, 0-9, '-' and '_', "
            "beginning with a letter or a digit, for example 'ann' or 'reader-2'."
        )
    return user


class Lake:
    """The lake below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, table: str, user: str | None) -> Path:
        """The folder of a table's one file: of one user, or of all where ``user`` is None."""
        base = self.root / table
        return base / f"user={check_user_key(user)}" if user is not None else base

    def path(self, table: str, user: str | None) -> Path:
        return self.folder(table, user) / "part-0.parquet"

    def exists(self, table: str, user: str | None) -> bool:
        return self.path(table, user).exists()

    def users(self, table: str) -> list[str]:
        """The users who have this table, sorted."""
        found = self.root.glob(f"{table}/user=*/part-0.parquet")
        names = (path.parent.name.removeprefix("user=") for path in found)
        return sorted(name for name in names if USER_KEY.fullmatch(name))

    def read(self, table: str, user: str | None, columns: list[str] | None = None) -> pa.Table:
        """Read a whole table.

        Raises:
            LakeError: there is none, or its file is damaged.
        """
        path = self.path(table, user)
        try:
            return pq.ParquetFile(path).read(columns=columns)
        except FileNotFoundError:
            whose = f" of user {user!r}" if user else ""
            raise LakeError(f"There is no table {table!r}{whose} yet. {_how_to_make(user)}") from None
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            raise LakeError(f"{path} is damaged ({error}). {_how_to_make(user, force=True)}") from error

    def info(self, table: str, user: str | None) -> TableInfo | None:
        """What the table's footer says, or None where the table is missing or damaged."""
        try:
            with self.path(table, user).open("rb") as file:
                return table_info(file)
        except OSError:
            return None

    def write(
        self,
        spec: TableSpec,
        user: str | None,
        table: pa.Table,
        fingerprint: str = "",
        inputs: Mapping[str, str] | None = None,
    ) -> TableInfo:
        """Replace a table. ``table`` is conformed to ``spec`` first, so a misfit leaves the old file.

        Raises:
            SpecViolation: the table does not fit its spec.
        """
        table = spec.conform(table)
        content = content_sha256(spec, table)
        notes = {
            "qualia.fingerprint": fingerprint,
            "qualia.inputs": json.dumps(inputs or {}, sort_keys=True),
            "qualia.content_sha256": content,
        }
        path = self.path(spec.name, user)
        with replacing(path) as temporary:
            pq.write_table(table.replace_schema_metadata(notes), temporary, compression="zstd")
        info = self.info(spec.name, user)
        assert info is not None
        return info


def table_info(file: BinaryIO) -> TableInfo | None:
    """What the footer of an open table says, or None where it is damaged."""
    try:
        footer = pq.read_metadata(file)
        notes = {key: value.decode() for key, value in (footer.metadata or {}).items()}
        inputs = json.loads(notes.get(b"qualia.inputs", "{}"))
    except (pa.ArrowException, ValueError, OSError):
        return None
    stat = os.fstat(file.fileno())
    return TableInfo(
        rows=footer.num_rows,
        fingerprint=notes.get(b"qualia.fingerprint", ""),
        content_sha256=notes.get(b"qualia.content_sha256", ""),
        bytes=stat.st_size,
        written_at=datetime.fromtimestamp(stat.st_mtime, tz=UTC),
        inputs=inputs,
    )


def content_sha256(spec: TableSpec, table: pa.Table) -> str:
    """The hash of a conformed table's values and types, without its measured columns."""
    lasting = table.select([c.name for c in spec.columns if not c.measured])
    sink = _HashSink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), lasting.schema) as writer:
        writer.write_table(lasting.combine_chunks())
    return sink.digest.hexdigest()


class _HashSink:
    """A file that keeps nothing but the hash of what is written to it."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def writable(self) -> bool:
        return True


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on leaving, make it lasting and put it in place.

    The file is on disk before it is renamed, and the rename is atomic, so a crash at any moment
    leaves the old file or the new one. What killed writers left behind goes after an hour.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
                leftover.unlink()
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        temporary.unlink(missing_ok=True)


def _how_to_make(user: str | None, force: bool = False) -> str:
    command = f"qualia run --user {user or 'USER'}" + (" --force" if force else "")
    return f"Make it with `{command}`."
