"""A small collection in the shape of a person's: posts and pins of a few felt themes, as a folder."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from qualia_assets.sources.demo.corpus import themes

THEMES = ("sea-solitude", "crowded-table", "neon-insomnia", "sacred-hush", "honest-work", "hands-in-soil")


def write_collection(folder: Path, each: int = 14, kinds: tuple[str, ...] = ("text", "image")) -> Path:
    """Write ``each`` posts and pins of every theme; the pins are small tinted noise with a caption.

    Each theme has a publication and a board of its own, and lines that its posts and its pins both quote.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    posts, pins = [], []
    for place, theme in enumerate(theme for theme in themes() if theme.slug in THEMES):
        for i in range(each):
            post, pin = theme.posts[i], theme.pins[i]
            quote, another = (theme.quotes[n % len(theme.quotes)] for n in (i, i + 1))
            number = len(posts)
            posts.append(
                {
                    "id": f"post{number}",
                    "title": post.title,
                    "body": f"{post.opening}\n\n{quote} {another}",
                    "publication": f"publication-{place}",
                }
            )
            if "image" in kinds:
                picture(number).save(folder / "images" / f"{number}.png")
            pins.append(
                {
                    "id": f"pin{number}",
                    "image": f"images/{number}.png",
                    "title": pin.title,
                    "description": f"{pin.description} {quote}".strip(),
                    "tags": pin.tags,
                    "board": f"board-{place}",
                }
            )
    if "text" in kinds:
        write_lines(folder / "posts.jsonl", posts)
    if "image" in kinds:
        write_lines(folder / "pins.jsonl", pins)
    return folder


def write_lines(path: Path, records: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def picture(seed: int, size: int = 48) -> Image.Image:
    """A picture that no other seed gives."""
    rng = np.random.default_rng(seed)
    tint = rng.integers(0, 200, 3)
    return Image.fromarray((tint + rng.integers(0, 55, (size, size, 3))).astype(np.uint8))
