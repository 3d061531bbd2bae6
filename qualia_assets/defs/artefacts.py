"""All sources' items in one shape, each once, pictures only where their blob can be used."""

import hashlib
import json
from typing import Any

import pyarrow as pa

from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.tables import ARTEFACTS
from qualia_assets.sources.merge import merged_pins, merged_posts

Row = dict[str, Any]

_KEPT = (
    "modality",
    "hop",
    "title",
    "text",
    "tags",
    "url",
    "author",
    "collection",
    "image_sha256",
    "created_at",
)


@stage(ARTEFACTS, group="artefacts", depends_on=lambda s: s.show_collections)
def artefacts(
    run: Run,
    *,
    folder_items: pa.Table,
    demo_items: pa.Table,
    substack_export: pa.Table,
    substack_posts: pa.Table,
    pinterest_export: pa.Table,
    pinterest_pins: pa.Table,
    image_blobs: pa.Table,
    image_refs: pa.Table,
) -> Made:
    usable = {row["sha256"] for row in image_blobs.to_pylist() if row["status"] == "ok"}
    fetched = {ref["url"]: ref["sha256"] for ref in image_refs.to_pylist()}
    posts = merged_posts(substack_export.to_pylist(), substack_posts.to_pylist())
    pins = merged_pins(pinterest_export.to_pylist(), pinterest_pins.to_pylist())
    sources = (
        ("folder", "folder", folder_items.to_pylist()),
        ("demo", "demo:{name}", demo_items.to_pylist()),
        ("substack", "substack:post", [_with_picture(row, fetched) for row in posts]),
        ("pinterest", "pinterest:pin", [_with_picture(row, fetched) for row in pins]),
    )
    rows = [
        _artefact(source, prefix, item, usable, run.settings.show_collections)
        for source, prefix, items in sources
        for item in items
        if item["modality"] != "image" or item["image_sha256"] in usable
    ]
    modalities = [row["modality"] for row in rows]
    if not rows:
        run.log(f"There are no items yet. Give some with `qualia import folder PATH --user {run.user}`.")
    counts = [(m, modalities.count(m)) for m in sorted({*modalities, "text", "image"})]
    return Made(
        {"artefacts": ARTEFACTS.table(rows)}, {"by_modality": markdown_table(("modality", "items"), counts)}
    )


def _with_picture(item: Row, fetched: dict[str, str | None]) -> Row:
    return {**item, "image_sha256": fetched.get(item["image_url"] or "")}


def _artefact(source: str, prefix: str, item: Row, usable: set[str], show_collection: bool) -> Row:
    name = "post" if item["modality"] == "text" else "pin"
    pictured = item["image_sha256"] if item["image_sha256"] in usable else None
    # A post's cover is there to be looked at; what a provider sees of a post is its words.
    seen = [item[key] for key in ("modality", "title", "text", "tags")]
    seen.append(pictured if item["modality"] == "image" else None)
    seen.append(item["collection"] if show_collection else None)
    return {
        **{key: item[key] for key in _KEPT},
        "image_sha256": pictured,
        "artefact_id": f"{prefix.format(name=name)}:{item['item_id']}",
        "source": source,
        "content_sha256": hashlib.sha256(json.dumps(seen).encode()).hexdigest(),
    }
