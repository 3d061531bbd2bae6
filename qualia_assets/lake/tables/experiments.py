"""Comparisons of training recipes over many splits, made on demand."""

from qualia_assets.lake.specs import BOOL, FLOAT, INT, STRING, Column, TableSpec

_LABELS = Column(
    "labels",
    STRING,
    "matches (the pipeline's), view (of another view), people:text and people:image (collections)",
)

_TRIAL_KEY = (
    Column("config_id", STRING, "The configuration; selected:KIND is the pick on validation"),
    Column("kind", STRING, "inductive, transductive"),
    Column("metric", STRING, "As in metrics"),
    Column("gallery", STRING, "full, balanced"),
    Column("query_modality", STRING, "all, text, image, or a direction"),
    Column("k", INT, "Neighbours", nullable=True),
    Column("calibrated", BOOL, "With the query's level per modality taken off"),
)

_TRIED = (
    "annotation_embeddings.vector",
    "annotations.text",
    "artefacts.collection",
    "clusters.cluster",
    "cluster_matches.match",
)

EXPERIMENT_TRIALS = TableSpec(
    "experiment_trials",
    "Every recipe on every split of the matches: each figure of the design on the test matches",
    ("labels", "split_seed", "config_id", "metric", "gallery", "query_modality", "k", "calibrated"),
    (
        _LABELS,
        Column("split_seed", INT, "Which split of the matches"),
        *_TRIAL_KEY,
        Column("value", FLOAT, "The figure", nullable=True, derived_from=_TRIED),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True),
        Column("n", INT, "Queries, or pairs, behind it"),
    ),
)

EXPERIMENT_RESULTS = TableSpec(
    "experiment_results",
    "The same over all splits, and how it differs from doing nothing on the same splits",
    ("labels", "config_id", "metric", "gallery", "query_modality", "k", "calibrated"),
    (
        _LABELS,
        *_TRIAL_KEY,
        Column("mean", FLOAT, "Mean over splits", derived_from=_TRIED),
        Column("std", FLOAT, "Standard deviation over splits", derived_from=_TRIED),
        Column("difference", FLOAT, "Mean paired difference to identity", derived_from=_TRIED),
        Column(
            "difference_low",
            FLOAT,
            "95 % interval of it (corrected resampled t, Nadeau & Bengio 2003)",
            nullable=True,
            derived_from=_TRIED,
        ),
        Column("difference_high", FLOAT, "The same", nullable=True, derived_from=_TRIED),
        Column("wins", INT, "Splits on which it is above identity"),
        Column("splits", INT, "Splits that have the figure"),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True),
    ),
)

CLUSTER_AGREEMENT = TableSpec(
    "cluster_agreement",
    "How clusters agree with what people called the items, and (demo users) with the planted themes",
    ("labels", "space", "modality", "metric"),
    (
        Column("labels", STRING, "people (collections), planted (themes of a demo user)"),
        Column("space", STRING, "annotation (before), adapted (after): where the clusters were made"),
        Column("modality", STRING, "text, image; pairs"),
        Column(
            "metric",
            STRING,
            "ari, ami; with _without_noise, over items in a cluster only; themes_matched: share of themes "
            "matched to themselves",
        ),
        Column(
            "value",
            FLOAT,
            "The figure",
            nullable=True,
            derived_from=("artefacts.collection", "clusters.cluster", "adapted_embeddings.vector"),
        ),
        Column("n", INT, "Items, or themes"),
        Column("chance", FLOAT, "What no knowledge would give", nullable=True),
    ),
)
