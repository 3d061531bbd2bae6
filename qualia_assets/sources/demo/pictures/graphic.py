"""Drawn, printed and lit-up things: plants on paper, drawings, screens, panels, labels, lines of type.

Belongs here: pictures made of lines, type and flat colour. Surfaces of cloth and wood are in ``cloth``.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias, TypeVar

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from qualia_assets.sources.demo.pictures.canvas import (
    RGB,
    Palette,
    Size,
    antialiased,
    font,
    gradient,
    grain,
    mix,
    smooth_noise,
    vignette,
    wrapped,
)

T = TypeVar("T")
Box: TypeAlias = tuple[float, float, float, float]
Points: TypeAlias = np.ndarray | Sequence[float] | Sequence[Sequence[float]]


# ---------------------------------------------------------------- small helpers


def _pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


class _Pen:
    """Draws lines and shapes, given in the picture's own pixels, on a sheet ``scale`` times as large."""

    def __init__(self, draw: ImageDraw.ImageDraw, scale: int) -> None:
        self._draw, self._scale = draw, scale

    def _flat(self, points: Points) -> list[float]:
        flat: list[float] = (np.asarray(points, float) * self._scale).ravel().tolist()
        return flat

    def _wide(self, width: float) -> int:
        return max(1, round(width * self._scale))

    def line(self, points: Points, fill: RGB, width: float = 1.0) -> None:
        self._draw.line(self._flat(points), fill, self._wide(width), "curve" if width > 1.2 else None)

    def polygon(
        self, points: Points, fill: RGB | None = None, outline: RGB | None = None, width: float = 0.5
    ) -> None:
        flat = self._flat(points)
        if fill:
            self._draw.polygon(flat, fill)
        if outline:
            self._draw.line(flat + flat[:4], outline, self._wide(width), "curve" if width > 1.2 else None)

    def rectangle(
        self, box: Box, fill: RGB | None = None, outline: RGB | None = None, width: float = 0.5
    ) -> None:
        self._draw.rectangle(self._flat(box), fill, outline, self._wide(width))

    def rounded(
        self, box: Box, radius: float, fill: RGB | None, outline: RGB | None = None, width: float = 1
    ) -> None:
        self._draw.rounded_rectangle(self._flat(box), radius * self._scale, fill, outline, self._wide(width))

    def ellipse(
        self, box: Box, fill: RGB | None = None, outline: RGB | None = None, width: float = 0.5
    ) -> None:
        self._draw.ellipse(self._flat(box), fill, outline, self._wide(width))

    def arc(self, box: Box, start: float, end: float, *, fill: RGB, width: float = 1.0) -> None:
        self._draw.arc(self._flat(box), start, end, fill, self._wide(width))


def _penned(base: Image.Image, draw_on: Callable[[_Pen], None]) -> Image.Image:
    """``base`` with smooth-edged lines and shapes drawn over it."""
    return antialiased(base, lambda draw, scale: draw_on(_Pen(draw, scale)))


def _down_to(line: np.ndarray, floor: float) -> np.ndarray:
    """The shape between a line and a level ``floor`` under it."""
    return np.concatenate([line, [(line[-1, 0], floor), (line[0, 0], floor)]])


def _around(x: float, y: float, radius: float) -> Box:
    return x - radius, y - radius, x + radius, y + radius


def _brightness(colour: RGB) -> float:
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def _readable_on(ground: RGB, palette: Palette) -> RGB:
    """The colour of the palette's two ends that stands out on ``ground``."""
    ends = (palette.light, palette.ink)
    return max(ends, key=lambda c: abs(_brightness(c) - _brightness(ground)))


