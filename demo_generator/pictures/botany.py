"""Plants as a draughtsman builds them: stems, leaves, flower heads, posies laid out in a box.

Belongs here: drawn plants for any picture. Pictures of nothing but plants are in ``plants``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from demo_generator.pictures.canvas import RGB, Box, Rng, one_of
from demo_generator.pictures.pen import Pen

Spot: TypeAlias = Sequence[float] | np.ndarray


def bowed(start: Spot, end: Spot, bend: float, count: int = 20) -> np.ndarray:
    """A bow from ``start`` to ``end``, its middle pushed aside by the share ``bend`` of its length."""
    first, last = np.array(start, float), np.array(end, float)
    along = np.linspace(0, 1, count)[:, None]
    aside = np.array([first[1] - last[1], last[0] - first[0]])
    return np.asarray(first + (last - first) * along + aside * bend * 4 * along * (1 - along))


@dataclass(frozen=True)
class Part:
    """One stroke or shape of a plant: role ``stem``, ``vein``, ``leaf``, ``petal`` or ``heart``."""

    role: str
    points: np.ndarray


def leaf_outline(
    base: np.ndarray, angle: float, length: float, width: float, shape: tuple[float, float]
) -> np.ndarray:
    """A leaf's outline; its ``shape``: below 1 widest near its base, above 1 near its tip; and its bend."""
    full, bend = shape
    along = np.linspace(0, 1, 14)
    half = width / 2 * np.sin(np.pi * along**full)
    spine = bend * length * np.sin(np.pi * along)
    x = np.concatenate([along, along[::-1]]) * length
    y = np.concatenate([spine + half, (spine - half)[::-1]])
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(base + np.stack([x, y], axis=1) @ turn)


def ring_outline(centre: np.ndarray, radius: float, flat: float = 1.0) -> np.ndarray:
    """A small circle, or with ``flat`` below 1 an ellipse."""
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.asarray(centre + np.stack([np.cos(angle), np.sin(angle) * flat], axis=1) * radius)


def foliage(rng: Rng, stem: np.ndarray, unit: float, pairs: int, slim: float) -> list[Part]:
    """Leaves up a stem, large below and small above, in pairs or by turns."""
    opposite, full, spread = bool(rng.random() < 0.5), rng.uniform(0.6, 1.3), rng.uniform(0.6, 1.15)
    parts: list[Part] = []
    for index, share in enumerate(np.linspace(rng.uniform(0.1, 0.25), 0.93, pairs)):
        at = share * (len(stem) - 1)
        low = int(at)
        base = stem[low] + (stem[min(low + 1, len(stem) - 1)] - stem[low]) * (at - low)
        along = stem[min(low + 1, len(stem) - 1)] - stem[max(low - 1, 0)]
        heading = math.atan2(along[1], along[0])
        length = unit * (1.15 - 0.75 * share) * rng.uniform(0.85, 1.15)
        for side in (-1, 1) if opposite else ((-1) ** index,):
            angle = heading + side * spread * rng.uniform(0.85, 1.1)
            bend = side * rng.uniform(-0.12, 0.05)
            outline = leaf_outline(base, angle, length, length * slim, (full, bend))
            parts.append(Part("leaf", outline))
            if length > 14:
                parts.append(Part("vein", (outline[:11] + outline[::-1][:11]) / 2))
    return parts


def flower_head(rng: Rng, kind: str, tip: np.ndarray, heading: float, unit: float) -> list[Part]:
    """What a stem ends in."""
    parts: list[Part] = []
    if kind in ("poppy", "tulip"):
        fan = (-0.75, 0.75, -0.35, 0.35, 0.0) if kind == "poppy" else (-0.4, 0.4, 0.0)
        wide, full = (0.75, 1.5) if kind == "poppy" else (0.55, 0.85)
        for spread in fan:
            angle = heading + spread * rng.uniform(0.85, 1.2)
            petal = leaf_outline(tip, angle, unit * rng.uniform(0.85, 1.05), unit * wide, (full, 0))
            parts.append(Part("petal", petal))
        parts.append(Part("heart", ring_outline(tip, unit * 0.12)))
    elif kind == "daisy":
        count, flat = int(rng.integers(9, 17)), rng.uniform(0.45, 1.0)
        for angle in np.arange(count) * 2 * math.pi / count + rng.uniform(0, 1):
            long = unit * rng.uniform(0.6, 0.72)
            petal = leaf_outline(np.zeros(2), float(angle), long, unit * 0.2, (1.3, 0))
            parts.append(Part("petal", tip + petal * (1, flat)))
        parts.append(Part("heart", ring_outline(tip, unit * 0.2, flat)))
    elif kind == "umbel":
        for angle in np.linspace(-1.15, 1.15, int(rng.integers(7, 12))) + heading:
            end = tip + np.array([math.cos(angle), math.sin(angle)]) * unit * rng.uniform(0.8, 1.05)
            parts.append(Part("stem", bowed(tip, end, rng.uniform(-0.08, 0.08), 6)))
            near = end + rng.normal(0, unit * 0.09, (5, 2))
            parts += [Part("petal", ring_outline(point, unit * rng.uniform(0.035, 0.07))) for point in near]
    elif kind == "ear":
        for index, step in enumerate(np.linspace(-1.1, 0.15, 13)):
            base = tip + np.array([math.cos(heading), math.sin(heading)]) * step * unit
            angle = heading + (0.45 if index % 2 else -0.45)
            parts.append(Part("petal", leaf_outline(base, angle, unit * 0.36, unit * 0.13, (0.8, 0))))
    return parts


