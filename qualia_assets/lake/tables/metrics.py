"""Retrieval metrics with chance levels and intervals, and their history."""

from qualia_assets.lake.specs import BOOL, FLOAT, INT, STRING, TIME, Column, TableSpec
from qualia_assets.lake.tables.common import unchanged

_SCORED = (
    "raw_embeddings.vector",
    "annotation_embeddings.vector",
    "clusters.cluster",
    "cluster_matches.match",
    "cluster_matches.split",
    "adapters.weights",
)

METRICS = TableSpec(
    "metrics",
    "Every figure with its chance level and 95 % interval, on whole matches held out from training",
    ("space", "config_id", "metric", "split", "gallery", "query_modality", "k", "calibrated"),
    (
        Column("space", STRING, "raw, annotation, adapted"),
        Column(
            "config_id",
            STRING,
            "The adapter; null without one",
            nullable=True,
            derived_from=("adapters.config_id",),
        ),
        Column("metric", STRING, "Name of the figure"),
        Column(
            "split",
            STRING,
            "val or test; all where matches play no part",
            derived_from=("cluster_matches.split",),
        ),
        Column("gallery", STRING, "full, or balanced: each match's modalities sampled down to the smaller"),
        Column("query_modality", STRING, "all, text, image, or text>image"),
        Column("k", INT, "Neighbours looked at", nullable=True),
        Column("calibrated", BOOL, "Similarities less the mean of the 10 highest of each modality"),
        Column(
            "value",
            FLOAT,
            "The figure; null where it would mean nothing",
            nullable=True,
            derived_from=_SCORED,
        ),
        Column(
            "std",
            FLOAT,
            "Standard deviation over matches (of modality_auc: over folds)",
            nullable=True,
            derived_from=_SCORED,
        ),
        Column("ci_low", FLOAT, "95 % bootstrap interval over matches", nullable=True, derived_from=_SCORED),
        Column("ci_high", FLOAT, "95 % bootstrap interval over matches", nullable=True, derived_from=_SCORED),
        Column("n", INT, "Queries, or pairs, behind the figure", derived_from=_SCORED),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True, derived_from=_SCORED),
        Column("note", STRING, "Why there is no figure", nullable=True),
    ),
)

QUERY_HISTOGRAMS = TableSpec(
    "query_histograms",
    "On the test matches: cosines of queries to what they retrieve, and how often items are retrieved",
    ("space", "config_id", "kind", "query_modality", "bin_low"),
    (
        Column("space", STRING, "raw, annotation, adapted"),
        Column(
            "config_id",
            STRING,
            "The adapter; null without one",
            nullable=True,
            derived_from=("adapters.config_id",),
        ),
        Column("kind", STRING, "cosine, occurrence"),
        Column(
            "query_modality",
            STRING,
            "text>text, text>image, image>text, image>image; of occurrences all, text, image",
        ),
        Column("bin_low", FLOAT, "From, inclusive"),
        Column("bin_high", FLOAT, "To, exclusive"),
        Column("count", INT, "Pairs, or items", derived_from=_SCORED),
    ),
)

METRIC_HISTORY = TableSpec(
    "metric_history",
    "A few figures on the test matches as each run left them: only ever added to, when one of them differs",
    ("run", "space", "config_id", "metric", "query_modality"),
    (
        Column("run", INT, "Number from 1: one for each time that the figures differed"),
        Column("at", TIME, "When the metrics were first seen to be so", measured=True),
        Column("space", STRING, "annotation (doing nothing), adapted (what was selected)"),
        Column(
            "config_id",
            STRING,
            "The selected adapter; null without one",
            nullable=True,
            derived_from=("adapters.config_id", "adapters.selected"),
        ),
        *unchanged(
            "metrics",
            Column("metric", STRING, "As in metrics: on the full gallery, uncalibrated"),
            Column("query_modality", STRING, "all, text, image, or text>image"),
            Column("k", INT, "Neighbours looked at", nullable=True),
            Column("value", FLOAT, "The figure", nullable=True),
            Column("ci_low", FLOAT, "95 % bootstrap interval over matches", nullable=True),
            Column("ci_high", FLOAT, "95 % bootstrap interval over matches", nullable=True),
            Column("chance", FLOAT, "What no knowledge would give", nullable=True),
            Column("n", INT, "Queries, or pairs, behind the figure"),
        ),
        Column("posts", INT, "Posts with an annotation", derived_from=("clusters.modality",)),
        Column("pins", INT, "Pins with an annotation", derived_from=("clusters.modality",)),
    ),
)
