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
from qualia_assets.method.neighbours import Floats, Gallery, Ints, leave_out, nearest_columns
from qualia_assets.method.sieve import Sieve


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

    items: int
    before: tuple[Sieve, ...]
    middle: Floats
    k: int
    share: float

    @classmethod
    def of(cls, vectors: Floats, k: int, share: float, passes: int) -> "Smoothed":
        """Smooth items of one modality, shape (n, d), n > 0, and keep where they lay on the way."""
        *before, after = _smoothed(vectors, k, share, passes)
        return cls(len(after), tuple(Sieve.of(z) for z in before), after.mean(axis=0), k, share)

    def take_along(self, vector: Floats) -> Floats:
        """The same steps for one vector more, shape (d,): in each pass towards where the items lay then.

        As :func:`same_modality_smoothing` moves an item among the others, but that these did not move
        towards it.
        """
        for sieve in self.before:
            vector = step_towards(vector, sieve, self.k, self.share)
        return vector


def smooth_towards(queries: Floats, bank: Floats, k: int, share: float, own: Ints | None = None) -> Floats:
    """Each query a step towards its ``k`` nearest rows of a bank, each row weighted by its cosine.

    ``unit((1 - share) q + share unit(sum over the k nearest of max(cos, 0) b))``.

    Args:
        queries: shape (n, d), unit length.
        bank: shape (m, d), unit length.
        k: neighbours; where the bank has fewer, all of it.
        share: how far a query goes, from 0 (stays) to 1 (becomes the mean of its neighbours).
        own: shape (n,), for each query the row of the bank that is itself and is left out.

    Returns:
        Shape (n, d), unit length. A query with nothing in the bank at less than a right angle stays
        exactly as it is.
    """
    from scipy.sparse import csr_array

    out = queries.copy()
    if not len(bank):
        return out
    for rows, similarity in Gallery.of(bank).blocks(queries):
        if own is not None:
            leave_out(similarity, own[rows])
        found, cosines = nearest_columns(similarity, min(k, len(bank)))
        weights = np.maximum(cosines, 0)
        # A sparse matrix, for a product that gathers no copies of the bank's rows.
        each = (weights.ravel(), np.maximum(found, 0).ravel(), np.arange(len(found) + 1) * found.shape[1])
        towards = unit(csr_array(each, shape=similarity.shape) @ bank)
        moves = np.flatnonzero(weights.any(axis=1))
        out[rows][moves] = unit((1 - share) * queries[rows][moves] + share * towards[moves])
    return out


def step_towards(query: Floats, bank: Sieve, k: int, share: float) -> Floats:
    """The same for one query, shape (d,), and a bank that was looked over once."""
    found, cosines = bank.nearest(query, k, bank.scan(query))
    weights = np.maximum(cosines, 0)
    if not weights.any():
        return query
    towards = unit((weights @ bank.vectors[found])[None])
    return np.asarray(unit((1 - share) * query + share * towards)[0])
