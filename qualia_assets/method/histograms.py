"""The paper's Fig. 4: how similar queries are to what they find, and how often items are found."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qualia_assets.method.metrics import Points, retrieve, searches
from qualia_assets.method.neighbours import NOBODY

COSINE_BINS = np.round(np.linspace(-1, 1, 81), 4)


@dataclass(frozen=True)
class Bar:
    """One bin: from ``low``, inclusive, to ``high``, exclusive."""

    kind: str
    query_modality: str
    low: float
    high: float
    count: int


def cosine_histogram(points: Points, k: int) -> Iterator[Bar]:
    """Cosines of each query to its ``k`` nearest of either modality, by direction; empty bins left out.

    Each modality's gallery is asked apart, so the distance between the histograms of one query
    modality is the modality gap that a mixed search falls into.
    """
    totals: dict[str, np.ndarray] = {}
    for rows, found in searches(points, k):
        for b, (items, cosines) in found.items():
            for a in points.modalities:
                asked = (points.modality[rows] == a)[:, None] & (items != NOBODY)
                counts, _ = np.histogram(np.clip(cosines[asked], -1, 1), COSINE_BINS)
                totals[f"{a}>{b}"] = totals.get(f"{a}>{b}", 0) + counts
    for direction, counts in sorted(totals.items()):
        for i in np.flatnonzero(counts):
            yield Bar("cosine", direction, float(COSINE_BINS[i]), float(COSINE_BINS[i + 1]), int(counts[i]))


def occurrence_histogram(points: Points, k: int) -> Iterator[Bar]:
    """How many items are among the ``k`` nearest of 0, 1, 2, ... others, by the item's modality."""
    if len(points) < 2:
        return
    times = retrieve(points, k).times_found.astype(np.int64)
    for group in ["all", *points.modalities]:
        counts = np.bincount(times if group == "all" else times[points.modality == group])
        for value in np.flatnonzero(counts):
            yield Bar("occurrence", group, float(value), float(value + 1), int(counts[value]))
