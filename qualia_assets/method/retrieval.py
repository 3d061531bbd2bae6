"""Offsets that make a query retrieve each modality as often as it occurs, and retrieval with them.

Belongs here: fitting a :class:`~qualia_assets.method.calibration.Calibration`. Offsets are never fitted on
the items that are evaluated.
"""

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.calibration import (
    CSLS_NEIGHBOURS,
    CSLS_WEIGHT,
    IMAGE,
    Calibration,
    query_level,
)
from qualia_assets.method.metrics import Points, Retrieved, balanced_subset, search_by_modality
from qualia_assets.method.neighbours import Floats, nearest_columns, row_blocks, similarities

_OTHER = "other"


def fit_calibration(
    vectors: Floats, modality: NDArray[np.str_], k: int = 10, csls: float = CSLS_WEIGHT
) -> Calibration:
    """Fit the offsets under which items retrieve images among their ``k`` nearest as often as images occur.

    Exact, without a search over offsets: a query's j-th best image is among its k nearest as soon as the
    offset lifts it above the (k - j + 1)-th best text, so the offset for a given share of images is a
    quantile of those lifts over queries and j.

    Args:
        vectors: shape (n, d), unit, of items that are not evaluated; no labels are needed.
        modality: shape (n,).
        k: neighbours retrieved.
        csls: the share of a query's level to subtract.

    Returns:
        A calibration, without an offset for a query modality that does not occur, and without any where there
        are no more than k images or no more than k other items.
    """
    offset: dict[str, float] = {}
    images = modality == IMAGE
    uncalibrated = Calibration(csls)
    if min(images.sum(), (~images).sum()) <= k:
        return uncalibrated
    two = Points(vectors, np.where(images, IMAGE, _OTHER), np.zeros(len(modality), dtype=np.int64))
    lifts = np.empty((len(modality), k), dtype=np.float32)
    for rows, hits in search_by_modality(two, max(k, CSLS_NEIGHBOURS)):
        best = {m: uncalibrated.adjust(v[:, :k], "", m, query_level(v)) for m, (_, v) in hits.items()}
        lifts[rows] = best[_OTHER][:, ::-1] - best[IMAGE]
    for query in sorted(set(modality.tolist())):
        available = images.sum() - (query == IMAGE)
        offset[query] = float(np.quantile(lifts[modality == query], available / (len(modality) - 1)))
    return Calibration(csls, offset)


def fit_on_matches(
    points: Points, k: int = 10, csls: float = CSLS_WEIGHT, draws: int = 5, seed: int = 0
) -> Calibration:
    """Fit the offsets under which a match with equally many of each modality is retrieved in equal parts.

    Most of what a query retrieves is of its own match, so offsets fitted on all items would carry over how
    many texts and images these matches happen to have. The offsets are the mean of :func:`fit_calibration`
    over balanced galleries (``metrics.balanced_subset``).

    Args:
        points: items of matches that are not evaluated.
        k: neighbours retrieved.
        csls: the share of a query's level to subtract.
        draws: balanced galleries.
        seed: of the draws.

    Returns:
        A calibration, without offsets where the balanced galleries are too small.
    """
    if len(points.modalities) < 2:
        return Calibration(csls)
    rng = np.random.default_rng(seed)
    galleries = [points.subset(balanced_subset(points, rng)) for _ in range(draws)]
    offsets = [fit_calibration(gallery.vectors, gallery.modality, k, csls).offset for gallery in galleries]
    modalities = set.intersection(*(set(offset) for offset in offsets))
    return Calibration(csls, {m: float(np.mean([o[m] for o in offsets])) for m in sorted(modalities)})


def retrieve_calibrated(points: Points, k: int, calibration: Calibration) -> Retrieved:
    """Let every item query all others for its ``k`` nearest under a calibration.

    Args:
        points: the items, n of them.
        k: neighbours retrieved.
        calibration: fitted on other items.

    Returns:
        What each item retrieved, as from ``metrics.retrieve``.
    """
    n = len(points)
    count, same, occurrences = np.zeros(n), np.zeros(n), np.zeros(n)
    by_modality = {m: np.zeros(n) for m in points.modalities}
    for m in points.modalities:
        queries = np.flatnonzero(points.modality == m)
        for rows in row_blocks(len(queries)):
            own = queries[rows]
            similarity = similarities(points.vectors[own], points.vectors)
            similarity[np.arange(len(own)), own] = -np.inf
            hits, values = nearest_columns(calibration.adjust_mixed(similarity, m, points.modality), k)
            real = np.isfinite(values)
            hits = np.where(real, hits, 0)
            count[own] = real.sum(axis=1)
            same[own] = (real & (points.match[hits] == points.match[own, None])).sum(axis=1)
            for other in points.modalities:
                by_modality[other][own] = (real & (points.modality[hits] == other)).sum(axis=1)
            np.add.at(occurrences, hits[real], 1)
    return Retrieved(count, same, by_modality, occurrences)
