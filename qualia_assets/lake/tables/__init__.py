"""The tables of the lake, by domain. Names of tables and columns are a contract: other tools read them.

Belongs here: what each table holds, not how it is made. ``derived_from`` is the column lineage shown in the
UI; a test compares it with the real upstream tables of each asset.
"""

from qualia_assets.lake.specs import TableSpec
from qualia_assets.lake.tables.adapters import ADAPTED_EMBEDDINGS, ADAPTERS
from qualia_assets.lake.tables.annotations import ANNOTATIONS
from qualia_assets.lake.tables.artefacts import ARTEFACTS
from qualia_assets.lake.tables.clusters import (
    CLUSTER_CARDS,
    CLUSTER_MATCHES,
    CLUSTER_PROJECTIONS,
    CLUSTER_QUALITY,
    CLUSTERS,
    NEIGHBOURS,
)
from qualia_assets.lake.tables.costs import PROVIDER_COSTS
from qualia_assets.lake.tables.embeddings import (
    ANNOTATION_EMBEDDINGS,
    CAPTION_EMBEDDINGS,
    PICTURE_FEATURES,
    PICTURE_HEAD_FIGURES,
    PICTURE_VECTORS,
    RAW_EMBEDDINGS,
)
from qualia_assets.lake.tables.experiments import CLUSTER_AGREEMENT, EXPERIMENT_RESULTS, EXPERIMENT_TRIALS
from qualia_assets.lake.tables.figures import FIGURES, PROJECTIONS
from qualia_assets.lake.tables.metrics import METRIC_HISTORY, METRICS, QUERY_HISTOGRAMS
from qualia_assets.lake.tables.pictures import IMAGE_BLOBS, IMAGE_REFS
from qualia_assets.lake.tables.sources import (
    DEMO_ITEMS,
    FOLDER_ITEMS,
    FOLDER_REJECTS,
    PINTEREST_BOARDS,
    PINTEREST_EXPORT,
    PINTEREST_EXPORT_REJECTS,
    PINTEREST_PINS,
    PINTEREST_REJECTS,
    SUBSTACK_EXPORT,
    SUBSTACK_EXPORT_REJECTS,
    SUBSTACK_POSTS,
    SUBSTACK_PUBLICATIONS,
    SUBSTACK_REJECTS,
)

TABLES: dict[str, TableSpec] = {
    spec.name: spec
    for spec in (
        FOLDER_ITEMS,
        FOLDER_REJECTS,
        DEMO_ITEMS,
        SUBSTACK_EXPORT,
        SUBSTACK_EXPORT_REJECTS,
        SUBSTACK_PUBLICATIONS,
        SUBSTACK_POSTS,
        SUBSTACK_REJECTS,
        PINTEREST_EXPORT,
        PINTEREST_EXPORT_REJECTS,
        PINTEREST_BOARDS,
        PINTEREST_PINS,
        PINTEREST_REJECTS,
        IMAGE_BLOBS,
        IMAGE_REFS,
        ARTEFACTS,
        ANNOTATIONS,
        RAW_EMBEDDINGS,
        CAPTION_EMBEDDINGS,
        ANNOTATION_EMBEDDINGS,
        PICTURE_FEATURES,
        PICTURE_VECTORS,
        PICTURE_HEAD_FIGURES,
        NEIGHBOURS,
        CLUSTER_PROJECTIONS,
        CLUSTERS,
        CLUSTER_CARDS,
        CLUSTER_MATCHES,
        CLUSTER_QUALITY,
        ADAPTERS,
        ADAPTED_EMBEDDINGS,
        PROJECTIONS,
        METRICS,
        QUERY_HISTOGRAMS,
        METRIC_HISTORY,
        FIGURES,
        PROVIDER_COSTS,
        EXPERIMENT_TRIALS,
        EXPERIMENT_RESULTS,
        CLUSTER_AGREEMENT,
    )
}
