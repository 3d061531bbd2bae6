"""Rooms and the things in them: light on walls, laid tables, books, tools, letters, empty chairs.

Belongs here: the subjects seen indoors or on a table, and the painter that rounds them with light.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from qualia_assets.sources.demo.pictures.canvas import (
    RGB,
    Palette,
    Size,
    antialiased,
    clip_rgb,
    gradient,
    grain,
    mix,
    smooth_noise,
)

Points: TypeAlias = Sequence[tuple[float, float]] | np.ndarray
Profile: TypeAlias = list[tuple[float, float]]  # (height, half width) from the base upwards
Option = TypeVar("Option")


# ---------------------------------------------------------------- small choices and shapes


def _one_of(rng: np.random.Generator, options: Sequence[Option]) -> Option:
    return options[int(rng.integers(len(options)))]


def _varied(rng: np.random.Generator, colour: RGB, amount: float = 12) -> RGB:
    """The colour a little lighter or darker, warmer or cooler."""
    return clip_rgb(np.array(colour) + rng.normal(0, amount) + rng.normal(0, amount / 3, 3))


def _placed(points: Points, x: float, y: float, scale: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """Points scaled, then turned clockwise by ``turn`` radians, then moved to (x, y)."""
    c, s = math.cos(turn) * scale, math.sin(turn) * scale
    placed: np.ndarray = np.asarray(points, dtype=float) @ np.array([[c, s], [-s, c]]) + (x, y)
    return placed


_CIRCLE = np.array([(math.cos(k * math.pi / 20), math.sin(k * math.pi / 20)) for k in range(40)])


def _oval(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> np.ndarray:
    return _placed(_CIRCLE * (rx, ry), x, y, 1, turn)


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> np.ndarray:
    """An open arc; angles in radians, clockwise from the right, as y grows downwards."""
    at = np.linspace(start, end, 24)
    return np.stack([x + rx * np.cos(at), y + ry * np.sin(at)], axis=1)


def _box(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def _rounded(x: float, y: float, width: float, height: float, power: float, turn: float) -> np.ndarray:
    """A rounded rectangle about (x, y): a superellipse, squarer with a larger ``power``."""
    at = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    c, s = np.cos(at), np.sin(at)
    edge = np.stack([np.sign(c) * np.abs(c) ** (2 / power), np.sign(s) * np.abs(s) ** (2 / power)], axis=1)
    return _placed(edge * (width / 2, height / 2), x, y, 1, turn)


def _smooth(points: Points, closed: bool = True) -> np.ndarray:
    """The outline with its corners cut three times over, until it is a curve."""
    curve = np.asarray(points, dtype=float)
    for _ in range(3):
        ahead = np.roll(curve, -1, axis=0) if closed else curve[1:]
        here = curve if closed else curve[:-1]
        cut = np.stack([0.75 * here + 0.25 * ahead, 0.25 * here + 0.75 * ahead], axis=1).reshape(-1, 2)
        curve = cut if closed else np.concatenate([curve[:1], cut, curve[-1:]])
    return curve


def _doubled(outline: Points) -> np.ndarray:
    """The outline with a point near each end of each side, so that smoothing only rounds its corners."""
    here = np.asarray(outline, dtype=float)
    ahead = np.roll(here, -1, axis=0)
    return np.stack([0.8 * here + 0.2 * ahead, 0.2 * here + 0.8 * ahead], axis=1).reshape(-1, 2)


_LEAF = _smooth([(0, 0), (1, -0.3), (0.8, -0.75), (0, -1), (-0.8, -0.75), (-1, -0.3)])


def _hills(
    rng: np.random.Generator, size: Size, base: float, rough: float, count: int = 14
) -> list[tuple[float, float]]:
    """An outline that wanders about the height ``base`` and fills the picture below it."""
    (width, height), away = size, 40
    crest = (base + np.cumsum(rng.normal(0, rough, count))).tolist()
    along = np.linspace(-away, width + away, count).tolist()
    return [(-away, height + away), *zip(along, crest, strict=True), (width + away, height + away)]


@cache
def _outline(pairs: str) -> np.ndarray:
    """An outline written as ``x,y`` pairs in hundredths."""
    return np.array([[float(v) / 100 for v in pair.split(",")] for pair in pairs.split()])


# ---------------------------------------------------------------- the painter


# The shares of shade, body and light in a material, from tone 0 to tone 1 in 256 steps.
_RAMP = np.stack([np.interp(np.linspace(0, 1, 256), (0, 0.58, 1), share) for share in np.eye(3)], axis=1)


def _bytes(share: np.ndarray) -> np.ndarray:
    levels: np.ndarray = (np.minimum(np.maximum(share, 0), 1) * 255).astype(np.uint8)
    return levels


class _Painter:
    """Paints shapes one over another onto a picture, lit from the left (-1) or the right (1)."""

    def __init__(self, image: Image.Image, palette: Palette, side: int) -> None:
        self.image = image
        self.palette = palette
        self.side = side

    def _stamp(
        self,
        colour: RGB,
        shapes: Sequence[np.ndarray],
        pad: float,
        soft: float,
        opacity: float,
        draw: Callable[[ImageDraw.ImageDraw, list[float], float, int], None],
    ) -> None:
        corners = np.concatenate(shapes)
        width, height = self.image.size
        margin = pad + 3 * soft + 2
        (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        x0, y0 = (math.floor(max(v - margin, -3 * soft - 2)) for v in (left, top))
        x1 = math.ceil(min(right + margin, width + 3 * soft))
        y1 = math.ceil(min(bottom + margin, height + 3 * soft))
        if x1 <= x0 or y1 <= y0:
            return
        box = (x1 - x0, y1 - y0)
        # Hard edges are drawn larger and soft ones smaller than they will be: smooth, and quick.
        hard = 3.0 if box[0] * box[1] < 20_000 else 2.0
        scale = next((s for limit, s in ((1, hard), (2, 1.0), (5, 0.5)) if soft < limit), 0.25)
        mask = Image.new("L", (math.ceil(box[0] * scale), math.ceil(box[1] * scale)))
        pen = ImageDraw.Draw(mask)
        for shape in shapes:
            draw(pen, ((shape - (x0, y0)) * scale).ravel().tolist(), scale, round(255 * opacity))
        if soft:
            mask = mask.filter(ImageFilter.GaussianBlur(soft * scale))
        if scale > 1:
            mask = mask.reduce(int(scale))
        elif scale < 1:
            mask = mask.resize(box, Image.Resampling.BILINEAR)
        self.image.paste(colour, (x0, y0), mask)

    def area(self, colour: RGB, *polygons: Points, soft: float = 0.0, opacity: float = 1.0) -> None:
        """Fill polygons, with edges blurred over ``soft`` pixels."""
        shapes = [np.asarray(p, dtype=float) for p in polygons]
        self._stamp(colour, shapes, 0, soft, opacity, lambda pen, xy, _, fill: pen.polygon(xy, fill=fill))

    def stroke(
        self, colour: RGB, width: float, *lines: Points, soft: float = 0.0, opacity: float = 1.0
    ) -> None:
        """Draw lines ``width`` pixels wide with round ends."""

        def draw(pen: ImageDraw.ImageDraw, xy: list[float], scale: float, fill: int) -> None:
            across = max(1, round(width * scale))
            pen.line(xy, fill=fill, width=across, joint="curve" if across > 3 else None)
            if across > 3:
                for x, y in (xy[:2], xy[-2:]):
                    pen.ellipse([x - across / 2, y - across / 2, x + across / 2, y + across / 2], fill=fill)

        shapes = [np.asarray(line, dtype=float) for line in lines]
        self._stamp(colour, shapes, width, soft, opacity, draw)

    def shadow(self, *polygons: Points, soft: float = 6.0, opacity: float = 0.4) -> None:
        """A soft darkness in the shape of the polygons."""
        self.area(mix(self.palette.ink, (0, 0, 0), 0.3), *polygons, soft=soft, opacity=opacity)

    def glow(self, colour: RGB, x: float, y: float, radius: float, opacity: float) -> None:
        """Light that falls off from (x, y)."""
        width, height = self.image.size
        reach = 2.4 * radius
        x0, y0 = int(max(x - reach, 0)), int(max(y - reach, 0))
        x1, y1 = math.ceil(min(x + reach, width)), math.ceil(min(y + reach, height))
        if x1 <= x0 or y1 <= y0:
            return
        rows, columns = np.ogrid[y0:y1:4, x0:x1:4]
        far = np.sqrt(((columns - x) ** 2 + (rows - y) ** 2) / radius**2 + 0.02)
        share = opacity * (np.exp(-2.2 * far) - math.exp(-2.2 * 2.4))
        mask = Image.fromarray(_bytes(share)).resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC)
        self.image.paste(colour, (x0, y0), mask)

    def lay(self, picture: Image.Image, outline: Points) -> None:
        """Paste the part of a picture of the same size that lies within the outline."""
        cut = _Painter(Image.new("RGB", self.image.size), self.palette, self.side)
        cut.area((255, 255, 255), outline)
        self.image.paste(picture, (0, 0), cut.image.getchannel(0))

    def shaded(self, colour: RGB, tone: np.ndarray, cover: np.ndarray, left: int, top: int) -> None:
        """Paste a patch of one material: ``tone`` 0 in shade to 1 in light, ``cover`` its edge."""
        dark, lit = mix(colour, self.palette.ink, 0.75), mix(colour, self.palette.light, 0.6)
        patch = (_RAMP @ np.array((dark, colour, lit))).astype(np.uint8)[_bytes(tone)]
        mask = _bytes(cover)
        self.image.paste(Image.fromarray(patch), (left, top), Image.fromarray(mask))

    def ball(self, colour: RGB, x: float, y: float, radius: float, squash: float = 1.0) -> None:
        """A sphere, or with ``squash`` a flatter or taller one."""
        left, top = math.floor(x - radius) - 1, math.floor(y - radius * squash) - 1
        right, bottom = math.ceil(x + radius) + 2, math.ceil(y + radius * squash) + 2
        rows, columns = np.ogrid[top:bottom, left:right]
        u, v = (columns - x) / radius, (rows - y) / (radius * squash)
        off = np.sqrt(u * u + v * v)
        facing = np.sqrt(np.maximum(1 - off * off, 0))
        tone = 0.22 + 0.55 * np.maximum(0.6 * self.side * u - 0.5 * v + 0.62 * facing, 0)
        tone = tone + 0.5 * np.exp(-18 * ((u - 0.36 * self.side) ** 2 + (v + 0.38) ** 2))
        self.shaded(colour, tone, (1 - off) * radius + 0.5, left, top)

    def turned(
        self,
        colour: RGB,
        x: float,
        base: float,
        profile: Profile,
        tilt: float = 0.16,
        opacity: float = 1.0,
        glaze: tuple[RGB, float] | None = None,
    ) -> None:
        """A pot as from a wheel, seen from a little above; a glaze colours it from a height upwards."""
        at, half = [h for h, _ in profile], [w for _, w in profile]
        reach = max(half)
        left, top = math.floor(x - reach) - 1, math.floor(base - at[-1]) - 1
        bottom, right = math.ceil(base + reach * tilt) + 2, math.ceil(x + reach) + 2
        rows, columns = np.ogrid[top:bottom, left:right]
        radius = np.interp(base - rows, at, half)
        u = np.minimum(np.maximum((columns - x) / np.maximum(radius, 0.5), -1), 1)
        height = base - rows + radius * tilt * np.sqrt(1 - u * u)
        light = np.maximum(0.62 * self.side * u + 0.62 * np.sqrt(1 - u * u), 0)
        tone = 0.2 + 0.62 * light + 0.3 * np.exp(-30 * (u - 0.5 * self.side) ** 2)
        edge = np.minimum(radius - np.abs(columns - x), np.minimum(height - at[0], at[-1] - height)) + 0.5
        cover = np.minimum(np.maximum(edge, 0), 1) * opacity
        self.shaded(colour, tone, cover, left, top)
        if glaze is not None:
            self.shaded(glaze[0], tone, cover * np.minimum(np.maximum(height - glaze[1], 0), 1), left, top)

    def dish(
        self, colour: RGB, x: float, y: float, radius: float, flat: float = 1.0, rim: float = 0.62
    ) -> None:
        """A plate or bowl looked into; ``flat`` is its height to its width, ``rim`` where it lies level."""
        top, left = math.floor(y - radius * flat) - 1, math.floor(x - radius) - 1
        rows, columns = np.ogrid[top : math.ceil(y + radius * flat) + 2, left : math.ceil(x + radius) + 2]
        u, v = (columns - x) / radius, (rows - y) / (radius * flat)
        off = np.sqrt(u * u + v * v)
        slope = np.interp(off, (0, rim - 0.08, rim, 0.9, 0.94, 1), (0, 0, -1, -0.55, 0.9, 0.3))
        towards = (0.75 * self.side * u - 0.66 * v) / np.maximum(off, 0.05)
        tone = 0.68 + 0.3 * slope * towards - 0.1 * (off < rim)
        self.shaded(colour, tone, (1 - off) * radius * min(1, flat) + 0.5, left, top)

    def finished(self, rng: np.random.Generator) -> Image.Image:
        """The picture with its corners darkened and the grain of film."""
        width, height = self.image.size
        y, x = np.ogrid[-1 : 1 : height // 8 * 1j, -1 : 1 : width // 8 * 1j]
        dark = np.clip((x * x + y * y) / 2, 0, 1) * rng.uniform(60, 110)
        mask = Image.fromarray(dark.astype(np.uint8)).resize(self.image.size, Image.Resampling.BICUBIC)
        self.image.paste(mix(self.palette.ink, (0, 0, 0), 0.5), (0, 0), mask)
        return grain(self.image, rng, rng.uniform(2.5, 4.5))


# ---------------------------------------------------------------- grounds and materials


def _side(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


def _mottled(image: Image.Image, rng: np.random.Generator, colour: RGB, scale: int, opacity: float) -> None:
    """Blotches of a colour, as on plaster, painted onto the picture."""
    width, height = image.size
    noise = smooth_noise(rng, (width // 2, height // 2), max(2, scale // 2))
    mask = Image.fromarray((noise * 255 * opacity).astype(np.uint8))
    image.paste(colour, (0, 0), mask.resize(image.size, Image.Resampling.BILINEAR))


def _plaster(rng: np.random.Generator, size: Size, top: RGB, bottom: RGB, palette: Palette) -> Image.Image:
    image = gradient(size, [(0, top), (1, bottom)])
    _mottled(image, rng, palette.ink, int(rng.integers(30, 90)), 0.16)
    _mottled(image, rng, palette.light, 14, 0.1)
    return image


def _boards(rng: np.random.Generator, size: Size, colour: RGB, dark: RGB, across: bool) -> Image.Image:
    """Planks with their grain, lying ``across`` the picture or standing upright in it."""
    long, wide = size if across else (size[1], size[0])
    rough = rng.random((wide // 2, max(3, long // 90))) * 0.5 + 0.5 * rng.random((wide // 2, 1))
    fine = Image.fromarray((rough * 255).astype(np.uint8)).resize((long, wide), Image.Resampling.BICUBIC)
    plank = wide / int(rng.integers(3, 8))
    at = (np.arange(wide) + rng.uniform(0, plank)) / plank
    tones = rng.uniform(-0.16, 0.16, 12)[at.astype(int)]
    gaps = np.clip(1.6 - np.abs((at % 1) - 0.5 * (1 / plank)) * plank, 0, 1) * 0.6
    tone = 0.45 + 0.4 * (np.asarray(fine, dtype=np.float32) / 255 - 0.5) + (tones + gaps)[:, None]
    index = (np.clip(tone, 0, 1) * 255).astype(np.uint8)
    steps = np.linspace(0, 1, 256)[:, None]
    ramp = (np.array(colour) * (1 - steps) + np.array(dark) * steps).astype(np.uint8)
    return Image.fromarray(ramp[index if across else index.T])


def _linen(
    rng: np.random.Generator, size: Size, colour: RGB, palette: Palette, calm: float = 0.0
) -> Image.Image:
    """Cloth lying in folds; a larger ``calm`` smooths it."""
    width, height = size[0] // 2, size[1] // 2
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / 150
    bend, ripple = smooth_noise(rng, (width, height), 110) - 0.5, smooth_noise(rng, (width, height), 40) - 0.5
    turn = rng.uniform(0, math.pi)
    along = x * math.cos(turn) + y * math.sin(turn)
    if rng.random() < 0.4:  # folds run together towards a point outside or at the edge
        centre = rng.uniform(-0.8, 0.1), rng.uniform(-0.8, 2.0)
        along = 1.5 * np.arctan2(y - centre[1], x - centre[0])
    fan = rng.uniform(8, 15) * along + rng.uniform(5, 9) * bend
    hill: np.ndarray = np.zeros((height, width), dtype=np.float32)
    for pitch, weight in ((1.0, 1.0), (1.7, 0.5), (3.1, 0.22)):  # wide folds, and finer ones between them
        phase = pitch * fan + ripple * 0.9 + rng.uniform(0, 6)
        height_here = 0.15 + 0.85 * smooth_noise(rng, (width, height), int(80 / pitch) + 20)
        hill += weight * height_here * np.sin(phase + 0.55 * np.sin(phase))
    hill = hill * 0.62 * (1 - 0.7 * calm) + 1.3 * bend + 0.5 * ripple
    dy, dx = np.gradient(hill)
    lamp = turn + rng.uniform(-0.5, 0.5)
    tone = 0.62 + 4.2 * (dx * math.cos(lamp) + dy * math.sin(lamp)) + 0.07 * hill
    at = np.linspace(0, 1, 256)
    dark, body = mix(colour, palette.ink, 0.72), mix(colour, palette.deep, 0.18)
    bright = mix(colour, palette.light, 0.75)
    stops = (0, 0.35, 0.62, 1)
    tones = zip(dark, mix(body, palette.deep, 0.4), body, bright, strict=True)
    ramp = np.stack([np.interp(at, stops, c) for c in tones], axis=1).astype(np.uint8)
    small = Image.fromarray(ramp[(np.clip(tone, 0, 1) * 255).astype(np.uint8)])
    return small.resize(size, Image.Resampling.BICUBIC)


def _ground(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A table top looked down on: boards, cloth or plain stone."""
    kind = rng.integers(4)
    if kind == 0:
        body = mix(palette.mid, palette.deep, rng.uniform(0.2, 0.9))
        return _boards(rng, size, body, mix(body, palette.ink, 0.6), bool(rng.random() < 0.5))
    if kind == 1:
        return _linen(rng, size, mix(palette.light, palette.mid, rng.uniform(0, 0.7)), palette, 0.55)
    if kind == 2:
        return _plaster(rng, size, palette.deep, mix(palette.deep, palette.ink, 0.6), palette)
    return _plaster(rng, size, mix(palette.light, palette.mid, 0.5), palette.mid, palette)


