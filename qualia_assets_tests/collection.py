"""A small collection as a folder: posts and pins of six themes."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

_RECORDS = Path(__file__).parent / "collection"
_EACH = 14
"""Records per theme in each file, one theme after the other."""


def write_collection(folder: Path, each: int = _EACH, kinds: tuple[str, ...] = ("text", "image")) -> Path:
    """Write ``each`` posts and pins of every theme; pins are small pictures of tinted noise with a caption.

    Each theme has its own publication and board, and lines that both its posts and its pins quote.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    if "text" in kinds:
        posts = enumerate(_records("posts.jsonl", each))
        write_lines(folder / "posts.jsonl", [{"id": f"post{n}", **post} for n, post in posts])
    if "image" in kinds:
        pins = [
            {"id": f"pin{n}", "image": f"images/{n}.png", **pin}
            for n, pin in enumerate(_records("pins.jsonl", each))
        ]
        for n in range(len(pins)):
            picture(n).save(folder / "images" / f"{n}.png")
        write_lines(folder / "pins.jsonl", pins)
    return folder


def _records(name: str, each: int) -> list[dict[str, object]]:
    lines = (_RECORDS / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for n, line in enumerate(lines) if n % _EACH < each]


def write_lines(path: Path, records: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def picture(seed: int, size: int = 48) -> Image.Image:
    """Draw a picture that differs for every seed."""
    rng = np.random.default_rng(seed)
    tint = rng.integers(0, 200, 3)
    return Image.fromarray((tint + rng.integers(0, 55, (size, size, 3))).astype(np.uint8))
