"""A corpus: which items may be seen, and which are evaluated."""

import numpy as np
import pytest

from qualia_assets.method.corpus import UNMATCHED
from qualia_assets_tests.method.corpora import felt_corpus


def test_all_but_validation_and_test_matches_may_be_seen() -> None:
    corpus = felt_corpus("train", "val", "test", "", "train")

    assert corpus.seen.tolist() == [split in ("train", "") for split in corpus.split.tolist()]


@pytest.mark.parametrize("splits", ["test", ("train", "val"), ("train", "val", "test")])
def test_the_points_of_splits_are_their_matched_items_in_order(splits: str | tuple[str, ...]) -> None:
    corpus = felt_corpus("train", "", "val", "test")
    elsewhere = np.arange(3 * len(corpus.vectors), dtype=np.float32).reshape(-1, 3)

    points, moved = corpus.points(splits), corpus.points(splits, elsewhere)

    mine = [i for i, split in enumerate(corpus.split) if split and split in splits]
    assert points.vectors.tolist() == corpus.vectors[mine].tolist()
    assert moved.vectors.tolist() == elsewhere[mine].tolist()
    assert points.modality.tolist() == [corpus.modality[i] for i in mine]
    assert points.match.tolist() == [corpus.match[i] for i in mine]
    assert UNMATCHED not in points.match


def test_resplitting_changes_nothing_else() -> None:
    corpus = felt_corpus("train", "train", "", "test")

    split = corpus.resplit({0: "test", 1: "val", 3: "train"})

    assert {s: split.points(s).matches.tolist() for s in ("test", "val", "train")} == {
        "test": [0],
        "val": [1],
        "train": [3],
    }
    assert set(split.split[split.match == UNMATCHED].tolist()) == {""}
    assert split.vectors is corpus.vectors
    assert split.cluster is corpus.cluster
    assert split.lexicon is corpus.lexicon


def test_a_match_without_a_split_may_be_seen() -> None:
    split = felt_corpus("val", "test").resplit({0: "test"})

    assert split.seen.tolist() == [m == 1 for m in split.match.tolist()]


@pytest.mark.parametrize("splits", [(), ("",)])
def test_a_corpus_may_have_no_match_at_all(splits: tuple[str, ...]) -> None:
    corpus = felt_corpus(*splits)

    assert len(corpus.points("train")) == 0
    assert corpus.seen.all()
    assert len(corpus.resplit({}).points("test")) == 0