def _sprig(
    rng: np.random.Generator, x: float, y: float, length: float, turn: float, leaf: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A stem from (x, y), upright at turn 0, and its leaves, ``leaf`` long."""
    t = np.linspace(0, 1, 12)
    lean = rng.uniform(-0.35, 0.35)
    stem = _placed(np.stack([lean * t * t, -t], axis=1), x, y, length, turn)
    leaves = []
    count = int(rng.integers(4, 8))
    slim = rng.uniform(0.22, 0.5)
    for i in range(2 * count):
        k = min(11, 2 + round(9 * (i // 2) / count))
        out = (0.95 if i % 2 else -0.95) * rng.uniform(0.6, 1.15)
        size = leaf * rng.uniform(0.75, 1.1) * (1.1 - 0.5 * k / 12)
        leaves.append(_placed(_LEAF * (slim, 1), stem[k, 0], stem[k, 1], size, turn + out + lean * k / 12))
    leaves.append(_placed(_LEAF * (slim, 1), stem[-1, 0], stem[-1, 1], leaf * 0.7, turn + lean))
    return stem, leaves


def _paint_sprig(p: _Painter, rng: np.random.Generator, colour: RGB, *place: float) -> None:
    """A sprig with its shadow; ``place`` is x, y, length, turn and leaf."""
    stem, leaves = _sprig(rng, *place)
    if place[4] > 14:  # smaller leaves cast nothing to be seen
        p.shadow(*(leaf + (-3 * p.side, 4) for leaf in leaves), soft=3, opacity=0.25)
    p.stroke(mix(colour, p.palette.ink, 0.4), max(1.0, place[2] / 70), stem)
    p.area(mix(colour, p.palette.ink, 0.15), *leaves[::2])
    p.area(mix(colour, p.palette.light, 0.25), *leaves[1::2])


def _panes(
    rng: np.random.Generator, x: float, y: float, width: float, height: float, skew: tuple[float, float]
) -> list[np.ndarray]:
    """The panes of a window, sheared by ``skew`` (down along x, along as it goes down)."""
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    gap = rng.uniform(0.03, 0.06)
    panes = []
    for i in range(columns):
        for j in range(rows):
            unit = np.array(
                _box(i / columns + gap, j / rows + gap * 0.7, (i + 1) / columns - gap, (j + 1) / rows)
            )
            across, down = unit[:, 0] * width, unit[:, 1] * height
            panes.append(np.stack([x + across + skew[1] * down, y + down + skew[0] * across], axis=1))
    return panes


def _fall_of_light(p: _Painter, rng: np.random.Generator, shade: RGB, opacity: float = 0.6) -> None:
    """Window light cast over the picture, broken by the shadow of leaves."""
    width, height = p.image.size
    across, down = rng.uniform(0.5, 0.95) * width, rng.uniform(0.45, 0.8) * height
    skew = (p.side * rng.uniform(-0.5, -0.15), p.side * rng.uniform(0.0, 0.5))
    x, y = rng.uniform(0.0, 0.9) * (width - across), rng.uniform(0.15, 0.6) * (height - down)
    panes = _panes(rng, x - skew[1] * down / 2, y - skew[0] * across / 2, across, down, skew)
    lit = mix(p.palette.light, p.palette.accent, rng.uniform(0.0, 0.15))
    p.area(lit, *panes, soft=14, opacity=0.35)
    p.area(lit, *panes, soft=rng.uniform(1.2, 3.5), opacity=opacity)
    for _ in range(int(rng.integers(1, 5))):
        foot = (rng.uniform(0, width), y + down * rng.uniform(0.7, 1.2))
        _, leaves = _sprig(rng, *foot, down * rng.uniform(0.5, 1), rng.normal(0, 0.4), rng.uniform(26, 56))
        p.area(shade, *leaves, soft=rng.uniform(2, 4.5), opacity=0.85 * opacity)


# ---------------------------------------------------------------- things


def _mouth(p: _Painter, colour: RGB, x: float, y: float, radius: float, tilt: float, inside: RGB) -> None:
    """The open top of a vessel: its lip, and what is in it."""
    p.area(mix(colour, p.palette.light, 0.35), _oval(x, y, radius, radius * tilt))
    p.area(mix(colour, p.palette.ink, 0.55), _oval(x, y, radius * 0.9, radius * tilt * 0.85))
    p.area(inside, _oval(x, y + radius * tilt * 0.12, radius * 0.84, radius * tilt * 0.7))


def _cup(p: _Painter, rng: np.random.Generator, colour: RGB, x: float, base: float, radius: float) -> None:
    """A cup from the side, with or without a saucer, its coffee and its steam."""
    tall = radius * rng.uniform(1.05, 2.0)
    foot, belly = rng.uniform(0.45, 0.8), rng.uniform(0.8, 1.0)
    tilt = rng.uniform(0.18, 0.3)
    p.shadow(_oval(x - p.side * radius * 0.7, base + radius * 0.1, radius * 1.9, radius * 0.36), soft=9)
    if tall < 1.6 * radius:
        p.dish(mix(colour, p.palette.mid, 0.25), x, base + radius * tilt * 0.4, radius * 1.7, tilt * 0.9)
        p.shadow(_oval(x - p.side * radius * 0.2, base + radius * 0.12, radius, radius * tilt * 0.7), soft=4)
    handle = _side(rng)
    grip = _arc(x + handle * radius * 0.86, base - tall * 0.55, radius * 0.55, tall * 0.3, 0, 2 * math.pi)
    p.stroke(mix(colour, p.palette.ink, 0.5), radius * 0.2, grip)
    p.stroke(colour if handle == p.side else mix(colour, p.palette.deep, 0.4), radius * 0.12, grip)
    band = (mix(p.palette.accent, p.palette.mid, 0.3), tall * rng.uniform(0.3, 0.8))
    profile = [
        (0.0, radius * foot),
        (tall * 0.2, radius * belly * 0.88),
        (tall * 0.6, radius),
        (tall, radius),
    ]
    p.turned(colour, x, base, profile, tilt, glaze=band if rng.random() < 0.4 else None)
    coffee = mix(p.palette.ink, p.palette.accent, 0.25)
    _mouth(p, colour, x, base - tall, radius, tilt, coffee)
    for _ in range(3):
        t = np.linspace(0, 1, 20)
        rise, sway = radius * rng.uniform(1.8, 3.8), radius * rng.uniform(0.15, 0.4)
        wisp = np.stack(
            [sway * np.sin(t * rng.uniform(4, 7) + rng.uniform(0, 6)) * (0.3 + t), -t * rise], axis=1
        )
        start = (x + rng.uniform(-0.4, 0.4) * radius, base - tall)
        p.stroke(p.palette.light, radius * 0.2, wisp + start, soft=radius * 0.14, opacity=0.28)


def _cup_above(p: _Painter, rng: np.random.Generator, colour: RGB, x: float, y: float, radius: float) -> None:
    """A cup on its saucer looked down on, black or with milk poured in a leaf."""
    fall = (-p.side * radius * 0.3, radius * 0.32)
    p.shadow(_oval(x + fall[0], y + fall[1], radius * 1.65, radius * 1.65), soft=radius * 0.16)
    p.dish(mix(colour, p.palette.mid, rng.uniform(0, 0.35)), x, y, radius * 1.7, 1, 0.58)
    turn = rng.uniform(0, 2 * math.pi)
    grip = np.array([(math.cos(turn), math.sin(turn))]) * radius
    p.shadow(_oval(x + fall[0] * 0.8, y + fall[1] * 0.8, radius * 1.02, radius * 1.02), soft=radius * 0.1)
    p.stroke(mix(colour, p.palette.ink, 0.3), radius * 0.26, grip * 0.9 + (x, y), grip * 1.4 + (x, y))
    p.stroke(colour, radius * 0.2, np.concatenate([grip * 0.9, grip * 1.4]) + (x, y))
    p.dish(colour, x, y, radius, 1, 0.5)
    brew = mix(p.palette.ink, p.palette.accent, rng.uniform(0.2, 0.45))
    foam = mix(brew, p.palette.light, 0.4)
    p.area(foam, _oval(x, y, radius * 0.84, radius * 0.84))
    p.area(brew, _oval(x - p.side, y + 1, radius * 0.79, radius * 0.79), soft=1.2)
    if rng.random() < 0.6:
        leaf, cream = rng.uniform(0, 2 * math.pi), mix(foam, p.palette.light, 0.7)
        for k, wide in enumerate((0.5, 0.46, 0.38, 0.28)):
            chevron = [
                (-wide, 0.0),
                (0, 0.22),
                (wide, 0.0),
                (wide * 0.9, -0.14),
                (0, 0.06),
                (-wide * 0.9, -0.14),
            ]
            p.area(
                cream,
                _placed(_smooth(np.array(chevron) + (0, 0.3 - 0.27 * k)), x, y, radius, leaf),
                opacity=0.9,
            )
    shade = _arc(x, y, radius * 0.8, radius * 0.8, 0, 2 * math.pi) + (p.side * radius * 0.04, -radius * 0.04)
    p.stroke(p.palette.ink, radius * 0.08, shade, soft=radius * 0.05, opacity=0.35)
    glint = _arc(x, y, radius * 0.66, radius * 0.66, -math.pi / 2 + p.side * 0.3, -math.pi / 2 + p.side * 1.1)
    p.stroke(p.palette.light, radius * 0.06, glint, soft=1.2, opacity=0.6)


def _spoon(p: _Painter, colour: RGB, x: float, y: float, length: float, turn: float) -> None:
    bowl = _oval(0, -0.42, 0.085, 0.13)
    shape = [_placed(bowl, x, y, length, turn), _placed(_box(-0.02, -0.32, 0.02, 0.5), x, y, length, turn)]
    p.shadow(*(part + (-3 * p.side, 3) for part in shape), soft=2.5, opacity=0.4)
    p.area(mix(colour, p.palette.ink, 0.2), *shape)
    p.area(
        mix(colour, p.palette.light, 0.6), _placed(_oval(0.01, -0.43, 0.05, 0.09), x, y, length, turn), soft=1
    )


def _fork_and_knife(p: _Painter, colour: RGB, x: float, y: float, length: float, turn: float) -> None:
    prongs = [_box(a, -0.5, a + 0.018, -0.28) for a in (-0.06, -0.02, 0.02)]
    fork = [*prongs, _box(-0.06, -0.32, 0.04, -0.26), _box(-0.025, -0.28, 0.005, 0.5)]
    p.area(colour, *(_placed(part, x, y, length, turn) for part in fork))


def _book(
    p: _Painter, rng: np.random.Generator, colour: RGB, x: float, base: float, width: float, thick: float
) -> None:
    """A closed book lying flat, its spine or its pages towards us."""
    p.area(colour, _rounded(x, base - thick / 2, width, thick, 9, 0))
    if rng.random() < 0.5:
        side = _side(rng) * width * 0.03
        pages = _box(
            x - width * 0.47 + side, base - thick * 0.82, x + width * 0.47 + side, base - thick * 0.18
        )
        p.area(mix(p.palette.light, p.palette.mid, 0.25), pages)
        p.stroke(
            p.palette.deep,
            0.6,
            *(([pages[0], pages[1]] + np.array((0, k * thick * 0.16))) for k in (1, 2, 3)),
        )
    else:
        for at in (-0.36, -0.3, 0.3, 0.36):
            p.area(
                mix(colour, p.palette.accent, 0.6),
                _box(x + at * width, base - thick, x + at * width + 1.5, base),
            )
    p.shadow(_box(x - width / 2, base - thick * 0.2, x + width / 2, base), soft=1.5, opacity=0.35)


def _pile_of_books(
    p: _Painter, rng: np.random.Generator, x: float, base: float, width: float, count: int
) -> float:
    """Books lying on one another; returns the height of the top."""
    p.shadow(_oval(x - p.side * width * 0.2, base, width * 0.7, width * 0.07), soft=7)
    colours = (p.palette.deep, p.palette.accent, p.palette.mid, mix(p.palette.deep, p.palette.ink, 0.5))
    for _ in range(count):
        thick = width * rng.uniform(0.09, 0.19)
        long = width * rng.uniform(0.8, 1.05)
        _book(p, rng, _varied(rng, _one_of(rng, colours)), x + rng.normal(0, width * 0.03), base, long, thick)
        base -= thick
    return base


def _candle(p: _Painter, rng: np.random.Generator, x: float, base: float, tall: float, glow: float) -> None:
    """A lit candle in a low holder."""
    wax = mix(p.palette.light, p.palette.accent, 0.18)
    half = max(2.5, tall * rng.uniform(0.05, 0.12))
    p.dish(mix(p.palette.deep, p.palette.accent, 0.3), x, base, half * 3.2, 0.24)
    p.turned(
        mix(p.palette.deep, p.palette.accent, 0.35), x, base, [(0, half * 1.3), (half * 1.6, half * 1.5)]
    )
    p.turned(wax, x, base - half, [(0, half), (tall, half * 0.96)], 0.2)
    tip = base - half - tall
    p.area(mix(wax, p.palette.light, 0.5), _oval(x, tip + 1, half * 0.95, half * 0.25))
    warm = mix(p.palette.accent, p.palette.light, 0.45)
    p.glow(mix(p.palette.accent, p.palette.light, 0.3), x, tip - half * 2, glow, 0.85)
    p.stroke(p.palette.ink, 1.2, [(x, tip), (x, tip - half * 0.7)])
    flame = np.array([(0, 0.25), (-0.6, -0.3), (-0.42, -1.1), (0.05, -2.6), (0.42, -1.1), (0.6, -0.3)])
    high = half * rng.uniform(1.2, 1.5)
    p.area(warm, _placed(_smooth(flame), x, tip - half * 0.6, high * 1.25), soft=1.6, opacity=0.9)
    p.area(
        mix(p.palette.light, (255, 255, 255), 0.6),
        _placed(_smooth(flame), x, tip - half * 0.5, high * 0.8),
        soft=0.8,
    )


def _pear(p: _Painter, colour: RGB, x: float, base: float, radius: float) -> None:
    body = _outline("0,40 20,75 50,95 90,100 130,82 170,52 210,42 240,30 250,5") * radius
    p.turned(colour, x, base, body.tolist(), 0.2)
    p.stroke(p.palette.ink, 1.5, [(x, base - 2.45 * radius), (x + radius * 0.15, base - 2.85 * radius)])


def _fruit(p: _Painter, rng: np.random.Generator, x: float, base: float, radius: float) -> None:
    """One fruit standing at (x, base): apple, orange, pear, plum, lemon or a bunch of grapes."""
    c = p.palette
    kind = int(rng.integers(6))
    p.shadow(_oval(x - p.side * radius * 0.5, base, radius * 1.2, radius * 0.24), soft=4)
    if kind == 0:
        _pear(p, _varied(rng, mix(c.accent, c.mid, 0.6)), x, base + radius * 0.1, radius * 0.85)
    elif kind == 1:  # grapes
        skin = mix(c.deep, c.accent, rng.uniform(0, 0.6))
        for row in range(4):
            for k in range(4 - row // 2):
                at = x + (k - 1.5 + 0.5 * (row % 2)) * radius * 0.46 + rng.normal(0, 1.5)
                p.ball(_varied(rng, skin), at, base - radius * (0.25 + 0.36 * row), radius * 0.3)
    elif kind == 2:
        p.ball(_varied(rng, mix(c.mid, c.light, 0.3)), x, base - radius * 0.7, radius, 0.74)
    else:
        skin = _varied(rng, (c.accent, mix(c.accent, c.deep, 0.5), mix(c.accent, c.mid, 0.5))[kind - 3], 16)
        p.ball(skin, x, base - radius * 0.9, radius, 0.93)
        p.area(mix(skin, c.ink, 0.6), _oval(x, base - radius * 1.6, radius * 0.28, radius * 0.08), soft=1.5)
        p.stroke(c.ink, 1.6, [(x, base - radius * 1.58), (x + radius * 0.16, base - radius * 2)])
        if kind == 3:
            _, leaves = _sprig(rng, x, base - radius * 1.8, radius * 0.5, p.side * 0.9, radius * 0.8)
            p.area(mix(c.deep, c.mid, 0.3), leaves[-1], leaves[4])


def _loaf(p: _Painter, rng: np.random.Generator, x: float, y: float, length: float, turn: float) -> None:
    """A loaf looked down on, long or round, scored and floured."""
    crust = _varied(rng, mix(mix(p.palette.accent, p.palette.deep, 0.5), p.palette.mid, 0.5))
    wide = length * rng.uniform(0.36, 0.75)
    shape = _rounded(x, y, length, wide, 2.4, turn)
    p.shadow(shape + (-p.side * 5, 6), soft=6, opacity=0.5)
    p.area(mix(crust, p.palette.ink, 0.35), shape)
    p.area(crust, _rounded(x + p.side * 2, y - 2, length * 0.9, wide * 0.86, 2.3, turn), soft=4)
    p.area(
        mix(crust, p.palette.light, 0.3),
        _rounded(x + p.side * 4, y - 4, length * 0.6, wide * 0.5, 2, turn),
        soft=9,
    )
    for at in np.linspace(-0.3, 0.3, int(rng.integers(3, 6))):
        cut = _smooth([(-0.05, -0.42), (0.03, -0.2), (0.05, 0.2), (-0.01, 0.42), (-0.05, 0.1)]) * (
            length,
            wide * 0.9,
        )
        leaf = _placed(cut, 0, 0, 1, 0.35) + (at * length, 0)
        p.area(mix(crust, p.palette.ink, 0.4), _placed(leaf, x - p.side, y + 1, 1, turn), opacity=0.7)
        p.area(mix(crust, p.palette.light, 0.62), _placed(leaf, x + p.side, y, 1, turn), soft=1)


def _bowl_of_food(p: _Painter, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """A bowl looked down on: soup, olives, leaves, grains or slices."""
    c = p.palette
    clay = _varied(
        rng, _one_of(rng, (c.light, c.mid, c.deep, mix(c.light, c.mid, 0.5), mix(c.deep, c.ink, 0.5)))
    )
    p.shadow(
        _oval(x - p.side * radius * 0.2, y + radius * 0.22, radius, radius), soft=radius * 0.14, opacity=0.5
    )
    p.dish(clay, x, y, radius, 1, 0.6)
    kind = int(rng.integers(5))
    fill = _varied(
        rng, _one_of(rng, (c.accent, mix(c.accent, c.mid, 0.5), mix(c.light, c.accent, 0.25), c.deep))
    )
    deep = radius * 0.78
    p.area(mix(fill, c.ink, 0.35 if kind else 0.1), _oval(x, y, deep, deep))
    _food(p, rng, kind, fill, x, y, deep)
    rim = _arc(x, y, deep, deep, 0, 2 * math.pi) + (p.side, -1)
    p.stroke(c.ink, radius * 0.07, rim, soft=1.5, opacity=0.35)


def _food(
    p: _Painter, rng: np.random.Generator, kind: int, fill: RGB, x: float, y: float, deep: float
) -> None:
    """What is in a bowl whose filling is ``deep`` in radius."""
    c, radius = p.palette, deep / 0.78
    spots = rng.normal(0, 0.36, (26, 2)) * deep
    spots = spots[np.hypot(spots[:, 0], spots[:, 1]) < deep * 0.86] + (x, y)
    if kind == 0:  # soup with a swirl
        t = np.linspace(0, 1, 40)
        swirl = np.stack([x + deep * 0.75 * t * np.cos(9 * t), y + deep * 0.75 * t * np.sin(9 * t)], axis=1)
        p.area(
            mix(fill, c.light, 0.3), _oval(x + p.side * 2, y - 2, deep * 0.8, deep * 0.8), soft=5, opacity=0.5
        )
        p.stroke(mix(fill, c.light, 0.75), radius * 0.06, swirl, soft=1, opacity=0.85)
    elif kind == 1:  # olives, tomatoes
        for at in spots[:14]:
            p.ball(_varied(rng, fill, 16), at[0], at[1], radius * rng.uniform(0.14, 0.2))
    elif kind == 2:  # leaves
        leaf = _smooth([(0, 0), (0.35, -0.4), (0.2, -0.9), (0, -1), (-0.2, -0.9), (-0.35, -0.4)])
        green = mix(c.deep, c.mid, rng.uniform(0.1, 0.6))
        for k in range(3):
            shapes = [_placed(leaf, sx, sy, radius * 0.4, rng.uniform(0, 6)) for sx, sy in spots[k::3]]
            p.area(mix(green, (c.ink, c.mid, c.light)[k], 0.35), *shapes)
        for at in spots[:4]:
            p.ball(c.accent, at[0], at[1], radius * 0.11)
    elif kind == 3:  # grains
        for k, tint in enumerate((c.light, c.ink, c.accent, c.mid)):
            seeds = x + deep * np.clip(rng.normal(0, 0.4, (18, 2)), -0.62, 0.62) + (0, y - x)
            p.area(mix(fill, tint, 0.55), *(_oval(sx, sy, 1.8 + k % 2, 1.4) for sx, sy in seeds))
    else:  # slices in a ring
        turns = np.linspace(0, 2 * math.pi, 7)[:-1] + rng.uniform(0, 1)
        ring = [(x + deep * 0.5 * math.cos(turn), y + deep * 0.5 * math.sin(turn)) for turn in turns]
        for size, tint, share in ((0.27, c.ink, 0.25), (0.22, c.light, 0.55), (0.1, c.light, 0.25)):
            p.area(mix(fill, tint, share), *(_oval(a, b, radius * size, radius * size) for a, b in ring))


def _vase(p: _Painter, rng: np.random.Generator, x: float, base: float, tall: float, stems: int) -> None:
    """A vase with stems of leaves, or standing empty."""
    c = p.palette
    clay = _varied(rng, _one_of(rng, (c.light, c.deep, c.accent, mix(c.mid, c.light, 0.4))))
    belly, neck = tall * rng.uniform(0.22, 0.42), tall * rng.uniform(0.08, 0.16)
    p.shadow(_oval(x - p.side * belly * 0.7, base, belly * 1.5, belly * 0.25), soft=6)
    for _ in range(stems):
        length, turn = tall * rng.uniform(0.7, 1.4), rng.normal(0, 0.35)
        _paint_sprig(
            p, rng, mix(c.deep, c.mid, rng.uniform(0, 0.5)), x, base - tall * 0.9, length, turn, tall * 0.26
        )
    profile = [
        (0, belly * 0.6),
        (0.15, belly * 0.85),
        (0.4, belly),
        (0.65, belly * 0.75),
        (0.82, neck),
        (1, neck * 1.3),
    ]
    p.turned(clay, x, base, [(h * tall, w) for h, w in profile], 0.16)
    p.area(mix(clay, c.ink, 0.6), _oval(x, base - tall, neck * 1.2, neck * 0.22))


# ---------------------------------------------------------------- slow mornings


def _folds_of_curtain(p: _Painter, rng: np.random.Generator, x0: int, x1: int, top: int, bottom: int) -> None:
    """A curtain hanging between x0 and x1, letting some of the light through."""
    at = np.arange(x0, x1) / 18
    sway = np.linspace(0, 1, bottom - top)[:, None] * rng.uniform(-1.4, 1.4)
    wave = np.sin(at * 2.1 + rng.uniform(0, 6) + sway) + 0.6 * np.sin(at * 4.7 + rng.uniform(0, 6) - sway)
    tone = 0.62 + 0.2 * wave
    cover = np.full(tone.shape, rng.uniform(0.72, 0.95))
    p.shaded(mix(p.palette.light, p.palette.mid, rng.uniform(0.1, 0.6)), tone, cover, x0, top)


def _view(p: _Painter, rng: np.random.Generator, x0: float, y0: float, x1: float, y1: float) -> None:
    """A window with the hazy out-of-doors in it."""
    c = p.palette
    haze = mix(c.light, c.accent, rng.uniform(0, 0.2))
    scene = _Painter(
        gradient((int(x1 - x0), int(y1 - y0)), [(0, mix(c.light, c.mid, 0.15)), (1, haze)]), c, p.side
    )
    wide, tall = scene.image.size
    ground = tall * rng.uniform(0.5, 0.85)
    for k in range(3):
        rise = ground + k * tall * 0.09 + np.cumsum(rng.normal(0, 5, 14))
        hill = [
            (-20, tall + 20),
            *zip(np.linspace(-20, wide + 20, 14), rise, strict=True),
            (wide + 20, tall + 20),
        ]
        scene.area(mix(c.mid, c.deep, 0.1 + 0.35 * k), hill, soft=3, opacity=0.55)
        for _ in range(int(rng.integers(0, 3))):
            x, crown = rng.uniform(0, wide), tall * rng.uniform(0.08, 0.2)
            blobs = [
                _oval(x + dx, ground - crown + dy, crown * 0.6, crown * 0.5)
                for dx, dy in rng.normal(0, crown * 0.4, (5, 2))
            ]
            trunk = _box(x - 2, ground - crown, x + 2, ground + 9)
            scene.area(mix(c.deep, c.mid, rng.uniform(0.1, 0.6)), trunk, *blobs, soft=2.5, opacity=0.45)
    scene.glow(haze, wide * rng.uniform(0.2, 0.8), tall * rng.uniform(0.1, 0.5), wide * 0.8, 0.6)
    p.image.paste(scene.image, (int(x0), int(y0)))
    bars, rails = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    frame = mix(c.deep, c.mid, rng.uniform(0, 0.6))
    lines = [[(x0 + (x1 - x0) * k / (bars + 1), y) for y in (y0, y1)] for k in range(1, bars + 1)]
    lines += [[(x, y0 + (y1 - y0) * k / (rails + 1)) for x in (x0, x1)] for k in range(1, rails + 1)]
    p.stroke(frame, 4, *lines)
    p.stroke(frame, 8, [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])


def window_light(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Morning light: fallen on a wall, on an unmade bed, or still in the window."""
    width, height = size
    wall = mix(palette.mid, palette.deep, rng.uniform(0.05, 0.45))
    shade = mix(wall, palette.ink, 0.25)
    p = _Painter(_plaster(rng, size, mix(wall, palette.light, 0.2), shade, palette), palette, _side(rng))
    kind = rng.integers(4)
    if kind == 0:
        _curtained_window(p, rng, wall)
        return p.finished(rng)
    floor = rng.uniform(0.66, 0.86) * height
    if kind == 1:
        _unmade_bed(p, rng, floor)
    elif kind == 2:  # a table, for the vase
        top = mix(palette.deep, palette.ink, 0.3)
        p.area(top, _box(-2, floor, width + 2, height + 2))
        p.area(mix(top, palette.light, 0.35), _box(-2, floor, width + 2, floor + 3))
    elif rng.random() < 0.7:
        _picture_frame(p, rng, rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.7) * height)
    _fall_of_light(p, rng, shade)
    if kind == 2:
        tall = rng.uniform(0.2, 0.34) * height
        _vase(p, rng, rng.uniform(0.25, 0.75) * width, floor + 8, tall, int(rng.integers(0, 5)))
    return p.finished(rng)


