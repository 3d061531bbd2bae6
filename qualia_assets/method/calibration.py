"""CSLS calibration: the level of a query in a gallery, and scores that compare galleries by it.

``s'(q, x) = s(q, x) - csls * r_m(q) + offset_(modality of q) [x is an image]``, where ``r_m(q)`` is the mean
of q's ten highest similarities to the gallery of x's modality m. This is cross-domain similarity local
scaling (Conneau et al. 2018, section 2.3) without the item's half, which is the same in every gallery. The
offsets are fitted in ``retrieval``. With both halves, where all queries rank one gallery, it is :func:`csls`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.neighbours import Floats, nearest_columns

IMAGE = "image"
CSLS_NEIGHBOURS = 10
CSLS_WEIGHT = 0.95
"""Slightly below 1: items that stand out for a query rank higher, and parity still holds."""


def csls(similarity: Floats) -> Floats:
    """Level out hubs: take off the levels of each row and each column (Conneau et al. 2018, section 2.3).

    Args:
        similarity: shape (q, n), cosines.

    Returns:
        ``2 s(q, x) - r(q) - r(x)``, shape (q, n): what is near to everything is no longer near to anything.
    """
    rows, columns = (
        query_level(nearest_columns(side, CSLS_NEIGHBOURS)[1])
        for side in (similarity, np.ascontiguousarray(similarity.T))
    )
    return np.asarray(2 * similarity - rows - columns.T, dtype=np.float32)


def query_level(highest: Floats) -> Floats:
    """Return each query's level in one gallery, ``r_m(q)``: the mean of its ten highest similarities.

    Args:
        highest: shape (..., k), a query's similarities in descending order, of which the first ten count;
            ``-inf`` where the gallery has no more.

    Returns:
        Shape (..., 1); 0 for a query whose gallery is empty.
    """
    highest = highest[..., :CSLS_NEIGHBOURS]
    finite = np.isfinite(highest)
    total = np.where(finite, highest, 0).sum(axis=-1, keepdims=True)
    return np.asarray(total / np.maximum(finite.sum(axis=-1, keepdims=True), 1), dtype=np.float32)


@dataclass(frozen=True)
class Calibration:
    """The share of a query's level to subtract, and the offset of images by the query's modality."""

    csls: float = CSLS_WEIGHT
    offset: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, text: float | None, image: float | None) -> "Calibration":
        """Build one from stored offsets, None for an offset that could not be fitted."""
        return cls(offset={m: o for m, o in (("text", text), (IMAGE, image)) if o is not None})

    def adjust(self, similarity: Floats, query_modality: str, modality: str, level: Floats) -> Floats:
        """Calibrate similarities of queries of one modality to items of one modality.

        Args:
            similarity: shape (..., n), cosines.
            query_modality: of all queries.
            modality: of all items.
            level: shape (..., 1), from :func:`query_level`.

        Returns:
            The calibrated similarities, in the shape of ``similarity``.
        """
        offset = self.offset.get(query_modality, 0.0) if modality == IMAGE else 0.0
        return similarity + (np.float32(offset) - np.float32(self.csls) * level)

    def adjust_mixed(self, similarity: Floats, query_modality: str, modality: NDArray[np.str_]) -> Floats:
        """Calibrate similarities of queries of one modality to a gallery of mixed modalities.

        Args:
            similarity: shape (q, n), cosines; ``-inf`` where a column is not in the row's gallery.
            query_modality: of all rows.
            modality: shape (n,), of the columns.

        Returns:
            The calibrated similarities, shape (q, n).
        """
        out = similarity.copy()
        for m in np.unique(modality):
            columns = np.flatnonzero(modality == m)
            gallery = similarity[:, columns]
            level = query_level(nearest_columns(gallery, CSLS_NEIGHBOURS)[1])
            out[:, columns] = self.adjust(gallery, query_modality, str(m), level)
        return out
