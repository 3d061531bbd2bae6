"""Depth: a camera in a room, a flat surface seen aslant, level ground running to the horizon.

Belongs here: from points in space to points in the picture, that draw nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from demo_generator.pictures.canvas import Point
from demo_generator.pictures.shapes import oblong

Place: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """An eye in a room: x to the right, y up from the floor, z away from us, in metres."""

    eye: Place
    turn: float
    focal: float
    centre: Point

    def see(self, points: Sequence[Place] | np.ndarray) -> np.ndarray:
        """Where points of the room lie in the picture."""
        x, y, z = (np.asarray(points, dtype=float) - self.eye).T
        cosine, sine = math.cos(self.turn), math.sin(self.turn)
        depth = np.maximum(z * cosine - x * sine, 0.08)
        across = x * cosine + z * sine
        right, low = self.centre[0] + self.focal * across / depth, self.centre[1] - self.focal * y / depth
        return np.stack([right, low], axis=1)

    def spot(self, x: float, y: float, z: float) -> Point:
        """Where one point lies in the picture."""
        (px, py), *_ = self.see([(x, y, z)]).tolist()
        return px, py

    def level(self, x0: float, x1: float, y: float, z0: float, z1: float) -> np.ndarray:
        """A rectangle lying level."""
        return self.see([(x0, y, z1), (x1, y, z1), (x1, y, z0), (x0, y, z0)])

    def across(self, x0: float, x1: float, y0: float, y1: float, z: float) -> np.ndarray:
        """A rectangle that faces us."""
        return self.see([(x0, y0, z), (x0, y1, z), (x1, y1, z), (x1, y0, z)])

    def aside(self, x: float, y0: float, y1: float, z0: float, z1: float) -> np.ndarray:
        """An upright rectangle that goes away from us."""
        return self.see([(x, y0, z0), (x, y1, z0), (x, y1, z1), (x, y0, z1)])

    def scale(self, x: float, z: float) -> float:
        """Pixels to the metre above a point of the floor."""
        ahead = (z - self.eye[2]) * math.cos(self.turn) - (x - self.eye[0]) * math.sin(self.turn)
        return self.focal / max(ahead, 0.08)


class Plane:
    """A flat surface in perspective: points (across, down) of the unit square to pixels."""

    def __init__(self, top_left: Point, top_right: Point, low_right: Point, low_left: Point) -> None:
        # The projective map of the unit square onto four corners.
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = top_left, top_right, low_right, low_left
        sum_x, sum_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
        area = (x1 - x2) * (y3 - y2) - (x3 - x2) * (y1 - y2)
        lean_across = (sum_x * (y3 - y2) - (x3 - x2) * sum_y) / area
        lean_down = ((x1 - x2) * sum_y - sum_x * (y1 - y2)) / area
        self._across = (x1 - x0 + lean_across * x1, y1 - y0 + lean_across * y1, lean_across)
        self._down = (x3 - x0 + lean_down * x3, y3 - y0 + lean_down * y3, lean_down)
        self._origin = (x0, y0)

    def at(self, across: float, down: float) -> Point:
        """Where a point of the surface lies in the picture."""
        depth = self._across[2] * across + self._down[2] * down + 1
        x = (self._across[0] * across + self._down[0] * down + self._origin[0]) / depth
        return x, (self._across[1] * across + self._down[1] * down + self._origin[1]) / depth

    def seen(self, points: Iterable[Point]) -> list[Point]:
        """Where points of the surface lie in the picture."""
        return [self.at(across, down) for across, down in points]

    def box(self, left: float, top: float, right: float, low: float) -> list[Point]:
        """A rectangle on the surface."""
        return self.seen(oblong(left, top, right, low))


@dataclass(frozen=True)
class Ground:
    """Level ground in one-point perspective: (across, up, depth) to pixels; it may bend to one side."""

    vanishing: Point
    reach: float
    eye: float
    bend: float = 0.0

    def at(self, across: float, up: float, depth: float) -> Point:
        """Where a point above the ground lies in the picture."""
        scale = self.reach / depth
        x = self.vanishing[0] + (across + self.bend * depth * depth) * scale
        return x, self.vanishing[1] - (up - self.eye) * scale

    def strip(self, left: float, right: float, near: float, far: float) -> list[Point]:
        """A strip of the ground going away from us."""
        return [self.at(x, 0, depth) for x, depth in ((left, near), (right, near), (right, far), (left, far))]
