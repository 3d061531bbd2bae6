"""Smoothing against plain loops: which items move, towards what, and which do not."""

import numpy as np
import pytest

from qualia_assets.method.matching import unit
from qualia_assets.method.smoothing import SmoothedGallery, same_modality_smoothing, smooth_towards
from qualia_assets_tests.method.by_loops import felt_points, step_towards

POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6)])
ROWS = np.arange(len(POINTS))


@pytest.mark.parametrize(("k", "passes"), [(4, 0), (1, 1), (4, 3), (100, 2)])
def test_every_item_moves_towards_its_nearest_of_the_same_modality(k: int, passes: int) -> None:
    expected = given = POINTS.vectors.copy()
    for _ in range(passes):
        # All at once: each moves towards the others as they were before the pass.
        others = [expected[(POINTS.modality == m) & (i != ROWS)] for i, m in enumerate(POINTS.modality)]
        pairs = zip(expected, others, strict=True)
        expected = np.array([step_towards(z, bank, k, 0.4) for z, bank in pairs])

    smoothed = same_modality_smoothing(given, POINTS.modality, k, 0.4, passes)

    assert smoothed == pytest.approx(expected, abs=1e-6)
    assert smoothed.dtype == np.float32
    assert given.tolist() == POINTS.vectors.tolist()


@pytest.mark.parametrize("k", [1, 5, 100])
def test_queries_move_towards_their_nearest_of_a_bank(k: int) -> None:
    rng = np.random.default_rng(1)
    queries, bank = unit(rng.normal(size=(9, 4))), unit(rng.normal(size=(30, 4)))

    moved = smooth_towards(queries, bank, k, 0.7)

    assert moved == pytest.approx(np.array([step_towards(q, list(bank), k, 0.7) for q in queries]), abs=1e-6)


def test_a_query_can_exclude_its_own_row_but_not_copies_of_it() -> None:
    bank = np.array([[1, 0], [0.6, 0.8], [1, 0]], dtype=np.float32)

    own = smooth_towards(bank[[1, 0]], bank, 1, 1.0, own=np.array([1, 0]))

    # Row 1 is left with the two copies, of which it takes the first; row 0 with its copy.
    assert own == pytest.approx(np.array([[1, 0], [1, 0]]), abs=1e-6)


def test_an_item_without_a_near_neighbour_is_unchanged() -> None:
    # A text alone in its modality, and two images at an angle of more than 90 degrees.
    vectors = unit(np.array([[1.0, 2.0], [3.0, 1.0], [-3.0, 0.1]]))

    smoothed = same_modality_smoothing(vectors, np.array(["text", "image", "image"]), 3, 0.5, 2)

    assert smoothed.tolist() == vectors.tolist()


def test_an_empty_bank_or_no_neighbours_change_nothing() -> None:
    nothing = np.zeros((0, 6), dtype=np.float32)

    assert smooth_towards(POINTS.vectors, nothing, 3, 0.5).tolist() == POINTS.vectors.tolist()
    assert smooth_towards(POINTS.vectors, POINTS.vectors, 0, 0.5).tolist() == POINTS.vectors.tolist()
    assert smooth_towards(nothing, POINTS.vectors, 3, 0.5).shape == (0, 6)
    assert same_modality_smoothing(nothing, np.zeros(0, dtype=np.str_), 3, 0.5, 2).shape == (0, 6)


@pytest.mark.parametrize(("k", "passes"), [(4, 0), (1, 1), (4, 3), (100, 2)])
def test_a_query_is_smoothed_towards_the_items_as_they_are_without_it(k: int, passes: int) -> None:
    items = POINTS.vectors[POINTS.modality == "text"]
    queries = unit(np.random.default_rng(2).normal(size=(5, items.shape[1])))
    smoothed = SmoothedGallery.of(items, k, 0.4, passes)

    for query in queries:
        lay, expected = list(items), query
        for _ in range(passes):
            expected = np.array(step_towards(expected, lay, k, 0.4))
            lay = [np.array(step_towards(z, lay[:i] + lay[i + 1 :], k, 0.4)) for i, z in enumerate(lay)]
        assert smoothed.smooth_query(query) == pytest.approx(expected, abs=1e-5)
        assert smoothed.mean == pytest.approx(np.mean(lay, axis=0), abs=1e-6)
