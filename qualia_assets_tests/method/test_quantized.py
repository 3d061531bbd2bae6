"""The quantised index against the full product: error bounds hold, and the nearest are exact."""

from itertools import product

import numpy as np
import pytest

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.quantized import QuantizedIndex, error_bound


def sphere(n: int, d: int, seed: int, spread: float = 1.0) -> Floats:
    """Unit vectors around one of them; the smaller the spread, the nearer."""
    rng = np.random.default_rng(seed)
    return unit((rng.normal(size=d) + spread * rng.normal(size=(n, d))).astype(np.float32))


@pytest.mark.parametrize("d", [1, 3, 16, 384])
@pytest.mark.parametrize("spread", [0.003, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("n", [1, 400])
def test_bounds_hold_and_the_nearest_are_exact(n: int, d: int, spread: float) -> None:
    vectors = sphere(n, d, 0, spread)
    index = QuantizedIndex.of(vectors)
    some = np.flatnonzero(np.random.default_rng(0).random(n) < 0.7)

    for query, k, rows in product((vectors[0], sphere(1, d, 1)[0]), (1, 4, 20), (None, some)):
        scores = index.approximate_scores(query)
        found, cosines = index.nearest(query, k, scores, rows)

        full = vectors.astype(np.float64) @ query.astype(np.float64)
        candidates = np.arange(n) if rows is None else rows
        assert (np.abs(full - scores) <= error_bound(query, index.error)).all()
        assert set(found.tolist()) <= set(candidates.tolist())
        assert cosines == pytest.approx(full[found], abs=1e-5)
        # Rounding may reorder near-equals, and nothing else.
        assert cosines == pytest.approx(np.sort(full[candidates])[::-1][:k], abs=1e-6)


def test_nearly_all_vectors_are_ruled_out_by_their_scores() -> None:
    vectors = sphere(8_000, 384, 0, 3.0)
    index = QuantizedIndex.of(vectors)

    scores, bound = index.approximate_scores(vectors[0]), error_bound(vectors[0], index.error)

    assert (scores + bound >= np.sort(scores - bound)[-10]).sum() < 200
    # The bound is of the order of what is lost, not merely valid.
    assert bound.max() < 0.03


def test_copies_tie_and_the_smaller_row_comes_first_unless_it_is_excluded() -> None:
    vectors = sphere(200, 32, 1)
    vectors[[40, 90, 150]] = vectors[20]
    index = QuantizedIndex.of(vectors)
    scores = index.approximate_scores(vectors[20])

    rows, cosines = index.nearest(vectors[20], 4, scores)
    scores[20] = -np.inf
    without, _ = index.nearest(vectors[20], 200, scores)

    assert rows.tolist() == [20, 40, 90, 150]
    assert len(set(cosines.tolist())) == 1
    assert without[:3].tolist() == [40, 90, 150]
    assert sorted(without.tolist()) == [i for i in range(200) if i != 20]


def test_an_empty_index_finds_nothing() -> None:
    index = QuantizedIndex.of(np.zeros((0, 4), dtype=np.float32))
    query = np.eye(1, 4, dtype=np.float32)[0]

    assert len(index) == 0
    assert [len(part) for part in index.nearest(query, 3, index.approximate_scores(query))] == [0, 0]
