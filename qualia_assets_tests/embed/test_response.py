"""Answers of embedding services are checked before they are used."""

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qualia_assets.embed.response import parse_dimensions, parse_embeddings
from qualia_assets.method.neighbours import Floats
from qualia_assets.providers.base import FatalError, RejectedInput

SIZE = 4


def rows(vectors: Floats, encode: bool = False) -> list[dict[str, Any]]:
    def encoded(vector: Floats) -> Any:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode() if encode else vector.tolist()

    return [{"index": i, "embedding": encoded(vector)} for i, vector in enumerate(vectors)]


def raw(count: int) -> Floats:
    return np.random.default_rng(count).normal(size=(count, SIZE)).astype(np.float32)


@given(order=st.permutations(range(6)), encode=st.booleans())
def test_vectors_are_matched_by_index_and_normalised(order: list[int], encode: bool) -> None:
    vectors = raw(6)
    sent = rows(vectors, encode)
    got = parse_embeddings([sent[i] for i in order], 6, SIZE, "x/y")
    wanted = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.allclose(np.stack([v for v in got if v is not None]), wanted, atol=1e-6)
    assert {v.dtype for v in got if v is not None} == {np.dtype(np.float32)}


def test_numbers_whose_squares_overflow_float32_are_normalised() -> None:
    (vector,) = parse_embeddings([{"index": 0, "embedding": [3e30, 0, 0, 4e30]}], 1, SIZE, "x/y")
    assert vector is not None
    assert np.allclose(vector, [0.6, 0, 0, 0.8])


@pytest.mark.parametrize(
    "bad",
    [
        [np.nan, 1, 1, 1],
        [np.inf, 1, 1, 1],
        [1e39, 1, 1, 1],
        [0, 0, 0, 0],
        [1, 1, 1],
        [],
        None,
        "no base64!",
        base64.b64encode(b"12345").decode(),
        ["a", "b", "c", "d"],
        [[1, 2], [3]],
        {"x": 1},
    ],
)
def test_an_unusable_vector_is_none_and_the_others_are_kept(bad: Any) -> None:
    sent = rows(raw(3))
    sent[1]["embedding"] = bad
    got = parse_embeddings(sent, 3, SIZE, "x/y")
    assert [v is None for v in got] == [False, True, False]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "data",
        [1, 2, 3],
        rows(raw(2)),
        rows(raw(4)),
        [*rows(raw(3))[:2], {"index": 1, "embedding": [1, 1, 1, 1]}],
        [*rows(raw(3))[:2], {"index": 3, "embedding": [1, 1, 1, 1]}],
        [*rows(raw(3))[:2], {"embedding": [1, 1, 1, 1]}],
        [*rows(raw(3))[:2], {"index": "2", "embedding": [1, 1, 1, 1]}],
    ],
)
def test_an_answer_whose_vectors_cannot_be_matched_is_refused(answer: Any) -> None:
    with pytest.raises(RejectedInput, match="x/y"):
        parse_embeddings(answer, 3, SIZE, "x/y")


def test_vectors_all_of_another_length_are_fatal() -> None:
    wide = np.ones((3, SIZE + 1), dtype=np.float32)
    with pytest.raises(FatalError, match="vectors of 5 numbers, not 4"):
        parse_embeddings(rows(wide), 3, SIZE, "x/y")


def test_the_dimensions_of_a_single_vector_are_known() -> None:
    assert parse_dimensions(rows(raw(1))) == SIZE
    assert parse_dimensions(rows(raw(1), encode=True)) == SIZE
    assert [parse_dimensions(x) for x in (None, [], rows(raw(2)), [{"index": 0}], "a")] == [0] * 5
