"""Clusters that are there are found, what is none is noise, and ids stay with their clusters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from qualia_assets.method.clustering import (
    NOISE,
    Clustering,
    by_size,
    hdbscan_clusters,
    keep_ids,
    least_size,
)
from qualia_assets.method.neighbours import Floats


def blobs(sizes: list[int], scatter: float = 0.2) -> Floats:
    """Round clusters of these sizes, 10 apart, in the plane."""
    rng = np.random.default_rng(0)
    middles = np.array([[10 * i, 10 * (i % 2)] for i in range(len(sizes))])
    points = np.repeat(middles, sizes, axis=0) + scatter * rng.normal(size=(sum(sizes), 2))
    return points.astype(np.float32)


def test_planted_blobs_are_found_and_numbered_from_the_largest() -> None:
    found = hdbscan_clusters(blobs([12, 30, 20]), min_cluster_size=8, min_samples=4)

    assert adjusted_rand_score(np.repeat([2, 0, 1], [12, 30, 20]), found.cluster) > 0.95
    real = found.cluster[found.cluster != NOISE]
    assert np.bincount(real).tolist() == sorted(np.bincount(real), reverse=True)
    assert np.bincount(found.cluster[12:42][found.cluster[12:42] != NOISE]).argmax() == 0


def test_points_far_from_every_cluster_are_noise_with_probability_zero() -> None:
    astray = np.array([[500, 500], [-700, 90], [40, -900]], dtype=np.float32)

    found = hdbscan_clusters(np.concatenate([blobs([20, 20]), astray]), min_cluster_size=8, min_samples=4)

    assert found.cluster[-3:].tolist() == [NOISE] * 3
    assert found.probability[-3:].tolist() == [0.0] * 3
    assert found.probability[:40].max() == 1.0


def test_the_same_points_give_the_same_clusters_every_time() -> None:
    points = np.random.default_rng(3).normal(size=(80, 3)).astype(np.float32)

    first, second = (hdbscan_clusters(points, 5, 3) for _ in range(2))

    assert first.cluster.tobytes() == second.cluster.tobytes()
    assert first.probability.tobytes() == second.probability.tobytes()


@pytest.mark.parametrize("n", [0, 1, 2, 5, 7])
def test_fewer_points_than_a_cluster_needs_are_all_noise(n: int) -> None:
    found = hdbscan_clusters(blobs([n]), min_cluster_size=8, min_samples=4)

    assert found.cluster.tolist() == [NOISE] * n
    assert found.probability.tolist() == [0.0] * n


@pytest.mark.parametrize("n", [8, 9, 10, 40])
def test_identical_points_are_no_reason_to_fail(n: int) -> None:
    found = hdbscan_clusters(np.zeros((n, 4), dtype=np.float32), min_cluster_size=8, min_samples=7)

    assert found.cluster.shape == (n,)
    assert np.isfinite(found.probability).all()


@pytest.mark.parametrize(
    ("items", "least"), [(0, 5), (1, 5), (300, 5), (360, 6), (480, 8), (600, 10), (20_000, 10)]
)
def test_a_cluster_has_at_least_a_sixtieth_of_the_items_between_five_and_ten(items: int, least: int) -> None:
    assert least_size(items) == least


def test_where_nobody_says_how_few_may_be_a_cluster_the_collection_does() -> None:
    # Of 480 items that is eight.
    points = np.random.default_rng(1).normal(size=(480, 2)).astype(np.float32)

    found = [hdbscan_clusters(points, fewest, min_samples=2).cluster.tolist() for fewest in (0, 8, 5)]

    assert found[0] == found[1]
    assert found[0] != found[2]


def rows(gap: float) -> Floats:
    """Two rows of 15 points end to end, by a gap a little wider than their steps, and three far away."""
    row = 0.1 * np.arange(15)
    along = np.concatenate([row, row + row[-1] + gap, row + 100, row + 200, row + 300])
    return np.stack([along, np.zeros_like(along)], axis=1).astype(np.float32)


def test_a_cluster_of_too_large_a_share_is_not_taken_whole_where_it_has_parts() -> None:
    points = rows(gap=0.2)

    whole = hdbscan_clusters(points, 5, 2, largest_share=1.0)
    parts = hdbscan_clusters(points, 5, 2, largest_share=0.3)

    # 30 of 75 points are more than three tenths.
    assert np.bincount(whole.cluster).tolist() == [30, 15, 15, 15]
    assert np.bincount(parts.cluster).tolist() == [15] * 5
    assert adjusted_rand_score(np.repeat(np.arange(5), 15), parts.cluster) == 1.0


def test_clusters_that_are_not_too_large_stay_as_they_are() -> None:
    points = rows(gap=0.2)

    for share in (0.4, 0.7):
        found = hdbscan_clusters(points, 5, 2, largest_share=share)
        assert found.cluster.tolist() == hdbscan_clusters(points, 5, 2).cluster.tolist()


def test_a_large_cluster_without_parts_stays_whole() -> None:
    rng = np.random.default_rng(0)
    for blobs in (2, 5):
        theme = np.repeat(np.arange(blobs), 10)
        points = (100 * theme[:, None] + rng.normal(size=(len(theme), 2))).astype(np.float32)

        found = hdbscan_clusters(points, 5, 2, largest_share=0.1)

        assert adjusted_rand_score(theme, found.cluster) == 1.0


def test_the_noise_share_is_that_of_points_in_no_cluster() -> None:
    assert Clustering(np.array([0, NOISE, 1, NOISE]), np.ones(4, dtype=np.float32)).noise_share == 0.5
    assert Clustering(np.array([], dtype=np.int64), np.zeros(0, dtype=np.float32)).noise_share == 0.0


def test_clusters_are_renumbered_by_size_and_of_equal_ones_the_first_met_is_first() -> None:
    assert by_size(np.array([5, 2, 9, -1, 9, 2, 9, 5])).tolist() == [1, 2, 0, NOISE, 0, 2, 0, 1]
    assert by_size(np.array([], dtype=np.int64)).tolist() == []


labellings = st.lists(st.integers(-1, 5), min_size=1, max_size=30)


@budget(max_examples=60, deadline=None)
@given(labellings, st.permutations(range(6)))
def test_clusters_that_only_changed_their_numbers_get_their_ids_back(
    old: list[int], names: list[int]
) -> None:
    previous = np.array(old)
    relabelled = np.array([names[c] if c != NOISE else NOISE for c in old])

    assert keep_ids(relabelled, previous).tolist() == old


@budget(max_examples=60, deadline=None)
@given(st.data())
def test_clusters_are_never_joined_split_or_filled_with_noise_by_renaming(data: st.DataObject) -> None:
    old = data.draw(labellings)
    new = data.draw(st.lists(st.integers(-1, 5), min_size=len(old), max_size=len(old)))

    kept = keep_ids(np.array(new), np.array(old)).tolist()

    assert len(set(zip(new, kept, strict=True))) == len(set(new)) == len(set(kept))
    assert [c == NOISE for c in kept] == [c == NOISE for c in new]


@budget(max_examples=60, deadline=None)
@given(st.data())
def test_an_id_of_the_earlier_run_is_only_given_to_a_cluster_that_shares_points_with_it(
    data: st.DataObject,
) -> None:
    old = data.draw(labellings)
    new = data.draw(st.lists(st.integers(-1, 5), min_size=len(old), max_size=len(old)))

    kept = keep_ids(np.array(new), np.array(old)).tolist()

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


def test_a_new_cluster_does_not_take_the_id_of_one_that_vanished() -> None:
    previous = np.array([0] * 5 + [1] * 5 + [NOISE] * 5)
    today = np.array([0] * 5 + [NOISE] * 5 + [1] * 5)

    assert keep_ids(today, previous).tolist() == [0] * 5 + [NOISE] * 5 + [2] * 5


def test_of_two_halves_of_a_cluster_the_larger_keeps_its_id() -> None:
    assert keep_ids(np.array([1] * 4 + [0] * 6), np.array([3] * 10)).tolist() == [4] * 4 + [3] * 6
    assert keep_ids(np.array([0] * 4 + [1] * 6), np.array([3] * 10)).tolist() == [4] * 4 + [3] * 6


def test_the_first_clusters_keep_the_numbers_they_have() -> None:
    assert keep_ids(np.array([1, 0, NOISE]), np.array([NOISE] * 3)).tolist() == [1, 0, NOISE]
