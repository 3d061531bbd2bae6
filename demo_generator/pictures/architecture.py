"""What pictures of built things share: weathered stone, arches, lit windows, signals, small figures.

Belongs here: parts of streets, churches and railways that more than one of them needs.
"""

from collections.abc import Sequence
from math import cos, pi, sin
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_generator.pictures.canvas import (
    BLACK,
    RGB,
    Palette,
    Point,
    Rng,
    Size,
    mix,
    one_of,
    smooth_noise,
)
from demo_generator.pictures.light import shaded
from demo_generator.pictures.pen import Ink, Pen
from demo_generator.pictures.perspective import Plane

Pane: TypeAlias = tuple[float, float, float, float]


def quarter_grid(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (y, x) of a picture's pixels, every fourth one: enough for soft light."""
    y, x = np.mgrid[0 : size[1] : 4, 0 : size[0] : 4].astype(np.float32)
    return y, x


def weathered(image: Image.Image, rng: Rng, strength: float = 0.16) -> Image.Image:
    """Concrete or plaster: mottled, with faint streaks where water ran down."""
    width, height = image.size
    streaks = np.repeat(smooth_noise(rng, (width, 4), 5)[:1], height, axis=0)
    fine = smooth_noise(rng, image.size, 3)
    mottled = smooth_noise(rng, image.size, 46) * 0.45 + streaks * 0.3 + fine * 0.25
    return shaded(image, 1.03 - strength * 1.4 * mottled)


def ridge_line(rng: Rng, size: Size, base: float, swing: float) -> list[Point]:
    """A rolling skyline about ``base``, closed along the bottom of the picture."""
    x = np.linspace(0, 1, 60)
    waves = np.sum([np.sin(x * pace * 5 + rng.uniform(0, 7)) / pace for pace in (1, 2, 4, 9)], axis=0)
    y = base + swing * waves
    width, height = size
    skyline = [(float(across) * width, float(down)) for across, down in zip(x, y, strict=True)]
    return [*skyline, (width, height), (0, height)]


def person(pen: Pen, x: float, foot: float, tall: float, fill: Ink) -> None:
    """A small standing figure in a coat."""
    pen.oval(x, foot - tall * 0.91, tall * 0.075, tall * 0.09, fill)
    coat = [(-0.06, 0.84), (0.06, 0.84), (0.14, 0.72), (0.15, 0.3), (-0.15, 0.3), (-0.14, 0.72)]
    pen.shape([(x + across * tall, foot - up * tall) for across, up in coat], fill)
    for side in (-0.06, 0.06):
        pen.box((x + (side - 0.045) * tall, foot - tall * 0.32, x + (side + 0.04) * tall, foot), fill)


def _lit_room(pen: Pen, rng: Rng, plane: Plane, pane: Pane, lamp: RGB, dark: RGB) -> None:
    """A window with a light on, and sometimes a blind, curtains or somebody standing at it."""
    u0, v0, u1, v1 = pane
    wide, tall = u1 - u0, v1 - v0
    pen.shape(plane.box(*pane), mix(lamp, dark, 0.3))
    pen.shape(plane.box(u0, v0, u1, v0 + tall * rng.uniform(0.45, 0.75)), lamp)
    inside = rng.random()
    if inside < 0.25:
        pen.shape(plane.box(u0, v0, u1, v0 + tall * rng.uniform(0.2, 0.6)), mix(lamp, dark, 0.45))
    elif inside < 0.5:
        for start, end in ((u0, u0 + wide * 0.25), (u1 - wide * 0.25, u1)):
            pen.shape(plane.box(start, v0, end, v1), mix(lamp, dark, 0.5))
    elif inside < 0.62:
        left, right, low = plane.at(u0, v0), plane.at(u1, v0), plane.at(u0, v1)
        broad = (right[0] - left[0]) / (low[1] - left[1])
        x, turn = u0 + wide * rng.uniform(0.35, 0.65), np.arange(0, 6.3, 0.6)
        wide = wide / max(1.0, broad)
        face = [
            plane.at(x + wide * 0.13 * cos(angle), v0 + tall * (0.44 + 0.13 * sin(angle))) for angle in turn
        ]
        pen.shape(face, mix(dark, lamp, 0.1))
        body = [(-0.08, 0.5), (0.08, 0.5), (0.24, 0.68), (0.26, 1), (-0.26, 1), (-0.24, 0.68)]
        body = [(x + wide * across, v0 + tall * down) for across, down in body]
        pen.shape(plane.seen(body), mix(dark, lamp, 0.1))


def windows_at_night(
    pen: Pen, rng: Rng, plane: Plane, wall: RGB, palette: Palette, cells: Size, lit: float
) -> None:
    """A wall of windows at night, most of them dark."""
    columns, rows = cells
    pen.shape(plane.box(0, 0, 1, 1), wall)
    side, head, foot = rng.uniform(0.14, 0.3), rng.uniform(0.14, 0.25), rng.uniform(0.16, 0.34)
    ledges, crossed = rng.random() < 0.5, rng.random() < 0.6
    lamps = [mix(palette.light, palette.accent, share) for share in (0.15, 0.3, 0.45, 0.75, 1.0)]
    lamps.append(mix(palette.mid, palette.light, 0.35))
    dark = [mix(wall, palette.ink, share) for share in (0.55, 0.75, 0.4)] + [mix(wall, palette.deep, 0.5)]
    sill = mix(wall, palette.mid, 0.25)
    frame = mix(wall, palette.ink, 0.3)
    unlit = mix(wall, palette.ink, 0.6)
    lights_on = set(rng.permutation(columns * rows)[: max(2, round(lit * columns * rows))].tolist())
    for row in range(rows):
        v0, v1 = (row + head) / rows, (row + 1 - foot) / rows
        if ledges:
            ledge = plane.box(0, v1 + 0.08 / rows, 1, v1 + 0.14 / rows)
            pen.shape(ledge, sill)
        for column in range(columns):
            u0, u1 = (column + side) / columns, (column + 1 - side) / columns
            if row * columns + column in lights_on:
                lamp = mix(one_of(rng, lamps), palette.ink, rng.uniform(0, 0.35))
                _lit_room(pen, rng, plane, (u0, v0, u1, v1), lamp, unlit)
            else:
                pen.shape(plane.box(u0, v0, u1, v1), one_of(rng, dark))
            if crossed:
                bar, middle = (u1 - u0) * 0.035, (u0 + u1) / 2
                pen.shape(plane.box(middle - bar, v0, middle + bar, v1), frame)


def bokeh(rng: Rng, size: Size, palette: Palette, low: float, high: float) -> Image.Image:
    """Lights of a town out of focus, on black, between two heights of the picture."""
    w, h = size
    total = Image.new("RGB", size)
    warm = mix(palette.accent, palette.light, 0.4)
    colours = [palette.accent, palette.accent, warm, palette.light, palette.mid]
    for largest, count, strength in ((0.03, 26, 1.0), (0.06, 18, 0.85), (0.1, 10, 0.6)):
        layer = Image.new("RGB", size)
        draw = ImageDraw.Draw(layer)
        for _ in range(count):
            x, y = rng.uniform(0, w), h * rng.normal((low + high) / 2, (high - low) / 3)
            radius = w * largest * rng.uniform(0.5, 1)
            colour = mix(BLACK, one_of(rng, colours), strength * rng.uniform(0.5, 1))
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), mix(colour, BLACK, 0.25), colour)
        total = ImageChops.screen(total, layer)
    return total.filter(ImageFilter.GaussianBlur(0.7))


