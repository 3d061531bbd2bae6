"""HDBSCAN on a projection, and cluster ids that stay with their clusters from run to run."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.neighbours import Floats, Ints

NOISE = -1


@dataclass(frozen=True)
class Clustering:
    """A cluster for each point (``NOISE`` for none), and how surely it belongs there."""

    cluster: Ints
    probability: Floats

    @property
    def noise_share(self) -> float:
        """The share of points in no cluster; 0 where there are no points."""
        return float(np.mean(self.cluster == NOISE)) if len(self.cluster) else 0.0


def least_size(items: int) -> int:
    """How few items may be a cluster where nobody says: one in sixty of all, from 5 to 10."""
    return min(max(round(items / 60), 5), 10)


def hdbscan_clusters(
    projection: Floats, min_cluster_size: int, min_samples: int, largest_share: float = 1.0
) -> Clustering:
    """HDBSCAN (Campello et al. 2013) with excess of mass, clusters numbered from the largest.

    Args:
        projection: shape (n, dimensions), Euclidean.
        min_cluster_size: fewer points than this are noise, all of them; 0 for :func:`least_size`.
        min_samples: neighbours that make a point a core point.
        largest_share: a cluster of more than this share of the points is taken in its parts, where it
            stands out among the others and its parts hold most of it: in small collections excess of
            mass else takes a third of all for one cluster now and then.
    """
    n = len(projection)
    least = min_cluster_size or least_size(n)
    if n < max(least, min_samples + 1):
        return Clustering(np.full(n, NOISE, dtype=np.int64), np.zeros(n, dtype=np.float32))
    most = max(int(largest_share * n), least)
    whole = _hdbscan(projection, least, min_samples)
    if (_sizes(whole.cluster) > most).any():
        whole = _in_parts(whole, _hdbscan(projection, least, min_samples, most), most)
    return Clustering(by_size(whole.cluster), whole.probability)


def _hdbscan(projection: Floats, least: int, min_samples: int, most: int = 0) -> Clustering:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hdbscan

        model = hdbscan.HDBSCAN(
            min_cluster_size=least,
            min_samples=min_samples,
            max_cluster_size=most,
            # The default is an approximation that differs between machines.
            approx_min_span_tree=False,
            core_dist_n_jobs=1,
        ).fit(projection.astype(np.float64))
    return Clustering(model.labels_.astype(np.int64), model.probabilities_.astype(np.float32))


def _in_parts(whole: Clustering, parts: Clustering, most: int) -> Clustering:
    """Over-large clusters replaced by what HDBSCAN makes of them under a lid.

    The lid alone would not do: it calls a cluster without parts noise, all of it.
    """
    sizes = _sizes(whole.cluster)
    # Where there are few clusters or all are as large, large is what clusters are here.
    usual = 2 * np.median(sizes) if len(sizes) > 3 else 0
    cluster, probability = whole.cluster.copy(), whole.probability.copy()
    for name in np.flatnonzero((sizes > most) & (sizes >= usual)):
        mine = whole.cluster == name
        inside = parts.cluster[mine]
        if (inside != NOISE).mean() >= 0.5:
            cluster[mine] = np.where(inside == NOISE, NOISE, inside + len(sizes))
            probability[mine] = parts.probability[mine]
    return Clustering(cluster, probability)


def _sizes(cluster: Ints) -> Ints:
    return np.bincount(cluster[cluster != NOISE])


def by_size(labels: NDArray[np.integer]) -> Ints:
    """Renumber clusters 0, 1, ... from the largest; of equal sizes the one met first comes first."""
    names, first, counts = np.unique(labels, return_index=True, return_counts=True)
    real = names != NOISE
    order = np.lexsort((first[real], -counts[real]))
    renamed = {int(name): rank for rank, name in enumerate(names[real][order])}
    return np.array([renamed.get(int(label), NOISE) for label in labels], dtype=np.int64)


def keep_ids(labels: Ints, previous: Ints) -> Ints:
    """Give each cluster the id of the earlier cluster that it overlaps most, one to one.

    Args:
        labels: shape (n,), today's clusters.
        previous: shape (n,), the earlier run's for the same points, ``NOISE`` for points new to it.

    Returns:
        Labels with the overlaps (Jaccard above 0, Hungarian) kept, and for clusters that are new ids
        above all of ``previous``, in the order of their labels.
    """
    now = np.unique(labels[labels != NOISE])
    then = np.unique(previous[previous != NOISE])
    if not len(now) or not len(then):
        return labels.copy()
    from scipy.optimize import linear_sum_assignment

    inside = (labels[:, None] == now).astype(np.float64)
    outside = (previous[:, None] == then).astype(np.float64)
    shared = inside.T @ outside
    jaccard = shared / (inside.sum(0)[:, None] + outside.sum(0) - shared)
    rows, columns = linear_sum_assignment(-jaccard)
    renamed = {int(now[r]): int(then[c]) for r, c in zip(rows, columns, strict=True) if shared[r, c] > 0}
    fresh = int(then.max()) + 1
    for name in now:
        if int(name) not in renamed:
            renamed[int(name)] = fresh
            fresh += 1
    return np.array([renamed.get(int(label), NOISE) for label in labels], dtype=np.int64)
