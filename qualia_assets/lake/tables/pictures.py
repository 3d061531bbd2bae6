"""The pictures that items refer to: their addresses and their files."""

from qualia_assets.lake.specs import INT, STRING, TIME, Column, TableSpec

IMAGE_REFS = TableSpec(
    "image_refs",
    "Every address of a picture that an item refers to, and what came of fetching it",
    ("url",),
    (
        Column(
            "url",
            STRING,
            "Address, without what does not matter",
            derived_from=(
                "substack_posts.image_url",
                "substack_export.image_url",
                "pinterest_pins.image_url",
                "pinterest_export.image_url",
            ),
        ),
        Column("sha256", STRING, "The blob; two addresses of one picture have the same", nullable=True),
        Column("status", STRING, "ok, waiting, too_big, bomb, bad_mime, gone, blocked"),
        Column("fetched_at", TIME, "When it was fetched", nullable=True),
    ),
)

IMAGE_BLOBS = TableSpec(
    "image_blobs",
    "Every picture that an item refers to, looked at once",
    ("sha256",),
    (
        Column(
            "sha256",
            STRING,
            "Hash of the bytes; the file is blobs/<first 2>/<sha256>",
            derived_from=(
                "folder_items.image_sha256",
                "demo_items.image_sha256",
                "substack_posts.image_url",
                "substack_export.image_url",
                "pinterest_pins.image_url",
                "pinterest_export.image_url",
            ),
        ),
        Column("mime", STRING, "Kind, by content", nullable=True),
        Column("width", INT, "Pixels", nullable=True),
        Column("height", INT, "Pixels", nullable=True),
        Column("bytes", INT, "Size of the file", nullable=True),
        Column(
            "phash",
            STRING,
            "Perceptual hash, 64 bits in hex: near-identical pictures share most",
            nullable=True,
        ),
        Column("status", STRING, "ok, too_big, bomb, bad_mime, gone"),
        Column("fetched_at", TIME, "When the bytes came into the lake", nullable=True),
    ),
)
