"""Winter out of doors: leafless trees and fields of snow.

Belongs here: bare and snowed-in country. The empty chairs of winter are in ``rooms``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from demo_generator.pictures.canvas import (
    RGB,
    WHITE,
    Palette,
    Point,
    Rng,
    Size,
    halved,
    mix,
    smoothstep,
)
from demo_generator.pictures.landscape import (
    DAY,
    DUSK,
    GREY,
    NIGHT,
    birds,
    disc_mask,
    fill_land,
    glow_mask,
    ground_noise,
    layered_noise,
    nearness,
    open_sky,
    sky_colours,
    walking_figure,
    wandering,
)
from demo_generator.pictures.light import finished_by_day, paint
from demo_generator.pictures.pen import Pen
from demo_generator.pictures.shapes import between, tapered


@dataclass(frozen=True)
class _Tree:
    """A tree to be drawn: where it stands, its height and slant, its forks, and how much fog is before it."""

    root: Point
    tall: float
    lean: float
    levels: int
    fog: float = 0.0


def _stand_of_trees(rng: Rng, size: Size, kind: int, ground: float) -> list[_Tree]:
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
    boughs = []
    for _ in range(int(rng.integers(1, 3))):
        root = (edge, height * rng.uniform(0.15, 0.9))
        boughs.append(_Tree(root, height * rng.uniform(0.7, 1.1), side * rng.uniform(0.7, 1.6), 9))
    return boughs


def _branches(rng: Rng, tree: _Tree, spread: float) -> list[tuple[float, float, float, float, float]]:
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
        long, short = rng.uniform(0.78, 0.95, len(length)), rng.uniform(0.55, 0.85, len(length))
        length = np.concatenate([length * long, length * short])
        thick = np.concatenate([thick * 0.76, thick * 0.5])
        at = np.concatenate([end, end])
    return [(x0, y0, x1, y1, w) for x0, y0, x1, y1, w in np.concatenate(found).tolist()]


def bare_tree(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """A leafless tree: alone on a rise, one of a row in fog, or overhead against a pale sky."""
    width, height = size
    hour, kind = int(rng.choice([DAY, GREY, GREY, DUSK, NIGHT])), int(rng.integers(4))
    ground = height * rng.uniform(0.72, 0.93)
    image = open_sky(rng, size, palette, ground, hour)
    _, _, low = sky_colours(palette, hour)
    sun = (width * rng.uniform(0.2, 0.8), ground * rng.uniform(0.2, 0.9))
    disc = palette.accent if hour in (DAY, DUSK) else palette.light
    paint(image, palette.light, glow_mask(size, *sun, width * 0.5) * 0.65)
    if rng.random() < 0.6:
        paint(image, mix(disc, low, 0.15), disc_mask(size, *sun, width * rng.uniform(0.05, 0.16)) * 0.85)
    dark = mix(palette.ink, palette.deep, 0.15)
    snow = mix(palette.light, low, 0.4) if hour < DUSK else mix(palette.mid, palette.deep, 0.3 + 0.2 * hour)
    if kind < 3:
        line = ground - height * rng.uniform(0.01, 0.06) * wandering(rng, width, width * 0.9, 0.25)
        fill_land(image, line, snow, mix(snow, palette.deep, 0.35), height * 0.25)
    spread = rng.uniform(0.35, 0.65)
    pen = Pen.over(image)
    for tree in _stand_of_trees(rng, size, kind, ground):
        (x, y), tone, w = tree.root, mix(dark, low, tree.fog), tree.tall * 0.03
        for x0, y0, x1, y1, thick in _branches(rng, tree, spread):
            pen.line([(x0, y0), (x1, y1)], tone, thick)
            if thick > 2.5:
                pen.disc(x1, y1, thick * 0.46, tone)
        if kind < 3:
            neck, up = x + 2.5 * w * math.sin(tree.lean), y - 2.5 * w
            pen.shape(tapered(neck, up, w * 0.7, x, y, w * 1.2), tone)
            pen.oval(x, y + w * 0.6, w * 2.2, w * 0.7, snow)
    birds(pen, rng, sun, 30, dark)
    image = pen.drawn()
    if kind < 3:
        fog = layered_noise(rng, halved(size), width * 0.35, height * 0.08, 2)
        mist = nearness(halved(size), height * 0.2) * fog
        paint(image, low, smoothstep(mist, 0.25, 0.9) * rng.uniform(0.2, 0.8))
    return finished_by_day(image, rng)


def _fence(pen: Pen, rng: Rng, far: Point, near: Point, colours: tuple[RGB, RGB]) -> None:
    """Leaning posts and a wire from ``far`` to ``near``; ``colours`` are its own and that of its shadows."""
    dark, shade = colours
    tops: list[Point] = []
    reach = near[1] - far[1]
    for along in (np.linspace(1, 0.05, 11) ** 1.7).tolist():
        x, y = between(far, near, along)
        tall = reach * (0.02 + 0.32 * along)
        pen.line([(x, y), (x + tall * 0.8, y + tall * 0.25)], shade, 1 + 3 * along)
        pen.line([(x, y), (x + rng.normal(0, tall * 0.05), y - tall)], dark, 1 + 4.5 * along)
        tops.append((x, y - tall * 0.75))
    pen.line(tops, dark, 0.8)


def _barn(pen: Pen, at: Point, wide: float, colours: tuple[RGB, RGB, RGB, RGB]) -> None:
    """A barn under snow; ``colours`` are wall, roof, the shadow it throws, and its dark door."""
    (x, base), (wall, roof, shade, dark) = at, colours

    def shape(corners: Sequence[Point], colour: RGB) -> None:
        pen.shape([(x + across * wide, base + down * wide) for across, down in corners], colour)

    shape([(-1, 0), (1, 0), (2, 0.4), (0.6, 0.4)], shade)
    shape([(-1, 0), (-1, -0.6), (1, -0.6), (1, 0)], wall)
    shape([(0.45, 0), (0.45, -0.6), (0.73, -1.12), (1, -0.6), (1, 0)], mix(wall, dark, 0.45))
    shape([(-1.1, -0.52), (-0.8, -1.15), (0.73, -1.15), (0.42, -0.52)], mix(roof, shade, 0.35))
    shape([(-1.1, -0.52), (0.42, -0.52), (0.42, -0.47), (-1.1, -0.47)], dark)
    verge = [(x + across * wide, base + down * wide) for across, down in ((0.73, -1.15), (1.07, -0.52))]
    pen.line(verge, roof, wide * 0.07)
    shape([(-0.45, 0), (-0.45, -0.36), (-0.1, -0.36), (-0.1, 0)], dark)


def snow_field(rng: Rng, size: Size, palette: Palette) -> Image.Image:
    """Snow to the horizon: drifts, blue shadows, a trail of steps, a fence, a barn, falling flakes."""
    width, height = size
    hour = int(rng.choice([DAY, GREY, DUSK, NIGHT]))
    horizon = height * rng.uniform(0.25, 0.62)
    image = open_sky(rng, size, palette, horizon, hour)
    _, middle, low = sky_colours(palette, hour)
    sun = glow_mask(size, width * rng.random(), horizon * rng.uniform(0.3, 1), width * 0.45)
    paint(image, palette.light, sun * 0.6)
    if rng.random() < 0.75:
        tall = height * rng.uniform(0.01, 0.07)
        trees = np.abs(wandering(rng, width, 60, 0.75))
        woods = horizon - tall * trees * smoothstep(wandering(rng, width, 200) + 0.4, 0, 1)
        fill_land(image, woods, mix(low, palette.deep, rng.uniform(0.4, 0.9)), low, height * 0.12)
    bright = mix(mix(palette.light, WHITE, 0.45), palette.deep, (0.0, 0.08, 0.15, 0.5)[hour])
    shade = mix(bright, mix(palette.mid, palette.deep, 0.5), (0.6, 0.55, 0.7, 0.8)[hour])
    for index in range(int(rng.integers(2, 6))):
        depth = index / 5
        roll = height * 0.04 * wandering(rng, width, width * 0.9, 0.25) * depth
        drift = horizon + (height - horizon) * depth**1.4 - roll
        fill_land(image, drift, bright, shade, height * rng.uniform(0.1, 0.26))
    below = width, height - int(horizon)
    wind = ground_noise(rng, below, 26, 3)
    paint(image, shade, smoothstep(wind, 0.5, 0.8) * np.linspace(0, 0.6, below[1])[:, None], int(horizon))
    start = width * rng.uniform(0.2, 0.8)
    end = width * rng.uniform(-0.1, 1.1)
    bow = rng.uniform(-0.4, 0.4) * width
    kind, dark = int(rng.integers(5)), mix(palette.ink, palette.deep, 0.15 + 0.1 * (hour == 0))
    if kind == 2:
        end = start + width * rng.uniform(0.5, 0.9) * (-1 if start > width / 2 else 1)
    pen = Pen.over(image)
    if kind == 2:
        _fence(pen, rng, (start, horizon + 4), (end, height * 0.98), (dark, shade))
    elif kind == 3:
        base = horizon + height * rng.uniform(0.02, 0.1)
        wall = mix(palette.accent, dark, 0.45)
        _barn(pen, (start, base), width * rng.uniform(0.08, 0.22), (wall, bright, shade, dark))
    else:
        for step in range(70):
            along = (1 - step / 70) ** 2.2
            sway = (1 if step % 2 else -1) * (0.6 + 7 * along)
            x = start + (end - start) * along + bow * math.sin(math.pi * along) + sway
            y = horizon + 4 + (height - horizon) * along
            pen.oval(x, y, 0.7 + 3.4 * along, 0.5 + 2.4 * along, mix(shade, palette.deep, 0.55))
        if kind:
            walking_figure(pen, (start, horizon + 6), height * 0.055, dark, 0.08)
    for _ in range(int(rng.choice([0, 60, 160]))):
        radius = rng.uniform(0.5, 2)
        pen.disc(width * rng.random(), height * rng.random(), radius, mix(bright, middle, 0.2))
    return finished_by_day(pen.drawn(), rng, 0.22)
