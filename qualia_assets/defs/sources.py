"""Raw stages of what a user has on disk: their folder, their exports, and the demo user."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake import blobs
from qualia_assets.lake.specs import TableSpec
from qualia_assets.lake.tables import (
    DEMO_ITEMS,
    FOLDER_ITEMS,
    FOLDER_REJECTS,
    PINTEREST_EXPORT,
    PINTEREST_EXPORT_REJECTS,
    SUBSTACK_EXPORT,
    SUBSTACK_EXPORT_REJECTS,
)
from qualia_assets.progress import Progress
from qualia_assets.sources.base import Reject, Source, SourceItem
from qualia_assets.sources.demo import DemoSource
from qualia_assets.sources.folder import FolderSource

Row = dict[str, Any]


class Export(Protocol):
    """A data download from a service."""

    def fingerprint(self) -> str: ...
    def read(self, progress: Progress) -> Iterable[Row | Reject]: ...
    def notes(self) -> tuple[str, ...]: ...


def source_of(run: Run, name: str) -> Source | None:
    """Return the user's source of that name, or None where they have none."""
    noted = run.state.source(run.user, name)
    if noted is None:
        return None
    return FolderSource(Path(noted.location)) if name == "folder" else DemoSource(noted.location)


def export_of(run: Run, name: str) -> Export | None:
    """Return the user's export of a service, or None where they gave none."""
    noted = run.state.source(run.user, name)
    if noted is None:
        return None
    from qualia_assets.sources.pinterest.export import PinterestExport
    from qualia_assets.sources.substack.export import SubstackExport

    path = Path(noted.location)
    if name == "substack_export":
        return SubstackExport(path)
    return PinterestExport(path, private=run.settings.pinterest.private)


def _fingerprint(name: str) -> Callable[[Run], str]:
    def of(run: Run) -> str:
        found = export_of(run, name) if name.endswith("_export") else source_of(run, name)
        return found.fingerprint() if found else "no source"

    return of


@stage(FOLDER_ITEMS, FOLDER_REJECTS, group="sources", external_version=_fingerprint("folder"))
def folder_items(run: Run) -> Made:
    items, rejects = _read(run, "folder")
    return _made(run, FOLDER_ITEMS, items, FOLDER_REJECTS, rejects)


@stage(DEMO_ITEMS, group="sources", external_version=_fingerprint("demo"))
def demo_items(run: Run) -> pa.Table:
    items, _ = _read(run, "demo")
    return DEMO_ITEMS.table(items)


@stage(
    SUBSTACK_EXPORT,
    SUBSTACK_EXPORT_REJECTS,
    group="sources",
    external_version=_fingerprint("substack_export"),
)
def substack_export(run: Run) -> Made:
    items, rejects = _read_export(run, "substack_export")
    return _made(run, SUBSTACK_EXPORT, items, SUBSTACK_EXPORT_REJECTS, rejects)


@stage(
    PINTEREST_EXPORT,
    PINTEREST_EXPORT_REJECTS,
    group="sources",
    external_version=_fingerprint("pinterest_export"),
    depends_on=lambda s: s.pinterest.private,
)
def pinterest_export(run: Run) -> Made:
    items, rejects = _read_export(run, "pinterest_export")
    return _made(run, PINTEREST_EXPORT, items, PINTEREST_EXPORT_REJECTS, rejects)


def _made(run: Run, spec: TableSpec, items: list[Row], rejected: TableSpec, rejects: list[Row]) -> Made:
    if rejects:
        run.log(f"{len(rejects)} records could not be used; the table quarantine says why")
    return Made({spec.name: spec.table(items), rejected.name: rejected.table(rejects)})


def reject_row(reject: Reject) -> Row:
    """Return a row of a table of rejects."""
    return {"record": reject.record, "reason": reject.reason, "mend": reject.mend}


def _read(run: Run, name: str) -> tuple[list[Row], list[Row]]:
    source = source_of(run, name)
    if source is None:
        return [], []
    items, rejects = [], []
    for found in source.read(run.progress):
        if isinstance(found, Reject):
            rejects.append(reject_row(found))
        else:
            items.append(_row(run, found))
    return items, rejects


def _read_export(run: Run, name: str) -> tuple[list[Row], list[Row]]:
    export = export_of(run, name)
    if export is None:
        return [], []
    found = list(export.read(run.progress))
    for note in export.notes():
        run.log(note)
    items = [row for row in found if not isinstance(row, Reject)]
    return items, [reject_row(row) for row in found if isinstance(row, Reject)]


def _row(run: Run, item: SourceItem) -> Row:
    return {
        "item_id": item.item_id,
        "modality": item.modality,
        "hop": item.hop,
        "title": item.title,
        "text": item.text,
        "tags": list(item.tags),
        "url": item.url,
        "author": item.author,
        "collection": item.collection,
        "image_sha256": blobs.keep(run.lake, item.image) if item.image is not None else None,
        "created_at": item.created_at,
        "record": item.record,
    }
