"""Outlines for the scene to fill: ovals, arcs, rounded boxes, leaves, skylines.

Belongs here: functions from numbers to points, that draw nothing.
"""

import math
from functools import cache

import numpy as np

from demo_generator.pictures.canvas import Point, Points, Rng, Size


def placed(points: Points, x: float, y: float, scale: float = 1.0, turn: float = 0.0) -> np.ndarray:
    """Points scaled, then turned clockwise by ``turn`` radians, then moved to (x, y)."""
    cosine, sine = math.cos(turn) * scale, math.sin(turn) * scale
    turned = np.asarray(points, dtype=float) @ np.array([[cosine, sine], [-sine, cosine]])
    return np.asarray(turned + np.array((x, y)))


_CIRCLE = np.array([(math.cos(k * math.pi / 20), math.sin(k * math.pi / 20)) for k in range(40)])


def oval(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> np.ndarray:
    """An ellipse about (x, y)."""
    return placed(_CIRCLE * (rx, ry), x, y, 1, turn)


def open_arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> np.ndarray:
    """An open arc; angles in radians, clockwise from the right, as y grows downwards."""
    at = np.linspace(start, end, 24)
    return np.stack([x + rx * np.cos(at), y + ry * np.sin(at)], axis=1)


def polar(x: float, y: float, radius: float, angle: float) -> Point:
    """The point ``radius`` away from (x, y) at an angle in radians, clockwise from the right."""
    return x + radius * math.cos(angle), y + radius * math.sin(angle)


def between(start: Point, end: Point, share: float) -> Point:
    """The point a share of the way from one to another."""
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def tapered(x0: float, y0: float, half0: float, x1: float, y1: float, half1: float) -> list[Point]:
    """A shape with level ends ``half`` wide each way about (x0, y0) and (x1, y1)."""
    return [(x0 - half0, y0), (x0 + half0, y0), (x1 + half1, y1), (x1 - half1, y1)]


def oblong(x0: float, y0: float, x1: float, y1: float) -> list[Point]:
    """An upright rectangle."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def rounded(x: float, y: float, width: float, height: float, power: float, turn: float) -> np.ndarray:
    """A rounded rectangle about (x, y): a superellipse, squarer with a larger ``power``."""
    at = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    cosine, sine = np.cos(at), np.sin(at)
    bent = [np.sign(part) * np.abs(part) ** (2 / power) for part in (cosine, sine)]
    edge = np.stack(bent, axis=1)
    return placed(edge * (width / 2, height / 2), x, y, 1, turn)


def curved(points: Points, closed: bool = True) -> np.ndarray:
    """The outline with its corners cut three times over, until it is a curve."""
    curve = np.asarray(points, dtype=float)
    for _ in range(3):
        ahead = np.roll(curve, -1, axis=0) if closed else curve[1:]
        here = curve if closed else curve[:-1]
        cut = np.stack([0.75 * here + 0.25 * ahead, 0.25 * here + 0.75 * ahead], axis=1).reshape(-1, 2)
        curve = cut if closed else np.concatenate([curve[:1], cut, curve[-1:]])
    return curve


def moved_by(points: Points, across: float, down: float) -> np.ndarray:
    """Points moved to the right and down."""
    return np.asarray(np.asarray(points, dtype=float) + np.array((across, down)))


def shrunk(outline: np.ndarray, share: float) -> np.ndarray:
    """The outline drawn in towards the middle of its points."""
    return np.asarray(outline * share + outline.mean(axis=0) * (1 - share))


def blunted(outline: Points) -> np.ndarray:
    """The outline with a point near each end of each side, so that smoothing only rounds its corners."""
    here = np.asarray(outline, dtype=float)
    ahead = np.roll(here, -1, axis=0)
    return np.stack([0.8 * here + 0.2 * ahead, 0.2 * here + 0.8 * ahead], axis=1).reshape(-1, 2)


LEAF = curved([(0, 0), (1, -0.3), (0.8, -0.75), (0, -1), (-0.8, -0.75), (-1, -0.3)])


def rolling(
    rng: Rng, size: Size, base: float, rough: float, count: int = 14, away: float = 40
) -> list[Point]:
    """An outline that wanders about the height ``base`` and fills the picture below it."""
    width, height = size
    crest = (base + np.cumsum(rng.normal(0, rough, count))).tolist()
    along = np.linspace(-away, width + away, count).tolist()
    return [(-away, height + away), *zip(along, crest, strict=True), (width + away, height + away)]


@cache
def traced(pairs: str) -> np.ndarray:
    """An outline written as ``x,y`` pairs in hundredths."""
    return np.array([[float(value) / 100 for value in pair.split(",")] for pair in pairs.split()])


def scribble(rng: Rng, x: float, y: float, width: float, height: float) -> np.ndarray:
    """A line of handwriting too small to read."""
    count = max(8, int(width / 1.6))
    step = np.linspace(0, width, count)
    lift = np.where(rng.random(count) < 0.15, 1.9, 0.8) * rng.uniform(-1, 0.5, count)
    return np.stack([x + step, y + lift * height / 2], axis=1)
