"""What things are made of: plaster, boards, linen, twill, printed cloth, sawn wood, folds.

Belongs here: textures that fill a picture and that more than one subject is laid on or cut from.
"""

import math

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    Palette,
    Rng,
    Size,
    colour_ramp,
    fraction,
    gradient,
    grid,
    halved,
    mix,
    one_of,
    smooth_noise,
    turned_axes,
)
from demo_generator.pictures.light import as_bytes, from_pixels, relit

PRINTS = ("stripes", "dots", "gingham", "zigzag", "scales", "checks", "leopard", "waves", "swirls")


def mottle(image: Image.Image, rng: Rng, colour: RGB, scale: int, opacity: float) -> None:
    """Blotches of a colour, as on plaster, painted onto the picture."""
    noise = smooth_noise(rng, halved(image.size), max(2, scale // 2))
    mask = Image.fromarray((noise * 255 * opacity).astype(np.uint8))
    image.paste(colour, (0, 0), mask.resize(image.size, Image.Resampling.BILINEAR))


def plaster(rng: Rng, size: Size, top: RGB, bottom: RGB, palette: Palette) -> Image.Image:
    """A plastered wall, from its colour at the top to that at the bottom."""
    image = gradient(size, [(0, top), (1, bottom)])
    mottle(image, rng, palette.ink, int(rng.integers(30, 90)), 0.16)
    mottle(image, rng, palette.light, 14, 0.1)
    return image


def boards(rng: Rng, size: Size, colour: RGB, dark: RGB, across: bool) -> Image.Image:
    """Planks with their grain, lying ``across`` the picture or standing upright in it."""
    long, wide = size if across else (size[1], size[0])
    rough = rng.random((wide // 2, max(3, long // 90))) * 0.5 + 0.5 * rng.random((wide // 2, 1))
    fine = Image.fromarray((rough * 255).astype(np.uint8)).resize((long, wide), Image.Resampling.BICUBIC)
    plank = wide / int(rng.integers(3, 8))
    at = (np.arange(wide) + rng.uniform(0, plank)) / plank
    tones = rng.uniform(-0.16, 0.16, 12)[at.astype(int)]
    gaps = np.clip(1.6 - np.abs((at % 1) - 0.5 * (1 / plank)) * plank, 0, 1) * 0.6
    tone = 0.45 + 0.4 * (np.asarray(fine, dtype=np.float32) / 255 - 0.5) + (tones + gaps)[:, None]
    index = as_bytes(tone)
    steps = np.linspace(0, 1, 256)[:, None]
    ramp = (np.array(colour) * (1 - steps) + np.array(dark) * steps).astype(np.uint8)
    return Image.fromarray(ramp[index if across else index.T])


def linen(rng: Rng, size: Size, colour: RGB, palette: Palette, calm: float = 0.0) -> Image.Image:
    """Cloth lying in folds; a larger ``calm`` smooths it."""
    width, height = half = halved(size)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / 150
    bend, ripple = smooth_noise(rng, half, 110) - 0.5, smooth_noise(rng, half, 40) - 0.5
    turn = rng.uniform(0, math.pi)
    along = turned_axes(x, y, turn)[0]
    if rng.random() < 0.4:  # folds run together towards a point outside or at the edge
        centre = rng.uniform(-0.8, 0.1), rng.uniform(-0.8, 2.0)
        along = 1.5 * np.arctan2(y - centre[1], x - centre[0])
    fan = rng.uniform(8, 15) * along + rng.uniform(5, 9) * bend
    hill: np.ndarray = np.zeros((height, width), dtype=np.float32)
    for pitch, weight in ((1.0, 1.0), (1.7, 0.5), (3.1, 0.22)):  # wide folds, and finer ones between them
        phase = pitch * fan + ripple * 0.9 + rng.uniform(0, 6)
        height_here = 0.15 + 0.85 * smooth_noise(rng, half, int(80 / pitch) + 20)
        hill += weight * height_here * np.sin(phase + 0.55 * np.sin(phase))
    hill = hill * 0.62 * (1 - 0.7 * calm) + 1.3 * bend + 0.5 * ripple
    dy, dx = np.gradient(hill)
    lamp = turn + rng.uniform(-0.5, 0.5)
    tone = 0.62 + 4.2 * (dx * math.cos(lamp) + dy * math.sin(lamp)) + 0.07 * hill
    dark, body = mix(colour, palette.ink, 0.72), mix(colour, palette.deep, 0.18)
    bright = mix(colour, palette.light, 0.75)
    ramp = colour_ramp([(0, dark), (0.35, mix(body, palette.deep, 0.4)), (0.62, body), (1, bright)])
    return Image.fromarray(ramp[as_bytes(tone)]).resize(size, Image.Resampling.BICUBIC)


def table_top(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A table top looked down on: boards, cloth or plain stone."""
    kind = rng.integers(4)
    if kind == 0:
        body = mix(palette.mid, palette.deep, rng.uniform(0.2, 0.9))
        return boards(rng, size, body, mix(body, palette.ink, 0.6), bool(rng.random() < 0.5))
    if kind == 1:
        return linen(rng, size, mix(palette.light, palette.mid, rng.uniform(0, 0.7)), palette, 0.55)
    if kind == 2:
        return plaster(rng, size, palette.deep, mix(palette.deep, palette.ink, 0.6), palette)
    return plaster(rng, size, mix(palette.light, palette.mid, 0.5), palette.mid, palette)


def folds_light(rng: Rng, size: Size, depth: float) -> np.ndarray:
    """The light on cloth that lies in soft folds: about 1, up to ``depth`` more or less."""
    half = halved(size)
    along = turned_axes(*grid(half), rng.uniform(0, math.pi))[0] / half[0]
    warped = along * rng.uniform(3, 7) + smooth_noise(rng, half, 60) * rng.uniform(1.5, 3.5)
    light = 1 + depth * (np.sin(warped) * 0.7 + np.sin(warped * 2.3 + 1) * 0.3)
    return np.asarray(Image.fromarray(light.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))


def twill(rng: Rng, size: Size, colour: RGB, pitch: float) -> Image.Image:
    """Plain cloth close by: the slant of its threads, slubs, wear."""
    x, y = (value * (2 * math.pi / pitch) for value in grid(size))
    slant = one_of(rng, (0.0, 0.8, -0.8))
    # The sine of a sum from the sines of its parts: whole rows and columns rather than every pixel.
    threads = np.sin(x) * (np.cos(y) if slant else 1.0) + slant * np.cos(x) * np.sin(y)
    threads = threads + np.sin(y * 0.9) * 0.6
    slubs = smooth_noise(rng, (size[0], size[1] // 8 + 2), 5).repeat(8, axis=0)[: size[1]]
    light = 0.87 + threads * 0.045 + slubs * 0.1 + smooth_noise(rng, size, 70) * 0.2
    return relit(Image.new("RGB", size, colour), light)


def printed_pattern(rng: Rng, size: Size, kind: str, scale: float) -> np.ndarray:
    """A printed pattern as a share in [0, 1] of its second colour, at each pixel; one of ``PRINTS``."""
    angle = one_of(rng, (0.0, math.pi / 4, -math.pi / 4, math.pi / 2))
    across, down = (along / scale for along in turned_axes(*grid(size), angle))
    sharp, row = scale * 0.5, np.floor(down)
    if kind == "stripes":
        share = np.sin(across * 2 * np.pi) * sharp * 0.4 + 0.5
    elif kind == "dots":
        away = np.hypot(fraction(across + row / 2) - 0.5, fraction(down) - 0.5)
        share = (0.3 - away) * sharp * 2 + 0.5
    elif kind == "gingham":
        warp, weft = (np.clip(np.sin(along * 2 * np.pi) * sharp + 0.5, 0, 1) for along in (across, down))
        share = (warp + weft) / 2
    elif kind == "zigzag":
        zig = np.abs(fraction(across / 2) * 2 - 1) * 0.9
        share = np.sin((down + zig) * 2 * np.pi) * sharp * 0.4 + 0.5
    elif kind == "scales":
        away = np.hypot(fraction(across + row / 2) - 0.5, (down - row) * 0.75)
        share = np.sin(away * 16) * sharp * 0.4 + 0.5
    elif kind == "checks":
        share = np.sin(across * np.pi) * np.sin(down * np.pi) * sharp + 0.5
    elif kind == "leopard":
        blobs = smooth_noise(rng, size, max(4, int(scale * 0.7))) - 0.5
        blobs = blobs + (smooth_noise(rng, size, 5) - 0.5) * 0.25
        share = 1 - np.abs(np.abs(blobs) - 0.2) * 16
    elif kind == "waves":
        share = np.sin((down + np.sin(across * 3) * 0.4) * 2 * np.pi) * sharp * 0.4 + 0.5
    else:
        share = np.sin((across + smooth_noise(rng, size, 50) * 2.6) * 2 * np.pi) * sharp * 0.3 + 0.5
    return np.asarray(np.clip(share, 0, 1), np.float32)


def sawn_figure(rng: Rng, size: Size, upright: bool) -> np.ndarray:
    """The figure of a sawn board in [0, 1]: long rings about a far pith, bent around knots."""
    width, height = size if upright else size[::-1]
    x, y = grid((width, height))
    across = (x - width * rng.uniform(-0.3, 1.3)) / width
    along = (y - height * rng.uniform(0.1, 0.9)) / height
    depth = np.sqrt((across * rng.uniform(6, 12)) ** 2 + (along * rng.uniform(0.6, 3)) ** 2 + 0.2)
    depth = depth + (smooth_noise(rng, (width, height), 110) - 0.5) * 0.9
    for _ in range(int(rng.integers(0, 3))):
        kx, ky, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(6, 13)
        depth = depth + 3.2 * np.exp(-0.8 * np.hypot((x - kx) / radius, (y - ky) / (radius * 1.8)))
    rings = fraction(depth * rng.uniform(1.6, 3.0))
    fibre = smooth_noise(rng, (width, height // 10 + 2), 2).repeat(10, axis=0)[:height]
    figure = rings * rings * 0.55 + fibre * 0.4 * (0.4 + rings)
    return np.asarray(figure if upright else figure.T, np.float32)


def paper_sheet(rng: Rng, size: Size, colour: RGB, blotch: float = 14.0) -> Image.Image:
    """A sheet of ``colour`` with its blotches, under a light that falls from one side."""
    width, height = half = halved(size)
    tone = (smooth_noise(rng, half, 65) - 0.5) * blotch + (smooth_noise(rng, half, 13) - 0.5) * blotch * 0.4
    tone += np.linspace(-1, 1, width, dtype=np.float32) * rng.uniform(-7, 7)
    tone += np.linspace(6, -6, height, dtype=np.float32)[:, None]
    return from_pixels(np.array(colour, np.float32) + tone[..., None]).resize(size, Image.Resampling.BILINEAR)
