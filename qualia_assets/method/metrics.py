"""The metrics on the items of accepted matches in one split, as sums over matches.

Every metric here is a ratio of sums over matches (or over pairs of matches), so that one function gives both
the value and, with resampled matches, its interval. Notation: ``z`` is an item's unit vector, ``m`` its
modality, ``c`` its match. Items are in the order of their ids, and ties go to the smaller. ``scorecard`` says
which metrics are reported, and under which names.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.calibration import CSLS_NEIGHBOURS, Calibration, query_level
from qualia_assets.method.intervals import Doubles
from qualia_assets.method.neighbours import (
    NO_NEIGHBOUR,
    Floats,
    Gallery,
    Ints,
    Mask,
    exclude_columns,
    nearest_columns,
    row_blocks,
)

Statistic = Callable[[Doubles], Doubles]
"""Takes the weights of resampled matches, shape (draws, matches), and returns one value per draw."""
_FULL_CSLS = Calibration(csls=1.0)


@dataclass(frozen=True)
class Points:
    """Items to evaluate, in order of item id: unit vectors (n, d), modalities (n,) and matches (n,)."""

    vectors: Floats
    modality: NDArray[np.str_]
    match: Ints

    def __len__(self) -> int:
        return len(self.match)

    @cached_property
    def matches(self) -> Ints:
        """The distinct matches, ascending."""
        return np.unique(self.match)

    @cached_property
    def match_index(self) -> Ints:
        """Each item's match as a position in :attr:`matches`."""
        return np.searchsorted(self.matches, self.match)

    @cached_property
    def modalities(self) -> list[str]:
        """The distinct modalities, sorted."""
        return sorted(set(self.modality.tolist()))

    def per_match(self, values: NDArray[np.generic]) -> Doubles:
        """Sum a value per item, shape (n,), over each match, shape (matches,)."""
        weights = np.asarray(values, dtype=np.float64)
        return np.bincount(self.match_index, weights, len(self.matches)).astype(np.float64)

    def counts(self, modality: str | None = None) -> Doubles:
        """Count the items of each match, of one modality or of all, shape (matches,)."""
        return self.per_match(np.ones(len(self)) if modality is None else self.modality == modality)

    def subset(self, keep: Mask | Ints) -> "Points":
        """Return the items that a mask or positions select."""
        return Points(self.vectors[keep], self.modality[keep], self.match[keep])


@dataclass(frozen=True)
class Retrieved:
    """What each item retrieved as a query, shape (n,) each.

    ``count`` is how many items it retrieved, ``same_match`` how many of them are of its match,
    ``by_modality`` how many are of each modality. ``occurrences`` is how many queries retrieved the item
    itself (its k-occurrence).
    """

    count: Doubles
    same_match: Doubles
    by_modality: dict[str, Doubles]
    occurrences: Doubles


def retrieve(points: Points, k: int, calibrated: bool = False) -> Retrieved:
    """Let every item query all others for its ``k`` nearest, with memory for a block of rows only.

    Args:
        points: the items, n of them.
        k: neighbours retrieved.
        calibrated: rank by ``s(q, x) - r_m(q)`` (CSLS, see ``calibration``) instead of the cosine.

    Returns:
        What each item retrieved; ties go to the smaller item.
    """
    n = len(points)
    same, occurrences = np.zeros(n), np.zeros(n)
    modalities, modality = np.unique(points.modality, return_inverse=True)
    by_modality = {str(m): np.zeros(n) for m in modalities}
    for rows, found in search_by_modality(points, max(k, CSLS_NEIGHBOURS) if calibrated else k):
        hits_by_modality = [
            (items[:, :k], _FULL_CSLS.adjust(values[:, :k], "", m, query_level(values)))
            if calibrated
            else (items, values)
            for m, (items, values) in found.items()
        ]
        items, values = (np.concatenate(side, axis=1) for side in zip(*hits_by_modality, strict=True))
        order = np.lexsort((items, -values), axis=1)[:, :k]
        hits = np.take_along_axis(items, order, axis=1)
        real = hits != NO_NEIGHBOUR
        same[rows] = (real & (points.match[hits] == points.match[rows, None])).sum(axis=1)
        for number, m in enumerate(modalities):
            by_modality[str(m)][rows] = (real & (modality[hits] == number)).sum(axis=1)
        occurrences += np.bincount(hits[real], minlength=n)
    count = np.sum(list(by_modality.values()), axis=0) if n else np.zeros(0)
    return Retrieved(count, same, by_modality, occurrences)


