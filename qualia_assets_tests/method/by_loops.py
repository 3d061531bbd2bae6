"""The metrics of the design's section 4 in plain Python, without calling our code: one loop for each sum.

A gallery is a list of positions. "Draws" are several galleries of the same points: the full gallery alone, or
the samples of the balanced one.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from qualia_assets.method.metrics import Points, Retrieved

Gallery = Sequence[int]
Found = dict[int, list[int]]


def felt_points(seed: int, sizes: Sequence[tuple[int, int]], dimensions: int = 6, gap: float = 0.6) -> Points:
    """Matches of (texts, images) around a direction each, in random order, images shifted by a gap."""
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


def scaled(vector: Iterable[float]) -> list[float]:
    """A vector at length 1; zeros stay zeros."""
    values = [float(v) for v in vector]
    length = math.sqrt(sum(v * v for v in values))
    return [v / length for v in values] if length else values


def step_towards(z: Any, bank: Sequence[Any], k: int, share: float) -> list[float]:
    """``(1 - share) z + share unit(sum of the k nearest, each by its cosine)``, scaled to length 1."""
    cosines = [dot(z, b) for b in bank]
    nearest = sorted(range(len(bank)), key=lambda i: (-cosines[i], i))[:k]
    pull = scaled(sum(max(cosines[i], 0) * float(bank[i][d]) for i in nearest) for d in range(len(z)))
    if not any(pull):
        return z.tolist()
    return scaled((1 - share) * float(a) + share * p for a, p in zip(z, pull, strict=True))


def search(
    points: Points,
    gallery: Gallery,
    k: int,
    csls: float = 0.0,
    offset: Mapping[str, float] = MappingProxyType({}),
) -> Found:
    """What each item of a gallery retrieves among the others: the most similar first, ties to the smaller.

    ``csls`` is the share of the query's level that is subtracted, ``offset`` what is added for images.
    """
    found = {}
    for q in gallery:
        score = {x: dot(points.vectors[q], points.vectors[x]) for x in gallery if x != q}
        for kind in ("text", "image"):
            shelf = [x for x in score if points.modality[x] == kind]
            highest = sorted((score[x] for x in shelf), reverse=True)[:10]
            for x in shelf if csls or offset else ():
                score[x] -= csls * sum(highest) / len(highest)
                if kind == "image":
                    score[x] += offset.get(str(points.modality[q]), 0.0)
        found[q] = sorted(score, key=lambda x: (-score[x], x))[:k]
    return found


def assert_retrieved(hits: Retrieved, points: Points, found: Found) -> None:
    """Check what was retrieved against what loops find."""
    occurrences = Counter(x for neighbours in found.values() for x in neighbours)
    for q, neighbours in found.items():
        assert hits.count[q] == len(neighbours)
        assert hits.same_match[q] == sum(points.match[x] == points.match[q] for x in neighbours)
        for kind in ("text", "image"):
            assert hits.by_modality[kind][q] == sum(points.modality[x] == kind for x in neighbours)
        assert hits.occurrences[q] == occurrences[q]


def of_group(points: Points, q: int, group: str) -> bool:
    return group in ("all", points.modality[q])


def coherence(points: Points, draws: Sequence[Found], group: str, k: int) -> list[float]:
    """The mean over each match's queries of (neighbours of the same match) / k."""
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
    """How many items of one modality the queries of a group retrieve, averaged over draws."""
    number = 0
    for found in draws:
        for q, neighbours in found.items():
            if of_group(points, q, group):
                number += sum(points.modality[x] == kind for x in neighbours)
    return number / len(draws)


def available(points: Points, draws: Sequence[Found], kind: str) -> float:
    return sum(points.modality[q] == kind for found in draws for q in found) / len(draws)


def r_precision(points: Points, galleries: Sequence[Gallery], a: str, b: str) -> list[float]:
    """Each match's precision of the top R among the items of b, R those of the query's match."""
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
