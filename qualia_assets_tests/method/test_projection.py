"""Projection to a few dimensions: the principal axes, and UMAP on a given neighbour graph."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from qualia_assets.method.clustering import hdbscan_clusters
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, nearest
from qualia_assets.method.projection import procrustes_align, svd_2d, umap_project

THEMES = np.repeat(np.arange(4), 25)


def sphere(n: int, seed: int = 0) -> Floats:
    return unit(np.random.default_rng(seed).normal(size=(n, 16)))


def themed() -> Floats:
    """Four planted themes of 25 unit vectors."""
    return unit(sphere(4)[THEMES] + 0.6 * np.random.default_rng(1).normal(size=(100, 16)) / 4)


def test_the_principal_axes_are_those_of_an_svd_of_the_centred_vectors() -> None:
    vectors = np.random.default_rng(1).normal(size=(30, 7)).astype(np.float32)
    left, strength, _ = np.linalg.svd(vectors - vectors.mean(axis=0, dtype=np.float64), full_matrices=False)

    assert np.abs(svd_2d(vectors)) == pytest.approx(np.abs(left[:, :2] * strength[:2]), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_the_coordinate_of_largest_magnitude_on_a_principal_axis_is_positive(seed: int) -> None:
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in svd_2d(sphere(12, seed)).T)


@pytest.mark.parametrize(
    "vectors",
    [np.ones((0, 5)), np.ones((1, 5)), np.tile(unit(np.ones((1, 9))), (20, 1))],
    ids=["0", "1", "same"],
)
def test_no_point_a_single_one_and_identical_ones_lie_at_the_origin(vectors: Floats) -> None:
    assert svd_2d(vectors.astype(np.float32)).tolist() == [[0.0, 0.0]] * len(vectors)


def test_points_on_a_line_have_no_second_axis() -> None:
    projected = svd_2d(np.outer([0.0, 1.0, 5.0], [0.6, 0.8, 0.0]).astype(np.float32))

    assert projected[:, 0] == pytest.approx([-2, -1, 3])
    assert projected[:, 1].tolist() == [0.0] * 3


def test_one_seed_gives_the_same_bytes_and_another_seed_another_map() -> None:
    vectors = themed()
    graph = nearest(vectors, 10)

    first, again, other = (
        umap_project(vectors, graph, 2, epochs=30, seed=seed).tobytes() for seed in (0, 0, 1)
    )

    assert first == again != other


def test_the_given_graph_is_laid_out_and_planted_themes_are_found_in_it() -> None:
    # By default umap computes its own graph below 4,096 points, and these vectors have no clusters.
    projected = umap_project(sphere(100), nearest(themed(), 10), dimensions=5, epochs=100, seed=0)

    assert adjusted_rand_score(THEMES, hdbscan_clusters(projected, 8, 4).cluster) > 0.95


@pytest.mark.parametrize(("n", "dimensions"), [*((n, 2) for n in (0, 1, 4, 5, 6)), (11, 10), (12, 10)])
def test_few_points_are_projected_too(n: int, dimensions: int) -> None:
    vectors = sphere(n)

    projected = umap_project(vectors, nearest(vectors, 15), dimensions, epochs=10, seed=0)

    assert projected.shape == (n, dimensions)
    assert np.isfinite(projected).all()


@pytest.mark.parametrize("n", [5, 20])
def test_identical_vectors_are_projected_to_one_point_and_are_noise(n: int) -> None:
    vectors = sphere(1)[[0] * n]

    projected = umap_project(vectors, nearest(vectors, 15), dimensions=2, epochs=10, seed=0)

    assert not projected.any()
    assert not (hdbscan_clusters(projected, 5, 3).cluster >= 0).any()


def test_many_copies_among_others_do_not_break_the_layout() -> None:
    vectors = sphere(40)[[0] * 20 + [*range(20, 40)]]

    projected = umap_project(vectors, nearest(vectors, 15), dimensions=5, epochs=10, seed=0)

    assert np.isfinite(projected).all()


@pytest.mark.parametrize("angle", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("mirror", [1, -1])
def test_a_rotated_and_reflected_layout_is_aligned_with_the_original(angle: float, mirror: int) -> None:
    reference = np.random.default_rng(0).normal(size=(12, 2)) * (3, 1)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (reference @ rotation * (1, mirror) + (5, -7)).astype(np.float32)
    points = np.arange(3, 12)

    aligned = procrustes_align(moved, points, reference[points].astype(np.float32))

    assert aligned == pytest.approx(reference - reference[points].mean(axis=0), abs=1e-4)
    assert procrustes_align(moved, points[:0], reference[:0]).tolist() == moved.tolist()
