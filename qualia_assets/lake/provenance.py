"""What a table was made from, and the one rule by which it is out of date.

Every table's footer carries three entries:

- ``qualia.fingerprint``: hash of everything that decided the table (input tables, settings, code).
- ``qualia.inputs``: content hash of each input table, as JSON.
- ``qualia.content_sha256``: hash of the table's own values, whatever wrote them.

A table is current where its fingerprint is the one it would get today (:func:`is_current`). Footers alone
show that it is out of date where the content hash of an input has changed since (:func:`out_of_date`). Either
way, what depends on a stale table is stale too (:func:`downstream`).
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from qualia_assets.lake.specs import TableSpec

if TYPE_CHECKING:
    from qualia_assets.lake.store import Lake


@dataclass(frozen=True)
class TableInfo:
    """A table's footer and file attributes. ``inputs``: content hashes of the tables it was made from."""

    rows: int
    fingerprint: str
    content_sha256: str
    bytes: int
    written_at: datetime
    inputs: Mapping[str, str]


@dataclass(frozen=True)
class PreparedTable:
    """A table conformed to its spec, and the hash of its content: ready for :meth:`Lake.write_prepared`."""

    spec: TableSpec
    table: pa.Table
    content_sha256: str


@dataclass(frozen=True)
class StaleInput:
    """Why a table is out of date: its input ``table`` has changed, or is out of date itself."""

    table: str
    changed: bool


def prepare(spec: TableSpec, table: pa.Table) -> PreparedTable:
    """Conform a table to its spec and hash it.

    Raises:
        SpecViolation: the table does not fit its spec.
    """
    conformed = spec.conform(table)
    return PreparedTable(spec, conformed, content_sha256(spec, conformed))


def footer(prepared: PreparedTable, fingerprint: str, inputs: Mapping[str, str]) -> dict[str, str]:
    """The footer entries of a table's file."""
    return {
        "qualia.fingerprint": fingerprint,
        "qualia.inputs": json.dumps(inputs, sort_keys=True),
        "qualia.content_sha256": prepared.content_sha256,
    }


def table_info(file: BinaryIO) -> TableInfo | None:
    """Read the footer of an open Parquet file; None where it is damaged."""
    try:
        metadata = pq.read_metadata(file)
        entries = {key: value.decode() for key, value in (metadata.metadata or {}).items()}
        inputs = json.loads(entries.get(b"qualia.inputs", "{}"))
    except (pa.ArrowException, ValueError, OSError):
        return None
    stat = os.fstat(file.fileno())
    return TableInfo(
        rows=metadata.num_rows,
        fingerprint=entries.get(b"qualia.fingerprint", ""),
        content_sha256=entries.get(b"qualia.content_sha256", ""),
        bytes=stat.st_size,
        written_at=datetime.fromtimestamp(stat.st_mtime, tz=UTC),
        inputs=inputs,
    )


def content_sha256(spec: TableSpec, table: pa.Table) -> str:
    """Hash a conformed table's values and types, except for measured columns."""
    hashed = table.select([c.name for c in spec.columns if not c.measured])
    sink = _HashSink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), hashed.schema) as writer:
        writer.write_table(hashed.combine_chunks())
    return sink.digest.hexdigest()


def fingerprint(parts: Mapping[str, Any]) -> str:
    """Hash everything that decides a table; values that are not JSON are hashed as their ``str``."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def content_hashes(lake: "Lake", tables: Iterable[str], user: str) -> dict[str, str | None]:
    """The content hash of each of a user's tables; None for a table that is missing or damaged."""
    infos = {table: lake.info(table, user) for table in tables}
    return {table: info.content_sha256 if info else None for table, info in infos.items()}


def content_hashes_of_all_users(lake: "Lake", tables: Iterable[str]) -> dict[str, dict[str, str]]:
    """The content hashes of each table by user, with ``""`` as the user of a table over all users."""
    hashes = {}
    for table in tables:
        infos = {user: lake.info(table, user) for user in lake.users(table)} | {"": lake.info(table, None)}
        hashes[table] = {user: info.content_sha256 for user, info in infos.items() if info}
    return hashes


def is_current(infos: Iterable[TableInfo | None], fingerprint: str) -> bool:
    """Whether the tables of one stage all exist with this fingerprint."""
    return all(info is not None and info.fingerprint == fingerprint for info in infos)


def out_of_date(infos: Mapping[str, TableInfo]) -> dict[str, StaleInput]:
    """Find the tables that do not belong with the others, judging by their footers.

    Where an input is missing or damaged, its content hash is taken from the newest table made from it.

    Args:
        infos: of all readable tables of one user, by name.
    """
    hashes: dict[str, str] = {}
    for info in sorted(infos.values(), key=lambda info: info.written_at):
        hashes.update(info.inputs)
    hashes.update({name: info.content_sha256 for name, info in infos.items()})
    stale = {
        name: StaleInput(table, changed=True)
        for name, info in infos.items()
        for table, content in info.inputs.items()
        if hashes[table] != content
    }
    causes = downstream(stale, {name: info.inputs for name, info in infos.items()})
    return stale | {name: StaleInput(table, changed=False) for name, table in causes.items()}


def downstream(stale: Iterable[str], inputs: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Find the tables that are stale only because an input is, each with the last of its stale inputs.

    Args:
        stale: tables known to be stale; they are not in the result.
        inputs: the input tables of every table.
    """
    known = set(stale)
    causes: dict[str, str] = {}
    while reached := {
        name: table
        for name, tables in inputs.items()
        if name not in known
        for table in tables
        if table in known
    }:
        causes |= reached
        known |= reached.keys()
    return causes


class _HashSink:
    """A writable file that keeps only the hash of what is written to it."""

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
