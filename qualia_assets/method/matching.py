"""One-to-one matches between the clusters of two modalities, and their split into train, val and test."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.clustering import NOISE
from qualia_assets.method.neighbours import Floats, Ints

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Match:
    """A pair of clusters from the assignment; ``similarity`` is the cosine of their centroids."""

    cluster_a: int
    cluster_b: int
    similarity: float
    mutual_best: bool
    accepted: bool


def centroids(vectors: Floats, cluster: Ints) -> tuple[Ints, Floats]:
    """Compute the centroid of each cluster.

    Args:
        vectors: shape (n, d).
        cluster: shape (n,); noise has no centroid.

    Returns:
        Cluster ids, ascending, and the mean of each cluster's vectors scaled to length 1, shape
        (clusters, d).
    """
    names = np.unique(cluster[cluster != NOISE])
    means = (
        np.stack([vectors[cluster == name].mean(axis=0) for name in names])
        if len(names)
        else (np.zeros((0, vectors.shape[1]), dtype=np.float32))
    )
    return names, unit(means)


def unit(vectors: NDArray[np.floating]) -> Floats:
    """Scale rows, shape (n, d), to length 1; rows of zeros stay zeros."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)


def hungarian(a: tuple[Ints, Floats], b: tuple[Ints, Floats], threshold: float) -> list[Match]:
    """Pair the clusters of two modalities one to one to maximise the sum of centroid cosines.

    The paper's matching, by the Hungarian algorithm (Kuhn 1955). The assignment pairs as many clusters as it
    can, however dissimilar: a pair is ``accepted`` if its cosine is at least ``threshold``, and
    ``mutual_best`` if each cluster is also the other's nearest.

    Args:
        a: ids and unit centroids of the first modality, as from :func:`centroids`.
        b: the same of the second.
        threshold: the least cosine of an accepted pair.

    Returns:
        The pairs, by ascending cluster of ``a``; none where either side has no clusters.
    """
    (names_a, means_a), (names_b, means_b) = a, b
    if not len(names_a) or not len(names_b):
        return []
    from scipy.optimize import linear_sum_assignment

    cosine = means_a.astype(np.float64) @ means_b.T.astype(np.float64)
    rows, columns = linear_sum_assignment(-cosine)
    best_of_a, best_of_b = cosine.argmax(axis=1), cosine.argmax(axis=0)
    return [
        Match(
            cluster_a=int(names_a[r]),
            cluster_b=int(names_b[c]),
            similarity=float(cosine[r, c]),
            mutual_best=bool(best_of_a[r] == c and best_of_b[c] == r),
            accepted=bool(cosine[r, c] >= threshold),
        )
        for r, c in zip(rows, columns, strict=True)
    ]


def number_matches(pairs: Sequence[tuple[int, int]], previous: Mapping[tuple[int, int], int]) -> list[int]:
    """Number pairs of clusters, keeping the numbers of earlier runs.

    Args:
        pairs: of clusters.
        previous: the numbers of earlier pairs.

    Returns:
        The earlier number of each pair, and for a new pair one above all of them.
    """
    fresh = max(previous.values(), default=-1) + 1
    numbers = []
    for pair in pairs:
        if pair in previous:
            numbers.append(previous[pair])
        else:
            numbers.append(fresh)
            fresh += 1
    return numbers


def split_matches(matches: Sequence[int], train: float, val: float, seed: int) -> dict[int, Split]:
    """Split matches into train, val and test, so that no match is in two of them.

    Matches are ordered by a hash of number and seed and then cut, so adding or removing one moves few others.
    With three or more, every split gets at least one; two are train and test; one is train.

    Args:
        matches: their numbers.
        train: share for training, above 0; ``train + val`` is below 1.
        val: share for selection.
        seed: of the order.

    Returns:
        The split of each match.
    """
    order = sorted(matches, key=lambda m: hashlib.sha256(f"{seed}:{m}".encode()).digest())
    n = len(order)
    if n < 3:
        few: list[Split] = ["train", "test"]
        return dict(zip(order, few, strict=False))
    n_train = min(max(1, round(train * n)), n - 2)
    n_val = min(max(1, round(val * n)), n - n_train - 1)
    splits: dict[int, Split] = {}
    for place, match in enumerate(order):
        splits[match] = "train" if place < n_train else "val" if place < n_train + n_val else "test"
    return splits
