"""Exact nearest neighbours on the unit sphere, in blocks, with ties broken the same way every time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BLOCK = 1024


def row_blocks(rows: int, block: int = _BLOCK) -> Iterator[slice]:
    """Slices that cover ``rows``: similarity matrices are only ever held a block of rows at a time."""
    for start in range(0, rows, block):
        yield slice(start, min(start + block, rows))


def similarities(queries: Floats, gallery: Floats) -> Floats:
    """Dot products of every query with every row of the gallery; equal rows have equal columns.

    In a plain product how a column is rounded depends on its place, so that copies of one item
    would not tie but come in a random order.
    """
    product = queries @ gallery.T
    if len(np.unique(gallery[:, 0])) == len(gallery):
        return product
    seen: dict[bytes, int] = {}
    first = [seen.setdefault(row.tobytes(), i) for i, row in enumerate(gallery)]
    return product if len(seen) == len(first) else product[:, first]


def top_k(similarity: Floats, k: int) -> Mask:
    """Mark the ``k`` most similar columns of each row; ties go to the smaller column.

    Args:
        similarity: shape (rows, columns); ``-inf`` where a column is not in the row's gallery.
        k: at most the number of columns; where fewer are finite, only those are marked.
    """
    rows, columns = similarity.shape
    if k <= 0 or columns == 0:
        return np.zeros((rows, columns), dtype=bool)
    k = min(k, columns)
    threshold = np.partition(similarity, columns - k, axis=1)[:, columns - k, None]
    above = similarity > threshold
    level = similarity == threshold
    room = k - above.sum(axis=1, keepdims=True)
    marked: Mask = (above | (level & (np.cumsum(level, axis=1) <= room))) & np.isfinite(similarity)
    return marked


def nearest(vectors: Floats, k: int) -> tuple[Ints, Floats]:
    """The ``k`` nearest neighbours of each unit vector, itself first, by cosine distance.

    Args:
        vectors: shape (n, d), unit length.
        k: neighbours counted with the point itself; at most n.

    Returns:
        Indices and cosine distances, both of shape (n, k), nearest first; ties to the smaller index.
    """
    n = len(vectors)
    k = min(k, n)
    indices = np.empty((n, k), dtype=np.int64)
    distances = np.empty((n, k), dtype=np.float32)
    for rows in row_blocks(n):
        similarity = similarities(vectors[rows], vectors)
        # The point itself comes first even among exact copies of it.
        own = np.arange(rows.start, rows.stop)
        similarity[np.arange(len(own)), own] = np.inf
        marked = top_k(np.nan_to_num(similarity, posinf=2.0), k)
        found = np.nonzero(marked)[1].reshape(len(own), k)
        values = np.take_along_axis(similarity, found, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        indices[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.clip(1 - np.take_along_axis(values, order, axis=1), 0, 2)
    return indices, distances
