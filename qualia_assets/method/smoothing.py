"""Items drawn towards their neighbours, on the unit sphere: what is alike comes to lie closer together.

A step is alpha query expansion with alpha = 1 (Radenovic, Tolias & Chum 2019, "Fine-tuning CNN image
retrieval with no human annotation", section 5): an item takes up its nearest, each by its cosine. Done to
every item of a gallery and again to what comes out, it is a diffusion over the graph of neighbours.
Neither looks at matches, nor at items' order but where cosines tie.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import (
    Floats,
    Gallery,
    Ints,
    for_single_queries,
    leave_out,
    nearest_columns,
)


def same_modality_smoothing(
    vectors: Floats, modality: NDArray[np.str_], k: int, share: float, passes: int
) -> Floats:
    """Every item a step towards its ``k`` nearest others of the same modality, all at once, some times over.

    Args:
        vectors: shape (n, d), unit length.
        modality: shape (n,); no item moves towards one of another modality.
        k: neighbours, the item itself not counted; where there are fewer others, those.
        share: how far an item goes, from 0 (stays) to 1 (becomes the mean of its neighbours).
        passes: steps; in each the neighbours are looked up anew.

    Returns:
        Shape (n, d), unit length. An item without others, or with none at less than a right angle,
        stays exactly as it is.
    """
    out = vectors.copy()
    for m in np.unique(modality):
        mine = np.flatnonzero(modality == m)
        *_, out[mine] = _smoothed(vectors[mine], k, share, passes)
    return out


def _smoothed(z: Floats, k: int, share: float, passes: int) -> Iterator[Floats]:
    """Items of one modality before the first pass, and after each."""
    yield z
    for _ in range(passes):
        z = smooth_towards(z, z, k, share, own=np.arange(len(z)))
        yield z


@dataclass(frozen=True)
class Smoothed:
    """Items of one modality that were smoothed, as one item more finds them.

    ``before`` is where they lay before each pass, ``middle`` their mean at the end, shape (d,).
    """

    before: tuple[Gallery, ...]
    middle: Floats
    k: int
    share: float

    @classmethod
    def of(cls, vectors: Floats, k: int, share: float, passes: int) -> "Smoothed":
        """Smooth items of one modality, shape (n, d), and keep where they lay on the way."""
        *before, after = _smoothed(vectors, k, share, passes)
        middle = after.mean(axis=0) if len(after) else np.zeros_like(vectors, shape=vectors.shape[1])
        return cls(tuple(Gallery.of(for_single_queries(z)) for z in before), middle, k, share)

    def take_along(self, vector: Floats) -> Floats:
        """The same steps for one vector more, shape (d,): in each pass towards where the items lay then.

        As :func:`same_modality_smoothing` moves an item among the others, but that these did not move
        towards it.
        """
        z = vector[None]
        for gallery in self.before:
            z = smooth_towards(z, gallery, self.k, self.share)
        return np.asarray(z[0])


def smooth_towards(
    queries: Floats, bank: Floats | Gallery, k: int, share: float, own: Ints | None = None
) -> Floats:
    """Each query a step towards its ``k`` nearest rows of a bank, each row weighted by its cosine.

    ``unit((1 - share) q + share unit(sum over the k nearest of max(cos, 0) b))``.

    Args:
        queries: shape (n, d), unit length.
        bank: shape (m, d), unit length; one that is asked more than once may be looked over beforehand.
        k: neighbours; where the bank has fewer, all of it.
        share: how far a query goes, from 0 (stays) to 1 (becomes the mean of its neighbours).
        own: shape (n,), for each query the row of the bank that is itself and is left out.

    Returns:
        Shape (n, d), unit length. A query with nothing in the bank at less than a right angle stays
        exactly as it is.
    """
    gallery = bank if isinstance(bank, Gallery) else Gallery.of(bank)
    out = queries.copy()
    if not len(gallery.vectors):
        return out
    for rows, similarity in gallery.blocks(queries):
        if own is not None:
            leave_out(similarity, own[rows])
        found, cosines = nearest_columns(similarity, min(k, len(gallery.vectors)))
        weights = np.maximum(cosines, 0)
        towards = unit(_weighted_sums(weights, np.maximum(found, 0), gallery.vectors))
        moves = np.flatnonzero(weights.any(axis=1))
        out[rows][moves] = unit((1 - share) * queries[rows][moves] + share * towards[moves])
    return out


def _weighted_sums(weights: Floats, rows: Ints, bank: Floats) -> Floats:
    """For each i the sum over j of ``weights[i, j] bank[rows[i, j]]``, (n, d); the first two are (n, k)."""
    if len(rows) == 1:
        return np.asarray(weights @ bank[rows[0]])
    from scipy.sparse import csr_array

    # A sparse matrix, for a product that gathers no copies of the bank's rows.
    each = (weights.ravel(), rows.ravel(), np.arange(len(rows) + 1) * rows.shape[1])
    return np.asarray(csr_array(each, shape=(len(rows), len(bank))) @ bank)
