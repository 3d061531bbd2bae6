"""Exact nearest neighbours on the unit sphere, in blocks, with deterministic tie-breaking.

The matrix of all pairs is never held: a block of queries is compared with the gallery in one matrix product,
its nearest are selected, and the next block reuses the memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NO_NEIGHBOUR = -1
_BLOCK = 1024
# A block of similarities is at most 64 MiB. BLAS repacks the gallery for each block, which with fewer rows
# costs more than a larger block loses by outgrowing the cache.
_CELLS = 1 << 24
# The nearest are selected from 8 MiB at a time, which stay in the cache.
_SELECTED = 1 << 21


def row_blocks(rows: int, block: int = _BLOCK) -> Iterator[slice]:
    """Yield slices that cover ``rows``, at most ``block`` rows each."""
    for start in range(0, rows, block):
        yield slice(start, min(start + block, rows))


@dataclass(frozen=True)
class Gallery:
    """Vectors to search, shape (columns, d), prepared once for any number of queries.

    ``copies`` are the columns whose vector equals that of an earlier column, given in ``originals``.
    """

    vectors: Floats
    copies: Ints
    originals: Ints

    @classmethod
    def of(cls, vectors: Floats) -> "Gallery":
        """Prepare vectors, shape (columns, d)."""
        # Copies share their first coordinate and few others do, so only few rows are compared in full.
        _, value, times = np.unique(vectors[:, 0], return_inverse=True, return_counts=True)
        shared = np.flatnonzero(times[value] > 1)
        seen: dict[bytes, int] = {}
        first = np.array([seen.setdefault(vectors[i].tobytes(), int(i)) for i in shared], dtype=np.int64)
        return cls(vectors, shared[first != shared], first[first != shared])

    def similarities(self, queries: Floats, out: Floats | None = None) -> Floats:
        """Compute the dot products of all queries with all columns; copies get equal columns.

        In a plain product the rounding of a column depends on its position, so copies of an item would not
        tie but come in random order.

        Args:
            queries: shape (queries, d).
            out: the array to write to, if given.

        Returns:
            Shape (queries, columns).
        """
        product = np.matmul(queries, self.vectors.T, out=out)
        if len(self.copies):
            product[:, self.copies] = product[:, self.originals]
        return product

    def blocks(self, queries: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield the similarities of queries, shape (queries, d), a block of rows at a time.

        A block may be written to. The next one reuses its memory, since fresh pages for each would take a
        tenth of the product's time.
        """
        columns = len(self.vectors)
        block = max(1, min(_BLOCK, len(queries), _CELLS // max(columns, 1)))
        memory = np.empty((block, columns), dtype=np.float32)
        for rows in row_blocks(len(queries), block):
            yield rows, self.similarities(queries[rows], out=memory[: rows.stop - rows.start])


def similarities(queries: Floats, gallery: Floats) -> Floats:
    """Compute the dot products of queries, (q, d), with a gallery, (n, d); equal rows get equal columns."""
    return Gallery.of(gallery).similarities(queries)


def exclude_columns(similarity: Floats, columns: Ints) -> None:
    """Exclude one column, shape (rows,), from each row's gallery, in place: an item does not find itself."""
    similarity[np.arange(len(similarity)), columns] = -np.inf


def nearest_columns(similarity: Floats, k: int) -> tuple[Ints, Floats]:
    """Find the ``k`` most similar columns of each row, exactly; ties go to the smaller column.

    Args:
        similarity: shape (rows, columns); ``-inf`` (or NaN) where a column is not in the row's gallery.
        k: neighbours wanted; a row may have fewer.

    Returns:
        Columns and their similarities, both of shape (rows, k), nearest first; ``NO_NEIGHBOUR``
        and ``-inf`` where there are no more.
    """
    rows, columns = similarity.shape
    wanted = min(max(k, 0), columns)
    indices = np.full((rows, max(k, 0)), NO_NEIGHBOUR, dtype=np.int64)
    highest = np.full(indices.shape, -np.inf, dtype=np.float32)
    if not wanted:
        return indices, highest
    for some in row_blocks(rows, max(1, _SELECTED // columns)):
        selected = _top_columns(similarity[some], wanted)
        indices[some, :wanted] = selected
        highest[some, :wanted] = np.take_along_axis(similarity[some], selected, axis=1)
    missing = ~(highest > -np.inf)
    indices[missing], highest[missing] = NO_NEIGHBOUR, -np.inf
    return indices, highest


def _top_columns(similarity: Floats, k: int) -> Ints:
    """Return the columns of the ``k`` highest values of each row, in order, (rows, k); 1 <= k <= columns."""
    columns = similarity.shape[1]
    # Cost: the maxima of all groups, then a search of k groups. It is lowest at a size near sqrt(columns /
    # k); the 32 is the measured cost of a maximum in values searched.
    size = round(sqrt(32 * columns / k))
    grouped = 2 * k * size < columns
    maxima = _group_maxima(similarity, size) if grouped else similarity
    if np.isnan(maxima).any():
        return _top_columns(np.where(np.isnan(similarity), np.float32(-np.inf), similarity), k)
    threshold = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, -k, None]
    first = _top(maxima, threshold, k)
    return _top_in_groups(similarity, np.sort(first, axis=1), size, threshold) if grouped else first


def _group_maxima(similarity: Floats, size: int) -> Floats:
    """Return the highest value of each run of ``size`` columns; the last run may be shorter."""
    rows, columns = similarity.shape
    full, rest = divmod(columns, size)
    maxima = np.empty((rows, full + (rest > 0)), dtype=np.float32)
    np.max(similarity[:, : full * size].reshape(rows, full, size), axis=2, out=maxima[:, :full])
    if rest:
        np.max(similarity[:, full * size :], axis=1, out=maxima[:, full])
    return maxima


def _top_in_groups(similarity: Floats, groups: Ints, size: int, threshold: Floats) -> Ints:
    """Return the columns of the ``k`` highest values of each row, in order, given its ``k`` top groups.

    Ordered by value and then by column, the top k columns lie within the top k groups ordered by their
    maxima: if one lay in another group, the maxima of those k groups would all come before it.
    """
    rows, columns = similarity.shape
    full, rest = divmod(columns, size)
    runs = similarity[:, : full * size].reshape(rows, full, size)
    inside = runs[np.arange(rows)[:, None], np.minimum(groups, full - 1)]
    if rest:
        # The padding is never selected: even in a row of nothing but -inf, k columns come before it.
        shorter = np.flatnonzero(groups[:, -1] == full)
        inside[shorter, -1, :rest] = similarity[shorter, full * size :]
        inside[shorter, -1, rest:] = -np.inf
    place = _top(inside.reshape(rows, -1), threshold, groups.shape[1])
    return np.take_along_axis(groups, place // size, axis=1) * size + place % size


def _top(values: Floats, threshold: Floats, k: int) -> Ints:
    """Return the columns of the ``k`` highest values of each row, in order; ties go to the smaller.

    At least k values of a row reach its ``threshold``, shape (rows, 1), and few more do, so only few are
    sorted.
    """
    high = values >= threshold
    number = high.sum(axis=1, dtype=np.int32)[:, None]
    place = np.flatnonzero(high)
    # The high values of each row, moved to its left end.
    moved = np.arange(number.max(initial=0)) < number
    columns = np.zeros(moved.shape, dtype=np.int64)
    columns[moved] = place % values.shape[1]
    negated = np.full(moved.shape, np.inf, dtype=np.float32)
    negated[moved] = -values.ravel()[place]
    order = np.argsort(negated, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(columns, order, axis=1)


def nearest(vectors: Floats, k: int) -> tuple[Ints, Floats]:
    """Find the ``k`` nearest neighbours of each unit vector, itself first, by cosine distance.

    Args:
        vectors: shape (n, d), unit length.
        k: neighbours, the point itself included; at most n.

    Returns:
        Indices and cosine distances (0 to 2), both of shape (n, k), nearest first; ties go to the smaller
        index.
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
