"""Small corpora with planted matches, for tests of what is fitted to them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from qualia_assets.method.corpus import UNMATCHED, Corpus
from qualia_assets.method.matching import unit
from qualia_assets.method.neighbours import Mask
from qualia_assets.method.scorecard import MetricValue
from qualia_assets_tests.method.by_loops import felt_points


def felt_corpus(*splits: str, size: tuple[int, int] = (6, 5), gap: float = 1.0) -> Corpus:
    """A match of so many texts and images for each split named; for ``""`` two unmatched clusters.

    Its lexicon has 80 words.
    """
    points = felt_points(0, [size] * len(splits), gap=gap)
    number = points.match // 10
    split = np.array(splits, dtype=np.str_)[number]
    return Corpus(
        points.vectors,
        points.modality,
        cluster=number,
        match=np.where(split == "", UNMATCHED, number),
        split=split,
        lexicon=unit(np.random.default_rng(1).normal(size=(80, points.vectors.shape[1]))),
    )


def only(corpus: Corpus, keep: Mask) -> Corpus:
    """Some of the items."""
    names = ("vectors", "modality", "cluster", "match", "split")
    return replace(corpus, **{name: getattr(corpus, name)[keep] for name in names})


def identical(corpus: Corpus) -> Corpus:
    """The same items, all with one vector."""
    return replace(corpus, vectors=np.tile(corpus.vectors[:1], (len(corpus.match), 1)))


def assert_numbers_or_reasons(values: Iterable[MetricValue]) -> None:
    """Check that every metric has a finite value, or a note that says why it has none."""
    for f in values:
        assert (f.value is None) == bool(f.note), f
        assert (f.ci_low is None) == (f.ci_high is None), f
        numbers = (f.value, f.std, f.ci_low, f.ci_high, f.chance)
        assert all(math.isfinite(x) for x in numbers if x is not None), f


def as_bytes(weights: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


SPLITS = ("train", "train", "train", "train", "val", "val", "test", "test")
_PLAIN = felt_corpus(*SPLITS, "")
_FIRST = np.arange(len(_PLAIN.match)) == 0
ODD = {
    "nothing": felt_corpus(),
    "no match": felt_corpus("", ""),
    "one match": felt_corpus("train"),
    "two matches": felt_corpus("train", "test"),
    "three matches": felt_corpus("train", "train", "train"),
    "nothing to train on": felt_corpus("val", "val", "test"),
    "texts alone": felt_corpus(*SPLITS, size=(5, 0)),
    "images alone": felt_corpus(*SPLITS, size=(0, 5)),
    "one text": replace(_PLAIN, modality=np.where(_FIRST, "text", "image")),
    "images of one match": replace(_PLAIN, modality=np.where(_PLAIN.match == 0, _PLAIN.modality, "text")),
    "no images in val": replace(_PLAIN, modality=np.where(_PLAIN.split == "val", "text", _PLAIN.modality)),
    "one item per cluster": felt_corpus(*SPLITS, size=(1, 1)),
    "identical vectors": identical(_PLAIN),
}
