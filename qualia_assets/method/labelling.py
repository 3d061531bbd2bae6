"""From vectors to labels: neighbours, UMAP, HDBSCAN and the Hungarian match in one call.

The stages of the graph take these steps one by one. Belongs here: taking them together, for labels
from another view and for how steady clusters are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qualia_assets.method.clustering import NOISE, hdbscan_clusters
from qualia_assets.method.corpus import UNMATCHED
from qualia_assets.method.matching import centroids, hungarian
from qualia_assets.method.neighbours import Floats, Ints, nearest
from qualia_assets.method.projection import umap_project


@dataclass(frozen=True)
class Labelling:
    """How labels are made; the names are those of the settings."""

    neighbours: int = 15
    dimensions: int = 10
    epochs: int = 200
    min_cluster_size: int = 0
    min_samples: int = 2
    largest_share: float = 0.1
    threshold: float = 0.25


def cluster_all(vectors: Floats, modality: NDArray[np.str_], how: Labelling, seed: int) -> Ints:
    """Clusters of each modality by itself, shape (n,); a number is one modality's, not both's."""
    out = np.full(len(vectors), NOISE, dtype=np.int64)
    for m in np.unique(modality):
        mine = np.flatnonzero(modality == m)
        part = np.ascontiguousarray(vectors[mine])
        projected = umap_project(part, nearest(part, how.neighbours), how.dimensions, how.epochs, seed)
        out[mine] = hdbscan_clusters(
            projected, how.min_cluster_size, how.min_samples, how.largest_share
        ).cluster
    return out


def match_all(vectors: Floats, modality: NDArray[np.str_], cluster: Ints, threshold: float) -> Ints:
    """The accepted match of each item's cluster, shape (n,), :data:`UNMATCHED` where there is none."""
    texts, images = modality == "text", modality == "image"
    found = hungarian(
        centroids(vectors[texts], cluster[texts]), centroids(vectors[images], cluster[images]), threshold
    )
    out = np.full(len(vectors), UNMATCHED, dtype=np.int64)
    for number, match in enumerate(m for m in found if m.accepted):
        out[(texts & (cluster == match.cluster_a)) | (images & (cluster == match.cluster_b))] = number
    return out


def lexical_view(texts: Sequence[str], dimensions: int = 100) -> Floats:
    """Another view of the same items: latent semantic analysis of their words (Deerwester et al. 1990).

    No network had a part in it, so that labels made in it are not made of an embedder's own neighbours.

    Returns:
        Shape (n, at most ``dimensions``), unit; zeros for an item with no word that another has.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    n = len(texts)
    try:
        counts = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2).fit_transform(texts)
    except ValueError:  # no word is left
        return np.zeros((n, 1), dtype=np.float32)
    if counts.shape[1] < 2:  # one word tells nobody apart
        return np.zeros((n, 1), dtype=np.float32)
    with np.errstate(invalid="ignore"):  # the share of variance it explains, of texts that are all the same
        reduced = TruncatedSVD(min(dimensions, *counts.shape), random_state=0).fit_transform(counts)
    return np.asarray(normalize(reduced), dtype=np.float32)


def stability(labels: Sequence[Ints]) -> float | None:
    """Mean adjusted Rand index between all pairs of clusterings of the same points; 1 is the same every time.

    Noise counts as one cluster more. None with fewer than two clusterings, or where all is noise in all.
    """
    from sklearn.metrics import adjusted_rand_score

    if len(labels) < 2 or all((one == NOISE).all() for one in labels):
        return None
    pairs = [adjusted_rand_score(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :]]
    return float(np.mean(pairs))


@dataclass(frozen=True)
class Agreement:
    """How clusters agree with labels that people gave, over the items that have both."""

    ari: float
    ami: float
    n: int


def agreement(cluster: Ints, labels: Sequence[str | None], with_noise: bool = True) -> Agreement | None:
    """Adjusted Rand index and adjusted mutual information (Vinh et al. 2010); chance is 0 for both.

    Args:
        cluster: shape (n,).
        labels: None for an item that nobody labelled.
        with_noise: noise as one cluster more; otherwise left out.

    Returns:
        None where fewer than two items, or no two labels, are there to compare.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    keep = [i for i, label in enumerate(labels) if label is not None and (with_noise or cluster[i] != NOISE)]
    named = [labels[i] for i in keep]
    if len(keep) < 2 or len(set(named)) < 2:
        return None
    found = cluster[keep]
    return Agreement(
        float(adjusted_rand_score(named, found)), float(adjusted_mutual_info_score(named, found)), len(keep)
    )


def recovered(cluster: Ints, match: Ints, modality: NDArray[np.str_], truth: Sequence[str]) -> set[str]:
    """The planted themes that are matched to themselves: most of both clusters of one match are theirs.

    Args:
        cluster: shape (n,), by modality.
        match: shape (n,), the match of each item's cluster.
        modality: shape (n,).
        truth: the theme of each.
    """
    theme = np.array(truth)
    found = set()
    for number in np.unique(match[match != UNMATCHED]):
        sides = {_commonest(theme[(match == number) & (modality == m)]) for m in ("text", "image")}
        if len(sides) == 1:
            found |= sides
    return {name for name in found if name}


def _commonest(values: NDArray[np.str_]) -> str:
    names, counts = np.unique(values, return_counts=True)
    return str(names[counts.argmax()]) if len(names) else ""
