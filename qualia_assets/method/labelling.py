"""From vectors to labels: neighbours, UMAP, HDBSCAN and Hungarian matching in one call.

The stages of the graph take these steps one by one. Belongs here: taking them together, for labels from
another view, and measuring the stability and agreement of clusterings.
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
    """How labels are computed; the names are those of the settings."""

    neighbours: int = 15
    dimensions: int = 10
    epochs: int = 200
    min_cluster_size: int = 0
    min_samples: int = 2
    largest_share: float = 0.1
    threshold: float = 0.25


def cluster_all(vectors: Floats, modality: NDArray[np.str_], how: Labelling, seed: int) -> Ints:
    """Cluster each modality separately.

    Args:
        vectors: shape (n, d), unit.
        modality: shape (n,).
        how: the parameters.
        seed: of the projections.

    Returns:
        Clusters, shape (n,), numbered within each modality.
    """
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
    """Match the clusters of texts with those of images.

    Args:
        vectors: shape (n, d), unit.
        modality: shape (n,).
        cluster: shape (n,), numbered within each modality.
        threshold: the least centroid cosine of an accepted match.

    Returns:
        The accepted match of each item's cluster, shape (n,), :data:`UNMATCHED` where there is none.
    """
    texts, images = modality == "text", modality == "image"
    pairs = hungarian(
        centroids(vectors[texts], cluster[texts]), centroids(vectors[images], cluster[images]), threshold
    )
    out = np.full(len(vectors), UNMATCHED, dtype=np.int64)
    for number, match in enumerate(m for m in pairs if m.accepted):
        out[(texts & (cluster == match.cluster_a)) | (images & (cluster == match.cluster_b))] = number
    return out


def lexical_view(texts: Sequence[str], dimensions: int = 100) -> Floats:
    """Embed texts by latent semantic analysis of their words (Deerwester et al. 1990).

    Labels from this view do not depend on the neighbours of a neural embedder.

    Args:
        texts: n of them.
        dimensions: of the view, at most.

    Returns:
        Shape (n, at most ``dimensions``), unit; zeros for a text that shares no word with another.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    n = len(texts)
    try:
        counts = TfidfVectorizer(sublinear_tf=True, stop_words="english", min_df=2).fit_transform(texts)
    except ValueError:  # no words remain
        return np.zeros((n, 1), dtype=np.float32)
    if counts.shape[1] < 2:  # one word does not distinguish any texts
        return np.zeros((n, 1), dtype=np.float32)
    with np.errstate(invalid="ignore"):  # the explained variance ratio of identical texts
        reduced = TruncatedSVD(min(dimensions, *counts.shape), random_state=0).fit_transform(counts)
    return np.asarray(normalize(reduced), dtype=np.float32)


def stability(labels: Sequence[Ints]) -> float | None:
    """Compute the mean adjusted Rand index (Hubert & Arabie 1985) over all pairs of clusterings.

    Args:
        labels: clusterings of the same points, shape (n,) each; noise counts as a cluster.

    Returns:
        1 where all are the same; None with fewer than two clusterings, or where all points are noise in all.
    """
    from sklearn.metrics import adjusted_rand_score

    if len(labels) < 2 or all((one == NOISE).all() for one in labels):
        return None
    pairs = [adjusted_rand_score(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :]]
    return float(np.mean(pairs))


@dataclass(frozen=True)
class Agreement:
    """Agreement of clusters with human labels, over the ``n`` items that have both."""

    ari: float
    ami: float
    n: int


def agreement(cluster: Ints, labels: Sequence[str | None], with_noise: bool = True) -> Agreement | None:
    """Compute the adjusted Rand index and adjusted mutual information (Vinh et al. 2010), 0 by chance.

    Args:
        cluster: shape (n,).
        labels: of the same items, None for an unlabelled one.
        with_noise: whether noise counts as a cluster or is left out.

    Returns:
        None with fewer than two labelled items or fewer than two labels.
    """
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    keep = [i for i, label in enumerate(labels) if label is not None and (with_noise or cluster[i] != NOISE)]
    named = [labels[i] for i in keep]
    if len(keep) < 2 or len(set(named)) < 2:
        return None
    clusters = cluster[keep]
    return Agreement(
        float(adjusted_rand_score(named, clusters)),
        float(adjusted_mutual_info_score(named, clusters)),
        len(keep),
    )


def recovered_themes(match: Ints, modality: NDArray[np.str_], truth: Sequence[str]) -> set[str]:
    """Find the planted themes that are matched to themselves: most common on both sides of a match.

    Args:
        match: shape (n,), the match of each item's cluster.
        modality: shape (n,).
        truth: the theme of each item.

    Returns:
        Names of themes.
    """
    theme = np.array(truth)
    themes = set()
    for number in np.unique(match[match != UNMATCHED]):
        sides = {_commonest(theme[(match == number) & (modality == m)]) for m in ("text", "image")}
        if len(sides) == 1:
            themes |= sides
    return {name for name in themes if name}


def _commonest(values: NDArray[np.str_]) -> str:
    names, counts = np.unique(values, return_counts=True)
    return str(names[counts.argmax()]) if len(names) else ""
