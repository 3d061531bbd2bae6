"""A corpus: which items may be seen, and which are evaluated."""

import numpy as np
import pytest

from qualia_assets_tests.method.corpora import felt_corpus


def test_all_but_validation_and_test_matches_may_be_seen() -> None:
    corpus = felt_corpus("train", "val", "test", "", "train")

    assert corpus.seen.tolist() == [split in ("train", "") for split in corpus.split.tolist()]


@pytest.mark.parametrize("splits", ["test", ("train", "val")])
def test_the_points_of_splits_are_their_matched_items_in_order(splits: str | tuple[str, ...]) -> None:
    corpus = felt_corpus("train", "", "val", "test")
    elsewhere = np.arange(3 * len(corpus.vectors), dtype=np.float32).reshape(-1, 3)

    points, moved = corpus.points(splits), corpus.points(splits, elsewhere)

    mine = [i for i, split in enumerate(corpus.split) if split and split in splits]
    for all_items, some in (
        (corpus.vectors, points.vectors),
        (corpus.modality, points.modality),
        (corpus.match, points.match),
        (elsewhere, moved.vectors),
    ):
        assert some.tolist() == all_items[mine].tolist()


def test_resplitting_changes_only_splits_and_a_match_that_is_not_given_may_be_seen() -> None:
    corpus = felt_corpus("val", "train", "", "test", "test")

    split = corpus.resplit({0: "test", 1: "val", 3: "train"})

    matches = {side: split.points(side).matches.tolist() for side in ("test", "val", "train")}
    assert matches == {"test": [0], "val": [1], "train": [3]}
    assert split.seen.tolist() == [match not in (0, 1) for match in split.match.tolist()]
    for name in ("vectors", "modality", "cluster", "match", "lexicon"):
        assert getattr(split, name) is getattr(corpus, name)
