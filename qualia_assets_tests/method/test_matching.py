"""Pairing the clusters of two modalities, numbering the pairs, and splitting matches."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.matching import centroids, hungarian, number_matches, split_matches, unit


def test_a_centroid_is_the_unit_mean_of_its_cluster_and_noise_has_none() -> None:
    vectors = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)

    names, means = centroids(vectors, np.array([7, 7, 2, -1]))

    assert unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 0.0]]
    assert names.tolist() == [2, 7]
    assert means.tolist() == [[-1, 0], pytest.approx([0.5**0.5, 0.5**0.5])]


def test_all_noise_has_no_centroids_and_so_no_pairs() -> None:
    nothing, something = (centroids(np.eye(3, dtype=np.float32), np.full(3, name)) for name in (-1, 0))

    assert [len(part) for part in nothing] == [0, 0]
    assert hungarian(nothing, something, 0.0) == hungarian(something, nothing, 0.0) == []


@budget(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10**6))
def test_pairs_are_one_to_one_no_other_pairing_has_a_greater_sum_and_mutual_best_has_no_nearer(
    rows: int, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = unit(rng.normal(size=(rows, 3))), unit(rng.normal(size=(columns, 3)))

    pairs = hungarian((np.arange(rows) + 10, a), (np.arange(columns) + 20, b), threshold=0.0)

    assert len({p.cluster_a for p in pairs}) == len({p.cluster_b for p in pairs}) == min(rows, columns)
    cosine = a.astype(float) @ b.astype(float).T
    few, many = (cosine, columns) if rows <= columns else (cosine.T, rows)
    best = max(sum(few[i, j] for i, j in enumerate(order)) for order in permutations(range(many), len(few)))
    assert sum(p.similarity for p in pairs) == pytest.approx(best, abs=1e-9)
    for pair in pairs:
        i, j = pair.cluster_a - 10, pair.cluster_b - 20
        assert pair.similarity == pytest.approx(cosine[i, j])
        nearer = max(cosine[i].max(), cosine[:, j].max()) > cosine[i, j] + 1e-6
        assert pair.mutual_best == (not nearer)


@pytest.mark.parametrize(("above", "accepted"), [(0.0, True), (1e-6, False)])
def test_a_pair_is_accepted_from_the_threshold_on(above: float, accepted: bool) -> None:
    one, other = ((np.array([0]), unit(np.array([z]))) for z in ([1.0, 0.0], [0.6, 0.8]))
    similarity = hungarian(one, other, 0.0)[0].similarity

    assert hungarian(one, other, similarity + above)[0].accepted == accepted


def test_a_pair_that_was_there_keeps_its_number_and_a_new_one_gets_a_number_above_all() -> None:
    earlier = {(0, 0): 4, (1, 2): 9, (5, 5): 11}

    assert number_matches([(1, 2), (3, 3), (0, 0), (0, 1)], earlier) == [9, 12, 4, 13]
    assert number_matches([(5, 1), (2, 2)], {}) == [0, 1]


matches = st.lists(st.integers(0, 10**6), unique=True, max_size=60)
shares = st.sampled_from([(0.6, 0.15), (0.6, 0.2), (0.5, 0.25), (0.8, 0.1), (0.34, 0.33)])


@budget(max_examples=60, deadline=None)
@given(matches, shares, st.integers(0, 99), st.integers(10**6 + 1, 10**7))
def test_every_split_has_its_share_and_an_added_match_moves_at_most_three_of_the_others(
    numbers: list[int], share: tuple[float, float], seed: int, added: int
) -> None:
    train, val = share

    split = split_matches(numbers, train, val, seed)

    assert sorted(split) == sorted(numbers)
    count = {side: list(split.values()).count(side) for side in ("train", "val", "test")}
    assert sum(count.values()) == len(numbers)
    if len(numbers) >= 3:
        assert min(count.values()) >= 1
    if len(numbers) * min(train, val, 1 - train - val) >= 1:
        assert abs(count["train"] - train * len(numbers)) <= 1
        assert abs(count["val"] - val * len(numbers)) <= 1
    # The order in which matches are given does not matter.
    after = split_matches([added, *reversed(numbers)], *share, seed)
    assert split_matches(numbers[::-1], train, val, seed) == split
    assert sum(split[m] != after[m] for m in numbers) <= 3


def test_splits_of_few_matches_and_of_another_seed() -> None:
    assert split_matches(range(30), 0.6, 0.2, 0) != split_matches(range(30), 0.6, 0.2, 1)
    assert sorted(split_matches([3, 8], 0.6, 0.2, 0).values()) == ["test", "train"]
    assert split_matches([3], 0.6, 0.2, 0) == {3: "train"}
    assert split_matches([], 0.6, 0.2, 0) == {}
