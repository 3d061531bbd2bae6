"""A corpus: who may be seen, and what of it is judged."""

import numpy as np
import pytest

from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets_tests.method.corpora import felt_corpus


def test_all_but_validation_and_test_may_be_seen() -> None:
    corpus = felt_corpus("train", "val", "test", "", "train")

    for split, seen in zip(corpus.split.tolist(), corpus.seen.tolist(), strict=True):
        assert seen == (split in ("train", ""))


def test_the_points_of_a_split_are_its_items_in_their_order() -> None:
    corpus = felt_corpus("train", "test", "")

    points = corpus.points("test")

    mine = [i for i, split in enumerate(corpus.split) if split == "test"]
    assert points.vectors.tobytes() == b"".join(corpus.vectors[i].tobytes() for i in mine)
    assert points.modality.tolist() == [corpus.modality[i] for i in mine]
    assert points.match.tolist() == [corpus.match[i] for i in mine]


def test_several_splits_are_taken_together() -> None:
    corpus = felt_corpus("train", "val", "test", "")

    points = corpus.points(("train", "val"))

    assert points.match.tolist() == [m for m in corpus.match.tolist() if m in (0, 1)]


def test_points_may_be_asked_for_in_another_space() -> None:
    corpus = felt_corpus("train", "test")
    elsewhere = np.arange(3 * len(corpus.vectors), dtype=np.float32).reshape(-1, 3)

    points = corpus.points("test", elsewhere)

    assert points.vectors.tolist() == elsewhere[corpus.split == "test"].tolist()


def test_items_without_a_match_are_never_judged() -> None:
    corpus = felt_corpus("train", "", "val", "test")

    judged = corpus.points(("train", "val", "test"))

    assert UNMATCHED not in judged.match
    assert len(judged) == 33


def test_dealing_matches_anew_leaves_everything_else_as_it_was() -> None:
    corpus = felt_corpus("train", "train", "", "test")

    dealt = corpus.resplit({0: "test", 1: "val", 3: "train"})

    assert dealt.points("test").matches.tolist() == [0]
    assert dealt.points("val").matches.tolist() == [1]
    assert dealt.points("train").matches.tolist() == [3]
    assert set(dealt.split[dealt.match == UNMATCHED].tolist()) == {""}
    assert dealt.vectors is corpus.vectors
    assert dealt.cluster is corpus.cluster
    assert dealt.lexicon is corpus.lexicon


def test_a_match_that_is_dealt_nowhere_is_in_no_split_and_may_be_seen() -> None:
    dealt = felt_corpus("val", "test").resplit({0: "test"})

    assert dealt.seen.tolist() == [m == 1 for m in dealt.match.tolist()]


@pytest.mark.parametrize("splits", [(), ("",)])
def test_a_corpus_may_have_no_match_at_all(splits: tuple[str, ...]) -> None:
    corpus: Corpus = felt_corpus(*splits)

    assert len(corpus.points("train")) == 0
    assert corpus.seen.all()
    assert len(corpus.resplit({}).points("test")) == 0
