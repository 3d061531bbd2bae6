"""The demo users as package data: items as JSON lines, pictures as WebP, planted themes apart."""

import hashlib
import io
import json
from dataclasses import asdict
from typing import Any

from PIL import Image

from demo_generator.corpus import Generated, corpus
from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.demo import ITEMS, PINS, PLANTED_THEMES

# Over all pins, the mean error of a JPEG of quality 86 at half its size.
_QUALITY = 83


def write(progress: Progress) -> None:
    """Replace the demo users' items, pictures and planted themes in the package."""
    PINS.mkdir(exist_ok=True)
    for stale in PINS.iterdir():
        stale.unlink()
    generated = corpus()
    records = [_written(made) for made in tracked(generated, progress, "drawing pins", len(generated))]
    ITEMS.write_text(
        "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8"
    )
    planted = {made.item.item_id: made.theme for made in generated}
    PLANTED_THEMES.write_text(json.dumps(planted, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def webp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=6)
    return buffer.getvalue()


def _written(made: Generated) -> dict[str, Any]:
    """An item's line, its picture written; fields without a value are left out."""
    record = {"users": made.users, **{name: value for name, value in asdict(made.item).items() if value}}
    record["created_at"] = made.item.created_at.isoformat() if made.item.created_at else None
    if made.draw is not None:
        picture = webp(made.draw())
        (PINS / f"{made.item.item_id}.webp").write_bytes(picture)
        record["image_sha256"] = hashlib.sha256(picture).hexdigest()
    return record