def _plant(rng: Rng, foot: Spot, tip: Spot) -> list[Part]:
    """A plant from ``foot`` to ``tip``: a fern, a berried branch, a leafy sprig or one with a flower."""
    kind = one_of(rng, ("sprig", "fern", "berry", "bell", "poppy", "tulip", "daisy", "umbel", "ear", "daisy"))
    stem = bowed(foot, tip, rng.uniform(-0.13, 0.13))
    tall = float(np.hypot(*(stem[-1] - stem[0])))
    along = stem[-1] - stem[-3]
    heading = math.atan2(along[1], along[0])
    parts = [Part("stem", stem)]
    if kind == "fern":
        return parts + foliage(rng, stem, tall * 0.24, int(rng.integers(15, 21)), 0.26)
    flower = kind not in ("sprig", "berry")
    reach = stem[: 9 if kind == "bell" else rng.integers(11, 15)] if flower else stem
    pairs = int(rng.integers(3, 7)) if flower else int(rng.integers(6, 11))
    slim = rng.uniform(0.16, 0.3) if flower else rng.uniform(0.25, 0.6)
    parts += foliage(rng, reach, tall * rng.uniform(0.2, 0.3), pairs, slim)
    if kind == "berry":
        for point in stem[4::2]:
            end = point + rng.normal(0, tall * 0.05, 2) + np.array([0, tall * 0.03])
            parts += [Part("stem", bowed(point, end, 0.1, 5)), Part("heart", ring_outline(end, tall * 0.019))]
    if kind == "bell":
        side = one_of(rng, (-1, 1))
        for point, size in zip(stem[9:], np.linspace(0.14, 0.06, 11), strict=True):
            end = point + np.array([side * size * 0.6, size * 0.15]) * tall
            parts += [Part("stem", bowed(point, end, -0.2 * side, 6))]
            hanging = leaf_outline(end, math.pi / 2, tall * size * 0.7, tall * size * 0.5, (1.4, 0))
            parts.append(Part("petal", hanging))
    return parts + flower_head(rng, kind, stem[-1], heading, tall * rng.uniform(0.15, 0.22))


def draw_plant(
    pen: Pen, parts: list[Part], fills: dict[str, RGB], line: RGB | None, weight: float = 1.0
) -> None:
    """Draw a plant: shapes in the ``fills`` of their roles, strokes and outlines in ``line``."""
    for part in parts:
        if part.role in ("stem", "vein"):
            stroke = line or fills.get(part.role)
            if stroke:
                pen.line(part.points, stroke, weight * (1.5 if part.role == "stem" else 0.6))
        else:
            pen.shape(part.points, fills.get(part.role), line, weight)


def specimens(rng: Rng, layout: str, box: Box) -> list[list[Part]]:
    """Plants placed in ``box``: one alone, a posy, a bough from an edge, or rows of small studies."""
    left, top, right, bottom = box
    wide, tall = right - left, bottom - top
    middle = (left + right) / 2
    if layout == "posy":
        count = int(rng.integers(3, 6))
        foot = (middle + rng.uniform(-0.1, 0.1) * wide, bottom)
        tips = middle + np.linspace(-0.36, 0.36, count) * wide
        order = rng.permutation(count)
        return [_plant(rng, foot, (tips[tip], top + tall * rng.uniform(0.1, 0.4))) for tip in order]
    if layout == "bough":
        high, side = rng.uniform(0.0, 0.35), bool(rng.random() < 0.5)
        ends = [(left - wide * 0.12, top + tall * (1.02 - high)), (right - wide * 0.12, top + tall * high)]
        if side:
            ends = [(left + right - x, y) for x, y in ends]
        return [_plant(rng, *ends), _plant(rng, ends[0], (middle, top + tall * rng.uniform(0.5, 0.8)))]
    if layout == "rows":
        columns, rows = one_of(rng, ((2, 2), (2, 1), (2, 2), (3, 1), (3, 2)))
        cells = [(column, row) for row in range(rows) for column in range(columns)]
        w, h = wide / columns, tall / rows
        plants = []
        for column, row in cells:
            foot = (left + (column + rng.uniform(0.4, 0.6)) * w, top + (row + 0.94) * h)
            tip = (left + (column + rng.uniform(0.3, 0.7)) * w, top + (row + rng.uniform(0.08, 0.2)) * h)
            plants.append(_plant(rng, foot, tip))
        return plants
    lean = rng.uniform(-0.2, 0.2) * wide
    return [_plant(rng, (middle - lean * 0.6, bottom), (middle + lean, top + tall * rng.uniform(0.1, 0.25)))]
