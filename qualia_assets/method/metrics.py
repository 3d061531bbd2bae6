"""The metrics on the items of accepted matches in one split, as sums over matches.

Every metric here is a ratio of sums over matches (or over pairs of matches), so that one function
gives both the figure and, with resampled matches, its interval. Words: ``z`` is an item's unit
vector, ``m`` its modality, ``c`` its match. Items are in the order of their ids: ties go to the
smaller. Which figures are taken and under which names is in ``scorecard``.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.intervals import Doubles
from qualia_assets.method.neighbours import (
    NOBODY,
    Floats,
    Gallery,
    Ints,
    Mask,
    leave_out,
    nearest_columns,
    row_blocks,
)

CALIBRATION_NEIGHBOURS = 10
Statistic = Callable[[Doubles], Doubles]


@dataclass(frozen=True)
class Points:
    """Items to be judged: unit vectors (n, d), modalities (n,), matches (n,), in order of item id."""

    vectors: Floats
    modality: NDArray[np.str_]
    match: Ints

    def __len__(self) -> int:
        return len(self.match)

    @cached_property
    def matches(self) -> Ints:
        return np.unique(self.match)

    @cached_property
    def match_index(self) -> Ints:
        """Each item's match as a position in :attr:`matches`."""
        return np.searchsorted(self.matches, self.match)

    @cached_property
    def modalities(self) -> list[str]:
        return sorted(set(self.modality.tolist()))

    def per_match(self, values: NDArray[np.generic]) -> Doubles:
        """Sum a value per item over each match, shape (matches,)."""
        weights = np.asarray(values, dtype=np.float64)
        return np.bincount(self.match_index, weights, len(self.matches)).astype(np.float64)

    def counts(self, modality: str | None = None) -> Doubles:
        """Items of each match, of one modality or all."""
        return self.per_match(np.ones(len(self)) if modality is None else self.modality == modality)

    def subset(self, keep: Mask | Ints) -> "Points":
        return Points(self.vectors[keep], self.modality[keep], self.match[keep])


@dataclass(frozen=True)
class Retrieved:
    """What each item, as a query, found: shape (n,) each, ``by_modality`` per gallery modality."""

    found: Doubles
    same_match: Doubles
    by_modality: dict[str, Doubles]
    times_found: Doubles


def retrieve(points: Points, k: int, calibrated: bool = False) -> Retrieved:
    """Let every item query all the others for its ``k`` nearest.

    ``calibrated``: ``s'(q, x) = s(q, x) - mean of the 10 highest s(q, gallery of x's modality)``.
    Memory is a block of rows, never n x n.
    """
    n = len(points)
    same, times = np.zeros(n), np.zeros(n)
    kinds, kind = np.unique(points.modality, return_inverse=True)
    by_modality = {str(m): np.zeros(n) for m in kinds}
    for rows, shelves in searches(points, max(k, CALIBRATION_NEIGHBOURS) if calibrated else k):
        parts = [_calibrated(*found, k) if calibrated else found for found in shelves.values()]
        items, values = (np.concatenate(side, axis=1) for side in zip(*parts, strict=True))
        # The first k of all modalities; ties to the smaller item.
        order = np.lexsort((items, -values), axis=1)[:, :k]
        hits = np.take_along_axis(items, order, axis=1)
        real = hits != NOBODY
        same[rows] = (real & (points.match[hits] == points.match[rows, None])).sum(axis=1)
        for number, m in enumerate(kinds):
            by_modality[str(m)][rows] = (real & (kind[hits] == number)).sum(axis=1)
        times += np.bincount(hits[real], minlength=n)
    found = np.sum(list(by_modality.values()), axis=0) if n else np.zeros(0)
    return Retrieved(found, same, by_modality, times)


def searches(points: Points, k: int) -> Iterator[tuple[slice, dict[str, tuple[Ints, Floats]]]]:
    """What every item finds among the others, apart by their modality; a block of queries at a time.

    Returns:
        The queries' rows and, by modality, the ``k`` nearest items and their similarities, both of
        shape (rows, k), as from :func:`nearest_columns`.
    """
    # With the items of a modality side by side the similarities to them are a slice, not a copy.
    shelved = np.argsort(points.modality, kind="stable")
    place = np.empty_like(shelved)
    place[shelved] = np.arange(len(points))
    ends = np.searchsorted(points.modality[shelved], points.modalities, side="right").tolist()
    shelves = dict(zip(points.modalities, itertools.pairwise([0, *ends]), strict=True))
    for rows, similarity in Gallery.of(points.vectors[shelved]).blocks(points.vectors):
        leave_out(similarity, place[rows])
        found = {}
        for modality, (start, end) in shelves.items():
            columns, values = nearest_columns(similarity[:, start:end], k)
            found[modality] = np.where(columns == NOBODY, NOBODY, shelved[start + columns]), values
        yield rows, found


