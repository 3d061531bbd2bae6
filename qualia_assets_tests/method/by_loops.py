"""The metrics of the design's section 4 in plain Python, without calling our code: one loop for each sum.

A gallery is a list of positions. "Draws" are several galleries of the same points: the full gallery alone, or
the samples of the balanced one.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np

from qualia_assets.method.metrics import Points, Retrieved

Gallery = Sequence[int]
Found = dict[int, list[int]]
KINDS = ("text", "image")


def felt_points(seed: int, sizes: Sequence[tuple[int, int]], gap: float = 0.6) -> Points:
    """Matches of (texts, images) around a direction each, in random order, images shifted by a gap."""
    rng = np.random.default_rng(seed)
    push = gap * rng.normal(size=6)
    vectors, modality, match = [], [], []
    for number, (texts, images) in enumerate(sizes):
        middle = 1.5 * rng.normal(size=6)
        for kind in ["text"] * texts + ["image"] * images:
            vectors.append(scaled(middle + rng.normal(size=6) + push * (kind == "image")))
            modality.append(kind)
            match.append(10 * number + 3)
    order = rng.permutation(len(match))
    return Points(
        np.array(vectors, dtype=np.float32).reshape(-1, 6)[order],
        np.array(modality, dtype=np.str_)[order],
        np.array(match, dtype=np.int64)[order],
    )


def dot(a: Any, b: Any) -> float:
    return sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))


def scaled(vector: Iterable[float]) -> list[float]:
    """A vector at length 1; zeros stay zeros."""
    values = [float(v) for v in vector]
    length = math.hypot(*values)
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
    points: Points, gallery: Gallery, k: int, csls: float = 0.0, offset: Mapping[str, float] | None = None
) -> Found:
    """What each item of a gallery retrieves among the others: the most similar first, ties to the smaller.

    ``csls`` is the share of the query's level that is subtracted, ``offset`` what is added for images.
    """
    found = {}
    for q in gallery:
        score = {x: dot(points.vectors[q], points.vectors[x]) for x in gallery if x != q}
        for kind in KINDS if csls or offset else ():
            shelf = [x for x in score if points.modality[x] == kind]
            highest = sorted((score[x] for x in shelf), reverse=True)[:10]
            added = (offset or {}).get(str(points.modality[q]), 0.0) if kind == "image" else 0.0
            for x in shelf:
                score[x] += added - csls * fmean(highest)
        found[q] = sorted(score, key=lambda x: (-score[x], x))[:k]
    return found


def assert_retrieved(hits: Retrieved, points: Points, found: Found) -> None:
    """Check what was retrieved against what loops find."""
    occurrences = Counter(x for neighbours in found.values() for x in neighbours)
    for q, neighbours in found.items():
        assert (hits.count[q], hits.occurrences[q]) == (len(neighbours), occurrences[q])
        assert hits.same_match[q] == sum(points.match[x] == points.match[q] for x in neighbours)
        for kind in KINDS:
            assert hits.by_modality[kind][q] == sum(points.modality[x] == kind for x in neighbours)


def of_group(points: Points, q: int, group: str) -> bool:
    return group in ("all", points.modality[q])


def per_match(points: Points, draws: Iterable[Mapping[int, float]]) -> list[float]:
    """Shares of queries, averaged over each match's queries, then over the draws that have any."""
    means: dict[int, list[float]] = {}
    for shares in draws:
        for match in sorted({int(points.match[q]) for q in shares}):
            means.setdefault(match, []).append(
                fmean(s for q, s in shares.items() if points.match[q] == match)
            )
    return [fmean(means[match]) for match in sorted(means)]


def coherence(points: Points, draws: Iterable[Found], group: str, k: int) -> list[float]:
    """Each match's share of neighbours of the same match among the k nearest."""
    return per_match(
        points,
        [
            {
                q: sum(points.match[x] == points.match[q] for x in near) / k
                for q, near in found.items()
                if of_group(points, q, group)
            }
            for found in draws
        ],
    )


def retrieved(points: Points, draws: Iterable[Found], group: str, kind: str) -> float:
    """How many items of one modality the queries of a group retrieve, averaged over draws."""
    return fmean(
        sum(points.modality[x] == kind for q in found if of_group(points, q, group) for x in found[q])
        for found in draws
    )


def available(points: Points, draws: Iterable[Found], kind: str) -> float:
    return fmean(sum(points.modality[q] == kind for q in found) for found in draws)


def r_precision(points: Points, galleries: Iterable[Gallery], a: str, b: str) -> list[float]:
    """Each match's precision of the top R among the items of b, R those of the query's match."""
    draws = []
    for gallery in galleries:
        shelf = [x for x in gallery if points.modality[x] == b]
        shares = {}
        for q in (q for q in gallery if points.modality[q] == a):
            wanted = {x for x in shelf if points.match[x] == points.match[q]}
            level = {x: dot(points.vectors[q], points.vectors[x]) for x in shelf}
            first = sorted(shelf, key=lambda x: (-level[x], x))[: len(wanted)]
            if wanted:
                shares[q] = len(wanted.intersection(first)) / len(wanted)
        draws.append(shares)
    return per_match(points, draws)


def squared_distance(a: Any, b: Any) -> float:
    return math.dist(a.tolist(), b.tolist()) ** 2


def uniformity(points: Points, gallery: Gallery) -> float:
    z = points.vectors
    return math.log(fmean(math.exp(-2 * squared_distance(z[i], z[j])) for i, j in combinations(gallery, 2)))


def alignment(points: Points) -> float:
    texts, images = (np.flatnonzero(points.modality == kind).tolist() for kind in KINDS)
    return fmean(
        squared_distance(points.vectors[i], points.vectors[j])
        for i in texts
        for j in images
        if points.match[i] == points.match[j]
    )
