"""Raw stages: what each source gives of a user's items, and a look at every picture."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from qualia_assets.defs.stage import Made, Run, stage
from qualia_assets.lake import blobs
from qualia_assets.lake.tables import DEMO_ITEMS, FOLDER_ITEMS, FOLDER_REJECTS, IMAGE_BLOBS
from qualia_assets.progress import tracked
from qualia_assets.sources.base import Reject, Source, SourceItem
from qualia_assets.sources.demo.corpus import DemoSource
from qualia_assets.sources.folder import FolderSource

Row = dict[str, Any]


def source_of(run: Run, name: str) -> Source | None:
    """The user's source of that name, or None where they have none."""
    noted = run.state.source(run.user, name)
    if noted is None:
        return None
    return FolderSource(Path(noted.location)) if name == "folder" else DemoSource(noted.location)


def _fingerprint(name: str) -> Callable[[Run], str]:
    def of(run: Run) -> str:
        source = source_of(run, name)
        return source.fingerprint() if source else "no source"

    return of


@stage(FOLDER_ITEMS, FOLDER_REJECTS, group="sources", outside=_fingerprint("folder"))
def folder_items(run: Run) -> Made:
    items, rejects = _read(run, "folder")
    if rejects:
        run.log(f"{len(rejects)} records could not be used; the table quarantine says why")
    return Made({"folder_items": FOLDER_ITEMS.table(items), "folder_rejects": FOLDER_REJECTS.table(rejects)})


@stage(DEMO_ITEMS, group="sources", outside=_fingerprint("demo"))
def demo_items(run: Run) -> pa.Table:
    items, _ = _read(run, "demo")
    return DEMO_ITEMS.table(items)


def _read(run: Run, name: str) -> tuple[list[Row], list[Row]]:
    source = source_of(run, name)
    if source is None:
        return [], []
    items, rejects = [], []
    for found in source.read(run.progress):
        if isinstance(found, Reject):
            rejects.append({"record": found.record, "reason": found.reason, "mend": found.mend})
        else:
            items.append(_row(run, found))
    return items, rejects


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


@stage(IMAGE_BLOBS, group="sources")
def image_blobs(run: Run, folder_items: pa.Table, demo_items: pa.Table) -> Made:
    wanted = pa.concat_tables([folder_items, demo_items])["image_sha256"].drop_null()
    hashes = sorted(pc.unique(wanted).to_pylist())
    rows = list(_looked_at(run, hashes))
    counts = pc.value_counts(pa.array([row["status"] for row in rows], pa.string())).to_pylist()
    return Made(
        {"image_blobs": IMAGE_BLOBS.table(rows)},
        {f"status_{count['values']}": str(count["counts"]) for count in counts},
    )


def _looked_at(run: Run, hashes: list[str]) -> Iterator[Row]:
    for sha256 in tracked(hashes, run.progress, "checking pictures", len(hashes)):
        path = blobs.blob_path(run.lake, sha256)
        seen = blobs.inspect(path)
        stat = path.stat() if path.exists() else None
        yield {
            "sha256": sha256,
            "mime": seen.mime,
            "width": seen.width,
            "height": seen.height,
            "bytes": stat.st_size if stat else None,
            "phash": seen.phash,
            "status": seen.status,
            "fetched_at": datetime.fromtimestamp(stat.st_mtime, tz=UTC) if stat else None,
        }
