"""What pictures of the open air share: skies, land, water, ground in perspective, walkers and birds.

Belongs here: helpers for land, water and sky that more than one of those pictures needs.
"""

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    WHITE,
    Palette,
    Point,
    Rng,
    Size,
    bell,
    gradient,
    grid,
    halved,
    mix,
    smoothstep,
)
from demo_generator.pictures.light import paint
from demo_generator.pictures.pen import Pen

DAY, GREY, DUSK, NIGHT = range(4)


def layered_noise(rng: Rng, size: Size, across: float, down: float, octaves: int = 1) -> np.ndarray:
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


def wandering(rng: Rng, width: int, scale: float, rough: float = 0.5) -> np.ndarray:
    """A wandering line in about [-1, 1], one value for each column; ``rough`` weighs its fine detail."""
    x, line, weight = np.arange(width), np.zeros(width), 1.0
    while scale > 2:
        knots = np.arange(-1, width / scale + 2) * scale - rng.uniform(0, scale)
        values = rng.uniform(-1, 1, len(knots))
        step = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
        along = (x - knots[step]) / scale
        along = along * along * (3 - 2 * along) if rough < 0.5 else along
        line += weight * (values[step] * (1 - along) + values[np.minimum(step + 1, len(values) - 1)] * along)
        scale, weight = scale / 2, weight * rough
    return line.astype(np.float32)


def glow_mask(size: Size, x: float, y: float, radius: float) -> np.ndarray:
    """Light falling off softly from a point, 1 at its heart, at half size."""
    columns, rows = grid(halved(size))
    away = (columns - x / 2) ** 2 + (rows - y / 2) ** 2
    return np.asarray(np.exp(-1.6 * np.sqrt(away * (4 / (radius * radius)) + 0.02)), dtype=np.float32)


def disc_mask(size: Size, x: float, y: float, radius: float) -> np.ndarray:
    """Mask of a disc."""
    columns, rows = grid(size)
    return np.asarray(np.clip(radius - np.hypot(columns - x, rows - y) + 0.5, 0, 1), dtype=np.float32)


def under_line(size: Size, line: np.ndarray | float) -> np.ndarray:
    """Mask of everything under a line given as a height for each column."""
    columns, rows = grid(size)
    return np.asarray(np.clip(rows - (line + columns * 0) + 0.5, 0, 1), dtype=np.float32)


def fill_land(image: Image.Image, line: np.ndarray, crest: RGB, foot: RGB, depth: float) -> None:
    """Fill below ``line``, turning from ``crest`` to ``foot`` over ``depth`` pixels."""
    top = max(0, int(line.min()) - 1)
    if top >= image.height:
        return
    size = image.width, image.height - top
    fill = gradient(size, [(0.0, crest), (min(1.0, depth / size[1]), foot)])
    paint(image, fill, under_line(size, line - top), top)


def sky_colours(palette: Palette, hour: int) -> tuple[RGB, RGB, RGB]:
    """The sky's colours at the top, halfway and at the horizon."""
    light, mid, deep, ink, accent = palette.tones
    return (
        (mix(mid, light, 0.25), mix(light, mid, 0.3), mix(light, WHITE, 0.25)),
        (mix(deep, mid, 0.55), mix(mid, light, 0.25), mix(light, mid, 0.25)),
        (mix(deep, mid, 0.15), mix(mid, accent, 0.3), mix(light, accent, 0.3)),
        (mix(ink, deep, 0.1), mix(ink, deep, 0.65), mix(deep, mid, 0.6)),
    )[hour]


