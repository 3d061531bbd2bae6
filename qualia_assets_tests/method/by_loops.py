"""The figures of the design's section 4 in plain Python: one loop for each sum, nothing of ours called.

A gallery is a list of positions. "Draws" are several galleries of the same points: one for the full
gallery, one a sampling for the balanced.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qualia_assets.method.metrics import Points

Gallery = Sequence[int]
Found = dict[int, list[int]]


def felt_points(seed: int, sizes: Sequence[tuple[int, int]], dimensions: int = 6, gap: float = 0.6) -> Points:
    """Matches of (texts, images) around a direction of their own, the images pushed away by a gap.

    Items are shuffled, so that neither matches nor modalities lie in order.
    """
    rng = np.random.default_rng(seed)
    vectors, modality, match = [], [], []
    push = rng.normal(size=dimensions)
    for number, (texts, images) in enumerate(sizes):
        middle = 1.5 * rng.normal(size=dimensions)
        for kind in ["text"] * texts + ["image"] * images:
            vector = middle + rng.normal(size=dimensions) + (gap * push if kind == "image" else 0)
            vectors.append(vector / math.sqrt(sum(v * v for v in vector)))
            modality.append(kind)
            match.append(10 * number + 3)
    order = rng.permutation(len(match))
    return Points(
        np.array(vectors, dtype=np.float32).reshape(-1, dimensions)[order],
        np.array(modality, dtype=np.str_)[order],
        np.array(match, dtype=np.int64)[order],
    )


def dot(a: Any, b: Any) -> float:
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def search(points: Points, gallery: Gallery, k: int, calibrated: bool) -> Found:
    """What each item of a gallery finds among the others: the most similar first, ties to the smaller."""
    found = {}
    for q in gallery:
        level = {x: dot(points.vectors[q], points.vectors[x]) for x in gallery if x != q}
        if calibrated:
            usual = {}
            for kind in ("text", "image"):
                highest = sorted((s for x, s in level.items() if points.modality[x] == kind), reverse=True)[
                    :10
                ]
                usual[kind] = sum(highest) / len(highest) if highest else 0.0
            level = {x: s - usual[str(points.modality[x])] for x, s in level.items()}
        found[q] = sorted(level, key=lambda x: (-level[x], x))[:k]
    return found


def search_with_offsets(
    points: Points, gallery: Gallery, k: int, csls: float, offset: Mapping[str, float]
) -> Found:
    """As :func:`search`, of each query's level so much taken off, and its modality's offset for images."""
    found = {}
    for q in gallery:
        level = {x: dot(points.vectors[q], points.vectors[x]) for x in gallery if x != q}
        fair = {}
        for kind in ("text", "image"):
            shelf = [x for x in level if points.modality[x] == kind]
            highest = sorted((level[x] for x in shelf), reverse=True)[:10]
            for x in shelf:
                fair[x] = level[x] - csls * sum(highest) / len(highest)
                if kind == "image":
                    fair[x] += offset.get(str(points.modality[q]), 0.0)
        found[q] = sorted(fair, key=lambda x: (-fair[x], x))[:k]
    return found


def of_group(points: Points, q: int, group: str) -> bool:
    return group in ("all", points.modality[q])


def coherence(points: Points, draws: Sequence[Found], group: str, k: int) -> list[float]:
    """For each match, the mean over its queries of (neighbours of the same match) / k."""
    values = []
    for match in sorted(set(points.match.tolist())):
        means = []
        for found in draws:
            shares = [
                sum(points.match[x] == match for x in found[q]) / k
                for q in found
                if points.match[q] == match and of_group(points, q, group)
            ]
            if shares:
                means.append(sum(shares) / len(shares))
        if means:
            values.append(sum(means) / len(means))
    return values


def retrieved(points: Points, draws: Sequence[Found], group: str, kind: str) -> float:
    """How many items of one modality the queries of a group find, in the mean of the draws."""
    number = 0
    for found in draws:
        for q, neighbours in found.items():
            if of_group(points, q, group):
                number += sum(points.modality[x] == kind for x in neighbours)
    return number / len(draws)


def available(points: Points, draws: Sequence[Found], kind: str) -> float:
    return sum(points.modality[q] == kind for found in draws for q in found) / len(draws)


def r_precision(points: Points, galleries: Sequence[Gallery], a: str, b: str) -> list[float]:
    """For each match, the precision of the top R among the items of b, R those of the query's match."""
    values = []
    for match in sorted(set(points.match.tolist())):
        means = []
        for gallery in galleries:
            shelf = [x for x in gallery if points.modality[x] == b]
            wanted = sum(points.match[x] == match for x in shelf)
            shares = []
            for q in gallery:
                if points.modality[q] == a and points.match[q] == match and wanted:
                    level = {x: dot(points.vectors[q], points.vectors[x]) for x in shelf}
                    first = sorted(shelf, key=lambda x: (-level[x], x))[:wanted]
                    shares.append(sum(points.match[x] == match for x in first) / wanted)
            if shares:
                means.append(sum(shares) / len(shares))
        if means:
            values.append(sum(means) / len(means))
    return values


def squared_distance(a: Any, b: Any) -> float:
    return sum((x - y) ** 2 for x, y in zip(a.tolist(), b.tolist(), strict=True))


def uniformity(points: Points, gallery: Gallery) -> float:
    kernel = [
        math.exp(-2 * squared_distance(points.vectors[i], points.vectors[j]))
        for i in gallery
        for j in gallery
        if i < j
    ]
    return math.log(sum(kernel) / len(kernel))


def alignment(points: Points) -> float:
    distances = [
        squared_distance(points.vectors[i], points.vectors[j])
        for i in range(len(points))
        for j in range(len(points))
        if points.match[i] == points.match[j]
        and (points.modality[i], points.modality[j]) == ("text", "image")
    ]
    return sum(distances) / len(distances)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def spread(values: Sequence[float]) -> float:
    return math.sqrt(mean([(v - mean(values)) ** 2 for v in values]))
