"""Projection to a few dimensions: SVD to plot the raw space, UMAP to cluster and to plot."""

import warnings
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from qualia_assets.method.neighbours import Floats, Ints


def svd_2d(vectors: Floats) -> Floats:
    """Project onto the first two principal axes, by SVD of the centred vectors (the paper's Figs. 1 and 2).

    Args:
        vectors: shape (n, d).

    Returns:
        Shape (n, 2). The coordinate of largest magnitude on each axis is positive; an axis along which the
        points do not vary is zero.
    """
    out = np.zeros((len(vectors), 2), dtype=np.float32)
    if len(vectors) < 2:
        return out
    centred = np.asarray(vectors, dtype=np.float64) - vectors.mean(axis=0)
    # From a few hundred items on, the d x d covariance is smaller than the data.
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2][:, values[::-1][:2] > 1e-12]
    scores = centred @ axes
    signs = np.sign(scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])])
    out[:, : scores.shape[1]] = scores * signs
    return out


def umap_project(
    vectors: Floats, neighbours: tuple[Ints, Floats], dimensions: int, epochs: int, seed: int
) -> Floats:
    """Project by UMAP (McInnes et al. 2018) from a given neighbour graph.

    Args:
        vectors: shape (n, d), used only for the PCA initialisation.
        neighbours: indices and cosine distances of shape (n, k), the point itself first.
        dimensions: of the projection.
        epochs: of the layout.
        seed: with one thread, the layout depends on nothing else.

    Returns:
        Shape (n, dimensions). With too few points for a layout (n <= dimensions + 1, or n <= 4), or where all
        are the same, their principal axes instead.
    """
    n = len(vectors)
    if n <= max(dimensions + 1, 4) or bool((vectors == vectors[0]).all()):
        out = np.zeros((n, dimensions), dtype=np.float32)
        flat = svd_2d(vectors)
        out[:, : min(2, dimensions)] = flat[:, : min(2, dimensions)]
        return out
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        indices, distances = neighbours
        model = _umap().UMAP(
            n_components=dimensions,
            n_neighbors=indices.shape[1],
            metric="cosine",
            # Points are spread out to be seen in a map, and packed to be clustered.
            min_dist=0.8 if dimensions == 2 else 0.0,
            spread=1.5 if dimensions == 2 else 1.0,
            init="pca",
            n_epochs=epochs,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(indices, distances, None),
            # Without it umap ignores the given graph below 4,096 points and computes its own.
            force_approximation_algorithm=True,
        )
        return np.asarray(model.fit_transform(vectors), dtype=np.float32)


@cache
def _umap() -> Any:
    """Import umap with the compilation of its slowest functions cached on disk, which takes seconds."""
    import umap
    from umap import layouts, umap_

    # No cache where the disk is read-only, or where another version has other names.
    with suppress(RuntimeError, AttributeError):
        umap_.smooth_knn_dist.enable_caching()
        umap_.compute_membership_strengths.enable_caching()
        layouts._nb_optimize_layout_euclidean_single_epoch.enable_caching()
    return umap


def procrustes_align(xy: Floats, points: Ints, reference: Floats) -> Floats:
    """Rotate and reflect a layout so that some of its points lie nearest to those of another layout.

    Orthogonal Procrustes (Schönemann 1966) on the centred points, ``min_R |X R - Y|_F``. Distances are
    unchanged.

    Args:
        xy: shape (n, 2).
        points: shape (m,), the rows to align by.
        reference: shape (m, 2), those points in the other layout.

    Returns:
        Shape (n, 2), with the mean of the aligned points at the origin; ``xy`` itself where m is 0.
    """
    if not len(points):
        return xy
    mean = xy[points].mean(axis=0)
    target = (reference - reference.mean(axis=0)).astype(np.float64)
    u, _, v = np.linalg.svd((xy[points] - mean).astype(np.float64).T @ target)
    return np.asarray((xy - mean) @ (u @ v), dtype=np.float32)
