"""Soft labels for every item, each asked for once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pyarrow as pa

from qualia_assets.annotate.base import Annotation, Status, Subject, annotate_all
from qualia_assets.annotate.local import Bare, LocalAnnotator
from qualia_assets.annotate.prompt import FELT
from qualia_assets.annotate.providers import make_annotator
from qualia_assets.defs.deferral import has_pending, record_outcome, request_metadata
from qualia_assets.defs.embeddings import caption_words
from qualia_assets.defs.metadata import markdown_table
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.specs import row_numbers, vectors
from qualia_assets.lake.tables import ANNOTATIONS
from qualia_assets.method import naming
from qualia_assets.method.borrowing import borrow
from qualia_assets.method.calibration import csls
from qualia_assets.method.matching import unit
from qualia_assets.method.picture_head import UNTOUCHED, prepared
from qualia_assets.providers.requests import Outcome

_WAITING = Annotation("waiting")


@stage(
    ANNOTATIONS,
    group="annotations",
    depends_on=lambda s: [s.annotator, s.show_collections],
    external_version=lambda run: make_annotator(run.settings, run.state).prompt_version,
    has_pending=has_pending("annotations"),
)
def annotations(
    run: Run,
    artefacts: pa.Table,
    picture_features: pa.Table,
    picture_vectors: pa.Table,
    caption_embeddings: pa.Table,
) -> Made:
    budget = run.budget_for("annotations")
    annotator = make_annotator(run.settings, run.state, budget)
    items = artefacts.to_pylist()
    subjects = [subject_of(run, item) for item in items]
    if isinstance(annotator, LocalAnnotator):
        bare = _bare(run, items, picture_features, picture_vectors, caption_embeddings)
        made = annotator.annotate_collection(subjects, bare, run.progress)
        outcome = Outcome({s.sha256: a for s, a in zip(subjects, made, strict=True)})
    else:
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
                "confidence": a.confidence,
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
        {
            "by_status": table,
            "fields": markdown_table(("of", "field", "given", "largest share"), list(_spread(rows))),
            "annotator": annotator.name,
            **request_metadata(outcome, distinct, budget),
        },
    )


def _spread(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, float, float]]:
    """Yield the share of items that have a field, and the share that have its commonest value: hubs show."""
    for modality in ("text", "image"):
        of = [row for row in rows if row["modality"] == modality]
        for name in FELT:
            values = [v for row in of for v in (row[name] if name == "themes" else [row[name]]) if v]
            given = sum(bool(row[name]) for row in of)
            if of:
                largest = Counter(values).most_common(1)[0][1] if values else 0
                yield modality, name, given / len(of), largest / len(of)


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


def _bare(
    run: Run,
    items: Sequence[dict[str, Any]],
    picture_features: pa.Table,
    picture_vectors: pa.Table,
    caption_embeddings: pa.Table,
) -> Bare:
    """Return what the captioned pictures say of those without a caption; nothing where no head was fitted."""
    captioned = row_numbers(caption_embeddings)
    placed: list[str] = picture_vectors["artefact_id"].to_pylist()
    bare = [i for i, item in enumerate(placed) if item not in captioned]
    known = [i for i, item in enumerate(placed) if item in captioned]
    if not bare or not known or picture_vectors["head"][0].as_py() == UNTOUCHED:
        return Bare()
    captions = vectors(caption_embeddings)[[captioned[placed[i]] for i in known]]
    mapped = vectors(picture_vectors)
    near = csls(mapped[bare] @ unit(captions - captions.mean(axis=0)).T)

    place = row_numbers(picture_features)
    features = unit(prepared(vectors(picture_features))[[place[item] for item in placed]])
    by_id = {item["artefact_id"]: item for item in items}
    words = [frozenset(naming.words(caption_words(by_id[placed[i]]))) for i in known]
    lent = borrow(near, features[bare] @ features[known].T, words)
    hashes = [by_id[placed[i]]["image_sha256"] for i in bare]
    # Vocabularies are embedded by the local model: other models' vectors cannot be compared with them.
    own = dict(zip(hashes, mapped[bare], strict=True)) if run.settings.embedder == "local" else {}
    return Bare(own, dict(zip(hashes, lent, strict=True)))
