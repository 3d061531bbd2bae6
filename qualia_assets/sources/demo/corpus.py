"""The demo users' items: prose from ``themes/*.toml`` put together, pictures drawn by ``pictures``.

Every item belongs to one theme of a felt kind. Which one is the ground truth that tests and
benchmarks may ask for (:func:`ground_truth`); the pipeline never sees it: ids are hashes, and
publications and boards run across themes as a person's do.
"""

import hashlib
import io
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from qualia_assets.progress import Progress, tracked
from qualia_assets.sources.base import Reject, SourceError, SourceItem
from qualia_assets.sources.demo.pictures import subjects
from qualia_assets.sources.demo.pictures.canvas import Palette
from qualia_assets.sources.demo.pictures.quotes import quote_card

_THEMES = Path(__file__).parent / "themes"
_SEED = 20250611


@dataclass(frozen=True)
class Portion:
    """Which of each theme's posts and pins are a user's, as positions in a shuffled list."""

    posts: slice
    pins: slice


# The second shares three posts and three pins of every theme with the first, about a third of its own.
USERS: dict[str, Portion] = {
    "demo": Portion(posts=slice(0, 19), pins=slice(0, 19)),
    "demo-2": Portion(posts=slice(16, 24), pins=slice(16, 26)),
}

PUBLICATIONS = {
    "Small Hours": "M. Oriel",
    "The Long Table": "Ines Varga",
    "Lichen & Lead": "T. Aldous Bree",
    "Field Notes to Self": "Hanne Lund",
    "Second Kettle": "Priya Solace",
    "Thresholds": "Jo Marchetti",
    "The Patience Papers": "Cormac Vale",
    "Low Tide Letters": "Ada Quill",
    "Ordinary Light": "S. Okonjo-Reed",
    "Margins, Mostly": "Wim Haverkamp",
}
BOARDS = (
    "keep",
    "rooms i would live in",
    "for later",
    "weather",
    "the good life",
    "moodboard no. 4",
    "hands",
    "away",
    "textures",
    "night",
    "sunday",
    "wants & wishes",
)


class _Pin(BaseModel):
    model_config = ConfigDict(extra="forbid")
    subject: str
    title: str
    description: str
    tags: list[str]


class _Post(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    opening: str


class Theme(BaseModel):
    """One felt kind: its prose, its captions and its colours."""

    model_config = ConfigDict(extra="forbid")
    slug: str
    name: str
    gloss: str
    palettes: list[list[str]]
    quotes: list[str]
    middles: list[str]
    closings: list[str]
    posts: list[_Post]
    pins: list[_Pin]


@cache
def themes() -> tuple[Theme, ...]:
    """All themes, by slug."""
    files = sorted(_THEMES.glob("*.toml"))
    return tuple(Theme(**tomllib.loads(path.read_text(encoding="utf-8"))) for path in files)


class DemoSource:
    """One demo user's items; the same every time."""

    name = "demo"

    def __init__(self, user: str) -> None:
        if user not in USERS:
            raise SourceError(f"There is no demo user {user!r}; there are {', '.join(USERS)}.")
        self.user = user

    def fingerprint(self) -> str:
        digest = hashlib.sha256(self.user.encode())
        for path in sorted(Path(__file__).parent.rglob("*")):
            if path.suffix in (".toml", ".py"):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def read(self, progress: Progress) -> Iterator[SourceItem | Reject]:
        portion = USERS[self.user]
        every = [
            make
            for theme in themes()
            for make in (*_posts(theme)[portion.posts], *_pins(theme)[portion.pins])
        ]
        for make in tracked(every, progress, "writing posts and drawing pins", len(every)):
            yield make.item()


def ground_truth() -> dict[str, str]:
    """The theme of every demo item, by item id: for tests and benchmarks, never for the pipeline."""
    return {make.item_id: theme.slug for theme in themes() for make in (*_posts(theme), *_pins(theme))}


@dataclass(frozen=True)
class _Maker:
    """An item that can be made when it is wanted."""

    item_id: str
    item: Callable[[], SourceItem]


def _posts(theme: Theme) -> list[_Maker]:
    return _shuffled(theme, [_post_maker(theme, post) for post in theme.posts])


def _pins(theme: Theme) -> list[_Maker]:
    return _shuffled(theme, [_pin_maker(theme, pin) for pin in theme.pins])


def _post_maker(theme: Theme, post: _Post) -> _Maker:
    item_id = "e" + hashlib.sha256(f"{theme.slug}/{post.title}".encode()).hexdigest()[:11]

    def item() -> SourceItem:
        rng = _rng(item_id)
        middles = rng.choice(len(theme.middles), size=int(rng.integers(1, 3)), replace=False)
        closing = theme.closings[int(rng.integers(len(theme.closings)))]
        publication = _one_of_a_few(rng, theme, list(PUBLICATIONS))
        return SourceItem(
            item_id=item_id,
            modality="text",
            record=f"demo/{item_id}",
            title=post.title,
            text="\n\n".join([post.opening, *(theme.middles[i] for i in middles), closing]),
            url=f"https://{''.join(c for c in publication.lower() if c.isalpha())}.example/p/{item_id}",
            author=PUBLICATIONS[publication],
            collection=publication,
            created_at=_moment(rng),
        )

    return _Maker(item_id, item)


def _pin_maker(theme: Theme, pin: _Pin) -> _Maker:
    item_id = "v" + hashlib.sha256(f"{theme.slug}/{pin.subject}/{pin.title}".encode()).hexdigest()[:11]

    def item() -> SourceItem:
        rng = _rng(item_id)
        return SourceItem(
            item_id=item_id,
            modality="image",
            record=f"demo/{item_id}",
            title=pin.title,
            text=pin.description or None,
            tags=tuple(pin.tags),
            url=f"https://pins.example/pin/{item_id}",
            collection=_one_of_a_few(rng, theme, list(BOARDS)),
            created_at=_moment(rng),
            image=jpeg(draw(theme, pin.subject, rng)),
        )

    return _Maker(item_id, item)


def draw(theme: Theme, subject: str, rng: np.random.Generator) -> Image.Image:
    """One picture of a subject in one of the theme's palettes, at a size of its own."""
    palette = Palette.from_hex(theme.palettes[int(rng.integers(len(theme.palettes)))]).jittered(rng)
    width = int(rng.integers(280, 381))
    size = (width, round(width * float(rng.choice([1.0, 1.25, 1.33, 1.5]))))
    if subject == "quote_card":
        return quote_card(rng, size, palette, theme.quotes[int(rng.integers(len(theme.quotes)))])
    return subjects()[subject](rng, size, palette)


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=86)
    return buffer.getvalue()


def _shuffled(theme: Theme, makers: list[_Maker]) -> list[_Maker]:
    order = _rng(theme.slug).permutation(len(makers))
    return [makers[i] for i in order]


def _one_of_a_few(rng: np.random.Generator, theme: Theme, names: list[str]) -> str:
    """One of the three places where a theme mostly goes, or now and then any other."""
    usual = _rng(f"{theme.slug}/{names[0]}").choice(len(names), size=3, replace=False)
    return names[int(rng.choice(usual) if rng.random() < 0.85 else rng.integers(len(names)))]


def _moment(rng: np.random.Generator) -> datetime:
    return datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=int(rng.integers(0, 3 * 365 * 24 * 60)))


def _rng(name: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{_SEED}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
