"""Exact nearest neighbours on the unit sphere, in blocks, with ties broken the same way every time.

No matrix of all pairs is ever held: a block of queries is compared with the whole gallery in one matrix
product, its nearest are picked, and the next block takes its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NOBODY = -1
_BLOCK = 1024
# A block of similarities is at most 64 MiB. A product arranges the gallery anew for each block, which with
# fewer rows costs more than a larger block gives away by outgrowing the cache.
_CELLS = 1 << 24
# The nearest are picked from 8 MiB of them at a time, which stay in the cache while they are.
_PICKED = 1 << 21


def row_blocks(rows: int, block: int = _BLOCK) -> Iterator[slice]:
    """Slices that cover ``rows``: similarity matrices are only ever held a block of rows at a time."""
    for start in range(0, rows, block):
        yield slice(start, min(start + block, rows))


@dataclass(frozen=True)
class Gallery:
    """Vectors to be searched, shape (columns, d), looked over once for any number of queries.

    ``copies`` are the columns whose vector is also that of an earlier column, ``originals``.
    """

    vectors: Floats
    copies: Ints
    originals: Ints

    @classmethod
    def of(cls, vectors: Floats) -> "Gallery":
        # Copies share their first coordinate; few others do, so only few rows are compared in full.
        _, value, times = np.unique(vectors[:, 0], return_inverse=True, return_counts=True)
        shared = np.flatnonzero(times[value] > 1)
        seen: dict[bytes, int] = {}
        first = np.array([seen.setdefault(vectors[i].tobytes(), int(i)) for i in shared], dtype=np.int64)
        return cls(vectors, shared[first != shared], first[first != shared])

    def similarities(self, queries: Floats, out: Floats | None = None) -> Floats:
        """Dot products of every query with every column, (queries, columns); copies have equal columns.

        In a plain product how a column is rounded depends on its place, so that copies of one item
        would not tie but come in a random order.
        """
        product = np.matmul(queries, self.vectors.T, out=out)
        if len(self.copies):
            product[:, self.copies] = product[:, self.originals]
        return product

    def blocks(self, queries: Floats) -> Iterator[tuple[slice, Floats]]:
        """The similarities of all queries, a block of rows at a time.

        A block may be written to. The next one takes its memory: to have the system find new pages for
        each would take a tenth of the product's time.
        """
        columns = len(self.vectors)
        block = max(1, min(_BLOCK, len(queries), _CELLS // max(columns, 1)))
        memory = np.empty((block, columns), dtype=np.float32)
        for rows in row_blocks(len(queries), block):
            yield rows, self.similarities(queries[rows], out=memory[: rows.stop - rows.start])


def similarities(queries: Floats, gallery: Floats) -> Floats:
    """Dot products of every query with every row of the gallery; equal rows have equal columns."""
    return Gallery.of(gallery).similarities(queries)


def leave_out(similarity: Floats, columns: Ints) -> None:
    """Take one column out of each row's gallery, in place: an item does not find itself."""
    similarity[np.arange(len(similarity)), columns] = -np.inf


