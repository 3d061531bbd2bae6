"""The sieve against the full product: bounds hold, and the nearest are the nearest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Floats, similarities
from qualia_assets.method.sieve import Sieve, wrong


def sphere(n: int, d: int, seed: int, spread: float = 1.0) -> Floats:
    """Unit vectors around one of them; the smaller the spread, the nearer."""
    rng = np.random.default_rng(seed)
    return unit((rng.normal(size=d) + spread * rng.normal(size=(n, d))).astype(np.float32))


def exact(query: Floats, vectors: Floats, among: list[int], k: int) -> list[int]:
    cosine = similarities(query[None], vectors)[0]
    return sorted(among, key=lambda i: (-cosine[i], i))[:k]


@budget(max_examples=60, deadline=None)
@given(
    st.integers(1, 400),
    st.sampled_from([1, 3, 16, 384]),
    st.integers(0, 10_000),
    st.sampled_from([0.003, 0.1, 1.0, 30.0]),
    st.integers(1, 20),
)
def test_bounds_hold_and_the_nearest_are_exact(n: int, d: int, seed: int, spread: float, k: int) -> None:
    vectors = sphere(n, d, seed, spread)
    query = sphere(1, d, seed + 1)[0] if seed % 2 else vectors[seed % n]
    sieve = Sieve.of(vectors)

    nearly = sieve.scan(query)
    among = np.flatnonzero(np.random.default_rng(seed).random(n) < 0.7)
    rows, cosines = sieve.nearest(query, k, nearly, among)

    full = vectors.astype(np.float64) @ query.astype(np.float64)
    off = wrong(query, sieve.error)
    assert (nearly - off <= full).all()
    assert (full <= nearly + off).all()
    assert len(rows) == min(k, len(among))
    assert cosines == pytest.approx(full[rows], abs=1e-5)
    # Rounding may order what is equal to it, and nothing else.
    assert cosines == pytest.approx(full[exact(query, vectors, among.tolist(), k)], abs=1e-6)


def test_the_nearest_are_those_of_the_full_product_in_its_order() -> None:
    vectors = sphere(5_000, 384, 0, 3.0)
    sieve = Sieve.of(vectors)
    for query in vectors[:20]:
        rows, _ = sieve.nearest(query, 10, sieve.scan(query))
        assert rows.tolist() == exact(query, vectors, list(range(5_000)), 10)


def test_nearly_all_are_ruled_out_without_being_looked_at() -> None:
    vectors = sphere(20_000, 384, 0, 3.0)
    sieve = Sieve.of(vectors)
    nearly, off = sieve.scan(vectors[0]), wrong(vectors[0], sieve.error)
    assert (nearly + off >= np.sort(nearly - off)[-10]).sum() < 200


def test_copies_tie_and_the_smaller_row_comes_first() -> None:
    vectors = sphere(200, 32, 1)
    vectors[[40, 90, 150]] = vectors[20]
    sieve = Sieve.of(vectors)

    rows, cosines = sieve.nearest(vectors[20], 4, sieve.scan(vectors[20]))

    assert rows.tolist() == [20, 40, 90, 150]
    assert len(set(cosines.tolist())) == 1


def test_what_is_left_out_is_not_found() -> None:
    vectors = sphere(50, 8, 2)
    sieve = Sieve.of(vectors)
    nearly = sieve.scan(vectors[7])
    nearly[7] = -np.inf

    rows, _ = sieve.nearest(vectors[7], 50, nearly)

    assert len(rows) == 49
    assert 7 not in rows


def test_among_none_none_is_found() -> None:
    sieve = Sieve.of(np.zeros((0, 4), dtype=np.float32))
    query = np.eye(1, 4, dtype=np.float32)[0]
    assert [len(part) for part in sieve.nearest(query, 3, sieve.scan(query))] == [0, 0]
