"""The quantised index against the full product: error bounds hold, and the nearest are exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats
from qualia_assets.method.quantized import QuantizedIndex, error_bound


def sphere(n: int, d: int, seed: int, spread: float = 1.0) -> Floats:
    """Unit vectors around one of them; the smaller the spread, the nearer."""
    rng = np.random.default_rng(seed)
    return unit((rng.normal(size=d) + spread * rng.normal(size=(n, d))).astype(np.float32))


@budget(max_examples=40, deadline=None)
@given(
    st.integers(1, 400),
    st.sampled_from([1, 3, 16, 384]),
    st.integers(0, 10_000),
    st.sampled_from([0.003, 0.1, 1.0, 30.0]),
    st.integers(1, 20),
    st.booleans(),
)
def test_bounds_hold_and_the_nearest_are_exact(
    n: int, d: int, seed: int, spread: float, k: int, some: bool
) -> None:
    vectors = sphere(n, d, seed, spread)
    query = sphere(1, d, seed + 1)[0] if seed % 2 else vectors[seed % n]
    index = QuantizedIndex.of(vectors)
    candidates = np.flatnonzero(np.random.default_rng(seed).random(n) < (0.7 if some else 1))

    scores = index.approximate_scores(query)
    rows, cosines = index.nearest(query, k, scores, candidates if some else None)

    full = vectors.astype(np.float64) @ query.astype(np.float64)
    bound = error_bound(query, index.error)
    assert (np.abs(full - scores) <= bound).all()
    assert cosines == pytest.approx(full[rows], abs=1e-5)
    assert set(rows.tolist()) <= set(candidates.tolist())
    assert len(rows) == min(k, len(candidates))
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
