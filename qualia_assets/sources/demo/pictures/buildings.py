"""Pictures of things built: streets and facades at night, concrete, churches, railways.

Belongs here: subjects made of walls, openings and the light in them, and the perspective they need.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import cos, log, pi, sin
from typing import TypeAlias, TypeVar

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

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
)

Point: TypeAlias = tuple[float, float]
Ink: TypeAlias = RGB | int
Pane: TypeAlias = tuple[float, float, float, float]
Tones: TypeAlias = tuple[RGB, RGB, RGB]
T = TypeVar("T")

# Halos need some real gold in them, or a palette with a blue accent gives no icon.
GOLD: RGB = (206, 164, 78)
NEON_WORDS = (
    "HOTEL",
    "OPEN",
    "BAR",
    "MOTEL",
    "JAZZ",
    "LATE",
    "24H",
    "NIGHT",
    "DINER",
    "CLUB",
    "RADIO",
    "SAUNA",
)


SIGN_LINES: dict[str, list[list[Point]]] = {
    "glass": [
        [(-0.8, -0.9), (0.8, -0.9), (0, 0.05), (-0.8, -0.9)],
        [(0, 0.05), (0, 0.9)],
        [(-0.45, 0.95), (0.45, 0.95)],
        [(-0.5, -0.6), (0.5, -0.6)],
        [(0.1, -0.25), (0.75, -1.3)],
    ],
    "arrow": [
        [(-1, -0.7), (0.1, -0.7), (0.1, 0.3), (0.45, 0.3), (-0.1, 1), (-0.65, 0.3), (-0.3, 0.3)],
        [(-0.3, 0.3), (-0.3, -0.35), (-1, -0.35), (-1, -0.7)],
    ],
}


class _Pen:
    """A drawing context that takes the picture's own pixels, whatever the oversampling."""

    def __init__(self, draw: ImageDraw.ImageDraw, factor: int) -> None:
        self.draw = draw
        self.factor = factor

    def shape(self, points: Iterable[Point], fill: Ink) -> None:
        self.draw.polygon([(x * self.factor, y * self.factor) for x, y in points], fill)

    def line(self, points: Iterable[Point], fill: Ink, width: float = 1.0) -> None:
        scaled = [(x * self.factor, y * self.factor) for x, y in points]
        self.draw.line(scaled, fill, max(1, round(width * self.factor)), "curve")

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Ink, radius: float = 0) -> None:
        f = self.factor
        corners = (x0 * f, y0 * f, max(x0, x1) * f, max(y0, y1) * f)
        if radius:
            self.draw.rounded_rectangle(corners, radius * f, fill)
        else:
            self.draw.rectangle(corners, fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Ink) -> None:
        f = self.factor
        self.draw.ellipse(((x - rx) * f, (y - ry) * f, (x + rx) * f, (y + ry) * f), fill)


class _Plane:
    """A flat surface in perspective: points (u, v) of the unit square to pixels."""

    def __init__(self, top_left: Point, top_right: Point, low_right: Point, low_left: Point) -> None:
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = top_left, top_right, low_right, low_left
        sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
        det = (x1 - x2) * (y3 - y2) - (x3 - x2) * (y1 - y2)
        g = (sx * (y3 - y2) - (x3 - x2) * sy) / det
        h = ((x1 - x2) * sy - sx * (y1 - y2)) / det
        self.u = (x1 - x0 + g * x1, y1 - y0 + g * y1, g)
        self.v = (x3 - x0 + h * x3, y3 - y0 + h * y3, h)
        self.zero = (x0, y0)

    def at(self, u: float, v: float) -> Point:
        depth = self.u[2] * u + self.v[2] * v + 1
        x = (self.u[0] * u + self.v[0] * v + self.zero[0]) / depth
        return x, (self.u[1] * u + self.v[1] * v + self.zero[1]) / depth

    def box(self, u0: float, v0: float, u1: float, v1: float) -> list[Point]:
        return [self.at(u0, v0), self.at(u1, v0), self.at(u1, v1), self.at(u0, v1)]


class _Ground:
    """Level ground in one-point perspective: (across, up, depth) to pixels; it may bend to one side."""

    def __init__(self, vanishing: Point, reach: float, eye: float, bend: float = 0.0) -> None:
        self.vanishing = vanishing
        self.reach = reach
        self.eye = eye
        self.bend = bend

    def at(self, across: float, up: float, depth: float) -> Point:
        scale = self.reach / depth
        x = self.vanishing[0] + (across + self.bend * depth * depth) * scale
        return x, self.vanishing[1] - (up - self.eye) * scale

    def strip(self, x0: float, x1: float, near: float, far: float) -> list[Point]:
        return [self.at(x0, 0, near), self.at(x1, 0, near), self.at(x1, 0, far), self.at(x0, 0, far)]


def _drawn(base: Image.Image, paint: Callable[[_Pen], None]) -> Image.Image:
    return antialiased(base, lambda draw, factor: paint(_Pen(draw, factor)))


def _one_of(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]


def _mask(values: np.ndarray) -> Image.Image:
    return Image.fromarray((np.clip(values, 0, 1) * 255).astype(np.uint8))