def search_by_modality(points: Points, k: int) -> Iterator[tuple[slice, dict[str, tuple[Ints, Floats]]]]:
    """Find each item's ``k`` nearest others within each modality, a block of queries at a time.

    Args:
        points: the items.
        k: neighbours per modality.

    Yields:
        The block's rows and, by modality, the nearest items and their similarities, both of shape (rows, k),
        as from :func:`nearest_columns`.
    """
    # With the items of a modality side by side, the similarities to them are a slice and not a copy.
    by_modality = np.argsort(points.modality, kind="stable")
    position = np.empty_like(by_modality)
    position[by_modality] = np.arange(len(points))
    ends = np.searchsorted(points.modality[by_modality], points.modalities, side="right").tolist()
    galleries = dict(zip(points.modalities, itertools.pairwise([0, *ends]), strict=True))
    for rows, similarity in Gallery.of(points.vectors[by_modality]).blocks(points.vectors):
        exclude_columns(similarity, position[rows])
        found = {}
        for modality, (start, end) in galleries.items():
            columns, values = nearest_columns(similarity[:, start:end], k)
            items = np.where(columns == NO_NEIGHBOUR, NO_NEIGHBOUR, by_modality[start + columns])
            found[modality] = items, values
        yield rows, found


def mean_over_matches(values: Doubles) -> Statistic:
    """Build the mean over matches of a value per match, shape (matches,); NaN marks a match without one."""
    present = np.isfinite(values)
    filled = np.where(present, values, 0.0)
    return lambda w: (w @ filled) / (w @ present.astype(np.float64))


def ratio_of_sums(numerator: Doubles, denominator: Doubles) -> Statistic:
    """Build the ratio of two sums over matches, from values of shape (matches,)."""
    return lambda w: (w @ numerator) / (w @ denominator)


def coherence_per_match(points: Points, hits: Retrieved, query_modality: str | None, k: int) -> Doubles:
    """Compute the mean over a match's queries of (neighbours of the same match among the top k) / k.

    With fewer than k other items in the gallery all of them are retrieved, and k is their number.

    Args:
        points: the items.
        hits: what they retrieved.
        query_modality: of the queries; None for all.
        k: neighbours retrieved.

    Returns:
        Shape (matches,), from 0 to 1; NaN for a match without a query.
    """
    is_query = _query_mask(points, query_modality)
    possible = min(k, max(len(points) - 1, 1))
    with np.errstate(invalid="ignore"):
        return points.per_match(hits.same_match / possible * is_query) / points.per_match(is_query)


def cross_modal_r_precision_per_match(points: Points, query: str, gallery: str) -> Doubles:
    """Compute R-precision across modalities: precision at R, R the gallery's items of the query's match.

    Args:
        points: the items.
        query: the modality of the queries.
        gallery: the modality of the items searched.

    Returns:
        Shape (matches,), from 0 to 1; NaN for a match without a query or without an item to find.
    """
    out = np.full(len(points.matches), np.nan)
    is_query, in_gallery = points.modality == query, points.modality == gallery
    searched, gallery_match = Gallery.of(points.vectors[in_gallery]), points.match[in_gallery]
    for position, match in enumerate(points.matches):
        queries = is_query & (points.match == match)
        r = int((gallery_match == match).sum())
        if queries.any() and r:
            hits = 0
            for _, similarity in searched.blocks(points.vectors[queries]):
                columns, _ = nearest_columns(similarity, r)
                hits += int(((columns != NO_NEIGHBOUR) & (gallery_match[columns] == match)).sum())
            out[position] = hits / (queries.sum() * r)
    return out


