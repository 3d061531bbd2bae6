"""Two-dimensional projections, and the figures drawn from them."""

from qualia_assets.lake.specs import FLOAT32, INT, STRING, Column, TableSpec
from qualia_assets.lake.tables.common import ID, MODALITY, unchanged

_SPACES = ("raw_embeddings.vector", "annotation_embeddings.vector", "adapted_embeddings.vector")

PROJECTIONS = TableSpec(
    "projections",
    "Two dimensions to look at: SVD and UMAP of all items together, in each space",
    ("artefact_id", "view", "method"),
    (
        *unchanged("raw_embeddings", ID, MODALITY),
        Column("view", STRING, "raw, annotation, adapted"),
        Column("method", STRING, "svd, umap"),
        Column("x", FLOAT32, "Arbitrary units", derived_from=_SPACES),
        Column("y", FLOAT32, "Arbitrary units", derived_from=_SPACES),
    ),
)

FIGURES = TableSpec(
    "figures",
    "The pictures that were drawn, and the map as a page, as files below the lake",
    ("name",),
    (
        Column("name", STRING, "Name of the picture"),
        Column("caption", STRING, "What it shows"),
        Column("path", STRING, "File below the lake"),
        Column("sha256", STRING, "Hash of the file", derived_from=("projections.x", "projections.y")),
        Column("bytes", INT, "Size of the file", derived_from=("projections.x", "projections.y")),
    ),
)
