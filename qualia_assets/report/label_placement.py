"""Where to write names on a picture: near what they name, on little else, and on no other name.

Belongs here: geometry in the sheet's own pixels, y upwards. What is written, and how, is not known here.
A box is (left, bottom, right, top).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CELL = 4
DIRECTIONS = 32
REACHES = (12, 22, 34, 48, 64, 82, 102, 124, 150, 180)
# Free of one another by this much, sideways and up.
GAP = np.array([-6.0, -4.0, 6.0, 4.0])
# What they cost against one another: a covered mark, a crossed line, a line through a name, a pixel of way.
MARK, LINE, NAME, PIXEL = 12.0, 4.0, 60.0, 0.06
ROUNDS = 6


@dataclass(frozen=True)
class Wanted:
    """A name of this size, for what lies at this place (shape (2,))."""

    at: Floats
    width: float
    height: float


class Ink:
    """How much is drawn in any box of a sheet, read from a summed-area table (Crow 1984)."""

    def __init__(self, width: float, height: float) -> None:
        self._drawn = np.zeros((int(width // CELL) + 2, int(height // CELL) + 2))

    def add(self, places: Floats, weight: float) -> None:
        """Draw something at each of the places, shape (n, 2)."""
        i, j = self._cells(places).T
        np.add.at(self._drawn, (i, j), weight)

    def under(self, boxes: Floats) -> Floats:
        """What lies under each of the boxes, shape (n, 4)."""
        table = np.pad(self._drawn, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        (x0, y0), (x1, y1) = self._cells(boxes[:, :2]).T, self._cells(boxes[:, 2:]).T + 1
        return np.asarray(table[x1, y1] - table[x0, y1] - table[x1, y0] + table[x0, y0])

    def _cells(self, places: Floats) -> npt.NDArray[np.int64]:
        most = np.array(self._drawn.shape) - 1
        return np.clip((places // CELL).astype(np.int64), 0, most)


def place(wanted: Sequence[Wanted], ink: Ink, sheet: Floats, clear: float = 0.0) -> list[Floats | None]:
    """A box for each name, the first ones first; None where there is no room near by.

    Each is placed again when the others stand, so that the early ones make room for the late.

    Args:
        wanted: what to place.
        ink: what is better not written upon.
        sheet: the box that all names stay in.
        clear: pixels around a name in which ink counts too.

    Returns:
        Boxes of shape (4,), none of which touches another.
    """
    candidates = []
    for one in wanted:
        boxes, reach = _around(one)
        inside = (boxes[:, :2] >= sheet[:2]).all(axis=1) & (boxes[:, 2:] <= sheet[2:]).all(axis=1)
        boxes, reach = boxes[inside], reach[inside]
        margin = np.array([-clear, -clear, clear, clear])
        candidates.append((boxes, MARK * ink.under(boxes + margin) + PIXEL * reach))
    found: list[Floats | None] = [None] * len(wanted)
    for _ in range(ROUNDS):
        for i, one in enumerate(wanted):
            found[i] = None
            boxes, cost = candidates[i]
            others = [(w.at, box) for w, box in zip(wanted, found, strict=True) if box is not None]
            taken = np.array([box for _, box in others]).reshape(-1, 4)
            free = ~touching(boxes, taken + GAP).any(axis=1)
            if free.any():
                boxes, cost = boxes[free], cost[free]
                found[i] = boxes[(cost + _crossing_cost(one.at, boxes, others, taken)).argmin()]
    return found


def leader_end(at: Floats, boxes: Floats) -> Floats:
    """The point of each box that is nearest to a place: where the line between them ends."""
    return np.clip(at, boxes[..., :2], boxes[..., 2:])


def touching(boxes: Floats, others: Floats) -> Bools:
    """Which of the boxes, shape (n, 4), overlap which of the others, shape (m, 4); shape (n, m)."""
    a, b = boxes[:, None], others[None]
    return np.asarray((a[..., :2] < b[..., 2:]).all(axis=-1) & (b[..., :2] < a[..., 2:]).all(axis=-1))


def _around(one: Wanted) -> tuple[Floats, Floats]:
    """Boxes in all directions about a place, the near ones first, and how far off each is."""
    angle = np.tile(np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False), len(REACHES))
    reach = np.repeat(np.array(REACHES, dtype=float), DIRECTIONS)
    half = np.array([one.width, one.height]) / 2
    centre = one.at + np.column_stack([np.cos(angle), np.sin(angle)]) * (reach[:, None] + half)
    return np.hstack([centre - half, centre + half]), reach


def _crossing_cost(at: Floats, boxes: Floats, others: list[tuple[Floats, Floats]], taken: Floats) -> Floats:
    """For each box and its line, what it costs that lines cross, and that they run through names."""
    if not others:
        return np.zeros(len(boxes))
    starts = np.array([place for place, _ in others])
    ends = leader_end(starts, taken)
    mine = np.broadcast_to(at, (len(boxes), 2)), leader_end(at, boxes)
    lines = _crossing(*mine, starts, ends)
    # Whatever passes through a box crosses one of its diagonals.
    through = np.any([_crossing(*mine, *d) for d in _diagonals(taken + GAP)], axis=0)
    under = np.any([_crossing(*d, starts, ends) for d in _diagonals(boxes + GAP)], axis=0)
    return np.asarray((LINE * lines + NAME * through + NAME * under).sum(axis=1))


def _diagonals(boxes: Floats) -> list[tuple[Floats, Floats]]:
    return [(boxes[:, [0, 1]], boxes[:, [2, 3]]), (boxes[:, [0, 3]], boxes[:, [2, 1]])]


def _crossing(a: Floats, b: Floats, c: Floats, d: Floats) -> Bools:
    """Which of n segments from a to b cross which of m from c to d; shape (n, m)."""
    a, b, c, d = a[:, None], b[:, None], c[None], d[None]
    return np.asarray(
        (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0), dtype=np.bool_
    )


def _side(p: Floats, q: Floats, r: Floats) -> Floats:
    """Positive where r lies to the left of the way from p to q, negative to the right."""
    u, v = q - p, r - p
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