def _calibrated(items: Ints, values: Floats, k: int) -> tuple[Ints, Floats]:
    """The first ``k`` of a modality's nearest, less what is usual there."""
    return items[:, :k], values[:, :k] - _usual(values[:, :CALIBRATION_NEIGHBOURS])


def _usual(highest: Floats) -> Floats:
    """The mean of a row's highest similarities, shape (rows, 1); there may be fewer than columns."""
    finite = np.isfinite(highest)
    total = np.where(finite, highest, 0).sum(axis=1, keepdims=True)
    return np.asarray(total / np.maximum(finite.sum(axis=1, keepdims=True), 1), dtype=np.float32)


def calibrate(similarity: Floats, modality: NDArray[np.str_]) -> Floats:
    """Take from each row, per modality of the columns, the mean of its 10 highest there."""
    out = similarity.copy()
    for m in np.unique(modality):
        columns = np.flatnonzero(modality == m)
        _, highest = nearest_columns(similarity[:, columns], CALIBRATION_NEIGHBOURS)
        out[:, columns] -= _usual(highest)
    return out


def mean_over_matches(values: Doubles) -> Statistic:
    """The mean over matches of a figure per match, where NaN marks a match that has none."""
    present = np.isfinite(values)
    filled = np.where(present, values, 0.0)
    return lambda w: (w @ filled) / (w @ present.astype(np.float64))


def ratio_of_sums(numerator: Doubles, denominator: Doubles) -> Statistic:
    """The sum over matches of one quantity by the sum of another."""
    return lambda w: (w @ numerator) / (w @ denominator)


def coherence_per_match(points: Points, hits: Retrieved, query_modality: str | None, k: int) -> Doubles:
    """Mean over a match's queries of (neighbours of the same match among the top k) / k.

    With fewer than k other items in the gallery, all of them are retrieved and k is their number.
    """
    asked = _queries(points, query_modality)
    possible = min(k, max(len(points) - 1, 1))
    with np.errstate(invalid="ignore"):
        return points.per_match(hits.same_match / possible * asked) / points.per_match(asked)


def cross_modal_r_precision_per_match(points: Points, query: str, gallery: str) -> Doubles:
    """Precision of the top R of the other modality, R = its items of the query's match; per match.

    NaN for a match that has no query or nothing to find.
    """
    out = np.full(len(points.matches), np.nan)
    asking, shelf = points.modality == query, points.modality == gallery
    searched, shelf_match = Gallery.of(points.vectors[shelf]), points.match[shelf]
    for position, match in enumerate(points.matches):
        queries = asking & (points.match == match)
        wanted = int((shelf_match == match).sum())
        if queries.any() and wanted:
            hits = 0
            for _, similarity in searched.blocks(points.vectors[queries]):
                found, _ = nearest_columns(similarity, wanted)
                hits += int(((found != NOBODY) & (shelf_match[found] == match)).sum())
            out[position] = hits / (queries.sum() * wanted)
    return out


def pair_sums(points: Points, kernel: Callable[[Floats], Floats]) -> Doubles:
    """Sum a kernel of the dot product over all pairs i != j, by pair of matches, (matches, matches)."""
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
    """``log mean over i < j of exp(-2 |z_i - z_j|^2)`` (Wang & Isola 2020, Eq. 5 with t = 2)."""
    sums = pair_sums(points, lambda dot: np.exp(-4 * (1 - dot)))
    sizes = points.counts()
    pairs = np.outer(sizes, sizes) - np.diag(sizes)
    return lambda w: np.log(_quadratic(w, sums) / _quadratic(w, pairs))


def alignment(points: Points, a: str, b: str) -> Statistic:
    """``mean |z_i - z_j|^2`` over the pairs of different modality within one match."""
    sums, pairs = np.zeros(len(points.matches)), np.zeros(len(points.matches))
    for position, match in enumerate(points.matches):
        left = points.vectors[(points.match == match) & (points.modality == a)]
        right = points.vectors[(points.match == match) & (points.modality == b)]
        pairs[position] = len(left) * len(right)
        # sum over pairs of 2 - 2 z_i . z_j, without forming the pairs
        dots = left.sum(axis=0, dtype=np.float64) @ right.sum(axis=0, dtype=np.float64)
        sums[position] = 2 * pairs[position] - 2 * dots
    return ratio_of_sums(sums, pairs)


