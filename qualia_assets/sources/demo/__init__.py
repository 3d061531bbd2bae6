"""The demo users: two imagined people whose posts and pins ship with the package.

``items.jsonl`` holds each item once, with the users who have it and the hash of its picture in ``pins``;
``planted_themes.json`` says which felt theme each item was written for. The top-level ``demo_generator``,
which is not part of the package, writes all of it: ``python -m demo_generator``.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.base import SourceError, SourceItem

USERS = ("demo", "demo-2")
ITEMS = Path(__file__).parent / "items.jsonl"
PINS = Path(__file__).parent / "pins"
PLANTED_THEMES = Path(__file__).parent / "planted_themes.json"


class DemoSource:
    """One demo user's items."""

    name = "demo"

    def __init__(self, user: str) -> None:
        if user not in USERS:
            raise SourceError(f"There is no demo user {user!r}; there are {', '.join(USERS)}.")
        self.user = user

    def fingerprint(self) -> str:
        # The items hold the hashes of their pictures, so the pictures need not be read.
        return hashlib.sha256(self.user.encode() + ITEMS.read_bytes()).hexdigest()

    def read(self, progress: Progress) -> Iterator[SourceItem]:
        records = [json.loads(line) for line in ITEMS.read_text(encoding="utf-8").splitlines()]
        mine = [record for record in records if self.user in record["users"]]
        for record in tracked(mine, progress, "reading posts and pins", len(mine)):
            yield _item(record)


def ground_truth() -> dict[str, str]:
    """The slug of the theme each item was written for, by item id.

    For tests, benchmarks and the experiments' table of agreement; nothing that annotates, embeds, clusters
    or matches may read it.
    """
    planted: dict[str, str] = json.loads(PLANTED_THEMES.read_text(encoding="utf-8"))
    return planted


def _item(record: dict[str, Any]) -> SourceItem:
    fields = {name: value for name, value in record.items() if name not in ("users", "image_sha256")}
    fields["tags"] = tuple(record.get("tags", ()))
    fields["created_at"] = datetime.fromisoformat(record["created_at"])
    if "image_sha256" in record:
        fields["image"] = (PINS / f"{record['item_id']}.webp").read_bytes()
    return SourceItem(**fields)
