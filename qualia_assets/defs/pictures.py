"""Pictures: those that items refer to by URL are fetched, and every picture is inspected once."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from qualia_assets.defs.crawls import visit_metadata, visited
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake import blobs
from qualia_assets.lake.tables import IMAGE_BLOBS, IMAGE_REFS
from qualia_assets.progress import tracked
from qualia_assets.sources.crawling import Report
from qualia_assets.state.consent import consented
from qualia_assets.state.crawl import last_visit

if TYPE_CHECKING:
    from qualia_assets.net.client import Client

Row = dict[str, Any]


def may_ask(run: Run) -> bool:
    """Return whether pictures may be fetched now: the user consented, and no host asked us to wait."""
    if run.offline or "images" not in consented(run.state, run.user):
        return False
    visit = last_visit(run.state, run.user, "images")
    return visit is None or visit.until is None or datetime.now(UTC) >= visit.until


def _last(run: Run) -> str:
    """Return the time of the visit that the pictures are from."""
    if "images" not in consented(run.state, run.user):
        return "no consent"
    visit = last_visit(run.state, run.user, "images")
    return visit.at.isoformat() if visit else "never"


def _has_pending(run: Run) -> bool:
    """Return whether pictures are still to be fetched, and may be now."""
    visit = last_visit(run.state, run.user, "images")
    return visit is not None and visit.waits and may_ask(run)


@stage(
    IMAGE_BLOBS,
    IMAGE_REFS,
    group="sources",
    external_version=_last,
    depends_on=lambda s: [s.images.hosts, s.images.covers],
    has_pending=_has_pending,
    pool="images",
)
def image_blobs(
    run: Run,
    folder_items: pa.Table,
    demo_items: pa.Table,
    substack_export: pa.Table,
    substack_posts: pa.Table,
    pinterest_export: pa.Table,
    pinterest_pins: pa.Table,
) -> Made:
    from qualia_assets.sources import images

    chosen = run.settings.images
    named = [pinterest_export, pinterest_pins, *((substack_export, substack_posts) if chosen.covers else ())]
    urls = sorted({url for table in named for url in table["image_url"].to_pylist() if url})
    report = _fetched(run, urls)
    refs = images.refs(run.state, urls)
    given = pa.concat_tables([t.select(["image_sha256"]) for t in (folder_items, demo_items)])
    hashes = {*given["image_sha256"].drop_null().to_pylist(), *(r["sha256"] for r in refs if r["sha256"])}
    rows = list(_inspected(run, sorted(hashes)))
    counts = pc.value_counts(pa.array([row["status"] for row in rows], pa.string())).to_pylist()
    waiting = sum(ref["status"] == "waiting" for ref in refs)
    if waiting and "images" not in consented(run.state, run.user):
        run.log(
            f"{waiting:,} pictures are at i.pinimg.com and substackcdn.com and were not fetched: "
            f"agree to it with `qualia user consent {run.user} images`."
        )
    return Made(
        {"image_blobs": IMAGE_BLOBS.table(rows), "image_refs": IMAGE_REFS.table(refs)},
        {
            **{f"status_{c['values']}": str(c["counts"]) for c in counts},
            **visit_metadata(report),
            "waiting": waiting,
        },
    )


def _fetched(run: Run, urls: list[str]) -> Report | None:
    from qualia_assets.sources import images

    chosen = run.settings.images
    if not may_ask(run) or not images.pending(run.state, urls, chosen.hosts):
        return None

    def walk(client: "Client") -> Report:
        return images.fetch(urls, run.lake, run.state, client, chosen.hosts, run.progress)

    return visited(run, "images", walk, chosen.requests_per_run, chosen.gap)


def _inspected(run: Run, hashes: list[str]) -> Iterator[Row]:
    for sha256 in tracked(hashes, run.progress, "checking pictures", len(hashes)):
        path = blobs.blob_path(run.lake, sha256)
        seen = blobs.inspect(path)
        if seen.status == "ok":
            blobs.thumbnail(run.lake, sha256)
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