def _curtained_window(p: _Painter, rng: np.random.Generator, wall: RGB) -> None:
    width, height = p.image.size
    x0, y0 = rng.uniform(0.08, 0.3) * width, rng.uniform(-0.05, 0.14) * height
    x1, y1 = rng.uniform(0.72, 0.94) * width, rng.uniform(0.62, 0.8) * height
    _view(p, rng, x0, y0, x1, y1)
    p.area(mix(p.palette.light, wall, 0.35), _box(x0 - 14, y1, x1 + 14, y1 + 9))
    p.shadow(_box(x0 - 14, y1 + 9, x1 + 14, y1 + 22), soft=6)
    _vase(p, rng, rng.uniform(x0 + 30, x1 - 30), y1 + 4, rng.uniform(40, 90), int(rng.integers(0, 4)))
    for left, right in ((x0 - 22, x0 + rng.uniform(10, 60)), (x1 - rng.uniform(10, 60), x1 + 22)):
        if rng.random() < 0.8:
            _folds_of_curtain(p, rng, int(left), int(right), max(0, int(y0) - 14), height)


def _unmade_bed(p: _Painter, rng: np.random.Generator, top: float) -> None:
    width, _ = size = p.image.size
    cloth = _linen(rng, size, mix(p.palette.light, p.palette.mid, 0.15), p.palette, 0.2)
    edge = _smooth(_hills(rng, size, top - 40, 5, 9))
    pillow = _rounded(width * rng.uniform(0.2, 0.8), top - 48, width * 0.6, 86, 2.9, rng.normal(0, 0.1))
    p.shadow(pillow + (0, 8), soft=10)
    p.area(mix(p.palette.mid, p.palette.light, 0.55), pillow)
    raised = pillow * 0.84 + pillow.mean(axis=0) * 0.16 + (p.side * 7, -6)
    p.area(p.palette.light, raised, soft=8, opacity=0.6)
    p.shadow(edge - (0, 3), soft=6)
    p.lay(cloth, edge)


def _picture_frame(p: _Painter, rng: np.random.Generator, x: float, y: float) -> None:
    """A small landscape hung on the wall."""
    wide, tall = int(rng.uniform(80, 130)), int(rng.uniform(80, 150))
    c = p.palette
    frame = _box(x - wide / 2 - 7, y - tall / 2 - 7, x + wide / 2 + 7, y + tall / 2 + 7)
    p.shadow(np.array(frame) + (-p.side * 6, 8), soft=6)
    p.area(_one_of(rng, (c.ink, c.deep, c.light)), frame)
    small = _Painter(gradient((wide, tall), [(0, mix(c.light, c.mid, 0.3)), (1, c.light)]), c, p.side)
    for k in range(3):
        land = _hills(rng, (wide, tall), tall * (0.5 + 0.16 * k), 5)
        small.area(mix(mix(c.mid, c.accent, 0.2), c.deep, 0.2 + 0.3 * k), _smooth(land))
    p.image.paste(small.image, (int(x - wide / 2), int(y - tall / 2)))