def modality_auc(points: Points, a: str, b: str, seed: int) -> tuple[Statistic, float] | None:
    """How well a 5-fold logistic probe tells two modalities apart, by area under the ROC curve.

    Every item is scored by the probe that did not see it; the area is taken within folds and pooled
    over them. 0.5 is no gap, 1 a full one.

    Returns:
        The statistic and its standard deviation over folds, or None with fewer than 5 of either.
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
    for seen, unseen in StratifiedKFold(5, shuffle=True, random_state=seed).split(part.vectors, is_a):
        probe = LogisticRegression(max_iter=200).fit(part.vectors[seen], is_a[seen])
        scores = probe.decision_function(part.vectors[unseen])
        left, right = unseen[is_a[unseen]], unseen[~is_a[unseen]]
        score = dict(zip(unseen.tolist(), scores.tolist(), strict=True))
        x, y = np.array([score[i] for i in left]), np.array([score[i] for i in right])
        won = (x[:, None] > y) + 0.5 * (x[:, None] == y)
        ones_x, ones_y = np.eye(m)[index[left]], np.eye(m)[index[right]]
        wins += ones_x.T @ won @ ones_y
        pairs += np.outer(ones_x.sum(axis=0), ones_y.sum(axis=0))
        areas.append(won.mean())
    return (lambda w: _quadratic(w, wins) / _quadratic(w, pairs)), float(np.std(areas))


def recall_at(queries: Floats, gallery: Floats, ks: tuple[int, ...]) -> dict[int, Mask]:
    """Whether each query's own partner, the gallery row of its number, is among its k nearest."""
    hits = {k: np.zeros(len(queries), dtype=bool) for k in ks}
    for rows, similarity in Gallery.of(gallery).blocks(queries):
        found, _ = nearest_columns(similarity, max(ks, default=0))
        own = found == np.arange(rows.start, rows.stop)[:, None]
        for k in ks:
            hits[k][rows] = own[:, :k].any(axis=1)
    return hits


@dataclass(frozen=True)
class Occurrence:
    """How evenly the items are found (Radovanovic et al. 2010): of the k-occurrence counts."""

    skewness: float
    gini: float
    never: float


def occurrence(times_found: Doubles) -> Occurrence | None:
    """Skewness, Gini coefficient and share of zeros of the k-occurrences; None where nothing was found."""
    n, total = len(times_found), times_found.sum()
    if n < 2 or total == 0:
        return None
    spread = times_found.std()
    skewness = float((((times_found - times_found.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
    ranks = np.arange(1, n + 1)
    gini = float((2 * ranks - n - 1) @ np.sort(times_found) / (n * total))
    return Occurrence(skewness, gini, float((times_found == 0).mean()))


def balanced_subset(points: Points, rng: np.random.Generator) -> Ints:
    """Positions of a gallery in which every match has as many items of each modality.

    Per match the larger modalities are sampled down to the smallest, without replacement.
    """
    kept: list[Ints] = []
    for match in points.matches:
        groups = [np.flatnonzero((points.match == match) & (points.modality == m)) for m in points.modalities]
        size = min(len(group) for group in groups)
        kept.extend(rng.choice(group, size, replace=False) for group in groups)
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.int64)


def _queries(points: Points, modality: str | None) -> Doubles:
    return np.ones(len(points)) if modality is None else (points.modality == modality).astype(np.float64)


def _quadratic(w: Doubles, matrix: Doubles) -> Doubles:
    """The sum over pairs of matches, each pair weighted by how often both were drawn.

    Pairs within a match count once for each time it was drawn: its copies in a draw are not
    compared with one another, which would make every resample look more clustered than the data.
    For the same reason pairs of two matches are weighted up to as many as with every match drawn once.
    """
    within, total = np.diag(matrix), w.sum(axis=1)
    across = ((w @ matrix) * w).sum(axis=1) - (w * w) @ within
    drawn = total**2 - (w * w).sum(axis=1)
    scale = np.divide(total * (total - 1), drawn, out=np.zeros_like(drawn), where=drawn > 0)
    return np.asarray(across * scale + w @ within)
