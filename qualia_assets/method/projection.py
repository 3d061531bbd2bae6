"""Down to a few dimensions: SVD to see the raw space, UMAP to cluster and to draw."""

import warnings
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

from qualia_assets.method.neighbours import Floats, Ints


def svd_2d(vectors: Floats) -> Floats:
    """The first two principal axes: truncated SVD of the centred vectors (the paper's Figs. 1 and 2).

    Args:
        vectors: shape (n, d).

    Returns:
        Shape (n, 2), each axis's sign fixed so that its largest coordinate is positive;
        zeros where the points have no second (or first) direction.
    """
    out = np.zeros((len(vectors), 2), dtype=np.float32)
    if len(vectors) < 2:
        return out
    centred = np.asarray(vectors, dtype=np.float64) - vectors.mean(axis=0)
    # The d x d covariance is smaller than the data from a few hundred items on.
    values, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2][:, values[::-1][:2] > 1e-12]
    scores = centred @ axes
    signs = np.sign(scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])])
    out[:, : scores.shape[1]] = scores * signs
    return out


def umap_project(
    vectors: Floats, neighbours: tuple[Ints, Floats], dimensions: int, epochs: int, seed: int
) -> Floats:
    """UMAP (McInnes et al. 2018) from a neighbour graph that is already known.

    Args:
        vectors: shape (n, d), only for the PCA initialisation.
        neighbours: indices and cosine distances of shape (n, k), the point itself first.
        dimensions: of the projection.
        epochs: of the layout.
        seed: with one seed and one thread the layout is the same every time.

    Returns:
        Shape (n, dimensions). Where there are too few points for a layout (n <= dimensions + 1),
        or all are the same, their principal axes instead.
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
            # Items keep apart in a map, where each is looked at, and gather where they are clustered.
            min_dist=0.8 if dimensions == 2 else 0.0,
            spread=1.5 if dimensions == 2 else 1.0,
            init="pca",
            n_epochs=epochs,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=(indices, distances, None),
            # Without it umap ignores the given graph below 4,096 points and makes its own.
            force_approximation_algorithm=True,
        )
        return np.asarray(model.fit_transform(vectors), dtype=np.float32)


@cache
def _umap() -> Any:
    """umap, what of it takes longest to compile kept on disk: else every process compiles it, for seconds."""
    import umap
    from umap import layouts, umap_

    # Where nothing can be written, or another version calls them otherwise, nothing is kept.
    with suppress(RuntimeError, AttributeError):
        umap_.smooth_knn_dist.enable_caching()
        umap_.compute_membership_strengths.enable_caching()
        layouts._nb_optimize_layout_euclidean_single_epoch.enable_caching()
    return umap


def rotated_onto(xy: Floats, points: Ints, reference: Floats) -> Floats:
    """A layout turned and mirrored so that some of its points lie as near as can be to those of another.

    Orthogonal Procrustes (Schönemann 1966) on the centred points; distances, all that a layout says, stay as
    they are.

    Args:
        xy: shape (n, 2).
        points: shape (m,), the rows to go by.
        reference: shape (m, 2), where these points lie in the other layout.

    Returns:
        Shape (n, 2), the points gone by about the origin.
    """
    if not len(points):
        return xy
    middle = xy[points].mean(axis=0)
    onto = (reference - reference.mean(axis=0)).astype(np.float64)
    u, _, v = np.linalg.svd((xy[points] - middle).astype(np.float64).T @ onto)
    return np.asarray((xy - middle) @ (u @ v), dtype=np.float32)
