"""What every picture of the demo user starts from: palettes, colours, gradients, noise, fonts.

Belongs here: what knows nothing of a subject, of light (``light``) or of lines and shapes (``pen``).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
from PIL import Image, ImageFont

RGB: TypeAlias = tuple[int, int, int]
Size: TypeAlias = tuple[int, int]
Point: TypeAlias = tuple[float, float]
Points: TypeAlias = Sequence[Point] | Sequence[np.ndarray] | np.ndarray
Box: TypeAlias = tuple[float, float, float, float]
Stops: TypeAlias = Sequence[tuple[float, RGB]]
Rng: TypeAlias = np.random.Generator
Tones: TypeAlias = tuple[RGB, RGB, RGB]
Option = TypeVar("Option")

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)


@dataclass(frozen=True)
class Palette:
    """Five colours of one mood, from the lightest to the darkest, and one that speaks up."""

    light: RGB
    mid: RGB
    deep: RGB
    ink: RGB
    accent: RGB

    @classmethod
    def from_hex(cls, colours: list[str]) -> "Palette":
        """Build from five ``#rrggbb`` strings: light, mid, deep, ink, accent."""
        light, mid, deep, ink, accent = (hex_to_rgb(colour) for colour in colours)
        return cls(light, mid, deep, ink, accent)

    @property
    def tones(self) -> tuple[RGB, RGB, RGB, RGB, RGB]:
        """All five colours."""
        return self.light, self.mid, self.deep, self.ink, self.accent

    def jittered(self, rng: Rng, amount: int = 10) -> "Palette":
        """The same mood in another light: all five shifted together, each a little apart."""
        shift = rng.integers(-amount, amount + 1, 3)
        apart = amount // 2
        moved = (np.array(tone) + shift + rng.integers(-apart, apart + 1, 3) for tone in self.tones)
        return Palette(*(clip_rgb(tone) for tone in moved))


Subject: TypeAlias = Callable[[Rng, Size, Palette], Image.Image]


def hex_to_rgb(colour: str) -> RGB:
    """The colour written as ``#rrggbb``."""
    value = colour.removeprefix("#")
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def clip_rgb(colour: np.ndarray) -> RGB:
    """The nearest colour that can be shown."""
    red, green, blue = (int(channel) for channel in np.clip(np.round(colour), 0, 255))
    return red, green, blue


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """The colour a ``share`` of the way from the first to the second."""
    # Plain arithmetic: pictures mix colours hundreds of times, and an array costs ten times as much.
    pairs = zip(first, second, strict=True)
    red, green, blue = (max(0, min(255, round(x * (1 - share) + y * share))) for x, y in pairs)
    return red, green, blue


def varied(rng: Rng, colour: RGB, amount: float = 12) -> RGB:
    """The colour a little lighter or darker, warmer or cooler."""
    return clip_rgb(np.array(colour) + rng.normal(0, amount) + rng.normal(0, amount / 3, 3))


def varied_one(rng: Rng, colours: Sequence[RGB], amount: float = 12) -> RGB:
    """Any of the colours, varied."""
    return varied(rng, one_of(rng, colours), amount)


def brightness(colour: RGB) -> float:
    """How bright a colour looks, from 0 to 255."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def readable_on(ground: RGB, palette: Palette) -> RGB:
    """The colour of the palette's two ends that stands out on ``ground``."""
    ends = (palette.light, palette.ink)
    return max(ends, key=lambda colour: abs(brightness(colour) - brightness(ground)))


def one_of(rng: Rng, options: Sequence[Option]) -> Option:
    """Any of the options."""
    return options[int(rng.integers(len(options)))]


def either_side(rng: Rng) -> int:
    """The right (1) or the left (-1)."""
    return 1 if rng.random() < 0.5 else -1


def halved(size: Size) -> Size:
    """Half the size each way: enough for anything soft."""
    return size[0] // 2, size[1] // 2


def grid(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """The x of each column and the y of each row, to be broadcast."""
    width, height = size
    return np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]


def turned_axes(x: np.ndarray, y: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates along and across a direction, of points given by theirs along the picture's sides."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def colour_ramp(stops: Stops, count: int = 256) -> np.ndarray:
    """``count`` colours, as bytes of shape (count, 3), on the way through ``stops`` from 0 to 1."""
    place, at = np.linspace(0, 1, count), [height for height, _ in stops]
    channels = zip(*(colour for _, colour in stops), strict=True)
    return np.stack([np.interp(place, at, channel) for channel in channels], axis=1).astype(np.uint8)


def gradient(size: Size, stops: Stops) -> Image.Image:
    """A vertical gradient through ``stops``: (height from 0 top to 1 bottom, colour)."""
    # One column spread by Pillow takes a fraction of the time of a whole array.
    narrow = Image.fromarray(colour_ramp(stops, size[1])[:, None])
    return narrow.resize(size, Image.Resampling.NEAREST)


def smooth_noise(rng: Rng, size: Size, scale: int) -> np.ndarray:
    """Noise in [0, 1] of shape (height, width), its blobs about ``scale`` pixels wide."""
    width, height = size
    coarse = rng.random((max(2, height // scale + 2), max(2, width // scale + 2)))
    small = Image.fromarray((coarse * 255).astype(np.uint8))
    return np.asarray(small.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 255


def smoothstep(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """From 0 at ``low`` to 1 at ``high`` with soft ends."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def bell(value: np.ndarray, wide: float) -> np.ndarray:
    """1 where ``value`` is 0, falling off on both sides within about ``wide``."""
    scaled = value * (1 / float(wide))
    return np.asarray(np.exp(-scaled * scaled), dtype=np.float32)


def fraction(values: np.ndarray) -> np.ndarray:
    """What is after the point of each value: like ``values % 1``, in half the time."""
    return np.asarray(values - np.floor(values))


def enlarged(values: np.ndarray, size: Size) -> np.ndarray:
    """Values worked out at a smaller size, brought up to ``size``."""
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


@cache
def font(style: str, points: int) -> ImageFont.FreeTypeFont:
    """A font at ``points``: style ``serif``, ``serif-italic``, ``sans``, ``sans-bold`` or ``mono``."""
    import matplotlib

    name = {
        "serif": "DejaVuSerif",
        "serif-italic": "DejaVuSerif-Italic",
        "sans": "DejaVuSans",
        "sans-bold": "DejaVuSans-Bold",
        "mono": "DejaVuSansMono",
    }[style]
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", points)


def wrapped(text: str, style: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """``text`` broken into lines of at most ``width`` pixels in that font."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and style.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines


def fitted(text: str, style: str, room: Point, largest: int) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest face, and the lines broken for it, that keep ``text`` within a width and a height."""
    for points in range(largest, 7, -1):
        face = font(style, points)
        lines = wrapped(text, face, int(room[0]))
        if len(lines) * points * 1.4 <= room[1] and max(face.getlength(line) for line in lines) <= room[0]:
            break
    return face, lines
