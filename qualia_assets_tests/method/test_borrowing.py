"""Words borrowed from the captions of pictures alike."""

import numpy as np
import pytest

from qualia_assets.method.borrowing import Borrowed, borrow

CAPTIONS = [frozenset({"sea", "boat"})] * 6 + [frozenset({"bread", "table"})] * 6 + [frozenset({"odd"})]


def near(rows: list[int]) -> np.ndarray:
    out = np.zeros((1, len(CAPTIONS)), dtype=np.float32)
    out[0, rows] = 1
    return out


def test_words_that_the_nearest_captions_share_are_borrowed_with_their_share() -> None:
    sea = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    (lent,) = borrow(near(sea[:6]), near(sea[:6]), CAPTIONS, most=2)
    assert lent.words == ("boat", "sea")
    # Six of the ten captions asked.
    assert lent.confidence == pytest.approx(0.6)


def test_look_alikes_count_half() -> None:
    by_look = np.arange(len(CAPTIONS), dtype=np.float32)[None]
    (lent,) = borrow(near([0, 1, 2, 3, 4, 5]), by_look, CAPTIONS, most=4)
    shares = {"sea": (6 + 0.5 * 3) / 15, "bread": (4 + 0.5 * 6) / 15}
    assert lent.words == ("boat", "sea", "bread", "table")
    assert lent.confidence == pytest.approx((shares["sea"] + shares["bread"]) / 2)


def test_a_word_of_a_single_caption_and_one_of_all_are_not_borrowed() -> None:
    every = [frozenset({"pin"}) for _ in range(12)] + [frozenset({"pin", "once"})]
    everything = np.ones((1, 13), dtype=np.float32)
    assert borrow(everything, everything, every) == [Borrowed()]
    assert borrow(np.zeros((2, 0), np.float32), np.zeros((2, 0), np.float32), []) == [Borrowed(), Borrowed()]
