"""Broken pots joined with gold.

Belongs here: clay and glaze.
"""

import math
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops

from demo_generator.pictures.canvas import (
    RGB,
    WHITE,
    Box,
    Palette,
    Point,
    Rng,
    Size,
    gradient,
    grid,
    mix,
    one_of,
    smooth_noise,
    turned_axes,
)
from demo_generator.pictures.light import blended, grain, relit, stencil, two_toned, vignette
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.surfaces import folds_light, sawn_figure, twill

_Place: TypeAlias = Box


def _crack(rng: Rng, start: Point, heading: float, long: float) -> list[np.ndarray]:
    """A crack that wanders and forks."""
    count = max(5, int(long / 7))
    turns = heading + np.cumsum(rng.normal(0, 0.2, count))
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * long / count
    line = np.concatenate([[start], np.array(start) + np.cumsum(steps, axis=0)])
    lines = [line]
    for at in rng.integers(2, count, int(rng.integers(0, 3))).tolist():
        if long > 30:
            side = one_of(rng, (-1, 1)) * rng.uniform(0.6, 1.1)
            fork = (float(line[at, 0]), float(line[at, 1]))
            lines += _crack(rng, fork, float(turns[at]) + side, long * rng.uniform(0.35, 0.6))
    return lines


def _gilded(picture: Image.Image, lines: list[np.ndarray], inside: Image.Image, gold: RGB) -> Image.Image:
    """Fill cracks with ``gold``: raised, lit from above, only where the clay is."""
    left, top, right, bottom = inside.getbbox() or (0, 0, 1, 1)
    pen = Pen.mask((right - left, bottom - top))
    for line in lines:
        moved = line - np.array([left, top])
        pen.line(moved, 255, 3)
        pen.disc(float(moved[0, 0]), float(moved[0, 1]), 2.5, 255)
    cut = ImageChops.multiply(pen.drawn(), inside.crop((left, top, right, bottom)))
    under = ImageChops.offset(cut, 1, 2).point([value // 2 for value in range(256)])
    bright = ImageChops.subtract(cut, ImageChops.offset(cut, 1, 1))
    dull = ImageChops.subtract(cut, ImageChops.offset(cut, -1, -1))
    hollow, shine = mix(gold, (20, 10, 5), 0.8), mix(gold, (255, 250, 230), 0.65)
    shades = (hollow, gold, shine, mix(gold, (60, 30, 10), 0.5))
    for shade, mask in zip(shades, (under, cut, bright, dull), strict=True):
        picture.paste(shade, (left, top), mask)
    return picture


def _thrown(rng: Rng, along: np.ndarray) -> np.ndarray:
    """The half-width of a pot from its rim (0) to its foot (1): bowl, cup, vase, jar or bottle."""
    kind = one_of(rng, ("bowl", "bowl", "cup", "vase", "jar", "bottle"))
    if kind == "bowl":
        return np.sqrt(np.clip(1 - (along * 0.97) ** rng.uniform(1.8, 2.8), 0.06, 1)).astype(np.float32)
    knots = {
        "cup": (1, 0.98, 0.95, 0.9, 0.82, 0.62),
        "vase": (0.42, 0.34, 0.4, 0.8, 1, 0.9, 0.66, 0.45),
        "jar": (0.62, 0.56, 0.85, 1, 1, 0.92, 0.75, 0.6),
        "bottle": (0.24, 0.2, 0.22, 0.3, 0.62, 0.7, 0.7, 0.66, 0.6),
    }[kind]
    soft = np.interp(along, np.linspace(0, 1, len(knots)), knots)
    kernel = np.hanning(max(5, len(along) // 14))
    padded = np.pad(soft, len(kernel), mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "same")[len(kernel) : -len(kernel)].astype(np.float32)


def _glazed(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """The glaze of a pot: two tones that run into one another, speckles."""
    tones = [palette.light, palette.mid, palette.deep, mix(palette.deep, palette.ink, 0.5)]
    first, second = one_of(rng, tones), one_of(rng, tones)
    _, y = grid(size)
    edge = (y / size[1] - rng.uniform(0.3, 0.8) + (smooth_noise(rng, size, 34) - 0.5) * 0.3) * 7 + 0.5
    glaze = two_toned(edge, first, mix(first, second, 0.7))
    if rng.random() < 0.6:
        glaze = blended(glaze, palette.ink, np.clip((smooth_noise(rng, size, 3) - 0.84) * 4, 0, 0.6))
    return glaze


def _stand(
    rng: Rng, picture: Image.Image, palette: Palette, place: _Place, side: float
) -> tuple[Image.Image, Image.Image]:
    """A pot stood at ``place`` (middle, foot, half its width, height), lit from ``side``; and its mask."""
    cx, foot, half, tall = place
    size, top = picture.size, foot - tall
    x, y = grid(size)
    along = np.clip((y - top) / tall, 0, 1)
    reach = _thrown(rng, along[:, 0]) * half
    across = np.clip((x - cx) / reach[:, None], -2, 2)
    mouth, base = float(reach[int(top)]), float(reach[int(foot) - 1])
    rim = ((x - cx) / mouth) ** 2 + ((y - top) / (mouth * 0.2)) ** 2
    under = ((x - cx) / base) ** 2 + ((y - foot) / (base * 0.14)) ** 2
    wall = np.clip((1 - np.abs(across)) * reach[:, None], 0, 1) * ((y >= top) & (y <= foot))
    body = np.maximum(wall, np.clip((1 - under) * 20, 0, 1) * (y > foot - 1))
    far = np.hypot((x - cx + side * half * 0.7) / (half * 1.7), (y - foot - 3) / (half * 0.3))
    shadow = np.clip(1.3 - far, 0, 1)
    picture = relit(picture, 1 - 0.62 * shadow * np.sqrt(shadow))
    glaze = _glazed(rng, size, palette)
    shade = 0.32 + 0.5 * np.sqrt(np.clip(1 - across * across, 0, 1)) + 0.42 * across * side
    gleam = np.exp(-(((across - side * 0.45) / 0.1) ** 2) - ((along - 0.3) / 0.16) ** 2)
    turned = relit(glaze, np.clip(shade, 0.12, 1.3) * (1.08 - 0.32 * along))
    clay = blended(turned, (255, 252, 244), gleam * 0.45)
    picture = blended(picture, clay, body)
    inner = np.clip((1 - rim) * 14, 0, 1)
    hollow = np.clip(0.42 - 0.3 * side * (x - cx) / half + 0 * y, 0.12, 0.8)
    picture = blended(picture, relit(glaze, hollow), inner)
    lip = np.clip(1 - np.abs(rim - 1) * 9, 0, 1) * 0.45
    return blended(picture, mix(palette.light, WHITE, 0.2), lip), stencil(np.maximum(body, inner))


def _pot_from_side(rng: Rng, size: Size, palette: Palette, gold: RGB) -> Image.Image:
    """A mended pot on a table, lit from one side, sometimes beside a whole one."""
    width, height = size
    wall = mix(palette.light, palette.mid, rng.uniform(0, 0.9))
    table = mix(palette.deep, palette.mid, rng.uniform(0, 0.8))
    if rng.random() < 0.35:
        wall = mix(palette.ink, palette.deep, 0.4)
        table = mix(palette.ink, palette.deep, rng.uniform(0.0, 0.8))
    side = one_of(rng, (-1.0, 1.0))
    foot = height * rng.uniform(0.66, 0.84)
    line = (foot - height * rng.uniform(0.03, 0.12)) / height
    lit_edge = mix(table, palette.light, 0.15)
    stops = [(0, mix(wall, palette.ink, 0.2)), (line, wall), (line + 0.004, lit_edge), (1, table)]
    picture = gradient(size, stops)
    x, y = grid(size)
    light = 1.02 - 0.3 * np.abs(x / width - 0.5 - side * 0.35) + 0 * y
    if rng.random() < 0.5:
        pane = np.abs((x + side * y * rng.uniform(0.3, 0.7)) / width - rng.uniform(0.3, 0.7) - side * 0.2)
        bars = np.clip(9 * (0.24 - pane), 0, 1) * np.clip(9 * (pane - 0.012), 0, 1)
        low = np.clip((line * 0.96 - y / height) * 12, 0, 1)
        light = light + 0.28 * bars * low * np.clip(y / height * 9 - 0.6, 0, 1)
    picture = relit(picture, light)
    half, cx = width * rng.uniform(0.25, 0.4), width * rng.uniform(0.4, 0.6)
    if rng.random() < 0.4:
        cx = width * (0.5 - side * 0.14)
        far = (width * (0.5 + side * 0.27), foot - height * 0.02, width * rng.uniform(0.12, 0.18))
        picture, _ = _stand(rng, picture, palette, (*far, far[2] * rng.uniform(1.4, 2.6)), side)
        half *= 0.85
    tall = min(half * rng.uniform(0.9, 2.1), foot - height * 0.12)
    picture, clay = _stand(rng, picture, palette, (cx, foot, half, tall), side)
    hit = (cx + rng.uniform(-0.35, 0.35) * half, foot - tall * rng.uniform(0.4, 0.75))
    lines: list[np.ndarray] = []
    for angle in np.linspace(0, 2 * math.pi, int(rng.integers(3, 6)), endpoint=False) + rng.uniform(0, 6):
        lines += _crack(rng, hit, float(angle), half * rng.uniform(0.7, 1.5))
    return _gilded(picture, lines, clay, gold)


def _dish_from_above(rng: Rng, size: Size, palette: Palette, gold: RGB) -> Image.Image:
    """A mended dish seen from above on wood or cloth."""
    width, height = size
    ground = one_of(rng, (palette.deep, palette.ink, palette.mid, mix(palette.light, palette.mid, 0.5)))
    if rng.random() < 0.5:
        base = relit(twill(rng, size, ground, rng.uniform(3, 6)), folds_light(rng, size, 0.1))
    else:
        figure = sawn_figure(rng, size, bool(rng.random() < 0.5))
        base = two_toned(figure, ground, mix(ground, palette.ink, 0.5))
    x, y = grid(size)
    radius = width * rng.uniform(0.32, 0.56)
    cx, cy = width * rng.uniform(0.32, 0.68), height * rng.uniform(0.35, 0.65)
    uneven = 1 + 0.02 * np.sin(np.arctan2(y - cy, x - cx) * 3 + rng.uniform(0, 6))
    distance = np.hypot(x - cx, y - cy) / (radius * uneven)
    angle, well = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 0.75)
    toward = turned_axes(x - cx, y - cy, angle)[0] / radius
    step = np.exp(-(((distance - well) / 0.05) ** 2))
    shade = 0.95 + np.where(distance > well, -0.22, 0.05) * toward - 0.3 * step * (0.5 - toward)
    shade -= 0.35 * np.clip((distance - 0.93) * 14, 0, 1)
    fall_x, fall_y = math.cos(angle) * radius * 0.12, math.sin(angle) * radius * 0.12
    away = np.hypot(x - cx + fall_x, y - cy + fall_y) / radius
    picture = relit(base, 1 - np.clip(1.22 - away, 0, 0.2) * 3)
    rings = np.clip(np.sin(distance * rng.uniform(20, 60)) - 0.6, 0, 1) * rng.uniform(0, 0.8)
    dish = relit(blended(_glazed(rng, size, palette), palette.deep, rings), shade)
    rim = np.exp(-(((distance - 0.85) / 0.03) ** 2))
    dish = blended(dish, (255, 252, 244), rim * np.clip(toward, 0, 1) * 0.4)
    body = np.clip((1 - distance) * radius, 0, 1)
    hit = (cx + rng.uniform(-0.5, 0.5) * radius, cy + rng.uniform(-0.5, 0.5) * radius)
    lines: list[np.ndarray] = []
    for heading in np.linspace(0, 2 * math.pi, int(rng.integers(3, 6)), endpoint=False) + rng.uniform(0, 6):
        lines += _crack(rng, hit, float(heading), radius * rng.uniform(1.0, 1.7))
    return _gilded(blended(picture, dish, body), lines, stencil(body), gold)


def cracked_bowl(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A broken pot joined with gold: from the side on its table, or a dish from above."""
    gold = mix(mix(palette.accent, (222, 172, 84), rng.uniform(0.35, 0.8)), palette.light, 0.1)
    draw = _pot_from_side if rng.random() < 0.58 else _dish_from_above
    return vignette(grain(draw(rng, size, palette, gold), rng, 5), 0.35)
