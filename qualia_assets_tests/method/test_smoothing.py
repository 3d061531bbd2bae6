"""Smoothing against plain loops: who moves, towards what, and who stays."""

import math

import numpy as np
import pytest

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.smoothing import Smoothed, same_modality_smoothing, smooth_towards
from qualia_assets_tests.method.by_loops import dot, felt_points

POINTS = felt_points(0, [(7, 5), (4, 9), (6, 6)])


def scaled(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length else vector


def step(query: Floats, others: list[Floats], k: int, share: float) -> list[float]:
    """One vector's step by the formula, in plain Python."""
    cosines = [dot(query, other) for other in others]
    nearest = sorted(range(len(others)), key=lambda j: (-cosines[j], j))[:k]
    towards = [0.0] * len(query)
    for j in nearest:
        for x, value in enumerate(others[j].tolist()):
            towards[x] += max(cosines[j], 0) * value
    if not any(towards):
        return query.tolist()
    middle = scaled(towards)
    return scaled([(1 - share) * a + share * b for a, b in zip(query.tolist(), middle, strict=True)])


@pytest.mark.parametrize("passes", [0, 1, 3])
@pytest.mark.parametrize("k", [1, 4, 100])
def test_every_item_moves_towards_its_nearest_of_the_same_modality(k: int, passes: int) -> None:
    expected = POINTS.vectors
    for _ in range(passes):
        # All at once: everyone moves towards where the others were before the pass.
        expected = np.array(
            [
                step(z, [expected[j] for j in range(len(POINTS)) if j != i and same[j]], k, 0.4)
                for i, z in enumerate(expected)
                for same in [POINTS.modality == POINTS.modality[i]]
            ]
        )

    smoothed = same_modality_smoothing(POINTS.vectors, POINTS.modality, k, 0.4, passes)

    assert smoothed == pytest.approx(expected, abs=1e-6)
    assert smoothed.dtype == np.float32


@pytest.mark.parametrize("k", [1, 5, 100])
def test_queries_move_towards_their_nearest_of_a_bank(k: int) -> None:
    rng = np.random.default_rng(1)
    queries, bank = unit(rng.normal(size=(9, 4))), unit(rng.normal(size=(30, 4)))

    moved = smooth_towards(queries, bank, k, 0.7)

    assert moved == pytest.approx(np.array([step(q, list(bank), k, 0.7) for q in queries]), abs=1e-6)


def test_a_query_can_leave_its_own_row_out_and_no_copy_of_it() -> None:
    bank = np.array([[1, 0], [0.6, 0.8], [1, 0]], dtype=np.float32)

    own = smooth_towards(bank[[1, 0]], bank, 1, 1.0, own=np.array([1, 0]))

    # Row 1 is left with the two copies, of which it takes the first; row 0 with its copy.
    assert own == pytest.approx(np.array([[1, 0], [1, 0]]), abs=1e-6)


def test_a_share_of_one_is_the_weighted_mean_and_of_nothing_no_step() -> None:
    bank = np.eye(2, dtype=np.float32)
    query = np.array([[0.6, 0.8]], dtype=np.float32)

    assert smooth_towards(query, bank, 2, 1.0) == pytest.approx(query, abs=1e-6)
    assert smooth_towards(query, bank, 1, 1.0) == pytest.approx(bank[1:], abs=1e-6)
    assert smooth_towards(query, bank, 1, 0.0) == pytest.approx(query, abs=1e-6)


def test_who_has_nobody_near_stays_exactly_where_it_is() -> None:
    # A text alone in its modality, and two images at an angle of more than 90 degrees.
    vectors = unit(np.array([[1.0, 2.0], [3.0, 1.0], [-3.0, 0.1]]))

    smoothed = same_modality_smoothing(vectors, np.array(["text", "image", "image"]), 3, 0.5, 2)

    assert smoothed.tolist() == vectors.tolist()


def test_an_empty_bank_and_no_neighbours_move_nobody() -> None:
    nobody = np.zeros((0, 6), dtype=np.float32)

    assert smooth_towards(POINTS.vectors, nobody, 3, 0.5).tolist() == POINTS.vectors.tolist()
    assert smooth_towards(POINTS.vectors, POINTS.vectors, 0, 0.5).tolist() == POINTS.vectors.tolist()
    assert smooth_towards(nobody, POINTS.vectors, 3, 0.5).shape == (0, 6)
    assert same_modality_smoothing(nobody, np.zeros(0, dtype=np.str_), 3, 0.5, 2).shape == (0, 6)


def test_what_goes_in_is_not_written_to() -> None:
    before = POINTS.vectors.copy()

    same_modality_smoothing(POINTS.vectors, POINTS.modality, 3, 0.5, 2)

    assert POINTS.vectors.tolist() == before.tolist()


@pytest.mark.parametrize("passes", [0, 1, 3])
@pytest.mark.parametrize("k", [1, 4, 100])
def test_one_more_goes_along_towards_where_the_items_lay_without_it(k: int, passes: int) -> None:
    items = POINTS.vectors[POINTS.modality == "text"]
    queries = unit(np.random.default_rng(2).normal(size=(5, items.shape[1])))
    smoothed = Smoothed.of(items, k, 0.4, passes)
    for query in queries:
        lay, expected = [list(z) for z in items], query.tolist()
        for _ in range(passes):
            others = [np.array(z) for z in lay]
            expected = step(np.array(expected), others, k, 0.4)
            lay = [step(z, others[:i] + others[i + 1 :], k, 0.4) for i, z in enumerate(others)]

        assert smoothed.take_along(query) == pytest.approx(np.array(expected), abs=1e-5)
    after = same_modality_smoothing(items, np.full(len(items), "text"), k, 0.4, passes)
    assert smoothed.middle == pytest.approx(after.mean(axis=0), abs=1e-6)
