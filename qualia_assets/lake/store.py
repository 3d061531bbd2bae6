"""Reading and writing the lake's tables: one Parquet file per table and user, always replaced as a unit.

A reader sees the old file or the new one, never part of either, even if the writer is killed. Nothing here
knows what a table means; what its footer says is in :mod:`qualia_assets.lake.provenance`.
"""

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from qualia_assets.errors import QualiaError
from qualia_assets.lake.provenance import PreparedTable, TableInfo, footer, prepare, table_info
from qualia_assets.lake.specs import TableSpec
from qualia_assets.users import USER_KEY, check_user_key

_STALE_SECONDS = 3600


class LakeError(QualiaError):
    """Something in the lake is missing or unreadable; the message says how to fix it."""


class Lake:
    """The lake in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, table: str, user: str | None) -> Path:
        """The folder of a table: of one user, or over all users where ``user`` is None."""
        base = self.root / table
        return base / f"user={check_user_key(user)}" if user is not None else base

    def path(self, table: str, user: str | None) -> Path:
        return self.folder(table, user) / "part-0.parquet"

    def exists(self, table: str, user: str | None) -> bool:
        return self.path(table, user).exists()

    def users(self, table: str) -> list[str]:
        """The users that have this table, sorted."""
        paths = self.root.glob(f"{table}/user=*/part-0.parquet")
        names = (path.parent.name.removeprefix("user=") for path in paths)
        return sorted(name for name in names if USER_KEY.fullmatch(name))

    def read(self, table: str, user: str | None, columns: list[str] | None = None) -> pa.Table:
        """Read a table, or some of its columns.

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
        """The footer of a table; None where the table is missing or damaged."""
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
        """Conform ``table`` to ``spec`` and replace the old table with it.

        Raises:
            SpecViolation: the table does not fit its spec; the old table stays.
        """
        return self.write_prepared(prepare(spec, table), user, fingerprint, inputs)

    def write_prepared(
        self,
        prepared: PreparedTable,
        user: str | None,
        fingerprint: str = "",
        inputs: Mapping[str, str] | None = None,
    ) -> TableInfo:
        """Replace a table with one that is already conformed and hashed."""
        name = prepared.spec.name
        table = prepared.table.replace_schema_metadata(footer(prepared, fingerprint, inputs or {}))
        with replacing(self.path(name, user)) as temporary:
            pq.write_table(table, temporary, compression="zstd")
        info = self.info(name, user)
        assert info is not None
        return info


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on exit, sync that file to disk and rename it to ``path``.

    The rename is atomic, so a crash at any moment leaves the old file or the new one. Leftovers of killed
    writers are deleted after an hour.
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
