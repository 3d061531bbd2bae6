"""Trained adapters, and the items mapped by the selected one."""

from qualia_assets.lake.specs import BOOL, FLOAT, INT, STRING, Column, TableSpec, Vector
from qualia_assets.lake.tables.common import ID, MODALITY, unchanged
from qualia_assets.lake.tables.embeddings import VECTOR

_TRAINED = ("cluster_matches.match", "cluster_matches.split", "clusters.cluster", *VECTOR)

ADAPTERS = TableSpec(
    "adapters",
    "One row for each configuration that was trained, doing nothing (identity) among them",
    ("config_id",),
    (
        Column("config_id", STRING, "Name of the configuration"),
        Column("arch", STRING, "identity, linear, mlp; lookup where nothing is trained by gradient"),
        Column("input", STRING, "Table of the vectors it maps"),
        Column("recipe", STRING, "paper, or a name of ours"),
        Column(
            "kind",
            STRING,
            "inductive: fitted without the items it is judged on; transductive: their vectors were seen",
        ),
        Column("temperature", FLOAT, "tau of InfoNCE", nullable=True),
        Column("balance_weight", FLOAT, "Weight of the modality-balance term", nullable=True),
        Column("balance_term", STRING, "The paper's ratio, or share; null without one", nullable=True),
        Column("seed", INT, "Of initialisation and batches"),
        Column("hidden", INT, "Width of the hidden layer", nullable=True),
        Column("batch_size", INT, "Items a step", nullable=True),
        Column("learning_rate", FLOAT, "Of AdamW", nullable=True),
        Column("weight_decay", FLOAT, "Of AdamW", nullable=True),
        Column("epochs", INT, "Passes over the training items", nullable=True),
        Column("train_seconds", FLOAT, "Wall time of the training, s", measured=True),
        Column(
            "val_coherence",
            FLOAT,
            "On validation matches, full gallery",
            nullable=True,
            derived_from=_TRAINED,
        ),
        Column("val_abs_bias", FLOAT, "|modality bias| there", nullable=True, derived_from=_TRAINED),
        Column(
            "val_cross_modal_r_precision", FLOAT, "What it is chosen by", nullable=True, derived_from=_TRAINED
        ),
        Column(
            "offset_text",
            FLOAT,
            "Added to a picture's similarity when a text asks, beside CSLS; from train and val items",
            nullable=True,
            derived_from=_TRAINED,
        ),
        Column(
            "offset_image",
            FLOAT,
            "The same when a picture asks",
            nullable=True,
            derived_from=_TRAINED,
        ),
        Column("pareto", BOOL, "No other beats it on both coherence and |bias|", derived_from=_TRAINED),
        Column("selected", BOOL, "The one that is applied", derived_from=_TRAINED),
        Column(
            "weights",
            STRING,
            "safetensors file below the lake; null for identity",
            nullable=True,
            derived_from=_TRAINED,
        ),
    ),
)

ADAPTED_EMBEDDINGS = TableSpec(
    "adapted_embeddings",
    "Every item through the selected adapter",
    ("artefact_id",),
    (
        *unchanged("annotation_embeddings", ID, MODALITY),
        Column(
            "vector",
            Vector.UNIT,
            "Adapted embedding of unit length",
            derived_from=(*VECTOR, "adapters.weights"),
        ),
        Column("config_id", STRING, "The adapter", derived_from=("adapters.config_id", "adapters.selected")),
    ),
)