def pair_sums(points: Points, kernel: Callable[[Floats], Floats]) -> Doubles:
    """Sum a kernel of the dot product over all pairs i != j, by pair of matches.

    Args:
        points: the items.
        kernel: applied to dot products elementwise.

    Returns:
        Shape (matches, matches).
    """
    m = len(points.matches)
    totals = np.zeros((m, m))
    indicator = np.zeros((len(points), m))
    indicator[np.arange(len(points)), points.match_index] = 1
    for rows in row_blocks(len(points)):
        values = kernel(points.vectors[rows] @ points.vectors.T)
        values[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = 0
        totals += indicator[rows].T @ (values @ indicator)
    return totals


def uniformity(points: Points) -> Statistic:
    """Build ``log mean over i < j of exp(-2 |z_i - z_j|^2)`` (Wang & Isola 2020, Eq. 5 with t = 2).

    Lower is more uniform; 0 where all vectors are the same.
    """
    sums = pair_sums(points, lambda dot: np.exp(-4 * (1 - dot)))
    sizes = points.counts()
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    return lambda w: np.log(_quadratic(w, sums) / _quadratic(w, pairs))


def alignment(points: Points, a: str, b: str) -> Statistic:
    """Build ``mean |z_i - z_j|^2`` over the pairs of different modality within one match.

    Wang & Isola 2020, Eq. 4 with alpha = 2, the items of a match as positive pairs. From 0 to 4.

    Args:
        points: the items.
        a: one modality.
        b: the other.
    """
    sums, pairs = np.zeros(len(points.matches)), np.zeros(len(points.matches))
    for position, match in enumerate(points.matches):
        left = points.vectors[(points.match == match) & (points.modality == a)]
        right = points.vectors[(points.match == match) & (points.modality == b)]
        pairs[position] = len(left) * len(right)
        # The sum over pairs of 2 - 2 z_i . z_j, without forming the pairs.
        dots = left.sum(axis=0, dtype=np.float64) @ right.sum(axis=0, dtype=np.float64)
        sums[position] = 2 * pairs[position] - 2 * dots
    return ratio_of_sums(sums, pairs)


def modality_auc(points: Points, a: str, b: str, seed: int) -> tuple[Statistic, float] | None:
    """Measure how well a 5-fold logistic probe separates two modalities, by the area under the ROC curve.

    Every item is scored by the probe that was not fitted on it; the area is computed within folds and pooled
    over them. 0.5 is no modality gap, 1 a full one.

    Args:
        points: the items.
        a: one modality, the positive class.
        b: the other.
        seed: of the folds.

    Returns:
        The statistic and its standard deviation over folds, or None with fewer than 5 items of either.
    """
    keep = (points.modality == a) | (points.modality == b)
    part = points.subset(keep)
    is_a = part.modality == a
    if min(is_a.sum(), (~is_a).sum()) < 5:
        return None
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    m = len(points.matches)
    index = points.match_index[keep]
    wins, pairs, areas = np.zeros((m, m)), np.zeros((m, m)), []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(part.vectors, is_a):
        probe = LogisticRegression(max_iter=200).fit(part.vectors[train], is_a[train])
        scores = probe.decision_function(part.vectors[test])
        left, right = test[is_a[test]], test[~is_a[test]]
        score = dict(zip(test.tolist(), scores.tolist(), strict=True))
        x, y = np.array([score[i] for i in left]), np.array([score[i] for i in right])
        won = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        ones_x, ones_y = np.eye(m)[index[left]], np.eye(m)[index[right]]
        wins += ones_x.T @ won @ ones_y
        pairs += np.outer(ones_x.sum(axis=0), ones_y.sum(axis=0))
        areas.append(won.mean())
    return (lambda w: _quadratic(w, wins) / _quadratic(w, pairs)), float(np.std(areas))


def recall_at(queries: Floats, gallery: Floats, ks: tuple[int, ...]) -> dict[int, Mask]:
    """Check whether each query's partner, the gallery row of the same number, is among its k nearest.

    Args:
        queries: shape (n, d), unit.
        gallery: shape (n, d), unit.
        ks: the numbers of neighbours.

    Returns:
        By k, shape (n,).
    """
    hits = {k: np.zeros(len(queries), dtype=bool) for k in ks}
    for rows, similarity in Gallery.of(gallery).blocks(queries):
        columns, _ = nearest_columns(similarity, max(ks, default=0))
        own = columns == np.arange(rows.start, rows.stop)[:, None]
        for k in ks:
            hits[k][rows] = own[:, :k].any(axis=1)
    return hits


@dataclass(frozen=True)
class OccurrenceStats:
    """How evenly items are retrieved, from their k-occurrences (Radovanovic et al. 2010).

    ``never`` is the share of items that no query retrieves.
    """

    skewness: float
    gini: float
    never: float


def occurrence_stats(occurrences: Doubles) -> OccurrenceStats | None:
    """Compute skewness, Gini coefficient and share of zeros of k-occurrences, shape (n,).

    Returns:
        None with fewer than two items, or where nothing was retrieved.
    """
    n, total = len(occurrences), occurrences.sum()
    if n < 2 or total == 0:
        return None
    spread = occurrences.std()
    skewness = float((((occurrences - occurrences.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
    ranks = np.arange(1, n + 1)
    gini = float((2 * ranks - n - 1) @ np.sort(occurrences) / (n * total))
    return OccurrenceStats(skewness, gini, float((occurrences == 0).mean()))


def balanced_subset(points: Points, rng: np.random.Generator) -> Ints:
    """Sample a gallery in which every match has equally many items of each modality.

    Within each match, larger modalities are sampled down to the smallest, without replacement.

    Args:
        points: the items.
        rng: draws the samples.

    Returns:
        Positions, ascending.
    """
    kept: list[Ints] = []
    for match in points.matches:
        groups = [np.flatnonzero((points.match == match) & (points.modality == m)) for m in points.modalities]
        size = min(len(group) for group in groups)
        kept.extend(rng.choice(group, size, replace=False) for group in groups)
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.int64)


def _query_mask(points: Points, modality: str | None) -> Doubles:
    return np.ones(len(points)) if modality is None else (points.modality == modality).astype(np.float64)


def _quadratic(w: Doubles, matrix: Doubles) -> Doubles:
    """Sum over pairs of matches, each pair weighted by how often both were drawn.

    Pairs within a match count once per draw of it: its copies in a draw are not compared with one another,
    which would make every resample look more clustered than the data. For the same reason pairs of two
    matches are scaled up to as many as with every match drawn once.
    """
    within, total = np.diag(matrix), w.sum(axis=1)
    across = ((w @ matrix) * w).sum(axis=1) - (w * w) @ within
    drawn = total**2 - (w * w).sum(axis=1)
    scale = np.divide(total * (total - 1), drawn, out=np.zeros_like(drawn), where=drawn > 0)
    return np.asarray(across * scale + w @ within)
