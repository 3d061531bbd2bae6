"""The neighbour graph, clusters within each modality, and their matches across modalities."""

from qualia_assets.lake.specs import (
    BOOL,
    FLOAT,
    FLOAT32,
    FLOATS,
    INT,
    STRING,
    STRINGS,
    Column,
    TableSpec,
    Vector,
)
from qualia_assets.lake.tables.common import ID, MODALITY, unchanged
from qualia_assets.lake.tables.embeddings import VECTOR

NEIGHBOURS = TableSpec(
    "neighbours",
    "Exact nearest neighbours within each modality, by annotation: one graph for clustering and map",
    ("artefact_id",),
    (
        *unchanged("annotation_embeddings", ID, MODALITY),
        Column("neighbours", STRINGS, "Items, nearest first, the item itself in front", derived_from=VECTOR),
        Column("distances", FLOATS, "Cosine distances to them", derived_from=VECTOR),
    ),
)

_GRAPH = ("neighbours.neighbours", "neighbours.distances", *VECTOR)

CLUSTER_PROJECTIONS = TableSpec(
    "cluster_projections",
    "UMAP per modality to a few dimensions: what is clustered",
    ("artefact_id",),
    (
        *unchanged("neighbours", ID, MODALITY),
        Column("vector", Vector.FREE, "Coordinates, arbitrary units", derived_from=_GRAPH),
    ),
)

CLUSTERS = TableSpec(
    "clusters",
    "HDBSCAN per modality",
    ("artefact_id",),
    (
        *unchanged("cluster_projections", ID, MODALITY),
        Column(
            "cluster",
            INT,
            "Number that stays with the cluster; -1 is noise",
            derived_from=("cluster_projections.vector",),
        ),
        Column(
            "probability",
            FLOAT32,
            "How surely it belongs there, 0 to 1",
            derived_from=("cluster_projections.vector",),
        ),
    ),
)

CLUSTER_CARDS = TableSpec(
    "cluster_cards",
    "What each cluster is called and what stands for it",
    ("modality", "cluster"),
    (
        *unchanged("clusters", MODALITY, Column("cluster", INT, "Number within the modality")),
        Column("size", INT, "Items", derived_from=("clusters.cluster",)),
        Column(
            "label",
            STRING,
            "A name, distinct within the user and modality",
            derived_from=("annotations.text", "artefacts.title"),
        ),
        Column(
            "keywords",
            STRINGS,
            "Words that set it apart",
            derived_from=("annotations.text", "artefacts.title"),
        ),
        Column(
            "exemplars",
            STRINGS,
            "Items nearest to its centre",
            derived_from=("clusters.artefact_id", *VECTOR),
        ),
    ),
)

_CENTROIDS = ("clusters.cluster", *VECTOR)

CLUSTER_MATCHES = TableSpec(
    "cluster_matches",
    "Text clusters and image clusters paired one to one by centroid cosine (Hungarian)",
    ("match",),
    (
        Column("match", INT, "Number that stays with the pair", derived_from=_CENTROIDS),
        Column("modality_a", STRING, "text", derived_from=("clusters.modality",)),
        Column("cluster_a", INT, "Text cluster", derived_from=("clusters.cluster",)),
        Column("modality_b", STRING, "image", derived_from=("clusters.modality",)),
        Column("cluster_b", INT, "Image cluster", derived_from=("clusters.cluster",)),
        Column("similarity", FLOAT, "Cosine of the centroids", derived_from=_CENTROIDS),
        Column("mutual_best", BOOL, "Each is the other's nearest", derived_from=_CENTROIDS),
        Column("accepted", BOOL, "Similar enough to be used", derived_from=_CENTROIDS),
        Column(
            "split",
            STRING,
            "train, val or test; null where not accepted",
            nullable=True,
            derived_from=_CENTROIDS,
        ),
    ),
)

CLUSTER_QUALITY = TableSpec(
    "cluster_quality",
    "How far the clusters and their matches can be trusted",
    ("metric", "modality"),
    (
        Column(
            "metric",
            STRING,
            "clusters, noise_share, stability (ARI between seeds); of pairs accepted_share, "
            "accepted_similarity, background_similarity, forced_share",
        ),
        Column("modality", STRING, "text, image; pairs"),
        Column("value", FLOAT, "The figure", nullable=True, derived_from=("clusters.cluster", *VECTOR)),
        Column("n", INT, "Items, clusterings or pairs behind it", derived_from=("clusters.cluster",)),
        Column("note", STRING, "What to make of it, where something should be", nullable=True),
    ),
)