def open_sky(rng: Rng, size: Size, palette: Palette, horizon: float, hour: int) -> Image.Image:
    """A sky down to ``horizon`` with a cloud cover of its own."""
    top, middle, low = sky_colours(palette, hour)
    at = horizon / size[1]
    image = gradient(size, [(0.0, top), (at * rng.uniform(0.4, 0.7), middle), (at, low), (1.0, low)])
    flat = rng.uniform(2.5, 7)
    across = size[0] * rng.uniform(0.18, 0.4)
    cloud = layered_noise(rng, halved(size), across, across / flat, 3)
    cover = rng.uniform(0.45, 0.64)
    lit = mix(low, palette.light, 0.5)
    paint(image, lit, smoothstep(cloud, cover, cover + 0.25) * rng.uniform(0.35, 0.8))
    under = cloud[min(round(across / flat / 4), len(cloud) // 4) :]
    shade = np.pad(under, ((0, len(cloud) - len(under)), (0, 0)), "edge")
    paint(image, top, smoothstep(shade, cover + 0.08, cover + 0.3) * rng.uniform(0.1, 0.4))
    return image


def ground_noise(rng: Rng, size: Size, across: float, down: float) -> np.ndarray:
    """Noise in [0, 1] lying on the ground in perspective, the horizon along its upper edge."""
    width, height = size
    texture = layered_noise(rng, (256, 256), across, down, 2)
    far = 1 / (np.linspace(0, 1, height, dtype=np.float32) + 0.02)
    row = (far * 60 % 512).astype(np.int32)
    columns = (np.arange(width, dtype=np.float32) - width / 2) * (150 / width)
    column = ((columns[None, :] * far[:, None]).astype(np.int32) + 900) & 511
    # Mirrored rather than repeated, so that no seam runs to the vanishing point.
    return np.asarray(texture[np.minimum(row, 511 - row)[:, None], np.minimum(column, 511 - column)])


def nearness(size: Size, horizon: float) -> np.ndarray:
    """A column: 0 at the horizon and above, 1 at the lower edge."""
    _, rows = grid(size)
    return np.asarray(np.clip((rows - horizon) / (size[1] - horizon), 0, 1), dtype=np.float32)


def open_sea(image: Image.Image, rng: Rng, palette: Palette, hour: int, light: Point) -> None:
    """Water and its swell below the horizon, a path of light on it; ``light`` is where the two meet."""
    sun_x, horizon = light
    _, middle, low = sky_colours(palette, hour)
    dark = (0.5, 0.7, 0.75, 0.9)[hour]
    far = mix(low, palette.deep, 0.25 + 0.2 * dark)
    near = mix(mix(middle, palette.deep, dark), palette.ink, 0.45 * dark)
    first = min(int(horizon), image.height - 8)
    size = image.width, image.height - first
    water = gradient(size, [(0.0, far), (0.5, mix(far, near, 0.65)), (1.0, near)])
    near_by = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    swell = ground_noise(rng, size, rng.uniform(18, 40), rng.uniform(1.6, 3.4))
    paint(water, mix(near, palette.ink, 0.5), smoothstep(swell, 0.45, 0.2) * (0.1 + 0.5 * near_by))
    paint(water, mix(far, palette.light, 0.45), smoothstep(swell, 0.56, 0.8) * (0.25 + 0.35 * near_by))
    columns, _ = grid(size)
    path = bell((columns - sun_x) / (0.05 + 0.2 * near_by), size[0])
    paint(water, mix(low, palette.light, 0.7), smoothstep(swell, 0.46, 0.62) * path * (0.95 - 0.5 * near_by))
    image.paste(water, (0, first))


def walking_figure(pen: Pen, feet: Point, tall: float, colour: RGB, stride: float = 0.12) -> None:
    """A small standing or walking person in a coat."""
    x, y = feet
    head, hip, shoulder = tall * 0.085, y - tall * 0.42, y - tall * 0.8
    for side in (-1, 1):
        pen.line([(x, hip), (x + side * stride * tall, y)], colour, tall * 0.085)
    coat = [(x - 0.1 * tall, shoulder), (x + 0.1 * tall, shoulder)]
    pen.shape([*coat, (x + 0.15 * tall, hip + 0.08 * tall), (x - 0.15 * tall, hip + 0.08 * tall)], colour)
    pen.oval(x, y - tall + head, head, head * 1.15, colour)


def birds(pen: Pen, rng: Rng, at: Point, spread: float, colour: RGB) -> None:
    """A few gulls about a point."""
    x, y = at
    for _ in range(int(rng.integers(2, 7))):
        bx, by, wing = x + rng.normal(0, spread), y + rng.normal(0, spread * 0.4), rng.uniform(3, 7)
        lift = wing * rng.uniform(0.2, 0.6)
        left, right = (bx - wing, by - lift), (bx + wing, by - lift * rng.uniform(0.5, 1.2))
        pen.line([left, (bx - wing * 0.45, by - lift * 1.1), (bx, by)], colour, 1)
        pen.line([(bx, by), (bx + wing * 0.45, by - lift * 1.1), right], colour, 1)
