"""One-to-one matches between the clusters of two modalities, and the split of whole matches."""

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
    """A text cluster and an image cluster that the assignment pairs."""

    cluster_a: int
    cluster_b: int
    similarity: float
    mutual_best: bool
    accepted: bool


def centroids(vectors: Floats, cluster: Ints) -> tuple[Ints, Floats]:
    """Cluster ids, ascending, and the unit mean of each cluster's vectors, shape (clusters, d)."""
    names = np.unique(cluster[cluster != NOISE])
    means = (
        np.stack([vectors[cluster == name].mean(axis=0) for name in names])
        if len(names)
        else (np.zeros((0, vectors.shape[1]), dtype=np.float32))
    )
    return names, unit(means)


def unit(vectors: NDArray[np.floating]) -> Floats:
    """Rows scaled to length 1; rows of zeros stay zeros."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)


def hungarian(a: tuple[Ints, Floats], b: tuple[Ints, Floats], threshold: float) -> list[Match]:
    """Pair the clusters of two modalities one to one so that the sum of centroid cosines is greatest.

    The paper's section on matching, by the Hungarian algorithm (Kuhn 1955). The assignment pairs
    everything it can, also what has nothing in common: a pair is ``accepted`` from ``threshold``
    on, and ``mutual_best`` says whether each is also the other's nearest.

    Args:
        a: ids and unit centroids of the first modality, as from :func:`centroids`.
        b: of the second.
        threshold: the least cosine of an accepted pair.
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
    """A number for each pair of clusters: the earlier one where the pair was there, else a new one."""
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
    """Send whole matches to train, val and test, before anything is trained.

    Matches are ordered by a hash of their number and the seed, then cut: a match that comes or goes
    moves few of the others. Every side gets at least one match as soon as there are three; two
    make train and test; one is train.

    Args:
        matches: their numbers.
        train: share for training, above 0; ``train + val`` below 1.
        val: share for choosing.
        seed: another seed, another order.
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
