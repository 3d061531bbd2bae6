"""Exact neighbours: what comes first, who wins a tie, and what copies of one item do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Gallery, nearest, nearest_columns, row_blocks, similarities

NOT_THERE = -np.inf


def first(row: list[float], k: int) -> list[int]:
    """The columns of a row that are there, nearest first, ties to the smaller; filled up with -1."""
    there = [column for column, value in enumerate(row) if value > NOT_THERE]
    return (sorted(there, key=lambda column: (-row[column], column)) + [-1] * k)[:k]


# Few values, so that there are many ties. Wide rows are searched by groups of columns, narrow ones whole.
@budget(max_examples=150, deadline=None)
@given(
    columns=st.sampled_from([1, 2, 7, 60, 333, 1000]),
    k=st.integers(0, 12),
    levels=st.integers(1, 40),
    absent=st.sampled_from([0.0, 0.3, 0.99, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_the_nearest_columns_are_the_head_of_a_stable_sort_however_many_ties_there_are(
    columns: int, k: int, levels: int, absent: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    similarity = (rng.integers(-levels, levels, (3, columns)) / levels).astype(np.float32)
    similarity[rng.random(similarity.shape) < absent] = NOT_THERE

    indices, values = nearest_columns(similarity, k)

    for row, found, level in zip(similarity.tolist(), indices.tolist(), values.tolist(), strict=True):
        assert found == first(row, k)
        assert level == [row[column] if column >= 0 else NOT_THERE for column in found]


@pytest.mark.parametrize("columns", [4, 4000])
def test_what_is_not_a_number_is_not_in_the_gallery(columns: int) -> None:
    similarity = np.full((2, columns), np.nan, dtype=np.float32)
    similarity[0, [1, 3]] = 0.1, 0.2

    assert nearest_columns(similarity, 3)[0].tolist() == [[3, 1, -1], [-1, -1, -1]]


def test_many_rows_are_searched_like_one() -> None:
    similarity = np.random.default_rng(0).normal(size=(1500, 1600)).astype(np.float32)

    indices, _ = nearest_columns(similarity, 5)

    assert indices.tolist() == np.argsort(-similarity, axis=1, kind="stable")[:, :5].tolist()


def test_an_empty_gallery_has_no_nearest() -> None:
    indices, values = nearest_columns(np.zeros((2, 0), dtype=np.float32), 3)

    assert indices.tolist() == [[-1] * 3] * 2
    assert values.tolist() == [[NOT_THERE] * 3] * 2


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


def test_rows_that_share_a_coordinate_are_no_copies() -> None:
    vectors = np.array([[0, 1], [0, -1], [1, 0], [0, 1], [0, -1], [0, 1]], dtype=np.float32)

    gallery = Gallery.of(vectors)

    assert dict(zip(gallery.copies.tolist(), gallery.originals.tolist(), strict=True)) == {3: 0, 4: 1, 5: 0}


def test_similarities_block_by_block_are_those_of_all_at_once() -> None:
    vectors = unit(np.random.default_rng(5).normal(size=(1100, 8)))

    blocks = [(rows, similarity.copy()) for rows, similarity in Gallery.of(vectors[:30]).blocks(vectors)]

    assert [(rows.start, rows.stop) for rows, _ in blocks] == [(0, 1024), (1024, 1100)]
    together = np.concatenate([similarity for _, similarity in blocks])
    assert together == pytest.approx(vectors @ vectors[:30].T, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_with_fewer_points_than_k_everyone_is_a_neighbour(n: int) -> None:
    vectors = unit(np.random.default_rng(n).normal(size=(n, 3)))

    indices, distances = nearest(vectors, 15)

    assert indices.shape == distances.shape == (n, n)
    assert [sorted(row) for row in indices.tolist()] == [list(range(n))] * n
