"""Smoothing on the unit sphere: moving items towards their nearest neighbours.

A step is alpha query expansion with alpha = 1 (Radenovic, Tolias & Chum 2019, "Fine-tuning CNN image
retrieval with no human annotation", section 5): an item is averaged with its nearest, weighted by cosine.
Repeated for all items of a gallery, it is a diffusion over the neighbour graph. Matches are not used, and the
order of items only breaks ties.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, Gallery, Ints, exclude_columns, nearest_columns
from qualia_assets.method.quantized import QuantizedIndex


def same_modality_smoothing(
    vectors: Floats, modality: NDArray[np.str_], k: int, share: float, passes: int
) -> Floats:
    """Move every item towards its ``k`` nearest others of the same modality, all at once, in several passes.

    Args:
        vectors: shape (n, d), unit length.
        modality: shape (n,).
        k: neighbours, the item itself not counted; all others where there are fewer.
        share: step size, from 0 (no move) to 1 (to the mean of the neighbours).
        passes: steps; neighbours are searched again in each.

    Returns:
        Shape (n, d), unit length. An item without a neighbour of positive cosine is unchanged.
    """
    out = vectors.copy()
    for m in np.unique(modality):
        mine = np.flatnonzero(modality == m)
        *_, out[mine] = _passes(vectors[mine], k, share, passes)
    return out


def _passes(z: Floats, k: int, share: float, passes: int) -> Iterator[Floats]:
    """Yield the items of one modality before the first pass and after each."""
    yield z
    for _ in range(passes):
        z = smooth_towards(z, z, k, share, own=np.arange(len(z)))
        yield z


@dataclass(frozen=True)
class SmoothedGallery:
    """The smoothed items of one modality, for smoothing a query among them.

    ``indexes`` holds the items as they were before each pass, ``mean`` their mean after the last, shape (d,).
    """

    items: int
    indexes: tuple[QuantizedIndex, ...]
    mean: Floats
    k: int
    share: float

    @classmethod
    def of(cls, vectors: Floats, k: int, share: float, passes: int) -> "SmoothedGallery":
        """Smooth items of one modality, shape (n, d), n > 0, and index them as they were before each pass.

        The other arguments are those of :func:`same_modality_smoothing`.
        """
        *before, after = _passes(vectors, k, share, passes)
        indexes = tuple(QuantizedIndex.of(z) for z in before)
        return cls(len(after), indexes, after.mean(axis=0), k, share)

    def smooth_query(self, query: Floats) -> Floats:
        """Smooth a query, unit, shape (d,), in each pass towards the items as they were before it.

        The result is that of :func:`same_modality_smoothing` for an item among the others, except that the
        others did not move towards it.
        """
        for index in self.indexes:
            query = smooth_query_towards(query, index, self.k, self.share)
        return query


def smooth_towards(queries: Floats, bank: Floats, k: int, share: float, own: Ints | None = None) -> Floats:
    """Move each query towards its ``k`` nearest rows of a bank, each row weighted by its cosine.

    ``unit((1 - share) q + share unit(sum over the k nearest of max(cos, 0) b))``.

    Args:
        queries: shape (n, d), unit length.
        bank: shape (m, d), unit length.
        k: neighbours; the whole bank where it has fewer rows.
        share: step size, from 0 (no move) to 1 (to the mean of the neighbours).
        own: shape (n,), each query's own row in the bank, which is excluded.

    Returns:
        Shape (n, d), unit length. A query without a row of positive cosine is unchanged.
    """
    from scipy.sparse import csr_array

    out = queries.copy()
    if not len(bank):
        return out
    for rows, similarity in Gallery.of(bank).blocks(queries):
        if own is not None:
            exclude_columns(similarity, own[rows])
        columns, cosines = nearest_columns(similarity, min(k, len(bank)))
        weights = np.maximum(cosines, 0)
        # A sparse product does not copy the rows of the bank that it sums.
        ends = np.arange(len(columns) + 1) * columns.shape[1]
        sparse = csr_array((weights.ravel(), np.maximum(columns, 0).ravel(), ends), shape=similarity.shape)
        targets = unit(sparse @ bank)
        moved = np.flatnonzero(weights.any(axis=1))
        out[rows][moved] = unit((1 - share) * queries[rows][moved] + share * targets[moved])
    return out


def smooth_query_towards(query: Floats, bank: QuantizedIndex, k: int, share: float) -> Floats:
    """Do what :func:`smooth_towards` does for one query, unit, shape (d,), and an indexed bank."""
    rows, cosines = bank.nearest(query, k, bank.approximate_scores(query))
    weights = np.maximum(cosines, 0)
    if not weights.any():
        return query
    target = unit((weights @ bank.vectors[rows])[None])
    return np.asarray(unit((1 - share) * query + share * target)[0])
