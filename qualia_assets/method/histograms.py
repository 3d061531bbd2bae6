"""The paper's Fig. 4: the cosines of queries to what they retrieve, and how often items are retrieved."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qualia_assets.method.metrics import Points, retrieve, search_by_modality
from qualia_assets.method.neighbours import NO_NEIGHBOUR

COSINE_BINS = np.round(np.linspace(-1, 1, 81), 4)


@dataclass(frozen=True)
class Bin:
    """One bin: from ``low``, inclusive, to ``high``, exclusive."""

    kind: str
    query_modality: str
    low: float
    high: float
    count: int


def cosine_histogram(points: Points, k: int) -> Iterator[Bin]:
    """Count the cosines of each query to its ``k`` nearest of each modality, by direction.

    Each modality is searched separately, so the distance between the two histograms of a query modality is
    the modality gap that a mixed search meets.

    Args:
        points: the items.
        k: neighbours per modality.

    Yields:
        The non-empty bins of :data:`COSINE_BINS`.
    """
    totals: dict[str, np.ndarray] = {}
    for rows, hits in search_by_modality(points, k):
        for b, (items, cosines) in hits.items():
            for a in points.modalities:
                counted = (points.modality[rows] == a)[:, None] & (items != NO_NEIGHBOUR)
                counts, _ = np.histogram(np.clip(cosines[counted], -1, 1), COSINE_BINS)
                totals[f"{a}>{b}"] = totals.get(f"{a}>{b}", 0) + counts
    for direction, counts in sorted(totals.items()):
        for i in np.flatnonzero(counts):
            yield Bin("cosine", direction, float(COSINE_BINS[i]), float(COSINE_BINS[i + 1]), int(counts[i]))


def occurrence_histogram(points: Points, k: int) -> Iterator[Bin]:
    """Count the items that are among the ``k`` nearest of 0, 1, 2, ... others, by the item's modality.

    Args:
        points: the items.
        k: neighbours retrieved.

    Yields:
        The non-empty bins, of width 1.
    """
    if len(points) < 2:
        return
    occurrences = retrieve(points, k).occurrences.astype(np.int64)
    for group in ["all", *points.modalities]:
        counts = np.bincount(occurrences if group == "all" else occurrences[points.modality == group])
        for value in np.flatnonzero(counts):
            yield Bin("occurrence", group, float(value), float(value + 1), int(counts[value]))
