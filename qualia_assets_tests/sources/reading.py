"""What a source reads, apart and checked: its items or rows, and its rejects."""

import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qualia_assets.lake.specs import TableSpec
from qualia_assets.sources.base import Reject

MiB = 2**20


def apart(found: Iterable[Any], rejects_table: TableSpec) -> tuple[list[Any], dict[str, Reject]]:
    """Items in order, and rejects by record; rejects fit their table, and none lacks a part."""
    items, rejects = [], []
    for one in found:
        (rejects if isinstance(one, Reject) else items).append(one)
    assert all(reject.record and reject.reason and reject.mend for reject in rejects)
    assert fits(rejects_table, [vars(reject) for reject in rejects])
    return items, {reject.record: reject for reject in rejects}


def fits(spec: TableSpec, rows: list[dict[str, Any]]) -> bool:
    return spec.violations(spec.conform(spec.table(rows))) == []


def folder_of(path: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    return path


def zip_of(path: Path, files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@contextmanager
def memory_below(bound: int) -> Iterator[None]:
    """Fails where more than so many bytes are allocated at once."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < bound
