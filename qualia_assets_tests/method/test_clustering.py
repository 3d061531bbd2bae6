"""HDBSCAN finds planted clusters, and ids stay with their clusters from run to run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from qualia_assets.method.clustering import (
    NOISE,
    Clustering,
    default_min_cluster_size,
    hdbscan_clusters,
    keep_ids,
    renumber_by_size,
)
from qualia_assets.method.neighbours import Floats


def blobs(*sizes: int, scatter: float = 0.2) -> Floats:
    """Round clusters of these sizes, 10 apart, in the plane."""
    rng = np.random.default_rng(0)
    centres = np.array([[10 * i, 10 * (i % 2)] for i in range(len(sizes))])
    points = np.repeat(centres, sizes, axis=0) + scatter * rng.normal(size=(sum(sizes), 2))
    return points.astype(np.float32)


def test_planted_blobs_are_found_and_numbered_from_the_largest_and_what_lies_far_is_noise() -> None:
    astray = np.array([[500, 500], [-700, 90], [40, -900]], dtype=np.float32)

    found = hdbscan_clusters(np.concatenate([blobs(12, 30, 20), astray]), min_cluster_size=8, min_samples=4)

    assert adjusted_rand_score(np.repeat([2, 0, 1], [12, 30, 20]), found.cluster[:-3]) > 0.95
    sizes = np.bincount(found.cluster[found.cluster != NOISE]).tolist()
    assert sizes == sorted(sizes, reverse=True)
    assert np.median(found.cluster[12:42]) == 0
    assert found.cluster[-3:].tolist() == [NOISE] * 3
    assert found.probability[-3:].tolist() == [0.0] * 3
    assert found.probability.max() == 1.0


@pytest.mark.parametrize("n", [0, 1, 7])
def test_fewer_points_than_a_cluster_needs_are_all_noise(n: int) -> None:
    found = hdbscan_clusters(blobs(n), min_cluster_size=8, min_samples=4)

    assert (found.cluster.tolist(), found.probability.tolist()) == ([NOISE] * n, [0.0] * n)


@pytest.mark.parametrize("n", [8, 9, 40])
def test_identical_points_can_be_clustered(n: int) -> None:
    found = hdbscan_clusters(np.zeros((n, 4), dtype=np.float32), min_cluster_size=8, min_samples=7)

    assert found.cluster.shape == (n,)
    assert np.isfinite(found.probability).all()


@pytest.mark.parametrize(
    ("items", "smallest"), [(0, 5), (1, 5), (300, 5), (360, 6), (480, 8), (600, 10), (20_000, 10)]
)
def test_the_default_smallest_cluster_is_a_sixtieth_of_the_items_from_5_to_10(
    items: int, smallest: int
) -> None:
    assert default_min_cluster_size(items) == smallest


def test_zero_means_the_default_smallest_cluster_and_the_same_points_give_the_same_clusters() -> None:
    # Of 480 items that is eight.
    points = np.random.default_rng(1).normal(size=(480, 2)).astype(np.float32)

    default, eight, five = (hdbscan_clusters(points, size, 2) for size in (0, 8, 5))

    assert default.cluster.tolist() == eight.cluster.tolist() != five.cluster.tolist()
    assert default.probability.tolist() == eight.probability.tolist()


# The largest cluster has 30 of 75 points, four tenths.
@pytest.mark.parametrize(
    ("share", "sizes"), [(0.3, [15] * 5), (0.4, [30, 15, 15, 15]), (0.7, [30, 15, 15, 15])]
)
def test_a_cluster_of_too_large_a_share_is_split_into_its_subclusters(share: float, sizes: list[int]) -> None:
    # Two rows of 15 points end to end, by a gap a little wider than their steps, and three far away.
    along = 0.1 * np.arange(15) + np.array([[0], [1.6], [100], [200], [300]])
    points = np.stack([along.ravel(), np.zeros(75)], axis=1).astype(np.float32)
    row = np.repeat(np.arange(5), 15)

    found = hdbscan_clusters(points, 5, 2, largest_share=share)

    assert np.bincount(found.cluster).tolist() == sizes
    assert adjusted_rand_score(row if len(sizes) == 5 else np.maximum(row, 1), found.cluster) == 1.0


@pytest.mark.parametrize("count", [2, 5])
def test_a_large_cluster_without_subclusters_is_kept(count: int) -> None:
    theme = np.repeat(np.arange(count), 10)
    points = 100 * theme[:, None] + np.random.default_rng(0).normal(size=(len(theme), 2))

    found = hdbscan_clusters(points.astype(np.float32), 5, 2, largest_share=0.1)

    assert adjusted_rand_score(theme, found.cluster) == 1.0


def test_the_noise_share_is_that_of_points_in_no_cluster() -> None:
    assert Clustering(np.array([0, NOISE, 1, NOISE]), np.ones(4, dtype=np.float32)).noise_share == 0.5
    assert hdbscan_clusters(blobs(0), 5, 3).noise_share == 0.0


def test_clusters_are_renumbered_by_size_and_equal_ones_by_first_occurrence() -> None:
    assert renumber_by_size(np.array([5, 2, 9, -1, 9, 2, 9, 5])).tolist() == [1, 2, 0, NOISE, 0, 2, 0, 1]
    assert renumber_by_size(np.array([], dtype=np.int64)).tolist() == []


@budget(max_examples=30, deadline=None)
@given(st.lists(st.integers(-1, 5), min_size=1, max_size=30), st.permutations(range(6)))
def test_clusters_that_are_only_renumbered_get_their_ids_back(old: list[int], names: list[int]) -> None:
    renumbered = np.array([names[c] if c != NOISE else NOISE for c in old])

    assert keep_ids(renumbered, np.array(old)).tolist() == old


@budget(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), min_size=1, max_size=30))
def test_keeping_ids_only_renames_clusters_and_reuses_an_id_only_for_shared_points(
    labels: list[tuple[int, int]],
) -> None:
    old, new = zip(*labels, strict=True)

    kept = keep_ids(np.array(new), np.array(old)).tolist()

    assert len(set(zip(new, kept, strict=True))) == len(set(new)) == len(set(kept))
    assert [c == NOISE for c in kept] == [c == NOISE for c in new]
    earlier = set(old) - {NOISE}
    for name in set(kept) - {NOISE}:
        shared = any(now == then == name for now, then in zip(kept, old, strict=True))
        assert shared or not earlier or name > max(earlier)


@pytest.mark.parametrize(
    ("today", "previous", "kept"),
    [
        # A few points turn to noise or change sides.
        (
            [-1] + [1] * 9 + [2, -1, 1] + [2] * 7 + [0] * 5 + [1] + [0] * 4,
            [4] * 10 + [7] * 10 + [9] * 10,
            [-1] + [4] * 9 + [7, -1, 4] + [7] * 7 + [9] * 5 + [4] + [9] * 4,
        ),
        # A new cluster does not take the id of one that vanished.
        ([0] * 5 + [-1] * 5 + [1] * 5, [0] * 5 + [1] * 5 + [-1] * 5, [0] * 5 + [-1] * 5 + [2] * 5),
        # Of two halves the larger keeps the id.
        ([1] * 4 + [0] * 6, [3] * 10, [4] * 4 + [3] * 6),
        ([0] * 4 + [1] * 6, [3] * 10, [4] * 4 + [3] * 6),
        # Nothing was clustered before.
        ([1, 0, -1], [-1] * 3, [1, 0, -1]),
    ],
)
def test_ids_stay_with_their_clusters_which_come_go_and_split(
    today: list[int], previous: list[int], kept: list[int]
) -> None:
    assert keep_ids(np.array(today), np.array(previous)).tolist() == kept
