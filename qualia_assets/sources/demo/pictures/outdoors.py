"""Subjects of the open air: sea and shore, mountains and paths, winter, summer, the garden.

Belongs here: whatever is seen out of doors, and the helpers for land, water and sky that only these
subjects need. Rooms, streets and tables are in the modules beside this one.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from qualia_assets.sources.demo.pictures.canvas import (
    RGB,
    Palette,
    Size,
    antialiased,
    font,
    gradient,
    grain,
    mix,
)

Point = tuple[float, float]
Stone = tuple[float, float, float, float]
DAY, GREY, DUSK, NIGHT = range(4)
AIRBED = ((-0.55, -1.4), (0.55, -1.4), (0.55, 1.4), (-0.55, 1.4))


class _Pen:
    """Draws in the picture's own coordinates on the enlarged canvas of ``antialiased``."""

    def __init__(self, draw: ImageDraw.ImageDraw, factor: float) -> None:
        self.draw, self.factor = draw, factor

    def fill(self, points: Sequence[Point], colour: RGB | int) -> None:
        self.draw.polygon([(x * self.factor, y * self.factor) for x, y in points], fill=colour)

    def line(self, points: Sequence[Point], colour: RGB | int, thick: float) -> None:
        at = [(x * self.factor, y * self.factor) for x, y in points]
        self.draw.line(at, fill=colour, width=max(1, round(thick * self.factor)), joint="curve")

    def oval(self, x: float, y: float, rx: float, ry: float, colour: RGB | int) -> None:
        f = self.factor
        self.draw.ellipse(((x - rx) * f, (y - ry) * f, (x + rx) * f, (y + ry) * f), fill=colour)


def _drawn(image: Image.Image, paint: Callable[[_Pen], None]) -> Image.Image:
    return antialiased(image, lambda draw, factor: paint(_Pen(draw, factor)))


def _soft_mask(size: Size, paint: Callable[[_Pen], None], blur: float) -> np.ndarray:
    """A half-size mask in [0, 1] of what ``paint`` draws in 255, softened by ``blur`` pixels."""
    mask = Image.new("L", _half(size))
    paint(_Pen(ImageDraw.Draw(mask), 0.5))
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(blur / 2)), dtype=np.float32) / 255


def _enlarged(values: np.ndarray, size: Size) -> np.ndarray:
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BICUBIC))


def _paint(image: Image.Image, colour: RGB | Image.Image, mask: np.ndarray, top: int = 0) -> None:
    """Lay a colour (or a picture) on ``image`` from row ``top`` where ``mask``, 0 to 1, lets it through.

    A mask of fewer columns than the image is enlarged: half the size does for anything soft.
    """
    stencil = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    if stencil.width < image.width:
        stencil = stencil.resize(image.size, Image.Resampling.BILINEAR)
    if isinstance(colour, Image.Image):
        image.paste(colour, (0, top), stencil)
    else:
        image.paste(colour, (0, top, image.width, top + stencil.height), stencil)


def _wash(size: Size, stops: list[tuple[float, RGB]]) -> Image.Image:
    """``gradient``, made one column wide and then spread, which is much quicker."""
    return gradient((1, size[1]), stops).resize(size, Image.Resampling.NEAREST)


def _half(size: Size) -> Size:
    return size[0] // 2, size[1] // 2


def _bell(value: np.ndarray, wide: float) -> np.ndarray:
    """1 where ``value`` is 0, falling off on both sides within about ``wide``."""
    scaled = value * (1 / float(wide))
    return np.asarray(np.exp(-scaled * scaled), dtype=np.float32)


def _grid(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates as a column of y and a row of x."""
    width, height = size
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]


def _smooth(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """From 0 at ``low`` to 1 at ``high`` with soft ends."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def _noise(rng: np.random.Generator, size: Size, across: float, down: float, octaves: int = 1) -> np.ndarray:
    """Noise in about [0, 1], unquantised, with blobs ``across`` by ``down`` pixels and finer ones."""
    width, height = size
    total, weight = np.zeros((height, width), dtype=np.float32), 0.0
    for octave in range(octaves):
        step = 2.0**octave
        shape = (max(2, round(height * step / down) + 2), max(2, round(width * step / across) + 2))
        coarse = Image.fromarray(rng.random(shape, dtype=np.float32))
        total += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) / step
        weight += 1 / step
    return total / weight


def _outline(rng: np.random.Generator, width: int, scale: float, rough: float = 0.5) -> np.ndarray:
    """A wandering line in about [-1, 1], one value for each column; ``rough`` weighs its fine detail."""
    x, line, weight = np.arange(width), np.zeros(width), 1.0
    while scale > 2:
        knots = np.arange(-1, width / scale + 2) * scale - rng.uniform(0, scale)
        values = rng.uniform(-1, 1, len(knots))
        step = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
        t = (x - knots[step]) / scale
        t = t * t * (3 - 2 * t) if rough < 0.5 else t
        line += weight * (values[step] * (1 - t) + values[np.minimum(step + 1, len(values) - 1)] * t)
        scale, weight = scale / 2, weight * rough
    return line.astype(np.float32)


def _glow(size: Size, x: float, y: float, radius: float) -> np.ndarray:
    """Light falling off softly from a point, 1 at its heart, at half size."""
    rows, columns = _grid(_half(size))
    away = (columns - x / 2) ** 2 + (rows - y / 2) ** 2
    return np.asarray(np.exp(-1.6 * np.sqrt(away * (4 / (radius * radius)) + 0.02)), dtype=np.float32)


def _disc(size: Size, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = _grid(size)
    return np.asarray(np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1), dtype=np.float32)


def _below(size: Size, line: np.ndarray | float) -> np.ndarray:
    """Mask of everything under a line given as a height for each column."""
    rows, columns = _grid(size)
    return np.asarray(np.clip(rows - (line + columns * 0) + 0.5, 0, 1), dtype=np.float32)


def _land(image: Image.Image, line: np.ndarray, crest: RGB, foot: RGB, depth: float) -> None:
    """Fill below ``line``, turning from ``crest`` to ``foot`` over ``depth`` pixels."""
    top = max(0, int(line.min()) - 1)
    if top >= image.height:
        return
    size = image.width, image.height - top
    fill = _wash(size, [(0.0, crest), (min(1.0, depth / size[1]), foot)])
    _paint(image, fill, _below(size, line - top), top)


def _sky_colours(palette: Palette, hour: int) -> tuple[RGB, RGB, RGB]:
    """The sky's colours at the top, halfway and at the horizon."""
    p = palette
    return (
        (mix(p.mid, p.light, 0.25), mix(p.light, p.mid, 0.3), mix(p.light, (255, 255, 255), 0.25)),
        (mix(p.deep, p.mid, 0.55), mix(p.mid, p.light, 0.25), mix(p.light, p.mid, 0.25)),
        (mix(p.deep, p.mid, 0.15), mix(p.mid, p.accent, 0.3), mix(p.light, p.accent, 0.3)),
        (mix(p.ink, p.deep, 0.1), mix(p.ink, p.deep, 0.65), mix(p.deep, p.mid, 0.6)),
    )[hour]


