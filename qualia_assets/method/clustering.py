"""HDBSCAN on a projection, and cluster ids that are stable from run to run."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.neighbours import Floats, Ints

NOISE = -1


@dataclass(frozen=True)
class Clustering:
    """Each point's cluster, shape (n,), ``NOISE`` for none, and the probability of its membership, (n,)."""

    cluster: Ints
    probability: Floats

    @property
    def noise_share(self) -> float:
        """The share of points in no cluster, 0 where there are no points."""
        return float(np.mean(self.cluster == NOISE)) if len(self.cluster) else 0.0


def default_min_cluster_size(items: int) -> int:
    """Return the default smallest cluster of a collection: a sixtieth of its items, from 5 to 10."""
    return min(max(round(items / 60), 5), 10)


def hdbscan_clusters(
    projection: Floats, min_cluster_size: int, min_samples: int, largest_share: float = 1.0
) -> Clustering:
    """Cluster by HDBSCAN (Campello et al. 2013) with excess of mass, numbered from the largest.

    Args:
        projection: shape (n, dimensions), Euclidean.
        min_cluster_size: smaller groups of points are noise; 0 for :func:`default_min_cluster_size`.
        min_samples: neighbours that make a point a core point.
        largest_share: a cluster of more than this share of the points is replaced by its subclusters, where
            it is large among the others and they hold most of it. In small collections excess of mass
            otherwise sometimes makes one cluster of a third of all points.

    Returns:
        The cluster of each point and its probability; all noise where there are too few points.
    """
    n = len(projection)
    least = min_cluster_size or default_min_cluster_size(n)
    if n < max(least, min_samples + 1):
        return Clustering(np.full(n, NOISE, dtype=np.int64), np.zeros(n, dtype=np.float32))
    most = max(int(largest_share * n), least)
    result = _hdbscan(projection, least, min_samples)
    if (_sizes(result.cluster) > most).any():
        result = _split_large(result, _hdbscan(projection, least, min_samples, most), most)
    return Clustering(renumber_by_size(result.cluster), result.probability)


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


def _split_large(clustering: Clustering, limited: Clustering, most: int) -> Clustering:
    """Replace clusters above ``most`` points by their subclusters in a clustering limited to that size.

    The limited clustering alone would not do: it makes all of a cluster without subclusters noise.
    """
    sizes = _sizes(clustering.cluster)
    # With more than three clusters, one is large only at twice their median size.
    large = 2 * np.median(sizes) if len(sizes) > 3 else 0
    cluster, probability = clustering.cluster.copy(), clustering.probability.copy()
    for name in np.flatnonzero((sizes > most) & (sizes >= large)):
        mine = clustering.cluster == name
        subclusters = limited.cluster[mine]
        if (subclusters != NOISE).mean() >= 0.5:
            cluster[mine] = np.where(subclusters == NOISE, NOISE, subclusters + len(sizes))
            probability[mine] = limited.probability[mine]
    return Clustering(cluster, probability)


def _sizes(cluster: Ints) -> Ints:
    return np.bincount(cluster[cluster != NOISE])


def renumber_by_size(labels: NDArray[np.integer]) -> Ints:
    """Renumber clusters, shape (n,), as 0, 1, ... from the largest, equal sizes by first occurrence."""
    names, first, counts = np.unique(labels, return_index=True, return_counts=True)
    real = names != NOISE
    order = np.lexsort((first[real], -counts[real]))
    renamed = {int(name): rank for rank, name in enumerate(names[real][order])}
    return np.array([renamed.get(int(label), NOISE) for label in labels], dtype=np.int64)


def keep_ids(labels: Ints, previous: Ints) -> Ints:
    """Give clusters the ids of the earlier clusters that they overlap most, one to one.

    Args:
        labels: shape (n,), today's clusters.
        previous: shape (n,), those of the earlier run for the same points, ``NOISE`` for new points.

    Returns:
        Shape (n,). Ids are assigned by the Hungarian algorithm on Jaccard overlaps above 0; a new cluster
        gets an id above all of ``previous``, in the order of ``labels``.
    """
    now = np.unique(labels[labels != NOISE])
    then = np.unique(previous[previous != NOISE])
    if not len(now) or not len(then):
        return labels.copy()
    from scipy.optimize import linear_sum_assignment

    member_now = (labels[:, None] == now).astype(np.float64)
    member_then = (previous[:, None] == then).astype(np.float64)
    shared = member_now.T @ member_then
    jaccard = shared / (member_now.sum(0)[:, None] + member_then.sum(0) - shared)
    rows, columns = linear_sum_assignment(-jaccard)
    renamed = {int(now[r]): int(then[c]) for r, c in zip(rows, columns, strict=True) if shared[r, c] > 0}
    fresh = int(then.max()) + 1
    for name in now:
        if int(name) not in renamed:
            renamed[int(name)] = fresh
            fresh += 1
    return np.array([renamed.get(int(label), NOISE) for label in labels], dtype=np.int64)
