"""All sources' items in one shape, pictures only where their blob can be used."""

import hashlib
import json
from typing import Any

import pyarrow as pa

from qualia_assets.defs.stage import Made, Run, markdown_table, stage
from qualia_assets.lake.tables import ARTEFACTS


@stage(ARTEFACTS, group="artefacts", depends_on=lambda s: s.show_collections)
def artefacts(run: Run, folder_items: pa.Table, demo_items: pa.Table, image_blobs: pa.Table) -> Made:
    usable = {row["sha256"] for row in image_blobs.to_pylist() if row["status"] == "ok"}
    rows = [
        _artefact(source, item, run.settings.show_collections)
        for source, table in (("folder", folder_items), ("demo", demo_items))
        for item in table.to_pylist()
        if item["modality"] != "image" or item["image_sha256"] in usable
    ]
    modalities = [row["modality"] for row in rows]
    if not rows:
        run.log(f"There are no items yet. Give some with `qualia import folder PATH --user {run.user}`.")
    counts = [(m, modalities.count(m)) for m in sorted({*modalities, "text", "image"})]
    return Made(
        {"artefacts": ARTEFACTS.table(rows)}, {"by_modality": markdown_table(("modality", "items"), counts)}
    )


def _artefact(source: str, item: dict[str, Any], show_collection: bool) -> dict[str, Any]:
    name = "post" if item["modality"] == "text" else "pin"
    kept = (
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
    seen = [item[key] for key in ("modality", "title", "text", "tags", "image_sha256")]
    seen.append(item["collection"] if show_collection else None)
    return {
        **{key: item[key] for key in kept},
        "artefact_id": f"{source}:{item['item_id']}"
        if source != "demo"
        else f"demo:{name}:{item['item_id']}",
        "source": source,
        "content_sha256": hashlib.sha256(json.dumps(seen).encode()).hexdigest(),
    }
