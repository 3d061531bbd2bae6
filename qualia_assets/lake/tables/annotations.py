"""What the annotator says about each item."""

from qualia_assets.lake.specs import FLOAT, STRING, STRINGS, Column, TableSpec
from qualia_assets.lake.tables.common import ID, MODALITY, unchanged

CONTENT = ("artefacts.title", "artefacts.text", "artefacts.tags", "artefacts.image_sha256")

ANNOTATIONS = TableSpec(
    "annotations",
    "What each item feels like, in the same words for texts and pictures",
    ("artefact_id",),
    (
        *unchanged("artefacts", ID, MODALITY),
        Column("summary", STRING, "What it is about, or shows", nullable=True, derived_from=CONTENT),
        Column(
            "aesthetic",
            STRING,
            "Underlying aesthetic or intellectual sensibility",
            nullable=True,
            derived_from=CONTENT,
        ),
        Column("themes", STRINGS, "Philosophical or cultural concepts, at most 5", derived_from=CONTENT),
        Column("mood", STRING, "Emotional register or tone", nullable=True, derived_from=CONTENT),
        Column("lifestyle", STRING, "Way of being this suggests", nullable=True, derived_from=CONTENT),
        Column("moment", STRING, "Broader cultural conversation", nullable=True, derived_from=CONTENT),
        Column(
            "text",
            STRING,
            "The fields as one text: what is embedded",
            nullable=True,
            derived_from=CONTENT,
        ),
        Column(
            "confidence",
            FLOAT,
            "Of a summary in words borrowed from pictures like it, 0 to 1; empty where they are its own",
            nullable=True,
            derived_from=CONTENT,
        ),
        Column("annotator", STRING, "Provider and model"),
        Column("prompt_version", STRING, "Version of the prompt or of the rules"),
        Column("status", STRING, "ok, refused, failed, waiting"),
        Column("error", STRING, "Why there is none", nullable=True),
        Column(
            "content_sha256",
            STRING,
            "Hash of what the annotator saw",
            derived_from=("artefacts.content_sha256",),
        ),
    ),
)