def nearest_columns(similarity: Floats, k: int) -> tuple[Ints, Floats]:
    """The ``k`` most similar columns of each row, exactly; ties go to the smaller column.

    Args:
        similarity: shape (rows, columns); ``-inf`` (or NaN) where a column is not in the row's gallery.
        k: neighbours wanted; a row may have fewer.

    Returns:
        Columns and their similarities, both of shape (rows, k), nearest first; -1 (``NOBODY``) and
        ``-inf`` where there are no more.
    """
    rows, columns = similarity.shape
    wanted = min(max(k, 0), columns)
    indices = np.full((rows, max(k, 0)), NOBODY, dtype=np.int64)
    highest = np.full(indices.shape, -np.inf, dtype=np.float32)
    if not wanted:
        return indices, highest
    for some in row_blocks(rows, max(1, _PICKED // columns)):
        found = _first_columns(similarity[some], wanted)
        indices[some, :wanted] = found
        highest[some, :wanted] = np.take_along_axis(similarity[some], found, axis=1)
    nobody = ~(highest > -np.inf)
    indices[nobody], highest[nobody] = NOBODY, -np.inf
    return indices, highest


def _first_columns(similarity: Floats, k: int) -> Ints:
    """The columns of the ``k`` highest values of each row, in order, (rows, k); 1 <= k <= columns."""
    columns = similarity.shape[1]
    # All groups' maxima are taken, then k groups searched: together least at a size near sqrt(columns / k);
    # the 32 is what a maximum costs in values searched, by measurement.
    size = round(sqrt(32 * columns / k))
    grouped = 2 * k * size < columns
    maxima = _group_maxima(similarity, size) if grouped else similarity
    if np.isnan(maxima).any():
        return _first_columns(np.where(np.isnan(similarity), np.float32(-np.inf), similarity), k)
    threshold = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, -k, None]
    first = _first(maxima, threshold, k)
    return _first_in_groups(similarity, np.sort(first, axis=1), size, threshold) if grouped else first


def _group_maxima(similarity: Floats, size: int) -> Floats:
    """The highest of each run of ``size`` columns, the last of which may be shorter."""
    rows, columns = similarity.shape
    whole, rest = divmod(columns, size)
    maxima = np.empty((rows, whole + (rest > 0)), dtype=np.float32)
    np.max(similarity[:, : whole * size].reshape(rows, whole, size), axis=2, out=maxima[:, :whole])
    if rest:
        np.max(similarity[:, whole * size :], axis=1, out=maxima[:, whole])
    return maxima


def _first_in_groups(similarity: Floats, groups: Ints, size: int, threshold: Floats) -> Ints:
    """The columns of the ``k`` highest values of each row, in order, given its ``k`` first groups, ascending.

    In order of value, then of column, the k first columns lie within the k first groups in the order of
    their best: were one of them in another group, the best of those k groups would come before it.
    """
    rows, columns = similarity.shape
    whole, rest = divmod(columns, size)
    runs = similarity[:, : whole * size].reshape(rows, whole, size)
    inside = runs[np.arange(rows)[:, None], np.minimum(groups, whole - 1)]
    if rest:
        # Filled up with what no one takes: even of nothing but -inf there are k columns before it.
        shorter = np.flatnonzero(groups[:, -1] == whole)
        inside[shorter, -1, :rest] = similarity[shorter, whole * size :]
        inside[shorter, -1, rest:] = -np.inf
    place = _first(inside.reshape(rows, -1), threshold, groups.shape[1])
    return np.take_along_axis(groups, place // size, axis=1) * size + place % size


def _first(values: Floats, threshold: Floats, k: int) -> Ints:
    """The columns of the ``k`` highest values of each row, in order, (rows, k); ties to the smaller.

    ``threshold``, shape (rows, 1): at least k values of the row are as high. Few more are, so that only
    few have to be put in order.
    """
    high = values >= threshold
    number = high.sum(axis=1, dtype=np.int32)[:, None]
    place = np.flatnonzero(high)
    # What is high of each row, moved to its left end.
    moved = np.arange(number.max(initial=0)) < number
    columns = np.zeros(moved.shape, dtype=np.int64)
    columns[moved] = place % values.shape[1]
    negated = np.full(moved.shape, np.inf, dtype=np.float32)
    negated[moved] = -values.ravel()[place]
    order = np.argsort(negated, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(columns, order, axis=1)


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
    for rows, similarity in Gallery.of(vectors).blocks(vectors):
        own = np.arange(rows.start, rows.stop)
        # The point itself comes first even among exact copies of it.
        similarity[np.arange(len(own)), own] = np.inf
        indices[rows], values = nearest_columns(similarity, k)
        distances[rows] = np.clip(1 - values, 0, 2)
    return indices, distances
