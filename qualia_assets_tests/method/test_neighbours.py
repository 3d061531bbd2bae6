"""Exact neighbours: their order, ties, and copies of one item."""

from itertools import product

import numpy as np
import pytest

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Gallery, nearest, nearest_columns, similarities

NOT_THERE = -np.inf


# Few values, so that there are many ties. Wide rows are searched by groups of columns, narrow ones whole.
@pytest.mark.parametrize("columns", [0, 1, 2, 7, 60, 333, 1000])
@pytest.mark.parametrize("absent", [0.0, 0.3, 0.99, 1.0])
def test_the_nearest_columns_are_the_head_of_a_stable_sort_however_many_ties_there_are(
    columns: int, absent: float
) -> None:
    for k, levels in product((0, 1, 5, 12), (1, 4, 40)):
        rng = np.random.default_rng(k)
        similarity = (rng.integers(-levels, levels, (9, columns)) / levels).astype(np.float32)
        similarity[rng.random(similarity.shape) < absent] = NOT_THERE

        indices, values = nearest_columns(similarity, k)

        for row, found, level in zip(similarity.tolist(), indices.tolist(), values.tolist(), strict=True):
            there = [column for column, value in enumerate(row) if value > NOT_THERE]
            first = sorted(there, key=lambda column: (-row[column], column))[:k]
            assert found == first + [-1] * (k - len(first))
            assert level == [row[column] for column in first] + [NOT_THERE] * (k - len(first))


@pytest.mark.parametrize("columns", [4, 4000])
def test_what_is_not_a_number_is_not_in_the_gallery(columns: int) -> None:
    similarity = np.full((2, columns), np.nan, dtype=np.float32)
    similarity[0, [1, 3]] = 0.1, 0.2

    assert nearest_columns(similarity, 3)[0].tolist() == [[3, 1, -1], [-1, -1, -1]]


def test_many_rows_are_searched_like_one() -> None:
    similarity = np.random.default_rng(0).normal(size=(700, 3200)).astype(np.float32)

    indices, _ = nearest_columns(similarity, 5)

    assert (indices == np.argsort(-similarity, axis=1, kind="stable")[:, :5]).all()


def test_neighbours_are_those_of_a_full_sort_wherever_a_block_ends() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(1100, 5)))
    exact = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.fill_diagonal(exact, 2)

    indices, distances = nearest(vectors, 6)

    assert indices[:, 0].tolist() == list(range(1100))
    highest = np.sort(exact, axis=1)[:, :-7:-1]
    # Near-equals may come in another order: what counts is how near they are.
    assert np.take_along_axis(exact, indices, axis=1) == pytest.approx(highest, abs=1e-6)
    assert distances[:, 1:] == pytest.approx(1 - highest[:, 1:], abs=1e-6)
    assert np.abs(distances[:, 0]).max() == 0


@pytest.mark.parametrize("dimensions", [5, 64, 384])
def test_an_item_comes_before_its_copies_and_they_come_in_order(dimensions: int) -> None:
    originals = unit(np.random.default_rng(2).normal(size=(10, dimensions)))

    indices, distances = nearest(originals[np.arange(47) % 10], 4)

    for i in range(47):
        copies = [j for j in range(i % 10, 47, 10) if j != i]
        assert indices[i].tolist() == [i, *copies[:3]]
    assert np.abs(distances).max() < 1e-6


def test_copies_of_one_item_are_exactly_as_similar_wherever_they_lie() -> None:
    originals = unit(np.random.default_rng(3).normal(size=(7, 64)))
    place = np.random.default_rng(4).integers(7, size=101)

    similarity = similarities(originals, originals[place])

    for original in range(7):
        assert np.ptp(similarity[:, place == original], axis=1).tolist() == [0.0] * 7
    assert similarity == pytest.approx(originals @ originals[place].T, abs=1e-6)


def test_rows_that_share_a_coordinate_are_no_copies() -> None:
    vectors = np.array([[0, 1], [0, -1], [1, 0], [0, 1], [0, -1], [0, 1]], dtype=np.float32)

    gallery = Gallery.of(vectors)

    assert dict(zip(gallery.copies.tolist(), gallery.originals.tolist(), strict=True)) == {3: 0, 4: 1, 5: 0}


@pytest.mark.parametrize("n", [0, 1, 5])
def test_with_fewer_points_than_k_everyone_is_a_neighbour(n: int) -> None:
    indices, distances = nearest(unit(np.random.default_rng(n).normal(size=(n, 3))), 15)

    assert indices.shape == distances.shape == (n, n)
    assert np.sort(indices, axis=1).tolist() == [list(range(n))] * n
