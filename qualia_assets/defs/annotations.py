"""Soft labels for every item, each asked for once."""

from typing import Any

import pyarrow as pa

from qualia_assets.annotate.base import Subject, annotate_all
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.defs.stage import Made, Run, markdown_table, stage
from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.tables import ANNOTATIONS


@stage(
    ANNOTATIONS,
    group="annotations",
    depends_on=lambda s: [s.annotator, s.show_collections],
    outside=lambda run: make_annotator(run.settings, run.state).prompt_version,
)
def annotations(run: Run, artefacts: pa.Table) -> Made:
    annotator = make_annotator(run.settings, run.state)
    items = artefacts.to_pylist()
    subjects = [_subject(run, item) for item in items]
    found, asked = annotate_all(subjects, annotator, run.state, run.progress)
    rows = []
    for item in items:
        a = found[item["content_sha256"]]
        rows.append(
            {
                "artefact_id": item["artefact_id"],
                "modality": item["modality"],
                "summary": a.summary,
                "aesthetic": a.aesthetic,
                "themes": list(a.themes),
                "mood": a.mood,
                "lifestyle": a.lifestyle,
                "moment": a.moment,
                "text": a.as_text(annotator.embedded_fields),
                "annotator": annotator.name,
                "prompt_version": annotator.prompt_version,
                "status": a.status,
                "error": a.error,
                "content_sha256": item["content_sha256"],
            }
        )
    statuses = [row["status"] for row in rows]
    run.log(f"asked about {asked:,} of {len(items):,} items; the rest was answered before")
    table = markdown_table(("status", "items"), [(s, statuses.count(s)) for s in ("ok", "refused", "failed")])
    return Made({"annotations": ANNOTATIONS.table(rows)}, {"by_status": table, "annotator": annotator.name})


def _subject(run: Run, item: dict[str, Any]) -> Subject:
    image = item["image_sha256"] if item["modality"] == "image" else None
    return Subject(
        sha256=item["content_sha256"],
        modality=item["modality"],
        title=item["title"],
        text=item["text"],
        tags=tuple(item["tags"]),
        collection=item["collection"] if run.settings.show_collections else None,
        image_sha256=image,
        image=blob_path(run.lake, image) if image else None,
    )
