"""What every picture of the demo user is drawn with: palettes, gradients, noise, grain, fonts.

Belongs here: small drawing helpers that know nothing of a subject. The subjects themselves are in
the modules beside this one, each a function ``(rng, size, palette) -> PIL.Image`` in RGB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

RGB: TypeAlias = tuple[int, int, int]
Size: TypeAlias = tuple[int, int]


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
        light, mid, deep, ink, accent = (hex_to_rgb(c) for c in colours)
        return cls(light, mid, deep, ink, accent)

    def jittered(self, rng: np.random.Generator, amount: int = 10) -> "Palette":
        """The same mood in another light: all five shifted together, each a little apart."""
        shift = rng.integers(-amount, amount + 1, 3)
        parts = (self.light, self.mid, self.deep, self.ink, self.accent)
        moved = (np.array(c) + shift + rng.integers(-amount // 2, amount // 2 + 1, 3) for c in parts)
        return Palette(*(clip_rgb(c) for c in moved))


Subject: TypeAlias = Callable[[np.random.Generator, Size, Palette], Image.Image]


def hex_to_rgb(colour: str) -> RGB:
    value = colour.removeprefix("#")
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def clip_rgb(colour: np.ndarray) -> RGB:
    r, g, b = (int(c) for c in np.clip(np.round(colour), 0, 255))
    return r, g, b


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """The colour a share ``t`` of the way from ``a`` to ``b``."""
    # Plain arithmetic: pictures mix colours hundreds of times, and an array costs ten times as much.
    r, g, b_ = (max(0, min(255, round(x * (1 - t) + y * t))) for x, y in zip(a, b, strict=True))
    return r, g, b_


def gradient(size: Size, stops: list[tuple[float, RGB]]) -> Image.Image:
    """A vertical gradient through ``stops``: (height from 0 top to 1 bottom, colour)."""
    width, height = size
    at = [s for s, _ in stops]
    y = np.linspace(0, 1, height)
    column = np.stack([np.interp(y, at, [c[i] for _, c in stops]) for i in range(3)], axis=1)
    return Image.fromarray(np.repeat(column[:, None, :], width, axis=1).astype(np.uint8))


def smooth_noise(rng: np.random.Generator, size: Size, scale: int) -> np.ndarray:
    """Noise in [0, 1] of shape (height, width), its blobs about ``scale`` pixels wide."""
    width, height = size
    coarse = rng.random((max(2, height // scale + 2), max(2, width // scale + 2)))
    small = Image.fromarray((coarse * 255).astype(np.uint8))
    return np.asarray(small.resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / 255


def grain(image: Image.Image, rng: np.random.Generator, amount: float = 6.0) -> Image.Image:
    """The picture with the grain of film or paper; ``amount`` in grey levels."""
    width, height = image.size
    noise = rng.normal(0, amount, (height // 2 + 1, width // 2 + 1)).astype(np.float32)
    noise = np.repeat(np.repeat(noise, 2, axis=0), 2, axis=1)[:height, :width, None]
    return Image.fromarray(np.clip(np.asarray(image, dtype=np.float32) + noise, 0, 255).astype(np.uint8))


def vignette(image: Image.Image, strength: float = 0.35) -> Image.Image:
    """The picture darkened towards its corners by up to ``strength``."""
    width, height = image.size
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shade = (1 - strength * np.clip((x * x + y * y) / 2, 0, 1)).astype(np.float32)
    return Image.fromarray((np.asarray(image, dtype=np.float32) * shade[..., None]).astype(np.uint8))


def antialiased(
    base: Image.Image, draw_on: Callable[[ImageDraw.ImageDraw, int], None], factor: int = 2
) -> Image.Image:
    """Draw at ``factor`` times the size over ``base``, then come back down: smooth edges.

    ``draw_on`` gets the drawing context and the factor, by which it multiplies every coordinate.
    """
    width, height = base.size
    large = base.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    draw_on(ImageDraw.Draw(large), factor)
    return large.reduce(factor)


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
