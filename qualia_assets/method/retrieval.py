"""Ranking items of both modalities together fairly: calibration at query time.

``s'(q, x) = s(q, x) - csls * r_m(q) + offset_(mode of q) [x is an image]`` with ``r_m(q)`` the mean of q's
ten highest similarities to the gallery of x's modality m (CSLS, Conneau et al. 2018, of which only the
query's half differs between galleries). The offsets make a query find each modality as often as it is
there; they are never fitted on items that are judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.metrics import CALIBRATION_NEIGHBOURS, Points, Retrieved, balanced_subset, searches
from qualia_assets.method.neighbours import Floats, nearest_columns, row_blocks, similarities

IMAGE = "image"
CSLS = 0.95
"""A little less than the whole: what stands out for a query is found more, and parity still holds."""
_OTHER = "other"


@dataclass(frozen=True)
class Calibration:
    """How much of a query's level is taken off, and what an image is given, by the query's modality."""

    csls: float = CSLS
    offset: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, text: float | None, image: float | None) -> "Calibration":
        """From offsets that were kept, None for one that could not be fitted."""
        return cls(offset={m: o for m, o in (("text", text), (IMAGE, image)) if o is not None})

    def ranked(self, similarity: Floats, query_modality: str, modality: NDArray[np.str_]) -> Floats:
        """Similarities of queries of one modality to a gallery, shape (q, n), made comparable.

        Args:
            similarity: cosines; -inf where a column is not in the row's gallery.
            query_modality: of all the rows.
            modality: of the columns, shape (n,).
        """
        out = similarity.copy()
        for m in np.unique(modality):
            columns = np.flatnonzero(modality == m)
            out[:, columns] += self.shift(query_modality, str(m), level(similarity[:, columns]))[:, None]
        return out

    def shift(self, query_modality: str, modality: str, level: Floats) -> Floats:
        """What is added to similarities of queries to items of one modality, given the queries' levels."""
        add = self.offset.get(query_modality, 0.0) if modality == IMAGE else 0.0
        return np.float32(add) - np.float32(self.csls) * level


def level(similarity: Floats) -> Floats:
    """The mean of each row's ten highest, shape (rows,); 0 for a row that has none."""
    _, values = nearest_columns(similarity, CALIBRATION_NEIGHBOURS)
    there = np.isfinite(values)
    total = np.where(there, values, 0).sum(axis=1)
    return np.asarray(total / np.maximum(there.sum(axis=1), 1), dtype=np.float32)


def fit_calibration(
    vectors: Floats, modality: NDArray[np.str_], k: int = 10, csls: float = CSLS
) -> Calibration:
    """Offsets under which items find images among their ``k`` nearest as often as images are there.

    Exact, without a search: of one query the j-th best image is among the k nearest as soon as the
    offset lifts it above the (k - j + 1)-th best text; the wanted share of images is a quantile of
    those lifts over queries and j.

    Args:
        vectors: shape (n, d), of items that are not judged; their labels are not needed.
        modality: shape (n,).
        k: how many are retrieved.
        csls: see the module.

    Returns:
        No offset for a query modality that is not there, or where a gallery has fewer than k items.
    """
    offset: dict[str, float] = {}
    images = modality == IMAGE
    plain = Calibration(csls)
    if min(images.sum(), (~images).sum()) <= k:
        return plain
    two = Points(vectors, np.where(images, IMAGE, _OTHER), np.zeros(len(modality), dtype=np.int64))
    lifts = np.empty((len(modality), k), dtype=np.float32)
    for rows, found in searches(two, max(k, CALIBRATION_NEIGHBOURS)):
        best = {m: v[:, :k] - np.float32(csls) * level(v)[:, None] for m, (_, v) in found.items()}
        lifts[rows] = best[_OTHER][:, ::-1] - best[IMAGE]
    for asking in sorted(set(modality.tolist())):
        there = images.sum() - (asking == IMAGE)
        offset[asking] = float(np.quantile(lifts[modality == asking], there / (len(modality) - 1)))
    return Calibration(csls, offset)


def fit_on_matches(
    points: Points, k: int = 10, csls: float = CSLS, draws: int = 5, seed: int = 0
) -> Calibration:
    """Offsets under which a match with as many of each modality is found in equal parts.

    Most of what is found is of the query's own match, so that what is there overall is not what there is to
    find: offsets fitted on all items would carry how these matches happen to be made up over to others.
    They are the mean over balanced galleries (``metrics.balanced_subset``) of :func:`fit_calibration`.

    Args:
        points: items of matches that are not judged.
        k: how many are retrieved.
        csls: see the module.
        draws: balanced galleries.
        seed: of the draws.

    Returns:
        No offset where the balanced galleries are too small for one.
    """
    if len(points.modalities) < 2:
        return Calibration(csls)
    rng = np.random.default_rng(seed)
    parts = [points.subset(balanced_subset(points, rng)) for _ in range(draws)]
    found = [fit_calibration(part.vectors, part.modality, k, csls).offset for part in parts]
    modalities = set.intersection(*(set(offset) for offset in found))
    return Calibration(csls, {m: float(np.mean([o[m] for o in found])) for m in sorted(modalities)})


def retrieve_calibrated(points: Points, k: int, calibration: Calibration) -> Retrieved:
    """Let every item query all the others for its ``k`` nearest under a calibration."""
    n = len(points)
    found, same, times = np.zeros(n), np.zeros(n), np.zeros(n)
    by_modality = {m: np.zeros(n) for m in points.modalities}
    for m in points.modalities:
        mine = np.flatnonzero(points.modality == m)
        for rows in row_blocks(len(mine)):
            own = mine[rows]
            similarity = similarities(points.vectors[own], points.vectors)
            similarity[np.arange(len(own)), own] = -np.inf
            hits, values = nearest_columns(calibration.ranked(similarity, m, points.modality), k)
            there = np.isfinite(values)
            hits = np.where(there, hits, 0)
            found[own] = there.sum(axis=1)
            same[own] = (there & (points.match[hits] == points.match[own, None])).sum(axis=1)
            for other in points.modalities:
                by_modality[other][own] = (there & (points.modality[hits] == other)).sum(axis=1)
            np.add.at(times, hits[there], 1)
    return Retrieved(found, same, by_modality, times)
