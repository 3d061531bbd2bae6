"""The raw tables: one set per source, as its export or API delivers it."""

from qualia_assets.lake.specs import INT, STRING, STRINGS, TIME, Column, TableSpec

_ITEM = (
    Column("item_id", STRING, "The source's own id"),
    Column("modality", STRING, "text or image"),
    Column("hop", INT, "0 for what the user saved, 1 and more for what that points to"),
    Column("title", STRING, "Title", nullable=True),
    Column("text", STRING, "Body of a post, or what is said of a picture", nullable=True),
    Column("tags", STRINGS, "Tags that its maker or keeper gave"),
    Column("url", STRING, "Where it was", nullable=True),
    Column("author", STRING, "Who made it", nullable=True),
    Column("collection", STRING, "Publication or board", nullable=True),
    Column("image_sha256", STRING, "The picture's blob", nullable=True),
    Column("created_at", TIME, "When it was made or saved", nullable=True),
    Column("record", STRING, "File and line, or page, that it came from"),
)

_IMAGE_URL = Column("image_url", STRING, "Where its picture is, without what does not matter", nullable=True)

_POST = (
    Column("publication_id", STRING, "Which publication, whatever it is called", nullable=True),
    Column("post_id", STRING, "Substack's own id, where it was told", nullable=True),
    Column("slug", STRING, "Its name in the address"),
    Column(
        "audience", STRING, "everyone, or who paid: only_paid, founding, ...; unknown; other", nullable=True
    ),
    Column("body_status", STRING, "full, preview (of a paid post) or none"),
    Column("kind", STRING, "newsletter, podcast, thread, ...; other", nullable=True),
    _IMAGE_URL,
    Column("editorial_sha256", STRING, "Hash of what its writer wrote: an edit changes it, a like does not"),
)

_PIN = (
    Column("board_id", STRING, "Which board", nullable=True),
    _IMAGE_URL,
    Column("parent_pin_id", STRING, "The pin that it was saved from", nullable=True),
)


def _items(name: str, description: str, *more: Column) -> TableSpec:
    """The raw table of one source that gives whole items."""
    return TableSpec(name, description, ("item_id",), (*_ITEM, *more))


def _rejects(name: str, source: str) -> TableSpec:
    """What one source could not use."""
    return TableSpec(
        name,
        f"Records of {source} that could not be used, each with its reason",
        ("record",),
        (
            Column("record", STRING, "File and line, or page"),
            Column("reason", STRING, "What is wrong with it"),
            Column("mend", STRING, "What would mend it"),
        ),
    )


FOLDER_ITEMS = _items("folder_items", "Posts and pins from a folder of the user's own files")
FOLDER_REJECTS = _rejects("folder_rejects", "the folder")

DEMO_ITEMS = _items("demo_items", "Posts and pins of a demo user, made by the project itself")
SUBSTACK_EXPORT = _items("substack_export", "The user's own posts, from Substack's export", *_POST)

SUBSTACK_EXPORT_REJECTS = _rejects("substack_export_rejects", "Substack's export")

SUBSTACK_PUBLICATIONS = TableSpec(
    "substack_publications",
    "Publications that the user reads or writes, and those that these recommend",
    ("publication_id",),
    (
        Column("publication_id", STRING, "Substack's own id: stays when name and address change"),
        Column("hop", INT, "0 for the user's own, 1 for what those recommend"),
        Column("pointed_by", INT, "How many of the user's own recommend it"),
        Column("name", STRING, "Name", nullable=True),
        Column("author", STRING, "Who writes it", nullable=True),
        Column("description", STRING, "What it says of itself", nullable=True),
        Column("url", STRING, "Its address", nullable=True),
        Column("language", STRING, "Language that it declares", nullable=True),
        Column("status", STRING, "ok, waiting, blocked, declined (no crawlers of AI), gone"),
        Column("posts", INT, "Posts of it in the table substack_posts"),
        Column("checked_at", TIME, "When it was last asked", nullable=True),
    ),
)

SUBSTACK_POSTS = _items("substack_posts", "Posts of those publications", *_POST)
SUBSTACK_REJECTS = _rejects("substack_rejects", "Substack")

PINTEREST_EXPORT = _items("pinterest_export", "The user's pins, from Pinterest's data download", *_PIN)
PINTEREST_EXPORT_REJECTS = _rejects("pinterest_export_rejects", "Pinterest's data download")

PINTEREST_BOARDS = TableSpec(
    "pinterest_boards",
    "The user's boards, and those that they follow",
    ("board_id",),
    (
        Column("board_id", STRING, "Pinterest's own id"),
        Column("hop", INT, "0 for the user's own, 1 for one that they follow"),
        Column("name", STRING, "Name", nullable=True),
        Column("description", STRING, "What is said of it", nullable=True),
        Column("owner", STRING, "Whose it is", nullable=True),
        Column("privacy", STRING, "public, protected, secret; other", nullable=True),
        Column("url", STRING, "Its address", nullable=True),
        Column("status", STRING, "ok, waiting, blocked, gone"),
        Column("pins", INT, "Pins of it in the table pinterest_pins"),
        Column("modified_at", TIME, "When its pins last changed", nullable=True),
    ),
)

PINTEREST_PINS = _items(
    "pinterest_pins",
    "Pins of those boards",
    *_PIN,
    Column("gone_at", TIME, "When it was found to be removed", nullable=True),
)

PINTEREST_REJECTS = _rejects("pinterest_rejects", "Pinterest")
