"""Frozen embeddings: of the items as they are, of what is said of pictures, of the annotations."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from qualia_assets.defs.deferral import has_pending, record_outcome, request_metadata
from qualia_assets.defs.resources import Run
from qualia_assets.defs.stage import Made, stage
from qualia_assets.embed.base import Content, embed_all, words_of
from qualia_assets.embed.local import text_sha256
from qualia_assets.embed.providers import make_embedder
from qualia_assets.lake.blobs import blob_path
from qualia_assets.lake.specs import TableSpec, row_numbers, vector_array, vectors
from qualia_assets.lake.tables import ANNOTATION_EMBEDDINGS, CAPTION_EMBEDDINGS, RAW_EMBEDDINGS
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.picture_head import UNTOUCHED
from qualia_assets.providers.requests import Outcome
from qualia_assets.settings import Settings

DEFAULT_DIMENSIONS = 384


def _embedder(settings: Settings) -> str:
    return settings.embedder


def _version(run: Run) -> str:
    # Of texts: that of pictures changes with the same weights, and to be told may take loading them.
    return make_embedder(run.settings, run.state).version("text")


@stage(
    RAW_EMBEDDINGS,
    group="embeddings",
    depends_on=_embedder,
    external_version=_version,
    has_pending=has_pending("raw_embeddings"),
)
def raw_embeddings(run: Run, artefacts: pa.Table) -> Made:
    items = artefacts.to_pylist()
    return _embedded(run, RAW_EMBEDDINGS, [(item, raw_of(run, item)) for item in items], "embedding items")


@stage(
    CAPTION_EMBEDDINGS,
    group="embeddings",
    depends_on=_embedder,
    external_version=_version,
    has_pending=has_pending("caption_embeddings"),
)
def caption_embeddings(run: Run, artefacts: pa.Table) -> Made:
    captions = [(item, caption_of(item)) for item in artefacts.to_pylist()]
    pairs = [(item, caption) for item, caption in captions if caption is not None]
    return _embedded(run, CAPTION_EMBEDDINGS, pairs, "embedding captions")


@stage(
    ANNOTATION_EMBEDDINGS,
    group="embeddings",
    depends_on=_embedder,
    external_version=_version,
    has_pending=has_pending("annotation_embeddings"),
)
def annotation_embeddings(run: Run, annotations: pa.Table, picture_vectors: pa.Table) -> Made:
    rows = annotations.to_pylist()
    said = [(row, said_of(row)) for row in rows]
    pairs = [(row, content) for row, content in said if content is not None]
    made = _embedded(run, ANNOTATION_EMBEDDINGS, pairs, "embedding annotations")
    borrowed = {row["artefact_id"] for row in rows if row["confidence"] is not None}
    table = _with_pictures(made.tables[ANNOTATION_EMBEDDINGS.name], picture_vectors, borrowed)
    return Made({ANNOTATION_EMBEDDINGS.name: table}, made.metadata)


def _with_pictures(embedded: pa.Table, picture_vectors: pa.Table, borrowed: Collection[str]) -> pa.Table:
    """Add the vector of its picture to that of words which a picture only borrowed: they say less than it."""
    fitted = picture_vectors.filter(pa.compute.not_equal(picture_vectors["head"], UNTOUCHED))
    place = row_numbers(fitted)
    rows = {i: place[item] for item, i in row_numbers(embedded).items() if item in borrowed and item in place}
    if not rows:
        return embedded
    matrix = vectors(embedded).copy()
    matrix[[*rows]] = unit(matrix[[*rows]] + vectors(fitted)[[*rows.values()]])
    return embedded.set_column(embedded.column_names.index("vector"), "vector", vector_array(matrix))


def raw_of(run: Run, item: dict[str, Any]) -> Content:
    """A post's own words, a pin's own pixels."""
    if item["modality"] == "image":
        return Content(item["image_sha256"], image=blob_path(run.lake, item["image_sha256"]))
    return _text(caption_words(item))


def caption_of(item: dict[str, Any]) -> Content | None:
    """What people said of a pin; None for a post, and where they said nothing."""
    words = caption_words(item)
    return _text(words) if item["modality"] == "image" and words else None


def said_of(row: dict[str, Any]) -> Content | None:
    """What an annotation says; None where there is none."""
    return _text(row["text"]) if row["text"] else None


def caption_words(item: dict[str, Any]) -> str:
    """What people said of an item: title, text and tags."""
    return words_of(item["title"], item["text"], ", ".join(item["tags"]))


def _text(words: str) -> Content:
    return Content(text_sha256(words), text=words)


def _embedded(run: Run, spec: TableSpec, pairs: Sequence[tuple[dict[str, Any], Content]], what: str) -> Made:
    budget = run.budget_for(spec.name)
    embedder = make_embedder(run.settings, run.state, budget)
    outcome: Outcome[Floats] = Outcome({})
    if pairs:
        outcome = embed_all([c for _, c in pairs], embedder, run.state, run.progress, what)
    answers = outcome.answers
    kept = [(item, content) for item, content in pairs if content.sha256 in answers]
    distinct = len({content.sha256 for _, content in pairs})
    failed = distinct - len(answers) - outcome.waiting
    waiting = f", {outcome.waiting:,} wait" if outcome.waiting else ""
    run.log(f"{what}: requested {outcome.requested:,} of {len(pairs):,}{waiting}; {failed:,} failed")
    record_outcome(run, spec.name, outcome, budget)
    dimensions = embedder.dimensions if pairs else DEFAULT_DIMENSIONS
    if not kept:
        return Made(
            {spec.name: spec.schema(dimensions).empty_table()}, request_metadata(outcome, distinct, budget)
        )
    versions = {kind: embedder.version(kind) for kind in {content.kind for _, content in kept}}
    table = pa.table(
        {
            "artefact_id": [item["artefact_id"] for item, _ in kept],
            "modality": [item["modality"] for item, _ in kept],
            "vector": vector_array(np.stack([answers[content.sha256] for _, content in kept])),
            "embedder": [embedder.name] * len(kept),
            "version": [versions[content.kind] for _, content in kept],
            "content_sha256": [content.sha256 for _, content in kept],
        }
    )
    named = {
        "embedder": embedder.name,
        "version": ", ".join(sorted(versions.values())),
        "dimensions": str(dimensions),
    }
    return Made({spec.name: table}, {**named, **request_metadata(outcome, distinct, budget)})
