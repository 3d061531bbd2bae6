"""Vectors of items and of their annotations."""

from qualia_assets.lake.specs import BOOL, FLOAT, INT, STRING, Column, TableSpec, Vector
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

PICTURE_FEATURES = TableSpec(
    "picture_features",
    "What an encoder sees in each picture, before it is put in words",
    ("artefact_id",),
    (
        *unchanged("artefacts", ID, MODALITY),
        Column("vector", Vector.FREE, "Features", derived_from=("artefacts.image_sha256",)),
        Column("encoder", STRING, "The classifier, or the embedder where it sees pictures itself"),
    ),
)

PICTURE_VECTORS = TableSpec(
    "picture_vectors",
    "Each picture in the space of texts, by the head that is best on validation captions",
    ("artefact_id",),
    (
        *unchanged("picture_features", ID, MODALITY),
        Column(
            "vector",
            Vector.UNIT,
            "For comparison with texts less the captions' mean; its own caption was not fitted",
            derived_from=(
                "picture_features.vector",
                "raw_embeddings.vector",
                "caption_embeddings.vector",
            ),
        ),
        Column("head", STRING, "How it was made; untouched: the encoder's own"),
    ),
)

PICTURE_HEAD_FIGURES = TableSpec(
    "picture_head_figures",
    "How well each head finds captions that it was not fitted on, beside the untouched encoder",
    ("head", "split", "metric", "direction", "k", "calibrated"),
    (
        Column(
            "head", STRING, "untouched, ridge, kernel or residual, with width and weight of the untouched"
        ),
        Column(
            "split",
            STRING,
            "val: the head was chosen on these, each out of its fold; test: on these nothing was",
        ),
        Column(
            "metric",
            STRING,
            "mrr (mean reciprocal rank), recall, alignment_easy, alignment_hard (among nine others)",
        ),
        Column("direction", STRING, "image>text or text>image"),
        Column("k", INT, "Neighbours looked at; 0 where it does not apply"),
        Column("calibrated", BOOL, "Whether hubs were levelled out (CSLS)"),
        Column("value", FLOAT, "Share of hits"),
        Column("ci_low", FLOAT, "Lower bound of the 95 % interval over pictures", nullable=True),
        Column("ci_high", FLOAT, "Upper bound", nullable=True),
        Column("chance", FLOAT, "Of a random order"),
        Column("n", INT, "Held-out pictures"),
        Column(
            "learnt_from",
            INT,
            "Captioned pictures that it was chosen on, by folds, and fitted on for the test",
        ),
        Column("selected", BOOL, "Whether it is the one that is used"),
    ),
)
