"""Where to put labels on a picture: near what they label, over little else, and never over one another.

Belongs here: geometry in the sheet's pixels, y upwards; a box is (left, bottom, right, top). The labels' text
and looks are unknown here.
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
# Space between labels.
GAP = np.array([-6.0, -4.0, 6.0, 4.0])
# Costs: a covered mark, two leader lines that cross, a line through a label, a pixel of distance.
MARK, LINE, LABEL, PIXEL = 12.0, 4.0, 60.0, 0.06
ROUNDS = 6


@dataclass(frozen=True)
class Label:
    """The size of a label, and the point (shape (2,)) that it labels."""

    at: Floats
    width: float
    height: float


class Ink:
    """How much is drawn within a box of the sheet, from a summed-area table (Crow 1984)."""

    def __init__(self, width: float, height: float) -> None:
        self._drawn = np.zeros((int(width // CELL) + 2, int(height // CELL) + 2))

    def add(self, places: Floats, weight: float) -> None:
        """Count ``weight`` at each of the places, shape (n, 2)."""
        i, j = self._cells(places).T
        np.add.at(self._drawn, (i, j), weight)

    def under(self, boxes: Floats) -> Floats:
        """The ink within each of the boxes of shape (n, 4); shape (n,)."""
        table = np.pad(self._drawn, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        (x0, y0), (x1, y1) = self._cells(boxes[:, :2]).T, self._cells(boxes[:, 2:]).T + 1
        return np.asarray(table[x1, y1] - table[x0, y1] - table[x1, y0] + table[x0, y0])

    def _cells(self, places: Floats) -> npt.NDArray[np.int64]:
        most = np.array(self._drawn.shape) - 1
        return np.clip((places // CELL).astype(np.int64), 0, most)


def place(labels: Sequence[Label], ink: Ink, sheet: Floats, clear: float = 0.0) -> list[Floats | None]:
    """Choose a box for each label, in order; None where there is no room nearby.

    Labels are placed again in several rounds, so that early ones make room for later ones.

    Args:
        labels: the most important first.
        ink: what labels should not cover.
        sheet: the box, shape (4,), that all labels stay in.
        clear: pixels around a label within which ink counts, too.

    Returns:
        Boxes of shape (4,), none of which overlaps another.
    """
    margin = np.array([-clear, -clear, clear, clear])
    candidates = []
    for label in labels:
        boxes, distance = _around(label)
        inside = (boxes[:, :2] >= sheet[:2]).all(axis=1) & (boxes[:, 2:] <= sheet[2:]).all(axis=1)
        boxes, distance = boxes[inside], distance[inside]
        candidates.append((boxes, MARK * ink.under(boxes + margin) + PIXEL * distance))
    placed: list[Floats | None] = [None] * len(labels)
    for _ in range(ROUNDS):
        for i, label in enumerate(labels):
            placed[i] = None
            boxes, cost = candidates[i]
            others = [(o.at, box) for o, box in zip(labels, placed, strict=True) if box is not None]
            taken = np.array([box for _, box in others]).reshape(-1, 4)
            free = ~overlapping(boxes, taken + GAP).any(axis=1)
            if free.any():
                boxes, cost = boxes[free], cost[free]
                placed[i] = boxes[(cost + _crossing_cost(label.at, boxes, others, taken)).argmin()]
    return placed


def leader_end(at: Floats, boxes: Floats) -> Floats:
    """The point of each box nearest to ``at``, where its leader line ends."""
    return np.clip(at, boxes[..., :2], boxes[..., 2:])


def overlapping(boxes: Floats, others: Floats) -> Bools:
    """Which of the boxes, shape (n, 4), overlap which of the others, shape (m, 4); shape (n, m)."""
    a, b = boxes[:, None], others[None]
    return np.asarray((a[..., :2] < b[..., 2:]).all(axis=-1) & (b[..., :2] < a[..., 2:]).all(axis=-1))


def _around(label: Label) -> tuple[Floats, Floats]:
    """Candidate boxes in all directions, nearest first, and their distances."""
    angle = np.tile(np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False), len(REACHES))
    distance = np.repeat(np.array(REACHES, dtype=float), DIRECTIONS)
    half = np.array([label.width, label.height]) / 2
    centre = label.at + np.column_stack([np.cos(angle), np.sin(angle)]) * (distance[:, None] + half)
    return np.hstack([centre - half, centre + half]), distance


def _crossing_cost(at: Floats, boxes: Floats, others: list[tuple[Floats, Floats]], taken: Floats) -> Floats:
    """What each box and its leader line cost by lines that cross and lines that run through labels."""
    if not others:
        return np.zeros(len(boxes))
    starts = np.array([place for place, _ in others])
    ends = leader_end(starts, taken)
    mine = np.broadcast_to(at, (len(boxes), 2)), leader_end(at, boxes)
    lines = _crossing(*mine, starts, ends)
    # A line through a box crosses one of its diagonals.
    through = np.any([_crossing(*mine, *d) for d in _diagonals(taken + GAP)], axis=0)
    under = np.any([_crossing(*d, starts, ends) for d in _diagonals(boxes + GAP)], axis=0)
    return np.asarray((LINE * lines + LABEL * through + LABEL * under).sum(axis=1))


def _diagonals(boxes: Floats) -> list[tuple[Floats, Floats]]:
    return [(boxes[:, [0, 1]], boxes[:, [2, 3]]), (boxes[:, [0, 3]], boxes[:, [2, 1]])]


def _crossing(a: Floats, b: Floats, c: Floats, d: Floats) -> Bools:
    """Which of n segments from a to b cross which of m from c to d; shape (n, m)."""
    a, b, c, d = a[:, None], b[:, None], c[None], d[None]
    return np.asarray(
        (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0), dtype=np.bool_
    )


def _side(p: Floats, q: Floats, r: Floats) -> Floats:
    """Positive where r lies to the left of the line from p to q, negative to the right."""
    u, v = q - p, r - p
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