def coffee_cup(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The first cup of the day, from above on a table or from the side by the window."""
    china = _varied(rng, _one_of(rng, (palette.light, palette.light, palette.mid, palette.deep)))
    return (_coffee_above if rng.random() < 0.5 else _coffee_beside)(rng, size, palette, china)


def _coffee_above(rng: np.random.Generator, size: Size, palette: Palette, china: RGB) -> Image.Image:
    width, height = size
    p = _Painter(_ground(rng, size, palette), palette, _side(rng))
    _fall_of_light(p, rng, palette.deep, rng.uniform(0.2, 0.5))
    x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.32, 0.68) * height
    radius = rng.uniform(46, 78)
    if rng.random() < 0.5:  # a book or a letter beside it
        at = (width * _one_of(rng, (0.05, 0.95)), rng.uniform(0, 1) * height)
        sheet = _rounded(*at, 210, 280, 40, rng.normal(0, 0.4))
        p.shadow(sheet + (-4 * p.side, 6))
        p.area(_one_of(rng, (palette.light, palette.accent, palette.deep)), sheet)
    for _ in range(int(rng.integers(0, 3))):
        foot = (rng.uniform(0, width), _one_of(rng, (0.05, 1.0)) * height)
        _paint_sprig(p, rng, mix(palette.deep, palette.mid, 0.3), *foot, 150, rng.uniform(-1.2, 1.2), 38)
    _cup_above(p, rng, china, x, y, radius)
    if rng.random() < 0.7:
        spoon = x + _side(rng) * radius * 1.3
        _spoon(p, mix(palette.mid, palette.light, 0.4), spoon, y, radius * 1.9, rng.normal(0, 0.5))
    return p.finished(rng)


def _coffee_beside(rng: np.random.Generator, size: Size, palette: Palette, china: RGB) -> Image.Image:
    width, height = size
    wall = mix(palette.mid, palette.light, rng.uniform(0, 0.6))
    p = _Painter(_plaster(rng, size, wall, mix(wall, palette.deep, 0.6), palette), palette, _side(rng))
    base = rng.uniform(0.7, 0.84) * height
    if rng.random() < 0.4:
        left = rng.uniform(-0.2, 0.5) * width
        _view(p, rng, left, -20, left + width * 0.7, base - rng.uniform(30, 120))
        p.image = p.image.filter(ImageFilter.BoxBlur(2))
    else:
        _fall_of_light(p, rng, mix(wall, palette.deep, 0.5), 0.5)
    table = mix(palette.deep, palette.ink, rng.uniform(0, 0.6))
    p.area(table, _box(-2, base - 26, width + 2, height + 2))
    p.area(mix(table, palette.light, 0.4), _box(-2, base - 26, width + 2, height + 2), soft=30, opacity=0.3)
    x, radius = rng.uniform(0.34, 0.66) * width, rng.uniform(44, 72)
    if rng.random() < 0.4:
        base = _pile_of_books(p, rng, x, base + 20, radius * 3.6, int(rng.integers(1, 4)))
        _vase(p, rng, (x + width * 0.6) % width, base - 4, rng.uniform(60, 110), 3)
    _cup(p, rng, china, x, base - radius * 0.1, radius)
    return p.finished(rng)


def linen_folds(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Washed linen near to: its folds, its weave, sometimes a second cloth, a sprig, light."""
    width, height = size
    other = _one_of(rng, (palette.mid, palette.mid, palette.accent, palette.deep))
    body = mix(palette.light, other, rng.uniform(0, 0.8))
    p = _Painter(_linen(rng, size, body, palette, rng.uniform(0, 0.35)), palette, _side(rng))
    if rng.random() < 0.45:  # another cloth over the first
        over = mix(palette.mid, palette.accent, rng.uniform(0, 0.7))
        edge = _smooth(_hills(rng, size, rng.uniform(0.3, 0.7) * height, 14, 12))
        p.shadow(edge - (0, 5), soft=9, opacity=0.5)
        p.lay(_linen(rng, size, over, palette), edge)
        p.stroke(mix(body, palette.ink, 0.5), 1, edge[8:-8] + (0, 8), opacity=0.5)
    weave = rng.normal(0, 5, (1, width, 1)) + rng.normal(0, 5, (height, 1, 1))
    woven = np.asarray(p.image, dtype=np.float32) + weave.astype(np.float32)
    p.image = Image.fromarray(np.clip(woven, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        _fall_of_light(p, rng, mix(body, palette.deep, 0.6), 0.35)
    if rng.random() < 0.4:
        foot = (rng.uniform(0.2, 0.8) * width, rng.uniform(0.6, 1) * height)
        _paint_sprig(
            p, rng, mix(palette.deep, palette.mid, 0.2), *foot, height * 0.45, rng.normal(0, 0.6), 34
        )
    return p.finished(rng)


def breakfast_tray(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A tray laid with care on the bed, from above."""
    width, height = size
    bed = mix(palette.light, palette.mid, rng.uniform(0, 0.6))
    p = _Painter(_linen(rng, size, bed, palette), palette, _side(rng))
    x, y, turn = rng.uniform(0.4, 0.6) * width, rng.uniform(0.42, 0.58) * height, rng.normal(0, 0.22)
    wide, tall = rng.uniform(0.8, 1.05) * width, rng.uniform(0.55, 0.85) * height
    wood, power = (
        _one_of(rng, (palette.deep, palette.mid, palette.accent, palette.ink)),
        _one_of(rng, (2.0, 5.0, 12.0)),
    )
    p.shadow(_rounded(x - p.side * 8, y + 10, wide, tall, power, turn), soft=12, opacity=0.55)
    p.area(mix(wood, palette.light, 0.25), _rounded(x, y, wide, tall, power, turn))
    p.area(mix(wood, palette.ink, 0.4), _rounded(x, y, wide - 10, tall - 10, power, turn))
    p.area(
        mix(wood, palette.mid, 0.2),
        _rounded(x - p.side * 3, y + 3, wide - 17, tall - 17, power, turn),
        soft=2,
    )
    if rng.random() < 0.6:
        cloth = _rounded(x, y, wide * rng.uniform(0.4, 0.7), tall * 0.8, 20, turn + rng.normal(0, 0.3))
        p.area(mix(palette.light, palette.mid, 0.2), cloth, opacity=0.9)
    slots = [(-0.2, -0.24), (0.22, -0.2), (-0.2, 0.2), (0.2, 0.24)]
    things = [_tray_plate, _tray_cup, _tray_egg, _tray_sprig, _tray_plate]
    for slot, k in zip(slots, rng.permutation(len(things)), strict=False):
        spot = (np.array(slot) + rng.normal(0, 0.02, 2)) * (wide, tall)
        at = _placed(spot[None], x, y, 1, turn)[0]
        things[k](p, rng, float(at[0]), float(at[1]), min(wide, tall * 0.8))
    _fall_of_light(p, rng, mix(bed, palette.deep, 0.5), 0.22)
    return p.finished(rng)


def _tray_plate(p: _Painter, rng: np.random.Generator, x: float, y: float, span: float) -> None:
    """A plate of toast, or a croissant."""
    radius = span * rng.uniform(0.19, 0.23)
    c = p.palette
    p.shadow(_oval(x - p.side * 4, y + 5, radius, radius), soft=5)
    p.dish(_varied(rng, mix(c.light, c.mid, rng.uniform(0, 0.4))), x, y, radius, 1, 0.7)
    crust = mix(mix(c.accent, c.deep, 0.3), c.mid, 0.25)
    turn = rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.5:
        for k, at in enumerate(np.linspace(-1.25, 1.25, 9)[[0, 8, 1, 7, 2, 6, 3, 5, 4]]):
            spot = _placed(
                [(radius * 0.5 * math.sin(at), radius * 0.4 * math.cos(at) - radius * 0.2)], x, y, 1, turn
            )[0]
            p.ball(_varied(rng, crust, 8), spot[0], spot[1], radius * (0.13 + 0.022 * k))
    else:
        for k in range(2):
            toast = _rounded(
                x + (k - 0.5) * radius * 0.4, y + (k - 0.5) * radius * 0.3, radius, radius * 0.9, 5, turn + k
            )
            p.shadow(toast + (-p.side * 2, 3), soft=3)
            p.area(mix(crust, c.ink, 0.2), toast)
            inner = toast * 0.86 + toast.mean(axis=0) * 0.14
            p.area(mix(crust, c.light, 0.6), inner)
            p.area(
                mix(c.accent, c.light, 0.25 * k), inner * 0.7 + inner.mean(axis=0) * 0.3, soft=3, opacity=0.8
            )


def _tray_cup(p: _Painter, rng: np.random.Generator, x: float, y: float, span: float) -> None:
    china = _one_of(rng, (p.palette.light, p.palette.mid, p.palette.light))
    _cup_above(p, rng, _varied(rng, china), x, y, span * rng.uniform(0.11, 0.14))


def _tray_egg(p: _Painter, rng: np.random.Generator, x: float, y: float, span: float) -> None:
    """An egg in its cup, or a small bowl, and a spoon."""
    radius = span * 0.1
    if rng.random() < 0.5:
        _bowl_of_food(p, rng, x, y, radius * 1.5)
    else:
        p.shadow(_oval(x - p.side * 4, y + 5, radius * 1.2, radius * 1.2), soft=4)
        p.dish(_varied(rng, p.palette.accent), x, y, radius * 1.25, 1, 0.8)
        p.ball(mix(p.palette.light, p.palette.accent, 0.15), x, y, radius * 0.85, 1.05)
    _spoon(p, mix(p.palette.mid, p.palette.light, 0.5), x + radius * 2, y, radius * 4, rng.normal(0, 0.3))


def _tray_sprig(p: _Painter, rng: np.random.Generator, x: float, y: float, span: float) -> None:
    for _ in range(3):
        turn = rng.uniform(-0.8, 0.8)
        _paint_sprig(
            p, rng, mix(p.palette.deep, p.palette.mid, 0.3), x, y + span * 0.12, span * 0.3, turn, span * 0.07
        )
    p.ball(p.palette.accent, x, y - span * 0.08, span * 0.05)
    p.ball(mix(p.palette.accent, p.palette.light, 0.4), x + span * 0.05, y, span * 0.04)


# ---------------------------------------------------------------- the candlelit study


def _shelf_of_books(
    rng: np.random.Generator, palette: Palette, x0: float, x1: float, base: float, tall: float
) -> list[tuple[list[tuple[float, float]], RGB]]:
    """Spines standing (a few leaning, a few lying) between x0 and x1, as coloured polygons."""
    tints = (palette.deep, palette.accent, palette.mid, palette.ink, mix(palette.deep, palette.accent, 0.5))
    shapes: list[tuple[list[tuple[float, float]], RGB]] = []
    x = x0 + rng.uniform(0, 6)
    run = tall * rng.uniform(0.7, 0.9)
    while x < x1 - 6:
        roll = rng.random()
        colour = _varied(rng, _one_of(rng, tints), 14)
        if roll < 0.04:  # a gap
            x += rng.uniform(8, 30)
            run = tall * rng.uniform(0.62, 0.9)
            continue
        if roll < 0.1 and x < x1 - tall * 0.8:  # a few lying
            level, long = base, tall * rng.uniform(0.6, 0.8)
            for _ in range(int(rng.integers(2, 5))):
                thick, colour = tall * rng.uniform(0.08, 0.15), _varied(rng, _one_of(rng, tints), 14)
                shapes.append((_box(x, level - thick, x + long, level - 0.6), colour))
                shapes.append(
                    (_box(x, level - thick * 0.3, x + long, level - 0.6), mix(colour, palette.ink, 0.4))
                )
                level -= thick
            x += long + 1
            continue
        wide, high = tall * rng.uniform(0.08, 0.24), min(tall * 0.95, run * rng.uniform(0.88, 1.1))
        lean = high * 0.2 if roll > 0.95 else 0.0
        top = base - high
        for a, b, tone in ((0, 1, 0.0), (0.55, 1, 0.28), (0.82, 1, 0.5)):
            strip = [
                (x + a * wide, base),
                (x + b * wide, base),
                (x + b * wide + lean, top),
                (x + a * wide + lean, top),
            ]
            shapes.append((strip, mix(colour, palette.ink, tone)))
        gilt = mix(colour, _one_of(rng, (palette.light, palette.accent)), 0.55)
        for at in rng.choice((0.1, 0.16, 0.3, 0.72, 0.8, 0.9), 3, replace=False):
            y, shift = base - high * at, lean * at
            shapes.append((_box(x + shift + 0.8, y - 1.1, x + shift + wide - 1, y), gilt))
        if rng.random() < 0.35 and not lean:
            shapes.append((_box(x + wide * 0.2, top + high * 0.2, x + wide * 0.8, top + high * 0.36), gilt))
        x += wide + lean + 0.8
    return shapes


def bookshelf(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Shelves of old books by lamplight, near or from across the room."""
    width, height = size
    wood = mix(palette.deep, palette.ink, rng.uniform(0.2, 0.6))
    back = mix(wood, palette.ink, 0.65)
    rows = int(rng.integers(2, 6))
    tall, board = height / (rows + rng.uniform(-0.25, 0.35)), rng.uniform(6, 12)
    bases = [rng.uniform(0.35, 0.95) * tall + k * tall for k in range(rows + 1)]
    posts = [width * rng.uniform(0.25, 0.75)] if rng.random() < 0.4 else []
    ends = [-10.0, *posts, width + 10.0]
    shapes: list[tuple[list[tuple[float, float]], RGB]] = []
    bare = (int(rng.integers(rows)), rng.uniform(0.1, 0.65) * width)
    for row, base in enumerate(bases):
        for x0, x1 in zip(ends, ends[1:], strict=False):
            spans = [(x0, x1)]
            if row == bare[0] and x0 < bare[1] < x1 - tall * 0.7:
                spans = [(x0, bare[1]), (bare[1] + tall * 0.7, x1)]
            for left, right in spans:
                shapes += _shelf_of_books(rng, palette, left + 4, right - 4, base, tall - board)
        shapes.append((_box(-4, base, width + 4, base + board), wood))
        shapes.append((_box(-4, base, width + 4, base + 1.6), mix(wood, palette.light, 0.3)))
    shapes += [(_box(x - 5, -4, x + 5, height + 4), wood) for x in posts]

    def draw(pen: ImageDraw.ImageDraw, factor: int) -> None:
        for outline, colour in shapes:
            pen.polygon([(x * factor, y * factor) for x, y in outline], fill=colour)

    p = _Painter(antialiased(Image.new("RGB", size, back), draw), palette, _side(rng))
    tops = [_box(-20, base + board, width + 20, base + board + tall * 0.14) for base in bases]
    p.shadow(*tops, soft=6, opacity=0.6)
    _keepsake(p, rng, bare[1] + tall * 0.35, bases[bare[0]], (tall - board) * 0.72)
    p.shadow(_box(-40, -40, width + 40, height + 40), soft=1, opacity=rng.uniform(0.1, 0.35))
    lamp = (rng.uniform(-0.1, 1.1) * width, rng.uniform(0.0, 0.9) * height)
    p.glow(mix(palette.accent, palette.light, 0.5), *lamp, height * rng.uniform(0.5, 1.0), 0.55)
    return p.finished(rng)


def _keepsake(p: _Painter, rng: np.random.Generator, x: float, base: float, tall: float) -> None:
    """Something that stands among books: a vase, a globe, a candle or an hourglass."""
    c = p.palette
    kind = int(rng.integers(4))
    if kind == 0:
        _vase(p, rng, x, base, tall * 0.7, int(rng.integers(0, 3)))
    elif kind == 1:
        radius = tall * 0.36
        stand: Profile = [(0, radius * 0.6), (tall * 0.06, radius * 0.5), (tall * 0.1, 3), (tall * 0.25, 3)]
        p.turned(mix(c.accent, c.deep, 0.4), x, base, stand)
        p.stroke(
            mix(c.accent, c.mid, 0.4),
            2.5,
            _arc(x, base - tall * 0.58, radius * 1.14, radius * 1.14, -1.2, 2.0),
        )
        p.ball(mix(c.mid, c.accent, 0.2), x, base - tall * 0.58, radius)
        for _ in range(4):
            spot = rng.normal(0, 0.34, 2) * radius + (x, base - tall * 0.58)
            land = _smooth(spot + rng.normal(0, radius * 0.2, (7, 2)))
            p.area(mix(c.deep, c.mid, 0.4), land, soft=1, opacity=0.7)
    elif kind == 2:
        _candle(p, rng, x, base - 3, tall * 0.55, tall * 2.2)
    else:
        half = tall * 0.2
        sand: Profile = [(0, half), (0.2, half * 0.9), (0.46, 2), (0.54, 2), (0.8, half * 0.9), (1, half)]
        p.turned(mix(c.light, c.mid, 0.4), x, base - 4, [(h * tall * 0.9, w) for h, w in sand], 0.1, 0.75)
        p.turned(c.accent, x, base - 5, [(0, half * 0.85), (tall * 0.16, half * 0.8), (tall * 0.3, 1)], 0.1)
        for at in (0.0, tall * 0.9):
            p.turned(mix(c.deep, c.accent, 0.2), x, base - at, [(0, half * 1.25), (6, half * 1.25)], 0.1)


def _open_book(p: _Painter, rng: np.random.Generator, x: float, y: float, width: float) -> None:
    """A book lying open on the desk, seen from the chair, its lines too small to read."""
    c = p.palette
    page, half = mix(c.light, c.accent, 0.12), width / 2
    low = width * rng.uniform(0.2, 0.34)
    p.shadow(_box(x - half * 1.2, y - low * 0.4, x + half * 1.2, y + low * 0.75), soft=8, opacity=0.6)
    cover = [
        (x - half * 1.06, y + low * 0.5),
        (x - half * 0.86, y - low * 0.5),
        (x + half * 0.86, y - low * 0.5),
    ]
    p.area(mix(c.accent, c.ink, 0.55), [*cover, (x + half * 1.06, y + low * 0.5)])
    for side in (-1, 1):
        t = np.linspace(0, 1, 14)
        swell = low * 0.2 * np.sin(np.pi * t**0.6)
        far = np.stack([x + side * half * 0.84 * t, y - low * 0.5 - swell * 0.8], axis=1)
        near = np.stack([x + side * half * t, y + low * 0.46 - swell], axis=1)
        p.area(mix(page, c.mid, 0.1 if side == p.side else 0.35), np.concatenate([far, near[::-1]]))
        rows = []
        for k in np.linspace(0.14, 0.9, 9):
            line = far * (1 - k) + near * k
            rows.append(line[2 : int(rng.integers(9, 13))])
        p.stroke(mix(c.deep, page, 0.3), 1, *rows, opacity=0.7)
        gutter = np.array(
            [
                (x, y - low * 0.5),
                (x + side * half * 0.2, y - low * 0.6),
                (x + side * half * 0.22, y + low * 0.3),
            ]
        )
        p.shadow(np.concatenate([gutter, [(x, y + low * 0.46)]]), soft=4, opacity=0.35)


def candle_desk(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A desk late at night: candles, an open book, what stands about."""
    width, height = size
    dark = mix(palette.ink, palette.deep, rng.uniform(0.05, 0.4))
    wall = _plaster(rng, size, mix(dark, palette.ink, 0.5), mix(dark, palette.deep, 0.4), palette)
    flame = _side(rng)
    p = _Painter(wall, palette, flame)
    edge = rng.uniform(0.56, 0.78) * height
    _behind_desk(p, rng, edge, dark)
    desk = mix(palette.deep, palette.accent, 0.15)
    p.area(mix(desk, palette.ink, 0.35), _box(-2, edge, width + 2, height + 2))
    p.area(desk, _box(-2, edge + 8, width + 2, edge + (height - edge) * 0.6), soft=22, opacity=0.8)
    p.stroke(mix(desk, palette.light, 0.25), 1.5, [(-4, edge), (width + 4, edge)])
    x = width * (0.5 + flame * rng.uniform(0.12, 0.34))
    if rng.random() < 0.8:
        pile, wide = width * (0.5 - flame * rng.uniform(0.2, 0.36)), width * rng.uniform(0.32, 0.44)
        top = _pile_of_books(p, rng, pile, edge + 18, wide, int(rng.integers(2, 7)))
        if rng.random() < 0.6:
            _keepsake(p, rng, pile, top + 2, rng.uniform(50, 80))
    low = edge + (height - edge) * rng.uniform(0.5, 0.7)
    _open_book(p, rng, width * rng.uniform(0.36, 0.6), low, width * rng.uniform(0.5, 0.72))
    for k in range(int(rng.integers(1, 4))):
        tall, glow = rng.uniform(40, 130), width * (0.75 if k == 0 else 0.3)
        _candle(p, rng, x + flame * 30 * k, edge + 16 + 14 * k, tall, glow)
    return p.finished(rng)


def _behind_desk(p: _Painter, rng: np.random.Generator, edge: float, dark: RGB) -> None:
    """The wall over the desk: night in a window, a row of books, or drawings pinned up."""
    width, c = p.image.width, p.palette
    kind = rng.integers(3)
    if kind == 0:
        x0, tall = rng.uniform(0.08, 0.45) * width, edge * rng.uniform(0.55, 0.8)
        x1, y1 = x0 + width * rng.uniform(0.34, 0.5), edge - rng.uniform(20, 70)
        frame = mix(c.deep, c.ink, 0.4)
        p.area(frame, _box(x0 - 6, y1 - tall - 6, x1 + 6, y1 + 6))
        p.area(mix(c.ink, c.deep, 0.7), _box(x0, y1 - tall, x1, y1))
        moon = (rng.uniform(x0 + 20, x1 - 20), y1 - tall * rng.uniform(0.5, 0.85))
        p.glow(mix(c.mid, c.light, 0.4), *moon, 90, 0.5)
        p.area(c.light, _oval(*moon, 10, 10), soft=1)
        middle = (x0 + x1) / 2
        rails = [[(x0, y1 - tall * k / 3), (x1, y1 - tall * k / 3)] for k in (1, 2)]
        p.stroke(frame, 4, [(middle, y1 - tall), (middle, y1)], *rails)
    elif kind == 1:
        for outline, colour in _shelf_of_books(rng, c, -10, width + 10, edge, rng.uniform(90, 140)):
            p.area(mix(colour, c.ink, 0.45), outline)
    else:
        for _ in range(int(rng.integers(2, 6))):
            x, y = rng.uniform(0.05, 0.95) * width, rng.uniform(0.08, 0.6) * edge
            p.area(mix(c.mid, dark, rng.uniform(0.3, 0.7)), _rounded(x, y, 70, 92, 40, rng.normal(0, 0.07)))
            scrawl = _smooth(rng.normal(0, 15, (7, 2)) + (x, y))
            p.stroke(mix(dark, c.ink, 0.3), 1, scrawl, _oval(x, y, 14, 22))


@dataclass(frozen=True)
class _Camera:
    """An eye in a room: x to the right, y up from the floor, z away from us, in metres."""

    eye: tuple[float, float, float]
    turn: float
    focal: float
    centre: tuple[float, float]

    def see(self, points: Sequence[tuple[float, float, float]] | np.ndarray) -> np.ndarray:
        """Where points of the room lie in the picture."""
        x, y, z = (np.asarray(points, dtype=float) - self.eye).T
        c, s = math.cos(self.turn), math.sin(self.turn)
        depth = np.maximum(z * c - x * s, 0.08)
        across = x * c + z * s
        return np.stack(
            [self.centre[0] + self.focal * across / depth, self.centre[1] - self.focal * y / depth], axis=1
        )

    def spot(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Where one point lies in the picture."""
        (px, py), *_ = self.see([(x, y, z)]).tolist()
        return px, py

    def level(self, x0: float, x1: float, y: float, z0: float, z1: float) -> np.ndarray:
        """A rectangle lying level."""
        return self.see([(x0, y, z1), (x1, y, z1), (x1, y, z0), (x0, y, z0)])

    def across(self, x0: float, x1: float, y0: float, y1: float, z: float) -> np.ndarray:
        """A rectangle that faces us."""
        return self.see([(x0, y0, z), (x0, y1, z), (x1, y1, z), (x1, y0, z)])

    def aside(self, x: float, y0: float, y1: float, z0: float, z1: float) -> np.ndarray:
        """An upright rectangle that goes away from us."""
        return self.see([(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)])

    def scale(self, x: float, y: float, z: float) -> float:
        """Pixels to the metre at a point."""
        ahead = (z - self.eye[2]) * math.cos(self.turn) - (x - self.eye[0]) * math.sin(self.turn)
        return self.focal / max(ahead, 0.08)


def _vault(half: float, spring: float, pointed: float, z: float) -> np.ndarray:
    """An arch across a hall ``half`` wide each way, springing at a height; ``pointed`` 1 is round."""
    at = np.linspace(math.pi, 0, 25)
    lift = np.sin(at) ** (1.0 if pointed == 1 else 0.8) * half * pointed
    across = half * np.sign(np.cos(at)) * np.abs(np.cos(at)) ** (1.0 if pointed == 1 else 1.25)
    return np.stack([across, spring + lift, np.full(25, z)], axis=1)


def arched_library(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A long vaulted library, bay behind bay, with light at its end."""
    width, height = size
    half, spring = rng.uniform(1.6, 3.0), rng.uniform(2.4, 4.6)
    pointed, bays = _one_of(rng, (1.0, 1.0, 1.5, 0.6)), int(rng.integers(5, 9))
    centre = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.52, 0.78))
    eye = (rng.uniform(-0.4, 0.4) * half, rng.uniform(1.2, 2.6), -1.0)
    camera = _Camera(eye, 0.0, height * rng.uniform(0.42, 0.62), centre)
    light = mix(palette.light, palette.accent, rng.uniform(0.1, 0.35))
    stone, lean = mix(palette.mid, palette.deep, rng.uniform(0.2, 0.8)), _side(rng)
    edges = [k * rng.uniform(1.8, 2.6) for k in range(bays + 1)]
    edges = sorted({0.1, *edges})
    shapes: list[tuple[np.ndarray, RGB]] = []
    end = _vault(half, spring, pointed, edges[-1])
    foot = np.array([(half, 0, edges[-1]), (-half, 0, edges[-1])])
    shapes.append((np.concatenate([end, foot]), mix(stone, light, 0.35)))
    inner = rng.uniform(0.35, 0.8)
    window = np.concatenate([end, foot + (0, spring * rng.uniform(0, 0.6), 0)])
    shapes.append(((window - (0, spring * 0.5, 0)) * (inner, 0.9, 1) + (0, spring * 0.45, 0), light))
    for far, near in zip(edges[:0:-1], edges[-2::-1], strict=True):
        lit = (stone, light, near / edges[-1], lean)
        _library_bay(rng, shapes, palette, (half, spring, pointed), (near, far), lit)
    seen = camera.see(np.concatenate([outline for outline, _ in shapes]))
    parts = np.split(seen, np.cumsum([len(outline) for outline, _ in shapes])[:-1])

    def draw(pen: ImageDraw.ImageDraw, factor: int) -> None:
        for outline, (_, colour) in zip(parts, shapes, strict=True):
            pen.polygon((outline * factor).ravel().tolist(), fill=colour)

    p = _Painter(antialiased(Image.new("RGB", size, mix(stone, palette.ink, 0.8)), draw), palette, lean)
    p.glow(light, *camera.spot(0, spring * 0.7, edges[-1]), height * rng.uniform(0.35, 0.6), 0.8)
    runner = [(-half * 0.5, 0, 30), (half * 0.5, 0, 30), (half * 0.6, 0, 1), (-half * 0.3, 0, 1)]
    p.area(light, camera.see(runner), soft=12, opacity=0.25)
    for z in edges[1:-1]:
        if pointed != 1.5 and rng.random() < 0.75:
            _hanging_lamp(p, camera, spring + half * pointed, spring * 0.82, z, light)
    if rng.random() < 0.6:
        x, y = camera.spot(rng.uniform(-0.5, 0.5), 0, edges[-2])
        _reader(p, x, y, camera.scale(0, 0, edges[-2]) * 1.7, mix(palette.ink, stone, 0.15))
    return p.finished(rng)


def _hanging_lamp(p: _Painter, camera: _Camera, ceiling: float, low: float, z: float, light: RGB) -> None:
    x, y = camera.spot(0, low, z)
    metre = camera.scale(0, 0, z)
    p.stroke(mix(p.palette.deep, p.palette.ink, 0.7), 1, [camera.spot(0, ceiling, z), (x, y)])
    p.glow(mix(p.palette.accent, p.palette.light, 0.4), x, y, metre * 0.9, 0.6)
    p.area(mix(light, p.palette.light, 0.7), _oval(x, y, metre * 0.1, metre * 0.1), soft=1)


def _reader(p: _Painter, x: float, y: float, tall: float, dark: RGB) -> None:
    """Someone small, standing far down the hall."""
    body = _outline("-16,0 -17,-50 -10,-80 10,-80 17,-50 16,0")
    p.area(dark, _placed(body, x, y, tall), _oval(x, y - tall * 0.9, tall * 0.075, tall * 0.09))


def _library_bay(
    rng: np.random.Generator,
    shapes: list[tuple[np.ndarray, RGB]],
    palette: Palette,
    hall: tuple[float, float, float],
    depth: tuple[float, float],
    light: tuple[RGB, RGB, float, int],
) -> None:
    """One bay of the library: floor, books on both sides, vault and rib; ``light`` dims it nearer."""
    (half, spring, pointed), (near, far), (stone, bright, away, lean) = hall, depth, light
    haze = 0.55 * away**1.4

    def tint(colour: RGB, shade: float) -> RGB:
        return mix(mix(colour, palette.ink, shade), bright, haze)

    floor = [(-half, 0, far), (half, 0, far), (half, 0, near), (-half, 0, near)]
    shapes.append((np.array(floor), tint(mix(stone, palette.deep, 0.6), 0.35)))
    bands = _vault(half, spring, pointed, far), _vault(half, spring, pointed, near)
    for k in range(24):
        quad = np.array([bands[0][k], bands[0][k + 1], bands[1][k + 1], bands[1][k]])
        shapes.append((quad, tint(stone, 0.25 + 0.35 * abs(k - 12 + 5 * lean) / 17)))
    spines = [
        tint(_varied(rng, c, 10), 0.2) for c in (palette.deep, palette.accent, palette.mid, palette.ink) * 2
    ]
    rows, count = 6, max(5, round(20 - 17 * away))
    for side in (-1, 1):
        x, dim = side * half, 0.15 if side == lean else 0.0
        wall = [(x, 0, near), (x, 0, far), (x, spring, far), (x, spring, near)]
        shapes.append((np.array(wall), tint(mix(palette.deep, palette.ink, 0.5), 0.4)))
        books = [mix(c, palette.ink, dim) for c in spines]
        picks, highs = rng.integers(0, 8, (rows, count)), rng.uniform(0.65, 1, (rows, count))
        steps = np.linspace(near + 0.25, far - 0.05, count + 1).tolist()
        for row in range(rows):
            base, top = spring * (row + 0.1) / rows, spring * (row + 0.9) / rows
            for k, (z0, z1) in enumerate(zip(steps, steps[1:], strict=False)):
                high = base + (top - base) * highs[row, k]
                quad = np.array([(x, base, z0), (x, base, z1), (x, high, z1), (x, high, z0)])
                shapes.append((quad, books[int(picks[row, k])]))
        post = [(x, 0, near), (x - side * 0.28, 0, near), (x - side * 0.28, spring, near), (x, spring, near)]
        shapes.append((np.array(post), tint(stone, 0.3 + dim)))
    thick = _vault(half - 0.28, spring, pointed, near)
    shapes.append((np.concatenate([bands[1], thick[::-1]]), tint(stone, 0.2)))


# ---------------------------------------------------------------- the crowded table


def long_table(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A table laid for many, from its end in the evening or from above."""
    return _table_above(rng, size, palette) if rng.random() < 0.45 else _table_along(rng, size, palette)


def _table_above(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    floor = mix(palette.mid, palette.deep, rng.uniform(0, 1))
    p = _Painter(_plaster(rng, size, floor, mix(floor, palette.ink, 0.3), palette), palette, _side(rng))
    x, turn, wide = width * rng.uniform(0.42, 0.58), rng.normal(0, 0.16), width * rng.uniform(0.56, 0.76)
    step = wide * rng.uniform(0.42, 0.52)
    cloths = (palette.light, mix(palette.deep, palette.accent, 0.2), mix(palette.light, palette.mid, 0.5))
    cloth = _one_of(rng, cloths)

    def at(across: float, along: float) -> tuple[float, float]:
        (px, py), *_ = _placed([(across * wide / 2, along)], x, height / 2, 1, turn).tolist()
        return px, py

    places = np.arange(-height * 0.6, height * 0.6, step) + rng.uniform(0, step)
    sides = [(side, float(along)) for along in places for side in (-1, 1)]
    chairs = [_rounded(*at(side * 1.2, along), step * 0.62, step * 0.62, 4, turn) for side, along in sides]
    p.shadow(*(chair + (-p.side * 4, 5) for chair in chairs), soft=5)
    p.area(mix(palette.deep, palette.ink, rng.uniform(0, 0.5)), *chairs)
    table = _rounded(x, height / 2, wide, height * 1.5, 60, turn)
    p.shadow(table + (-p.side * 8, 8), soft=9, opacity=0.55)
    p.area(cloth, table)
    runner = mix(_one_of(rng, (palette.accent, palette.deep, palette.mid)), cloth, 0.25)
    p.area(runner, _rounded(x, height / 2, wide * 0.26, height * 1.5, 60, turn))
    china = _varied(rng, _one_of(rng, (palette.light, palette.mid, palette.accent)))
    for side, along in sides:
        _place_setting(p, rng, china, at(side * 0.66, along), step * rng.uniform(0.31, 0.35), turn)
        _glass_above(p, *at(side * 0.4, along - step * 0.4), step * 0.12)
    for along in places + step / 2:
        bx, by = at(rng.normal(0, 0.05), float(along))
        if rng.random() < 0.55:
            _bowl_of_food(p, rng, bx, by, wide * rng.uniform(0.1, 0.14))
        elif rng.random() < 0.5:
            _loaf(p, rng, bx, by, wide * 0.26, turn + rng.normal(1.5, 0.5))
        else:
            green = mix(palette.deep, palette.mid, 0.3)
            _paint_sprig(p, rng, green, bx, by + 20, step * 0.8, rng.normal(0, 0.9), step * 0.2)
    return p.finished(rng)


def _place_setting(
    p: _Painter, rng: np.random.Generator, china: RGB, at: tuple[float, float], radius: float, turn: float
) -> None:
    """A plate, sometimes two, and the cutlery beside it."""
    x, y = at
    p.shadow(_oval(x - p.side * 3, y + 4, radius, radius), soft=4)
    p.dish(china, x, y, radius, 1, 0.68)
    if rng.random() < 0.5:
        p.dish(_varied(rng, mix(p.palette.mid, p.palette.accent, 0.4)), x, y, radius * 0.6, 1, 0.5)
    metal = mix(p.palette.mid, p.palette.ink, 0.4)
    _fork_and_knife(p, metal, x, y + radius * 1.25, radius * 1.5, turn + math.pi / 2)


def _glass_above(p: _Painter, x: float, y: float, radius: float) -> None:
    p.shadow(_oval(x - p.side * 3, y + 3, radius, radius), soft=3, opacity=0.3)
    p.area(mix(p.palette.accent, p.palette.ink, 0.35), _oval(x, y, radius * 0.8, radius * 0.8), opacity=0.8)
    p.stroke(p.palette.light, 1.2, _oval(x, y, radius, radius), opacity=0.8)


def _table_along(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    horizon = height * rng.uniform(0.26, 0.42)
    p = _dusk(rng, size, palette, horizon)
    eye = (rng.uniform(-0.4, 0.4), rng.uniform(1.25, 1.6), -2.6)
    lens = (height - horizon) * rng.uniform(2.4, 3.4)
    camera = _Camera(eye, 0, lens, (width * rng.uniform(0.42, 0.58) + lens * eye[0] / 4, horizon))
    top, half, end, near = 0.75, rng.uniform(0.5, 0.66), rng.uniform(4, 7), -1.4
    cloths = (palette.light, mix(palette.light, palette.mid, 0.5), mix(palette.deep, palette.accent, 0.25))
    cloth = _one_of(rng, cloths)
    for z in np.arange(end, -0.9, -0.95).tolist():
        for side in (-1, 1):
            back = camera.aside(side * (half + 0.32), 0.2, 1.05, z - 0.2, z + 0.2)
            wood = mix(_varied(rng, palette.deep, 8), palette.ink, 0.5 if side == p.side else 0.15)
            p.area(wood, back)
            p.stroke(mix(wood, palette.light, 0.35), 1.4, back[[1, 2]], opacity=0.8)
    board = camera.level(-half, half, top, near, end)
    p.area(
        mix(cloth, palette.ink, 0.4), *(camera.aside(x, top - 0.28, top, near, end) for x in (-half, half))
    )
    p.area(cloth, board)
    p.area(mix(cloth, palette.ink, 0.5), board + (0, height * 0.3), soft=40, opacity=0.4)
    for z in np.arange(end - 0.3, -0.9, -0.95).tolist():
        unit = camera.scale(0, top, z)
        for side in (-1, 1):
            plate = camera.spot(side * half * 0.62, top, z)
            glass = camera.spot(side * half * 0.36, top, z + 0.2)
            p.dish(_varied(rng, mix(palette.light, palette.mid, 0.35)), *plate, unit * 0.135, 0.42)
            _glass(p, rng, *glass, unit * rng.uniform(0.16, 0.22))
        _centrepiece(p, rng, *camera.spot(rng.normal(0, 0.05), top, z), unit)
    _strings_of_lamps(p, rng, horizon)
    return p.finished(rng)


def _dusk(rng: np.random.Generator, size: Size, palette: Palette, horizon: float) -> _Painter:
    """An evening out of doors: sky, trees or hills fading away, dark ground."""
    width, height = size
    low = mix(palette.mid, palette.accent, 0.35)
    sky = gradient(size, [(0.0, mix(palette.deep, palette.ink, rng.uniform(0, 0.8))), (0.5, low)])
    p = _Painter(sky, palette, _side(rng))
    glow = mix(palette.light, palette.accent, 0.2)
    p.glow(glow, width * rng.uniform(0.2, 0.8), horizon, width * 0.8, 0.7)
    for k in range(3):
        tint = mix(mix(palette.mid, palette.accent, 0.2), palette.ink, 0.2 + 0.2 * k)
        p.area(tint, _hills(rng, size, horizon * (0.45 + 0.2 * k), 8, 16), soft=4.5 - k, opacity=0.6)
    ground = _box(-60, horizon + 14, width + 60, height + 60)
    p.area(mix(palette.deep, palette.ink, 0.5), ground, soft=10)
    return p


def _centrepiece(p: _Painter, rng: np.random.Generator, x: float, y: float, unit: float) -> None:
    """What stands along the middle of a table: a candle, a vase, a bowl of fruit; ``unit`` is a metre."""
    c, roll = p.palette, rng.random()
    if roll < 0.35:
        _candle(p, rng, x, y, unit * rng.uniform(0.16, 0.3), unit * 0.6)
    elif roll < 0.6:
        _vase(p, rng, x, y, unit * 0.2, 2)
    else:
        p.shadow(_oval(x, y, unit * 0.16, unit * 0.06), soft=3)
        for k in range(5):
            skin = _varied(rng, _one_of(rng, (c.accent, mix(c.accent, c.mid, 0.5))), 16)
            p.ball(skin, x + (k - 2) * unit * 0.05, y - unit * (0.11 + 0.03 * (k % 2)), unit * 0.045)
        clay = _varied(rng, _one_of(rng, (c.accent, c.deep, c.mid)))
        p.turned(clay, x, y, [(0, unit * 0.07), (unit * 0.08, unit * 0.15)], 0.12)


def _strings_of_lamps(p: _Painter, rng: np.random.Generator, horizon: float) -> None:
    width = p.image.width
    warm = mix(p.palette.light, p.palette.accent, 0.35)
    t = np.linspace(0, 1, 14)
    for _ in range(int(rng.integers(1, 4))):
        sag, (left, right) = rng.uniform(0.1, 0.3) * horizon, rng.uniform(-0.05, 0.6, 2) * horizon
        y = left * (1 - t) + right * t + sag * 4 * t * (1 - t)
        line = np.stack([-20 + (width + 40) * t, y], axis=1)
        p.stroke(p.palette.ink, 1, line, opacity=0.7)
        p.area(warm, *(_oval(a, b, 9, 9) for a, b in line), soft=6, opacity=0.5)
        p.area(mix(warm, p.palette.light, 0.7), *(_oval(a, b + 2, 2.2, 2.8) for a, b in line))


def _glass(p: _Painter, rng: np.random.Generator, x: float, base: float, tall: float) -> None:
    """A wine glass, or a tumbler, with something in it."""
    wine = mix(p.palette.accent, p.palette.ink, rng.uniform(0, 0.5))
    half = tall * 0.24
    shape: Profile = [
        (0, half),
        (0.04, 0.05 * tall),
        (0.4, 0.05 * tall),
        (0.55, half),
        (0.75, half * 1.1),
        (1, half * 0.85),
    ]
    if rng.random() < 0.4:
        shape, tall = [(0, half), (1, half * 1.15)], tall * 0.6
    scaled = [(h * tall, w) for h, w in shape]
    p.turned(p.palette.light, x, base, scaled, 0.16, 0.45)
    level = tall * rng.uniform(0.6, 0.85)
    full = [
        (h, float(np.interp(h, [a for a, _ in scaled], [b for _, b in scaled])) * 0.9)
        for h in np.linspace(tall * 0.46 if len(shape) > 2 else 2, level, 5)
    ]
    p.turned(wine, x, base, full, 0.16, 0.85)


def bread_and_bowls(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Bread, bowls and cloths crowded on a table, from above."""
    width, height = size
    p = _Painter(_ground(rng, size, palette), palette, _side(rng))
    cloth = _rounded(
        rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 0.8) * height, 210, 260, 16, rng.uniform(0, 3)
    )
    tint = _one_of(rng, (palette.light, palette.accent, mix(palette.light, palette.accent, 0.5)))
    p.shadow(cloth + (0, 5), soft=6)
    p.area(tint, cloth)
    for k in (0.86, 0.8, 0.3):
        p.stroke(mix(tint, palette.deep, 0.5), 1.4, cloth * k + cloth.mean(axis=0) * (1 - k), opacity=0.6)
    placed: list[tuple[float, float, float]] = []
    bread = (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.2, 0.8), width * rng.uniform(0.24, 0.3))
    placed.append(bread)
    largest = width * rng.uniform(0.2, 0.3)
    for _ in range(90):  # put down what still finds room, the large bowls first
        radius = largest * (1 - 0.66 * len(placed) / 12) * rng.uniform(0.85, 1.1)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if all(math.hypot(x - a, y - b) > (radius + r) * 1.06 for a, b, r in placed) and len(placed) < 11:
            placed.append((x, y, radius))
    turn = rng.uniform(0, 3)
    if rng.random() < 0.5:
        board = _rounded(bread[0], bread[1], bread[2] * 2.5, bread[2] * 1.9, 9, turn)
        p.shadow(board + (-p.side * 5, 7))
        p.area(mix(palette.deep, palette.mid, 0.35), board)
        p.area(mix(palette.deep, palette.mid, 0.55), board * 0.96 + board.mean(axis=0) * 0.04, soft=2)
    for x, y, radius in placed[1:]:
        if radius > 17 and rng.random() < 0.86:
            _bowl_of_food(p, rng, x, y, radius)
        elif rng.random() < 0.6:
            p.shadow(_oval(x - p.side * 3, y + 4, radius * 0.5, radius * 0.5), soft=3)
            p.ball(_varied(rng, palette.accent, 18), x, y, radius * 0.55)
        else:
            _glass_above(p, x, y, radius * 0.8)
    _loaf(p, rng, *bread[:2], bread[2] * 2, turn)
    for _ in range(int(rng.integers(1, 3))):
        foot = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 1) * height)
        _paint_sprig(p, rng, mix(palette.deep, palette.mid, 0.3), *foot, 90, rng.uniform(-1.5, 1.5), 22)
    _spoon(
        p,
        mix(palette.mid, palette.light, 0.2),
        rng.uniform(0.2, 0.8) * width,
        rng.uniform(0.2, 0.8) * height,
        110,
        rng.uniform(0, 6),
    )
    if rng.random() < 0.6:
        _fall_of_light(p, rng, palette.deep, 0.22)
    return p.finished(rng)


def fruit_still_life(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Fruit on a ledge, in a bowl or lying, against a dark or a pale wall."""
    width, height = size
    wall = _one_of(
        rng, (mix(palette.ink, palette.deep, 0.35), mix(palette.mid, palette.light, 0.5), palette.deep)
    )
    p = _Painter(_plaster(rng, size, mix(wall, palette.ink, 0.2), wall, palette), palette, _side(rng))
    p.glow(mix(wall, palette.light, 0.6), width * (0.5 + 0.5 * p.side), height * 0.3, height * 0.7, 0.6)
    edge = height * rng.uniform(0.62, 0.76)
    table = _one_of(rng, (palette.light, palette.mid, mix(palette.deep, palette.ink, 0.4)))
    p.area(mix(table, palette.ink, 0.2), _box(-2, edge, width + 2, height + 2))
    p.area(table, _box(-9, edge + 6, width + 9, edge + (height - edge) * 0.5), soft=14, opacity=0.9)
    if rng.random() < 0.6:
        _drape(p, rng, width * rng.uniform(0.2, 0.8), edge)
    unit = width * rng.uniform(0.085, 0.12)
    line = edge + (height - edge) * 0.3
    x = width * rng.uniform(0.35, 0.65)
    behind = x + _side(rng) * width * rng.uniform(0.24, 0.34)
    if rng.random() < 0.7:
        tall = height * rng.uniform(0.26, 0.4)
        _vase(p, rng, behind, edge + 14, tall, int(rng.integers(0, 4)))
    for _ in range(int(rng.integers(0, 3))):
        _fruit(p, rng, rng.uniform(0.1, 0.9) * width, edge + unit * 0.5, unit)
    if rng.random() < 0.65:
        _bowl_of_fruit(p, rng, x, line, unit)
    front = line + (height - edge) * 0.2
    for spot in np.linspace(0.1, 0.9, int(rng.integers(2, 6))) + rng.normal(0, 0.05):
        _fruit(p, rng, float(spot) * width, front + rng.normal(0, 8), unit * rng.uniform(0.85, 1.1))
    return p.finished(rng)


def _drape(p: _Painter, rng: np.random.Generator, x: float, edge: float) -> None:
    """A cloth lying on the ledge and hanging over its front."""
    low, c = p.image.height + 40, p.palette
    left = [(x - rng.uniform(60, 110), y) for y in np.linspace(low, edge + 8, 5)]
    outline = _smooth([*left, *((x + rng.uniform(50, 110), y) for y in np.linspace(edge + 8, low, 5))])
    p.shadow(outline + (-p.side * 6, 6))
    p.lay(_linen(rng, p.image.size, mix(c.light, c.mid, rng.uniform(0, 0.5)), c), outline)


def _bowl_of_fruit(p: _Painter, rng: np.random.Generator, x: float, base: float, unit: float) -> None:
    """Fruit heaped in a bowl; ``unit`` is the radius of one."""
    c = p.palette
    clay = _varied(rng, _one_of(rng, (c.light, c.deep, c.mid, c.accent)))
    deep, reach = unit * rng.uniform(1.0, 1.7), unit * rng.uniform(2.2, 2.9)
    p.shadow(_oval(x - p.side * reach * 0.5, base, reach * 1.1, reach * 0.2), soft=9, opacity=0.55)
    for row, count in ((0, 4), (1, 3)):
        for k in range(count):
            spot = x + (k - (count - 1) / 2) * reach * 0.46
            _fruit(p, rng, spot, base - deep * 0.86 - row * unit + unit * 0.35, unit * 0.92)
    foot = reach * rng.uniform(0.3, 0.5)
    p.turned(
        clay, x, base, [(0, foot), (deep * 0.12, foot * 0.9), (deep * 0.5, reach * 0.78), (deep, reach)], 0.1
    )


def _jar(p: _Painter, rng: np.random.Generator, x: float, base: float, half: float, tall: float) -> None:
    """A jar of preserves, pulses or pickles with its lid and, often, its label."""
    c = p.palette
    p.shadow(_oval(x - p.side * half * 0.8, base, half * 1.5, half * 0.3), soft=5)
    body = _outline("0,88 5,100 80,100 92,78 100,78") * (tall, half)
    p.turned(mix(c.light, c.mid, 0.5), x, base, body.tolist(), 0.14, 0.55)
    stuffs = (c.accent, c.deep, c.mid, mix(c.accent, c.mid, 0.5), mix(c.accent, c.deep, 0.5))
    fill, level = _varied(rng, _one_of(rng, stuffs), 14), tall * rng.uniform(0.5, 0.8)
    kind = int(rng.integers(3))
    for k in range(4 if kind == 1 else 1):  # one thing, or layers of several
        tint = fill if k == 0 else _varied(rng, _one_of(rng, (c.light, c.accent, c.mid, c.deep)), 14)
        p.turned(tint, x, base - 2, [(level * k / 4, half * 0.9), (level, half * 0.92)], 0.14, 0.95)
    if kind == 2:  # round things
        for spot in rng.uniform(-0.62, 0.62, (9, 2)):
            at = (x + spot[0] * half, base - level * (0.5 + 0.62 * spot[1]))
            p.ball(_varied(rng, fill, 18), *at, min(half * 0.26, 9))
    if rng.random() < 0.5:  # a label
        y = base - tall * 0.4
        p.area(mix(c.light, c.mid, 0.1), _rounded(x, y, half * 1.2, tall * 0.26, 9, 0))
        lines = [
            [(x - half * w, y + d), (x + half * w, y + d)] for w, d in ((0.34, -4), (0.42, 2), (0.24, 7))
        ]
        p.stroke(c.ink, 1, *lines, opacity=0.6)
    shine = x + p.side * half * 0.66
    p.stroke(
        c.light, half * 0.13, [(shine, base - tall * 0.1), (shine, base - tall * 0.74)], soft=1, opacity=0.65
    )
    lid = _varied(rng, _one_of(rng, (c.deep, c.accent, c.mid, mix(c.deep, c.accent, 0.5))))
    if rng.random() < 0.35:  # cloth tied over
        cap = _outline("0,108 9,84 20,86") * (tall, half)
        p.turned(lid, x, base - tall * 0.84, cap.tolist(), 0.12)
        p.stroke(mix(lid, c.light, 0.6), 1.5, _outline("-85,-93 0,-91.5 85,-93") * (half, tall) + (x, base))
    else:
        p.turned(lid, x, base - tall * 0.93, [(0, half * 0.86), (tall * 0.12, half * 0.86)], 0.14)
        p.area(mix(lid, c.light, 0.3), _oval(x, base - tall * 1.05, half * 0.86, half * 0.12))


def jars_shelf(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The larder: shelves of jars, with herbs and garlic hanging."""
    width, height = size
    wall = mix(palette.mid, _one_of(rng, (palette.light, palette.deep, palette.ink)), rng.uniform(0.1, 0.6))
    p = _Painter(_plaster(rng, size, wall, mix(wall, palette.ink, 0.2), palette), palette, _side(rng))
    if rng.random() < 0.6:
        _fall_of_light(p, rng, wall, 0.4)
    rows = int(rng.integers(1, 4)) if height > width else int(rng.integers(1, 3))
    wood = mix(palette.deep, palette.ink, rng.uniform(0, 0.5))
    pitch = height / (rows + rng.uniform(0.1, 0.6))
    first = pitch * rng.uniform(0.85, 1.0)
    for row in range(rows):
        base = first + row * pitch
        x = rng.uniform(-20, 20)
        while x < width:
            half = min(pitch * rng.uniform(0.17, 0.26), 46)
            tall = min(pitch * rng.uniform(0.4, 0.72), half * 3.4)
            x += half * 1.1
            roll = rng.random()
            if roll < 0.8:
                _jar(p, rng, x, base, half, tall)
            elif roll < 0.9:
                _vase(p, rng, x, base, tall, int(rng.integers(0, 2)))
            else:
                _fruit(p, rng, x, base, half * 0.8)
            x += half * rng.uniform(1.05, 1.5)
        p.shadow(_box(-9, base + 10, width + 9, base + 26), soft=7, opacity=0.5)
        p.area(mix(wood, palette.light, 0.22), _box(-4, base, width + 4, base + 4))
        p.area(wood, _box(-4, base + 4, width + 4, base + 13))
    hook = first + (rows - 1) * pitch + 13
    for x in np.arange(rng.uniform(10, 60), width, rng.uniform(45, 90)):
        if height - hook < 50 or rng.random() < 0.25:
            continue
        long = min(height - hook, 130) * rng.uniform(0.6, 0.9)
        p.stroke(palette.ink, 1, [(x, hook), (x, hook + long * 0.3)])
        for _ in range(4):
            _paint_sprig(
                p,
                rng,
                mix(palette.deep, palette.mid, rng.uniform(0, 0.6)),
                x,
                hook + 8,
                long,
                math.pi + rng.normal(0, 0.2),
                17,
            )
    return p.finished(rng)


# ---------------------------------------------------------------- hands in the soil


def _plant(p: _Painter, rng: np.random.Generator, x: float, base: float, tall: float) -> None:
    """What grows in a pot: leafy stems, blades, a cactus, a succulent, seedlings or a flower."""
    c = p.palette
    green = _varied(rng, mix(c.deep, _one_of(rng, (c.mid, c.ink, c.accent)), rng.uniform(0.05, 0.4)))
    kind = int(rng.integers(6))
    if kind == 0:  # leafy stems
        for turn in rng.normal(0, 0.4, int(rng.integers(3, 6))):
            _paint_sprig(p, rng, _varied(rng, green), x, base, tall * rng.uniform(0.7, 1.1), turn, tall * 0.2)
    elif kind == 1:  # blades
        for turn in np.sort(rng.normal(0, 0.5, 11)).tolist():
            blade = _smooth([(-0.05, 0), (-0.07, -0.5), (0.3 * turn, -1), (0.07, -0.5), (0.05, 0)])
            tone = mix(green, c.light if turn * p.side > 0 else c.ink, 0.25)
            p.area(_varied(rng, tone, 8), _placed(blade, x, base, tall * rng.uniform(0.6, 1.05), turn))
    elif kind == 2:  # cactus
        half = tall * rng.uniform(0.14, 0.22)
        body = _outline("0,80 30,100 75,95 92,60 100,10") * (tall * 0.8, half)
        p.turned(green, x, base, body.tolist(), 0.1)
        ribs = np.linspace(-0.7, 0.7, 5) * half
        lines = [[(x + k, base - tall * 0.04), (x + k * 0.85, base - tall * 0.7)] for k in ribs]
        p.stroke(mix(green, c.light, 0.4), 1, *lines, opacity=0.6)
        p.ball(c.accent, x, base - tall * 0.8, half * 0.34)
    elif kind == 3:  # succulent
        for ring, reach in enumerate((0.5, 0.36, 0.22)):
            for turn in np.linspace(-1.6, 1.6, 7) + 0.2 * ring:
                tone = _varied(rng, mix(green, c.light, 0.15 + 0.2 * ring), 8)
                p.area(tone, _placed(_LEAF * (0.24, 1), x, base, tall * reach, turn))
    elif kind == 4:  # seedlings
        for dx in rng.uniform(-0.24, 0.24, 6) * tall:
            top = base - tall * rng.uniform(0.25, 0.5)
            p.stroke(green, 1.5, [(x + dx * 0.8, base), (x + dx, top)])
            p.area(
                mix(green, c.light, 0.2), *(_oval(x + dx + 5 * k, top - 1, 6, 3, -0.4 * k) for k in (-1, 1))
            )
    else:
        _flowers(p, rng, green, x, base, tall)


def _flowers(p: _Painter, rng: np.random.Generator, green: RGB, x: float, base: float, tall: float) -> None:
    """Flowers on long stalks."""
    for turn in rng.normal(0, 0.25, 4).tolist():
        tip = (x + math.sin(turn) * tall, base - math.cos(turn) * tall * rng.uniform(0.7, 1.1))
        p.stroke(green, 2, _smooth([(x, base), (x, base - tall * 0.4), tip], closed=False))
        bloom = tall * rng.uniform(0.07, 0.11)
        spokes = [
            (a, tip[0] + bloom * math.cos(a), tip[1] + bloom * math.sin(a)) for a in np.linspace(0, 5.2, 6)
        ]
        p.area(
            _varied(rng, p.palette.accent),
            *(_oval(px, py, bloom * 0.8, bloom * 0.55, a) for a, px, py in spokes),
        )
        p.ball(mix(p.palette.accent, p.palette.light, 0.6), *tip, bloom * 0.55)
    p.area(green, *(_placed(_LEAF * (0.2, 1), x, base, tall * 0.45, t) for t in (-0.9, -0.4, 0.5, 1.0)))


def pots_on_sill(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Pots at a window: seedlings, herbs, a cactus, and the garden hazy outside."""
    width, height = size
    wall = mix(palette.light, palette.mid, rng.uniform(0.1, 0.8))
    p = _Painter(_plaster(rng, size, wall, mix(wall, palette.deep, 0.3), palette), palette, _side(rng))
    inset = rng.uniform(-0.12, 0.16) * width
    sill = rng.uniform(0.68, 0.86) * height
    x0, x1 = inset, width - inset * rng.uniform(0.3, 1)
    _view(p, rng, x0, max(-30, inset * 1.3), x1, sill)
    if rng.random() < 0.35:
        _folds_of_curtain(p, rng, int(x0) - 12, int(x0 + rng.uniform(0.1, 0.3) * width), 0, int(sill))
    ledge = _one_of(
        rng, (palette.light, mix(palette.deep, palette.mid, 0.4), mix(palette.deep, palette.ink, 0.4))
    )
    p.area(mix(ledge, palette.light, 0.2), _box(-4, sill, width + 4, sill + 26))
    p.area(mix(ledge, palette.ink, 0.35), _box(-4, sill + 26, width + 4, sill + 36))
    p.shadow(_box(-4, sill + 36, width + 4, sill + 54), soft=8, opacity=0.35)
    count = int(rng.integers(1, 6))
    spots = (np.arange(count) + 0.5 + rng.uniform(-0.16, 0.16, count)) / count * width
    for x in spots[rng.permutation(count)]:
        half = min(width / count * rng.uniform(0.26, 0.4), 52)
        tall = half * rng.uniform(1.2, 2.3)
        base = sill + rng.uniform(8, 20)
        clay = _varied(
            rng, _one_of(rng, (palette.accent, palette.accent, palette.mid, palette.light, palette.deep)), 14
        )
        p.shadow(_oval(x - p.side * half, base + 2, half * 1.5, half * 0.22), soft=5)
        room = (base - tall) * rng.uniform(0.4, 0.75)
        p.area(mix(palette.ink, clay, 0.2), _oval(x, base - tall, half * 0.95, half * 0.15))
        _plant(p, rng, float(x), base - tall + 2, min(room, half * rng.uniform(2.4, 4)))
        p.turned(clay, x, base, [(0, half * rng.uniform(0.62, 0.95)), (tall * 0.78, half * 0.92)], 0.13)
        p.turned(clay, x, base - tall * 0.77, [(0, half * 1.02), (tall * 0.22, half * 1.04)], 0.13)
        if rng.random() < 0.5:
            p.shadow(_arc(x, base - tall * 0.76, half * 0.9, half * 0.13, 0, math.pi), soft=1.5, opacity=0.5)
    return p.finished(rng)


# ---------------------------------------------------------------- austere calm


def _patch_on_floor(
    opening: np.ndarray, sun: tuple[float, float, float], half: float, depth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where light through an opening falls: on the floor, and on the side wall it may climb."""
    fall = opening[:, 1:2] / -sun[1]
    floor = opening + fall * np.array(sun)
    reach = np.where(sun[0] > 0, half, -half)
    climb = opening + np.abs((reach - opening[:, 0:1]) / sun[0]) * np.array(sun)
    floor[:, 0] = np.clip(floor[:, 0], -half, half)
    floor[:, 2] = np.clip(floor[:, 2], 0.1, depth)
    climb[:, 1] = np.maximum(climb[:, 1], 0)
    climb[:, 2] = np.clip(climb[:, 2], 0.1, depth)
    return floor, climb


def empty_room(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A bare room with hardly anything in it but the light from an opening."""
    width, height = size
    half, tall, depth = rng.uniform(1.4, 3.2), rng.uniform(2.4, 4.6), rng.uniform(3.5, 7)
    centre = (width * rng.uniform(0.32, 0.68), height * rng.uniform(0.48, 0.66))
    eye = (rng.uniform(-0.5, 0.5) * half, rng.uniform(1.1, 1.8), rng.uniform(-2.2, -0.6))
    camera = _Camera(eye, rng.normal(0, 0.12), width * rng.uniform(0.75, 1.1), centre)
    side, room = _side(rng), (half, tall, depth)
    wall = mix(palette.light, palette.mid, rng.uniform(0.3, 1.0))
    p = _Painter(_plaster(rng, size, wall, mix(wall, palette.deep, 0.3), palette), palette, side)
    _bare_walls(p, camera, room, wall)
    _mottled(p.image, rng, palette.ink, 60, 0.07)
    if rng.random() < 0.25:
        _rooms_beyond(p, rng, camera, room, wall)
        return p.finished(rng)
    _light_through(p, rng, camera, room, wall)
    roll = rng.random()
    if roll < 0.35:
        foot = camera.spot(-side * half * 0.6, 0, depth - 0.6)
        _vase(p, rng, *foot, camera.scale(0, 0, depth) * rng.uniform(0.5, 1), 2)
    elif roll < 0.6:  # a bench or a block
        x, z, long = rng.uniform(-0.5, 0.3) * half, depth * 0.7, rng.uniform(0.5, 1.2)
        p.shadow(camera.level(x - side * 0.3, x + long - side * 0.3, 0, z, z + 0.4), soft=5)
        p.area(mix(wall, palette.ink, 0.45), camera.across(x, x + long, 0, 0.42, z))
        p.area(mix(wall, palette.light, 0.4), camera.level(x, x + long, 0.42, z, z + 0.4))
    return p.finished(rng)


def _bare_walls(p: _Painter, camera: _Camera, room: tuple[float, float, float], wall: RGB) -> None:
    """Floor, ceiling and side walls, dusky where they meet the far one."""
    half, tall, depth = room
    near, c = -0.4, p.palette
    p.area(mix(wall, c.deep, 0.55), camera.level(-half, half, 0, near, depth))
    p.area(mix(wall, c.deep, 0.22), camera.level(-half, half, tall, near, depth))
    for end, tone in ((-p.side, 0.18), (p.side, 0.6)):
        p.area(mix(wall, c.deep, tone), camera.aside(end * half, 0, tall, near, depth))
        p.shadow(camera.aside(end * half, 0, tall, depth - 0.8, depth), soft=12, opacity=0.16)
    for y in (0.0, tall):
        p.stroke(c.ink, 9, camera.see([(-half, y, depth), (half, y, depth)]), soft=7, opacity=0.22)


def _rooms_beyond(
    p: _Painter, rng: np.random.Generator, camera: _Camera, room: tuple[float, float, float], wall: RGB
) -> None:
    """Doorways one behind another, lighter as they go."""
    half, tall, depth = room
    c = p.palette
    light = mix(c.light, c.accent, rng.uniform(0, 0.12))
    x, wide, high = rng.uniform(-0.4, 0.4) * half, rng.uniform(0.45, 0.8), tall * rng.uniform(0.6, 0.85)
    for k in range(int(rng.integers(2, 5))):
        z, reach = depth + 1.7 * k, wide * (1 - 0.06 * k)
        dim = mix(wall, c.deep, 0.55)
        p.area(mix(dim, light, 0.3 * k), camera.across(x - reach, x + reach, 0, high, z))
        p.area(mix(wall, c.ink, 0.35 - 0.07 * k), camera.aside(x - p.side * wide, 0, high, z, z + 0.4))
        p.area(mix(dim, light, 0.25 * k + 0.1), camera.level(x - wide, x + wide, 0, z, z + 1.6))
        x += rng.normal(0, 0.15)
    p.glow(light, *camera.spot(x, high * 0.5, depth + 5), p.image.width * 0.4, 0.6)
    path = [(x - wide, 0, depth), (x + wide, 0, depth), (x + wide * 1.8, 0, 0.6), (x - wide * 0.8, 0, 0.6)]
    p.area(light, camera.see(path), soft=9, opacity=0.4)


def _light_through(
    p: _Painter, rng: np.random.Generator, camera: _Camera, room: tuple[float, float, float], wall: RGB
) -> None:
    """Windows, slits or doors in one wall, and the light they let fall on the floor."""
    half, tall, depth = room
    light = mix(p.palette.light, p.palette.accent, rng.uniform(0, 0.12))
    count, span = int(rng.integers(1, 4)), _one_of(rng, (rng.uniform(0.25, 0.9), rng.uniform(0.5, 1.6)))
    door, back = bool(rng.random() < 0.3), bool(rng.random() < 0.3)
    low = 0.0 if door else tall * rng.uniform(0.25, 0.45)
    high = tall * rng.uniform(0.65, 0.92)
    sun = (-p.side * rng.uniform(0.5, 1.2), -rng.uniform(0.5, 1.1), rng.normal(0, 0.3))
    if back:
        sun = (p.side * rng.uniform(0.1, 0.5), -rng.uniform(0.4, 0.8), -1.0)
    for k in range(count):
        at = (k - (count - 1) / 2) * span * 1.7 + (rng.normal(0, 0.1) if back else depth * 0.55)
        (a, b), x = (at - span / 2, at + span / 2), p.side * half
        corners = ((a, low), (a, high), (b, high), (b, low))
        opening = np.array([(e, y, depth) if back else (x, y, e) for e, y in corners])
        floor, climb = _patch_on_floor(opening, sun, half, depth)
        seen, shapes = camera.see(opening), [camera.see(floor)]
        if not back and high / -sun[1] * abs(sun[0]) > 2 * half:
            shapes.append(camera.see(climb))
        p.area(mix(wall, p.palette.ink, 0.3), seen + (p.side * -4, 3))
        p.area(mix(light, p.palette.light, 0.8), seen)
        p.area(light, seen, soft=16, opacity=0.5)
        for shape in shapes:
            p.area(light, shape, soft=12, opacity=0.3)
            p.area(light, shape, soft=1.5, opacity=0.72)
            p.area(light, np.concatenate([seen[[1, 2]], shape[[2, 1]]]), soft=14, opacity=0.12)


# ---------------------------------------------------------------- winter and absence


def _chair_parts(rng: np.random.Generator) -> tuple[list[list[tuple[float, float, float]]], float]:
    """The rails, posts and spindles of one chair about the origin, back to the far side, and its seat."""
    seat, back, deep = 0.45, rng.uniform(0.85, 1.15), 0.21
    lean, splay = rng.uniform(0.02, 0.12), rng.uniform(0, 0.05)
    parts = []
    for x in (-0.21, 0.21):
        parts.append([(x * 1.05, 0.0, deep + splay), (x, seat, deep), (x, back, deep + lean)])
        parts.append([(x * (1 + splay), 0.0, -deep - splay), (x, seat, -deep)])
        parts.append([(x, 0.2, deep), (x, 0.2, -deep)])
    kind = rng.integers(3)
    if kind == 0:  # ladder back
        for k in np.linspace(0.45, 1, int(rng.integers(2, 5))):
            y, z = seat + (back - seat) * k, deep + lean * k
            parts.append([(-0.21, y, z), (0.0, y + 0.02, z + 0.03), (0.21, y, z)])
    else:  # spindles, or a hoop of them
        top = [
            (x, back + (0.08 * math.cos(x * 7) if kind == 2 else 0), deep + lean)
            for x in (-0.21, -0.1, 0.0, 0.1, 0.21)
        ]
        parts.append(top)
        parts += [
            [(x, seat, deep), (x, back, deep + lean)]
            for x in np.linspace(-0.15, 0.15, int(rng.integers(3, 6))).tolist()
        ]
    parts.append([(-0.21, 0.26, -deep), (0.21, 0.26, -deep)])
    return parts, seat


def _chair(p: _Painter, rng: np.random.Generator, camera: _Camera, x: float, z: float, wood: RGB) -> None:
    """A chair standing at (x, z), turned any way, with the shadow that low light gives it."""
    parts, seat = _chair_parts(rng)
    turn, sun = rng.uniform(-2.6, 2.6), (-p.side * rng.uniform(0.6, 1.3), rng.normal(0, 0.35))
    c, s = math.cos(turn), math.sin(turn)

    def stood(points: Sequence[tuple[float, float, float]]) -> np.ndarray:
        at = np.array(points)
        return np.stack([x + at[:, 0] * c + at[:, 2] * s, at[:, 1], z - at[:, 0] * s + at[:, 2] * c], axis=1)

    thick = camera.scale(x, 0.5, z) * 0.032
    lines = [stood(part) for part in parts]
    top = stood([(-0.23, seat, -0.23), (0.23, seat, -0.23), (0.22, seat, 0.23), (-0.22, seat, 0.23)])
    flat = [
        camera.see(np.stack([a[:, 0] + a[:, 1] * sun[0], 0 * a[:, 1], a[:, 2] + a[:, 1] * sun[1]], axis=1))
        for a in (*lines, top)
    ]
    p.stroke(mix(p.palette.ink, wood, 0.2), thick, *flat[:-1], soft=2.2, opacity=0.42)
    p.shadow(flat[-1], soft=2.5, opacity=0.4)
    lines.sort(key=lambda a: -float(a[:, 2].mean()))
    middle = float(top[:, 2].mean())
    for behind in (True, False):
        for line in lines:
            if (line[:, 2].mean() > middle) == behind:
                seen = camera.see(line)
                p.stroke(mix(wood, p.palette.ink, 0.45), thick, seen)
                p.stroke(
                    mix(wood, p.palette.light, 0.25),
                    thick * 0.35,
                    seen + (p.side * thick * 0.22, 0),
                    opacity=0.7,
                )
        if behind:
            p.area(
                mix(wood, p.palette.ink, 0.5),
                camera.see(top - (0, 0.035, 0)),
                camera.see(top) + (0, thick * 0.5),
            )
            p.area(mix(wood, p.palette.light, 0.2), camera.see(top))


def empty_chair(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """One chair that nobody sits on: in a room, before a window, or out in the snow."""
    width, height = size
    horizon, foot = height * rng.uniform(0.3, 0.46), height * rng.uniform(0.78, 0.92)
    metre = min(width, height * 0.8) * rng.uniform(0.36, 0.66)
    z = rng.uniform(2.2, 3.6)
    camera = _Camera((0.0, (foot - horizon) / metre, 0.0), 0.0, metre * z, (width / 2, horizon))
    x = rng.uniform(-0.26, 0.26) * width / metre
    wood = _one_of(rng, (palette.ink, palette.deep, mix(palette.deep, palette.accent, 0.4)))
    snow = rng.random() < 0.25
    p = _snowfield(rng, size, palette, horizon) if snow else _chair_room(rng, size, palette, camera, x, z)
    _chair(p, rng, camera, x, z, wood)
    if snow:
        flakes = [
            _oval(fx, fy, 0.8 + r, 0.8 + r)
            for fx, fy, r in (rng.random((35, 3)) * (width, height, 1.4)).tolist()
        ]
        p.area(palette.light, *flakes, opacity=0.85)
    return p.finished(rng)


def _snowfield(rng: np.random.Generator, size: Size, palette: Palette, horizon: float) -> _Painter:
    low, high = mix(palette.mid, palette.light, 0.6), mix(palette.mid, palette.deep, 0.35)
    p = _Painter(gradient(size, [(0, high), (0.5, low), (1, palette.light)]), palette, _side(rng))
    for k in range(3):
        wood = _hills(rng, size, horizon * (0.74 + 0.1 * k), 6, 30)
        p.area(mix(palette.mid, palette.deep, 0.2 + 0.25 * k), wood, soft=5 - k, opacity=0.5)
    p.area(mix(palette.light, palette.mid, 0.12), _hills(rng, size, horizon, 3, 9), soft=2)
    _mottled(p.image, rng, palette.mid, 50, 0.3)
    return p


def _chair_room(
    rng: np.random.Generator, size: Size, palette: Palette, camera: _Camera, x: float, z: float
) -> _Painter:
    """A room with a boarded floor; a window, light, a coat or a lost picture on its wall."""
    width, height = size
    back, kind = z + rng.uniform(0.5, 1.2), int(rng.integers(4))
    line = float(camera.see([(0, 0, back)])[0, 1])
    wall = mix(palette.mid, _one_of(rng, (palette.light, palette.deep)), rng.uniform(0.1, 0.7))
    image = _plaster(rng, size, mix(wall, palette.light, 0.2), mix(wall, palette.deep, 0.25), palette)
    p = _Painter(image, palette, _side(rng))
    floor = mix(wall, palette.deep, rng.uniform(0.4, 0.8))
    p.area(floor, _box(-4, line, width + 4, height + 4))
    gaps = np.arange(-3, 3, rng.uniform(0.16, 0.4)).tolist()
    p.stroke(
        mix(floor, palette.ink, 0.5), 1, *(camera.see([(k, 0, back), (k, 0, 0.9)]) for k in gaps), opacity=0.5
    )
    p.area(mix(wall, palette.light, 0.35), _box(-4, line - 12, width + 4, line))
    p.stroke(palette.ink, 6, [(-9, line), (width + 9, line)], soft=5, opacity=0.3)
    at = width * rng.uniform(0.25, 0.75)
    if kind == 0:
        left = width * rng.uniform(0.1, 0.4)
        top, sill = line * rng.uniform(0.02, 0.2), line * rng.uniform(0.66, 0.8)
        _view(p, rng, left, top, left + width * rng.uniform(0.4, 0.55), sill)
        if rng.random() < 0.6:
            _folds_of_curtain(p, rng, int(left - 26), int(left + 16), 0, int(line))
        shine = [(x - 0.5, 0, back - 0.1), (x + 0.7, 0, back - 0.1), (x + 1.1, 0, 1.2), (x - 0.9, 0, 1.2)]
        p.area(palette.light, camera.see(shine), soft=12, opacity=0.4)
    elif kind == 1:
        _fall_of_light(p, rng, wall, 0.6)
    elif kind == 2:  # where a picture hung, the wall is paler
        p.area(
            mix(wall, palette.light, 0.4), _rounded(at, line * 0.36, 90, 116, 60, 0), soft=1.5, opacity=0.7
        )
        p.stroke(palette.ink, 2, [(at, line * 0.36 - 66), (at, line * 0.36 - 62)])
    else:
        _coat(p, at, line * 0.14, line * 0.6)
    return p


def _coat(p: _Painter, x: float, y: float, tall: float) -> None:
    """A coat left hanging on a hook."""
    right = _outline("4,0 11,5 23,9 29,36 32,64 23,65 20,36 21,100")
    cut = np.concatenate([right, right[::-1] * (-1, 1)])
    shape = _placed(_smooth(_doubled(cut)), x, y, tall)
    p.shadow(shape + (-p.side * 9, 7), soft=7)
    p.area(mix(p.palette.deep, p.palette.accent, 0.3), shape)
    creases = [
        [(x + k * tall * 0.5, y + tall * 0.1), (x + k * tall * 1.3, y + tall * 0.96)]
        for k in (-0.1, 0.03, 0.14)
    ]
    p.stroke(p.palette.ink, 4, *creases, soft=3, opacity=0.4)


def _written_lines(rng: np.random.Generator, wide: float, tall: float, pitch: float) -> list[np.ndarray]:
    """Handwriting that cannot be read, as lines about the middle of a sheet."""
    strokes = []
    lean, step = rng.uniform(0.1, 0.5), 1.8
    for row in range(int((tall - pitch) / pitch)):
        start = -wide / 2 + (pitch if row % 5 == 0 else 0)
        end = wide / 2 if row % 5 < 4 else rng.uniform(-0.3, 0.3) * wide
        x = np.arange(start, end, step)
        up = np.where(np.arange(len(x)) % 2, 1, -0.35)
        rise = np.minimum(np.abs(rng.normal(0, 1, len(x))) ** 1.5 * up, 2) * pitch * 0.2
        line = np.stack([x + lean * rise, pitch * (row + 1) - tall / 2 - rise], axis=1)
        words = np.split(line, np.cumsum(rng.integers(5, 20, len(x) // 5)).clip(max=len(x)))
        strokes += [word[:-2] for word in words if len(word) > 4]
    return strokes


def _sheet(
    p: _Painter, rng: np.random.Generator, x: float, y: float, wide: float, tall: float, turn: float
) -> None:
    """A written sheet, creased where it was folded."""
    paper = _varied(rng, mix(p.palette.light, p.palette.mid, rng.uniform(0, 0.25)), 6)
    outline = _placed(_box(-wide / 2, -tall / 2, wide / 2, tall / 2), x, y, 1, turn)
    p.shadow(outline + (-p.side * 5, 6), soft=7, opacity=0.45)
    p.area(paper, outline)
    folds = int(rng.integers(1, 4))
    for k in range(1, folds + 1):
        at = -tall / 2 + tall * k / (folds + 1)
        below = _placed(_box(-wide / 2, at, wide / 2, at + 14), x, y, 1, turn)
        p.area(p.palette.deep, below, soft=4, opacity=0.16)
        crease = _placed([(-wide / 2, at), (wide / 2, at)], x, y, 1, turn)
        p.stroke(mix(paper, (255, 255, 255), 0.4), 1.4, crease, opacity=0.9)
    pitch = rng.uniform(10, 15)
    ink = mix(p.palette.ink, p.palette.accent, rng.uniform(0, 0.5))
    lines = _written_lines(rng, wide * 0.78, tall * rng.uniform(0.55, 0.84), pitch)
    p.stroke(ink, 0.9, *(_placed(line, x, y, 1, turn) for line in lines), opacity=0.75)


def _envelope(p: _Painter, rng: np.random.Generator, x: float, y: float, wide: float, turn: float) -> None:
    """An envelope, its flap and seal towards us or its stamp and address."""
    tall = wide * 0.66
    paper = _varied(
        rng, mix(p.palette.mid, _one_of(rng, (p.palette.light, p.palette.accent)), rng.uniform(0.2, 0.6)), 8
    )
    ink = mix(p.palette.ink, paper, 0.2)

    def put(points: Points) -> np.ndarray:
        return _placed(np.asarray(points) * (wide / 2, tall / 2), x, y, 1, turn)

    body = put(_box(-1, -1, 1, 1))
    p.shadow(body + (-p.side * 5, 6), soft=6, opacity=0.5)
    p.area(paper, body)
    if rng.random() < 0.5:
        p.area(mix(paper, p.palette.ink, 0.12), put([(-1, 1), (0, -0.1), (1, 1)]))
        flap = put([(-1, -1), (1, -1), (0.06, 0.2), (-0.06, 0.2)])
        p.shadow(flap + (0, 3), soft=3, opacity=0.35)
        p.area(mix(paper, p.palette.light, 0.2), flap)
        sx, sy = put([(0, 0.16)])[0].tolist()
        p.area(
            mix(p.palette.accent, p.palette.ink, 0.3),
            _smooth(_oval(sx, sy, 13, 12)[::5] + rng.normal(0, 1, (8, 2))),
        )
        p.dish(p.palette.accent, sx, sy, 9.5)
    else:
        lines = [[(a, h), (b, h)] for a, b, h in ((-0.35, 0.45, 0.0), (-0.35, 0.3, 0.25), (-0.35, 0.6, 0.5))]
        p.stroke(ink, 0.9, *(put(_wobbly(rng, line)) for line in lines))
        stamp = put(_box(0.6, -0.84, 0.9, -0.3))
        p.area(p.palette.light, stamp)
        p.area(
            mix(p.palette.accent, p.palette.deep, rng.uniform(0, 0.6)), stamp * 0.8 + stamp.mean(axis=0) * 0.2
        )
        mx, my = put([(0.5, -0.5)])[0].tolist()
        p.stroke(
            ink,
            1,
            _oval(mx, my, 15, 15),
            _oval(mx, my, 11, 11),
            *(put([(-0.1, h), (0.4, h + 0.04)]) for h in (-0.6, -0.5, -0.4)),
            opacity=0.6,
        )


def _wobbly(rng: np.random.Generator, line: list[tuple[float, float]]) -> np.ndarray:
    t = np.linspace(0, 1, 34)
    (xa, ya), (xb, yb) = line
    return np.stack([xa + (xb - xa) * t, ya + (yb - ya) * t + rng.normal(0, 0.035, 34)], axis=1)


def letter(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Letters on a table, with what was kept in them."""
    width, height = size
    p = _Painter(_ground(rng, size, palette), palette, _side(rng))
    for _ in range(int(rng.integers(0, 3))):
        at = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height)
        _envelope(p, rng, *at, rng.uniform(0.5, 0.7) * width, rng.uniform(-0.9, 0.9))
    x, y, turn = width * rng.uniform(0.42, 0.6), height * rng.uniform(0.42, 0.58), rng.normal(0, 0.2)
    if rng.random() < 0.25:
        _bundle(p, rng, x, y, width * rng.uniform(0.62, 0.8), turn)
    else:
        wide, tall = width * rng.uniform(0.55, 0.82), height * rng.uniform(0.5, 0.8)
        for k in range(int(rng.integers(1, 4)) - 1, -1, -1):
            _sheet(p, rng, x + 16 * k, y - 12 * k, wide, tall, turn + 0.12 * k)
        if rng.random() < 0.35:
            _envelope(p, rng, x - width * 0.15, y + tall * 0.5, width * 0.58, rng.normal(0, 0.4))
        if rng.random() < 0.7:
            tip = (x + wide * rng.uniform(0, 0.4), y + tall * rng.uniform(0, 0.3))
            _pen(p, *tip, height * 0.34, rng.uniform(0.2, 1.2))
    for _ in range(int(rng.integers(0, 3))):
        foot = (rng.uniform(0.1, 0.9) * width, rng.uniform(0.5, 1) * height)
        dried = mix(palette.deep, palette.accent, rng.uniform(0, 0.5))
        _paint_sprig(p, rng, dried, *foot, height * 0.3, rng.normal(0, 0.8), 20)
    if rng.random() < 0.25:
        _cup_above(
            p, rng, palette.light, width * _one_of(rng, (0.06, 0.94)), height * rng.uniform(0.05, 0.3), 46
        )
    _fall_of_light(p, rng, palette.deep, rng.uniform(0.15, 0.4))
    return p.finished(rng)


def _bundle(p: _Painter, rng: np.random.Generator, x: float, y: float, wide: float, turn: float) -> None:
    """Letters kept together, tied with string."""
    for _ in range(3):
        _envelope(p, rng, x + rng.normal(0, 5), y + rng.normal(0, 5), wide, turn + rng.normal(0, 0.05))
    along, down = [(-wide / 2, 4), (wide / 2, 4)], [(6, -wide * 0.33), (6, wide * 0.33)]
    string = [_placed(line, x, y, 1, turn) for line in (along, down)]
    p.stroke(p.palette.ink, 2.5, *(line + (0, 2) for line in string), soft=1.5, opacity=0.4)
    bow = _smooth(_outline("6,4 -24,-22 -34,-4 6,4 34,-26 44,-6 6,4 30,34"), closed=False)
    p.stroke(mix(p.palette.accent, p.palette.light, 0.2), 2.2, *string, _placed(bow, x, y, 100, turn))


def _pen(p: _Painter, x: float, y: float, long: float, turn: float) -> None:
    """A fountain pen put down."""
    c, nib = p.palette, mix(p.palette.accent, p.palette.light, 0.4)
    barrel = _outline("-2.2,-50 2.2,-50 2.8,20 1.6,36 -1.6,36 -2.8,20")
    p.shadow(_placed(barrel, x - p.side * 5, y + 6, long, turn), soft=3, opacity=0.5)
    p.area(c.ink, _placed(barrel, x, y, long, turn))
    metal = (_outline("1.6,36 0,50 -1.6,36"), _outline("-2.4,-6 2.5,-6 2.5,-4 -2.4,-4"))
    p.area(nib, *(_placed(part, x, y, long, turn) for part in metal))
    p.stroke(c.light, 1, _placed(_outline("0.8,-46 1.2,15"), x, y, long, turn), soft=1, opacity=0.6)


# ---------------------------------------------------------------- honest work


# Each tool hangs from (0, 0) down to about (0, 100): outlines of wood, metal or paint, as x,y pairs.
_TOOLS: dict[str, list[tuple[str, str]]] = {
    "hammer": [
        ("wood", "-3,10 3,10 4,50 5.5,98 -5.5,98 -4,50"),
        ("metal", "-24,6 -10,2 7,2 10,5 17,5 17,0 23,0 23,19 17,19 17,14 10,14 6,18 -6,18 -10,12"),
    ],
    "mallet": [
        ("wood", "-3,20 3,20 4.5,98 -4.5,98"),
        ("paint", "-20,0 20,0 22,34 -22,34"),
    ],
    "saw": [
        ("metal", "-11,22 15,22 3,100 -10,100"),
        ("wood", "-14,0 8,0 17,6 17,26 10,26 10,9 -4,8 -5,18 4,20 4,26 -15,26 -11,14"),
    ],
    "chisel": [
        ("metal", "-3.5,45 3.5,45 5,97 -5,100"),
        ("wood", "-4.5,0 4.5,0 6,16 4,42 5.5,47 -5.5,47 -4,42 -6,16"),
    ],
    "screwdriver": [
        ("metal", "-1.6,36 1.6,36 1.6,92 3,100 -3,100 -1.6,92"),
        ("paint", "-5,0 5,0 6.5,10 6.5,30 3,38 -3,38 -6.5,30 -6.5,10"),
    ],
    "square": [
        ("metal", "-20,10 -12,10 -12,100 -20,100"),
        ("wood", "-24,0 30,0 30,12 -24,12"),
    ],
    "spanner": [
        (
            "metal",
            "-10,0 -4,8 4,8 10,0 13,10 5,20 4,80 11,88 7,100 3,92 -3,92 -7,100 -11,88 -4,80 -5,20 -13,10",
        ),
    ],
    "pliers": [
        ("metal", "-5,0 -1,0 0,20 1,0 5,0 8,20 4,34 -4,34 -8,20"),
        ("paint", "0,32 5,32 14,60 12,100 6,100 7,62"),
        ("paint", "0,32 -5,32 -14,60 -12,100 -6,100 -7,62"),
    ],
    "brush": [
        ("wood", "-2,0 2,0 4,20 3,40 12,50 -12,50 -3,40 -4,20"),
        ("metal", "-13,50 13,50 13,64 -13,64"),
        ("paint", "-13,64 13,64 12,98 0,100 -12,98"),
    ],
    "plane": [
        ("paint", "-16,0 16,0 16,94 10,100 -10,100 -16,94"),
        ("metal", "-9,30 9,30 9,62 -9,62"),
        ("wood", "-5,4 5,4 6,22 -6,22"),
        ("wood", "-6,72 6,72 6,84 -6,84"),
    ],
    "file": [
        ("metal", "-3,32 3,32 4,90 0,100 -4,90"),
        ("wood", "-3.5,0 3.5,0 5.5,12 3,34 -3,34 -5.5,12"),
    ],
    "axe": [
        ("wood", "-3,2 3,2 3,50 6,100 -3,100 -2,50"),
        ("metal", "-5,6 8,5 26,0 30,14 26,30 8,20 -5,20"),
    ],
}


def _tool_outline(kind: str, pairs: str) -> np.ndarray:
    """The outline of a tool's part, one long; hands have rounded the wood."""
    return _smooth(_doubled(_outline(pairs))) if kind == "wood" else _outline(pairs)


_TOOL_OUTLINES = {
    name: [(kind, _tool_outline(kind, pairs)) for kind, pairs in parts] for name, parts in _TOOLS.items()
}


def _tool(
    p: _Painter,
    rng: np.random.Generator,
    name: str,
    x: float,
    y: float,
    long: float,
    turn: float,
    hung: bool = False,
) -> None:
    """A tool and its shadow, its upper end at (x, y), ``hung`` there on a peg or lying."""
    c = p.palette
    flip = (_side(rng), 1)
    parts = [(kind, _placed(shape * flip, x, y, long, turn)) for kind, shape in _TOOL_OUTLINES[name]]
    p.shadow(*(shape + (-p.side * 6, 7) for _, shape in parts), soft=4, opacity=0.5)
    tints = {
        "wood": _varied(rng, mix(c.mid, _one_of(rng, (c.deep, c.light, c.accent)), 0.25)),
        "metal": _varied(rng, mix(mix(c.ink, c.mid, 0.3), c.light, rng.uniform(0.1, 0.4))),
        "paint": _varied(rng, _one_of(rng, (c.accent, c.accent, c.deep, c.light))),
    }
    for kind, shape in parts:
        centre = shape.mean(axis=0)
        p.area(mix(tints[kind], c.ink, 0.4), shape)
        p.area(tints[kind], (shape - centre) * 0.88 + centre + (p.side, -1), soft=1)
        p.area(
            mix(tints[kind], c.light, 0.5),
            (shape - centre) * (0.4, 0.8) + centre + (p.side * 2, -1),
            soft=2,
            opacity=0.5,
        )
    if hung:
        p.area(mix(c.light, c.mid, 0.4), _oval(x, y + 1, 2.4, 2.4))


def tool_wall(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Tools hung in their order on a board."""
    width, height = size
    body = mix(
        palette.mid,
        _one_of(rng, (palette.light, palette.deep, palette.accent, palette.ink)),
        rng.uniform(0.2, 0.7),
    )
    kind = rng.integers(3)
    if kind == 0:
        image = _boards(
            rng, size, mix(body, palette.light, 0.2), mix(body, palette.ink, 0.45), bool(rng.random() < 0.5)
        )
    else:
        image = _plaster(rng, size, mix(body, palette.light, 0.15), mix(body, palette.ink, 0.2), palette)
    p = _Painter(image, palette, _side(rng))
    if kind == 1:  # pegboard
        pitch = int(rng.integers(14, 20))
        dots = Image.new("L", size)
        pen = ImageDraw.Draw(dots)
        for down in range(pitch // 2, height, pitch):
            for along in range(pitch // 2, width, pitch):
                pen.ellipse([along - 1.5, down - 1.5, along + 1.5, down + 1.5], fill=150)
        image.paste(mix(body, palette.ink, 0.7), (0, 0), dots)
    if rng.random() < 0.7:
        _fall_of_light(p, rng, body, 0.35)
    rows = int(rng.integers(1, 4)) if height > width else int(rng.integers(1, 3))
    pitch_y = height / rows
    names, last = list(_TOOLS), ""
    family = _one_of(rng, ("", "", "", "chisel", "saw", "spanner", "brush"))
    for row in range(rows):
        long = pitch_y * rng.uniform(0.66, 0.8)
        top = row * pitch_y + (pitch_y - long) * 0.5
        own = family if row == int(rng.integers(rows)) else ""
        if rng.random() < 0.5:  # a rail to hang them from
            p.shadow(_box(-4, top + 8, width + 4, top + 18), soft=5)
            p.area(mix(body, palette.ink, 0.45), _box(-4, top - 2, width + 4, top + 9))
            p.area(mix(body, palette.light, 0.3), _box(-4, top - 2, width + 4, top))
        x, k = rng.uniform(0.05, 0.14) * width, 0
        while x < width - 16:
            name = own or _one_of(rng, [n for n in names if n != last])
            room = max(float(np.abs(shape[:, 0]).max()) for _, shape in _TOOL_OUTLINES[name])
            size_k = long * (1 - 0.07 * k if own else rng.uniform(0.6, 1.0))
            if x + room * size_k < width - 4 and size_k > 0.3 * long:
                _tool(p, rng, name, x + room * size_k * 0.6, top + 4, size_k, rng.normal(0, 0.025), hung=True)
            x += max(26, room * size_k * 2) + rng.uniform(6, 22)
            last, k = name, k + 1
    return p.finished(rng)


def _shavings(p: _Painter, rng: np.random.Generator, x: float, y: float, spread: float, count: int) -> None:
    """Curls of wood fallen from the plane."""
    wood = mix(p.palette.light, p.palette.mid, 0.45)
    for _ in range(count):
        cx, cy, radius = x + rng.normal(0, spread), y + rng.normal(0, spread * 0.25), rng.uniform(4, 9)
        t = np.linspace(0, rng.uniform(5, 9), 26)
        curl = _placed(
            np.stack([np.cos(t) + 0.12 * t, np.sin(t) * 0.8], axis=1), cx, cy, radius, rng.uniform(0, 6)
        )
        p.stroke(p.palette.ink, 3.5, curl + (-p.side * 2, 3), soft=2, opacity=0.3)
        p.stroke(mix(wood, p.palette.deep, 0.45), 3.2, curl)
        p.stroke(_varied(rng, wood), 2, curl + (0, -0.6))


def workbench(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The bench in the middle of a piece of work, from the front or from above."""
    return _bench_above(rng, size, palette) if rng.random() < 0.45 else _bench_front(rng, size, palette)


def _bench_above(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    wood = mix(palette.mid, palette.deep, rng.uniform(0.1, 0.8))
    across = bool(rng.random() < 0.5)
    p = _Painter(
        _boards(rng, size, mix(wood, palette.light, 0.15), mix(wood, palette.ink, 0.5), across),
        palette,
        _side(rng),
    )
    _fall_of_light(p, rng, wood, 0.35)
    turn = rng.uniform(-0.5, 0.5) + (math.pi / 2 if rng.random() < 0.5 else 0)
    x, y, wide, long = (
        rng.uniform(0.4, 0.6) * width,
        rng.uniform(0.35, 0.65) * height,
        rng.uniform(70, 110),
        max(size) * 1.1,
    )
    plank = _boards(rng, (int(long), int(wide)), mix(palette.light, palette.mid, 0.4), palette.mid, True)
    outline = _placed(_box(-long * 0.6, -wide / 2, long * 0.4, wide / 2), x, y, 1, turn)
    p.shadow(outline + (-p.side * 6, 8), soft=7, opacity=0.55)
    mask = Image.new("L", plank.size, 255).rotate(-math.degrees(turn), Image.Resampling.BILINEAR, expand=True)
    turned = plank.rotate(-math.degrees(turn), Image.Resampling.BILINEAR, expand=True)
    middle = outline.mean(axis=0)
    p.image.paste(turned, (int(middle[0] - turned.width / 2), int(middle[1] - turned.height / 2)), mask)
    lines = [_placed([(-long, k * wide), (long, k * wide)], x, y, 1, turn) for k in rng.uniform(-0.4, 0.4, 2)]
    p.stroke(palette.ink, 0.8, *lines, opacity=0.35)
    _tool(
        p,
        rng,
        _one_of(rng, ("plane", "plane", "square", "saw")),
        x,
        y - 40,
        rng.uniform(130, 180),
        turn + rng.normal(1.57, 0.1),
    )
    _shavings(p, rng, x + rng.normal(0, 40), y + rng.normal(0, 60), 60, int(rng.integers(4, 12)))
    for name, spot in zip(
        rng.permutation(list(_TOOLS)), ((0.14, 0.08), (0.84, 0.62), (0.3, 0.66), (0.8, 0.1)), strict=False
    ):
        if rng.random() < 0.75:
            at = (width * spot[0] + rng.normal(0, 12), height * spot[1] + rng.normal(0, 12))
            _tool(p, rng, str(name), *at, rng.uniform(110, 170), rng.normal(0, 0.5))
    return p.finished(rng)


def _bench_front(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    width, height = size
    wall = mix(palette.mid, _one_of(rng, (palette.light, palette.deep)), rng.uniform(0.2, 0.7))
    p = _Painter(_plaster(rng, size, wall, mix(wall, palette.ink, 0.3), palette), palette, _side(rng))
    top = height * rng.uniform(0.56, 0.72)
    _over_the_bench(p, rng, top, wall)
    wood = mix(palette.deep, palette.mid, rng.uniform(0, 0.6))
    thick = rng.uniform(22, 36)
    _under_the_bench(p, rng, top, wood)
    slab = _boards(
        rng, (width + 8, int(thick)), mix(wood, palette.light, 0.15), mix(wood, palette.ink, 0.4), True
    )
    p.shadow(_box(-9, top + thick, width + 9, top + thick + 18), soft=8, opacity=0.6)
    p.image.paste(slab, (-4, int(top)))
    p.area(mix(wood, palette.light, 0.45), _box(-4, top - 5, width + 4, top + 1))
    spots = (np.arange(4) + 0.5 + rng.uniform(-0.15, 0.15, 4)) / 4 * width
    for x, kind in zip(spots.tolist(), rng.permutation(6)[:4], strict=True):
        _on_bench(p, rng, int(kind), x, top - 2, width)
    _shavings(p, rng, width * rng.uniform(0.3, 0.7), top - 4, 50, int(rng.integers(2, 9)))
    return p.finished(rng)


def _over_the_bench(p: _Painter, rng: np.random.Generator, top: float, wall: RGB) -> None:
    """A window, or tools hung in the light."""
    width, height = p.image.size
    if rng.random() < 0.5:
        left, right = width * rng.uniform(0.0, 0.4), width * rng.uniform(0.45, 0.6)
        _view(p, rng, left, height * rng.uniform(0.02, 0.1), left + right, top * rng.uniform(0.55, 0.75))
        return
    _fall_of_light(p, rng, wall, 0.5)
    x = rng.uniform(0.06, 0.16) * width
    while x < width * 0.94:
        long = top * rng.uniform(0.36, 0.58)
        _tool(p, rng, _one_of(rng, list(_TOOLS)), x, height * 0.1, long, rng.normal(0, 0.02), hung=True)
        x += rng.uniform(40, 74)


def _under_the_bench(p: _Painter, rng: np.random.Generator, top: float, wood: RGB) -> None:
    """Legs, a low shelf, and timber put by on it."""
    width, height = p.image.size
    dark = p.palette.ink
    p.area(mix(dark, wood, 0.25), _box(-4, top, width + 4, height + 4))
    for x in (width * rng.uniform(0.04, 0.2), width * rng.uniform(0.75, 0.95)):
        p.area(mix(wood, dark, 0.35), _box(x - 17, top, x + 17, height + 4))
        p.area(mix(wood, dark, 0.1), _box(x - 13, top, x + 4, height + 4), soft=3)
    shelf = height * rng.uniform(0.86, 0.95)
    p.area(mix(wood, dark, 0.3), _box(-4, shelf, width + 4, shelf + 12))
    for _ in range(int(rng.integers(1, 5))):
        y, x = shelf - rng.uniform(8, 30), rng.uniform(0, 0.6) * width
        p.area(mix(_varied(rng, p.palette.mid), dark, 0.4), _box(x, y, x + width * 0.45, y + 8))


def _on_bench(p: _Painter, rng: np.random.Generator, kind: int, x: float, base: float, width: float) -> None:
    """One of what stands on a bench: plane, brushes in a tin, boards, a mug, a mallet, a stool begun."""
    c = p.palette
    wood, unit = _varied(rng, mix(c.mid, c.light, 0.25)), width * 0.16

    def put(pairs: str) -> np.ndarray:
        return _placed(_outline(pairs), x, base, unit)

    p.shadow(_oval(x - p.side * 9, base, unit * 0.9, 7), soft=5)
    if kind == 0:
        p.area(mix(c.deep, c.ink, 0.4), put("-100,-30 100,-30 100,0 -100,0"))
        p.area(wood, _smooth(put("-80,-30 -70,-85 -40,-80 -35,-30")))
        p.ball(wood, x + unit * 0.65, base - unit * 0.48, unit * 0.2)
        p.area(mix(c.mid, c.light, 0.6), put("-10,-30 -40,-90 -30,-92 10,-30"))
    elif kind == 1:
        for turn in rng.normal(0, 0.2, 4).tolist():
            tip, _ = _placed([(0, -unit * 1.9), (0, 0)], x, base - unit * 0.2, 1, turn).tolist()
            name = _one_of(rng, ("brush", "chisel", "screwdriver", "file"))
            _tool(p, rng, name, tip[0], tip[1], unit * 1.6, turn)
        tin = _varied(rng, _one_of(rng, (c.accent, c.light, c.deep)))
        p.turned(tin, x, base, [(0, unit * 0.4), (unit * 0.9, unit * 0.42)], 0.1)
    elif kind == 2:
        for k in range(int(rng.integers(2, 6))):
            long = unit * rng.uniform(0.8, 1.3)
            p.area(_varied(rng, wood, 16), _box(x - long, base - (k + 1) * 9, x + long, base - k * 9 - 1))
    elif kind == 3:
        _cup(p, rng, _one_of(rng, (c.light, c.accent)), x, base, unit * 0.42)
    elif kind == 4:
        _tool(p, rng, "mallet", x + p.side * unit, base - unit * 0.42, unit * 1.8, p.side * math.pi / 2)
    else:
        legs = mix(wood, c.ink, 0.25)
        p.stroke(legs, unit * 0.12, put("-45,-150 -60,0"), put("45,-150 60,0"))
        p.stroke(legs, unit * 0.08, put("-52,-60 52,-60"))
        p.turned(wood, x, base - unit * 1.42, [(0, unit * 0.7), (unit * 0.18, unit * 0.74)], 0.12)
