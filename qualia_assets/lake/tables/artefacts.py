"""The items of all sources in one shape."""

from qualia_assets.lake.specs import INT, STRING, STRINGS, TIME, Column, TableSpec
from qualia_assets.lake.tables.sources import (
    DEMO_ITEMS,
    FOLDER_ITEMS,
    PINTEREST_EXPORT,
    PINTEREST_PINS,
    SUBSTACK_EXPORT,
    SUBSTACK_POSTS,
)

_ITEM_TABLES = (
    FOLDER_ITEMS,
    DEMO_ITEMS,
    SUBSTACK_EXPORT,
    SUBSTACK_POSTS,
    PINTEREST_EXPORT,
    PINTEREST_PINS,
)


def _raw(column: str) -> tuple[str, ...]:
    return tuple(f"{spec.name}.{column}" for spec in _ITEM_TABLES)


ARTEFACTS = TableSpec(
    "artefacts",
    "Everything the user read or saved, from all sources, in one shape",
    ("artefact_id",),
    (
        Column("artefact_id", STRING, "<source>:<id>", derived_from=_raw("item_id")),
        Column("modality", STRING, "text or image", derived_from=_raw("modality")),
        Column("source", STRING, "Where it came from"),
        Column(
            "hop",
            INT,
            "0 for what the user saved, 1 and more for what that points to",
            derived_from=_raw("hop"),
        ),
        Column("title", STRING, "Title", nullable=True, derived_from=_raw("title")),
        Column(
            "text", STRING, "Body, or what is said of a picture", nullable=True, derived_from=_raw("text")
        ),
        Column("tags", STRINGS, "Tags", derived_from=_raw("tags")),
        Column("url", STRING, "Where it was", nullable=True, derived_from=_raw("url")),
        Column("author", STRING, "Who made it", nullable=True, derived_from=_raw("author")),
        Column(
            "collection",
            STRING,
            "Publication or board: given by people, not shown to providers",
            nullable=True,
            derived_from=_raw("collection"),
        ),
        Column(
            "image_sha256", STRING, "The picture's blob", nullable=True, derived_from=("image_blobs.sha256",)
        ),
        Column(
            "created_at", TIME, "When it was made or saved", nullable=True, derived_from=_raw("created_at")
        ),
        Column(
            "content_sha256",
            STRING,
            "Hash of all that a provider sees of it",
            derived_from=(*_raw("title"), *_raw("text"), *_raw("tags"), "image_blobs.sha256"),
        ),
    ),
)
