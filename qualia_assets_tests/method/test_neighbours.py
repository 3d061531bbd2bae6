"""Exact neighbours: what comes first, who wins a tie, and what copies of one item do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import nearest, row_blocks, similarities, top_k


@budget(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=7, max_size=7), min_size=1, max_size=4), st.integers(0, 9)
)
def test_top_k_is_the_head_of_a_stable_sort_however_many_ties_there_are(
    rows: list[list[int]], k: int
) -> None:
    marked = top_k(np.array(rows, dtype=np.float32), k)

    for row, marks in zip(rows, marked, strict=True):
        best = sorted(range(7), key=lambda column: (-row[column], column))[:k]
        assert np.flatnonzero(marks).tolist() == sorted(best)


def test_what_is_not_in_the_gallery_is_never_marked() -> None:
    out = -np.inf
    similarity = np.array([[out, 0.1, out, 0.2], [out, out, out, out]], dtype=np.float32)

    assert top_k(similarity, 3).tolist() == [[False, True, False, True], [False] * 4]


def test_an_empty_gallery_and_a_k_of_zero_mark_nothing() -> None:
    assert top_k(np.zeros((2, 0), dtype=np.float32), 3).shape == (2, 0)
    assert not top_k(np.ones((2, 3), dtype=np.float32), 0).any()


def test_blocks_cover_every_row_once_and_in_order() -> None:
    covered = [i for block in row_blocks(10, block=4) for i in range(10)[block]]

    assert covered == list(range(10))


def test_neighbours_are_those_of_a_full_sort_of_all_distances() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(40, 5)))
    exact = 1 - vectors.astype(np.float64) @ vectors.astype(np.float64).T

    indices, distances = nearest(vectors, 6)

    for i in range(40):
        by_distance = sorted((j for j in range(40) if j != i), key=lambda j: exact[i, j])
        assert indices[i].tolist() == [i, *by_distance[:5]]
        assert distances[i].tolist() == pytest.approx([0.0, *exact[i, by_distance[:5]]], abs=1e-6)


def test_neighbours_do_not_depend_on_where_a_block_ends() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(1100, 4)))

    indices, _ = nearest(vectors, 4)

    for i in (0, 1023, 1024, 1099):
        exact = vectors.astype(np.float64) @ vectors[i].astype(np.float64)
        exact[i] = 2
        assert indices[i].tolist() == np.argsort(-exact, kind="stable")[:4].tolist()


@pytest.mark.parametrize("dimensions", [5, 64, 384])
def test_an_item_comes_before_its_copies_and_they_come_in_order(dimensions: int) -> None:
    originals = unit(np.random.default_rng(2).normal(size=(10, dimensions)))
    vectors = originals[np.arange(47) % 10]

    indices, distances = nearest(vectors, 4)

    for i in range(47):
        copies = [j for j in range(i % 10, 47, 10) if j != i]
        assert indices[i].tolist() == [i, *copies[:3]]
    assert np.abs(distances).max() < 1e-6


def test_copies_of_one_item_are_exactly_as_similar_wherever_they_lie() -> None:
    originals = unit(np.random.default_rng(3).normal(size=(7, 64)))
    place = np.random.default_rng(4).integers(7, size=101)

    similarity = similarities(originals, originals[place])

    for original in range(7):
        columns = similarity[:, place == original]
        assert (columns == columns[:, :1]).all()
    assert similarity == pytest.approx(originals @ originals[place].T, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_with_fewer_points_than_k_everyone_is_a_neighbour(n: int) -> None:
    vectors = unit(np.random.default_rng(n).normal(size=(n, 3)))

    indices, distances = nearest(vectors, 15)

    assert indices.shape == distances.shape == (n, n)
    assert [sorted(row) for row in indices.tolist()] == [list(range(n))] * n
