"""Soft labels for every item, each asked for once."""

from typing import Any, get_args

import pyarrow as pa

from qualia_assets.annotate.base import Annotation, Status, Subject, annotate_all
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.defs.deferral import has_pending, record_outcome, request_metadata
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.tables import ANNOTATIONS

_WAITING = Annotation("waiting")


@stage(
    ANNOTATIONS,
    group="annotations",
    depends_on=lambda s: [s.annotator, s.show_collections],
    external_version=lambda run: make_annotator(run.settings, run.state).prompt_version,
    has_pending=has_pending("annotations"),
)
def annotations(run: Run, artefacts: pa.Table) -> Made:
    budget = run.budget_for("annotations")
    annotator = make_annotator(run.settings, run.state, budget)
    items = artefacts.to_pylist()
    subjects = [subject_of(run, item) for item in items]
    outcome = annotate_all(subjects, annotator, run.state, run.progress)
    rows = []
    for item in items:
        a = outcome.answers.get(item["content_sha256"], _WAITING)
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
    waiting = f", {outcome.waiting:,} wait" if outcome.waiting else ""
    run.log(f"requested {outcome.requested:,} of {len(items):,} items{waiting}; the rest was cached")
    record_outcome(run, "annotations", outcome, budget)
    table = markdown_table(("status", "items"), [(s, statuses.count(s)) for s in get_args(Status)])
    distinct = len({subject.sha256 for subject in subjects})
    return Made(
        {"annotations": ANNOTATIONS.table(rows)},
        {"by_status": table, "annotator": annotator.name, **request_metadata(outcome, distinct, budget)},
    )


def subject_of(run: Run, item: dict[str, Any]) -> Subject:
    """What an annotator sees of an item."""
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