def against_the_light(pen: Pen, rng: Rng, kind: str, x: float, y: float, unit: float, fill: RGB) -> None:
    """A cup, a bottle, a few books, or a plant in its pot, against the light."""
    if kind == "cup":
        pen.box((x - unit * 0.45, y - unit * 0.8, x + unit * 0.45, y), fill, radius=unit * 0.12)
        handle = np.linspace(-pi / 2, pi / 2, 9)
        ear = [(x + unit * (0.42 + 0.3 * cos(turn)), y - unit * (0.42 + 0.26 * sin(turn))) for turn in handle]
        pen.line(ear, fill, unit * 0.1)
    elif kind == "bottle":
        pen.box((x - unit * 0.33, y - unit * 1.7, x + unit * 0.33, y), fill, radius=unit * 0.2)
        pen.box((x - unit * 0.12, y - unit * 2.5, x + unit * 0.12, y - unit * 1.4), fill)
    elif kind == "books":
        for index in range(4):
            slip = unit * rng.uniform(-0.15, 0.15)
            top, low = (y - unit * 0.22 * number for number in (index + 1, index))
            pen.box((x - unit * 0.8 + slip, top, x + unit * 0.8 + slip, low), fill)
    else:
        rim, foot = unit * 0.5, unit * 0.36
        pen.shape([(x - rim, y - unit), (x + rim, y - unit), (x + foot, y), (x - foot, y)], fill)
        for angle in rng.uniform(-1.1, 1.1, 11):
            long = unit * rng.uniform(1.2, 2.8)
            tip = x + long * sin(angle), y - unit - long * cos(angle) * 0.9
            bend = x + long * 0.35 * sin(angle) - unit * 0.15, y - unit - long * 0.6 * cos(angle)
            pen.shape([(x, y - unit), bend, tip, (bend[0] + unit * 0.3, bend[1] + unit * 0.12)], fill)


def signal(pen: Pen, x: float, foot: float, top: float, unit: float, lamps: Sequence[RGB], post: RGB) -> None:
    """A signal on its post, its lamps of radius about ``unit`` one below the other."""
    pen.line([(x, foot), (x, top)], post, unit * 0.4)
    pen.box((x - unit, top, x + unit, top + unit * (1.7 * len(lamps) + 0.5)), post, radius=unit * 0.6)
    for index, lamp in enumerate(lamps):
        pen.disc(x, top + unit * (1.1 + 1.7 * index), unit * 0.65, lamp)


def arch(left: float, right: float, spring: float, foot: float, point: float) -> list[Point]:
    """The outline of an opening: round where ``point`` is 1, the more pointed the larger it is."""
    middle, half = (left + right) / 2, (right - left) / 2
    across = np.cos(np.linspace(pi, 0, 23))
    rise = np.sqrt(np.maximum(0, point**2 - (np.abs(across) + point - 1) ** 2))
    curve = zip(across.tolist(), rise.tolist(), strict=True)
    head = [(middle + half * out, spring - half * up) for out, up in curve]
    return [(left, foot), *head, (right, foot)]