def _shaded(image: Image.Image, shade: np.ndarray) -> Image.Image:
    """The picture darkened by ``shade`` (1 leaves a pixel as it is), which may be of a smaller size."""
    grey = _mask(shade)
    grey = grey if grey.size == image.size else grey.resize(image.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(image, Image.merge("RGB", (grey, grey, grey)))


def _fogged(image: Image.Image, colour: RGB, share: np.ndarray) -> Image.Image:
    """The picture with ``colour`` over it, by ``share`` of each pixel; ``share`` may be smaller."""
    fog = _mask(share)
    fog = fog if fog.size == image.size else fog.resize(image.size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", image.size, colour), image, fog)


def _blurred(image: Image.Image, radius: float) -> Image.Image:
    """A wide blur at a quarter of the size, where it costs little."""
    small = image.reduce(4).filter(ImageFilter.GaussianBlur(radius / 4))
    return small.resize(image.size, Image.Resampling.BILINEAR)


def _bloom(image: Image.Image, above: int, strength: float, *radii: float) -> Image.Image:
    """Light spilling from whatever is brighter than ``above``, as far as each of ``radii``."""
    bright = image.reduce(4).point(lambda v: int(max(0, v - above) * 255 / (255 - above) * strength))
    total = Image.new("RGB", bright.size)
    for radius in radii:
        total = ImageChops.screen(total, bright.filter(ImageFilter.GaussianBlur(radius / 4)))
    return ImageChops.screen(image, total.resize(image.size, Image.Resampling.BILINEAR))


def _quarter(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (y, x) of a picture's pixels, every fourth one: enough for soft light."""
    y, x = np.mgrid[0 : size[1] : 4, 0 : size[0] : 4].astype(np.float32)
    return y, x


def _finished(
    image: Image.Image, rng: np.random.Generator, dim: float = 0.4, amount: float = 3.5
) -> Image.Image:
    """Darker corners and grain. Not ``canvas.vignette``: its floats cost half of a picture's time."""
    corners = Image.radial_gradient("L").point(lambda v: int(255 * (1 - dim * (v / 255) ** 2)))
    shade = corners.resize(image.size, Image.Resampling.BILINEAR)
    return grain(ImageChops.multiply(image, Image.merge("RGB", (shade, shade, shade))), rng, amount)


def _weathered(image: Image.Image, rng: np.random.Generator, strength: float = 0.16) -> Image.Image:
    """Concrete or plaster: mottled, with faint streaks where water ran down."""
    width, height = image.size
    streaks = np.repeat(smooth_noise(rng, (width, 4), 5)[:1], height, axis=0)
    fine = smooth_noise(rng, image.size, 3)
    mottled = smooth_noise(rng, image.size, 46) * 0.45 + streaks * 0.3 + fine * 0.25
    return _shaded(image, 1.03 - strength * 1.4 * mottled)


def _ridge(rng: np.random.Generator, size: Size, base: float, swing: float) -> list[Point]:
    """A rolling skyline about ``base``, closed along the bottom of the picture."""
    x = np.linspace(0, 1, 60)
    waves = np.sum([np.sin(x * k * 5 + rng.uniform(0, 7)) / k for k in (1, 2, 4, 9)], axis=0)
    y = base + swing * waves
    width, height = size
    return [(float(a) * width, float(b)) for a, b in zip(x, y, strict=True)] + [(width, height), (0, height)]


def _person(pen: _Pen, x: float, foot: float, tall: float, fill: Ink) -> None:
    """A small standing figure in a coat."""
    pen.oval(x, foot - tall * 0.91, tall * 0.075, tall * 0.09, fill)
    coat = [(-0.06, 0.84), (0.06, 0.84), (0.14, 0.72), (0.15, 0.3), (-0.15, 0.3), (-0.14, 0.72)]
    pen.shape([(x + a * tall, foot - b * tall) for a, b in coat], fill)
    for side in (-0.06, 0.06):
        pen.box(x + (side - 0.045) * tall, foot - tall * 0.32, x + (side + 0.04) * tall, foot, fill)


def _lit_room(pen: _Pen, rng: np.random.Generator, plane: _Plane, pane: Pane, lamp: RGB, dark: RGB) -> None:
    """A window with a light on, and sometimes a blind, curtains or somebody standing at it."""
    u0, v0, u1, v1 = pane
    wide, tall = u1 - u0, v1 - v0
    pen.shape(plane.box(*pane), mix(lamp, dark, 0.3))
    pen.shape(plane.box(u0, v0, u1, v0 + tall * rng.uniform(0.45, 0.75)), lamp)
    inside = rng.random()
    if inside < 0.25:
        pen.shape(plane.box(u0, v0, u1, v0 + tall * rng.uniform(0.2, 0.6)), mix(lamp, dark, 0.45))
    elif inside < 0.5:
        for a, b in ((u0, u0 + wide * 0.25), (u1 - wide * 0.25, u1)):
            pen.shape(plane.box(a, v0, b, v1), mix(lamp, dark, 0.5))
    elif inside < 0.62:
        left, right, low = plane.at(u0, v0), plane.at(u1, v0), plane.at(u0, v1)
        broad = (right[0] - left[0]) / (low[1] - left[1])
        x, turn = u0 + wide * rng.uniform(0.35, 0.65), np.arange(0, 6.3, 0.6)
        wide = wide / max(1.0, broad)
        face = [plane.at(x + wide * 0.13 * cos(a), v0 + tall * (0.44 + 0.13 * sin(a))) for a in turn]
        pen.shape(face, mix(dark, lamp, 0.1))
        body = [(-0.08, 0.5), (0.08, 0.5), (0.24, 0.68), (0.26, 1), (-0.26, 1), (-0.24, 0.68)]
        pen.shape([plane.at(x + wide * a, v0 + tall * b) for a, b in body], mix(dark, lamp, 0.1))


def _windows(
    pen: _Pen, rng: np.random.Generator, plane: _Plane, wall: RGB, palette: Palette, cells: Size, lit: float
) -> None:
    """A wall of windows at night, most of them dark."""
    columns, rows = cells
    pen.shape(plane.box(0, 0, 1, 1), wall)
    side, head, foot = rng.uniform(0.14, 0.3), rng.uniform(0.14, 0.25), rng.uniform(0.16, 0.34)
    ledges, crossed = rng.random() < 0.5, rng.random() < 0.6
    lamps = [mix(palette.light, palette.accent, t) for t in (0.15, 0.3, 0.45, 0.75, 1.0)]
    lamps.append(mix(palette.mid, palette.light, 0.35))
    dark = [mix(wall, palette.ink, t) for t in (0.55, 0.75, 0.4)] + [mix(wall, palette.deep, 0.5)]
    sill, frame, unlit = (
        mix(wall, palette.mid, 0.25),
        mix(wall, palette.ink, 0.3),
        mix(wall, palette.ink, 0.6),
    )
    lights_on = set(rng.permutation(columns * rows)[: max(2, round(lit * columns * rows))].tolist())
    for row in range(rows):
        v0, v1 = (row + head) / rows, (row + 1 - foot) / rows
        if ledges:
            ledge = plane.box(0, v1 + 0.08 / rows, 1, v1 + 0.14 / rows)
            pen.shape(ledge, sill)
        for column in range(columns):
            u0, u1 = (column + side) / columns, (column + 1 - side) / columns
            if row * columns + column in lights_on:
                lamp = mix(_one_of(rng, lamps), palette.ink, rng.uniform(0, 0.35))
                _lit_room(pen, rng, plane, (u0, v0, u1, v1), lamp, unlit)
            else:
                pen.shape(plane.box(u0, v0, u1, v1), _one_of(rng, dark))
            if crossed:
                bar, middle = (u1 - u0) * 0.035, (u0 + u1) / 2
                pen.shape(plane.box(middle - bar, v0, middle + bar, v1), frame)


def _house_fronts(
    rng: np.random.Generator, size: Size, view: str, wall: RGB, glow: RGB
) -> list[tuple[_Plane, RGB, Size]]:
    """The walls of one view of a town at night: each its plane, its colour, its columns and rows."""
    w, h = size
    walls: list[tuple[_Plane, RGB, Size]] = []
    if view == "frontal":
        top = h * _one_of(rng, (-0.06, -0.02, 0.16, 0.3))
        corners = (-w * 0.04, top), (w * 1.04, top), (w * 1.03, h), (-w * 0.03, h)
        walls.append((_Plane(*corners), wall, (int(rng.integers(2, 7)), int(rng.integers(3, 9)))))
    elif view == "below":
        tip, centre = h * rng.uniform(0.03, 0.15), w * rng.uniform(0.35, 0.65)
        gap = w * rng.uniform(0.06, 0.3)
        for side in (-1, 1):
            inner, outer, low = centre + side * gap * 0.6, centre + side * w * 0.55, centre + side * w * 1.6
            left, right = (outer, inner) if side < 0 else (inner, outer)
            low_left, low_right = (low, centre - gap) if side < 0 else (centre + gap, low)
            plane = _Plane((left, tip), (right, tip * 1.5), (low_right, h), (low_left, h))
            walls.append((plane, mix(wall, (0, 0, 0), 0.25 * (side > 0)), (6, int(rng.integers(8, 12)))))
    elif view == "aside":
        far, drop = w * rng.uniform(0.6, 0.9), h * rng.uniform(0.15, 0.4)
        behind = _Plane((far - w * 0.2, drop * 1.2), (w * 1.3, drop * 1.2), (w * 1.3, h), (far - w * 0.2, h))
        walls.append((behind, mix(wall, glow, 0.45), (7, 9)))
        near = _Plane((-w * 0.03, -h * 0.2), (far, drop), (far, h * 1.05), (-w * 0.03, h * 1.3))
        walls.append((near, wall, (int(rng.integers(5, 9)), int(rng.integers(7, 10)))))
    else:
        for layer in range(3):
            x = -w * rng.uniform(0, 0.3)
            while x < w:
                wide, top = w * rng.uniform(0.25, 0.5), h * (0.14 + 0.24 * layer + rng.uniform(0, 0.22))
                block = _Plane((x, top), (x + wide, top), (x + wide, h * 1.1), (x, h * 1.1))
                cells = int(rng.integers(2, 5)), max(2, min(8, int((h - top) / (w * 0.09))))
                walls.append((block, mix(glow, wall, 0.4 + 0.3 * layer), cells))
                x += wide + w * rng.uniform(0, 0.06)
    return walls


def night_facade(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """House fronts at night: face on, looked up at, receding to one side, or roof behind roof."""
    w, h = size
    glow = mix(palette.deep, palette.mid, rng.uniform(0.2, 0.6))
    sky = gradient(size, [(0, mix(palette.ink, palette.deep, 0.35)), (1, glow)])
    view, lit = _one_of(rng, ("frontal", "below", "aside", "roofs")), rng.uniform(0.16, 0.38)
    wall = mix(palette.ink, palette.deep, rng.uniform(0.25, 0.65))
    walls = _house_fronts(rng, size, view, wall, glow)

    def paint(pen: _Pen) -> None:
        moon = w * rng.uniform(0.02, 0.05)
        pen.oval(w * rng.uniform(0.3, 0.7), h * rng.uniform(0.06, 0.14), moon, moon, palette.light)
        for plane, colour, cells in walls:
            _windows(pen, rng, plane, colour, palette, cells, lit)
            if view == "roofs" and rng.random() < 0.6:
                x, y = plane.at(rng.uniform(0.2, 0.8), 0)
                pen.line([(x, y), (x, y - h * rng.uniform(0.03, 0.08))], colour, 1.2)

    image = _shaded(_drawn(sky, paint), 0.82 + 0.18 * smooth_noise(rng, size, 30))
    if view == "below":
        image = _fogged(image, palette.ink, (_quarter(size)[0] / h * 0.75) ** 2)
    return _finished(_bloom(image, 90, 0.8, 8, 22), rng)


def _bokeh(rng: np.random.Generator, size: Size, palette: Palette, low: float, high: float) -> Image.Image:
    """Lights of a town out of focus, on black, between two heights of the picture."""
    w, h = size
    total = Image.new("RGB", size)
    colours = [
        palette.accent,
        palette.accent,
        mix(palette.accent, palette.light, 0.4),
        palette.light,
        palette.mid,
    ]
    for largest, count, strength in ((0.03, 26, 1.0), (0.06, 18, 0.85), (0.1, 10, 0.6)):
        layer = Image.new("RGB", size)
        draw = ImageDraw.Draw(layer)
        for _ in range(count):
            x, y = rng.uniform(0, w), h * rng.normal((low + high) / 2, (high - low) / 3)
            r = w * largest * rng.uniform(0.5, 1)
            colour = mix((0, 0, 0), _one_of(rng, colours), strength * rng.uniform(0.5, 1))
            draw.ellipse((x - r, y - r, x + r, y + r), mix(colour, (0, 0, 0), 0.25), colour)
        total = ImageChops.screen(total, layer)
    return total.filter(ImageFilter.GaussianBlur(0.7))


def _raindrops(image: Image.Image, rng: np.random.Generator, small: Image.Image, count: int) -> None:
    """Drops on the glass, each with the town (``small``) upside down in it, put on ``image`` in place."""
    w, h = image.size
    rims, edges, glints = (Image.new("L", (32, 32)) for _ in range(3))
    for disc, opaque in ((rims, 255), (edges, 85), (glints, 170)):
        ImageDraw.Draw(disc).ellipse((1, 1, 30, 30), opaque)
    turned = small.transpose(Image.Transpose.ROTATE_180).point(lambda v: min(255, int(v * 1.3 + 16)))
    radii = np.clip(rng.lognormal(0.8, 0.6, count), 1.2, 10) * w / 320
    across, down, long = rng.uniform(0, 1, count), rng.uniform(0, 1, count), rng.uniform(1.8, 2.5, count)
    for k in range(count):
        wide, x, y = max(3, int(radii[k] * 1.7)), int(across[k] * w), int(down[k] * h)
        box = wide, max(3, int(radii[k] * long[k]))
        left, top = across[k] * 0.7 * small.width, (down[k] * 0.5 + 0.1) * small.height
        part = (left, top, left + small.width * 0.3, top + small.height * 0.35)
        image.paste((0, 0, 0), (x, y - 1), edges.resize(box, Image.Resampling.BILINEAR))
        seen = turned.resize(box, Image.Resampling.BILINEAR, part)
        image.paste(seen, (x, y), rims.resize(box, Image.Resampling.BILINEAR))
        if radii[k] > 2.5:
            glint = max(2, wide // 4)
            image.paste((245, 245, 245), (x + wide // 4, y + box[1] // 6), glints.resize((glint, glint)))


def rain_window(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A wet window at night, the town out of focus behind it; at times a bar, a sill, things on it."""
    w, h = size
    low = rng.uniform(0.4, 0.8)
    small = w // 2, h // 2
    haze = mix(palette.deep, palette.mid, rng.uniform(0.0, 0.4))
    town = gradient(small, [(0, mix(palette.ink, palette.deep, 0.5)), (low, haze), (1, palette.ink)])
    town = _fogged(town, palette.ink, 0.6 * (smooth_noise(rng, small, 30) > 0.55))
    town = ImageChops.screen(_blurred(town, 10), _bokeh(rng, small, palette, low - 0.3, low + 0.25))
    breath = smooth_noise(rng, small, 26) * rng.uniform(0.1, 0.35)
    blind = _fogged(_blurred(town, 2.5), mix(palette.mid, palette.deep, 0.4), breath)
    behind, image = (part.resize(size, Image.Resampling.BILINEAR) for part in (town, blind))

    def run_down(pen: _Pen) -> None:
        for _ in range(int(rng.integers(5, 14))):
            x, top, long = rng.uniform(0, w), h * rng.uniform(-0.3, 0.6), h * rng.uniform(0.2, 0.7)
            wobble = np.cumsum(rng.normal(0, 1.1, 14))
            pen.line([(x + d, top + long * k / 13) for k, d in enumerate(wobble)], 255, rng.uniform(1.5, 4))

    clear = behind.point(lambda v: min(255, int(v * 1.25 + 8)))
    image.paste(clear, (0, 0), _drawn(Image.new("L", size), run_down))
    _raindrops(image, rng, town.reduce(2), int(rng.integers(50, 100)))
    frame = _one_of(rng, ("none", "cross", "sill", "sill", "side"))

    def woodwork(pen: _Pen) -> None:
        bar, dark, edge = w * rng.uniform(0.02, 0.045), palette.ink, mix(palette.ink, palette.mid, 0.4)
        x, y = w * rng.uniform(0.25, 0.75), h * rng.uniform(0.25, 0.5)
        if frame in ("cross", "side"):
            pen.box(x - bar, -1, x + bar, h, dark)
            pen.box(x - bar, -1, x - bar * 0.8, h, edge)
        if frame == "cross":
            pen.box(-1, y - bar, w, y + bar * 0.8, dark)
            pen.box(-1, y + bar * 0.7, w, y + bar, edge)
        if frame == "sill":
            sill = h * rng.uniform(0.84, 0.92)
            pen.box(-1, sill, w, h, dark)
            pen.box(-1, sill, w, sill + 2, edge)
            things = rng.permutation(["cup", "bottle", "plant", "books"])[: rng.integers(1, 4)]
            for k, kind in enumerate(things):
                x = w * (0.17 + 0.28 * k + rng.uniform(0, 0.12))
                _on_the_sill(pen, rng, str(kind), x, sill, w * rng.uniform(0.09, 0.12), dark)

    return _finished(_drawn(image, woodwork) if frame != "none" else image, rng)


def _on_the_sill(
    pen: _Pen, rng: np.random.Generator, kind: str, x: float, y: float, unit: float, fill: RGB
) -> None:
    """A cup, a bottle, a few books, or a plant in its pot, against the light."""
    if kind == "cup":
        pen.box(x - unit * 0.45, y - unit * 0.8, x + unit * 0.45, y, fill, unit * 0.12)
        handle = np.linspace(-pi / 2, pi / 2, 9)
        ear = [(x + unit * (0.42 + 0.3 * cos(a)), y - unit * (0.42 + 0.26 * sin(a))) for a in handle]
        pen.line(ear, fill, unit * 0.1)
    elif kind == "bottle":
        pen.box(x - unit * 0.33, y - unit * 1.7, x + unit * 0.33, y, fill, unit * 0.2)
        pen.box(x - unit * 0.12, y - unit * 2.5, x + unit * 0.12, y - unit * 1.4, fill)
    elif kind == "books":
        for k in range(4):
            slip = unit * rng.uniform(-0.15, 0.15)
            pen.box(
                x - unit * 0.8 + slip,
                y - unit * 0.22 * (k + 1),
                x + unit * 0.8 + slip,
                y - unit * 0.22 * k,
                fill,
            )
    else:
        rim, foot = unit * 0.5, unit * 0.36
        pen.shape([(x - rim, y - unit), (x + rim, y - unit), (x + foot, y), (x - foot, y)], fill)
        for angle in rng.uniform(-1.1, 1.1, 11):
            long = unit * rng.uniform(1.2, 2.8)
            tip = x + long * sin(angle), y - unit - long * cos(angle) * 0.9
            bend = x + long * 0.35 * sin(angle) - unit * 0.15, y - unit - long * 0.6 * cos(angle)
            pen.shape([(x, y - unit), bend, tip, (bend[0] + unit * 0.3, bend[1] + unit * 0.12)], fill)


def _courses(rng: np.random.Generator, size: Size, brick: Size, bonded: bool) -> np.ndarray:
    """The shade of a wall of bricks or tiles: each a little its own, dark joints between."""
    w, h = size
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    row = y // brick[1]
    shifted = x + (row % 2) * (brick[0] // 2 if bonded else 0)
    shades = rng.uniform(0.6, 1, (h // brick[1] + 1, w // brick[0] + 2))
    joints = (shifted % brick[0] < 2) | (y % brick[1] < 2)
    return np.where(joints, 0.45, shades[row, shifted // brick[0]])


def _sign_shape(kind: str, x: float, y: float, r: float) -> list[list[Point]]:
    """The tubes of a neon figure, as lines, about (x, y)."""
    t = np.linspace(0, 2 * pi, 49)
    lines: list[list[Point]]
    if kind == "moon":
        outer, inner = t[4:-4], t[9:-9][::-1]
        horns = [(cos(a), sin(a)) for a in outer] + [(0.48 + 0.72 * cos(a), 0.72 * sin(a)) for a in inner]
        lines = [[*horns, horns[0]]]
    elif kind == "star":
        spikes = [(0.42 if k % 2 else 1) for k in range(11)]
        lines = [[(s * sin(k * pi / 5), -s * cos(k * pi / 5)) for k, s in enumerate(spikes)]]
    elif kind == "heart":
        down = [13 * cos(a) - 5 * cos(2 * a) - 2 * cos(3 * a) - cos(4 * a) for a in t]
        lines = [[(sin(a) ** 3, -d / 16) for a, d in zip(t, down, strict=True)]]
    elif kind == "eye":
        lines = [[(a, s * 0.55 * cos(a * pi / 2)) for a in np.linspace(-1, 1, 25)] for s in (-1, 1)]
        lines += [[(r0 * cos(a), r0 * sin(a)) for a in t] for r0 in (0.34, 0.1)]
        lashes = [(a, 0.2 * abs(a)) for a in (-0.7, -0.25, 0.25, 0.7)]
        lines += [[(a * 0.9, b - 0.62), (a * 1.15, b - 0.95)] for a, b in lashes]
    elif kind == "rings":
        lines = [[(r0 * cos(a), r0 * sin(a)) for a in t] for r0 in (1, 0.72, 0.44)]
    else:
        lines = SIGN_LINES[kind]
    return [[(x + a * r, y + b * r) for a, b in line] for line in lines]


def _neon_wall(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """What a neon sign hangs on: brick, tiles, shutters or plaster."""
    w, h = size
    wall = Image.new("RGB", size, mix(palette.mid, palette.light, rng.uniform(0.2, 0.6)))
    kind = _one_of(rng, ("brick", "tile", "shutter", "plaster"))
    if kind == "brick":
        return _shaded(wall, _courses(rng, size, (int(w * 0.1), int(w * 0.038)), True))
    if kind == "tile":
        side = int(w * rng.uniform(0.06, 0.12))
        return _shaded(wall, 0.3 + 0.7 * _courses(rng, size, (side, side), False))
    if kind == "shutter":
        y = np.arange(h)[:, None] * 2 * pi / (w * 0.055)
        return _shaded(wall, np.repeat(0.72 + 0.28 * np.sin(y), w, axis=1))
    return _weathered(wall, rng, 0.3)


def _neon_word(pen: _Pen, word: str, points: int, at: Point, upright: bool, fill: RGB, core: RGB) -> None:
    """A word in outlined tubes, running along or letter under letter from ``at`` (its middle)."""
    f = pen.factor
    style = font("sans-bold", points * f)
    wide = style.getlength(word)
    x, y = at[0] * f - wide / 2, at[1] * f
    for k, letter in enumerate(word):
        if upright:
            spot = at[0] * f, (at[1] + (k - (len(word) - 1) / 2) * points * 0.98) * f
        else:
            spot = x + style.getlength(letter) / 2, y
            x += style.getlength(letter)
        for stroke, colour in ((4, fill), (3, core), (1, fill), (0, (0, 0, 0))):
            pen.draw.text(spot, letter, colour, style, "mm", stroke_width=stroke * points * f / 110)


def _tube(pen: _Pen, line: Sequence[Point], colour: RGB, wide: float) -> None:
    """A neon tube: its colour, and the white-hot gas within."""
    pen.line(line, colour, wide)
    pen.line(line, mix(colour, (255, 255, 255), 0.7), wide * 0.4)


def _neon_letters(
    pen: _Pen, rng: np.random.Generator, size: Size, word: str, figure: str, first: RGB, second: RGB
) -> None:
    """A word upright in a double frame; or along, over bars or under the ``figure`` where there is one."""
    w, h = size
    core, thick, y = mix(first, (255, 255, 255), 0.7), w * 0.018, h * rng.uniform(0.35, 0.6)
    if not figure and rng.random() < 0.5:
        x, points = w * rng.uniform(0.4, 0.6), int(min(h * 0.8 / len(word), w * 0.3))
        _neon_word(pen, word, points, (x, h / 2), True, first, core)
        for grow in (0, points * 0.1):
            a, b = points * 0.62 + grow, points * (len(word) * 0.49 + 0.25) + grow
            frame = [(x - a, h / 2 - b), (x + a, h / 2 - b), (x + a, h / 2 + b), (x - a, h / 2 + b)]
            _tube(pen, [*frame, frame[0]], second, thick)
        return
    points = int(min(w * 0.84 / len(word) / 0.8, h * 0.2))
    _neon_word(pen, word, points, (w / 2, y), False, first, core)
    if figure:
        for line in _sign_shape(figure, w / 2, y - points * 0.7 - w * 0.21, w * 0.17):
            _tube(pen, line, second, thick)
    for k in range(0 if figure else int(rng.integers(1, 4))):
        end, bar = w * (0.1 + 0.06 * k), y + points * 0.75 + k * w * 0.035
        _tube(pen, [(end, bar), (w - end, bar)], second, thick)


def neon_sign(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A neon sign on a wall: a word along or upright, a figure, or both; its light on the wall."""
    w, h = size
    wall, word = _neon_wall(rng, size, palette), _one_of(rng, NEON_WORDS)
    tubes = [palette.accent, mix(palette.accent, palette.light, 0.15), mix(palette.mid, palette.light, 0.4)]
    tubes.append(mix(palette.light, palette.accent, 0.25))
    first, second = (tubes[int(k)] for k in rng.permutation(4)[:2])
    layout = _one_of(rng, ("word", "word", "figure", "both"))
    figure = _one_of(rng, ("moon", "star", "heart", "glass", "arrow", "eye", "rings"))

    def bent(pen: _Pen) -> None:
        if layout == "figure":
            x, y, r = (
                w * rng.uniform(0.42, 0.58),
                h * rng.uniform(0.4, 0.6),
                min(w, h) * rng.uniform(0.24, 0.36),
            )
            for line in _sign_shape(figure, x, y, r):
                _tube(pen, line, first if rng.random() < 0.7 else second, w * 0.018)
        else:
            _neon_letters(pen, rng, size, word, figure if layout == "both" else "", first, second)

    sign = _drawn(Image.new("RGB", size), bent)
    small = sign.reduce(4)
    halo = small.filter(ImageFilter.GaussianBlur(w * 0.05)).point(lambda v: min(255, int(v * 7)))
    near = small.filter(ImageFilter.GaussianBlur(2)).point(lambda v: min(255, int(v * 1.2)))
    cast = ImageChops.screen(halo, Image.new("RGB", halo.size, mix(palette.ink, palette.deep, 0.5)))
    image = ImageChops.multiply(wall, cast.resize(size, Image.Resampling.BILINEAR))
    image.paste((0, 0, 0), (3, 5), sign.convert("L").point(lambda v: min(130, v)))
    image = ImageChops.screen(image, near.resize(size, Image.Resampling.BILINEAR))
    return _finished(ImageChops.screen(image, sign), rng, 0.4)


def _signal(
    pen: _Pen, x: float, foot: float, top: float, unit: float, lamps: Sequence[RGB], post: RGB
) -> None:
    """A signal on its post, its lamps of radius about ``unit`` one below the other."""
    pen.line([(x, foot), (x, top)], post, unit * 0.4)
    pen.box(x - unit, top, x + unit, top + unit * (1.7 * len(lamps) + 0.5), post, unit * 0.6)
    for k, lamp in enumerate(lamps):
        pen.oval(x, top + unit * (1.1 + 1.7 * k), unit * 0.65, unit * 0.65, lamp)


def _street_houses(
    pen: _Pen, rng: np.random.Generator, ground: _Ground, half: float, palette: Palette, haze: RGB
) -> None:
    """Two rows of houses, from the far end to the near one, half in the haze where they are far."""
    lit, depths = rng.uniform(0.05, 0.2), (9.0, 5.6, 3.6, 2.4, 1.55, 1.0, 0.6)
    for far, near in pairwise(depths):
        for side in (-1, 1):
            tall, out = rng.uniform(1.4, 3.1), side * half * 1.35
            wall = mix(mix(palette.ink, palette.deep, rng.uniform(0.2, 0.7)), haze, min(0.6, near * 0.09))
            first, last = (far, near) if side > 0 else (near, far)
            top_left, top_right = ground.at(out, tall, first), ground.at(out, tall, last)
            plane = _Plane(top_left, top_right, ground.at(out, 0, last), ground.at(out, 0, first))
            (near_x, near_y), (far_x, far_y) = ground.at(out, tall, near), ground.at(out, tall, far)
            away = side * ground.reach * 2
            roof = [(near_x, near_y), (near_x + away, near_y), (far_x + away, far_y), (far_x, far_y)]
            pen.shape(roof, mix(wall, palette.ink, 0.3))
            _windows(pen, rng, plane, wall, palette, (3, max(2, int(tall * 1.7))), lit)


def _street_ground(
    pen: _Pen, rng: np.random.Generator, ground: _Ground, half: float, palette: Palette
) -> None:
    """Pavements, asphalt, a dashed line, and sometimes a crossing."""
    asphalt, paint = mix(palette.ink, palette.deep, 0.35), mix(palette.deep, palette.mid, 0.75)
    pen.shape(ground.strip(-half * 1.35, half * 1.35, 0.3, 9), mix(asphalt, palette.mid, 0.18))
    pen.shape(ground.strip(-half * 0.9, half * 0.9, 0.3, 12), asphalt)
    crossing = rng.uniform(0.75, 1.3) if rng.random() < 0.5 else 0.0
    if crossing:
        for k in range(9):
            x = half * (0.2 * k - 0.84)
            pen.shape(ground.strip(x, x + half * 0.11, crossing, crossing * 1.4), paint)
    for depth in (0.6 * 1.45**k for k in range(8)):
        if depth > crossing * 1.4:
            pen.shape(ground.strip(-0.018, 0.018, depth, depth * 1.2), paint)


def empty_street(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A street with nobody in it: houses to a vanishing point, lamps, wet asphalt, haze."""
    w, h = size
    vx, vy = w * rng.uniform(0.2, 0.8), h * rng.uniform(0.42, 0.74)
    ground, half = _Ground((vx, vy), w * 0.62, 0.5), rng.uniform(0.35, 0.95)
    haze = mix(palette.mid, palette.accent, rng.uniform(0.05, 0.4))
    sky = gradient(size, [(0, palette.ink), (vy / h, mix(palette.deep, haze, 0.55)), (1, palette.ink)])
    lamp_sides: tuple[int, ...] = _one_of(rng, ((-1,), (1,), (-1, 1)))
    reach_over = _one_of(rng, (0.68, 0.68, 1.0))

    def paint(pen: _Pen) -> None:
        _street_houses(pen, rng, ground, half, palette, haze)
        _street_ground(pen, rng, ground, half, palette)
        for depth in (5.6, 3.2, 1.8, 1.0):
            thick, pole = max(0.8, w * 0.011 / depth), mix(palette.ink, haze, min(0.5, depth * 0.08))
            for side in lamp_sides:
                head = ground.at(side * half * reach_over, 1.8, depth)
                pen.line([ground.at(side * half, up, depth) for up in (0, 1.75)] + [head], pole, thick)
                pen.oval(*head, thick * 2.4, thick * 1.6, mix(palette.light, palette.accent, 0.25))
        if rng.random() < 0.4:
            depth, across = rng.uniform(0.9, 2.0), half * rng.choice((-0.8, 0.8))
            (x, foot), (_, top) = ground.at(across, 0, depth), ground.at(across, 1.3, depth)
            unlit = mix(palette.ink, palette.deep, 0.6)
            _signal(pen, x, foot, top, w * 0.035 / depth, (palette.accent, unlit, unlit), palette.ink)

    image = _bloom(_drawn(sky, paint), 110, 1.0, 8, 30)
    horizon = int(vy)
    above = image.crop((0, max(0, 2 * horizon - h), w, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    smeared = above.resize((w, 20), Image.Resampling.BOX).resize((w, h - horizon), Image.Resampling.BICUBIC)
    wet = Image.new("RGB", size)
    wet.paste(smeared.point(lambda v: int(v * 0.55)), (0, horizon))
    y, x = _quarter(size)
    distance = np.hypot((x - vx) / w, (y - vy) / w * 1.6)
    image = _fogged(ImageChops.screen(image, wet), haze, 0.75 * np.exp(-distance * rng.uniform(4, 11)))
    return _finished(image, rng, 0.5)


def _stairs_ahead(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A flight going up ahead between two walls, a shadow kinked over its steps."""
    w, h = size
    count, top = int(rng.integers(8, 17)), h * rng.uniform(0.16, 0.42)
    foot_x, head_x = w * rng.uniform(0.35, 0.65), w * rng.uniform(0.3, 0.7)
    foot_half, head_half = w * rng.uniform(0.42, 0.75), w * rng.uniform(0.13, 0.3)
    steps = 1 - 0.86 ** np.arange(count + 1)
    steps = steps / steps[-1]
    tread, shadow, slant = rng.uniform(0.3, 0.6), rng.uniform(-0.2, 0.9), rng.uniform(-0.09, 0.09)
    sky = gradient(
        size, [(0, mix(palette.mid, palette.light, 0.3)), (top / h, palette.light), (1, palette.mid)]
    )
    bright_left = rng.random() < 0.5

    def edge(t: float, across: float) -> Point:
        middle, half = foot_x + (head_x - foot_x) * t, foot_half + (head_half - foot_half) * t
        return middle + half * (2 * across - 1), h * 1.03 + (top - h * 1.03) * t

    def paint(pen: _Pen) -> None:
        if rng.random() < 0.4:
            pen.oval(
                head_x + w * rng.uniform(-0.1, 0.1),
                top * rng.uniform(0.6, 1),
                w * 0.07,
                w * 0.07,
                palette.accent,
            )
        for side, lit in ((0, bright_left), (1, not bright_left)):
            near, far, out = edge(0, side), edge(1, side), (2 * side - 1) * w
            rise = far[1] * rng.uniform(0.35, 1.2)
            shade = mix(palette.mid, palette.light, 0.35) if lit else mix(palette.deep, palette.mid, 0.25)
            pen.shape(
                [near, far, (far[0], far[1] - rise), (far[0] + out, -h * 0.9), (near[0] + out, near[1])],
                shade,
            )
        for k in range(count):
            t0, t1 = float(steps[k]), float(steps[k + 1])
            lip = t0 + (t1 - t0) * (1 - tread)
            split, onward = (min(1.0, max(0.0, shadow + slant * n)) for n in (k, k + 1))
            riser, flat = (
                mix(palette.mid, palette.deep, 0.35),
                mix(palette.light, palette.mid, 0.12 + 0.2 * t0),
            )
            pen.shape([edge(t0, 0), edge(t0, 1), edge(lip, 1), edge(lip, 0)], riser)
            pen.shape([edge(lip, 0), edge(lip, 1), edge(t1, 1), edge(t1, 0)], flat)
            pen.shape(
                [edge(t0, split), edge(t0, 1), edge(lip, 1), edge(lip, split)], mix(riser, palette.ink, 0.35)
            )
            dark = mix(flat, palette.ink, 0.45)
            pen.shape([edge(lip, split), edge(lip, 1), edge(t1, 1), edge(t1, onward)], dark)
        if rng.random() < 0.35:
            _person(pen, *edge(1, rng.uniform(0.3, 0.7)), h * rng.uniform(0.05, 0.08), palette.ink)

    return _drawn(sky, paint)


def _stairs_aside(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Flights seen from the side against a bright wall, one over the other, with their shadows."""
    w, h = size
    wall = gradient(
        size,
        [
            (0, mix(palette.light, palette.mid, rng.uniform(0, 0.4))),
            (1, mix(palette.mid, palette.light, 0.3)),
        ],
    )
    flights, rightward = int(rng.integers(2, 4)), rng.random() < 0.5
    count, thick = int(rng.integers(6, 11)), h * rng.uniform(0.05, 0.09)
    cast = w * rng.uniform(0.05, 0.14)

    def profile(low: float, rise: float, right: bool) -> tuple[list[Point], list[Point]]:
        x = np.linspace(-0.08, 1.08, count + 1) * w
        x = x if right else w - x
        tops = [(float(x[k + j]), low - rise * (k + 1) / count) for k in range(count) for j in (0, 1)]
        return tops, [(float(x[-1]), low - rise + thick * 1.3), (float(x[0]), low + thick * 0.9)]

    def paint(pen: _Pen) -> None:
        panel = w * rng.uniform(0.3, 0.5)
        for k in range(1, int(w / panel) + 1):
            pen.line([(k * panel, 0), (k * panel, h)], mix(palette.mid, palette.deep, 0.2), 0.7)
        for k in range(1, int(h / panel) + 1):
            pen.line([(0, k * panel), (w, k * panel)], mix(palette.mid, palette.deep, 0.15), 0.7)
        right = rightward
        for k in range(flights):
            low, rise = (
                h * (0.5 + 0.52 * (k + 1)) / (0.5 + 0.52 * flights),
                h * rng.uniform(0.3, 0.55) * (1.2 - 0.15 * flights),
            )
            tops, under = profile(low, rise, right)
            outline = (
                tops + under if k < flights - 1 else [*tops, (tops[-1][0], h * 1.2), (tops[0][0], h * 1.2)]
            )
            pen.shape([(x + cast, y + cast * 1.1) for x, y in outline], mix(palette.mid, palette.deep, 0.55))
            body = mix(palette.deep, palette.ink, 0.2 + 0.6 * k / flights)
            pen.shape(outline, body)
            pen.line(tops, mix(palette.mid, palette.light, 0.5), 1.3)
            rail = [(x, y - h * 0.1) for x, y in (tops[1], tops[-1])]
            if rng.random() < 0.6:
                pen.line(rail, palette.accent, 2)
                for x, y in tops[1::2]:
                    pen.line([(x, y), (x, y - h * 0.1)], mix(body, palette.mid, 0.2), 0.8)
            right = not right

    return _drawn(wall, paint)


def _stairs_winding(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A stairwell looked down into: the steps wind towards a bright or a dark floor."""
    w, h = size
    cx, cy = w * rng.uniform(0.35, 0.65), h * rng.uniform(0.35, 0.65)
    shrink, turn = rng.uniform(0.45, 0.66), _one_of(rng, (-1, 1))
    count, start = int(rng.integers(16, 30)), rng.uniform(0, 1)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    dx, dy = x - cx, (y - cy) * rng.uniform(0.75, 1.15)
    radius = np.hypot(dx, dy) + 0.5
    angle = (turn * np.arctan2(dy, dx) / (2 * pi) + start).astype(np.float32) % 1
    level = np.log(radius / (0.95 * max(w, h))) / log(shrink) + angle
    depth, across = np.floor(level), level % 1
    pixel = 1 / (radius * abs(log(shrink)))
    step, soft = angle * count % 1, count / (2 * pi * radius)
    riser = np.clip((0.16 - np.abs(step - 0.08)) / soft, 0, 1) * 0.38
    tread = 0.95 - riser - 0.14 * np.cos((angle - start) * 2 * pi) - 0.1 * step
    parapet = np.clip((across - 0.62) / pixel + 0.5, 0, 1)
    tone = tread * (1 - parapet) + parapet * (0.28 + 0.9 * np.clip(across - 0.72, 0, 1))
    lit_below = rng.random() < 0.5
    fall = (
        np.exp(-(depth + across) * 0.28)
        if not lit_below
        else 0.45 + 0.55 * (1 - np.exp(-(depth + across) * 0.5))
    )
    tone = np.where(radius < w * 0.035, 1.1 if lit_below else 0.05, tone * fall)
    stops = [palette.ink, palette.deep, palette.mid, palette.light]
    table = [np.interp(np.linspace(0, 1, 256), [0, 0.3, 0.62, 1], [c[k] for c in stops]) for k in range(3)]
    ramp = np.stack(table, axis=1).astype(np.uint8)
    handrail = np.clip(1.2 - np.abs(across - 0.62) / pixel / np.maximum(0.6, radius / w * 5), 0, 1)
    image = Image.fromarray(ramp[(np.clip(tone, 0, 1) * 255).astype(np.uint8)])
    return _fogged(image, palette.accent, handrail * np.clip(radius / w * 5, 0, 0.9))


def concrete_stairs(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Bare stairs in hard light: a flight ahead, flights from the side, or a well looked down into."""
    view = _one_of(rng, (_stairs_ahead, _stairs_ahead, _stairs_aside, _stairs_winding))
    return _finished(_weathered(view(rng, size, palette), rng, 0.13), rng, 0.25, 3)


def _opening(
    pen: _Pen, plane: _Plane, pane: Pane, kind: str, sun: float, tones: tuple[RGB, RGB, RGB, RGB]
) -> None:
    """One deep opening of a concrete front; the sun comes from above on the side of ``sun``'s sign."""
    lit, shade, glass, gleam = tones
    u0, v0, u1, v1 = pane
    wide, tall = u1 - u0, v1 - v0
    if kind == "porthole":
        turn = np.linspace(0, 2 * pi, 28)
        for grow, shift, colour in ((1, 0, shade), (0.8, 0.1, lit), (0.72, 0.06, glass)):
            ring = [
                (
                    (u0 + u1) / 2 + wide / 2 * (grow * cos(a) + shift * sun),
                    (v0 + v1) / 2 + tall / 2 * (grow * sin(a) + shift),
                )
                for a in turn
            ]
            pen.shape([plane.at(u, v) for u, v in ring], colour)
        return
    pen.shape(plane.box(*pane), shade)
    inset = wide * 0.2 * (1 if sun > 0 else -1)
    inner = (u0 + max(0, inset), v0 + tall * 0.2, u1 + min(0, inset), v1)
    if kind == "hood":
        hood = [
            (u0, v0 - tall * 0.05),
            (u1, v0 - tall * 0.05),
            (u1 + wide * 0.12 * sun, v0 + tall * 0.3),
            (u0 + wide * 0.12 * sun, v0 + tall * 0.3),
        ]
        pen.shape(plane.box(*inner), glass)
        pen.shape([plane.at(*point) for point in hood], lit)
    elif kind == "balcony":
        pen.shape(plane.box(u0, v0 + tall * 0.1, u1, v1), glass)
        pen.shape(plane.box(u0 - wide * 0.06, v0 + tall * 0.62, u1 + wide * 0.06, v1 + tall * 0.1), lit)
        pen.shape(plane.box(u0 - wide * 0.06, v1 + tall * 0.1, u1 + wide * 0.06, v1 + tall * 0.2), shade)
    else:
        far = u1 if sun > 0 else u0
        reveal = [(far, v0 + tall * 0.3), (far, v1), (far - inset, v1), (far - inset, v0 + tall * 0.45)]
        pen.shape(plane.box(*inner), glass)
        pen.shape([plane.at(*point) for point in reveal], lit)
        pen.shape(
            [
                plane.at(inner[0], v1 - tall * 0.3),
                plane.at(inner[2], v0 + tall * 0.5),
                plane.at(inner[2], v1),
                plane.at(inner[0], v1),
            ],
            gleam,
        )


def _masses(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Plain blocks standing behind one another, each with a face in the sun and one in the shade."""
    w, h = size
    sky = gradient(size, [(0, mix(palette.mid, palette.light, 0.35)), (1, palette.light)])
    sun_left, count = rng.random() < 0.5, int(rng.integers(3, 6))

    def paint(pen: _Pen) -> None:
        if rng.random() < 0.5:
            r = w * rng.uniform(0.06, 0.13)
            pen.oval(
                w * rng.uniform(0.15, 0.85),
                h * rng.uniform(0.1, 0.3),
                r,
                r,
                mix(palette.accent, palette.light, 0.1),
            )
        for k in range(count):
            near = k / count
            x, wide = w * rng.uniform(-0.15, 0.75), w * rng.uniform(0.28, 0.55)
            top, fold = h * (0.12 + 0.5 * near + rng.uniform(0, 0.14)), rng.uniform(0.3, 0.7)
            drop, corner = h * 0.05 * rng.uniform(0.3, 1.6), x + wide * fold
            lit = mix(mix(palette.light, palette.mid, 0.3 + 0.35 * near), palette.light, 0.25 * (1 - near))
            dark = mix(mix(palette.mid, palette.deep, 0.3 + 0.5 * near), palette.light, 0.3 * (1 - near))
            left, right = (lit, dark) if sun_left else (dark, lit)
            pen.shape([(x, top + drop), (corner, top), (corner, h), (x, h)], left)
            pen.shape([(corner, top), (x + wide, top + drop * 1.4), (x + wide, h), (corner, h)], right)
            slits, face = int(rng.integers(0, 6)), _one_of(rng, (0, 1))
            for j in range(slits):
                a = (
                    (x + wide * fold * (0.2 + 0.13 * j))
                    if face == 0
                    else corner + wide * (1 - fold) * (0.2 + 0.13 * j)
                )
                pen.box(
                    a,
                    top + h * 0.09,
                    a + w * 0.012,
                    top + h * (0.16 + 0.1 * near),
                    mix(dark, palette.ink, 0.6),
                )
            edge = mix(right, palette.ink, 0.15)
            pen.line(
                [
                    (x, top + drop + h * 0.05),
                    (corner, top + h * 0.05),
                    (x + wide, top + drop * 1.4 + h * 0.05),
                ],
                edge,
                0.8,
            )
        if rng.random() < 0.6:
            _person(pen, w * rng.uniform(0.15, 0.85), h * 0.975, h * 0.065, palette.ink)

    return _drawn(sky, paint)


def concrete_facade(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Brutalist fronts: deep openings in rows, cut by the sun, or plain masses against the sky."""
    w, h = size
    if rng.random() < 0.25:
        return _finished(_weathered(_masses(rng, size, palette), rng, 0.15), rng, 0.2, 3)
    sun, kind = _one_of(rng, (-1.0, 1.0)), _one_of(rng, ("deep", "deep", "porthole", "hood", "balcony"))
    columns, rows = int(rng.integers(2, 7)), int(rng.integers(3, 9))
    front = mix(palette.light, palette.mid, rng.uniform(0.25, 0.7))
    tones = (
        mix(front, palette.light, 0.55),
        mix(front, palette.ink, 0.5),
        mix(palette.deep, palette.ink, 0.5),
        mix(palette.deep, palette.mid, 0.4),
    )
    sky = gradient(size, [(0, mix(palette.mid, palette.light, rng.uniform(0.1, 0.5))), (1, palette.light)])
    view = _one_of(rng, ("flat", "flat", "aside", "corner"))
    if view == "flat":
        top = h * _one_of(rng, (-0.05, 0.14, 0.3))
        planes = [_Plane((-w * 0.05, top), (w * 1.05, top), (w * 1.05, h * 1.05), (-w * 0.05, h * 1.05))]
    else:
        edge, roof = w * rng.uniform(0.62, 0.9), h * rng.uniform(0.12, 0.35)
        planes = [_Plane((-w * 0.05, -h * 0.15), (edge, roof), (edge, h * 1.02), (-w * 0.05, h * 1.3))]
        if view == "corner":
            edge, roof = w * rng.uniform(0.35, 0.65), h * rng.uniform(0.04, 0.12)
            planes = [_Plane((-w * 0.1, roof * 3.2), (edge, roof), (edge, h * 1.25), (-w * 0.1, h * 1.05))]
            planes.append(_Plane((edge, roof), (w * 1.1, roof * 3.4), (w * 1.1, h * 1.05), (edge, h * 1.25)))
    accent_at = int(rng.integers(columns * rows))

    def paint(pen: _Pen) -> None:
        for number, plane in enumerate(planes):
            darker = 0.45 if number else 0.0
            pen.shape(plane.box(0, 0, 1, 1), mix(front, palette.deep, darker))
            pen.shape(plane.box(0, 0, 1, 0.018), mix(tones[0], palette.deep, darker))
            mine = (
                mix(tones[0], palette.deep, darker),
                mix(tones[1], palette.ink, darker / 2),
                tones[2],
                tones[3],
            )
            for k in range(columns * rows):
                row, column = divmod(k, columns)
                u, v = column / columns, 0.04 + 0.96 * row / rows
                pane = (u + 0.16 / columns, v + 0.18 / rows, u + 0.84 / columns, v + 0.76 / rows)
                own = (
                    (mine[0], mine[1], palette.accent, mix(palette.accent, palette.light, 0.3))
                    if k == accent_at
                    else mine
                )
                _opening(pen, plane, pane, kind, sun, own)
                seam = 0.004
                pen.shape(plane.box(u, v, u + 1 / columns, v + seam), mix(front, palette.deep, 0.3 + darker))

    def shadow(pen: _Pen) -> None:
        x, lean = w * rng.uniform(0.2, 0.9), h * rng.uniform(0.3, 0.9)
        pen.shape([(x - lean * sun, 0), (x, h), (-w * sun * 9, h), (-w * sun * 9, 0)], 120)

    image = _drawn(sky, paint)
    if rng.random() < 0.45:
        image.paste(mix(palette.deep, palette.ink, 0.5), (0, 0), _drawn(Image.new("L", size), shadow))
    return _finished(_weathered(image, rng, 0.16), rng, 0.22, 3)


def _arch(left: float, right: float, spring: float, foot: float, point: float) -> list[Point]:
    """The outline of an opening: round where ``point`` is 1, the more pointed the larger it is."""
    middle, half = (left + right) / 2, (right - left) / 2
    across = np.cos(np.linspace(pi, 0, 23))
    rise = np.sqrt(np.maximum(0, point**2 - (np.abs(across) + point - 1) ** 2))
    head = [(middle + half * float(a), spring - half * float(b)) for a, b in zip(across, rise, strict=True)]
    return [(left, foot), *head, (right, foot)]


def _arches_nested(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Arch behind arch, each paler, to a bright end."""
    w, h = size
    count, point, shrink = (
        int(rng.integers(4, 8)),
        _one_of(rng, (1.0, 1.0, 1.35, 1.7)),
        rng.uniform(0.66, 0.8),
    )
    ex, ey = w * rng.uniform(0.3, 0.7), h * rng.uniform(0.55, 0.7)
    half, foot, spring = w * rng.uniform(0.4, 0.52), h * 1.02 - ey, h * rng.uniform(0.12, 0.26)
    lit_left = rng.random() < 0.5
    near, far = mix(palette.ink, palette.deep, 0.25), mix(palette.light, palette.mid, 0.1)
    light = gradient(
        size, [(0, mix(palette.mid, palette.light, 0.4)), (ey / h, palette.light), (1, palette.mid)]
    )

    def outline(scale: float, shift: float) -> list[Point]:
        cx = ex + (w / 2 - ex) * scale + shift
        return _arch(cx - half * scale, cx + half * scale, ey - spring * scale, ey + foot * scale, point)

    def paint(pen: _Pen) -> None:
        pen.box(-1, -1, w, h, near)
        for k in range(count):
            t, scale = (k + 1) / count, shrink**k
            reveal = mix(near, far, min(1, t * 0.8 + 0.28))
            pen.shape(outline(scale, 0), reveal if k % 2 == 0 else mix(reveal, palette.mid, 0.3))
            side = (1 if lit_left else -1) * half * scale * 0.14
            inner = [(x, y) for x, y in outline(scale * 0.97, side)]
            wall = mix(near, far, t) if k < count - 1 else palette.light
            pen.shape(inner, mix(wall, palette.deep, 0.18 * (1 - t)))
            ahead = ey + foot * scale * shrink
            pen.shape(
                [
                    inner[0],
                    inner[-1],
                    (ex + (inner[-1][0] - ex) * shrink, ahead),
                    (ex + (inner[0][0] - ex) * shrink, ahead),
                ],
                mix(wall, far, 0.35),
            )
        last = ey + foot * shrink ** (count - 1) * 0.9
        if rng.random() < 0.65:
            tall = max(h * 0.05, (spring + foot) * shrink ** (count - 1) * 0.45)
            _person(
                pen,
                ex + w * rng.uniform(-0.02, 0.02),
                last,
                tall,
                mix(palette.ink, palette.accent, rng.choice((0.0, 0.8))),
            )

    return _drawn(light, paint)


def _arches_row(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """An arcade face on: the sky and a far land through it, its light lying over the floor."""
    w, h = size
    count, point = int(rng.integers(1, 5)), _one_of(rng, (1.0, 1.0, 1.4))
    floor, top = h * rng.uniform(0.68, 0.84), h * rng.uniform(0.08, 0.2)
    pitch = w * rng.uniform(0.85, 1.15) / count
    first, pier = w * rng.uniform(-0.1, 0.1), pitch * rng.uniform(0.12, 0.22)
    sky = gradient(
        size,
        [
            (0, palette.mid),
            (floor / h, mix(palette.light, palette.accent, rng.uniform(0, 0.25))),
            (1, palette.mid),
        ],
    )
    wall, slant = mix(palette.deep, palette.mid, rng.uniform(0.0, 0.5)), w * rng.uniform(-0.5, 0.5)
    holes = [(first + k * pitch + pier, first + (k + 1) * pitch - pier) for k in range(-1, count + 1)]
    spring = top + (holes[0][1] - holes[0][0]) / 2 * point + h * 0.03
    spring = min(spring, floor - h * 0.2)

    def land(pen: _Pen) -> None:
        disc = w * rng.uniform(0.05, 0.11)
        pen.oval(
            w * rng.uniform(0.2, 0.8),
            floor - h * rng.uniform(0.1, 0.35),
            disc,
            disc,
            mix(palette.accent, palette.light, 0.2),
        )
        for k in range(2):
            pen.shape(
                _ridge(rng, size, floor - h * (0.1 - 0.06 * k), h * 0.02),
                mix(palette.light, palette.mid, 0.6 + 0.4 * k),
            )

    def stone(pen: _Pen) -> None:
        pen.box(0, 0, w, h, 255)
        for left, right in holes:
            pen.shape(_arch(left, right, spring, floor, point), 0)

    def ground(pen: _Pen) -> None:
        pen.box(-1, floor, w, h, mix(wall, palette.ink, 0.35))
        for left, right in holes:
            outline = _arch(left, right, spring, floor, point)
            thick = pier * 0.5 * (1 if slant > 0 else -1)
            reveal = [p for p in outline if (p[0] < (left + right) / 2) == (slant > 0)]
            pen.shape(reveal + [(x + thick, y) for x, y in reveal[::-1]], mix(wall, palette.ink, 0.45))
            cast = [(x + slant * (floor - y) / h * 1.1, floor + (floor - y) * 0.55) for x, y in outline]
            pen.shape(cast, mix(palette.light, palette.mid, 0.3))
        if rng.random() < 0.5:
            _person(
                pen, w * rng.uniform(0.2, 0.8), floor + h * 0.04, h * rng.uniform(0.09, 0.14), palette.ink
            )

    image = _drawn(sky, land)
    image.paste(Image.new("RGB", size, wall), (0, 0), _drawn(Image.new("L", size), stone))
    return _drawn(image, ground)


def _arches_aisle(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A cloister walk along its arcade, the light of the arches fallen across the flags."""
    w, h = size
    count, point = int(rng.integers(4, 7)), _one_of(rng, (1.0, 1.4))
    ex, ey, end = w * rng.uniform(0.62, 0.76), h * rng.uniform(0.46, 0.58), rng.uniform(0.1, 0.2)
    flip = rng.random() < 0.5

    def corner(x: float, y: float) -> Point:
        return ex + (x - ex) * end, ey + (y - ey) * end

    tl, tr, br, bl = (
        (-w * 0.25, -h * 0.12),
        (w * 1.25, -h * 0.12),
        (w * 1.25, h * 1.12),
        (-w * 0.25, h * 1.12),
    )
    far = [corner(*p) for p in (tl, tr, br, bl)]
    arcade, blank = _Plane(tl, far[0], far[3], bl), _Plane(far[1], tr, br, far[2])
    floor = _Plane(bl, far[3], far[2], br)
    outside, stone = (
        mix(palette.light, palette.accent, rng.uniform(0, 0.2)),
        mix(palette.deep, palette.mid, 0.35),
    )

    def paint(pen: _Pen) -> None:
        pen.shape([tl, far[0], far[1], tr], mix(stone, palette.ink, 0.55))
        pen.shape(floor.box(0, 0, 1, 1), mix(stone, palette.ink, 0.4))
        pen.shape(blank.box(0, 0, 1, 1), mix(stone, palette.ink, 0.2))
        pen.shape(arcade.box(0, 0, 1, 1), mix(stone, palette.ink, 0.3))
        pen.shape(far, mix(stone, palette.light, 0.25))
        pen.shape(
            [
                (ex + (x - ex) * 0.7, ey + (y - ey) * 0.7 + h * 0.02)
                for x, y in _arch(far[0][0], far[1][0], ey, far[2][1], point)
            ],
            outside,
        )
        for k in range(count):
            u0, u1 = (k + 0.12) / count, (k + 0.82) / count
            half = (u1 - u0) / 2
            head = [(u, 0.42 + (v - 0.42) * 0.2 / half / point) for u, v in _arch(u0, u1, 0.42, 0.42, point)]
            shape = [(u0, 0.97), *head[1:-1], (u1, 0.97)]
            pen.shape([arcade.at(u + 0.05 / count, v) for u, v in shape], mix(stone, palette.light, 0.35))
            pen.shape([arcade.at(u, v) for u, v in shape], outside)
            patch = [(u + 0.14 * (0.97 - v), 0.08 + (0.97 - v) * 1.0) for u, v in shape]
            pen.shape([floor.at(u, v) for u, v in patch], mix(outside, stone, 0.25))
        if rng.random() < 0.5:
            x, y = floor.at(rng.uniform(0.6, 0.8), 0.6)
            _person(pen, x, y, (y - ey) * 0.95, palette.ink)

    image = _drawn(Image.new("RGB", size, palette.light), paint)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image


def arches(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Arches in stone and light: one behind the other, in a row, or along a cloister walk."""
    view = _one_of(rng, (_arches_nested, _arches_row, _arches_aisle))
    image = _weathered(view(rng, size, palette), rng, 0.14)
    return _finished(_bloom(image, 170, 0.7, 26), rng, 0.35, 3.5)


def _petal(angle: float, inner: float, outer: float, wide: float, bulge: float) -> list[Point]:
    """One lobe of a rose window along ``angle``; ``bulge`` moves its widest place outwards."""
    t = np.linspace(0, 1, 13)
    radius, swell = inner + (outer - inner) * t, wide * np.sin(pi * t**bulge) ** 0.75
    sides = [(float(r), float(s) * k) for k in (1, -1) for r, s in list(zip(radius, swell, strict=True))[::k]]
    return [(r * cos(angle) - s * sin(angle), r * sin(angle) + s * cos(angle)) for r, s in sides]


def _tracery(pen: _Pen, rng: np.random.Generator, cx: float, cy: float, r: float, folds: int) -> None:
    """The openings of a rose window, white: a heart, then rings of lobes, roundels or lancets."""
    heart, spin = rng.uniform(0.1, 0.2), _one_of(rng, (0.0, pi / folds))
    if rng.random() < 0.5:
        for a in np.arange(6) * pi / 3 + spin:
            pen.oval(
                cx + heart * r * 0.55 * cos(a),
                cy + heart * r * 0.55 * sin(a),
                heart * r * 0.5,
                heart * r * 0.5,
                255,
            )
    else:
        pen.oval(cx, cy, heart * r, heart * r, 255)
    inner = heart + 0.05
    while inner < 0.86:
        outer = min(0.98, inner + rng.uniform(0.22, 0.4))
        outer = 0.98 if outer > 0.84 else outer
        kind, many = (
            _one_of(rng, ("lobe", "lancet", "roundel")),
            folds * (2 if inner > 0.5 and folds < 11 else 1),
        )
        spin += _one_of(rng, (0.0, pi / many))
        for k in range(many):
            angle, middle = k * 2 * pi / many + spin, (inner + outer) / 2
            gap = pi * outer / many
            if kind == "roundel":
                size = min((outer - inner) / 2, pi * middle / many) * 0.86
                pen.oval(cx + middle * r * cos(angle), cy + middle * r * sin(angle), size * r, size * r, 255)
            else:
                wide, bulge = (gap * 0.86, 1.5) if kind == "lobe" else (gap * 0.7, 2.4)
                pen.shape(
                    [(cx + x * r, cy + y * r) for x, y in _petal(angle, inner, outer, wide, bulge)], 255
                )
        if outer < 0.9:
            for k in range(many):
                angle, small = (k + 0.5) * 2 * pi / many + spin, pi * outer / many * 0.3
                pen.oval(cx + outer * r * cos(angle), cy + outer * r * sin(angle), small * r, small * r, 255)
        inner = outer + 0.025


def _stained(
    rng: np.random.Generator, size: Size, palette: Palette, cx: float, cy: float, folds: int
) -> Image.Image:
    """Coloured glass about a centre: pieces in rings and sectors, lead between, light in it."""
    pitch, sectors = size[0] * 0.06, folds * 4
    y, x = np.mgrid[0 : size[1] : 2, 0 : size[0] : 2].astype(np.float32)
    radius, angle = np.hypot(x - cx, y - cy) / np.float32(pitch), np.arctan2(y - cy, x - cx)
    cells = (radius.astype(np.int32) % 16) * sectors + ((angle / (2 * pi) + 0.5) * sectors).astype(
        np.int32
    ) % sectors
    colours = [
        palette.accent,
        palette.light,
        palette.mid,
        palette.deep,
        mix(palette.accent, palette.light, 0.4),
    ]
    colours += [mix(palette.mid, palette.accent, 0.4), mix(palette.deep, palette.mid, 0.5)]
    rings = np.array(colours)[rng.integers(0, len(colours), (16, 2))]
    table = np.tile(np.concatenate([rings, rings[:, ::-1]], axis=1), (1, folds, 1)).reshape(-1, 3)
    table = np.clip(table * rng.uniform(0.75, 1.15, (16 * sectors, 1)), 0, 255).astype(np.uint8)
    lead = np.clip((0.5 - np.abs(radius % 1 - 0.5)) * pitch / 1.2, 0.25, 1)
    light = lead * (0.72 + 0.28 * smooth_noise(rng, (x.shape[1], x.shape[0]), 20))
    glass = _shaded(Image.fromarray(np.take(table, cells, axis=0)), light)
    return glass.resize(size, Image.Resampling.BILINEAR)


def _nave(pen: _Pen, cx: float, size: Size, palette: Palette) -> None:
    """Dark piers to both sides and rows of pews, for a window far above them."""
    w, h = size
    for k in range(4):
        out, dark = w * (0.5 - 0.07 * k), mix(palette.ink, palette.deep, 0.08 + 0.14 * k)
        for side in (-1, 1):
            pen.box(cx + side * out - w * 0.035, h * 0.1 * k, cx + side * out + w * 0.035, h, dark)
    for k in range(5):
        y, broad = h * (0.84 + 0.035 * k), w * (0.3 + 0.06 * k)
        for middle in (cx - broad * 0.6, cx + broad * 0.6):
            wood = mix(palette.ink, palette.deep, 0.5 - 0.1 * k)
            pen.box(middle - broad * 0.4, y, middle + broad * 0.4, y + h * 0.02, wood)


def _fallen_light(
    image: Image.Image, rng: np.random.Generator, cx: float, cy: float, r: float, palette: Palette
) -> Image.Image:
    """The window's colours lying on the floor, and the beam between."""
    h = image.height
    round_about = image.crop((int(cx - r), int(cy - r), int(cx + r), int(cy + r)))
    layer = Image.new("RGB", image.size)
    floor = int(cx - r * rng.uniform(0.7, 1.3)), int(h * 0.93 - r * 0.4)
    layer.paste(round_about.resize((int(r * 2), int(r * 0.7))), floor)
    y, x = _quarter(image.size)
    beam = np.exp(-(((x - cx) / (r * (0.5 + 0.7 * y / h))) ** 2)) * np.clip((y - cy) / h * 2, 0, 1) * 0.3
    beam *= np.clip((h - y) / (h * 0.3), 0, 1)
    lit = ImageChops.screen(image, _blurred(layer, 9))
    return _fogged(lit, mix(palette.light, palette.accent, 0.4), beam)


def rose_window(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A round window of stained glass from inside: close, cut by the frame, or far over a dark nave."""
    w, h = size
    view, folds = _one_of(rng, ("close", "cut", "nave", "lancets")), int(rng.integers(6, 15))
    smallest, largest = {
        "close": (0.4, 0.48),
        "cut": (0.65, 0.95),
        "nave": (0.2, 0.3),
        "lancets": (0.33, 0.4),
    }[view]
    r, cx, cy = min(w, h * 0.9) * rng.uniform(smallest, largest), w / 2, h * rng.uniform(0.42, 0.55)
    if view == "cut":
        cx, cy = w * rng.uniform(0.0, 1.0), h * rng.uniform(0.2, 0.9)
    elif view != "close":
        cy = max(r * 1.15, h * rng.uniform(0.28, 0.34))
    stone = gradient(size, [(0, mix(palette.ink, palette.deep, 0.5)), (1, palette.ink)])

    def wall(pen: _Pen) -> None:
        moulding = mix(palette.deep, palette.mid, 0.4)
        for grow, share in ((1.13, 0.9), (1.09, 0.35), (1.05, 0.9), (1.02, 0.35)):
            pen.oval(cx, cy, r * grow, r * grow, mix(palette.ink, moulding, share))
        if view == "nave":
            _nave(pen, cx, size, palette)

    def glazing(pen: _Pen) -> None:
        _tracery(pen, rng, cx, cy, r, folds)
        many, top, gap = int(rng.integers(3, 6)), cy + r * 1.32, r * 0.05
        for k in range(many if view == "lancets" else 0):
            left, right = cx - r + 2 * r * k / many + gap, cx - r + 2 * r * (k + 1) / many - gap
            pen.shape(_arch(left, right, top + r / many, h * 0.93, 1.3), 255)

    image = _drawn(_weathered(stone, rng, 0.3), wall)
    image.paste(_stained(rng, size, palette, cx, cy, folds), (0, 0), _drawn(Image.new("L", size), glazing))
    image = _bloom(image, 70, 0.9, w * 0.05)
    if view == "nave":
        image = _fallen_light(image, rng, cx, cy, r, palette)
    return _finished(image, rng, 0.45)


def _leaf(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Gold leaf laid in squares: seams, a slow shimmer, the red ground where it has worn through."""
    w, h = size
    gold, bole = (
        mix(palette.accent, GOLD, 0.6),
        mix(mix(palette.accent, palette.deep, 0.5), (120, 40, 24), 0.45),
    )
    sheet = int(w * rng.uniform(0.2, 0.32))
    leaf = gradient(
        size,
        [
            (0, mix(gold, (255, 244, 208), 0.5)),
            (0.55, mix(gold, (255, 236, 180), 0.25)),
            (1, mix(gold, palette.deep, 0.4)),
        ],
    )
    y, x = np.arange(h)[:, None], np.arange(w)[None, :]
    row, column = y // sheet, (x + (y // sheet % 2) * sheet // 3) // sheet
    tones = rng.uniform(0.86, 1.0, (h // sheet + 1, w // sheet + 2))
    fine = smooth_noise(rng, size, 3)
    shade = tones[row, column] * (0.84 + 0.16 * smooth_noise(rng, size, 60)) * (0.9 + 0.1 * fine)
    near_seam = ((x + (row % 2) * sheet // 3) % sheet < 2) | (y % sheet < 2)
    worn = np.clip((smooth_noise(rng, size, 26) * 0.6 + fine * 0.4 - rng.uniform(0.68, 0.76)) * 9, 0, 0.7)
    return _fogged(_shaded(leaf, shade), bole, np.maximum(worn, near_seam * fine * 0.5))


def _holy_figure(pen: _Pen, x: float, y: float, r: float, low: float, robe: Tones, tilt: float) -> None:
    """A veiled figure without a face: head of radius ``r`` about (x, y), its mantle down to ``low``."""
    cloth, fold, skin = robe
    wide, neck = r * 2.5, y + r * 1.0
    turn = np.linspace(pi * 0.5, 0, 12)
    right = [(x + wide * 0.36 + wide * 0.64 * cos(a), neck + r * 1.6 - r * 1.3 * sin(a)) for a in turn]
    left = [(2 * x - px, py) for px, py in right]
    pen.shape([*left[::-1], *right, (x + wide * 1.12, low), (x - wide * 1.12, low)], cloth)
    hx = x + r * tilt
    pen.oval(hx, y, r * 1.22, r * 1.42, cloth)
    pen.shape(
        [(hx - r * 1.2, y), (hx + r * 1.2, y), (x + wide * 0.5, neck + r), (x - wide * 0.5, neck + r)], cloth
    )
    pen.oval(hx, y + r * 0.08, r * 0.92, r * 1.14, fold)
    pen.shape(
        [
            (hx - r * 0.3, y + r),
            (hx + r * 0.3, y + r),
            (x + r * 0.36, y + r * 1.6),
            (x - r * 0.36, y + r * 1.6),
        ],
        mix(skin, fold, 0.35),
    )
    pen.oval(hx, y + r * 0.1, r * 0.74, r * 0.98, skin)
    for k in (-1.0, -0.62, -0.25, 0.2, 0.55, 0.9):
        bend = [
            (
                x + k * r * (0.75 + 1.7 * t) + r * 0.5 * tilt * sin(3 * t),
                neck + r * (0.6 + 0.25 * abs(k)) + (low - neck) * t,
            )
            for t in np.linspace(0.03, 1, 8)
        ]
        pen.line(bend, fold, r * 0.07)


def _halo(pen: _Pen, rng: np.random.Generator, x: float, y: float, r: float, tones: Tones) -> None:
    """A halo pressed into the gold: rings, punched dots, at times rays."""
    bright, line, dot = tones
    pen.oval(x, y, r * 1.05, r * 1.05, line)
    pen.oval(x, y, r * 1.02, r * 1.02, bright)
    rays, dots = _one_of(rng, (0, 0, 24, 36, 48)), int(rng.integers(20, 40))
    for k in range(rays):
        a = k * 2 * pi / rays
        long = 0.86 if k % 2 else 0.7
        pen.line(
            [(x + r * 0.4 * cos(a), y + r * 0.4 * sin(a)), (x + r * long * cos(a), y + r * long * sin(a))],
            line,
            r * 0.012,
        )
    for k in range(dots):
        a = k * 2 * pi / dots
        pen.oval(x + r * 0.93 * cos(a), y + r * 0.93 * sin(a), r * 0.03, r * 0.03, dot)


def _wings(pen: _Pen, x: float, y: float, r: float, size: Size, feather: RGB, gold: RGB) -> None:
    """Folded wings to both sides of a figure, feather over feather."""
    w, h = size
    for side in (-1, 1):
        for k in range(6, -1, -1):
            root = x + side * r * 1.2, y + r * (2.6 - 0.1 * k)
            tip_x, tip_y = x + side * w * (0.28 + 0.045 * k), y + h * (0.62 - 0.095 * k)
            shoulder = tip_x - side * w * 0.02, y + r * 1.3 - h * 0.02 * k
            pen.shape(
                [root, shoulder, (tip_x + side * w * 0.05, (tip_y + y) / 2), (tip_x, tip_y)],
                mix(feather, gold, 0.12 * k),
            )
            pen.line([root, (tip_x, tip_y)], gold, 0.8)


def _bare_halo(
    pen: _Pen, rng: np.random.Generator, x: float, y: float, r: float, tones: Tones, dark: RGB
) -> None:
    """A halo about nobody: rings, a dark heart, a star of twelve points."""
    for k in range(5, 0, -1):
        pen.oval(x, y, r * 0.24 * k, r * 0.24 * k, tones[k % 2])
    _halo(pen, rng, x, y, r, tones)
    pen.oval(x, y, r * 0.53, r * 0.53, dark)
    for angle in np.arange(12) * pi / 6:
        ray = ((0.47, 0), (0.1, 0.2), (0.1, -0.2))
        pen.shape([(x + r * s * cos(angle + o), y + r * s * sin(angle + o)) for s, o in ray], tones[0])


def _icon_people(
    pen: _Pen, rng: np.random.Generator, kind: str, size: Size, robes: list[Tones], tones: Tones
) -> None:
    """Who is on the icon: ``one``, an ``angel``, ``two`` that lean together, or ``three``."""
    w, h = size
    x, y, lean = w * rng.uniform(0.46, 0.54), h * rng.uniform(0.3, 0.4), float(rng.choice((-1, 1)))
    r, low = min(w, h * 0.75) * rng.uniform(0.085, 0.13), h * 1.02
    if kind == "three":
        x, r = w / 2, r * 0.82
        for side in (-1, 1):
            _halo(pen, rng, x + side * w * 0.29, y + h * 0.1, r * 1.8, tones)
            _holy_figure(pen, x + side * w * 0.29, y + h * 0.1, r * 0.88, low, robes[2], -0.25 * side)
    if kind == "angel":
        _wings(pen, x, y, r, size, robes[1][0], tones[0])
    _halo(pen, rng, x, y, r * 2.25, tones)
    _holy_figure(pen, x, y, r, low, robes[0], 0.35 * lean if kind == "two" else 0.0)
    if kind == "two":
        child_x, child_y = x + lean * r * 1.7, y + r * 2.6
        _halo(pen, rng, child_x, child_y, r * 1.25, tones)
        _holy_figure(pen, child_x, child_y, r * 0.58, child_y + r * 4.2, robes[2], -0.6 * lean)
    elif kind != "three":
        held = y + r * 4.6
        pen.oval(x, held, r * 0.8, r * 0.8, tones[1])
        pen.oval(x, held, r * 0.72, r * 0.72, tones[0])
        for long, broad in ((0.6, 0.14), (0.14, 0.6)):
            star = [(0, -long), (broad, 0), (0, long), (-broad, 0)]
            pen.shape([(x + a * r, held + b * r) for a, b in star], tones[1])


def gold_icon(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """An icon on gold leaf: one faceless figure, two that lean together, an angel, or a bare halo."""
    w, h = size
    kind = _one_of(rng, ("one", "two", "angel", "halo", "three"))
    leaf, gold = _leaf(rng, size, palette), mix(palette.accent, GOLD, 0.6)
    tones = mix(gold, palette.light, 0.4), mix(gold, palette.ink, 0.45), mix(gold, palette.ink, 0.3)
    cloths = [palette.deep, mix(palette.deep, palette.ink, 0.5), mix(palette.accent, palette.ink, 0.5)]
    cloths.append(mix(palette.mid, palette.deep, 0.4))
    skin = mix(mix(palette.light, GOLD, 0.45), palette.deep, 0.18)
    robes = [(cloths[k], mix(cloths[k], gold, 0.6), skin) for k in rng.permutation(4)]
    border, niche = w * rng.uniform(0.02, 0.06), rng.random() < 0.5

    def paint(pen: _Pen) -> None:
        if niche:
            edge = border * 2.4
            outline = _arch(edge, w - edge, edge + w * 0.45, h * 1.1, _one_of(rng, (1.0, 1.3)))
            pen.line(outline, mix(tones[1], robes[1][0], 0.5), w * 0.022)
            pen.line(outline, tones[0], w * 0.005)
        if kind == "halo":
            x, y, r = (
                w * rng.uniform(0.44, 0.56),
                h * rng.uniform(0.36, 0.55),
                min(w, h) * rng.uniform(0.24, 0.38),
            )
            _bare_halo(pen, rng, x, y, r, tones, robes[0][0])
        else:
            _icon_people(pen, rng, kind, size, robes, tones)
        frame = mix(robes[3][0], palette.ink, 0.3)
        corners = [(border, border), (w - border, border), (w - border, h - border), (border, h - border)]
        pen.line([(0, 0), (w, 0), (w, h), (0, h), (0, 0)], frame, border * 2)
        pen.line([*corners, corners[0]], mix(gold, palette.light, 0.25), 1.4)

    painted = _drawn(leaf, paint)
    worn = smooth_noise(rng, size, 20) * 0.5 + smooth_noise(rng, size, 4) * 0.5
    painted.paste(leaf, (0, 0), _mask(np.clip((worn - 0.66) * 5, 0, 0.4)))
    return _finished(painted, rng, 0.4, 4)


def _candle(
    pen: _Pen, rng: np.random.Generator, at: Point, wide: float, tall: float, palette: Palette, near: float
) -> None:
    """One burning candle, lit from its own top; ``near`` from 0 far to 1 close."""
    x, top = at[0], at[1] - tall
    wax, glow = mix(palette.mid, palette.light, 0.55), mix(palette.light, palette.accent, 0.25)
    wax = mix(wax, palette.accent, 0.25)
    slices = max(5, min(18, int(tall / 7)))
    for k in range(slices):
        dark = min(0.78, 0.08 + 0.9 * k / slices + 0.2 * (1 - near))
        y = top + tall * (k / slices) ** 1.3
        pen.box(x - wide / 2, y, x + wide / 2, at[1], mix(wax, palette.ink, dark) if k else glow)
    pen.oval(x, top, wide / 2, wide * 0.12, glow)
    flame, sway = min(wide * rng.uniform(1.3, 1.8), 34) * (0.7 if wide > 16 else 1.0), rng.uniform(-0.1, 0.1)
    pen.line([(x, top), (x, top - flame * 0.25)], palette.ink, max(0.8, wide * 0.06))
    t = np.linspace(0, 1, 12)
    swell, bend = flame * 0.23 * np.sin(pi * t**0.62) ** 1.1, x + sway * flame * t**2
    middle = mix(palette.accent, palette.light, 0.6)
    for grow, colour in ((1.0, palette.accent), (0.78, middle), (0.5, (255, 252, 240))):
        y = top - flame * 0.12 - flame * 1.25 * grow * t
        right, left = bend + swell * grow, bend - swell * grow
        around = np.concatenate([np.stack([right, y], axis=1), np.stack([left, y], axis=1)[::-1]])
        pen.shape(around.tolist(), colour)


def _candle_holder(
    pen: _Pen, kind: str, at: Point, wide: float, tall: float, palette: Palette, near: float
) -> None:
    """A coloured glass about a votive, a saucer under a taper."""
    x, y = at
    if kind == "votives":
        glass, half = mix(palette.accent, palette.ink, 0.35 + 0.3 * (1 - near)), wide * 0.62
        shine = mix(glass, palette.light, 0.45)
        pen.box(x - half, y - tall * 0.82, x + half, y + tall * 0.06, glass, wide * 0.12)
        pen.box(x - wide * 0.48, y - tall * 0.78, x + wide * 0.48, y - tall * 0.3, shine, wide * 0.2)
    elif kind == "tapers":
        metal = mix(palette.ink, palette.mid, 0.35)
        pen.box(x - wide * 0.8, y - wide * 0.6, x + wide * 0.8, y + wide * 0.2, metal, 2)
        pen.oval(x, y + wide * 0.3, wide * 1.5, wide * 0.32, mix(palette.ink, palette.mid, 0.25))


def _candle_rows(
    pen: _Pen, rng: np.random.Generator, kind: str, size: Size, ground: float, palette: Palette
) -> None:
    """All the candles, the far rows first."""
    w, h = size
    rows = {"tapers": 1, "thick": 2, "tiers": int(rng.integers(2, 5)), "votives": int(rng.integers(2, 4))}[
        kind
    ]
    for row in range(rows):
        near = (row + 1) / rows
        foot = ground + (h - ground) * (0.25 + 0.3 * row if rows > 1 else 0.35)
        if kind == "tiers":
            foot, many = h * (0.4 + 0.5 * near), int(rng.integers(5, 9))
            wide, tall = w * (0.028 + 0.022 * near), h * (0.1 + 0.06 * near)
            pen.box(
                w * 0.06, foot, w * 0.94, foot + h * 0.016, mix(palette.ink, palette.mid, 0.25 * (1 + near))
            )
        elif kind == "thick":
            many, wide, tall = int(rng.integers(2, 4)), w * (0.13 + 0.05 * near), h * 0.26
        elif kind == "votives":
            many, wide, tall = 5 - row, w * (0.05 + 0.05 * near), h * (0.07 + 0.03 * near)
            foot -= (h - ground) * 0.3
        else:
            many, wide, tall = (
                int(rng.integers(3, 8)),
                w * rng.uniform(0.03, 0.055),
                h * rng.uniform(0.26, 0.42),
            )
        start = rng.uniform(0.3, 0.7)
        for k in range(many):
            if kind == "tiers" and rng.random() < 0.15:
                continue
            at = w * (0.06 + 0.88 * (k + start) / many) + rng.normal(0, w * 0.008), foot
            high = tall if kind == "votives" else tall * rng.uniform(0.55, 1.25)
            _candle(pen, rng, at, wide, high, palette, near)
            _candle_holder(pen, kind, at, wide, high, palette, near)


def candles_row(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Candles in the dark: a few tapers, thick ones, a tiered stand, or votives in glasses."""
    w, h = size
    kind, backdrop = (
        _one_of(rng, ("tapers", "thick", "tiers", "votives")),
        _one_of(rng, ("none", "alcove", "lights")),
    )
    ground, warm = h * rng.uniform(0.74, 0.88), mix(palette.deep, palette.accent, rng.uniform(0.05, 0.3))
    stops = [(0, palette.ink), (ground / h * 0.8, mix(palette.ink, warm, 0.75)), (1, palette.ink)]
    image = gradient(size, stops)
    if backdrop == "lights" and kind != "tiers":
        far = _bokeh(rng, (w // 2, h // 2), palette, 0.2, 0.6).point(lambda v: v // 2)
        image = ImageChops.screen(image, far.resize(size, Image.Resampling.BILINEAR))

    def paint(pen: _Pen) -> None:
        if backdrop == "alcove":
            side = w * rng.uniform(0.06, 0.2)
            pen.shape(_arch(side, w - side, h * 0.12 + w * 0.4, ground, 1.0), mix(palette.ink, warm, 0.35))
        if kind != "tiers":
            pen.box(-1, ground, w, h, mix(palette.ink, palette.deep, 0.35))
        _candle_rows(pen, rng, kind, size, ground, palette)

    image = _drawn(image, paint)
    if kind != "tiers":
        depth, edge = int(h - ground) - 1, int(ground)
        flipped = image.crop((0, edge - depth, w, edge)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        layer = Image.new("RGB", size)
        layer.paste(flipped.filter(ImageFilter.BoxBlur(3)).point(lambda v: int(v * 0.4)), (0, edge))
        image = ImageChops.screen(image, layer)
    return _finished(_bloom(image, 115, 0.9, 10, w * 0.14), rng, 0.5)


def _far_town(
    pen: _Pen, rng: np.random.Generator, size: Size, y: float, low: RGB, palette: Palette, night: bool
) -> None:
    """What stands at the end of a plain: two ridges, then trees and sheds, or lit blocks at night."""
    w, h = size
    shade, lamp = mix(low, palette.ink, 0.55), mix(palette.accent, palette.light, 0.4)
    for k in range(2):
        ridge = _ridge(rng, size, y - h * (0.06 - 0.05 * k), h * rng.uniform(0.012, 0.045))
        pen.shape(ridge, mix(low, palette.deep, 0.4 + 0.3 * k))
    for x in np.cumsum(rng.uniform(0.02, 0.12, 16)) * w:
        tall = h * rng.uniform(0.01, 0.05)
        if night or rng.random() < 0.5:
            pen.box(x, y - tall, x + w * 0.05, y + 2, shade)
            if night:
                pen.box(x + 3, y - tall * 0.7, x + 5, y - tall * 0.7 + 2, lamp)
        else:
            pen.oval(x, y - tall * 0.4, w * 0.035, tall * 0.8, shade)


def _track(pen: _Pen, ground: _Ground, x: float, bed: RGB, tie: RGB, shine: RGB) -> None:
    """One track: its bed, the sleepers getting lost in it, two rails with light along them."""
    depths = [0.5 * 1.16**k for k in range(27)]
    for far, near in pairwise(depths[::-1]):
        pen.shape(ground.strip(x - 0.85, x + 0.85, near, far), bed)
    for z in np.arange(9, 0.5, -0.22).tolist():
        pen.shape(ground.strip(x - 0.62, x + 0.62, z - 0.1, z), mix(tie, bed, min(0.9, z / 9)))
    for rail in (x - 0.36, x + 0.36):
        for half, colour in ((0.045, tie), (0.018, shine)):
            left = [ground.at(rail - half, 0.04, z) for z in depths]
            pen.shape(left + [ground.at(rail + half, 0.04, z) for z in depths[::-1]], colour)


def _overhead(pen: _Pen, ground: _Ground, outer: float, dark: RGB, haze: RGB) -> None:
    """Masts beside the line at ``outer``, an arm on each, the wires over the track."""
    for z in (9.0, 6.2, 4.2, 2.8, 1.8, 1.1):
        thick, colour = max(0.7, ground.reach * 0.016 / z), mix(dark, haze, min(0.6, z * 0.06))
        pen.line([ground.at(outer, 0, z), ground.at(outer, 2.3, z)], colour, thick)
        pen.line([ground.at(outer, 2.1, z), ground.at(-outer * 0.1, 2.1, z)], colour, thick * 0.6)
        pen.line([ground.at(outer, 1.75, z), ground.at(outer * 0.4, 2.1, z)], colour, thick * 0.4)
    for x, up in ((0.0, 2.1), (0.0, 1.9), (outer, 2.3)):
        pen.line([ground.at(x, up, 0.6 * 1.16**k) for k in range(26)], dark, 0.8)


def _hour(rng: np.random.Generator, palette: Palette) -> tuple[str, RGB, RGB]:
    """A time of day: its name, the colour of the sky above, and at the horizon."""
    hours = (
        ("night", palette.ink, mix(palette.deep, palette.mid, rng.uniform(0.1, 0.5))),
        ("dusk", palette.deep, mix(palette.accent, palette.light, 0.35)),
        ("pale", palette.mid, palette.light),
    )
    return _one_of(rng, hours)


def railway_tracks(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Rails to the horizon, straight or bending away: masts, wires, a signal, weather."""
    w, h = size
    vx, vy = w * rng.uniform(0.25, 0.75), h * rng.uniform(0.36, 0.62)
    hour, top, low = _hour(rng, palette)
    sky = gradient(size, [(0, top), (vy / h * 0.6, mix(top, low, 0.45)), (vy / h, low), (1, low)])
    soil = mix(palette.deep, palette.ink if hour == "night" else palette.mid, rng.uniform(0.2, 0.6))
    bend = float(rng.choice((0, 0, 0.02, -0.02, 0.035, -0.035)))
    ground = _Ground((vx, vy), w * rng.uniform(0.75, 1.1), 0.9, bend)
    tracks: tuple[float, ...] = _one_of(rng, ((0.0,), (0.0,), (-0.9, 0.9), (0.0, 1.9), (-1.9, 0.0, 1.9)))
    beside = float(rng.choice((-1, 1))) * (max(abs(x) for x in tracks) + 1)

    def paint(pen: _Pen) -> None:
        disc, moon = w * rng.uniform(0.03, 0.09), mix(palette.light, palette.accent, 0.4 * (hour == "dusk"))
        pen.oval(w * rng.uniform(0.15, 0.85), vy * rng.uniform(0.3, 0.9), disc, disc, moon)
        _far_town(pen, rng, size, vy, low, palette, hour == "night")
        pen.box(-1, vy, w, h, soil)
        bed = mix(soil, palette.mid if hour == "night" else palette.ink, 0.25)
        for x in tracks:
            _track(pen, ground, x, bed, mix(palette.ink, palette.deep, 0.25), mix(low, palette.light, 0.5))
        if rng.random() < 0.7:
            _overhead(pen, ground, beside, mix(palette.ink, low, 0.12), low)
        if rng.random() < 0.6:
            z = rng.uniform(1.6, 3.4)
            (x, foot), (_, head) = ground.at(-beside, 0, z), ground.at(-beside, 1.7, z)
            lamps = (palette.accent, mix(palette.ink, palette.deep, 0.6))
            _signal(pen, x, foot, head, w * 0.07 / z, lamps, palette.ink)

    stretched = smooth_noise(rng, (w // 12, h // 4), 5).repeat(3, axis=1) ** 2
    cover = stretched * np.linspace(1, 0.2, h // 4)[:, None] * rng.uniform(0.2, 1)
    image = _drawn(_fogged(sky, mix(low, palette.light, 0.35), cover), paint)
    stones = 0.72 + 0.28 * smooth_noise(rng, size, 3)
    stones[: int(vy)] = 1
    mist = 0.6 * np.exp(-np.abs(_quarter(size)[0] - vy) / h * rng.uniform(9, 24))
    return _finished(_bloom(_fogged(_shaded(image, stones), low, mist), 150, 0.6, 14), rng, 0.4)


def _country(
    pen: _Pen, rng: np.random.Generator, size: Size, land: str, y: float, tones: Tones, palette: Palette
) -> None:
    """The far country below a horizon at ``y``: ``hills``, ``woods``, a ``town`` or the ``sea``."""
    w, h = size
    low, ground, lamp = tones
    if land == "sea":
        pen.box(-1, y, w, h, mix(low, ground, 0.4))
        for _ in range(40):
            x, swell = rng.uniform(0, w), y + h * 0.16 * rng.random() ** 1.5
            pen.box(x, swell, x + w * rng.uniform(0.02, 0.12), swell + 1, mix(low, palette.light, 0.3))
        return
    for k in range(3):
        ridge = _ridge(rng, size, y + h * (0.05 * k - 0.04), h * 0.02 * (k + 1))
        pen.shape(ridge, mix(low, ground, 0.3 + 0.25 * k))
    for _ in range(int(rng.integers(6, 16))):
        x, shade = rng.uniform(-0.1, 1.05) * w, mix(low, ground, rng.uniform(0.5, 0.95))
        if land == "hills":
            pen.oval(x, y + h * rng.uniform(0, 0.1), 1.3, 1.1, lamp)
        elif land == "woods":
            pen.box(x, -1, x + w * rng.uniform(0.012, 0.05), h, shade)
        elif rng.random() < 0.6:
            wide, top = w * rng.uniform(0.1, 0.22), y - h * rng.uniform(0.08, 0.3)
            block = _Plane((x, top), (x + wide, top), (x + wide, h), (x, h))
            _windows(pen, rng, block, shade, palette, (3, 9), 0.3)


def _passing(rng: np.random.Generator, size: Size, palette: Palette) -> tuple[Image.Image, bool]:
    """Country seen from a moving train, the nearer the more smeared; and whether it is night."""
    w, h = size
    land, (hour, top, low) = _one_of(rng, ("hills", "sea", "woods", "town")), _hour(rng, palette)
    horizon, disc = h * rng.uniform(0.4, 0.65), w * rng.uniform(0.03, 0.08)
    ground, lamp = palette.ink if hour == "night" else palette.deep, mix(palette.accent, palette.light, 0.4)

    def far(pen: _Pen) -> None:
        x, y = w * rng.uniform(0.2, 0.8), horizon - h * rng.uniform(0.08, 0.25)
        pen.oval(x, y, disc, disc, mix(palette.light, palette.accent, 0.25))
        _country(pen, rng, size, land, horizon, (low, ground, lamp), palette)

    image = _drawn(gradient(size, [(0, top), (horizon / h, low), (1, low)]), far)
    if land in ("woods", "town"):
        narrow = image.resize((max(1, w // 14), h), Image.Resampling.BOX)
        rushing = narrow.resize(size, Image.Resampling.BILINEAR)
        image = Image.blend(image, rushing, rng.uniform(0.35, 0.85))
    near = Image.new("RGB", (12, h), ground)
    draw = ImageDraw.Draw(near)
    for _ in range(26):
        y, x = horizon + h * (0.12 + 0.5 * rng.random()), int(rng.integers(-2, 11))
        colour = _one_of(rng, (palette.mid, palette.deep, palette.ink, palette.accent))
        streak = (x, y, x + int(rng.integers(2, 8)), y)
        draw.line(streak, mix(ground, colour, rng.uniform(0.2, 0.6)), int(rng.integers(1, 4)))
    below = (_quarter(size)[0] - horizon) / h
    rush = near.resize(size, Image.Resampling.BILINEAR)
    return Image.composite(rush, image, _mask((below - 0.1) * 7).resize(size)), hour == "night"


def _curtain(pen: _Pen, start: float, wide: float, top: float, low: float, cloth: RGB, ink: RGB) -> None:
    """A drawn curtain hanging in folds."""
    for k in range(8):
        x = start + wide * k / 8
        pen.box(x, top, x + wide / 8, low, mix(cloth, ink, 0.22 * (k % 3)))


def _before_the_window(pen: _Pen, rng: np.random.Generator, size: Size, wall: RGB, palette: Palette) -> None:
    """A folding table with things on it, or the backs of two seats."""
    w, h = size
    if rng.random() < 0.65:
        table = h * rng.uniform(0.86, 0.93)
        pen.box(w * 0.12, table, w * 0.88, table + h * 0.02, mix(wall, palette.mid, 0.5), 3)
        pen.box(w * 0.47, table + h * 0.02, w * 0.53, h, mix(wall, palette.ink, 0.4))
        things = rng.permutation(["cup", "bottle", "books"])[: rng.integers(1, 3)]
        for k, kind in enumerate(things):
            x = w * (0.28 + 0.36 * k + rng.uniform(-0.05, 0.1))
            shade = mix(palette.accent if kind == "bottle" else palette.light, wall, 0.37)
            _on_the_sill(pen, rng, str(kind), x, table, w * 0.085, shade)
    else:
        seat = mix(mix(palette.accent, palette.deep, 0.5), palette.ink, 0.35)
        for x in (0.0, float(w)):
            pen.box(x - w * 0.24, h * 0.6, x + w * 0.24, h * 1.1, seat, w * 0.07)
            pen.box(x - w * 0.2, h * 0.61, x + w * 0.2, h * 0.68, mix(seat, palette.light, 0.2), w * 0.04)


def _passenger(pen: _Pen, x: float, y: float, r: float, low: float, fill: Ink) -> None:
    """Somebody in their seat, in outline: a head, a neck, shoulders down to ``low``."""
    pen.oval(x, y, r * 0.8, r, fill)
    coat = [(-0.4, 0), (0.4, 0), (0.5, 1.3), (1.7, 2), (1.9, 9), (-1.9, 9), (-1.7, 2), (-0.5, 1.3)]
    pen.shape([(x + a * r, min(low, y + b * r)) for a, b in coat], fill)


def _train_inside(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """From a seat: the country in the window, its frame, and at night somebody's reflection."""
    w, h = size
    image, night = _passing(rng, size, palette)
    wall, dark = mix(palette.ink, palette.deep, rng.uniform(0.1, 0.7)), palette.ink
    left, right = w * rng.uniform(-0.2, 0.14), w * rng.uniform(0.86, 1.2)
    top, sill, r = h * rng.uniform(0.06, 0.16), h * rng.uniform(0.66, 0.82), w * rng.uniform(0.03, 0.1)
    bar = w * rng.uniform(0.3, 0.7) if rng.random() < 0.35 else -w

    def reflection(pen: _Pen) -> None:
        x, head, lamp = w * rng.uniform(0.2, 0.8), w * rng.uniform(0.07, 0.11), w * rng.uniform(0.1, 0.7)
        _passenger(pen, x, sill - head * rng.uniform(2.4, 3.6), head, h, 60)
        pen.box(lamp, top + h * 0.05, lamp + w * 0.22, top + h * 0.062, 120, 2)

    def hole(pen: _Pen) -> None:
        pen.box(0, 0, w, h, 255)
        pen.box(left, top, right, sill, 0, r)
        pen.box(bar - w * 0.025, top, bar + w * 0.025, sill, 255)

    def cabin(pen: _Pen) -> None:
        pen.box(-1, sill + h * 0.012, w, sill + h * 0.022, mix(wall, palette.mid, 0.35))
        wide, cloth = w * rng.uniform(0.12, 0.22), mix(palette.accent, dark, 0.45)
        for start in _one_of(rng, ((), (max(0.0, left),), (min(w, right) - wide,))):
            _curtain(pen, start, wide, top - h * 0.02, sill, cloth, dark)
        _before_the_window(pen, rng, size, wall, palette)

    empty = Image.new("L", size)
    if night:
        ghost = _drawn(empty, reflection).filter(ImageFilter.BoxBlur(1))
        image.paste(mix(palette.mid, palette.light, 0.3), (0, 0), ghost)
    stops = [(0, mix(wall, dark, 0.4)), (sill / h, mix(wall, palette.mid, 0.2)), (1, mix(wall, dark, 0.5))]
    image.paste(gradient(size, stops), (0, 0), _drawn(empty, hole))
    return _drawn(image, cabin)


def _train_outside(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """From the platform: a lit carriage in the dark, strangers in its windows."""
    w, h = size
    body, count = mix(palette.deep, palette.ink, rng.uniform(0.1, 0.6)), int(rng.integers(1, 4))
    roof, rail = h * rng.uniform(0.1, 0.28), h * rng.uniform(0.8, 0.9)
    top, sill = roof + (rail - roof) * 0.2, roof + (rail - roof) * rng.uniform(0.55, 0.68)
    first, pitch = w * rng.uniform(-0.25, 0.05), w * rng.uniform(0.95, 1.25) / count
    sky = [(0, palette.ink), (roof / h, mix(palette.ink, palette.deep, 0.7)), (1, palette.ink)]
    room, tall = mix(palette.light, palette.accent, rng.uniform(0.15, 0.5)), sill - top

    def paint(pen: _Pen) -> None:
        pen.box(-1, roof, w, rail, body)
        pen.box(-1, roof, w, roof + h * 0.02, mix(body, palette.mid, 0.4))
        pen.box(-1, sill + h * 0.05, w, sill + h * 0.075, palette.accent)
        pen.box(-1, rail, w, h, mix(palette.ink, palette.deep, 0.2))
        for k in range(count + 2):
            x0, wide = first + k * pitch + pitch * 0.1, pitch * 0.82
            pen.box(x0 - 3, top - 3, x0 + wide + 3, sill + 3, mix(body, palette.ink, 0.5), w * 0.035)
            pen.box(x0, top, x0 + wide, sill, room, w * 0.03)
            pen.box(x0, top + tall * 0.12, x0 + wide, top + tall * 0.17, mix(room, (255, 255, 255), 0.5))
            pen.box(x0, top + tall * 0.62, x0 + wide, sill, mix(room, body, 0.3), w * 0.02)
            for _ in range(int(rng.integers(0, 3))):
                x, r = x0 + wide * rng.uniform(0.25, 0.75), min(wide, tall) * 0.11
                figure = mix(body, palette.ink, rng.uniform(0.2, 0.8))
                _passenger(pen, x, sill - r * rng.uniform(3.2, 4.4), r, sill, figure)

    image, depth = _drawn(gradient(size, sky), paint), int(h - rail) - 1
    spill = image.crop((0, int(sill) - depth, w, int(sill))).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    smeared = spill.resize((w, 6)).resize((w, depth), Image.Resampling.BICUBIC).point(lambda v: int(v * 0.4))
    layer = Image.new("RGB", size)
    layer.paste(smeared, (0, int(rail)))
    image = ImageChops.screen(image, layer)
    if rng.random() < 0.4:
        moving = image.resize((w // 10, h)).resize(size, Image.Resampling.BILINEAR)
        image = Image.blend(image, moving, 0.7)
    return image


def train_window(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A train's window: from the seat beside it, or lit up in the dark from the platform."""
    inside = rng.random() < 0.68
    image = (_train_inside if inside else _train_outside)(rng, size, palette)
    return _finished(_bloom(image, 150, 0.6, 16), rng, 0.4)