def _sky(rng: np.random.Generator, size: Size, palette: Palette, horizon: float, hour: int) -> Image.Image:
    """A sky down to ``horizon`` with a cloud cover of its own."""
    top, middle, low = _sky_colours(palette, hour)
    at = horizon / size[1]
    image = _wash(size, [(0.0, top), (at * rng.uniform(0.4, 0.7), middle), (at, low), (1.0, low)])
    flat = rng.uniform(2.5, 7)
    across = size[0] * rng.uniform(0.18, 0.4)
    cloud = _noise(rng, _half(size), across, across / flat, 3)
    cover = rng.uniform(0.45, 0.64)
    lit = mix(low, palette.light, 0.5)
    _paint(image, lit, _smooth(cloud, cover, cover + 0.25) * rng.uniform(0.35, 0.8))
    under = cloud[min(round(across / flat / 4), len(cloud) // 4) :]
    shade = np.pad(under, ((0, len(cloud) - len(under)), (0, 0)), "edge")
    _paint(image, top, _smooth(shade, cover + 0.08, cover + 0.3) * rng.uniform(0.1, 0.4))
    return image


def _plane(rng: np.random.Generator, size: Size, across: float, down: float) -> np.ndarray:
    """Noise in [0, 1] lying on the ground in perspective, the horizon along its upper edge."""
    width, height = size
    texture = _noise(rng, (256, 256), across, down, 2)
    far = 1 / (np.linspace(0, 1, height, dtype=np.float32) + 0.02)
    row = (far * 60 % 512).astype(np.int32)
    columns = (np.arange(width, dtype=np.float32) - width / 2) * (150 / width)
    column = ((columns[None, :] * far[:, None]).astype(np.int32) + 900) & 511
    # Mirrored rather than repeated, so that no seam runs to the vanishing point.
    return np.asarray(texture[np.minimum(row, 511 - row)[:, None], np.minimum(column, 511 - column)])


def _nearness(size: Size, horizon: float) -> np.ndarray:
    """A column: 0 at the horizon and above, 1 at the lower edge."""
    rows, _ = _grid(size)
    return np.asarray(np.clip((rows - horizon) / (size[1] - horizon), 0, 1), dtype=np.float32)


def _sea(image: Image.Image, rng: np.random.Generator, palette: Palette, hour: int, light: Point) -> None:
    """Water and its swell below the horizon, a path of light on it; ``light`` is where the two meet."""
    sun_x, horizon = light
    size = image.size
    _, middle, low = _sky_colours(palette, hour)
    dark = (0.5, 0.7, 0.75, 0.9)[hour]
    far = mix(low, palette.deep, 0.25 + 0.2 * dark)
    near = mix(mix(middle, palette.deep, dark), palette.ink, 0.45 * dark)
    first = min(int(horizon), size[1] - 8)
    size = size[0], size[1] - first
    water = _wash(size, [(0.0, far), (0.5, mix(far, near, 0.65)), (1.0, near)])
    near_by = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    swell = _plane(rng, size, rng.uniform(18, 40), rng.uniform(1.6, 3.4))
    _paint(water, mix(near, palette.ink, 0.5), _smooth(swell, 0.45, 0.2) * (0.1 + 0.5 * near_by))
    _paint(water, mix(far, palette.light, 0.45), _smooth(swell, 0.56, 0.8) * (0.25 + 0.35 * near_by))
    _, columns = _grid(size)
    path = _bell((columns - sun_x) / (0.05 + 0.2 * near_by), size[0])
    _paint(water, mix(low, palette.light, 0.7), _smooth(swell, 0.46, 0.62) * path * (0.95 - 0.5 * near_by))
    image.paste(water, (0, first))


def _finish(image: Image.Image, rng: np.random.Generator, dark: float = 0.24) -> Image.Image:
    """The print: corners a little darker, then grain."""
    y, x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None], np.linspace(-1, 1, 48, dtype=np.float32)
    _paint(image, (0, 0, 0), dark / 2 * (x * x + y * y))
    return grain(image, rng, 4.0)


def _figure(pen: _Pen, feet: Point, tall: float, colour: RGB, stride: float = 0.12) -> None:
    """A small standing or walking person in a coat."""
    x, y = feet
    head, hip, shoulder = tall * 0.085, y - tall * 0.42, y - tall * 0.8
    for side in (-1, 1):
        pen.line([(x, hip), (x + side * stride * tall, y)], colour, tall * 0.085)
    coat = [(x - 0.1 * tall, shoulder), (x + 0.1 * tall, shoulder)]
    pen.fill([*coat, (x + 0.15 * tall, hip + 0.08 * tall), (x - 0.15 * tall, hip + 0.08 * tall)], colour)
    pen.oval(x, y - tall + head, head, head * 1.15, colour)


def _birds(pen: _Pen, rng: np.random.Generator, at: Point, spread: float, colour: RGB) -> None:
    x, y = at
    for _ in range(int(rng.integers(2, 7))):
        bx, by, wing = x + rng.normal(0, spread), y + rng.normal(0, spread * 0.4), rng.uniform(3, 7)
        lift = wing * rng.uniform(0.2, 0.6)
        left, right = (bx - wing, by - lift), (bx + wing, by - lift * rng.uniform(0.5, 1.2))
        pen.line([left, (bx - wing * 0.45, by - lift * 1.1), (bx, by)], colour, 1)
        pen.line([(bx, by), (bx + wing * 0.45, by - lift * 1.1), right], colour, 1)


def _jetty(pen: _Pen, end: Point, foot: Point, colours: tuple[RGB, RGB]) -> None:
    """A landing stage running out from ``foot`` at the lower edge to ``end``: posts and planks."""
    dark, plank = colours
    steps = np.linspace(0.02, 1.05, 24) ** 2
    rungs = [(end[0] + (foot[0] - end[0]) * t, end[1] + (foot[1] - end[1]) * t, 3 + 42 * t) for t in steps]
    sides = [(x - half, y) for x, y, half in rungs], [(x + half, y) for x, y, half in reversed(rungs)]
    for x, y, half in rungs[::3]:
        for post in (x - half, x + half):
            pen.line([(post, y + half * 0.8), (post, y)], dark, 1 + half * 0.12)
    pen.fill([*sides[0], *sides[1]], plank)
    for x, y, half in rungs:
        pen.line([(x - half, y), (x + half, y)], dark, 0.4 + half * 0.03)
    for x, y, half in rungs[::3]:
        for post in (x - half, x + half):
            pen.line([(post, y + 1), (post, y - half * 0.55)], dark, 1 + half * 0.12)


def seascape(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Open water under a wide sky: sun or moon, far headlands, a rock, a sail, someone on the shore."""
    width, height = size
    hour = int(rng.integers(4))
    horizon = (
        height * (rng.uniform(0.26, 0.38), rng.uniform(0.48, 0.6), rng.uniform(0.66, 0.78))[rng.integers(3)]
    )
    image = _sky(rng, size, palette, horizon, hour)
    x, radius = width * rng.uniform(0.12, 0.88), width * rng.uniform(0.035, 0.11)
    y = horizon - rng.uniform(-0.2, 0.75) * horizon
    disc = (mix(palette.light, (255, 255, 255), 0.5), palette.light, palette.accent, palette.light)[hour]
    _paint(image, mix(disc, palette.light, 0.5), _glow(size, x, y, width * 0.45) * 0.7)
    if hour != GREY:
        _paint(image, disc, _disc(size, x, y, radius) * rng.uniform(0.75, 1))
    _, _, low = _sky_colours(palette, hour)
    for _ in range(int(rng.integers(0, 3))):
        side = _smooth(
            np.arange(width, dtype=np.float32) / width,
            *sorted(rng.uniform(0.1, 0.9, 2)) + np.array([0, 0.15]),
        )
        side = side if rng.random() < 0.5 else side[::-1]
        line = horizon - side * height * rng.uniform(0.03, 0.1) * (1 + 0.25 * _outline(rng, width, 60)) + 1
        _land(image, line, mix(low, palette.deep, rng.uniform(0.4, 0.8)), low, height * 0.25)
    _sea(image, rng, palette, hour, (x, horizon))
    extra, dark = int(rng.integers(6)), mix(palette.ink, palette.deep, 0.2)
    far_plank = mix(mix(palette.mid, palette.deep, 0.5), palette.ink, (0.2, 0.3, 0.45, 0.7)[hour])
    spot, shore = width * rng.uniform(0.15, 0.85), np.zeros(0)
    if extra == 0:
        reach, tall = (
            _bell(np.arange(width) - spot, width * rng.uniform(0.1, 0.3)),
            height * rng.uniform(0.05, 0.14),
        )
        base = horizon + (height - horizon) * rng.uniform(0.1, 0.5)
        rock = base - reach * tall * (1 + 0.3 * _outline(rng, width, 50, 0.6)) + tall * 0.15
        _paint(image, dark, _below(size, rock) * (1 - _below(size, base + 1.5 * _outline(rng, width, 12))))
    elif extra < 3:
        shore = height - (height - horizon) * rng.uniform(0.12, 0.32) + 5 * _outline(rng, width, 160, 0.4)
        sand = mix(mix(palette.mid, palette.accent, 0.15), palette.ink, (0.05, 0.3, 0.45, 0.75)[hour])
        _land(image, shore - 3, mix(low, palette.light, 0.6), sand, 4)
        _land(image, shore, mix(sand, palette.ink, 0.35), sand, height * 0.1)

    def details(pen: _Pen) -> None:
        _birds(pen, rng, (width - spot, horizon * 0.6), width * 0.12, mix(dark, low, 0.2))
        if extra in (1, 2):
            _figure(
                pen, (spot, float(shore[int(spot)]) + height * 0.025), height * rng.uniform(0.05, 0.1), dark
            )
        elif extra == 3:
            _jetty(
                pen, (spot, horizon + (height - horizon) * 0.15), (width - spot, height), (dark, far_plank)
            )
        elif extra == 4:
            tall = height * rng.uniform(0.03, 0.1)
            foot = horizon + tall * 0.25
            pen.fill([(spot, foot - tall), (spot, foot - 2), (spot + tall * 0.5, foot - 2)], palette.light)
            pen.fill(
                [(spot - 1, foot - tall * 0.9), (spot - 1, foot - 2), (spot - tall * 0.3, foot - 2)], low
            )
            pen.fill([(spot - tall * 0.4, foot - 1), (spot + tall * 0.5, foot - 1), (spot, foot + 2)], dark)

    return _finish(_drawn(image, details), rng)


def tide_lines(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A beach from above: wet sand, lace of foam, old tide marks, and a walker's long shadow."""
    width, height = size
    small = _half(size)
    rows, columns = (2 * part for part in _grid(small))
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.6)
    ax, ay = math.cos(angle), math.sin(angle)
    out = ((columns - width / 2) * ax + (rows - height / 2) * ay) / width + rng.uniform(-0.35, 0.3)
    swing = [_noise(rng, small, width * 0.3 * scale, width * 0.3 * scale, 2) - 0.5 for _ in range(2)]
    shore = out + swing[0] * rng.uniform(0.15, 0.5)
    dry, wet = mix(palette.light, palette.accent, rng.uniform(0, 0.22)), mix(palette.mid, palette.deep, 0.2)
    image = Image.new("RGB", size, dry)
    ripples = _noise(rng, small, 13 * scale, 13 * scale, 3)
    _paint(image, mix(dry, palette.mid, 0.6), ripples * 0.55)
    damp, rim = np.zeros_like(shore), np.zeros_like(shore)
    for back in np.cumsum(rng.uniform(0.05, 0.18, int(rng.integers(1, 5)))).tolist():
        mark = shore + swing[1] * 0.14 + back
        damp += (mark > 0) * 0.3 * np.exp(-5 * np.abs(mark))
        rim = np.maximum(rim, _bell(mark, 0.006))
    _paint(image, wet, np.minimum(damp, 0.7))
    _paint(image, mix(wet, palette.ink, 0.4), rim * ripples * 0.8)
    _paint(image, wet, _smooth(shore, -0.12, 0.02) * 0.75)
    water = _smooth(shore, 0.0, rng.uniform(0.35, 0.9))
    _paint(image, palette.deep, _smooth(shore, -0.002, 0.002) * (0.35 + 0.65 * water))
    _paint(image, mix(palette.deep, palette.ink, 0.7), water * water * rng.uniform(0.4, 0.95))
    mesh = 14 * scale
    lace = np.abs(_noise(rng, size, mesh, mesh, 2) - 0.5)
    lace = np.minimum(lace, np.abs(_noise(rng, size, mesh * 1.3, mesh * 1.3) - 0.5))
    reach, crest = np.zeros_like(shore), np.zeros_like(shore)
    for edge in [0.0, *np.cumsum(rng.uniform(0.1, 0.34, int(rng.integers(1, 4)))).tolist()]:
        wash = shore - edge + (swing[1] * 0.2 if edge else 0)
        behind = np.clip(1 - wash * (1 / rng.uniform(0.1, 0.26)), 0, 1) * (wash > 0)
        reach, crest = np.maximum(reach, behind), np.maximum(crest, _bell(wash, 0.009))
    foam = _smooth(_enlarged(0.13 * reach * reach, size) - lace, 0, 0.04)
    _paint(image, mix(palette.light, (255, 255, 255), 0.6), np.maximum(foam, _enlarged(crest, size)))
    x, y = width / 2 - ax * width * 0.3, height / 2 - ay * width * 0.35
    fall = rng.uniform(14, 40) * (1 if rng.random() < 0.5 else -1)
    walkers, trail, shadow = int(rng.integers(0, 3)), rng.random() < 0.6, mix(wet, palette.ink, 0.7)

    def details(pen: _Pen) -> None:
        for step in range(1, 60 if trail and walkers else 0):
            sway = (2 if step % 2 else -2) + 10 * math.sin(step / 9)
            pen.oval(x - ay * step * 8 + ax * sway, y + ax * step * 8 + ay * sway, 1.4, 1.4, shadow)
        for i in range(walkers):
            px, py = x + ay * 13 * i, y - ax * 13 * i
            pen.line([(px, py), (px + fall, py + abs(fall) * 0.4)], shadow, 3)
            pen.oval(px, py, 3.4, 3.4, palette.accent if i == 0 else palette.ink)
            pen.oval(px, py, 1.6, 1.6, palette.ink)

    return _finish(_drawn(image, details), rng, 0.2)


def _tower(pen: _Pen, at: Point, tall: float, bands: int, colours: tuple[RGB, RGB, RGB, RGB]) -> None:
    """A lighthouse standing at a point: wall, bands, shade and lamp are ``colours``."""
    (x, foot), (wall, band, shade, lamp) = at, colours
    wide, narrow = tall * 0.12, tall * 0.075
    top = foot - tall * 0.8

    def level(t: float) -> tuple[float, float]:
        return wide + (narrow - wide) * t, foot + (top - foot) * t

    for i in range(max(bands, 1)):
        (r0, y0), (r1, y1) = level(i / max(bands, 1)), level((i + 1) / max(bands, 1))
        colour = band if bands and i % 2 else wall
        pen.fill([(x - r0, y0), (x + r0, y0), (x + r1, y1), (x - r1, y1)], colour)
        dim = mix(colour, shade, 0.45)
        pen.fill([(x + r0 * 0.2, y0), (x + r0, y0), (x + r1, y1), (x + r1 * 0.2, y1)], dim)
    for t in (0.25, 0.5, 0.75):
        pen.fill(
            [(x - 0.3 * narrow + dx, level(t)[1] + dy) for dx, dy in ((0, 0), (2, 0), (2, -4), (0, -4))],
            shade,
        )
    pen.fill(
        [
            (x + s * narrow * 1.4, top + d)
            for s, d in ((-1, 0), (1, 0), (1, -tall * 0.025), (-1, -tall * 0.025))
        ],
        shade,
    )
    glass = tall * 0.09
    pen.fill([(x + s * narrow * 0.65, top - d) for s, d in ((-1, 0), (1, 0), (1, glass), (-1, glass))], lamp)
    for s in (-0.65, 0, 0.65):
        pen.line([(x + s * narrow, top), (x + s * narrow, top - glass)], shade, 1)
    pen.fill(
        [(x - narrow * 0.9, top - glass), (x + narrow * 0.9, top - glass), (x, top - glass - tall * 0.08)],
        shade,
    )


def lighthouse(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A lighthouse close by on its cliff or far out on a rock, its beam lit when it is dark."""
    width, height = size
    hour = int(rng.integers(4))
    horizon = height * rng.uniform(0.55, 0.82)
    far_off = rng.random() < 0.3
    tall = height * (rng.uniform(0.14, 0.28) if far_off else rng.uniform(0.3, 0.58))
    x = width * rng.uniform(0.2, 0.8)
    foot = horizon - (2 if far_off else height * rng.uniform(-0.08, 0.1))
    tall = min(tall, foot * 0.9)
    spread = width * (rng.uniform(0.08, 0.16) if far_off else rng.uniform(0.3, 0.7))
    base = horizon + height * (0.012 if far_off else 0.5)
    lean = np.clip(1.25 - np.abs((np.arange(width) - x) / spread) ** rng.uniform(1.2, 3), -3, 1)
    line = base - (base - foot) * lean + _outline(rng, width, 40, 0.6) * (3 if far_off else 9)
    foot = float(line[int(x - tall * 0.1) : int(x + tall * 0.1)].max())
    lamp_y = foot - tall * 0.845
    image = _sky(rng, size, palette, horizon, hour)
    if hour == NIGHT:
        stars = rng.random((height, width), dtype=np.float32)
        _paint(image, palette.light, (stars - 0.998) * (stars > 0.998) * 500)
    glow = mix(palette.accent, palette.light, 0.6)
    if hour in (DUSK, NIGHT):
        rows, columns = _grid(_half(size))
        rows, columns = 2 * rows - lamp_y, 2 * columns - x
        turn, away = rng.uniform(-0.5, 0.5), np.sqrt(columns**2 + rows**2) + 1
        aside = (rows * math.cos(turn) - columns * math.sin(turn)) / away
        beam = _bell(aside, 0.09) * np.exp(away * (-1 / (width * 0.7)))
        _paint(image, glow, beam * 0.8)
    _sea(image, rng, palette, hour, (x, horizon))
    rock = mix(palette.ink, palette.deep, (0.45, 0.35, 0.2, 0.1)[hour])
    cliff = _wash(size, [(0.0, rock), (foot / height, mix(rock, palette.mid, 0.25)), (1.0, palette.ink)])
    face = _below(size, line) * (1 - _below(size, base + _outline(rng, width, 14)))
    _paint(image, cliff, face)
    _paint(image, mix(rock, palette.mid, 0.5), face * _smooth(_noise(rng, size, 14, 40, 2), 0.55, 0.75) * 0.5)
    bands = int(rng.choice([0, 3, 5, 7]))
    wall = mix(palette.light, palette.ink, (0.0, 0.1, 0.25, 0.5)[hour])
    lit = glow if hour in (DUSK, NIGHT) else mix(palette.mid, palette.light, 0.5)
    colours = (wall, mix(palette.accent, palette.ink, (0.0, 0.1, 0.2, 0.45)[hour]), palette.ink, lit)

    def details(pen: _Pen) -> None:
        _tower(pen, (x, foot + 1), tall, bands, colours)
        _birds(pen, rng, (width - x, horizon * 0.5), 25, rock)

    image = _drawn(image, details)
    if hour in (DUSK, NIGHT):
        _paint(image, glow, _glow(size, x, lamp_y, tall * 0.3) * 0.8)
    return _finish(image, rng)


def _stone(canvas: np.ndarray, rng: np.random.Generator, place: Stone, colour: RGB, vein: RGB) -> None:
    """Paint one rounded stone, (x, y, rx, ry), and its shadow on a float array of the picture."""
    x, y, rx, ry = place
    reach = int(max(rx, ry) * 1.35) + 2
    x0, y0 = max(0, int(x) - reach), max(0, int(y) - reach)
    patch = canvas[y0 : max(0, int(y) + reach), x0 : max(0, int(x) + reach)]
    if patch.size == 0:
        return
    rows = np.arange(y0, y0 + patch.shape[0], dtype=np.float32)[:, None] - y
    columns = np.arange(x0, x0 + patch.shape[1], dtype=np.float32)[None, :] - x
    bend = rng.uniform(-0.16, 0.16, 3).tolist()
    u, v = columns / rx + bend[0] * rows / ry, rows / ry + bend[1] * (columns / rx) ** 2
    square = u * u + v * v + bend[2] * u * u * v + 0.25 * u * u * v * v
    su, sv = u - 0.1, v - 0.22
    patch *= 1 - 0.55 * np.clip(1.55 - (su * su + sv * sv), 0, 0.8)[..., None]
    dome = np.sqrt(np.clip(1 - square, 0, 1))
    light = 0.62 + 0.34 * dome - 0.16 * u - 0.24 * v
    speck = rng.random((*square.shape, 1), dtype=np.float32) * rng.uniform(2, 26) - 8
    face = np.array(colour, dtype=np.float32) * light[..., None] + speck
    if rng.random() < 0.35:
        turn, middle = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4)
        off = np.abs(u * math.cos(turn) + v * math.sin(turn) - middle + 0.06 * np.sin(5 * u))
        stripe = np.clip(1 - off / rng.uniform(0.05, 0.16), 0, 0.8)[..., None]
        face = face * (1 - stripe) + np.array(vein, dtype=np.float32) * light[..., None] * stripe
    solid = np.clip((1 - square) * min(rx, ry) * 0.5 + 0.5, 0, 1)[..., None]
    patch[:] = patch * (1 - solid) + face * solid


def _stone_places(rng: np.random.Generator, size: Size) -> list[Stone]:
    """Where stones lie, (x, y, rx, ry): strewn, laid in rows, in a spiral, or stacked."""
    width, height = size
    kind = int(rng.choice([0, 0, 0, 1, 1, 2, 3, 3]))
    if kind == 0:
        small = rng.uniform(13, 24)
        spots = (
            rng.random((450, 2)) * np.array([width * 1.1, height * 1.1]) - np.array([width, height]) * 0.05
        )
        radii = np.sort(small * (1 + rng.pareto(2.6, 450).clip(0, 3)))[::-1]
        kept: list[Stone] = []
        taken = np.empty((0, 3))
        for (x, y), r in zip(spots, radii, strict=True):
            if np.all(np.hypot(taken[:, 0] - x, taken[:, 1] - y) > (taken[:, 2] + r) * 0.86):
                taken = np.vstack([taken, [x, y, r]])
                kept.append((x, y, r * rng.uniform(0.95, 1.2), r * rng.uniform(0.75, 1)))
        return kept
    if kind == 1:
        across, down = int(rng.integers(3, 6)), int(rng.integers(3, 7))
        cell = min(width * 0.84 / across, height * 0.84 / down)
        xs = (np.arange(across) - (across - 1) / 2) * cell + width / 2
        ys = (np.arange(down) - (down - 1) / 2) * cell + height / 2
        return [
            (
                x + rng.normal(0, 1.5),
                y + rng.normal(0, 1.5),
                cell * rng.uniform(0.2, 0.42),
                cell * rng.uniform(0.18, 0.4),
            )
            for y in ys
            for x in xs
        ]
    if kind == 2:
        turns, steps, start = rng.uniform(2, 3.2), int(rng.integers(34, 60)), rng.uniform(0, 6)
        t = np.sqrt(np.linspace(0.02, 1, steps))
        angle, far = start + t * turns * 2 * np.pi, t * width * 0.42
        return [
            (width / 2 + np.cos(a) * d, height / 2 + np.sin(a) * d, 5 + d * 0.075, 4.5 + d * 0.065)
            for a, d in zip(angle, far, strict=True)
        ]
    stack: list[Stone] = []
    x, y, rx = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.82, 0.92), width * rng.uniform(0.2, 0.28)
    for _ in range(int(rng.integers(4, 8))):
        ry = rx * rng.uniform(0.3, 0.55)
        stack.append((x, y - ry, rx, ry))
        y, x, rx = y - ry * 1.88, x + rng.normal(0, rx * 0.09), rx * rng.uniform(0.7, 0.92)
    return stack


def pebbles(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Smooth stones: strewn over a beach, laid out in rows or a spiral, or stacked at the water."""
    width, height = size
    places = _stone_places(rng, size)
    stacked = len(places) < 9
    if stacked:
        hour = int(rng.integers(3))
        horizon = height * rng.uniform(0.35, 0.65)
        ground = _sky(rng, size, palette, horizon, hour)
        _sea(ground, rng, palette, hour, (width * rng.uniform(0, 1), horizon))
        ground = ground.filter(ImageFilter.GaussianBlur(3))
        shore = height * rng.uniform(0.76, 0.83) + _outline(rng, width, 120, 0.3) * 4
        _land(ground, shore, mix(palette.deep, palette.mid, 0.4), palette.ink, height * 0.3)
    else:
        sand = (palette.light, mix(palette.mid, palette.deep, 0.4), palette.ink)[rng.integers(3)]
        ground = Image.new("RGB", size, mix(sand, palette.mid, 0.2))
        _paint(ground, mix(sand, palette.deep, 0.35), _noise(rng, size, 70, 70, 5) * 0.6)
    canvas = np.array(ground, dtype=np.float32)
    tones = [
        palette.light,
        palette.mid,
        palette.deep,
        mix(palette.mid, palette.light, 0.5),
        mix(palette.deep, palette.ink, 0.5),
    ]
    weights = rng.dirichlet([1.2] * len(tones))
    chosen = set(rng.integers(0, len(places), 1 + len(places) // 25).tolist())
    for i, place in enumerate(places):
        tone = tones[rng.choice(len(tones), p=weights)]
        colour = (
            palette.accent if i in chosen else mix(tone, tones[rng.integers(len(tones))], rng.uniform(0, 0.4))
        )
        vein = mix(colour, palette.light if sum(colour) < 380 else palette.deep, 0.6)
        _stone(canvas, rng, place, colour, vein)
    return _finish(Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8)), rng, 0.3)


def _pine(pen: _Pen, x: float, foot: float, tall: float, colour: RGB) -> None:
    for tier in range(4):
        y, half = foot - tall * (0.1 + 0.22 * tier), tall * (0.2 - 0.04 * tier)
        pen.fill([(x - half, y), (x + half, y), (x, y - tall * 0.36)], colour)
    pen.line([(x, foot), (x, foot - tall * 0.2)], colour, max(1, tall * 0.05))


def ridge_layers(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Mountains behind mountains, each paler than the one before it, with mist in the valleys."""
    width, height = size
    hour, layers = int(rng.integers(4)), int(rng.integers(4, 9))
    top, bottom = height * rng.uniform(0.2, 0.5), height * rng.uniform(0.8, 1.0)
    image = _sky(rng, size, palette, (top + bottom) / 2, hour)
    sun_x, sun_y = width * rng.uniform(0.15, 0.85), top * rng.uniform(0.35, 1.15)
    disc = palette.accent if hour in (DAY, DUSK) else palette.light
    _paint(image, mix(disc, palette.light, 0.6), _glow(size, sun_x, sun_y, width * 0.5) * 0.7)
    if rng.random() < 0.7:
        _paint(image, disc, _disc(size, sun_x, sun_y, width * rng.uniform(0.04, 0.15)) * 0.9)
    _, _, low = _sky_colours(palette, hour)
    rough = (0.3, 0.4, 0.5, 0.55)[int(rng.integers(4))]
    valley, lean = width * rng.uniform(0.2, 0.8), rng.uniform(-0.25, 0.45)
    x = np.arange(width)
    line = x * 0.0
    for i in range(layers):
        t = i / (layers - 1)
        high = height * rng.uniform(0.05, 0.12) * (1.3 - 0.6 * t)
        open_up = np.abs(x - valley) / width * height * lean * t
        line = (
            top
            + (bottom - top) * t**1.15
            - high * _outline(rng, width, width * rng.uniform(0.35, 0.7), rough)
        )
        line = line - open_up + height * lean * 0.25 * t
        colour = mix(mix(low, palette.deep, 0.3 + 0.5 * t), palette.ink, t**2 * 0.85)
        _land(image, line, colour, mix(colour, low, 0.75 * (1 - 0.6 * t)), height * rng.uniform(0.15, 0.3))
        if rough >= 0.5 and t < 0.5:
            top_row = max(0, int(line.min()))
            below = _grid((width, min(height - top_row, int(height * 0.22))))[0] + top_row - line
            snow = _noise(rng, (width, len(below)), 16, 30, 3) - below / (height * rng.uniform(0.14, 0.3))
            cap = _smooth(snow, 0.3, 0.42) * np.clip(below, 0, 1) * 0.75 * (1 - t)
            _paint(image, mix(palette.light, disc, 0.2), cap, top_row)
    woods, front = rng.random() < 0.6, mix(palette.ink, palette.deep, 0.1)

    def details(pen: _Pen) -> None:
        _birds(pen, rng, (width - sun_x, top * 0.7), 22, mix(low, palette.ink, 0.6))
        tall = height * rng.uniform(0.03, 0.11)
        for foot in np.sort(rng.integers(0, width, int(rng.integers(8, 45)) if woods else 0)):
            _pine(pen, float(foot), float(line[foot]) + 3, tall * rng.uniform(0.5, 1.1), front)

    return _finish(_drawn(image, details), rng)


def topographic_map(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A sheet of a walking map: contours, tints, a lake, spot heights and a dashed route."""
    width, height = size
    rows, columns = _grid(_half(size))
    blob = width * rng.uniform(0.18, 0.4)
    field = _noise(rng, _half(size), blob, blob, 3)
    peaks = (rng.uniform(0.12, 0.88, (int(rng.integers(1, 4)), 2)) * np.array([width, height])).tolist()
    for px, py in peaks:
        away = np.hypot(columns * 2 - px, (rows * 2 - py) * rng.uniform(0.7, 1.4))
        field += rng.uniform(0.4, 0.9) * np.exp(away * (-3.2 / width))
    field = (field - field.min()) / (field.max() - field.min())
    dark = rng.random() < 0.35
    paper, line = (
        (palette.ink, mix(palette.mid, palette.light, 0.4)) if dark else (palette.light, palette.deep)
    )
    image = Image.new("RGB", size, mix(paper, palette.mid, 0.08))
    _paint(image, mix(paper, palette.deep if dark else palette.mid, 0.8), field * rng.uniform(0.2, 0.95))
    slope_y, slope_x = np.gradient(field)
    relief = (slope_x + slope_y) * width * 0.5 * rng.uniform(0.05, 0.16)
    _paint(image, palette.ink, np.clip(relief, 0, 0.5))
    _paint(image, mix(paper, (255, 255, 255), 0.5), np.clip(-relief, 0, 0.5) * (0.25 if dark else 1))
    lake = rng.uniform(0.0, 0.2)
    levels = rng.uniform(18, 44)
    steps = _enlarged(field, size) * levels
    steep = _enlarged(np.maximum(np.hypot(slope_x, slope_y) * (levels / 2), 1e-3), size)
    gap = np.abs(steps - np.round(steps)) / steep
    heavy = np.round(steps) % 5 == 0
    _paint(image, line, np.clip(np.where(heavy, 1.15, 0.75) - gap, 0, 1) * np.where(heavy, 0.95, 0.6))
    water = mix(palette.deep, palette.mid, rng.uniform(0.2, 0.9))
    _paint(image, water, _smooth(lake * levels - steps, -0.05, 0.1))
    (ax, ay), (bx, by) = rng.uniform(0.03, 0.97, 2) * size, peaks[0]
    t = np.linspace(0, 1, 61)
    sway = _outline(rng, 61, 22, 0.35) * np.sin(np.pi * t) * rng.uniform(0.12, 0.3)
    route = [
        (float(ax + (bx - ax) * u + (by - ay) * v), float(ay + (by - ay) * u - (bx - ax) * v))
        for u, v in zip(t, sway, strict=True)
    ]
    every = int(rng.integers(60, 130)) if rng.random() < 0.6 else 9999
    margin = min(size) * rng.uniform(0.05, 0.09) if rng.random() < 0.4 else 0.0
    title = f"SHEET {int(rng.integers(2, 96))}"
    mark, small = mix(line, palette.ink, 0.0 if dark else 0.5), font("serif-italic", 18)

    def details(pen: _Pen) -> None:
        for at in range(every // 2, max(size), every):
            pen.line([(at, 0), (at, height)], mix(paper, line, 0.45), 0.5)
            pen.line([(0, at), (width, at)], mix(paper, line, 0.45), 0.5)
        for a, b, c in zip(route[::3], route[1::3], route[2::3], strict=False):
            pen.line([a, b, c], palette.accent, 2.2)
        for px, py in peaks:
            pen.fill([(px - 4, py + 3), (px + 4, py + 3), (px, py - 4)], mark)
            metres = f"{int(rng.integers(780, 2990))}"
            pen.draw.text(((px + 7) * pen.factor, (py - 6) * pen.factor), metres, fill=mark, font=small)
        pen.oval(*route[0], 4.5, 4.5, palette.accent)
        pen.oval(*route[0], 2.2, 2.2, paper)
        if margin:
            f = pen.factor
            pen.draw.rectangle((0, 0, width * f, height * f), outline=paper, width=round(margin * f))
            inner = margin * f, margin * f, (width - margin) * f, (height - margin) * f
            pen.draw.rectangle(inner, outline=mark, width=round(f))
            pen.draw.text((inner[0], inner[3] + 4), title, fill=mark, font=font("sans", 14))

    return _finish(_drawn(image, details), rng, 0.15)


def _tent(pen: _Pen, at: Point, tall: float, cloth: tuple[RGB, RGB, RGB], dome: bool) -> None:
    """A tent lit from within, its door ajar; ``cloth`` is bright, dim and dark."""
    (x, foot), (bright, dim, dark) = at, cloth
    if dome:
        t = np.linspace(0, np.pi, 24)
        pen.fill([(x - np.cos(a) * tall * 1.1, foot - np.sin(a) * tall * 0.85) for a in t], dim)
        pen.fill(
            [(x - np.cos(a) * tall * 0.62 - tall * 0.1, foot - np.sin(a) * tall * 0.84) for a in t], bright
        )
        pen.line(
            [
                (x + np.sin(a) * tall * 0.1 - np.cos(a) * tall * 0.55, foot - np.sin(a) * tall * 0.85)
                for a in t
            ],
            dim,
            1,
        )
    else:
        peak, back = (x - tall * 0.15, foot - tall), (x + tall * 0.95, foot - tall * 0.88)
        pen.fill(
            [
                (x - tall * 0.75, foot),
                peak,
                back,
                (x + tall * 1.35, foot - tall * 0.05),
                (x + tall * 0.4, foot),
            ],
            dim,
        )
        pen.fill([(x - tall * 0.75, foot), peak, (x + tall * 0.42, foot)], bright)
        pen.line([(x - tall * 1.0, foot + 2), peak, back, (x + tall * 1.6, foot)], dark, 0.7)
    pen.fill([(x - tall * 0.32, foot), (x - tall * 0.15, foot - tall * 0.62), (x - tall * 0.02, foot)], dark)


def tent_stars(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A lit tent under the night: the milky way or turning stars over peaks, pines or a lake."""
    width, height = size
    ground = height * rng.uniform(0.62, 0.9)
    low = mix(palette.deep, palette.mid, rng.uniform(0.1, 0.6))
    night = mix(palette.ink, (0, 0, 0), 0.25)
    image = _wash(
        size, [(0.0, night), (0.45, mix(palette.ink, palette.deep, 0.4)), (ground / height, low), (1.0, low)]
    )
    glow = mix(palette.light, palette.accent, 0.45)
    _paint(image, glow, _glow(size, width * rng.uniform(0, 1), ground, width * 0.5) * rng.uniform(0.1, 0.5))
    trails, lake = rng.random() < 0.3, rng.random() < 0.4
    if not trails:
        turn, shift = rng.uniform(0.4, 2.7), rng.uniform(-0.3, 0.3) * width
        rows, columns = (2 * part for part in _grid(_half(size)))
        off = (columns - width / 2) * math.sin(turn) - (rows - height * 0.35) * math.cos(turn) + shift
        cloud = _noise(rng, _half(size), 28, 28, 4)
        band = _bell(off, width * rng.uniform(0.15, 0.32))
        _paint(
            image,
            mix(palette.mid, palette.light, 0.4),
            band * (0.25 + 0.75 * _smooth(cloud, 0.3, 0.8)) * rng.uniform(0.3, 0.55),
        )
        _paint(image, night, _bell(off, width * 0.05) * _smooth(cloud, 0.6, 0.35) * 0.5)
        dust = rng.random((height, width), dtype=np.float32)
        _paint(image, palette.light, (dust - 0.992) * (dust > 0.992) * 125)
    pole = (width * rng.uniform(0.2, 0.8), height * rng.uniform(0.1, 0.45))
    x, tall = width * rng.uniform(0.25, 0.7), height * (0.04, 0.06, 0.09, 0.15)[int(rng.integers(4))]

    def stars(pen: _Pen) -> None:
        turned, f = rng.uniform(15, 50), pen.factor
        for _ in range(110 if trails else 70):
            sx, sy, bright = width * rng.random(), ground * rng.random(), rng.random() ** 2
            tone = mix(low, palette.light if rng.random() < 0.85 else palette.accent, 0.35 + 0.65 * bright)
            if trails:
                r = np.hypot(sx - pole[0], sy - pole[1]) * 1.5
                box = [(pole[0] - r) * f, (pole[1] - r) * f, (pole[0] + r) * f, (pole[1] + r) * f]
                start = rng.uniform(0, 360)
                pen.draw.arc(box, start, start + turned, fill=tone, width=1 + (bright > 0.5))
            else:
                pen.oval(sx, sy, 0.5 + bright, 0.5 + bright, tone)

    image = _drawn(image, stars)
    peaks = rng.uniform(0.45, 0.6)
    for t in (0.0, 0.5)[: int(rng.integers(0, 3))]:
        far = ground - height * (0.1 - 0.07 * t) - height * 0.08 * _outline(rng, width, width * 0.5, peaks)
        tone = mix(low, palette.ink, 0.45 + 0.4 * t)
        _land(image, far, tone, mix(tone, low, 0.5), height * 0.25)
    if lake:
        bank = int(ground - height * 0.03)
        mirror = image.crop((0, max(0, 2 * bank - height), width, bank)).transpose(
            Image.Transpose.FLIP_TOP_BOTTOM
        )
        image.paste(Image.blend(mirror, Image.new("RGB", mirror.size, palette.ink), 0.35), (0, bank))
        ground += (height - ground) * rng.uniform(0.4, 0.7)
    line = ground - height * rng.uniform(0.0, 0.05) * _outline(rng, width, width * 0.6, 0.35)
    _land(image, line, mix(palette.ink, palette.deep, 0.12), night, height * 0.2)
    foot = float(line[int(x)]) + tall * 0.25
    _paint(image, glow, _glow(size, x, foot - tall * 0.3, tall * 2) * 0.55)
    cloth = (mix(palette.accent, palette.light, 0.55), palette.accent, mix(palette.ink, palette.accent, 0.35))
    dome, pines = rng.random() < 0.5, int(rng.choice([0, 4, 14, 30]))

    def camp(pen: _Pen) -> None:
        for at in rng.integers(0, width, pines):
            _pine(pen, float(at), float(line[at]) + 3, height * rng.uniform(0.06, 0.2), night)
        _tent(pen, (x, foot), tall, cloth, dome)

    image = _drawn(image, camp)
    _paint(image, glow, _glow(size, x, foot - tall * 0.3, tall * 1.2) * 0.35)
    return _finish(image, rng, 0.35)


def footpath(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A path winding over one hill after another, sometimes with a walker, a fence or trees."""
    width, height = size
    hour, hills = int(rng.integers(4)), int(rng.integers(2, 6))
    top = height * rng.uniform(0.22, 0.55)
    image = _sky(rng, size, palette, top, hour)
    _, _, low = _sky_colours(palette, hour)
    _paint(image, palette.light, _glow(size, width * rng.uniform(0, 1), top, width * 0.5) * 0.6)
    far = top - height * rng.uniform(0.03, 0.12) * (
        1 + _outline(rng, width, width * 0.5, rng.uniform(0.3, 0.55))
    )
    _land(image, far, mix(low, palette.deep, 0.4), low, height * 0.2)
    crossing = width * rng.uniform(0.2, 0.8)
    sand = mix(
        mix(palette.light, palette.accent, rng.uniform(0, 0.3)), palette.deep, (0, 0.05, 0.1, 0.5)[hour]
    )
    grass = mix(palette.deep, palette.accent, rng.uniform(0, 0.3))
    blades = _noise(rng, size, 3, 9)
    crests = [
        top + (height - top) * t**1.3 - height * (0.03 + 0.05 * t) * _outline(rng, width, width * 0.9, 0.25)
        for t in np.arange(hills) / hills
    ]
    spots: list[tuple[float, float, float]] = []
    for i, crest in enumerate(crests):
        t = i / hills
        tone = mix(mix(low, grass, 0.5 + 0.45 * t), palette.ink, 0.35 * t)
        _land(
            image,
            crest,
            mix(tone, palette.light, 0.12),
            mix(tone, low if i < hills - 1 else palette.ink, 0.4),
            height * 0.2,
        )
        leave = width * rng.uniform(0.12, 0.88)
        start, first = float(crest[int(crossing)]), max(0, int(crest.min()) - 1)
        end = float(crests[i + 1][int(leave)]) + 6 if i < hills - 1 else height
        last = min(height, int(crests[i + 1].max()) + 2) if i < hills - 1 else height
        rows, columns = _grid((width, max(last - first, 1)))
        s = np.clip((rows + first - start) / max(end - start, 8), 0, 1)
        bend = (
            np.sin(s * s * (3 - 2 * s) * math.pi * rng.uniform(1, 2.2))
            * (1 - s)
            * rng.uniform(-0.2, 0.2)
            * width
        )
        half = width * (0.005 + 0.1 * np.clip((rows + first - top) / (height - top), 0, 1) ** 1.8)
        ragged = blades[first : first + len(rows)]
        away = np.abs(columns - crossing - (leave - crossing) * s - bend)
        field = np.clip(rows + first - crest + 0.5, 0, 1)
        _paint(
            image, mix(tone, palette.light, 0.5), field * _smooth(ragged, 0.5, 0.9) * (0.15 + 0.3 * t), first
        )
        lane = np.clip((half * (0.8 + 0.4 * ragged) - away) / (1 + 2 * t) + 0.5, 0, 1) * field
        _paint(image, mix(sand, mix(low, tone, 0.4), 0.5 * (1 - t)), lane, first)
        _paint(image, mix(sand, palette.ink, 0.35), lane * _smooth(away / half, 0.2, 1.0) * 0.5, first)
        spots.append((crossing, start + 3, height * (0.03 + 0.12 * t)))
        crossing = leave
    walker, posts, trees = rng.random() < 0.55, rng.random() < 0.4, int(rng.choice([0, 0, 3, 9]))

    def details(pen: _Pen) -> None:
        for i, crest in enumerate(crests):
            t = i / hills
            dark = mix(mix(low, grass, 0.6), palette.ink, 0.4 + 0.5 * t)
            for at in rng.integers(0, width, trees):
                _pine(
                    pen,
                    float(at),
                    float(crest[at]) + 2,
                    height * (0.03 + 0.09 * t) * rng.uniform(0.7, 1.2),
                    dark,
                )
        crest = crests[-1]
        for at in range(4, width, 26) if posts else []:
            tall = height * 0.05 * rng.uniform(0.8, 1.1)
            pen.line(
                [(at, float(crest[at]) + 4), (at + rng.normal(0, 1.5), float(crest[at]) - tall)],
                palette.ink,
                2,
            )
        if walker:
            x, y, tall = spots[int(rng.integers(len(spots)))]
            _figure(pen, (x, y), tall, mix(palette.ink, palette.accent, 0.15), 0.1)

    return _finish(_drawn(image, details), rng)


@dataclass(frozen=True)
class _Tree:
    """A tree to be drawn: where it stands, its height and slant, its forks, and how much fog is before it."""

    root: Point
    tall: float
    lean: float
    levels: int
    fog: float = 0.0


def _stand(rng: np.random.Generator, size: Size, kind: int, ground: float) -> list[_Tree]:
    """The trees of one picture: a great one, a far one, a row in fog, or boughs from the side."""
    width, height = size
    if kind == 0:
        root, tall = (width * rng.uniform(0.3, 0.7), ground + 4), height * rng.uniform(0.75, 1)
        return [_Tree(root, tall, rng.normal(0, 0.1), 10)]
    if kind == 1:
        root, tall = (width * rng.uniform(0.15, 0.85), ground + 2), height * rng.uniform(0.22, 0.4)
        return [_Tree(root, tall, rng.normal(0, 0.2), 9)]
    if kind == 2:
        trees = []
        for fog in np.linspace(0.8, 0, int(rng.integers(4, 8))).tolist():
            root = (width * rng.random(), ground + (1 - fog) * height * 0.06)
            tall = height * (0.95 - 0.6 * fog) * rng.uniform(0.7, 1)
            trees.append(_Tree(root, tall, rng.normal(0, 0.1), 8, fog))
        return trees
    side = 1 if rng.random() < 0.5 else -1
    edge = -10.0 if side > 0 else width + 10.0
    return [
        _Tree(
            (edge, height * rng.uniform(0.15, 0.9)),
            height * rng.uniform(0.7, 1.1),
            side * rng.uniform(0.7, 1.6),
            9,
        )
        for _ in range(int(rng.integers(1, 3)))
    ]


def _branches(
    rng: np.random.Generator, tree: _Tree, spread: float
) -> list[tuple[float, float, float, float, float]]:
    """The boughs of a tree as (x0, y0, x1, y1, thickness), trunk first."""
    at = np.array([tree.root])
    angle, length, thick = np.array([tree.lean]), np.array([tree.tall * 0.19]), np.array([tree.tall * 0.05])
    found: list[np.ndarray] = []
    for level in range(tree.levels):
        bent = angle + rng.normal(0, 0.12, len(angle))
        middle = at + (length * 0.5)[:, None] * np.stack([np.sin(angle), -np.cos(angle)], 1)
        end = middle + (length * 0.5)[:, None] * np.stack([np.sin(bent), -np.cos(bent)], 1)
        if level < 6:
            found += [np.column_stack([at, middle, thick]), np.column_stack([middle, end, thick * 0.88])]
        else:
            found.append(np.column_stack([at, end, thick * 0.9]))
        side = np.where(rng.random(len(angle)) < 0.5, -1, 1)
        fork = rng.uniform(0.55, 1.25, len(angle)) * spread
        droop = 0.06 * np.sign(bent) * (level > 2)
        angle = np.concatenate([bent * 0.94 - side * fork * 0.4 + droop, bent + side * fork + droop])
        length = np.concatenate(
            [length * rng.uniform(0.78, 0.95, len(length)), length * rng.uniform(0.55, 0.85, len(length))]
        )
        thick = np.concatenate([thick * 0.76, thick * 0.5])
        at = np.concatenate([end, end])
    return [(a, b, c, d, w) for a, b, c, d, w in np.concatenate(found).tolist()]


def bare_tree(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A leafless tree: alone on a rise, one of a row in fog, or overhead against a pale sky."""
    width, height = size
    hour, kind = int(rng.choice([DAY, GREY, GREY, DUSK, NIGHT])), int(rng.integers(4))
    ground = height * rng.uniform(0.72, 0.93)
    image = _sky(rng, size, palette, ground, hour)
    _, _, low = _sky_colours(palette, hour)
    sun = (width * rng.uniform(0.2, 0.8), ground * rng.uniform(0.2, 0.9))
    disc = palette.accent if hour in (DAY, DUSK) else palette.light
    _paint(image, palette.light, _glow(size, *sun, width * 0.5) * 0.65)
    if rng.random() < 0.6:
        _paint(image, mix(disc, low, 0.15), _disc(size, *sun, width * rng.uniform(0.05, 0.16)) * 0.85)
    dark = mix(palette.ink, palette.deep, 0.15)
    snow = mix(palette.light, low, 0.4) if hour < DUSK else mix(palette.mid, palette.deep, 0.3 + 0.2 * hour)
    if kind < 3:
        line = ground - height * rng.uniform(0.01, 0.06) * _outline(rng, width, width * 0.9, 0.25)
        _land(image, line, snow, mix(snow, palette.deep, 0.35), height * 0.25)
    spread = rng.uniform(0.35, 0.65)

    def trees(pen: _Pen) -> None:
        for tree in _stand(rng, size, kind, ground):
            (x, y), tone, w = tree.root, mix(dark, low, tree.fog), tree.tall * 0.03
            for x0, y0, x1, y1, thick in _branches(rng, tree, spread):
                pen.line([(x0, y0), (x1, y1)], tone, thick)
                if thick > 2.5:
                    pen.oval(x1, y1, thick * 0.46, thick * 0.46, tone)
            if kind < 3:
                neck, up = x + 2.5 * w * math.sin(tree.lean), y - 2.5 * w
                pen.fill(
                    [(x - w * 1.2, y), (neck - w * 0.7, up), (neck + w * 0.7, up), (x + w * 1.2, y)], tone
                )
                pen.oval(x, y + w * 0.6, w * 2.2, w * 0.7, snow)
        _birds(pen, rng, sun, 30, dark)

    image = _drawn(image, trees)
    if kind < 3:
        mist = _nearness(_half(size), height * 0.2) * _noise(rng, _half(size), width * 0.35, height * 0.08, 2)
        _paint(image, low, _smooth(mist, 0.25, 0.9) * rng.uniform(0.2, 0.8))
    return _finish(image, rng)


def _fence(pen: _Pen, rng: np.random.Generator, far: Point, near: Point, colours: tuple[RGB, RGB]) -> None:
    """Leaning posts and a wire from ``far`` to ``near``; ``colours`` are its own and that of its shadows."""
    dark, shade = colours
    tops: list[Point] = []
    reach = near[1] - far[1]
    for t in (np.linspace(1, 0.05, 11) ** 1.7).tolist():
        x, y, tall = far[0] + (near[0] - far[0]) * t, far[1] + reach * t, reach * (0.02 + 0.32 * t)
        pen.line([(x, y), (x + tall * 0.8, y + tall * 0.25)], shade, 1 + 3 * t)
        pen.line([(x, y), (x + rng.normal(0, tall * 0.05), y - tall)], dark, 1 + 4.5 * t)
        tops.append((x, y - tall * 0.75))
    pen.line(tops, dark, 0.8)


def _barn(pen: _Pen, at: Point, wide: float, colours: tuple[RGB, RGB, RGB, RGB]) -> None:
    """A barn under snow; ``colours`` are wall, roof, the shadow it throws, and its dark door."""
    (x, base), (wall, roof, shade, dark) = at, colours

    def shape(corners: Sequence[Point], colour: RGB) -> None:
        pen.fill([(x + u * wide, base + v * wide) for u, v in corners], colour)

    shape([(-1, 0), (1, 0), (2, 0.4), (0.6, 0.4)], shade)
    shape([(-1, 0), (-1, -0.6), (1, -0.6), (1, 0)], wall)
    shape([(0.45, 0), (0.45, -0.6), (0.73, -1.12), (1, -0.6), (1, 0)], mix(wall, dark, 0.45))
    shape([(-1.1, -0.52), (-0.8, -1.15), (0.73, -1.15), (0.42, -0.52)], mix(roof, shade, 0.35))
    shape([(-1.1, -0.52), (0.42, -0.52), (0.42, -0.47), (-1.1, -0.47)], dark)
    pen.line([(x + u * wide, base + v * wide) for u, v in ((0.73, -1.15), (1.07, -0.52))], roof, wide * 0.07)
    shape([(-0.45, 0), (-0.45, -0.36), (-0.1, -0.36), (-0.1, 0)], dark)


def snow_field(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Snow to the horizon: drifts, blue shadows, a trail of steps, a fence, a barn, falling flakes."""
    width, height = size
    hour = int(rng.choice([DAY, GREY, DUSK, NIGHT]))
    horizon = height * rng.uniform(0.25, 0.62)
    image = _sky(rng, size, palette, horizon, hour)
    _, middle, low = _sky_colours(palette, hour)
    _paint(
        image,
        palette.light,
        _glow(size, width * rng.random(), horizon * rng.uniform(0.3, 1), width * 0.45) * 0.6,
    )
    if rng.random() < 0.75:
        woods = horizon - height * rng.uniform(0.01, 0.07) * np.abs(_outline(rng, width, 60, 0.75)) * _smooth(
            _outline(rng, width, 200) + 0.4, 0, 1
        )
        _land(image, woods, mix(low, palette.deep, rng.uniform(0.4, 0.9)), low, height * 0.12)
    bright = mix(mix(palette.light, (255, 255, 255), 0.45), palette.deep, (0.0, 0.08, 0.15, 0.5)[hour])
    shade = mix(bright, mix(palette.mid, palette.deep, 0.5), (0.6, 0.55, 0.7, 0.8)[hour])
    for i in range(int(rng.integers(2, 6))):
        t = i / 5
        drift = (
            horizon
            + (height - horizon) * t**1.4
            - height * 0.04 * _outline(rng, width, width * 0.9, 0.25) * t
        )
        _land(image, drift, bright, shade, height * rng.uniform(0.1, 0.26))
    below = width, height - int(horizon)
    wind = _plane(rng, below, 26, 3)
    _paint(image, shade, _smooth(wind, 0.5, 0.8) * np.linspace(0, 0.6, below[1])[:, None], int(horizon))
    start, end, bow = (
        width * rng.uniform(0.2, 0.8),
        width * rng.uniform(-0.1, 1.1),
        rng.uniform(-0.4, 0.4) * width,
    )
    kind, dark = int(rng.integers(5)), mix(palette.ink, palette.deep, 0.15 + 0.1 * (hour == 0))
    if kind == 2:
        end = start + width * rng.uniform(0.5, 0.9) * (-1 if start > width / 2 else 1)

    def details(pen: _Pen) -> None:
        if kind == 2:
            _fence(pen, rng, (start, horizon + 4), (end, height * 0.98), (dark, shade))
        elif kind == 3:
            base = horizon + height * rng.uniform(0.02, 0.1)
            wall = mix(palette.accent, dark, 0.45)
            _barn(pen, (start, base), width * rng.uniform(0.08, 0.22), (wall, bright, shade, dark))
        else:
            for step in range(70):
                t = (1 - step / 70) ** 2.2
                sway = (1 if step % 2 else -1) * (0.6 + 7 * t)
                x = start + (end - start) * t + bow * math.sin(math.pi * t) + sway
                y = horizon + 4 + (height - horizon) * t
                pen.oval(x, y, 0.7 + 3.4 * t, 0.5 + 2.4 * t, mix(shade, palette.deep, 0.55))
            if kind:
                _figure(pen, (start, horizon + 6), height * 0.055, dark, 0.08)
        for _ in range(int(rng.choice([0, 60, 160]))):
            r = rng.uniform(0.5, 2)
            pen.oval(width * rng.random(), height * rng.random(), r, r, mix(bright, middle, 0.2))

    return _finish(_drawn(image, details), rng, 0.22)


def _kite(pen: _Pen, rng: np.random.Generator, middle: Point, tall: float, colours: list[RGB]) -> Point:
    """A kite with its tail; answers where its string is tied."""
    tilt = rng.uniform(-0.7, 0.7)
    c, s = np.cos(tilt), np.sin(tilt)

    def at(u: float, v: float) -> Point:
        return middle[0] + (u * c - v * s) * tall, middle[1] + (u * s + v * c) * tall

    top, left, right, tip, heart = at(0, -0.55), at(-0.42, -0.1), at(0.42, -0.1), at(0, 0.75), at(0, -0.1)
    for corners, colour in zip(((top, left), (top, right), (tip, left), (tip, right)), colours, strict=False):
        pen.fill([*corners, heart], colour)
    pen.line([top, tip], colours[-1], 0.8)
    pen.line([left, right], colours[-1], 0.8)
    phase, length = rng.uniform(0, 6), rng.uniform(1.5, 3)
    v = np.linspace(0, length, 30)
    tail = [at(0.16 * np.sin(w * 3.2 + phase) * w + 0.06, 0.75 + w * 0.8) for w in v]
    pen.line(tail, colours[-1], 0.9)
    for i, (px, py) in enumerate(tail[5::5]):
        bow = tall * 0.1
        pen.fill(
            [
                (px - bow, py - bow * 0.6),
                (px - bow, py + bow * 0.6),
                (px + bow, py - bow * 0.6),
                (px + bow, py + bow * 0.6),
            ],
            colours[i % 3],
        )
    return heart


def kite_field(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Kites over a meadow, their strings running down to small people in the grass."""
    width, height = size
    hour = int(rng.choice([DAY, DAY, GREY, DUSK]))
    ground = height * rng.uniform(0.7, 1.02)
    image = _sky(rng, size, palette, ground, hour)
    white = mix(palette.light, (255, 255, 255), 0.6)
    cloud = _noise(rng, _half(size), width * rng.uniform(0.15, 0.3), width * rng.uniform(0.07, 0.15), 4)
    _paint(image, white, _smooth(cloud, 0.52, 0.68) * 0.75)
    _paint(image, white, _glow(size, width * rng.random(), height * rng.uniform(0, 0.5), width * 0.4) * 0.6)
    grass = mix(palette.deep, palette.mid, rng.uniform(0.1, 0.6))
    hill = ground
    line = np.full(width, ground)
    for t in (0.3, 0.65, 1.0)[int(rng.integers(0, 3)) :]:
        slope = rng.uniform(-0.16, 0.16) * (np.arange(width) - width / 2)
        line = (
            hill + slope + height * 0.05 * (t - 0.6) - height * 0.03 * _outline(rng, width, width * 0.9, 0.25)
        )
        tone = mix(mix(palette.light, grass, 0.4 + 0.5 * t), palette.ink, 0.12 * t)
        _land(image, line, mix(tone, palette.light, 0.25), mix(tone, palette.ink, 0.25), height * 0.3)
        first = min(max(0, int(line.min())), height - 1)
        blades = _noise(rng, (width, height - first), 3, 14)
        grown = _below((width, height - first), line - first) * _smooth(blades, 0.55, 0.95) * 0.4
        _paint(image, mix(tone, palette.light, 0.6), grown, first)
        hill += height * rng.uniform(0.04, 0.09)
    bright = [
        palette.accent,
        palette.light,
        palette.deep,
        mix(palette.accent, palette.light, 0.5),
        palette.mid,
    ]
    count = int(rng.choice([1, 1, 2, 3, 5]))
    big = height * (rng.uniform(0.1, 0.24) if count == 1 else rng.uniform(0.05, 0.11))
    ink = mix(palette.ink, palette.deep, 0.2)

    def details(pen: _Pen) -> None:
        for i in range(count):
            x = width * (i + rng.uniform(0.2, 0.8)) / count
            y = ground * rng.uniform(0.14, 0.55)
            feet = float(np.clip(width - x + rng.normal(0, width * 0.12), 12, width - 12))
            base, tall = float(line[int(feet)]) + 5, height * rng.uniform(0.045, 0.085)
            order = rng.permutation(len(bright))
            colours = [bright[order[0]], bright[order[1]], bright[order[2]], bright[order[0]], ink]
            hand = (feet + tall * 0.12, base - tall * 0.75)
            heart = _kite(
                pen,
                rng,
                (x, y),
                big * rng.uniform(0.75, 1.2),
                [palette.accent if i == 0 else colours[0], *colours[1:]],
            )
            t, sag = np.linspace(0, 1, 24), rng.uniform(0.06, 0.2) * height
            string = zip(
                heart[0] + (hand[0] - heart[0]) * t,
                heart[1] + (hand[1] - heart[1]) * t + sag * t * (1 - t) * 2,
                strict=True,
            )
            pen.line([(float(a), float(b)) for a, b in string], mix(ink, palette.light, 0.3), 0.6)
            _figure(pen, (feet, base), tall, ink, rng.uniform(0.05, 0.16))
            pen.line([(feet, base - tall * 0.72), hand], ink, tall * 0.06)
        for _ in range(int(rng.choice([0, 40, 120]))):
            fx = int(rng.integers(width))
            fy = float(line[fx]) + (height - float(line[fx])) * rng.random()
            pen.oval(fx, fy, 1.4, 1.2, bright[int(rng.integers(2))])

    return _finish(_drawn(image, details), rng, 0.22)


def _stripes(pen: _Pen, corners: tuple[Point, Point, Point, Point], colours: list[RGB], count: int) -> None:
    """Lengthwise stripes on the quadrilateral top left, top right, bottom right, bottom left."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    for i in range(count):
        s, e = i / count, (i + 1) / count
        top = [(ax + (bx - ax) * s, ay + (by - ay) * s), (ax + (bx - ax) * e, ay + (by - ay) * e)]
        foot = [(dx + (cx - dx) * e, dy + (cy - dy) * e), (dx + (cx - dx) * s, dy + (cy - dy) * s)]
        pen.fill([*top, *foot], colours[i % len(colours)])


def _deckchair(
    pen: _Pen, feet: Point, tall: float, *, lean: float, cloth: list[RGB], wood: RGB, count: int
) -> None:
    """A deckchair from behind; ``lean`` skews it to one side, ``count`` stripes are on it."""
    x, y = feet
    half, rail = tall * 0.34, tall * 0.05
    top_l, top_r = (x - half + lean * tall, y - tall), (x + half + lean * tall, y - tall)
    low_l, low_r = (x - half * 0.9 - lean * tall * 0.3, y), (x + half * 0.9 - lean * tall * 0.3, y)
    for (ax, ay), (bx, by) in ((top_l, low_l), (top_r, low_r)):
        pen.line([(ax, ay), (bx, by)], wood, rail)
        pen.line(
            [(ax * 0.55 + bx * 0.45, ay * 0.55 + by * 0.45), (bx + lean * tall * 0.9, by + tall * 0.14)],
            wood,
            rail,
        )
    pen.line(
        [(low_l[0] + lean * tall * 0.85, y + tall * 0.12), (low_r[0] + lean * tall * 0.85, y + tall * 0.12)],
        wood,
        rail,
    )
    inset = rail * 0.9
    foot_y = y - tall * 0.22
    sling = (
        (top_l[0] + inset, top_l[1]),
        (top_r[0] - inset, top_r[1]),
        (low_r[0] - inset + lean * tall * 0.28, foot_y),
        (low_l[0] + inset + lean * tall * 0.28, foot_y),
    )
    _stripes(pen, sling, cloth, count)
    pen.oval(
        (sling[2][0] + sling[3][0]) / 2,
        foot_y,
        (sling[2][0] - sling[3][0]) / 2,
        tall * 0.05,
        mix(cloth[0], wood, 0.5),
    )
    pen.line([top_l, top_r], wood, rail * 1.2)


def _parasol_above(pen: _Pen, at: Point, r: float, colours: list[RGB], ink: RGB) -> None:
    (x, y), turn = at, sum(at)
    for i in range(12):
        a = turn + i * np.pi / 6
        arc = [(x + np.cos(b) * r, y + np.sin(b) * r) for b in np.linspace(a, a + np.pi / 6, 4)]
        shade = 0.16 * (1 + np.sin(a)) / 2
        pen.fill([(x, y), *arc], mix(colours[i % len(colours)], ink, shade))
    pen.oval(x, y, r * 0.06, r * 0.06, ink)


@dataclass(frozen=True)
class _Beach:
    """The colours of a summer's day: pairs for stripes, the sand, the wood and the darkest."""

    pairs: list[list[RGB]]
    sand: RGB
    wood: RGB
    ink: RGB


def deckchairs(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Striped deckchairs looking out to sea, or a beach of parasols and towels seen from above."""
    white = mix(palette.light, (255, 255, 255), 0.6)
    beach = _Beach(
        pairs=[
            [palette.accent, white],
            [palette.deep, white],
            [mix(palette.accent, palette.light, 0.35), palette.light],
            [palette.mid, white, palette.accent, white],
            [mix(palette.deep, palette.mid, 0.5), palette.light],
        ],
        sand=mix(palette.light, palette.accent, rng.uniform(0.04, 0.16)),
        wood=mix(mix(palette.accent, palette.light, 0.4), palette.ink, 0.45),
        ink=mix(palette.ink, palette.deep, 0.3),
    )
    return (_beach_above if rng.random() < 0.35 else _beach_front)(rng, size, palette, beach)


def _beach_front(rng: np.random.Generator, size: Size, palette: Palette, beach: _Beach) -> Image.Image:
    """Chairs on the sand from behind, with the sea in front of them."""
    width, height = size
    horizon = height * rng.uniform(0.25, 0.5)
    shore = horizon + height * rng.uniform(0.06, 0.2)
    hour = int(rng.choice([DAY, DAY, DUSK]))
    image = _sky(rng, size, palette, horizon, hour)
    _sea(image, rng, palette, hour, (width * rng.random(), horizon))
    line = shore + _outline(rng, width, width * 0.8, 0.3) * 4
    _land(image, line - 4, mix(palette.light, (255, 255, 255), 0.7), beach.sand, 4)
    _land(image, line, mix(beach.sand, palette.mid, 0.45), beach.sand, height * 0.1)
    first = int(line.max())
    _paint(
        image, mix(beach.sand, palette.deep, 0.5), _plane(rng, (width, height - first), 12, 2) * 0.35, first
    )
    count = int(rng.choice([1, 2, 2, 3, 5]))
    tall = min(height * 0.36, width * 0.95 / count) * rng.uniform(0.75, 0.95)
    lean, step = rng.uniform(-0.22, 0.22), rng.uniform(-0.04, 0.04) * height
    xs = width * (0.5 + (np.arange(count) - (count - 1) / 2) / (count + 0.25)) + (
        rng.uniform(-0.2, 0.2) * width if count == 1 else 0
    )
    ys = height * rng.uniform(0.8, 0.9) + step * np.arange(count)
    reach = rng.uniform(-0.9, 0.9)

    def shadows(pen: _Pen) -> None:
        for x, y in zip(xs, ys, strict=True):
            near, end = [(x - tall * 0.32, y), (x + tall * 0.32, y + 4)], x + tall * reach
            pen.fill([*near, (end + tall * 0.3, y + tall * 0.3), (end - tall * 0.3, y + tall * 0.3)], 255)

    _paint(image, mix(beach.sand, palette.ink, 0.6), _soft_mask(size, shadows, 2) * 0.65)
    parasol, first = rng.random() < 0.45, int(rng.integers(len(beach.pairs)))
    px, py, pr = xs[0] - tall * 0.5, ys[0] - tall * 1.45, tall * 0.8

    def details(pen: _Pen) -> None:
        if parasol:
            pen.line([(px, py), (px + 6, ys[0] - 4)], beach.wood, 3)
            for i in range(8):
                a, b = np.pi * i / 8, np.pi * (i + 1) / 8
                rim = [(px - np.cos(c) * pr, py + np.sin(c) * pr * 0.12) for c in (a, b)]
                pen.fill([(px, py - pr * 0.45), *rim], beach.pairs[first][i % 2])
        for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
            cloth = beach.pairs[(first + i * int(rng.integers(0, 2))) % len(beach.pairs)]
            _deckchair(
                pen, (x, y), tall, lean=lean, cloth=cloth, wood=beach.wood, count=int(rng.integers(5, 10))
            )
        _birds(pen, rng, (width * rng.random(), horizon * 0.5), 20, beach.ink)

    return _finish(_drawn(image, details), rng, 0.22)


def _beach_above(rng: np.random.Generator, size: Size, palette: Palette, beach: _Beach) -> Image.Image:
    """Parasols, towels and chairs as a gull would see them."""
    width, height = size
    rows, columns = (2 * part for part in _grid(_half(size)))
    image = Image.new("RGB", size, beach.sand)
    _paint(image, mix(beach.sand, palette.deep, 0.4), _noise(rng, _half(size), 10, 10, 3) * 0.45)
    turn = rng.uniform(0, 2 * np.pi)
    out = (columns - width / 2) * math.cos(turn) + (rows - height / 2) * math.sin(turn)
    out = out - width * rng.uniform(0.05, 0.55) + (_noise(rng, _half(size), 70, 70, 2) - 0.5) * 60
    water = mix(palette.deep, palette.mid, 0.4)
    _paint(image, mix(beach.sand, palette.deep, 0.4), _smooth(out, -22, -2) * 0.6)
    _paint(image, water, _smooth(out, -1, 1) * np.clip(0.55 + out / 200, 0, 1))
    _paint(
        image,
        (255, 255, 255),
        _bell(out, 3) + 0.7 * _bell(out - 22 + 12 * _noise(rng, _half(size), 30, 30), 2.5),
    )
    cell = rng.uniform(58, 105)
    spots = [
        (x + rng.normal(0, cell * 0.13), y + rng.normal(0, cell * 0.13))
        for y in np.arange(cell * 0.4, height + cell / 2, cell)
        for x in np.arange(cell * 0.4, width + cell / 2, cell)
    ]
    keep = rng.random(len(spots)) < 0.8
    dry = [
        out[min(max(int(y / 2), 0), len(out) - 1), min(max(int(x / 2), 0), out.shape[1] - 1)]
        for x, y in spots
    ]
    spots = [at for at, kept, away in zip(spots, keep, dry, strict=True) if kept and away < -cell * 0.35]
    fall = (rng.uniform(-0.3, 0.3) * cell, rng.uniform(0.1, 0.3) * cell)
    r = cell * rng.uniform(0.28, 0.36)

    def shadows(pen: _Pen) -> None:
        for x, y in spots:
            pen.oval(x + fall[0], y + fall[1], r, r, 255)

    def details(pen: _Pen) -> None:
        for x, y in spots:
            a, pair = rng.uniform(-0.4, 0.4) + turn, beach.pairs[int(rng.integers(len(beach.pairs)))]
            c, s, far = np.cos(a) * r, np.sin(a) * r, rng.uniform(0.5, 1)
            corners = [
                (x + c * far * u - s * v, y + s * far * u + c * v)
                for u, v in ((1, -0.4), (1, 0.4), (2.4, 0.4), (2.4, -0.4))
            ]
            _stripes(pen, (corners[0], corners[1], corners[2], corners[3]), pair, 5)
        for x, y in spots:
            _parasol_above(pen, (x, y), r, beach.pairs[int(rng.integers(len(beach.pairs)))], beach.ink)

    _paint(image, mix(beach.sand, palette.ink, 0.7), _soft_mask(size, shadows, 1.5) * 0.5)
    return _finish(_drawn(image, details), rng, 0.2)


def _swim_ring(
    image: Image.Image, rng: np.random.Generator, at: Point, r: float, colours: tuple[RGB, RGB, RGB]
) -> None:
    """A swimming ring and its shadow under water; ``colours`` are the two of the ring and the dark one."""
    corner = max(0, int(at[0] - 1.1 * r)), max(0, int(at[1] - 1.1 * r))
    patch = image.crop(
        (*corner, min(image.width, int(at[0] + 1.6 * r)), min(image.height, int(at[1] + 1.8 * r)))
    )
    rows, columns = _grid(patch.size)
    dx, dy = columns + corner[0] - at[0], rows + corner[1] - at[1]

    def from_rim(shift: float) -> np.ndarray:
        x, y = dx - shift * 0.7 * r, dy - shift * r
        return np.asarray(np.sqrt(x * x + y * y) - r * 0.72, dtype=np.float32)

    def band(rim: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(r * 0.28 - np.abs(rim) + 0.5, 0, 1))

    _paint(patch, colours[2], band(from_rim(0.45)) * 0.3)
    rim = from_rim(0)
    ring, wedges = band(rim), np.sin(np.arctan2(dy, dx) * int(rng.integers(3, 7)) + rng.uniform(0, 6))
    _paint(patch, colours[0], ring)
    _paint(patch, colours[1], ring * _smooth(wedges, -0.05, 0.05))
    _paint(patch, colours[2], ring * _smooth(np.abs(rim) / r, 0.1, 0.32) * 0.3)
    _paint(patch, (255, 255, 255), ring * _bell(from_rim(-0.1), r * 0.06) * 0.7)
    image.paste(patch, corner)


def pool_water(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A swimming pool in the sun: nets of light, wavering tiles, a ladder, a float or lane ropes."""
    width, height = size
    blue = mix(palette.mid, palette.deep, rng.uniform(0.1, 0.55))
    shallow, far = (
        mix(blue, palette.light, rng.uniform(0.2, 0.5)),
        mix(blue, palette.deep, rng.uniform(0, 0.6)),
    )
    image = _wash(size, [(0.0, shallow), (1.0, far)])
    mesh, turn, kind = rng.uniform(16, 42), rng.uniform(-0.5, 0.5), int(rng.integers(5))
    c, s, lane = math.cos(turn), math.sin(turn), width * 0.42
    warp = [_noise(rng, _half(size), mesh, mesh, 2) - 0.5 for _ in range(4)]
    rows, columns = _grid(size)
    tile, sway, edge = rng.uniform(18, 44), rng.uniform(8, 26), -height * rng.uniform(0.2, 0.42)
    u = (columns - width / 2) * c + (rows - height / 2) * s + _enlarged(warp[0] * sway, size)
    v = (rows - height / 2) * c - (columns - width / 2) * s + _enlarged(warp[1] * sway, size)
    joint = np.minimum(np.abs(u * (1 / tile) % 1 - 0.5), np.abs(v * (1 / tile) % 1 - 0.5)) * tile
    _paint(image, mix(blue, palette.light, 0.5), np.clip(1.6 - joint, 0, 1) * rng.uniform(0.1, 0.6))
    if kind == 1:
        _paint(
            image,
            mix(palette.deep, palette.ink, 0.4),
            np.clip(9 - np.abs(u / lane % 1 - 0.5) * lane, 0, 1) * 0.75,
        )
    net = np.minimum(np.abs(warp[2] + warp[0] * 0.6), np.abs(warp[3] + warp[1] * 0.6))
    white = mix(palette.light, (255, 255, 255), 0.8)
    _paint(image, white, np.exp(_enlarged(net, size) * -rng.uniform(18, 44)) * rng.uniform(0.55, 0.95))
    _paint(image, mix(blue, palette.deep, 0.6), _smooth(net, 0.12, 0.3) * 0.4)
    deck = mix(palette.light, palette.accent, rng.uniform(0.05, 0.35))

    def place(a: float, b: float) -> Point:
        """From the pool's own axes (along its edge, out into the water) to the picture."""
        return width / 2 + a * c - (b + edge) * s, height / 2 + a * s + (b + edge) * c

    at, r = (
        (width * rng.uniform(0.25, 0.75), height * rng.uniform(0.5, 0.78)),
        width * rng.uniform(0.12, 0.24),
    )
    lie = rng.uniform(0, math.pi)
    ends = [(math.cos(lie) * a - math.sin(lie) * b, math.sin(lie) * a + math.cos(lie) * b) for a, b in AIRBED]
    bed = [(at[0] + r * a, at[1] + r * b) for a, b in ends]

    def shadows(pen: _Pen) -> None:
        if kind != 3:
            pen.fill([place(-width, 0), place(width, 0), place(width, 16), place(-width, 16)], 255)
        if kind == 2:
            pen.fill([(a + r * 0.3, b + r * 0.45) for a, b in bed], 255)

    _paint(image, mix(palette.deep, palette.ink, 0.5), _soft_mask(size, shadows, 5) * 0.45)
    if kind in (0, 3):
        _swim_ring(image, rng, at, r, (palette.accent, white, palette.ink))

    def details(pen: _Pen) -> None:
        if kind == 1:
            for a in np.arange(-2, 3) * lane:
                for i in range(int(height * 1.5 / 7)):
                    pen.oval(*place(a, i * 7 + 4), 3.2, 3.2, palette.accent if i // 4 % 2 else white)
        if kind == 2:
            _stripes(pen, (bed[0], bed[1], bed[2], bed[3]), [palette.accent, white], 7)
            head = [
                (bed[i][0] * 0.8 + bed[j][0] * 0.2, bed[i][1] * 0.8 + bed[j][1] * 0.2)
                for i, j in ((1, 2), (0, 3))
            ]
            pen.fill([bed[0], bed[1], *head], mix(palette.accent, palette.light, 0.5))
        if kind != 3:
            pen.fill([place(-width, 0), place(width, 0), place(width, -height), place(-width, -height)], deck)
            pen.line([place(-width, -7), place(width, -7)], white, 14)
            for a in np.arange(-width, width, tile):
                pen.line([place(a, 0), place(a, -14)], mix(deck, palette.ink, 0.25), 0.7)
        if kind in (0, 2, 4):
            a = width * rng.uniform(-0.3, 0.3)
            for side in (-16, 16):
                pen.line([place(a + side + 9, 6), place(a + side + 9, 52)], mix(blue, palette.ink, 0.45), 3)
                pen.line([place(a + side, -34), place(a + side, 48)], white, 4.5)
                pen.line(
                    [place(a + side + 1, -34), place(a + side + 1, 48)], mix(palette.mid, palette.ink, 0.3), 1
                )
            for b in (18, 34):
                pen.line([place(a - 16, b), place(a + 16, b)], white, 3)

    return _finish(_drawn(image, details), rng, 0.2)


def _plant(pen: _Pen, kind: int, at: Point, r: float, tones: list[RGB]) -> None:
    """One plant from above: a cabbage, a tuft, a bush with fruit, or a young cross of leaves."""
    (x, y), turn = at, sum(at)
    dark, leaf, bright, fruit = tones
    if r < 2.2:
        pen.oval(x, y, r, r, leaf)
        return

    def leaves(count: int, out: float, size: float, tone: RGB, start: float = 0.0) -> None:
        for i in range(count):
            a = turn + start + i * 2 * math.pi / count
            pen.oval(x + math.cos(a) * r * out, y + math.sin(a) * r * out, r * size, r * size, tone)

    if kind == 0:
        leaves(7, 0.6, 0.46, dark)
        leaves(6, 0.42, 0.36, leaf, 0.4)
        leaves(4, 0.2, 0.26, bright, 0.9)
    elif kind == 1:
        for i in range(11):
            a, far = turn + i * 0.571, r * (1.15 if i % 2 else 0.8)
            pen.line(
                [(x, y), (x + math.cos(a) * far, y + math.sin(a) * far)],
                bright if i % 3 else leaf,
                0.6 + r * 0.1,
            )
    elif kind == 2:
        leaves(6, 0.55, 0.5, dark)
        leaves(5, 0.35, 0.42, leaf, 0.5)
        leaves(3, 0.5, 0.2, fruit, 0.2)
    else:
        for i in range(4):
            a, far = turn + i * math.pi / 2, r * (0.95 if i % 2 else 0.7)
            c, s = math.cos(a) * far, math.sin(a) * far
            tip, left = (x + c, y + s), (x + c * 0.5 - s * 0.4, y + s * 0.5 + c * 0.4)
            right = (x + c * 0.5 + s * 0.4, y + s * 0.5 - c * 0.4)
            pen.fill([(x, y), left, tip, right], bright if i % 2 else leaf)


def garden_beds(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """A kitchen garden: raised beds from above, or furrows running away to a hedge and a shed."""
    return (_beds_above if rng.random() < 0.55 else _furrows)(rng, size, palette)


def _beds_above(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Beds in their wooden frames as on a garden plan, each with its own crop."""
    width, height = size
    path = mix(palette.light, palette.accent, rng.uniform(0.05, 0.3))
    image = Image.new("RGB", size, path)
    _paint(image, mix(path, palette.deep, 0.5), _noise(rng, _half(size), 4, 4, 2) * 0.3)
    gap, across, down = rng.uniform(10, 26), int(rng.integers(1, 4)), int(rng.integers(1, 5))
    if rng.random() < 0.5:
        across, down = down, across
    down += 2 if across * down < 3 else 0
    xs = np.cumsum([0, *rng.dirichlet([5] * across)]) * (width - gap)
    ys = np.cumsum([0, *rng.dirichlet([5] * down)]) * (height - gap)
    boxes = [
        (xs[i] + gap, ys[j] + gap, xs[i + 1], ys[j + 1])
        for i in range(across)
        for j in range(down)
        if min(xs[i + 1] - xs[i], ys[j + 1] - ys[j]) > gap + 18
    ]
    soil = mix(palette.ink, palette.accent, 0.24)
    frame = mix(mix(palette.mid, palette.accent, 0.35), palette.ink, 0.2)
    pace = rng.uniform(21, 36)

    def boards(pen: _Pen, colour: RGB | int, by: float) -> None:
        for a, b, c, d in boxes:
            pen.fill([(a + by, b + by), (c + by, b + by), (c + by, d + by), (a + by, d + by)], colour)

    def earth(pen: _Pen) -> None:
        boards(pen, frame, 0)
        for a, b, c, d in boxes:
            pen.fill([(a + 4, b + 4), (c - 4, b + 4), (c - 4, d - 4), (a + 4, d - 4)], soil)
            pen.line([(a + 4, d - 4), (a + 4, b + 4), (c - 4, b + 4)], mix(soil, palette.ink, 0.8), 3)

    def crops(pen: _Pen) -> None:
        lit = mix(palette.deep, palette.light, rng.uniform(0.3, 0.6))
        leafy = [mix(palette.deep, palette.ink, 0.35), palette.deep, lit, palette.accent]
        for a, b, c, d in boxes:
            kind, step = int(rng.integers(4)), pace * rng.uniform(0.8, 1.3)
            tones = [mix(tone, palette.accent, 0.55) for tone in leafy] if rng.random() < 0.18 else leafy
            step = min(step, (c - a - 8) * 0.99, (d - b - 8) * 0.99)
            for y in np.arange(b + 4 + ((d - b - 8) % step + step) / 2, d - 4, step).tolist():
                for x in np.arange(a + 4 + ((c - a - 8) % step + step) / 2, c - 4, step).tolist():
                    if rng.random() < 0.94:
                        r = step * rng.uniform(0.4, 0.54)
                        pen.oval(x + r * 0.15, y + r * 0.2, r * 0.95, r * 0.95, mix(soil, palette.ink, 0.7))
                        _plant(pen, kind, (x, y), r, tones)

    _paint(image, palette.ink, _soft_mask(size, lambda pen: boards(pen, 255, 6), 3) * 0.45)

    def garden(pen: _Pen) -> None:
        earth(pen)
        crops(pen)

    return _finish(_drawn(image, garden), rng)


def _furrows(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Rows of young plants drawn together by distance."""
    width, height = size
    hour = int(rng.choice([DAY, GREY, DUSK]))
    horizon = height * rng.uniform(0.22, 0.5)
    image = _sky(rng, size, palette, horizon, hour)
    _, _, low = _sky_colours(palette, hour)
    _paint(image, palette.light, _glow(size, width * rng.random(), horizon * 0.8, width * 0.45) * 0.7)
    for t in (0.4, 0.75)[int(rng.integers(2)) :]:
        hedge = horizon - height * rng.uniform(0.02, 0.07) * (0.6 + _outline(rng, width, 70, 0.6))
        _land(image, hedge, mix(low, palette.deep, t), mix(low, palette.deep, t), 5)
    soil = mix(palette.ink, palette.accent, 0.3)
    _land(image, np.full(width, horizon), mix(soil, low, 0.35), mix(soil, palette.ink, 0.3), height * 0.4)
    near = _nearness(size, horizon)
    vanish, rows_wide = width * rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.42) * width
    _, columns = _grid(size)
    bend = rng.uniform(-0.25, 0.25) * width * near * (1 - near)
    lane = ((columns - vanish - bend) / (rows_wide * np.maximum(near, 0.02)) + 0.5) % 1 - 0.5
    ground = _below(size, horizon)
    _paint(image, palette.ink, _smooth(np.abs(lane), 0.3, 0.5) * ground * (0.2 + 0.5 * near))
    crumbs = _plane(rng, (width, height - int(horizon)), 5, 2)
    _paint(image, mix(soil, palette.light, 0.4), _smooth(crumbs, 0.5, 0.9) * 0.4, int(horizon))
    tones = [
        mix(palette.deep, palette.ink, 0.3),
        palette.deep,
        mix(palette.deep, palette.light, rng.uniform(0.3, 0.6)),
        palette.accent,
    ]
    crop, shed = int(rng.integers(3)), rng.random() < 0.5
    sx, sw = width * rng.uniform(0.1, 0.75), width * rng.uniform(0.09, 0.17)

    def details(pen: _Pen) -> None:
        if shed:
            roof = horizon - sw * 0.75
            pen.fill(
                [(sx, horizon + 2), (sx, roof), (sx + sw, roof), (sx + sw, horizon + 2)],
                mix(palette.accent, palette.ink, 0.3),
            )
            pen.fill([(sx - 4, roof), (sx + sw / 2, roof - sw * 0.4), (sx + sw + 4, roof)], palette.ink)
            pen.fill(
                [
                    (sx + sw * 0.55, horizon + 2),
                    (sx + sw * 0.55, roof + sw * 0.2),
                    (sx + sw * 0.8, roof + sw * 0.2),
                    (sx + sw * 0.8, horizon + 2),
                ],
                palette.ink,
            )
        for t in np.linspace(0.25, 1.0, 14) ** 2:
            y, wide = horizon + (height - horizon) * t, rows_wide * t
            middle = vanish + bend[int(min(y, height - 1)), 0]
            first = int(np.ceil((-middle - 10) / wide))
            for i in range(first, first + int((width + 30) / wide) + 1):
                r = wide * 0.3 * rng.uniform(0.75, 1.1)
                at = middle + i * wide + rng.normal(0, wide * 0.03), y - r * 0.4
                if r > 3:
                    pen.oval(at[0] + r * 0.2, at[1] + r * 0.4, r, r * 0.7, mix(soil, palette.ink, 0.7))
                _plant(pen, crop, at, r, tones)

    return _finish(_drawn(image, details), rng)


def _lolly(rng: np.random.Generator, wide: int, palette: Palette, kind: int) -> Image.Image:
    """One ice lolly upright on a clear ground, about ``wide`` pixels wide: plain, dipped, banded, twin."""
    scale = 2
    w, tall, pad = wide * scale, int(wide * rng.uniform(1.7, 2.2)) * scale, 8
    image = Image.new("RGBA", (w + 2 * pad, int(tall * 1.5) + pad))
    draw = ImageDraw.Draw(image)
    white = mix(palette.light, (255, 255, 255), 0.6)
    flavours = [
        palette.accent,
        mix(palette.accent, palette.light, 0.5),
        palette.mid,
        white,
        mix(palette.deep, palette.mid, 0.4),
    ]
    order = rng.permutation(len(flavours))
    base, other, third = (flavours[i] for i in order[:3])
    wood = mix(white, palette.accent, 0.3)
    for centre in (0.28, 0.72) if kind == 3 else (0.5,):
        x = pad + w * centre
        draw.rounded_rectangle((x - w * 0.08, tall * 0.9, x + w * 0.08, tall * 1.45), w * 0.08, fill=wood)
        draw.line(
            (x + w * 0.05, tall * 0.95, x + w * 0.05, tall * 1.4), fill=mix(wood, palette.ink, 0.25), width=3
        )
    body = Image.new("L", image.size)
    pen = ImageDraw.Draw(body)
    pen.rounded_rectangle((pad, pad, pad + w, pad + tall), w * 0.46, fill=255)
    pen.rounded_rectangle((pad, tall * 0.5, pad + w, pad + tall), w * 0.08, fill=255)
    for _ in range(int(rng.integers(0, 4))):
        drip, length = pad + w * rng.uniform(0.12, 0.88), tall * rng.uniform(0.04, 0.2)
        pen.rounded_rectangle(
            (drip - w * 0.05, tall * 0.9, drip + w * 0.05, pad + tall + length), w * 0.05, fill=255
        )
    if rng.random() < 0.5:
        side = pad if rng.random() < 0.5 else pad + w
        for dx, dy, r in ((0, 0.03, 0.3), (0.22, -0.02, 0.24), (-0.02, 0.16, 0.22)):
            bx, by, br = side + (dx if side == pad else -dx) * w, pad + (dy + 0.02) * tall, r * w
            pen.ellipse((bx - br, by - br, bx + br, by + br), fill=0)
    rows, columns = _grid(_half(image.size))
    u, v = (2 * columns - pad) / w, (2 * rows - pad) / tall
    wave = 0.03 * np.sin(u * 9 + rng.uniform(0, 6)) + 0.02 * np.sin(u * 17)
    ice = Image.new("RGB", image.size, base)
    if kind == 1:
        _paint(
            ice,
            mix(palette.deep, palette.ink, 0.3),
            np.clip((rng.uniform(0.35, 0.6) + wave * 1.6 - v) * tall, 0, 1),
        )
    elif kind == 2:
        _paint(ice, other, np.clip((v - 0.34 + wave * 0.4) * tall, 0, 1))
        _paint(ice, third, np.clip((v - 0.66 + wave * 0.4) * tall, 0, 1))
    elif rng.random() < 0.6:
        _paint(ice, other, _smooth(v + 0 * u, 0.2, 0.95))
    inside = (v > 0.16) & (v < 0.88)
    dark, lit = 0.25 * _smooth(u, 0.75, 1.05), 0.55 * _bell(u - 0.13, 0.045)
    for groove in (0.5,) if kind == 3 else (0.34, 0.66):
        dark, lit = dark + 0.22 * _bell(u - groove, 0.05), lit + 0.35 * _bell(u - groove - 0.07, 0.035)
    _paint(ice, palette.ink, dark * inside)
    _paint(ice, (255, 255, 255), lit * inside)
    if kind == 1:
        top = ImageDraw.Draw(ice)
        for _ in range(26):
            sx, sy, a = pad + w * rng.random(), pad + tall * 0.34 * rng.random(), rng.uniform(0, 3)
            top.line(
                (sx, sy, sx + np.cos(a) * 9, sy + np.sin(a) * 9), fill=flavours[int(rng.integers(5))], width=4
            )
    image.paste(ice, (0, 0), body)
    return image


def ice_lolly(rng: np.random.Generator, size: Size, palette: Palette) -> Image.Image:
    """Ice lollies laid out in hard summer light: one large, a fan of a few, or a whole pattern."""
    width, height = size
    rows, columns = _grid(size)
    tones = [
        palette.light,
        mix(palette.mid, palette.light, 0.4),
        mix(palette.accent, palette.light, 0.65),
        palette.mid,
    ]
    first, second = (tones[i] for i in rng.permutation(4)[:2])
    image = _wash(size, [(0.0, mix(first, (255, 255, 255), 0.15)), (1.0, first)])
    slant, ground = rng.uniform(-0.8, 0.8), int(rng.integers(4))
    across = (columns - width / 2) * slant + rows
    if ground == 0:
        _paint(image, second, np.clip(across - height * rng.uniform(0.35, 0.7), 0, 1))
    elif ground == 1:
        _paint(image, second, np.clip(np.abs((across / rng.uniform(34, 80)) % 1 - 0.5) * 60 - 15, 0, 1) * 0.7)
    elif ground == 2:
        tile = rng.uniform(26, 52)
        joint = np.minimum(np.abs(columns / tile % 1 - 0.5), np.abs(rows / tile % 1 - 0.5)) * tile
        _paint(image, mix(second, palette.deep, 0.15), np.clip(1.4 - joint, 0, 1) * 0.8)
    else:
        _paint(
            image,
            second,
            _disc(
                size,
                width * rng.uniform(0.3, 0.7),
                height * rng.uniform(0.35, 0.6),
                width * rng.uniform(0.3, 0.48),
            ),
        )
    count = int(rng.choice([1, 1, 2, 3, 6]))
    share = {1: 0.36, 2: 0.24, 3: 0.2, 6: 0.15}[count]
    wide = int(min(width * share, height * share * (0.62 if count == 6 else 0.8)))
    kinds = rng.integers(0, 4, 2)
    sprites = [_lolly(rng, wide, palette, int(k)) for k in kinds[: 1 if count == 1 else 2]]
    lean, drop = rng.uniform(-28, 28), rng.uniform(0.08, 0.3) * wide
    for i in range(count):
        if count == 6:
            x, y, angle = (
                width * (0.25 + 0.5 * (i % 2)),
                height * (0.19 + 0.31 * (i // 2)),
                lean + 180 * ((i + i // 2) % 2),
            )
        else:
            x, y, angle = (
                width * (i + 0.5 + 0.25 * (count > 1)) / (count + 0.5 * (count > 1)),
                height * 0.5 + rng.normal(0, 0.03) * height,
                lean - 14 * (i - (count - 1) / 2),
            )
        sprite = sprites[i % len(sprites)].rotate(angle, Image.Resampling.BILINEAR, expand=True)
        sprite = sprite.resize((sprite.width // 2, sprite.height // 2), Image.Resampling.BOX)
        at = (round(x - sprite.width / 2), round(y - sprite.height / 2))
        shadow = sprite.getchannel("A").point(lambda a: a * 0.38).filter(ImageFilter.BoxBlur(2))
        image.paste(
            mix(palette.deep, palette.ink, 0.5), (at[0] + round(drop), at[1] + round(drop * 1.2)), shadow
        )
        image.paste(sprite, at, sprite)
    if rng.random() < 0.5:
        bars = _smooth(
            np.sin((columns * rng.uniform(0.4, 1) + rows * rng.uniform(-0.6, 0.6)) / rng.uniform(14, 34)),
            -0.2,
            0.15,
        )
        _paint(image, mix(palette.deep, palette.ink, 0.3), bars * 0.16)
    return _finish(image, rng, 0.18)
