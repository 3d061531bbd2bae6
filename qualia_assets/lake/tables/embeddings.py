"""Vectors of items and of their annotations."""

from qualia_assets.lake.specs import STRING, Column, TableSpec, Vector
from qualia_assets.lake.tables.annotations import CONTENT
from qualia_assets.lake.tables.common import ID, MODALITY, unchanged


def _embeddings(name: str, description: str, upstream: str, seen: tuple[str, ...]) -> TableSpec:
    return TableSpec(
        name,
        description,
        ("artefact_id",),
        (
            *unchanged(upstream, ID, MODALITY),
            Column("vector", Vector.UNIT, "Embedding of unit length", derived_from=seen),
            Column("embedder", STRING, "Provider and model"),
            Column("version", STRING, "Revision of its weights, and how the item was made ready for it"),
            Column("content_sha256", STRING, "Hash of what the embedder saw", derived_from=seen),
        ),
    )


VECTOR = ("annotation_embeddings.vector",)

RAW_EMBEDDINGS = _embeddings(
    "raw_embeddings", "Texts and pictures embedded as they are", "artefacts", CONTENT
)

CAPTION_EMBEDDINGS = _embeddings(
    "caption_embeddings", "What is said of each picture, embedded as text", "artefacts", CONTENT[:3]
)

ANNOTATION_EMBEDDINGS = _embeddings(
    "annotation_embeddings", "The annotations embedded as text", "annotations", ("annotations.text",)
)