def _paper(rng: np.random.Generator, size: Size, colour: RGB, blotch: float = 14.0) -> Image.Image:
    """A sheet of ``colour`` with its blotches, under a light that falls from one side."""
    width, height = half = size[0] // 2, size[1] // 2
    tone = (smooth_noise(rng, half, 65) - 0.5) * blotch + (smooth_noise(rng, half, 13) - 0.5) * blotch * 0.4
    tone += np.linspace(-1, 1, width, dtype=np.float32) * rng.uniform(-7, 7)
    tone += np.linspace(6, -6, height, dtype=np.float32)[:, None]
    sheet = np.clip(np.array(colour, np.float32) + tone[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(sheet).resize(size, Image.Resampling.BILINEAR)


def _lay(base: Image.Image, sheet: Image.Image, at: tuple[int, int], strength: float = 0.55) -> None:
    """Lay an RGBA ``sheet`` on ``base`` with the soft shadow that it throws."""
    small = Image.new("L", (sheet.width // 4 + 16, sheet.height // 4 + 16))
    small.paste(sheet.getchannel("A").resize((sheet.width // 4, sheet.height // 4)), (8, 8))
    soft = small.filter(ImageFilter.GaussianBlur(2.2)).point([int(v * strength) for v in range(256)])
    soft = soft.resize((small.width * 4, small.height * 4), Image.Resampling.BILINEAR)
    base.paste((14, 12, 14), (at[0] - 27, at[1] - 24), soft)
    base.paste(sheet, at, sheet)


def _glow(base: Image.Image, mask: Image.Image, colour: RGB, radius: float, gain: float = 1.0) -> Image.Image:
    """``base`` with the light of ``mask`` in ``colour`` spread over ``radius`` pixels and added."""
    small = mask.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    soft = small.point([min(255, int(v * gain)) for v in range(256)]).resize(
        base.size, Image.Resampling.BICUBIC
    )
    light = ImageChops.multiply(Image.new("RGB", base.size, colour), Image.merge("RGB", [soft] * 3))
    return ImageChops.add(base, light)


def _curve(start: Points, end: Points, bend: float, count: int = 20) -> np.ndarray:
    """A bow from ``start`` to ``end``, its middle pushed aside by the share ``bend`` of its length."""
    a, b = np.array(start, float), np.array(end, float)
    t = np.linspace(0, 1, count)[:, None]
    aside = np.array([a[1] - b[1], b[0] - a[0]])
    return np.asarray(a + (b - a) * t + aside * bend * 4 * t * (1 - t))


def _hand(rng: np.random.Generator, a: Points, b: Points, wobble: float) -> np.ndarray:
    """A line from ``a`` to ``b`` as a hand draws it."""
    line = np.linspace(np.array(a, float), np.array(b, float), 9)
    return np.asarray(line + rng.normal(0, wobble, line.shape))


def _scribble(rng: np.random.Generator, x: float, y: float, width: float, height: float) -> np.ndarray:
    """A line of handwriting too small to read."""
    count = max(8, int(width / 1.6))
    step = np.linspace(0, width, count)
    lift = np.where(rng.random(count) < 0.15, 1.9, 0.8) * rng.uniform(-1, 0.5, count)
    return np.stack([x + step, y + lift * height / 2], axis=1)


# ---------------------------------------------------------------- plants


@dataclass(frozen=True)
class _Part:
    """One stroke or shape of a plant: role ``stem``, ``vein``, ``leaf``, ``petal`` or ``heart``."""

    role: str
    points: np.ndarray


def _leaf(
    base: np.ndarray, angle: float, length: float, width: float, shape: tuple[float, float]
) -> np.ndarray:
    """A leaf's outline; its ``shape``: below 1 widest near its base, above 1 near its tip; and its bend."""
    full, bend = shape
    t = np.linspace(0, 1, 14)
    half = width / 2 * np.sin(np.pi * t**full)
    spine = bend * length * np.sin(np.pi * t)
    x = np.concatenate([t, t[::-1]]) * length
    y = np.concatenate([spine + half, (spine - half)[::-1]])
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(base + np.stack([x, y], axis=1) @ turn)


def _ring(centre: np.ndarray, radius: float, flat: float = 1.0) -> np.ndarray:
    a = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.asarray(centre + np.stack([np.cos(a), np.sin(a) * flat], axis=1) * radius)


def _foliage(rng: np.random.Generator, stem: np.ndarray, unit: float, pairs: int, slim: float) -> list[_Part]:
    """Leaves up a stem, large below and small above, in pairs or by turns."""
    opposite, full, spread = bool(rng.random() < 0.5), rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.15)
    parts: list[_Part] = []
    for i, t in enumerate(np.linspace(rng.uniform(0.1, 0.25), 0.93, pairs)):
        at = t * (len(stem) - 1)
        low = int(at)
        base = stem[low] + (stem[min(low + 1, len(stem) - 1)] - stem[low]) * (at - low)
        along = stem[min(low + 1, len(stem) - 1)] - stem[max(low - 1, 0)]
        heading = math.atan2(along[1], along[0])
        length = unit * (1.15 - 0.75 * t) * rng.uniform(0.85, 1.15)
        for side in (-1, 1) if opposite else ((-1) ** i,):
            angle = heading + side * spread * rng.uniform(0.85, 1.1)
            bend = side * rng.uniform(-0.12, 0.05)
            outline = _leaf(base, angle, length, length * slim, (full, bend))
            parts.append(_Part("leaf", outline))
            if length > 14:
                parts.append(_Part("vein", (outline[:11] + outline[::-1][:11]) / 2))
    return parts


def _head(rng: np.random.Generator, kind: str, tip: np.ndarray, heading: float, unit: float) -> list[_Part]:
    """What a stem ends in."""
    parts: list[_Part] = []
    if kind in ("poppy", "tulip"):
        fan = (-0.75, 0.75, -0.35, 0.35, 0.0) if kind == "poppy" else (-0.4, 0.4, 0.0)
        wide, full = (0.75, 1.5) if kind == "poppy" else (0.55, 0.85)
        for spread in fan:
            a = heading + spread * rng.uniform(0.85, 1.2)
            parts.append(
                _Part("petal", _leaf(tip, a, unit * rng.uniform(0.85, 1.05), unit * wide, (full, 0)))
            )
        parts.append(_Part("heart", _ring(tip, unit * 0.12)))
    elif kind == "daisy":
        count, flat = int(rng.integers(9, 17)), rng.uniform(0.45, 1.0)
        for a in np.arange(count) * 2 * math.pi / count + rng.uniform(0, 1):
            petal = _leaf(np.zeros(2), float(a), unit * rng.uniform(0.6, 0.72), unit * 0.2, (1.3, 0))
            parts.append(_Part("petal", tip + petal * (1, flat)))
        parts.append(_Part("heart", _ring(tip, unit * 0.2, flat)))
    elif kind == "umbel":
        for a in np.linspace(-1.15, 1.15, int(rng.integers(7, 12))) + heading:
            end = tip + np.array([math.cos(a), math.sin(a)]) * unit * rng.uniform(0.8, 1.05)
            parts.append(_Part("stem", _curve(tip, end, rng.uniform(-0.08, 0.08), 6)))
            near = end + rng.normal(0, unit * 0.09, (5, 2))
            parts += [_Part("petal", _ring(p, unit * rng.uniform(0.035, 0.07))) for p in near]
    elif kind == "ear":
        for i, step in enumerate(np.linspace(-1.1, 0.15, 13)):
            base = tip + np.array([math.cos(heading), math.sin(heading)]) * step * unit
            a = heading + (0.45 if i % 2 else -0.45)
            parts.append(_Part("petal", _leaf(base, a, unit * 0.36, unit * 0.13, (0.8, 0))))
    return parts


def _plant(rng: np.random.Generator, foot: Sequence[float], tip: Sequence[float]) -> list[_Part]:
    """A plant from ``foot`` to ``tip``: a fern, a berried branch, a leafy sprig or one with a flower."""
    kind = _pick(rng, ("sprig", "fern", "berry", "bell", "poppy", "tulip", "daisy", "umbel", "ear", "daisy"))
    stem = _curve(foot, tip, rng.uniform(-0.13, 0.13))
    tall = float(np.hypot(*(stem[-1] - stem[0])))
    along = stem[-1] - stem[-3]
    heading = math.atan2(along[1], along[0])
    parts = [_Part("stem", stem)]
    if kind == "fern":
        return parts + _foliage(rng, stem, tall * 0.24, int(rng.integers(15, 21)), 0.26)
    flower = kind not in ("sprig", "berry")
    reach = stem[: 9 if kind == "bell" else rng.integers(11, 15)] if flower else stem
    pairs = int(rng.integers(3, 7)) if flower else int(rng.integers(6, 11))
    slim = rng.uniform(0.16, 0.3) if flower else rng.uniform(0.25, 0.6)
    parts += _foliage(rng, reach, tall * rng.uniform(0.2, 0.3), pairs, slim)
    if kind == "berry":
        for p in stem[4::2]:
            end = p + rng.normal(0, tall * 0.05, 2) + np.array([0, tall * 0.03])
            parts += [_Part("stem", _curve(p, end, 0.1, 5)), _Part("heart", _ring(end, tall * 0.019))]
    if kind == "bell":
        side = _pick(rng, (-1, 1))
        for p, size in zip(stem[9:], np.linspace(0.14, 0.06, 11), strict=True):
            end = p + np.array([side * size * 0.6, size * 0.15]) * tall
            parts += [_Part("stem", _curve(p, end, -0.2 * side, 6))]
            parts += [_Part("petal", _leaf(end, math.pi / 2, tall * size * 0.7, tall * size * 0.5, (1.4, 0)))]
    return parts + _head(rng, kind, stem[-1], heading, tall * rng.uniform(0.15, 0.22))


def _draw_plant(
    pen: _Pen, parts: list[_Part], fills: dict[str, RGB], line: RGB | None, weight: float = 1.0
) -> None:
    """Draw a plant: shapes in the ``fills`` of their roles, strokes and outlines in ``line``."""
    for part in parts:
        if part.role in ("stem", "vein"):
            stroke = line or fills.get(part.role)
            if stroke:
                pen.line(part.points, stroke, weight * (1.5 if part.role == "stem" else 0.6))
        else:
            pen.polygon(part.points, fills.get(part.role), line, weight)


def _specimens(rng: np.random.Generator, layout: str, box: Box) -> list[list[_Part]]:
    """Plants placed in ``box``: one alone, a posy, a bough from an edge, or rows of small studies."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    middle = (left + right) / 2
    if layout == "posy":
        count = int(rng.integers(3, 6))
        foot = (middle + rng.uniform(-0.1, 0.1) * wide, bottom)
        tips = middle + np.linspace(-0.36, 0.36, count) * wide
        order = rng.permutation(count)
        return [_plant(rng, foot, (tips[i], top + tall * rng.uniform(0.1, 0.4))) for i in order]
    if layout == "bough":
        high, side = rng.uniform(0.0, 0.35), bool(rng.random() < 0.5)
        ends = [(left - wide * 0.12, top + tall * (1.02 - high)), (right - wide * 0.12, top + tall * high)]
        if side:
            ends = [(left + right - x, y) for x, y in ends]
        return [_plant(rng, *ends), _plant(rng, ends[0], (middle, top + tall * rng.uniform(0.5, 0.8)))]
    if layout == "rows":
        columns, rows = _pick(rng, ((2, 2), (2, 1), (2, 2), (3, 1), (3, 2)))
        cells = [(c, r) for r in range(rows) for c in range(columns)]
        w, h = wide / columns, tall / rows
        return [
            _plant(
                rng,
                (left + (c + rng.uniform(0.4, 0.6)) * w, top + (r + 0.94) * h),
                (left + (c + rng.uniform(0.3, 0.7)) * w, top + (r + rng.uniform(0.08, 0.2)) * h),
            )
            for c, r in cells
        ]
    lean = rng.uniform(-0.2, 0.2) * wide
    return [_plant(rng, (middle - lean * 0.6, bottom), (middle + lean, top + tall * rng.uniform(0.1, 0.25)))]


def botanical_line(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Plants in one loose line, their colour printed a little beside it."""
    width, height = size
    ground = _pick(
        rng, (palette.light, palette.light, mix(palette.light, palette.mid, 0.55), palette.mid, palette.ink)
    )
    line = _readable_on(ground, palette)
    tints = [mix(ground, c, 0.62) for c in (palette.deep, palette.mid, palette.accent, palette.accent)]
    leaf, disc = (
        _pick(rng, tints[:2]),
        mix(ground, _pick(rng, (palette.mid, palette.accent)), rng.uniform(0.35, 0.7)),
    )
    shape = _pick(rng, ("disc", "arch", "none", "block", "none"))
    layout = _pick(rng, ("single", "posy", "posy", "bough", "rows"))
    margin = 0.1 * width
    plants = _specimens(
        rng, layout, (margin, height * 0.05, width - margin, height * rng.uniform(0.93, 1.05))
    )
    shift = rng.uniform(-5, 5, 2)
    filled = rng.random() < 0.75
    cx, cy, r = (
        width * rng.uniform(0.35, 0.65),
        height * rng.uniform(0.28, 0.5),
        width * rng.uniform(0.24, 0.38),
    )

    def strokes(pen: _Pen) -> None:
        if shape in ("disc", "arch"):
            pen.ellipse(_around(cx, cy, r), fill=disc)
        if shape == "arch":
            pen.rectangle((cx - r, cy, cx + r, height * 0.9), fill=disc)
        if shape == "block":
            pen.rectangle((0, height * rng.uniform(0.6, 0.75), width, height), fill=disc)
        for plant in plants:
            moved = [_Part(p.role, p.points + shift) for p in plant]
            if filled:
                _draw_plant(pen, moved, {"leaf": leaf, "petal": tints[2], "heart": tints[3]}, None)
            _draw_plant(pen, plant, {}, line, 0.9)

    sheet = _penned(_paper(rng, size, ground), strokes)
    return grain(sheet, rng, 5)


def _foxed(rng: np.random.Generator, size: Size, colour: RGB) -> Image.Image:
    """Old paper: brown at its edges and freckled."""
    width, height = half = size[0] // 2, size[1] // 2
    sheet = np.asarray(_paper(rng, half, colour, 22), np.float32)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    edge = np.clip(np.maximum(np.abs(x), np.abs(y)) - 0.72, 0, 1) * (0.3 + smooth_noise(rng, half, 20))
    spots = np.clip(smooth_noise(rng, half, 4) - 0.86, 0, 1) * smooth_noise(rng, half, 45) * 2.2
    stain = np.array((56, 80, 104), np.float32)
    old = np.clip(sheet - (edge + spots)[..., None] * stain, 0, 255).astype(np.uint8)
    return Image.fromarray(old).resize(size, Image.Resampling.BILINEAR)


def botanical_plate(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A plate from an old herbal: a tinted plant with its root, details beside it, a frame around it."""
    width, height = size
    pale = mix(palette.light, (238, 222, 188), 0.35)
    lit = palette.light if _brightness(palette.light) > 150 else pale
    ground, ink = mix(lit, pale, 0.5), mix(palette.ink, (50, 36, 28), 0.4)
    leaf, petal = mix(ground, mix(palette.deep, palette.mid, 0.3), 0.75), mix(ground, palette.accent, 0.72)
    m = width * rng.uniform(0.06, 0.1)
    layout = _pick(rng, ("single", "single", "bough", "rows", "rows", "posy"))
    floor = height * (rng.uniform(0.74, 0.8) if layout != "rows" else 0.9)
    inner = (m * 1.9, m * 1.6, width - m * 1.9, floor if layout != "bough" else height * 0.86)
    plants = _specimens(rng, layout, inner)
    if layout == "bough":
        plants = plants[:1]
    foot = plants[0][0].points[0]
    fills = {"leaf": leaf, "petal": petal, "heart": mix(petal, ink, 0.25)}

    def engrave(pen: _Pen) -> None:
        for inset, weight in ((m * 0.72, 1), (m * 0.9, 2)):
            pen.rectangle((inset, inset, width - inset, height - inset), outline=ink, width=weight)
        if layout in ("single", "posy"):
            for end in rng.normal(0, 1, (int(rng.integers(6, 12)), 2)) * (width * 0.11, 0) + foot:
                tip = (end[0], foot[1] + height * rng.uniform(0.04, 0.11))
                pen.line(_curve(foot, tip, rng.uniform(-0.25, 0.25)), fill=ink, width=0.5)
        for plant in plants:
            _draw_plant(pen, plant, fills, ink, 0.55)
            for leaf_part in (p for p in plant if p.role == "leaf"):
                rim, spine = leaf_part.points[:14], (leaf_part.points[:14] + leaf_part.points[:13:-1]) / 2
                for i in (3, 5, 7, 9):
                    pen.line(np.stack([spine[i], rim[i + 2]]), mix(ink, leaf, 0.4), 0.5)
        for i in range(int(rng.integers(2, 4)) if layout != "rows" else 0):
            x, y = width * (0.24 + 0.26 * i) + rng.uniform(-9, 9), height * 0.885
            for p in _head(
                rng, _pick(rng, ("daisy", "tulip", "poppy")), np.array([x, y]), -1.57, width * 0.075
            ):
                _draw_plant(pen, [p], fills, ink, 0.5)
        pen.line(_scribble(rng, width * 0.36, height - m * 1.35, width * 0.28, 5), fill=ink, width=0.5)

    plate = _penned(_foxed(rng, size, ground), engrave)
    return vignette(grain(plate, rng, 4), 0.2)


def _vegetable(rng: np.random.Generator, kind: str, x: float, y: float, unit: float) -> list[_Part]:
    """A root or a pod with its greens, its shoulder at ``x``, ``y``."""
    top = np.array([x, y])
    parts: list[_Part] = []
    if kind == "pod":
        foot, crown = top + np.array([0, 1.5]) * unit, top - np.array([rng.uniform(-0.4, 0.4), 1.6]) * unit
        stem = _curve(foot, crown, rng.uniform(-0.12, 0.12))
        parts += [_Part("stem", stem), *_foliage(rng, stem[8:], unit * 0.8, 5, 0.6)]
        for spread in (-0.55, 0.5, -0.15)[: rng.integers(2, 4)]:
            pod = _leaf(
                stem[int(rng.integers(5, 11))], 1.57 + spread, unit * 1.7, unit * 0.46, (1.0, spread * 0.2)
            )
            spine = (pod[:14] + pod[:13:-1]) / 2
            parts += [_Part("petal", pod), *(_Part("heart", _ring(p, unit * 0.13)) for p in spine[3:11:2])]
        return parts
    for a in np.linspace(-0.7, 0.7, 5) - 1.57:
        tip = top + np.array([math.cos(a), math.sin(a)]) * unit * rng.uniform(1.2, 1.7)
        parts.append(_Part("stem", _curve(top, tip, rng.uniform(-0.1, 0.1))))
        parts += [_Part("leaf", _leaf(tip, a + math.pi, unit * 0.95, unit * 0.42, (0.8, 0.05)))]
    long, wide, full = {"carrot": (2.0, 0.62, 0.45), "beet": (1.15, 1.1, 0.75), "radish": (0.9, 0.8, 0.7)}[
        kind
    ]
    parts.append(
        _Part("petal", _leaf(np.array([x, y - unit * 0.05]), 1.57, unit * long, unit * wide, (full, 0.02)))
    )
    end = np.array([x, y + unit * long * 0.9])
    return [*parts, _Part("stem", _curve(end, end + np.array([0.15, 0.6]) * unit, 0.15))]


_SEEDS = {
    "pod": ("Broad Bean", "Garden Pea", "Runner Bean"),
    "carrot": ("Carrot", "Parsnip"),
    "beet": ("Beetroot", "Turnip"),
    "radish": ("Radish", "Spring Radish"),
    "flower": ("Meadow Mix", "Cosmos", "Field Poppy", "Sweet Herbs", "Borage", "Hedge Bloom"),
}


def _packet(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The front of one packet of seeds."""
    width, height = size
    paper, band = (
        mix(palette.light, (250, 240, 216), 0.3),
        _pick(rng, (palette.accent, palette.deep, palette.mid)),
    )
    kind = _pick(rng, tuple(_SEEDS))
    ink = _readable_on(paper, palette)
    panel = _pick(rng, ("oval", "box", "sun", "full"))
    tint = mix(paper, _pick(rng, (palette.mid, palette.deep, palette.accent)), 0.4)
    fills = {
        "leaf": mix(palette.deep, palette.mid, 0.35),
        "petal": palette.accent,
        "heart": mix(ink, palette.accent, 0.4),
    }
    middle, unit = width / 2, width * 0.17
    if kind == "flower":
        plants = _specimens(rng, "posy", (width * 0.14, height * 0.32, width * 0.86, height * 0.9))
    else:
        bunch = _pick(rng, ((0.0,), (-0.19, 0.19), (-0.24, 0.24, 0.0), (-0.12, 0.12)))
        unit *= 1.75 - 0.28 * len(bunch)
        plants = [
            _vegetable(rng, kind, middle + dx * width, height * rng.uniform(0.52, 0.6), unit) for dx in bunch
        ]
    low = bool(rng.random() < 0.3)

    def front(pen: _Pen) -> None:
        if panel == "oval":
            pen.ellipse((width * 0.1, height * 0.3, width * 0.9, height * 0.93), fill=tint, outline=ink)
        elif panel == "box":
            pen.rectangle((width * 0.1, height * 0.31, width * 0.9, height * 0.92), fill=tint)
        elif panel == "sun":
            pen.ellipse(_around(middle, height * 0.6, width * 0.33), fill=tint)
        else:
            pen.rectangle((0, height * 0.28, width, height), fill=tint)
        for plant in plants:
            _draw_plant(pen, plant, fills, mix(ink, palette.deep, 0.3), 0.6)
        if not low:
            pen.rectangle((0, height * 0.1, width, height * 0.27), fill=band)
        pen.line((0, height * 0.065, width, height * 0.065), fill=mix(paper, ink, 0.35), width=0.5)
        pen.rectangle((3, 3, width - 4, height - 4), outline=mix(paper, ink, 0.5), width=0.5)

    sheet = _penned(_paper(rng, size, paper), front)
    name = _pick(rng, _SEEDS[kind])
    face, lines = _fitted(
        name, _pick(rng, ("serif", "serif-italic", "sans-bold")), (width * 0.84, height * 0.12), 26
    )
    pen = ImageDraw.Draw(sheet)
    colour = _readable_on(paper if low else band, palette)
    pen.text((middle, height * 0.185), "\n".join(lines), fill=colour, font=face, anchor="mm")
    return sheet


def seed_packet(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Packets of seeds on a bench, and seeds beside them."""
    width, height = size
    bench = mix(palette.deep, palette.ink, rng.uniform(0.0, 0.7)) if rng.random() < 0.6 else palette.mid
    base = _paper(rng, size, bench, 46)
    streak = (smooth_noise(rng, (width, 12), 3) - 0.5).mean(axis=0) * 60
    base = Image.fromarray(
        np.clip(np.asarray(base, np.float32) + streak[None, :, None], 0, 255).astype(np.uint8)
    )
    count = int(rng.integers(1, 4))
    wide = int(width * {1: 0.62, 2: 0.52, 3: 0.46}[count] * rng.uniform(0.95, 1.08))
    spots = {1: [(0.5, 0.5)], 2: [(0.34, 0.4), (0.66, 0.62)], 3: [(0.3, 0.3), (0.72, 0.42), (0.4, 0.74)]}[
        count
    ]
    mirrored = bool(rng.random() < 0.5)
    seeds = rng.normal((0.5, 0.82), (0.28, 0.1), (int(rng.integers(12, 46)), 2)) * (width, height)
    turns = rng.uniform(0, 3.1, len(seeds))
    pip = mix(palette.light, palette.mid, rng.uniform(0.2, 0.8))

    def scatter(pen: _Pen) -> None:
        for p, a in zip(seeds, turns, strict=True):
            pen.polygon(_leaf(p + 2.0, a, 8, 4.6, (0.8, 0)), fill=mix(bench, (0, 0, 0), 0.45))
            pen.polygon(_leaf(p, a, 8, 4.6, (0.8, 0)), fill=pip)

    base = _penned(base, scatter)
    for across, y in spots:
        x = 1 - across if mirrored else across
        sheet = _packet(rng, (wide, int(wide * rng.uniform(1.4, 1.55))), palette).convert("RGBA")
        sheet = sheet.rotate(rng.uniform(-13, 13), Image.Resampling.BILINEAR, expand=True)
        _lay(base, sheet, (int(x * width - sheet.width / 2), int(y * height - sheet.height / 2)), 0.7)
    return vignette(grain(base, rng, 5), 0.35)


# ---------------------------------------------------------------- ruled and measured drawings


def _washed_rows(rng: np.random.Generator, field: Box, pen: _Pen, inks: list[RGB]) -> None:
    """Bands of thin colour under pencil lines."""
    left, top, right, bottom = field
    bands = int(rng.integers(3, 9))
    edges = np.linspace(top, bottom, bands + 1)
    for i in range(bands):
        if rng.random() < 0.65:
            pen.rectangle((left, edges[i], right, edges[i + 1]), fill=_pick(rng, inks[1:]))
    for y in np.linspace(top, bottom, bands * int(rng.integers(3, 9)) + 1):
        pen.line(_hand(rng, (left, y), (right, y), 0.35), fill=inks[0], width=0.5)
    if rng.random() < 0.6:
        for x in np.linspace(left, right, int(rng.integers(6, 40))):
            pen.line(_hand(rng, (x, top), (x, bottom), 0.35), fill=inks[0], width=0.5)


def _hatched_cells(rng: np.random.Generator, field: Box, pen: _Pen, inks: list[RGB]) -> None:
    """A grid whose cells are hatched one way, two ways, or arced."""
    left, top, right, bottom = field
    columns = int(rng.integers(3, 7))
    cell = (right - left) / columns
    rows = max(1, int((bottom - top) / cell))
    arcs, gap = rng.random() < 0.4, rng.uniform(4.0, 7.0)
    for row in range(rows):
        for column in range(columns):
            x, y = left + column * cell, top + row * cell
            way = int(rng.integers(0, 5))
            if rng.random() < 0.08:
                pen.rectangle((x, y, x + cell, y + cell), fill=inks[-1])
            for d in np.arange(gap, cell * (1 if way < 2 or arcs else 2), gap):
                if arcs:
                    cx, cy, start = (
                        (x, y, 0),
                        (x + cell, y, 90),
                        (x + cell, y + cell, 180),
                        (x, y + cell, 270),
                    )[way % 4]
                    pen.arc(_around(cx, cy, d), start, start + 90, fill=inks[0], width=1)
                elif way < 2:
                    ends = (x + d, y, x + d, y + cell) if way else (x, y + d, x + cell, y + d)
                    pen.line(ends, fill=inks[0], width=1)
                elif way < 4:
                    a, b = max(0.0, d - cell), min(d, cell)
                    ends = (
                        (x + a, y + b, x + b, y + a)
                        if way == 2
                        else (x + cell - a, y + b, x + cell - b, y + a)
                    )
                    pen.line(ends, fill=inks[0], width=1)
            pen.rectangle((x, y, x + cell, y + cell), outline=inks[0], width=0.5)


def _stacked_blocks(rng: np.random.Generator, field: Box, pen: _Pen, inks: list[RGB]) -> None:
    """A mass of blocks in parallel projection, tall behind and low before."""
    left, top, right, bottom = field
    count = int(rng.integers(4, 8))
    s = (right - left) / (2 * count * 0.87)
    cx, foot = (left + right) / 2, (top + bottom) / 2 + s * count * 0.55
    heights = np.maximum(0, np.round(rng.gamma(1.6, 1.4, (count, count)) * rng.uniform(0.6, 1.3)))
    room = (foot - s * count * 0.5 - top) / s + 1
    for i in range(count):
        for j in range(count):
            z = min(float(heights[i, j]), room + (i + j) * 0.5)
            x, y = cx + (i - j) * s * 0.87, foot + (i + j - count) * s * 0.5
            a, b, c, d = ((x, y - s / 2), (x + s * 0.87, y), (x, y + s / 2), (x - s * 0.87, y))
            lift = np.array([0, z * s])
            for p, q, tone in ((d, c, inks[2]), (c, b, inks[3])):
                quad = np.array([p, q, np.array(q) - lift, np.array(p) - lift])
                pen.polygon(quad, fill=tone, outline=inks[0])
            pen.polygon(np.array([a, b, c, d]) - lift, fill=inks[1], outline=inks[0])


def _floor_plan(rng: np.random.Generator, field: Box, pen: _Pen, inks: list[RGB]) -> None:
    """The plan of a house: rooms split and split again, walls, doors, a stair, dimensions."""
    rooms: list[Box] = []

    def split(room: Box, depth: int) -> None:
        left, top, right, bottom = room
        wide, tall = right - left, bottom - top
        if depth == 0 or max(wide, tall) < 80:
            rooms.append(room)
        elif wide > tall:
            cut = left + wide * rng.uniform(0.3, 0.7)
            split((left, top, cut, bottom), depth - 1)
            split((cut, top, right, bottom), depth - 1)
        else:
            cut = top + tall * rng.uniform(0.3, 0.7)
            split((left, top, right, cut), depth - 1)
            split((left, cut, right, bottom), depth - 1)

    split(field, int(rng.integers(2, 5)))
    stair = int(rng.integers(len(rooms)))
    for i, (left, top, right, bottom) in enumerate(rooms):
        if rng.random() < 0.35:
            pen.rectangle((left, top, right, bottom), fill=_pick(rng, inks[1:]))
        if i == stair:
            for x in np.arange(left, right, 7):
                pen.line((x, top, x, top + min(46, bottom - top)), fill=inks[0], width=0.5)
        pen.rectangle((left, top, right, bottom), outline=inks[0], width=2.2)
    for left, top, right, _bottom in rooms:
        door = min(26.0, (right - left) * 0.4)
        x = left + (right - left - door) * rng.uniform(0.3, 0.7)
        pen.rectangle((x, top - 4, x + door, top + 4), fill=inks[-1])
        pen.arc(_around(x, top, door), 0, 90, fill=inks[0], width=1)
        pen.line((x, top, x, top + door), fill=inks[0], width=1)
    left, top, right, bottom = field
    y = bottom + 16
    pen.line((left, y, right, y), inks[0], 0.5)
    for x in sorted({left, right, *(room[0] for room in rooms)}):
        pen.line((x - 3, y + 3, x + 3, y - 3), inks[0])


def _receding_room(rng: np.random.Generator, field: Box, pen: _Pen, inks: list[RGB]) -> None:
    """A bare room ruled in one-point perspective."""
    left, top, right, bottom = field
    vx, vy = left + (right - left) * rng.uniform(0.3, 0.7), top + (bottom - top) * rng.uniform(0.3, 0.65)
    far = rng.uniform(0.18, 0.4)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    back = np.array([vx, vy]) + (corners - (vx, vy)) * far
    for i, tone in enumerate((inks[1], inks[3], inks[2], inks[1])):
        j = (i + 1) % 4
        if rng.random() < 0.75:
            pen.polygon(np.array([corners[i], corners[j], back[j], back[i]]), fill=tone)
    count = int(rng.integers(5, 12))
    for i in range(4):
        for p, q in zip(
            np.linspace(corners[i], corners[(i + 1) % 4], count),
            np.linspace(back[i], back[(i + 1) % 4], count),
            strict=True,
        ):
            pen.line(np.stack([p, q]), fill=inks[0], width=1)
    for depth in 1 / np.linspace(1, 1 / far, count):
        ring = np.array([vx, vy]) + (corners - (vx, vy)) * depth
        pen.polygon(ring, outline=inks[0])
    if rng.random() < 0.7:
        a, b = back[3] + (back[2] - back[3]) * 0.3, back[3] + (back[2] - back[3]) * rng.uniform(0.5, 0.75)
        door = np.array([a, b, b + (back[1] - back[2]) * 0.7, a + (back[0] - back[3]) * 0.7])
        pen.polygon(door, fill=inks[-1], outline=inks[0])


def grid_drawing(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A spare ruled drawing on paper: bands, hatched cells, a mass of blocks, a plan, an empty room."""
    width, height = size
    dark = rng.random() < 0.15
    ground = (
        mix(palette.ink, palette.deep, 0.3)
        if dark
        else mix(palette.light, palette.mid, rng.uniform(0.0, 0.25))
    )
    line = palette.light if dark else mix(palette.ink, palette.deep, 0.25)
    spoken = mix(ground, palette.accent, 0.75) if rng.random() < 0.6 else ground
    inks = [
        line,
        *(mix(ground, c, t) for c, t in ((palette.mid, 0.3), (palette.mid, 0.85), (palette.deep, 0.7))),
        spoken,
    ]
    side, above = width * rng.uniform(0.1, 0.2), height * rng.uniform(0.1, 0.2)
    field = (side, above, width - side, height - above * rng.uniform(0.9, 1.4))
    rule = _pick(rng, (_washed_rows, _hatched_cells, _stacked_blocks, _floor_plan, _receding_room))
    sheet = _penned(_paper(rng, size, ground), lambda pen: rule(rng, field, pen, inks))
    return grain(sheet, rng, 5)


Face = tuple[np.ndarray, float]


def _prism(profile: Sequence[tuple[float, float]], y0: float, y1: float, axes: np.ndarray) -> list[Face]:
    """The visible faces, far ones first, of an (x, z) ``profile`` drawn out from ``y0`` to ``y1``."""
    outline = np.array(profile, float)
    near = np.insert(outline, 1, y0, axis=1)
    far = np.insert(outline, 1, y1, axis=1)
    faces: list[tuple[float, np.ndarray, float]] = []
    for i in range(len(outline)):
        j = (i + 1) % len(outline)
        quad = np.array([near[i], near[j], far[j], far[i]])
        flat = quad @ axes
        a, b = flat[1] - flat[0], flat[2] - flat[0]
        if a[0] * b[1] - a[1] * b[0] > 0:
            edge = outline[j] - outline[i]
            up = -edge[0] / (np.hypot(*edge) + 1e-9)
            middle = quad.mean(axis=0)
            faces.append((middle[0] - middle[1] + middle[2], flat, 0.62 - 0.6 * max(0.0, float(up))))
    faces.sort(key=lambda f: f[0])
    return [(flat, tone) for _, flat, tone in faces] + [(near @ axes, 0.28)]


def _dovetail(rng: np.random.Generator, axes: np.ndarray) -> list[Face]:
    """Tails on one board, pins on the other, drawn apart; without a taper a box joint."""
    n, t, d, long, gap = int(rng.integers(2, 6)), 0.55, 0.45, rng.uniform(1.4, 2.2), rng.uniform(0.75, 1.2)
    taper, pitch = _pick(rng, (0.0, 0.07, 0.09)), rng.uniform(0.42, 0.6)
    w0 = pitch * 0.27
    w1 = w0 + taper
    high = n * pitch
    tails: list[tuple[float, float]] = [(-long, 0), (0, 0)]
    cuts: list[tuple[float, float]] = [(0, 0)]
    for i in range(n):
        c = (i + 0.5) * pitch
        tails += [(0, c - w0), (t, c - w1), (t, c + w1), (0, c + w0)]
        cuts += [(c - w0, c - w1), (c + w0, c + w1)]
    faces = _prism([*tails, (0, high), (-long, high)], 0, d, axes)
    faces += _prism([(gap, 0), (gap + t, 0), (gap + t, high), (gap, high)], d, d + long, axes)
    cuts.append((high, high))
    for (low0, low1), (up0, up1) in zip(cuts[::2], cuts[1::2], strict=True):
        faces += _prism([(gap, low0), (gap + t, low1), (gap + t, up1), (gap, up0)], 0, d, axes)
    return faces


def _mortise(rng: np.random.Generator, axes: np.ndarray) -> list[Face]:
    """A rail's tenon before the hole in a post."""
    w, d, h, long = rng.uniform(0.5, 0.7), 0.6, rng.uniform(0.7, 1.1), rng.uniform(1.3, 2.0)
    gap, over, tongue = rng.uniform(0.75, 1.0), rng.uniform(0.6, 1.1), rng.uniform(0.4, 0.6)
    faces = _prism([(-w, -over), (0, -over), (0, h + over), (-w, h + over)], 0, d, axes)
    hole = np.array([(0, d * y, h * z) for y, z in ((0.3, 0.15), (0.7, 0.15), (0.7, 0.85), (0.3, 0.85))])
    faces.append((hole @ axes, 0.95))
    x = gap
    faces += _prism(
        [(x, h * 0.15), (x + tongue, h * 0.15), (x + tongue, h * 0.85), (x, h * 0.85)], d * 0.3, d * 0.7, axes
    )
    x += tongue
    return faces + _prism([(x, 0), (x + long, 0), (x + long, h), (x, h)], 0, d, axes)


def _scarf(rng: np.random.Generator, axes: np.ndarray) -> list[Face]:
    """Two beams hooked end to end, or halved."""
    s, long, d, gap = (
        rng.uniform(0.8, 1.6),
        rng.uniform(0.9, 1.5),
        rng.uniform(0.5, 0.9),
        rng.uniform(0.15, 0.5),
    )
    hooked = [(0.0, 0.18), (0.5, 0.38), (0.5, 0.62), (1.0, 0.82)]
    steps = _pick(rng, (hooked, hooked, [(0.0, 0.5), (1.0, 0.5)], [(0.0, 0.12), (1.0, 0.88)]))
    cut = [(x * s, z) for x, z in steps]
    x1 = s + gap
    right = [(x + x1, z) for x, z in cut]
    faces = _prism([(-long, 0), (0, 0), *cut, (s, 1), (-long, 1)], 0, d, axes)
    return faces + _prism(
        [(x1, 0), (x1 + s + long, 0), (x1 + s + long, 1), (x1 + s, 1), *right[::-1]], 0, d, axes
    )


def _fit(faces: list[Face], box: Box) -> list[Face]:
    """The faces moved and scaled into ``box``."""
    every = np.concatenate([f for f, _ in faces])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = min((box[2] - box[0]) / (high[0] - low[0]), (box[3] - box[1]) / (high[1] - low[1]))
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    return [((f - (low + high) / 2) * scale + centre, tone) for f, tone in faces]


def _measure(pen: _Pen, a: Sequence[float], b: Sequence[float], ink: RGB) -> None:
    """A dimension line between two points, a stroke at each end."""
    pen.line((a[0], a[1], b[0], b[1]), fill=ink, width=0.5)
    for x, y in (a, b):
        pen.line((x - 3, y + 3, x + 3, y - 3), fill=ink, width=1)


def joinery_drawing(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A workshop sheet: a joint of wood drawn apart, measured, with its elevation."""
    width, height = size
    blue = rng.random() < 0.3
    ground = (
        mix(palette.deep, palette.ink, 0.5) if blue else mix(palette.light, palette.mid, rng.uniform(0, 0.3))
    )
    ink = palette.light if blue else palette.ink
    lit, dim = (
        (mix(ground, ink, 0.32), mix(ground, (0, 0, 0), 0.3))
        if blue
        else (mix(ground, palette.mid, 0.2), mix(palette.deep, palette.mid, 0.4))
    )
    if not blue and rng.random() < 0.5:
        dim = mix(dim, palette.accent, 0.5)
    a, b = rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.6)
    axes = np.array([(math.cos(a), math.sin(a)), (math.cos(b), -math.sin(b)), (0, -1.0)])
    front = np.array([(1.0, 0), (0, 0), (0, -1.0)])
    joints = [_dovetail, _mortise, _scarf]
    count = 2 if height > 1.35 * width and rng.random() < 0.5 else 1
    m = width * 0.1
    cuts = np.linspace(m, height * 0.8, count + 1)
    drawn: list[Face] = []
    for i in range(count):
        joint, seed = joints.pop(int(rng.integers(len(joints)))), int(rng.integers(1 << 30))
        drawn += _fit(
            joint(np.random.default_rng(seed), axes), (m, cuts[i] + 12, width - m, cuts[i + 1] - 12)
        )
    plan = _fit(
        joint(np.random.default_rng(seed), front),
        (m, height * 0.83, width * rng.uniform(0.45, 0.6), height * 0.93),
    )
    squared = rng.random() < 0.5

    def drafted(pen: _Pen) -> None:
        if squared:
            for v in np.arange(m / 2, max(size), 13.0):
                for ends in ((v, 0, v, height), (0, v, width, v)):
                    pen.line(ends, fill=mix(ground, ink, 0.1), width=0.5)
        for flat, tone in drawn + plan:
            pen.polygon(flat, fill=mix(lit, dim, tone))
            pen.line([*flat, *flat[:1]], ink, 1.2)
            if tone > 0.5:
                for t in np.linspace(0.12, 0.9, 7):
                    p, q = (
                        flat[0] + (flat[1] - flat[0]) * t,
                        flat[3 % len(flat)] + (flat[2] - flat[3 % len(flat)]) * t,
                    )
                    pen.line(np.stack([p, q]), fill=mix(dim, ink, 0.4), width=0.5)
        every = np.concatenate([f for f, _ in drawn])
        low, high = every.min(axis=0), every.max(axis=0)
        _measure(pen, (low[0], high[1] + 9), (high[0], high[1] + 9), palette.accent)
        _measure(pen, (low[0] - 9, low[1]), (low[0] - 9, high[1]), palette.accent)
        for i in range(3):
            y = height * (0.86 + 0.03 * i)
            pen.line(_scribble(rng, width * 0.68, y, width * rng.uniform(0.1, 0.22), 5), fill=ink, width=0.5)
        pen.rectangle((m / 2, m / 2, width - m / 2, height - m / 2), outline=ink, width=0.5)

    return grain(_penned(_paper(rng, size, ground, 18), drafted), rng, 5)


# ---------------------------------------------------------------- machines that hum


_LINES = (
    "~ $ ls letters/",
    "draft-01  draft-02  unsent",
    "~ $ ping moon",
    "no reply yet",
    "~ $ play rain.tape",
    "> anyone still up?",
    "> only the fans",
    "uptime 41 days",
    "connected at 2400",
    "guestbook: 3 new notes",
    "saving ... ok",
    "tape 2 of 7",
    "~ $ cat diary.txt",
    "mild night. window open.",
    "~ $ echo hello",
    "hello",
    "listening on port 70",
    "signal weak, holding",
    "3f2a  00 1c 7e 66 3c",
    "3f30  18 18 7e 00 42",
    "~ $ tend garden",
    "12 pages watered",
    "last visitor: 03:14",
    "~ $ _",
)
_ART = (
    ("    _..._", "  .'     `.", " /    o    \\", " |  .   o  |", " \\    .    /", "  `._   _.'", "     ```"),
    (" /\\_/\\", "( o.o )", " > ^ <", "/|   |\\", "(_|_|_)"),
    ("     |", "   \\ | /", "  -- * --", "   / | \\", "     |", "   \\ | /", "    \\|/", "_____|_____"),
    (
        "   .      *      .",
        "        .     /\\",
        "  *    /\\    /  \\",
        "      /  \\/\\/    \\",
        "~~~~~~~~~~~~~~~~~~",
        " ~   ~ ~    ~  ~",
    ),
    ("  ____||__", " /       \\\\", "/_________\\\\", "| [ ]  _  |", "|     | | |", "|_____|_|_|"),
)


def _typed(rng: np.random.Generator, size: Size, points: int) -> Image.Image:
    """A screenful of type as a mask: some lines, a small picture of characters, a cursor."""
    mask = Image.new("L", size)
    pen, face = ImageDraw.Draw(mask), font("mono", points)
    row = points * 1.35
    rows = max(3, int(size[1] / row))
    start = int(rng.integers(len(_LINES)))
    lines = [_LINES[(start + i) % len(_LINES)] for i in range(int(rows * rng.uniform(0.35, 1.0)))]
    art = _pick(rng, _ART)
    if len(art) + 4 < rows and rng.random() < 0.75:
        at = int(rng.integers(0, 3))
        lines = [*lines[:at], "", *art, "", *lines[at:]]
    lines = lines[: rows - 1]
    for i, line in enumerate(lines):
        pen.text((0, i * row), line, fill=235 if rng.random() < 0.8 else 150, font=face)
    y = len(lines) * row
    pen.rectangle((0, y + 2, points * 0.6, y + points + 1), fill=255)
    return mask


def _phosphor(rng: np.random.Generator, size: Size, ground: RGB, light: RGB) -> Image.Image:
    """A lit tube: type that glows, scan lines, a bright middle."""
    width, height = size
    points = max(8, int(width / rng.uniform(16, 26)))
    pad = int(width * 0.08)
    mask = Image.new("L", size)
    mask.paste(_typed(rng, (width - 2 * pad, height - 2 * pad), points), (pad, pad))
    middle = mix(ground, light, 0.16)
    tube = gradient(size, [(0, ground), (rng.uniform(0.3, 0.7), middle), (1, ground)])
    tube = _glow(tube, mask, mix(light, ground, 0.2), 9, 1.5)
    tube.paste(mix(light, (255, 255, 255), 0.25), (0, 0), mask)
    scan = Image.fromarray(
        np.where(np.arange(height) % 3 == 0, 70, 0).astype(np.uint8)[:, None].repeat(width, 1)
    )
    tube.paste(ground, (0, 0), scan)
    return tube


def _bulged(image: Image.Image, amount: float) -> Image.Image:
    """The picture as if on the curved face of a tube."""
    width, height = image.size
    n = 7
    grid = np.stack(np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n)), axis=-1)
    pull = 1 - amount + amount * (grid**2).sum(axis=-1, keepdims=True) * 0.75
    source = (grid * pull + 1) / 2 * (width - 1, height - 1)
    xs, ys = np.linspace(0, width, n).astype(int), np.linspace(0, height, n).astype(int)
    mesh = []
    for i in range(n - 1):
        for j in range(n - 1):
            quad = (source[i, j], source[i + 1, j], source[i + 1, j + 1], source[i, j + 1])
            box = (int(xs[j]), int(ys[i]), int(xs[j + 1]), int(ys[i + 1]))
            mesh.append((box, tuple(float(v) for p in quad for v in p)))
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)


def _computer(rng: np.random.Generator, size: Size, palette: Palette, light: RGB) -> Image.Image:
    """An old computer on a desk, its tube the lamp of the room."""
    width, height = size
    night = mix(palette.ink, palette.deep, rng.uniform(0.1, 0.6))
    case = mix(palette.light, palette.mid, rng.uniform(0.1, 0.6))
    shade = mix(case, palette.ink, 0.45)
    w = width * rng.uniform(0.56, 0.8)
    h = w * rng.uniform(0.8, 1.0)
    x, desk = (width - w) * rng.uniform(0.25, 0.75), height * rng.uniform(0.7, 0.82)
    y = desk - h - w * 0.06
    base = gradient(size, [(0, mix(night, (0, 0, 0), 0.3)), (desk / height, mix(night, light, 0.16))])
    glass = (x + w * 0.1, y + h * 0.09, x + w * 0.9, y + h * 0.78)
    keys = height - desk > 0.12 * height and rng.random() < 0.8

    wall = _pick(rng, ("window", "window", "plant", "prints", "none"))
    side = -1 if x + w / 2 > width / 2 else 1
    pot = (width * (0.5 + 0.4 * side), desk + 6)
    shoot = _specimens(rng, "posy", (pot[0] - 40, desk - h * 0.9, pot[0] + 40, desk - 12))
    dim = mix(night, light, 0.14)

    def machine(pen: _Pen) -> None:
        if wall == "window" and y > 70:
            left, right, low = width * 0.14, width * rng.uniform(0.6, 0.88), min(y - 14, height * 0.42)
            pen.rectangle((left, 14, right, low), mix(palette.ink, palette.deep, 0.75), dim, 3)
            pen.ellipse(
                _around(left + (right - left) * rng.uniform(0.2, 0.8), 14 + (low - 14) * 0.35, 9),
                palette.light,
            )
            pen.line(((left + right) / 2, 14, (left + right) / 2, low), dim, 3)
        for i in range(3 if wall == "prints" else 0):
            left, tall = width * (0.1 + 0.28 * i), rng.uniform(0.09, 0.14) * height
            pen.rectangle((left, y * 0.4 - tall / 2, left + width * 0.2, y * 0.4 + tall / 2), dim)
            pen.ellipse(_around(left + width * 0.1, y * 0.4, tall * 0.24), mix(dim, palette.accent, 0.35))
        pen.rectangle((0, desk, width, height), fill=mix(palette.deep, palette.ink, 0.55))
        pen.rectangle((0, desk, width, desk + 2), fill=mix(palette.deep, light, 0.4))
        if wall == "plant":
            for plant in shoot:
                _draw_plant(
                    pen, plant, {"leaf": mix(night, palette.mid, 0.4)}, mix(night, palette.mid, 0.55), 0.8
                )
            rim = [(-17, -16), (17, -16), (12, 12), (-12, 12)]
            pen.polygon(np.array(rim) + np.array(pot), mix(palette.accent, night, 0.55))
        pen.rectangle((x + w * 0.2, y + h, x + w * 0.8, desk + 4), fill=mix(shade, palette.ink, 0.4))
        pen.rounded((x + 5, y + 4, x + w + 5, y + h + 4), w * 0.06, fill=mix(shade, palette.ink, 0.5))
        pen.rounded((x, y, x + w, y + h), w * 0.06, fill=mix(case, shade, 0.25))
        pen.rounded((x + 3, y + 2, x + w - 4, y + h * 0.86), w * 0.05, fill=case)
        pen.rounded((glass[0] - 7, glass[1] - 6, glass[2] + 7, glass[3] + 7), w * 0.07, fill=shade)
        for i in range(8):
            pen.line(
                (x + w * (0.12 + i * 0.03), y + h * 0.9, x + w * (0.12 + i * 0.03), y + h * 0.95),
                fill=shade,
                width=1,
            )
        pen.ellipse(_around(x + w * 0.87, y + h * 0.92, 3), fill=palette.accent)
        for row in range(4 if keys else 0):
            ky = desk + (height - desk) * (0.3 + row * 0.15)
            for c in range(13):
                kx = x + w * (0.02 + c * 0.074) - row * 2
                pen.rounded((kx, ky, kx + w * 0.06, ky + 6), 3, fill=mix(case, palette.ink, 0.2 + 0.1 * row))

    base = _penned(base, machine)
    tube = (int(glass[2] - glass[0]), int(glass[3] - glass[1]))
    corner = Image.new("L", tube)
    ImageDraw.Draw(corner).rounded_rectangle((0, 0, tube[0] - 1, tube[1] - 1), w * 0.06, fill=255)
    base.paste(
        _phosphor(rng, tube, mix(palette.ink, (0, 0, 0), 0.5), light), (int(glass[0]), int(glass[1])), corner
    )
    lamp = Image.new("L", size)
    ImageDraw.Draw(lamp).rectangle(glass, fill=90)
    return vignette(_glow(base, lamp, light, 44, 0.9), 0.45)


def _desktop(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A small early desktop: a dotted ground, windows over one another."""
    width, height = size
    paper, ink = palette.light, palette.ink
    dots = (np.add.outer(np.arange(height), np.arange(width)) // 2 % 2) == 0
    lower, upper = _pick(
        rng, ((palette.mid, palette.deep), (palette.accent, palette.deep), (palette.deep, palette.ink))
    )
    base = Image.fromarray(
        np.where(dots[..., None], np.array(lower), np.array(mix(lower, upper, 0.55))).astype(np.uint8)
    )
    pen = ImageDraw.Draw(base)
    count = int(rng.integers(3, 6))
    for i in range(count):
        w, h = int(width * rng.uniform(0.5, 0.8)), int(height * rng.uniform(0.22, 0.42))
        x, y = (
            int((width - w) * rng.uniform(0.05, 0.95)),
            int(24 + (height - h - 40) * (i + rng.random()) / count),
        )
        pen.rectangle((x + 4, y + 4, x + w + 4, y + h + 4), fill=mix(ink, lower, 0.2))
        pen.rectangle((x, y, x + w, y + h), fill=paper, outline=ink, width=1)
        for line in range(4, 16, 3):
            pen.line((x + 4, y + line, x + w - 4, y + line), fill=ink)
        pen.rectangle((x + 9, y + 3, x + 21, y + 15), fill=paper, outline=ink)
        if rng.random() < 0.6:
            text = _typed(rng, (w - 20, h - 30), max(9, int(width / 30)))
            base.paste(ink, (x + 10, y + 24), text)
        else:
            t = np.linspace(0, 1, 60)
            for j in range(5):
                hills = y + h * (0.5 + 0.09 * j) - np.sin(t * rng.uniform(3, 9) + rng.uniform(0, 6)) * h * 0.1
                shape = np.concatenate(
                    [np.stack([x + 2 + t * (w - 4), hills], 1), [(x + w - 2, y + h - 2), (x + 2, y + h - 2)]]
                )
                pen.polygon(
                    [tuple(p) for p in shape.tolist()],
                    fill=mix(palette.mid, palette.accent if j % 2 else palette.ink, 0.2 * j),
                    outline=ink,
                )
            pen.ellipse(
                _around(x + w * rng.uniform(0.2, 0.8), y + h * 0.32, h * 0.1),
                fill=palette.accent,
                outline=ink,
            )
    pen.rectangle((0, 0, width, 15), fill=paper)
    pen.line((0, 15, width, 15), fill=ink)
    for i in range(4):
        pen.rectangle((10 + i * 34, 6, 10 + i * 34 + int(rng.integers(12, 26)), 9), fill=ink)
    return base


def terminal_screen(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """An old screen: close by, on its desk at night, or as a desktop of small windows."""
    light = _pick(rng, (palette.accent, palette.light, mix(palette.accent, palette.light, 0.5)))
    if _brightness(light) < 150:
        light = mix(light, (255, 255, 255), 0.4)
    view = rng.random()
    if view < 0.45:
        return grain(_computer(rng, size, palette, light), rng, 5)
    if view < 0.7:
        return grain(_desktop(rng, size, palette), rng, 4)
    tube = _phosphor(rng, size, mix(palette.ink, (0, 0, 0), 0.45), light)
    return grain(vignette(_bulged(tube, rng.uniform(0.05, 0.16)), 0.55), rng, 6)


def _signal(rng: np.random.Generator, count: int, rough: int = 5) -> np.ndarray:
    """A sound-like curve in about [-1, 1]: a few waves under a swelling and fading envelope."""
    t = np.linspace(0, 1, count)
    wave = np.zeros(count)
    for _ in range(rough):
        wave += rng.uniform(0.3, 1) * np.sin(2 * np.pi * (rng.uniform(2, 28) * t + rng.random()))
    knots = rng.uniform(0.1, 1, 9) * np.sin(np.linspace(0.15, 3.0, 9))
    return np.asarray(wave / (0.6 * rough) * np.interp(t, np.linspace(0, 1, 9), knots))


def _ridges(rng: np.random.Generator, size: Size, pen: _Pen, inks: list[RGB]) -> None:
    """Line before line, each hiding the last, like pulses plotted one under the other."""
    width, height = size
    ground, plain, spoken = inks
    count, side = int(rng.integers(18, 44)), width * rng.uniform(0.08, 0.2)
    top, bottom = height * rng.uniform(0.2, 0.3), height * rng.uniform(0.78, 0.9)
    t = np.linspace(0, 1, 90)
    peak, spread = rng.uniform(0.35, 0.65), rng.uniform(0.1, 0.22)
    tall = (bottom - top) * rng.uniform(0.12, 0.24)
    marked = int(rng.integers(count))
    for i in range(count):
        swell = np.exp(-(((t - peak - rng.normal(0, 0.03)) / spread) ** 2))
        bumps = np.abs(np.interp(t, np.linspace(0, 1, 32), rng.normal(0, 1, 32))) * swell
        y = top + (bottom - top) * i / count - bumps * tall * 0.5 - rng.normal(0, 0.5, 90)
        line = np.stack([side + t * (width - 2 * side), y], axis=1)
        pen.polygon(_down_to(line, bottom), ground)
        pen.line(line, fill=spoken if i == marked else plain, width=1.2)


def _bars(rng: np.random.Generator, size: Size, pen: _Pen, inks: list[RGB]) -> None:
    """A recording as bars about a middle, upright or across, played up to a point."""
    width, height = size
    ground, plain, spoken = inks
    upright = rng.random() < 0.5
    long, wide = (height, width) if upright else (width, height)
    tracks, gap = (int(rng.integers(1, 3)) if upright else int(rng.integers(1, 5))), int(rng.integers(4, 9))
    for track in range(tracks):
        middle, reach = wide * (track + 0.5) / tracks, wide * rng.uniform(0.36, 0.44) / tracks
        at = np.arange(long * 0.09, long * 0.91, gap)
        loud = np.minimum(np.abs(_signal(rng, len(at))) * 1.5, 1) * reach + 2
        played = rng.uniform(0.2, 0.8) * long
        for p, h in zip(at, loud, strict=True):
            thin = gap * 0.3
            bar = (
                (middle - h, p - thin, middle + h, p + thin)
                if upright
                else (p - thin, middle - h, p + thin, middle + h)
            )
            pen.rounded(bar, thin, fill=spoken if p < played else mix(plain, ground, 0.45))


def _scope(rng: np.random.Generator, size: Size, pen: _Pen, inks: list[RGB]) -> None:
    """The trace of an oscilloscope, or the knot that two of them tie, on its graticule."""
    width, height = size
    ground, plain, spoken = inks
    cell = width / int(rng.integers(6, 10))
    faint = mix(ground, plain, 0.16)
    for v in np.arange(cell / 2, max(size), cell):
        pen.line((v, 0, v, height), fill=faint, width=0.5)
        pen.line((0, v, width, v), fill=faint, width=0.5)
    t = np.linspace(0, 2 * np.pi, 420)
    for i in range(int(rng.integers(1, 4))):
        if rng.random() < 0.55 and i == 0:
            a, b = _pick(rng, ((1, 2), (2, 3), (3, 4), (3, 5), (4, 5), (5, 6)))
            x = width / 2 + np.sin(a * t + rng.uniform(0.3, 1.3)) * width * 0.38
            y = height / 2 + np.sin(b * t) * height * rng.uniform(0.26, 0.38)
        else:
            x = t / (2 * np.pi) * width
            y = height * rng.uniform(0.3, 0.7) + _signal(rng, 420, 3) * height * rng.uniform(0.1, 0.22)
        pen.line(np.stack([x, y], axis=1), fill=(spoken, plain)[i % 2], width=2)


def _rings(rng: np.random.Generator, size: Size, pen: _Pen, inks: list[RGB]) -> None:
    """Sound wound about a centre, like a record seen by its grooves."""
    width, height = size
    ground, plain, spoken = inks
    cx, cy = width * rng.uniform(0.35, 0.65), height * rng.uniform(0.38, 0.62)
    a = np.linspace(0, 2 * np.pi, 260)
    far = width * rng.uniform(0.38, 0.62)
    smooth = np.stack([np.sin(a * n + rng.uniform(0, 6)) for n in rng.integers(2, 15, 5)])
    for i, r in enumerate(np.linspace(far, far * 0.24, int(rng.integers(14, 30)))):
        ring = r + (rng.uniform(0, 1, 5) @ smooth) * far * rng.uniform(0.012, 0.03)
        line = np.stack([cx + ring * np.cos(a), cy + ring * np.sin(a)], axis=1)
        pen.line(line, fill=mix(spoken if i % 7 == 3 else plain, ground, rng.uniform(0, 0.5)), width=1)
    pen.ellipse(_around(cx, cy, far * 0.13), fill=spoken)


def waveform(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A sound made visible: ridged pulses, bars, the trace of a scope, grooves."""
    paper = rng.random() < 0.35
    ground = (
        mix(palette.light, palette.mid, rng.uniform(0, 0.4))
        if paper
        else mix(palette.ink, palette.deep, rng.uniform(0, 0.5))
    )
    inks = [palette.ink if paper else palette.light, palette.accent]
    plot = _pick(rng, (_ridges, _bars, _scope, _rings))
    base = _paper(rng, size, ground, 16)
    drawn = _penned(base, lambda pen: plot(rng, size, pen, [ground, *inks]))
    if not paper:
        lit = ImageChops.difference(drawn, base).convert("L")
        drawn = _glow(
            drawn, lit, mix(palette.accent, palette.light, 0.3), rng.uniform(8, 18), rng.uniform(0.5, 1.0)
        )
    return vignette(grain(drawn, rng, 6), 0.15 if paper else 0.4)


_HEADINGS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


def _traces(rng: np.random.Generator, taken: np.ndarray, tries: int) -> list[np.ndarray]:
    """Tracks over a grid that turn by eighths, keep off ``taken`` cells and never cross."""
    rows, columns = taken.shape
    found: list[np.ndarray] = []
    full = set(zip(*(at.tolist() for at in np.nonzero(taken.T)), strict=True))
    starts = np.stack([rng.integers(0, columns, tries), rng.integers(0, rows, tries)], axis=1).tolist()
    main, bendy, reach = int(rng.integers(0, 8)), rng.uniform(0.02, 0.12), int(rng.integers(16, 46))
    for start in starts:
        x, y = start
        if (x, y) in full:
            continue
        heading = (main + 2 * int(rng.integers(0, 4))) % 8 if rng.random() < 0.3 else main
        path = [(x, y)]
        full.add((x, y))
        for turn in rng.random(int(rng.integers(5, reach))).tolist():
            drift = 1 if turn < bendy else -1 if turn < 2 * bendy else 0
            moved = False
            for way in ((heading + drift) % 8, (heading + 1) % 8, (heading - 1) % 8):
                dx, dy = _HEADINGS[way]
                nx, ny = x + dx, y + dy
                if (
                    0 <= nx < columns
                    and 0 <= ny < rows
                    and (nx, ny) not in full
                    and not ((nx, y) in full and (x, ny) in full)
                ):
                    x, y, heading, moved = nx, ny, way, True
                    break
            if not moved:
                break
            full.add((x, y))
            path.append((x, y))
        if len(path) > 3:
            found.append(np.array(path, float))
    return found


def _tilted(image: Image.Image, amount: float) -> Image.Image:
    """The picture as a sheet lying before the viewer, its near edge larger and its far edge out of focus."""
    width, height = image.size
    h = amount / height
    lean = (1, width / 2 * h, 0, 0, 1 + amount, 0, 0, h)
    flat = image.transform(image.size, Image.Transform.PERSPECTIVE, lean, Image.Resampling.BICUBIC)
    soft = flat.reduce(3).filter(ImageFilter.GaussianBlur(1)).resize(image.size, Image.Resampling.BICUBIC)
    focus = np.clip(np.linspace(1.7, -1.2, height), 0, 1) + np.clip(np.linspace(-4, 0.8, height), 0, 1)
    mask = Image.fromarray((focus * 255).astype(np.uint8)[:, None].repeat(width, 1))
    return Image.composite(soft, flat, mask)


Chip: TypeAlias = tuple[int, int, int, int]


def _chips(rng: np.random.Generator, taken: np.ndarray) -> list[Chip]:
    """Places for chips on the board's grid (column, row, columns, rows), marked as ``taken``."""
    rows, columns = taken.shape
    found: list[Chip] = []
    for _ in range(int(rng.integers(1, 5))):
        w, h = int(rng.integers(4, max(6, columns // 2))), int(rng.integers(3, max(5, rows // 3)))
        x, y = int(rng.integers(0, max(1, columns - w))), int(rng.integers(0, max(1, rows - h)))
        if not taken[max(0, y - 2) : y + h + 3, max(0, x - 2) : x + w + 3].any():
            taken[y : y + h + 1, x : x + w + 1] = True
            found.append((x, y, w, h))
    return found


def _draw_chip(pen: _Pen, chip: Chip, cell: float, metal: RGB, palette: Palette) -> None:
    """One chip with its legs, its shadow, the dot that says which way round it goes."""
    column, row, w, h = chip
    x0, y0, x1, y1 = (v * cell for v in (column + 0.6, row + 0.6, column + w + 0.4, row + h + 0.4))
    leg = cell * 0.35
    for v in np.arange(y0 + cell * 0.5, y1 - 2, cell * 0.8).tolist():
        pen.rectangle((x0 - leg, v, x1 + leg, v + leg), mix(metal, palette.mid, 0.4))
    for v in np.arange(x0 + cell * 0.5, x1 - 2, cell * 0.8).tolist():
        pen.rectangle((v, y0 - leg, v + leg, y1 + leg), mix(metal, palette.light, 0.4))
    pen.rectangle((x0 + 3, y0 + 4, x1 + 3, y1 + 4), mix(palette.ink, (0, 0, 0), 0.7))
    pen.rectangle((x0, y0, x1, y1), mix(palette.ink, (0, 0, 0), 0.35))
    pen.line((x0, y0, x1, y0), mix(palette.ink, palette.light, 0.35))
    pen.ellipse(_around(x0 + cell * 0.7, y0 + cell * 0.7, cell * 0.25), mix(palette.ink, palette.light, 0.25))


def circuit_lines(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The tracks of a circuit board between its chips, in raking light or as ink on paper."""
    width, height = size
    paper = rng.random() < 0.25
    board, track = mix(palette.deep, palette.ink, rng.uniform(0.2, 0.85)), palette.mid
    if paper:
        board, track = mix(palette.light, palette.mid, 0.2), palette.ink
    track = mix(board, track, rng.uniform(0.55, 0.9))
    metal = palette.accent if rng.random() < 0.6 else mix(palette.light, palette.accent, 0.4)
    cell = rng.uniform(7.0, 17)
    taken = np.zeros((int(height / cell) + 1, int(width / cell) + 1), bool)
    chips = _chips(rng, taken)
    paths = [(p + 0.5) * cell for p in _traces(rng, taken, 320)]
    bright, thick = rng.random(len(paths)) < 0.12, cell * rng.uniform(0.22, 0.36)

    def etched(pen: _Pen) -> None:
        for path, lit in zip(paths, bright, strict=True):
            tone = metal if lit else track
            pen.line(path, tone, thick)
            for x, y in (path[0], path[-1]):
                pen.ellipse(_around(x, y, cell * 0.36), tone)
                pen.ellipse(_around(x, y, cell * 0.16), board)
        for chip in chips:
            _draw_chip(pen, chip, cell, metal, palette)

    drawn = _penned(_paper(rng, size, board, 30), etched)
    if rng.random() < 0.4:
        drawn = _tilted(drawn, rng.uniform(0.5, 1.3))
    if not paper:
        lamp = Image.new("L", size)
        spot = _around(rng.uniform(0, width), rng.uniform(0, height * 0.6), width * 0.35)
        ImageDraw.Draw(lamp).ellipse(spot, fill=110)
        drawn = _glow(drawn, lamp, mix(palette.light, palette.accent, 0.4), 60, 0.8)
    return vignette(grain(drawn, rng, 5), 0.15 if paper else 0.5)


@lru_cache(maxsize=64)
def _turned_shades(body: RGB) -> list[RGB]:
    """The tones of a domed knob from its shaded rim to its lit crown."""
    return [mix(mix(body, (0, 0, 0), 0.35), mix(body, (255, 255, 255), 0.22), i / 5) for i in range(6)]


def _knob(pen: _Pen, disc: tuple[float, float, float], turn: float, body: RGB, look: dict[str, RGB]) -> None:
    """A knob (x, y, radius) with its scale, its shadow and its pointer turned to ``turn`` in [0, 1]."""
    x, y, r = disc
    mark, plate = look["mark"], look["plate"]
    for i in range(11):
        a = math.radians(135 + 27 * i)
        c, s = math.cos(a), math.sin(a)
        pen.line((x + c * r * 1.2, y + s * r * 1.2, x + c * r * 1.38, y + s * r * 1.38), fill=mark, width=0.5)
    pen.ellipse(_around(x + r * 0.16, y + r * 0.28, r * 1.04), fill=mix(plate, (0, 0, 0), 0.4))
    for i, shade in enumerate(_turned_shades(body)):
        t = i / 5
        pen.ellipse(_around(x - r * 0.1 * t, y - r * 0.14 * t, r * (1 - 0.32 * t)), shade)
    a = math.radians(135 + 270 * turn)
    c, s = math.cos(a), math.sin(a)
    pen.line(
        (x + c * r * 0.3, y + s * r * 0.3, x + c * r * 0.95, y + s * r * 0.95),
        fill=mark,
        width=max(1, r * 0.15),
    )


def _fader(pen: _Pen, x: float, ends: tuple[float, float], at: float, look: dict[str, RGB]) -> None:
    """A slider in its slot between two heights, pushed up to ``at`` in [0, 1]."""
    top, bottom = ends
    cap, mark, plate = look["cap"], look["mark"], look["plate"]
    pen.rounded((x - 1.5, top, x + 1.5, bottom), 1, fill=mix(plate, (0, 0, 0), 0.75))
    for t in np.linspace(0, 1, 9):
        y = top + (bottom - top) * t
        pen.line((x - 8, y, x - 4, y), fill=mark, width=0.5)
    y = bottom - (bottom - top) * at
    pen.rectangle((x - 6, y - 3, x + 9, y + 10), fill=mix(plate, (0, 0, 0), 0.45))
    pen.rounded((x - 7, y - 6, x + 7, y + 6), 2, fill=cap)
    pen.line((x - 7, y, x + 7, y), fill=mark, width=1)


def _controls(
    rng: np.random.Generator, pen: _Pen, box: Box, look: dict[str, RGB]
) -> list[tuple[float, float]]:
    """Fill ``box`` with one kind of control; the places of its sockets are handed back."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    kind = _pick(
        rng, ("knobs", "knobs", "knobs", "faders", "sockets", "sockets", "pads", "lamps", "grille", "scope")
    )
    pitch = (
        rng.uniform(24, 46) if kind in ("knobs", "pads") else 20 if kind == "lamps" else rng.uniform(20, 28)
    )
    columns = max(1, int(wide / pitch))
    rows = max(1, int(tall / pitch)) if kind != "faders" else 1
    if kind == "scope":
        pen.rounded((left + 4, top + 4, right - 4, bottom - 4), 5, mix(look["lamp"], (8, 8, 10), 0.86))
        t = np.linspace(0, 1, 80)
        trace = (top + bottom) / 2 + _signal(rng, 80, 3) * tall * 0.3
        pen.line(np.stack([left + 8 + t * (wide - 16), trace], axis=1), look["lamp"], 1.3)
        return []
    holes: list[tuple[float, float]] = []
    for i in range(columns * rows):
        x, y = left + (i % columns + 0.5) * wide / columns, top + (i // columns + 0.5) * tall / rows
        r = min(wide / columns, tall / rows) * 0.5
        if kind == "knobs":
            _knob(
                pen,
                (x, y, r * 0.62),
                rng.random(),
                look["cap"] if rng.random() < 0.85 else look["lamp"],
                look,
            )
        elif kind == "faders":
            _fader(pen, x, (top + 8, bottom - 8), rng.uniform(0.1, 0.95), look)
        elif kind == "sockets":
            holes.append((x, y))
            for share, tone in (
                (0.5, look["mark"]),
                (0.38, mix(look["plate"], look["mark"], 0.4)),
                (0.24, (12, 11, 12)),
            ):
                pen.ellipse(_around(x, y, min(r, 12) * share * 1.3), fill=tone)
        elif kind == "pads":
            lit = rng.random() < 0.25
            pad = (x - r * 0.78, y - r * 0.78, x + r * 0.78, y + r * 0.78)
            pen.rounded(
                (pad[0] + 2, pad[1] + 3, pad[2] + 2, pad[3] + 3), 6, fill=mix(look["plate"], (0, 0, 0), 0.5)
            )
            pen.rounded(pad, 6, fill=look["lamp"] if lit else mix(look["cap"], look["plate"], 0.15))
        elif kind == "lamps":
            tone = look["lamp"] if rng.random() < 0.4 else mix(look["lamp"], look["plate"], 0.7)
            pen.ellipse(_around(x, y, 3.4), fill=tone)
            pen.line((x - 5, y + 7, x + 5, y + 7), fill=look["mark"], width=0.5)
        else:
            pen.rounded((x - r * 0.8, y - 2.5, x + r * 0.8, y + 2.5), 4, fill=(16, 14, 15))
    return holes


def _keyboard(pen: _Pen, box: Box, palette: Palette) -> None:
    """Black and white keys across ``box``."""
    left, top, right, bottom = box
    count = max(7, int((right - left) / 24))
    w = (right - left) / count
    for i in range(count):
        x = left + i * w
        pen.rounded((x + 0.7, top, x + w - 0.7, bottom), 4, fill=mix(palette.light, (255, 255, 255), 0.4))
        pen.rectangle(
            (x + 0.7, bottom - 6, x + w - 0.7, bottom - 3), fill=mix(palette.light, palette.mid, 0.5)
        )
    for i in range(1, count):
        if i % 7 not in (3, 0):
            x = left + i * w
            pen.rectangle(
                (x - w * 0.28, top, x + w * 0.34, top + (bottom - top) * 0.64),
                fill=mix(palette.ink, (0, 0, 0), 0.7),
            )
            pen.rectangle(
                (x - w * 0.28, top, x + w * 0.26, top + (bottom - top) * 0.59),
                fill=mix(palette.ink, (0, 0, 0), 0.3),
            )


def synth_panel(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """The face of an electronic instrument: knobs, sliders, pads, lamps, keys, patched cables."""
    width, height = size
    plates = (
        palette.light,
        palette.mid,
        mix(palette.deep, palette.ink, 0.5),
        mix(palette.light, palette.mid, 0.5),
        palette.ink,
    )
    plate = _pick(rng, plates)
    mark = _readable_on(plate, palette)
    cap = (
        mix(palette.ink, (0, 0, 0), 0.2) if _brightness(plate) > 90 else mix(palette.light, palette.mid, 0.5)
    )
    look = {"plate": plate, "mark": mark, "cap": cap, "lamp": palette.accent}
    keys = height * rng.uniform(0.68, 0.78) if rng.random() < 0.35 else height * 1.02
    columns, cables = int(rng.integers(1, 4)), int(rng.integers(0, 7))

    def panel(pen: _Pen) -> None:
        holes: list[tuple[float, float]] = []
        edges = np.linspace(0, width, columns + 1)
        for c in range(columns):
            left, right, y = edges[c], edges[c + 1], 0.0
            tint = mix(plate, _pick(rng, (palette.mid, palette.deep, plate)), 0.35)
            pen.rectangle((left, 0, right, keys), fill=tint)
            pen.line((right, 0, right, keys), fill=mix(tint, (0, 0, 0), 0.5), width=1)
            while y < keys - 50:
                tall = min(rng.uniform(0.16, 0.34) * height, keys - y)
                holes += _controls(
                    rng, pen, (left + 9, y + 12, right - 9, y + tall - 4), {**look, "plate": tint}
                )
                y += tall
                pen.line((left + 12, y, right - 12, y), fill=mix(tint, mark, 0.4), width=0.5)
        if keys < height:
            pen.rectangle((0, keys - 3, width, height), fill=(18, 16, 17))
            _keyboard(pen, (3, keys, width - 3, height - 5), palette)
        for _ in range(cables if len(holes) > 1 else 0):
            a, b = holes[int(rng.integers(len(holes)))], (rng.uniform(0, width), keys * rng.uniform(0.2, 1.0))
            line = _curve(a, b, 0) + np.sin(np.linspace(0, np.pi, 20))[:, None] * (0, rng.uniform(20, 90))
            tone = _pick(
                rng, (palette.accent, palette.deep, mix(palette.accent, palette.light, 0.5), palette.mid)
            )
            for shift, colour, weight in (
                (5, mix(plate, (0, 0, 0), 0.45), 4),
                (0, mix(tone, (0, 0, 0), 0.3), 4),
                (-1, tone, 2),
            ):
                pen.line(line + np.array([shift / 2, shift]), fill=colour, width=weight)

    drawn = _penned(_paper(rng, size, plate), panel)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    light = 1.1 - 0.42 * np.abs(x * rng.uniform(-0.6, 0.6) + y * rng.uniform(0.4, 1) - rng.uniform(0, 0.5))
    drawn = Image.fromarray(
        np.clip(np.asarray(drawn, np.float32) * light[..., None], 0, 255).astype(np.uint8)
    )
    return grain(drawn, rng, 5)


# ---------------------------------------------------------------- travel papers


_PLACES = (
    "Velmora", "Ostrin", "Aldermere", "Nordhalt", "Brimsand", "Tavelle", "Corvanne", "Eskmere", "Salterne",
    "Isola Bruna", "Vintermo", "Lindhavn", "Karsthalt", "Pelagia", "Morrowby", "Tarn Cross", "Hethmoor",
)  # fmt: skip


def _departures(rng: np.random.Generator, count: int, longest: int) -> list[tuple[str, str, str]]:
    """Times in order through the night, places of at most ``longest`` letters, platforms."""
    minutes = np.sort(rng.integers(20 * 60, 30 * 60, count)) % (24 * 60)
    short = [place for place in _PLACES if len(place) <= longest]
    order = rng.permutation(len(short))
    return [
        (f"{m // 60:02d}:{m % 60:02d}", short[order[i % len(order)]], str(int(rng.integers(1, 13))))
        for i, m in enumerate(minutes.tolist())
    ]


def _flaps(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A board of flaps with white letters, one row marked."""
    width, height = size
    cells = int(rng.integers(16, 20))
    pad = width * rng.uniform(0.02, 0.09)
    w = (width - 2 * pad) / cells
    h, pitch = w * 1.5, w * rng.uniform(1.75, 2.3)
    top = height * rng.uniform(0.06, 0.26)
    rows = int((height * 0.96 - top) / pitch)
    board, flap = mix(palette.ink, (0, 0, 0), 0.5), mix(palette.ink, palette.deep, rng.uniform(0.3, 0.6))
    base = gradient(size, [(0, mix(board, palette.deep, 0.4)), (1, board)])
    pen, face = ImageDraw.Draw(base), font("sans-bold", max(8, int(w * 1.05)))
    marked = int(rng.integers(rows))
    for row, (time, place, platform) in enumerate(_departures(rng, rows, cells - 9)):
        text = f"{time} {place.upper():<{cells - 9}}"[: cells - 3].ljust(cells - 3) + f"{platform:>3}"
        y = top + row * pitch
        ink = (
            mix(palette.accent, palette.light, 0.3)
            if row == marked
            else mix(palette.light, flap, 0.4 if rng.random() < 0.2 else 0.05)
        )
        for i, letter in enumerate(text):
            x = pad + i * w
            pen.rectangle((x, y, x + w - 2, y + h), fill=mix(flap, (0, 0, 0), rng.uniform(0, 0.2)))
            pen.rectangle((x, y, x + w - 2, y + h / 2), fill=mix(flap, palette.mid, 0.12))
            if letter != " ":
                turning = rng.random() < 0.008
                pen.text(
                    (x + w / 2 - 1, y + h / 2 + (h * 0.3 if turning else 0)),
                    letter,
                    fill=ink,
                    font=face,
                    anchor="mm",
                )
            pen.line((x, y + h / 2, x + w - 2, y + h / 2), fill=board)
    if top > height * 0.14:
        cx, cy, r = width * rng.uniform(0.2, 0.8), top * 0.5, top * 0.33
        hands = rng.uniform(0, 6.28, 2)

        def clock(pen: _Pen) -> None:
            pen.ellipse(_around(cx, cy, r), fill=palette.light, outline=mix(palette.mid, board, 0.4), width=2)
            for a, long in zip(hands, (0.5, 0.8), strict=True):
                pen.line(
                    (cx, cy, cx + math.cos(a) * r * long, cy + math.sin(a) * r * long),
                    fill=palette.ink,
                    width=2,
                )

        base = _penned(base, clock)
    lamp = Image.new("L", size)
    ImageDraw.Draw(lamp).ellipse(_around(width * rng.uniform(0, 1), 0, width * 0.4), fill=90)
    return vignette(_glow(base, lamp, palette.mid, 50, 0.8), 0.5)


def _printed_times(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A printed page of times: stations down, trains across, some ringed by hand."""
    width, height = size
    ground = _pick(
        rng, (palette.light, mix(palette.light, palette.mid, 0.35), mix(palette.light, palette.accent, 0.18))
    )
    ink = _readable_on(ground, palette)
    base = _paper(rng, size, ground, 24)
    pen = ImageDraw.Draw(base)
    points = int(rng.integers(9, 13))
    name, digits = font("serif", points), font("mono", points - 1)
    m, top = width * 0.08, height * rng.uniform(0.14, 0.24)
    pitch = points * rng.uniform(1.7, 2.2)
    column = digits.getlength("00:00") + 9
    start = m + points * 7.6
    trains = max(1, int((width - m - start) / column))
    pen.rectangle((0, 0, width, top * 0.62), fill=_pick(rng, (palette.accent, palette.deep, palette.ink)))
    heading = f"{_pick(rng, _PLACES)} – {_pick(rng, _PLACES)}"
    face, lines = _fitted(heading, _pick(rng, ("serif", "sans-bold")), (width - 2 * m, top * 0.5), 30)
    head = base.getpixel((2, int(top * 0.3)))
    assert isinstance(head, tuple)
    pen.text(
        (m, top * 0.31),
        "\n".join(lines),
        fill=_readable_on((head[0], head[1], head[2]), palette),
        font=face,
        anchor="lm",
    )
    rows = int((height * 0.95 - top) / pitch)
    minutes = np.sort(rng.integers(17 * 60, 26 * 60, trains))
    ringed = (int(rng.integers(rows)), int(rng.integers(trains)))
    for row in range(rows):
        y = top + row * pitch
        if row % 2 == 0:
            pen.rectangle((m / 2, y, width - m / 2, y + pitch), fill=mix(ground, palette.mid, 0.22))
        pen.text(
            (m, y + pitch / 2),
            _PLACES[(row * 7 + int(minutes[0])) % len(_PLACES)],
            fill=ink,
            font=name,
            anchor="lm",
        )
        minutes = minutes + int(rng.integers(6, 37))
        for c, at in enumerate(minutes.tolist()):
            x = start + c * column
            text = f"{at // 60 % 24:02d}:{at % 60:02d}" if rng.random() > 0.12 else "  |"
            pen.text((x, y + pitch / 2), text, fill=ink, font=digits, anchor="lm")
            if (row, c) == ringed:
                oval = (x - 5, y - 1, x + column - 5, y + pitch + 1)
                pen.arc(oval, 20, 372, fill=palette.accent, width=1)
    fold = np.ones(width, np.float32)
    fold[int(width * rng.uniform(0.4, 0.6)) :] = rng.uniform(0.9, 0.96)
    return Image.fromarray((np.asarray(base, np.float32) * fold[None, :, None]).astype(np.uint8))


def timetable(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Departures: a board of flaps in a dim hall, a printed page, a page lying on the seat."""
    width, height = size
    view = rng.random()
    if view < 0.5:
        return grain(_flaps(rng, size, palette), rng, 6)
    if view < 0.75:
        return vignette(grain(_printed_times(rng, size, palette), rng, 5), 0.25)
    base = _paper(rng, size, mix(palette.deep, palette.ink, rng.uniform(0.2, 0.7)), 50)
    sheet = _printed_times(
        rng, (int(width * rng.uniform(0.72, 0.86)), int(height * rng.uniform(0.72, 0.86))), palette
    )
    turned = sheet.convert("RGBA").rotate(rng.uniform(-16, 16), Image.Resampling.BILINEAR, expand=True)
    at = (
        int((width - turned.width) * rng.uniform(0.2, 0.8)),
        int((height - turned.height) * rng.uniform(0.2, 0.8)),
    )
    _lay(base, turned, at, 0.8)
    return vignette(grain(base, rng, 6), 0.5)


def _motif(rng: np.random.Generator, pen: _Pen, box: Box, inks: list[RGB]) -> None:
    """A small landscape of a travel label: a peak, a sea, a town or a train, under a sun or moon."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    pen.rectangle(box, fill=inks[0])
    r = wide * rng.uniform(0.09, 0.17)
    pen.ellipse(
        _around(left + wide * rng.uniform(0.25, 0.75), top + tall * rng.uniform(0.25, 0.45), r), fill=inks[1]
    )
    kind = _pick(rng, ("peak", "sea", "town", "dunes"))
    foot = top + tall * 0.72
    if kind == "peak":
        for x, h in zip(rng.uniform(0.15, 0.85, 3), (0.4, 0.55, 0.35), strict=True):
            p = left + wide * x
            peak = np.array(
                [
                    (p, foot - tall * h),
                    (min(right, p + wide * 0.35), foot),
                    (max(left, p - wide * 0.35), foot),
                ]
            )
            pen.polygon(peak, fill=inks[2])
            pen.polygon(peak[0] + (peak - peak[0]) * 0.3, fill=inks[3])
    elif kind == "town":
        for x in np.arange(0.05, 0.9, 0.15):
            h = rng.uniform(0.15, 0.5)
            pen.rectangle((left + wide * x, foot - tall * h, left + wide * (x + 0.12), foot), fill=inks[2])
    elif kind == "sea":
        x = left + wide * rng.uniform(0.35, 0.65)
        pen.polygon(
            np.array([(x, foot - tall * 0.4), (x, foot - 3), (x + wide * 0.2, foot - 3)]), fill=inks[3]
        )
        pen.polygon(
            np.array(
                [
                    (x - wide * 0.15, foot - 2),
                    (x + wide * 0.22, foot - 2),
                    (x + wide * 0.12, foot + tall * 0.08),
                    (x - wide * 0.08, foot + tall * 0.08),
                ]
            ),
            fill=inks[2],
        )
    t = np.linspace(0, 1, 24)
    for i in range(2):
        y = (
            foot
            + tall * (0.02 + 0.12 * i)
            + np.sin(t * rng.uniform(4, 12) + rng.uniform(0, 6)) * tall * 0.025
        )
        line = np.stack([left + t * wide, y], axis=1)
        pen.polygon(
            _down_to(line, bottom),
            fill=inks[2 + i] if kind != "peak" else mix(inks[2], inks[1], 0.3 + 0.3 * i),
        )


def _label(rng: np.random.Generator, wide: int, palette: Palette) -> Image.Image:
    """One travel label, round, square, or a banner: a picture, a rim, the name of a place."""
    shape = _pick(rng, ("round", "card", "tall", "banner", "diamond"))
    w, h = {
        "round": (wide, wide),
        "card": (wide, int(wide * 0.72)),
        "tall": (int(wide * 0.76), wide),
        "banner": (int(wide * 1.15), int(wide * 0.46)),
        "diamond": (int(wide * 1.2), int(wide * 1.2)),
    }[shape]
    colours = [
        palette.light,
        palette.accent,
        palette.deep,
        palette.mid,
        mix(palette.accent, palette.light, 0.5),
        mix(palette.deep, palette.ink, 0.5),
    ]
    order = rng.permutation(6)
    inks = [colours[i] for i in order]
    band, rim = inks[4], mix(palette.light, (255, 248, 230), 0.4)
    ink = _readable_on(band, palette)
    y0, y1 = {"banner": (0.0, 1.0), "diamond": (0.4, 0.6)}.get(
        shape, (0.7, 0.9) if rng.random() < 0.6 else (0.08, 0.28)
    )

    def printed(pen: _Pen) -> None:
        if shape != "banner":
            _motif(rng, pen, (0, 0, w, h), inks)
        pen.rectangle((0, h * y0, w, h * y1), fill=band)
        if shape in ("card", "tall", "banner"):
            pen.rectangle((1.5, 1.5, w - 2, h - 2), outline=rim, width=3)
        elif shape == "round":
            pen.ellipse((1, 1, w - 1, h - 1), outline=rim, width=4)
        else:
            pen.polygon(
                np.array([(w / 2, 2), (w - 2, h / 2), (w / 2, h - 2), (2, h / 2)]), outline=rim, width=4
            )

    sheet = _penned(Image.new("RGB", (w, h), inks[0]), printed)
    face, lines = _fitted(
        _pick(rng, _PLACES).upper(), _pick(rng, ("sans-bold", "serif")), (w * 0.74, h * (y1 - y0) * 0.9), 24
    )
    ImageDraw.Draw(sheet).text((w / 2, h * (y0 + y1) / 2), "\n".join(lines), fill=ink, font=face, anchor="mm")
    mask = Image.new("L", (w * 2, h * 2))
    pen = ImageDraw.Draw(mask)
    if shape == "round":
        pen.ellipse((0, 0, 2 * w - 1, 2 * h - 1), fill=255)
    elif shape == "diamond":
        pen.polygon([w, 0, 2 * w, h, w, 2 * h, 0, h], fill=255)
    else:
        pen.rounded_rectangle((0, 0, 2 * w - 1, 2 * h - 1), 8, fill=255)
    sheet.putalpha(mask.reduce(2))
    return sheet.rotate(rng.uniform(-24, 24), Image.Resampling.BILINEAR, expand=True)


def _strap(pen: _Pen, x: float, size: Size, buckle: float, tones: tuple[RGB, RGB]) -> None:
    """A stitched strap down the picture with its buckle at a height."""
    (width, height), (strap, brass) = size, tones
    w = width * 0.055
    pen.rectangle((x - w + 4, 0, x + w + 5, height), mix(strap, (0, 0, 0), 0.4))
    pen.rectangle((x - w, 0, x + w, height), strap)
    for seam in (x - w * 0.75, x + w * 0.75):
        for y in range(0, height, 9):
            pen.line((seam, y, seam, y + 5), mix(strap, brass, 0.5))
    pen.rounded((x - w - 5, buckle, x + w + 5, buckle + w * 1.9), 6, None, brass, 4)
    pen.line((x, buckle + w, x, buckle + w * 2), brass, 2)


def _stood_in_room(
    rng: np.random.Generator, leather: Image.Image, case: Box, palette: Palette, strap: RGB
) -> Image.Image:
    """The ``case`` cut out of its leather, with a handle, before a wall."""
    width, height = leather.size
    wall, floor = mix(palette.mid, palette.light, rng.uniform(0.0, 0.7)), mix(palette.deep, palette.ink, 0.4)
    stops = [(0.0, mix(wall, palette.deep, 0.3)), (0.75, wall), (0.76, floor), (1.0, palette.ink)]
    room = gradient(leather.size, stops)
    mask = Image.new("L", (width * 2, height * 2))
    ImageDraw.Draw(mask).rounded_rectangle([v * 2 for v in case], 30, fill=255)
    leather.putalpha(mask.reduce(2))
    x, y = width / 2, case[1]

    def handle(pen: _Pen) -> None:
        for r, tone in ((0.13, mix(strap, (0, 0, 0), 0.3)), (0.122, strap)):
            bow = (x - width * r, y - height * r * 0.54, x + width * r, y + height * 0.08)
            pen.arc(bow, 180, 360, fill=tone, width=8)

    room = _penned(room, handle)
    _lay(room, leather, (0, 0), 0.9)
    return vignette(grain(room, rng, 6), 0.35)


def suitcase_labels(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A travelled suitcase, its leather worn, labels pasted over one another."""
    width, height = size
    hide = mix(_pick(rng, (palette.deep, palette.deep, palette.mid)), palette.ink, rng.uniform(0.0, 0.75))
    hide = mix(hide, palette.deep, 0.4)
    rough = (smooth_noise(rng, size, 3)[..., None] - 0.5) * 26
    skin = np.asarray(_paper(rng, size, hide, 44), np.float32) + rough
    leather = Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8))
    whole = rng.random() < 0.45
    case: Box = (-20.0, -20.0, width + 20.0, height + 20.0)
    if whole:
        case = (width * 0.06, height * rng.uniform(0.2, 0.3), width * 0.94, height * rng.uniform(0.84, 0.93))
    wide, tall = case[2] - case[0], case[3] - case[1]
    across, down = (3, 2) if whole else (2, 3)
    for cell in rng.permutation(across * down)[: rng.integers(4, 6 if whole else 7)].tolist():
        share = rng.uniform(0.24, 0.33) if whole else rng.uniform(0.34, 0.5)
        label = _label(rng, int(width * share), palette)
        x = case[0] + wide * (cell % across + rng.uniform(0.3, 0.7)) / across - label.width / 2
        y = case[1] + tall * (cell // across + rng.uniform(0.3, 0.7)) / down - label.height / 2
        _lay(leather, label, (int(x), int(y)), 0.4)
    tones = mix(hide, palette.ink, 0.55), mix(palette.light, palette.accent, 0.45)
    straps = _pick(rng, ((), (0.14, 0.86), (), (0.82,), (0.18,)))

    def strapped(pen: _Pen) -> None:
        for at in straps:
            _strap(pen, at * width, size, case[1] + tall * 0.3, tones)

    leather = _penned(leather, strapped)
    if whole:
        return _stood_in_room(rng, leather, case, palette, tones[0])
    return vignette(grain(leather, rng, 7), 0.5)


# ---------------------------------------------------------------- lines of type


def _fitted(
    text: str, style: str, box: tuple[float, float], largest: int
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest face, and the lines broken for it, that keep ``text`` within ``box``."""
    for points in range(largest, 7, -1):
        face = font(style, points)
        lines = wrapped(text, face, int(box[0]))
        if len(lines) * points * 1.4 <= box[1] and max(face.getlength(line) for line in lines) <= box[0]:
            break
    return face, lines


def _ornament(rng: np.random.Generator, pen: _Pen, place: tuple[float, float, float], ink: RGB) -> None:
    """A small device at (x, y, radius): a sprig, a sun, a moon, waves, a star or a rule."""
    x, y, r = place
    kind = _pick(rng, ("sprig", "sun", "moon", "waves", "star", "rule", "rule"))
    if kind == "sprig":
        for side in (-1, 1):
            stem = _curve((x, y), (x + side * r * 2.2, y - r * 0.3), side * 0.1)
            fill = _foliage(rng, stem, r * 0.75, 7, 0.45)
            _draw_plant(
                pen,
                [_Part("stem", stem), *(p for p in fill if p.role == "leaf")],
                {"leaf": ink, "stem": ink},
                None,
                0.7,
            )
    elif kind == "sun":
        pen.ellipse(_around(x, y, r * 0.42), fill=ink)
        for a in np.arange(12) * math.pi / 6:
            c, s = math.cos(a), math.sin(a)
            pen.line(
                (x + c * r * 0.6, y + s * r * 0.6, x + c * r * 0.95, y + s * r * 0.95), fill=ink, width=1
            )
    elif kind == "moon":
        a, b = np.linspace(-1.9, 1.9, 24), np.linspace(1.5, -1.5, 24)
        outer = np.stack([np.cos(a), np.sin(a)], axis=1)
        inner = np.stack([np.cos(b) * 0.9 - 0.43, np.sin(b) * 0.95], axis=1)
        pen.polygon(np.concatenate([outer, inner]) * r * 0.8 + np.array([x, y]), fill=ink)
    elif kind == "waves":
        t = np.linspace(-1, 1, 40)
        for i in range(3):
            line = np.stack(
                [x + t * r * (1.8 - 0.3 * i), y + i * r * 0.4 + np.sin(t * 12) * r * 0.13], axis=1
            )
            pen.line(line, fill=ink, width=1)
    elif kind == "star":
        a = np.arange(8) * math.pi / 4 - math.pi / 2
        reach = np.where(np.arange(8) % 2 == 0, 1.0, 0.22) * r * 0.9
        pen.polygon(np.stack([x + np.cos(a) * reach, y + np.sin(a) * reach], axis=1), fill=ink)
    else:
        pen.line((x - r * 1.6, y, x + r * 1.6, y), fill=ink, width=1)
        pen.ellipse(_around(x, y, r * 0.14), fill=ink)


@dataclass(frozen=True)
class _Type:
    """How a line is set: its face, the colour of its letters and of its ornament, centred or ragged."""

    style: str
    ink: RGB
    second: RGB
    centred: bool


def _set(rng: np.random.Generator, base: Image.Image, quote: str, box: Box, look: _Type) -> Image.Image:
    """Set ``quote`` in ``box`` with room for an ornament above or below it."""
    left, top, right, bottom = box
    largest = int((right - left) / (7.0 if len(quote) < 40 else 8.5 if len(quote) < 70 else 10))
    face, lines = _fitted(quote, look.style, (right - left, (bottom - top) * 0.72), largest)
    pitch = face.size * 1.42
    room = bottom - top - pitch * len(lines)
    r = max(7.0, face.size * 0.7)
    above = rng.random() < 0.5
    y = top + room * rng.uniform(0.3, 0.7)
    y = max(y, top + 3.2 * r) if above else min(y, bottom - 3.2 * r - pitch * len(lines))
    pen = ImageDraw.Draw(base)
    for i, line in enumerate(lines):
        at = ((left + right) / 2 if look.centred else left, y + (i + 0.5) * pitch)
        pen.text(at, line, fill=look.ink, font=face, anchor="mm" if look.centred else "lm")
    oy = y - r * 1.9 if above else y + pitch * len(lines) + r * 1.9
    ox = (left + right) / 2 if look.centred else left + r * 2.2
    return _penned(base, lambda pen: _ornament(rng, pen, (ox, oy, r), look.second))


def _torn(rng: np.random.Generator, size: Size, colour: RGB) -> Image.Image:
    """A piece of paper with torn edges and the white of its torn fibre."""
    width, height = size
    rough = smooth_noise(rng, size, 9) * 5 + smooth_noise(rng, size, 42) * 9
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inside = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y)) - rough
    sheet = np.asarray(_paper(rng, size, colour, 18), np.float32).copy()
    rim = np.clip(1 - (inside - 1.5) / 2, 0, 1)[..., None]
    sheet += (np.array((250, 246, 238), np.float32) - sheet) * rim * 0.8
    alpha = np.clip(inside * 1.3, 0, 1) * 255
    return Image.fromarray(np.dstack([sheet, alpha]).astype(np.uint8), "RGBA")


def _hills(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A calm field of colour to stand above or behind type: a sky, a disc, a few hills."""
    width, height = size
    sky = [palette.light, mix(palette.mid, palette.accent, rng.uniform(0, 0.6)), palette.deep]
    if rng.random() < 0.5:
        sky.reverse()
    base = gradient(size, [(0, sky[0]), (0.55, sky[1]), (1, sky[2])])
    t = np.linspace(0, 1, 40)
    cx, cy, r = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.15, 0.4), width * rng.uniform(0.07, 0.2)
    count = int(rng.integers(2, 5))

    def layers(pen: _Pen) -> None:
        pen.ellipse(_around(cx, cy, r), fill=mix(palette.accent, palette.light, rng.uniform(0.1, 0.8)))
        for i in range(count):
            y = height * (0.42 + 0.13 * i) + np.sin(t * rng.uniform(2, 8) + rng.uniform(0, 6)) * height * 0.05
            line = np.stack([t * width, y], axis=1)
            tone = mix(mix(palette.mid, palette.deep, i / count), palette.ink, 0.35 * i / count)
            pen.polygon(_down_to(line, height), tone)

    return _penned(base, layers)


def _on_scrap(
    rng: np.random.Generator, base: Image.Image, quote: str, paper: RGB, look: _Type
) -> Image.Image:
    """The line on a torn scrap that lies, a little turned, on ``base``."""
    width, height = base.size
    w, h = int(width * rng.uniform(0.74, 0.86)), int(height * rng.uniform(0.5, 0.74))
    scrap = _torn(rng, (w, h), paper)
    edge = scrap.getchannel("A")
    scrap = _set(rng, scrap.convert("RGB"), quote, (w * 0.12, h * 0.1, w * 0.88, h * 0.9), look)
    scrap.putalpha(edge)
    scrap = scrap.rotate(rng.uniform(-5, 5), Image.Resampling.BILINEAR, expand=True)
    at = (width - scrap.width) // 2, int((height - scrap.height) * rng.uniform(0.3, 0.7))
    _lay(base, scrap, at, 0.6)
    return vignette(grain(base, rng, 5), 0.25)


def _beside(
    rng: np.random.Generator, base: Image.Image, picture: Image.Image, quote: str, look: _Type
) -> Image.Image:
    """The line above or below a ``picture`` of the same width as ``base``."""
    (width, height), cut = base.size, picture.height
    below = rng.random() < 0.6
    base.paste(picture, (0, 0 if below else height - cut))
    top, bottom = (cut + height * 0.04, height * 0.95) if below else (height * 0.05, height * 0.96 - cut)
    m = width * rng.uniform(0.11, 0.16)
    return grain(_set(rng, base, quote, (m, top, width - m, bottom), look), rng, 5)


def _by_night(rng: np.random.Generator, size: Size, palette: Palette, quote: str, look: _Type) -> Image.Image:
    """The line in the dark, a lamp somewhere near."""
    width, height = size
    dark = mix(palette.ink, palette.deep, rng.uniform(0.1, 0.5))
    base = gradient(size, [(0, dark), (1, mix(dark, palette.deep, 0.7))])
    lamp = Image.new("L", size)
    spot = _around(width * rng.uniform(0, 1), height * rng.uniform(0.0, 0.8), width * 0.3)
    ImageDraw.Draw(lamp).ellipse(spot, fill=110)
    m = width * rng.uniform(0.11, 0.16)
    box: Box = (m, height * 0.1, width - m, height * 0.9)
    look = replace(look, ink=palette.light, second=mix(palette.accent, palette.light, 0.3))
    base = _set(rng, _glow(base, lamp, palette.accent, 56, 0.6), quote, box, look)
    return vignette(grain(base, rng, 7), 0.35)


def quote_card(rng: np.random.Generator, size: Size, palette: Palette, quote: str) -> Image.Image:
    """A short line set in type: on paper, on a torn scrap, beside a block of colour, by night."""
    width, height = size
    layout = _pick(
        rng, ("framed", "torn", "torn", "block", "plain", "night", "landscape", "landscape", "disc")
    )
    style = _pick(rng, ("serif", "serif", "serif-italic", "serif-italic", "sans", "mono"))
    paper = mix(palette.light, palette.mid, rng.uniform(0, 0.2))
    tint = _pick(rng, (palette.deep, palette.mid, palette.accent))
    second = mix(palette.accent, palette.deep, 0.25)
    look = _Type(style, _readable_on(paper, palette), second, bool(rng.random() < 0.55))
    if layout == "night":
        return _by_night(rng, size, palette, quote, look)
    if layout == "torn":
        base = _hills(rng, size, palette) if rng.random() < 0.4 else _paper(rng, size, tint)
        return _on_scrap(rng, base, quote, paper, look)
    if layout in ("block", "landscape"):
        part = width, int(height * rng.uniform(0.36, 0.52))
        picture = _hills(rng, part, palette) if layout == "landscape" else _paper(rng, part, tint)
        return _beside(rng, _paper(rng, size, paper), picture, quote, look)
    ground = paper if layout == "framed" else _pick(rng, (paper, tint, mix(palette.deep, palette.ink, 0.3)))
    m, base = width * rng.uniform(0.11, 0.16), _paper(rng, size, ground)
    box: Box = (m, height * 0.1, width - m, height * 0.9)
    if layout == "disc":
        behind = mix(
            ground, palette.light if ground == palette.accent else palette.accent, rng.uniform(0.25, 0.6)
        )
        x, y, r = width / 2, height * rng.uniform(0.42, 0.58), width * rng.uniform(0.42, 0.47)
        base = _penned(base, lambda pen: pen.ellipse(_around(x, y, r), behind))
        box, ground = (x - r * 0.72, y - r * 0.72, x + r * 0.72, y + r * 0.72), behind
    ink = _readable_on(ground, palette)
    if layout == "framed":
        frame = (m / 2, m / 2, width - m / 2, height - m / 2)
        ImageDraw.Draw(base).rectangle(frame, None, mix(ground, ink, 0.6), int(rng.integers(1, 3)))
    look = replace(look, ink=ink, centred=look.centred or layout != "plain")
    if ground != paper:
        look = replace(look, second=mix(ink, ground, 0.25))
    return grain(_set(rng, base, quote, box, look), rng, 5)
