"""The demo users' items: prose composed from ``themes/*.toml``, pictures drawn by ``pictures``.

Every item belongs to one theme of a felt kind, and nothing of the item gives the theme away: ids are hashes,
and publications and boards run across themes as a person's do.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict

from demo_generator.pictures import subjects
from demo_generator.pictures.canvas import Palette
from demo_generator.pictures.quotes import quote_card
from qualia_assets.sources.base import SourceItem

_THEMES = Path(__file__).parent / "themes"
_SEED = 20250611
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Portion:
    """Which of each theme's posts and pins a user has, as positions in a shuffled list."""

    posts: range
    pins: range


# The second shares three posts and three pins of every theme with the first, about a third of its own.
USERS: dict[str, Portion] = {
    "demo": Portion(posts=range(0, 19), pins=range(0, 19)),
    "demo-2": Portion(posts=range(16, 24), pins=range(16, 26)),
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


@dataclass(frozen=True)
class Generated:
    """An item without its picture, the theme and the users it belongs to, and how to draw the picture."""

    item: SourceItem
    theme: str
    users: tuple[str, ...]
    draw: Callable[[], Image.Image] | None


def corpus() -> list[Generated]:
    """Every item of any demo user, in the order in which their source reads them."""
    return [made for theme in themes() for made in (*_posts(theme), *_pins(theme))]


def _posts(theme: Theme) -> Iterator[Generated]:
    for position, post in enumerate(_shuffled(theme, theme.posts)):
        if users := tuple(user for user, portion in USERS.items() if position in portion.posts):
            yield Generated(_post_item(theme, post), theme.slug, users, None)


def _pins(theme: Theme) -> Iterator[Generated]:
    for position, pin in enumerate(_shuffled(theme, theme.pins)):
        if users := tuple(user for user, portion in USERS.items() if position in portion.pins):
            item_id = _item_id("v", f"{theme.slug}/{pin.subject}/{pin.title}")
            rng = _rng(item_id)
            item = _pin_item(theme, pin, item_id, rng)
            yield Generated(item, theme.slug, users, partial(draw, theme, pin.subject, rng))


def _post_item(theme: Theme, post: _Post) -> SourceItem:
    item_id = _item_id("e", f"{theme.slug}/{post.title}")
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


def _pin_item(theme: Theme, pin: _Pin, item_id: str, rng: np.random.Generator) -> SourceItem:
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
    )


def draw(theme: Theme, subject: str, rng: np.random.Generator) -> Image.Image:
    """One picture of a subject in one of the theme's palettes, at a size of its own."""
    palette = Palette.from_hex(theme.palettes[int(rng.integers(len(theme.palettes)))]).jittered(rng)
    width = int(rng.integers(280, 381))
    size = (width, round(width * float(rng.choice([1.0, 1.25, 1.33, 1.5]))))
    if subject == "quote_card":
        return quote_card(rng, size, palette, theme.quotes[int(rng.integers(len(theme.quotes)))])
    return subjects()[subject](rng, size, palette)


def _shuffled(theme: Theme, parts: Sequence[_Part]) -> list[_Part]:
    return [parts[i] for i in _rng(theme.slug).permutation(len(parts))]


def _item_id(kind: str, name: str) -> str:
    return kind + hashlib.sha256(name.encode()).hexdigest()[:11]


def _one_of_a_few(rng: np.random.Generator, theme: Theme, names: list[str]) -> str:
    """One of the three names that a theme mostly has, or now and then any other."""
    usual = _rng(f"{theme.slug}/{names[0]}").choice(len(names), size=3, replace=False)
    return names[int(rng.choice(usual) if rng.random() < 0.85 else rng.integers(len(names)))]


def _moment(rng: np.random.Generator) -> datetime:
    return datetime(2023, 1, 1, tzinfo=UTC) + timedelta(minutes=int(rng.integers(0, 3 * 365 * 24 * 60)))


def _rng(name: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{_SEED}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
