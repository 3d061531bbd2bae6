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


def test_the_same_points_give_the_same_clusters_every_time() -> None:
    points = np.random.default_rng(3).normal(size=(80, 3)).astype(np.float32)

    first, second = (hdbscan_clusters(points, 5, 3) for _ in range(2))

    assert first.cluster.tobytes() == second.cluster.tobytes()
    assert first.probability.tobytes() == second.probability.tobytes()


@pytest.mark.parametrize("n", [0, 1, 2, 5, 7])
def test_fewer_points_than_a_cluster_needs_are_all_noise(n: int) -> None:
    found = hdbscan_clusters(blobs(n), min_cluster_size=8, min_samples=4)

    assert found.cluster.tolist() == [NOISE] * n
    assert found.probability.tolist() == [0.0] * n


@pytest.mark.parametrize("n", [8, 9, 10, 40])
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


def test_zero_means_the_default_smallest_cluster() -> None:
    # Of 480 items that is eight.
    points = np.random.default_rng(1).normal(size=(480, 2)).astype(np.float32)

    default, eight, five = (hdbscan_clusters(points, size, 2).cluster.tolist() for size in (0, 8, 5))

    assert default == eight
    assert default != five


def rows(gap: float) -> Floats:
    """Two rows of 15 points end to end, by a gap a little wider than their steps, and three far away."""
    row = 0.1 * np.arange(15)
    along = np.concatenate([row, row + row[-1] + gap, row + 100, row + 200, row + 300])
    return np.stack([along, np.zeros_like(along)], axis=1).astype(np.float32)


# The largest cluster has 30 of 75 points, four tenths.
@pytest.mark.parametrize(
    ("share", "sizes"), [(0.3, [15] * 5), (0.4, [30, 15, 15, 15]), (0.7, [30, 15, 15, 15])]
)
def test_a_cluster_of_too_large_a_share_is_split_into_its_subclusters(share: float, sizes: list[int]) -> None:
    points = rows(gap=0.2)

    found = hdbscan_clusters(points, 5, 2, largest_share=share)

    assert np.bincount(found.cluster).tolist() == sizes
    if len(sizes) == 5:
        assert adjusted_rand_score(np.repeat(np.arange(5), 15), found.cluster) == 1.0
    else:
        assert found.cluster.tolist() == hdbscan_clusters(points, 5, 2).cluster.tolist()


@pytest.mark.parametrize("count", [2, 5])
def test_a_large_cluster_without_subclusters_is_kept(count: int) -> None:
    theme = np.repeat(np.arange(count), 10)
    points = 100 * theme[:, None] + np.random.default_rng(0).normal(size=(len(theme), 2))

    found = hdbscan_clusters(points.astype(np.float32), 5, 2, largest_share=0.1)

    assert adjusted_rand_score(theme, found.cluster) == 1.0


def test_the_noise_share_is_that_of_points_in_no_cluster() -> None:
    assert Clustering(np.array([0, NOISE, 1, NOISE]), np.ones(4, dtype=np.float32)).noise_share == 0.5
    assert Clustering(np.array([], dtype=np.int64), np.zeros(0, dtype=np.float32)).noise_share == 0.0


def test_clusters_are_renumbered_by_size_and_equal_ones_by_first_occurrence() -> None:
    assert renumber_by_size(np.array([5, 2, 9, -1, 9, 2, 9, 5])).tolist() == [1, 2, 0, NOISE, 0, 2, 0, 1]
    assert renumber_by_size(np.array([], dtype=np.int64)).tolist() == []


labellings = st.lists(st.integers(-1, 5), min_size=1, max_size=30)


@budget(max_examples=30, deadline=None)
@given(labellings, st.permutations(range(6)))
def test_clusters_that_are_only_renumbered_get_their_ids_back(old: list[int], names: list[int]) -> None:
    renumbered = np.array([names[c] if c != NOISE else NOISE for c in old])

    assert keep_ids(renumbered, np.array(old)).tolist() == old


@budget(max_examples=60, deadline=None)
@given(st.data())
def test_keeping_ids_only_renames_clusters_and_reuses_an_id_only_for_shared_points(
    data: st.DataObject,
) -> None:
    old = data.draw(labellings)
    new = data.draw(st.lists(st.integers(-1, 5), min_size=len(old), max_size=len(old)))

    kept = keep_ids(np.array(new), np.array(old)).tolist()

    assert len(set(zip(new, kept, strict=True))) == len(set(new)) == len(set(kept))
    assert [c == NOISE for c in kept] == [c == NOISE for c in new]
    earlier = set(old) - {NOISE}
    for name in set(kept) - {NOISE}:
        shared = any(now == then == name for now, then in zip(kept, old, strict=True))
        assert shared or not earlier or name > max(earlier)


def test_ids_stay_when_a_few_points_turn_to_noise_or_change_sides() -> None:
    previous = np.repeat([4, 7, 9], 10)
    today = np.repeat([1, 2, 0], 10)
    today[[0, 11]] = NOISE
    today[[12, 25]] = 1

    kept = keep_ids(today, previous)

    assert [set(kept[part]) for part in (slice(1, 10), slice(13, 20), slice(20, 25))] == [{4}, {7}, {9}]


@pytest.mark.parametrize(
    ("today", "previous", "kept"),
    [
        # A new cluster does not take the id of one that vanished.
        ([0] * 5 + [-1] * 5 + [1] * 5, [0] * 5 + [1] * 5 + [-1] * 5, [0] * 5 + [-1] * 5 + [2] * 5),
        # Of two halves the larger keeps the id.
        ([1] * 4 + [0] * 6, [3] * 10, [4] * 4 + [3] * 6),
        ([0] * 4 + [1] * 6, [3] * 10, [4] * 4 + [3] * 6),
        # Nothing was clustered before.
        ([1, 0, -1], [-1] * 3, [1, 0, -1]),
    ],
)
def test_ids_after_clusters_came_went_or_split(
    today: list[int], previous: list[int], kept: list[int]
) -> None:
    assert keep_ids(np.array(today), np.array(previous)).tolist() == kept
